"""What of this machine an engine may use."""

import math
import os
from pathlib import Path

from appliance.local.gguf import GgufInfo
from appliance.local.kinds import ModelKind
from appliance.settings import Settings

CONTEXT_TOKENS_MAX = 8192  # unless settings say otherwise: the attention cache grows with it, for every parallel request
EMBEDDING_CONTEXT_TOKENS_MAX = 2048  # an input is computed in one piece, which costs memory with its square
CONTEXT_TOKENS_UNKNOWN = 2048

_CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")


def cores() -> int:
    """Cores that this process may use: what the system has, less what an affinity or a container's quota takes away."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return max(1, min(count, _quota() or count))


def _quota() -> int | None:
    """A container's limit in whole cores. Its processes see all cores, and an engine that believes it decodes at a crawl."""
    try:
        quota, period = _CGROUP_CPU.read_text().split()
        return max(1, math.floor(int(quota) / int(period)))
    except (OSError, ValueError):  # no such limit ("max"), or no such system
        return None


def threads(settings: Settings, available: int) -> int:
    """Threads of one engine. ggml's threads spin: with more of them than free cores it decodes ten times slower."""
    most = max(1, available - 1)
    return min(settings.local_threads or most, most)


def context_tokens(settings: Settings, info: GgufInfo, catalogue_context: int) -> int:
    """Tokens that each parallel request may have, prompt and answer together."""
    model = info.context_tokens or CONTEXT_TOKENS_UNKNOWN
    if settings.local_context_tokens:
        return min(settings.local_context_tokens, model)
    usual = EMBEDDING_CONTEXT_TOKENS_MAX if info.kind is ModelKind.EMBEDDING else CONTEXT_TOKENS_MAX
    return min(catalogue_context or usual, usual, model)
