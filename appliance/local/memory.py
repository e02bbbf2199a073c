"""The memory that a model will want, before it is loaded; and the memory that local models may have together.

Measured on 2026-11-25 with the demonstration model, as resident memory of the worker after its answers, in MiB:

    context x parallel      512 x 1   2048 x 1   4096 x 4   8192 x 4   2048 x 16
    llama-cpp-python            180        214        533        895         901
    xllamacpp                   175        209        526        886         899
    said by need()              198        232        548        908         913

    as an embedding model   512 x 1   2048 x 1   2048 x 4
    llama-cpp-python            364        991        994
    xllamacpp                   361        995       1131
    said by need()              390       1040       1175

Weights count whole, since all of the mapped file is read. Layers with a sliding window count whole too: our engines keep
all of their context, for what is shared must be kept. A graphics processor's own memory is not counted apart.
"""

from pathlib import Path

import msgspec

from appliance.local.gguf_model import ENCODERS, GgufInfo
from appliance.local.kinds import ModelKind
from appliance.settings import Settings

GIB = 1024**3
BATCH_TOKENS = 512  # computed at once, by both engines
PROGRAM_BYTES = 80 * 1024 * 1024  # a worker's own: Python, the engine's libraries and tables
KEPT_PART = 8  # of the attention cache
LEAST_FOR_THE_REST_BYTES = GIB
REST_SHARE = 5  # one part of that many stays free

CGROUPS = Path("/sys/fs/cgroup")
OUR_CGROUP = Path("/proc/self/cgroup")


class MemoryNeed(msgspec.Struct, frozen=True):
    """Bytes. `weights`: the file, which is mapped. `cache`: what is remembered of every token. `compute`: all else, what is
    kept of prompts that are over among it.
    """

    weights: int
    cache: int
    compute: int
    total: int


def need(info: GgufInfo, *, context_tokens: int, parallel: int, cells: int = 0) -> MemoryNeed:
    """What running it takes with `parallel` requests of `context_tokens` each; `cells`: tokens for everybody, where given."""
    seats = 2 * parallel
    cache = info.kv_bytes_per_token * (cells or context_tokens * parallel) + info.state_bytes_per_sequence * seats
    batch, at_the_end = BATCH_TOKENS, seats * info.vocabulary
    if info.kind is ModelKind.EMBEDDING:  # an input is computed in one piece
        batch = max(batch, context_tokens)
        is_encoder = info.architecture in ENCODERS
        at_the_end = info.heads * batch * batch if is_encoder else 2 * batch * info.vocabulary
    widths = 4 * info.embedding_length + 3 * info.feed_forward_length * max(1, info.experts_used)
    kept = kept_bytes(info, context_tokens=context_tokens, parallel=parallel)
    compute = PROGRAM_BYTES + 4 * (batch * widths + at_the_end) + kept
    return MemoryNeed(info.file_bytes, cache, compute, info.file_bytes + cache + compute)


def kept_bytes(info: GgufInfo, *, context_tokens: int, parallel: int) -> int:
    """What an engine may keep of prompts that are over, beside the attention cache."""
    return info.kv_bytes_per_token * context_tokens * parallel // KEPT_PART if info.kind is ModelKind.CHAT else 0


def available(settings: Settings) -> int:
    """Bytes that the workers of all local models may have together: the setting, or what this machine has less a fifth."""
    machine = machine_bytes()
    rest = max(machine // REST_SHARE, LEAST_FOR_THE_REST_BYTES)
    return settings.local_memory_bytes or max(machine - rest, 0)


def machine_bytes() -> int:
    """The memory of this machine, or of the container that we are in."""
    import psutil

    total = int(psutil.virtual_memory().total)
    return min(total, _cgroup_bytes() or total)


def _cgroup_bytes() -> int | None:
    """The least limit of the control groups that we are in: a container's, or a service's MemoryMax."""
    try:
        ours = OUR_CGROUP.read_text().rpartition("0::/")[2].strip()
    except OSError:  # no such system
        return None
    limits = []
    for folder in (CGROUPS / ours, *(CGROUPS / ours).parents):
        try:
            limits.append(int((folder / "memory.max").read_text()))
        except (OSError, ValueError):  # none here ("max")
            continue
    return min(limits, default=None)
