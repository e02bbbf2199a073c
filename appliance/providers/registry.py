"""Which file speaks which kind of provider."""

from appliance.providers.openai import OpenAI
from appliance.providers.wire import Provider

_openai = OpenAI()

PROVIDERS: dict[str, Provider] = {
    "openai": _openai,
    "openai-compatible": _openai,
    "vllm": _openai,  # the same surface; it ignores fields that it doesn't know
}

OPENAI_BASE_URL = "https://api.openai.com/v1"
