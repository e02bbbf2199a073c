"""What a `[[vllm]]` table may not say: names that lead elsewhere already, and flags that would open a door to others."""

from collections.abc import Callable, Iterator

from appliance.settings import KEYS_OF_VENDORS, Settings, VllmSettings
from appliance.settings_rules import Problem

ArgumentPlace = Callable[[int, str], str]
RESERVED = ("local", "vllm")  # what stands before the slash: this machine's own models

_CODE = "it runs code that nobody here has looked at, or opens this machine's files to callers"
# Why a flag is refused, and which. Read off vLLM 0.32 (entrypoints/launchers/cli_args.py, engine/arg_utils.py), 2026-11-25.
_WHY = {
    "it is set by another key of the table": """
        model served-model-name gpu-memory-utilization device-memory-utilization max-model-len""",
    "the appliance alone decides where vLLM listens, with which key, and whom it connects to": """
        host port uds grpc grpc-port root-path headless api-server-count config
        ssl-keyfile ssl-certfile ssl-ca-certs ssl-cert-reqs ssl-ciphers enable-ssl-refresh
        allow-credentials allowed-origins allowed-methods allowed-headers
        data-parallel-address data-parallel-rpc-port data-parallel-rank data-parallel-start-rank data-parallel-size-local
        data-parallel-backend data-parallel-hybrid-lb data-parallel-external-lb data-parallel-multi-port-external-lb
        data-parallel-supervisor-port master-addr master-port nnodes node-rank distributed-executor-backend tool-server
        kv-transfer-config kv-events-config ec-transfer-config weight-transfer-config otlp-traces-endpoint""",
    _CODE: """
        middleware tool-parser-plugin reasoning-parser-plugin io-processor-plugin logits-processors
        worker-cls worker-extension-cls scheduler-cls model-class-overrides profiler-config
        trust-request-chat-template trust-request-mm-kwargs enable-prompt-embeds enable-mm-embeds allowed-local-media-path""",
    "prompts would stand in the log": """
        enable-log-requests enable-log-outputs enable-log-deltas log-config-file logging-config log-level uvicorn-log-level""",
    "everybody on this machine could read it in the list of processes": "api-key hf-token",
    "the length of the queue is among what it turns off": "disable-log-stats",
}
REFUSED = {flag: why for why, flags in _WHY.items() for flag in flags.split()}
# What looks like the beginning of a refused flag, and is a flag itself.
WHOLE = frozenset(("reasoning-parser", "data-parallel-size"))
REMOTE_CODE = "trust-remote-code"
MEDIA = "--allowed-media-domains"
# vLLM's flags of one dash that concern the computing alone.
SHORT = frozenset(("-tp", "-pp", "-dp", "-ep", "-dcp", "-pcp", "-q", "-O", "-cc", "-ac", "-sc"))


def contradictions(settings: Settings, place: ArgumentPlace) -> Iterator[Problem]:
    """Everything that can't hold. `place` has the line of a key of the Nth table."""
    providers = {provider.name for provider in settings.providers}
    providers.update(vendor for vendor, setting in KEYS_OF_VENDORS.items() if getattr(settings, setting))
    seen: set[str] = set()
    for index, table in enumerate(settings.vllm):
        yield from _name(table.name, providers, seen, place(index, "name"))
        seen.add(table.name)
        if table.allow_download and settings.air_gap:
            where, mend = place(index, "allow_download"), "Take one of the two out; fetch the model elsewhere and carry it over."
            yield Problem(where, f"{table.name} may fetch its model (allow_download), but air_gap refuses that", mend)
        if settings.air_gap and any(map(_may_fetch_images, table.arguments)):
            what = f"{table.name} may fetch images (--allowed-media-domains), but air_gap refuses that"
            yield Problem(place(index, "arguments"), what, "Take one of the two out; images can be sent as data: URLs.")
        for key in ("model", "python", "arguments"):
            if "\0" in "".join(getattr(table, key)):
                yield Problem(place(index, key), f"the {key} of {table.name} has a zero byte in it", "Take it out.")
        if problem := refused_argument(table):
            yield Problem(place(index, "arguments"), *problem)


def _name(name: str, providers: set[str], seen: set[str], where: str) -> Iterator[Problem]:
    first = name.partition("/")[0]
    another = "Choose another name."
    if name in seen:
        yield Problem(where, f"a vLLM model called {name!r} stands above already", "Give one of the two another name.")
    elif first in providers:
        yield Problem(where, f"{name!r} is the name of the provider {first}, or of a model of it", another)
    elif "vllm" in providers:
        mend = "Give the provider another name: `vllm/…` leads to the models of [[vllm]]."
        yield Problem(where, "there is a provider called 'vllm', so a name such as vllm/model would have two meanings", mend)
    elif first in RESERVED:
        yield Problem(where, f"the name {first!r} belongs to this machine's own models", another)


def refused_argument(table: VllmSettings) -> tuple[str, str] | None:
    """The first of its arguments that is refused: what is wrong, and the mend. None where all may pass.

    Abbreviations count: vLLM takes `--hos` for `--host`, and `--api_key` for `--api-key`.
    """
    if table.arguments and not table.arguments[0].startswith("-"):
        first = table.arguments[0][:40]
        return f"the arguments of {table.name} begin with {first!r}, which is no flag", 'Write ["--flag", "value"].'
    for argument in table.arguments:
        if not argument.startswith("-") or _is_number(argument):
            continue  # the value of the flag before it
        flag = argument.partition("=")[0].partition(".")[0]
        if not flag.startswith("--"):
            if flag.rstrip("0123456789") not in SHORT:
                return f"the argument {flag[:40]} of {table.name} is not known here", "Write the flag's long form."
            continue
        name = flag[2:].replace("_", "-").removesuffix("+")
        if name and REMOTE_CODE.startswith(name):
            if not table.allow_remote_code:
                mend = "Take it out of arguments, or set allow_remote_code = true."
                return f"the argument {flag[:40]} of {table.name} is refused: {_CODE}", mend
            continue
        meant = next((known for known in REFUSED if known.startswith(name)), None)  # `--` alone means all of them
        if meant is not None and name not in WHOLE:
            return f"the argument {flag[:40]} of {table.name} is refused: {REFUSED[meant]}", "Take it out of arguments."
    return None


def _may_fetch_images(argument: str) -> bool:
    """Whether it is vLLM's flag that opens hosts to it, written out or shortened."""
    name = argument.partition("=")[0].partition(".")[0].replace("_", "-").removesuffix("+")
    return name.startswith("--allowed-med") and MEDIA.startswith(name)  # `--allowed-me` could be another


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
