"""Which file speaks which kind of provider."""

from appliance.providers.openai import OpenAI
from appliance.providers.wire import Provider

_openai = OpenAI()

PROVIDERS: dict[str, Provider] = {
    "openai": _openai,
    "openai-compatible": _openai,
    "vllm": _openai,  # the same surface; it ignores fields that it doesn't know
}


def wire(kind: str, dialect: str) -> Provider:
    """The file for a deployment of this kind, called by callers of this dialect.

    `dialect`: as in Provider.dialect. A vendor with a second surface has a second file for it, which only passes through.
    """
    return _SECOND_SURFACES.get((kind, dialect)) or PROVIDERS[kind]


_SECOND_SURFACES: dict[tuple[str, str], Provider] = {}
