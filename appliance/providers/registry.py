"""Which file speaks which kind of provider."""

from appliance.providers.anthropic import Anthropic
from appliance.providers.azure import Azure
from appliance.providers.bedrock import Bedrock
from appliance.providers.google import Google
from appliance.providers.openai import OpenAI
from appliance.providers.openai_responses import AzureResponses, OpenAIResponses
from appliance.providers.vllm import Compatible, Vllm
from appliance.providers.wire import Provider, TokenCounter

_anthropic = Anthropic()

PROVIDERS: dict[str, Provider] = {
    "openai": OpenAI(),
    "azure": Azure(),
    "anthropic": _anthropic,
    "google": Google(),
    "bedrock": Bedrock(),
    "vllm": Vllm(),
    "openai-compatible": Compatible(),
}

_SECOND_SURFACES: dict[tuple[str, str], Provider] = {
    ("openai", "openai_responses"): OpenAIResponses(),
    ("azure", "openai_responses"): AzureResponses(),
}

# Who counts a request's tokens for callers of POST /v1/messages/count_tokens.
TOKEN_COUNTERS: dict[str, TokenCounter] = {"anthropic": _anthropic}


def wire(kind: str, dialect: str) -> Provider:
    """The file for a deployment of this kind, called by callers of this dialect.

    `dialect`: as in Provider.dialect. A vendor with a second surface has a second file for it, which only passes through.
    """
    return _SECOND_SURFACES.get((kind, dialect)) or PROVIDERS[kind]
