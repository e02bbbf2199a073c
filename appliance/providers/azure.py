"""Azure OpenAI: OpenAI's format at other addresses, with a key in another header.

Source: the openai Python SDK 3.57 (lib/azure.py) for paths and headers, read 2026-11-26.
Quirks: the model's name is the deployment's, in the path where there is an api_version, in the body on the v1 surface (no
api_version, or "preview" | "latest"; a base_url that ends in /openai/v1 means it too). A stream opens with an event of no choices
and prompt_filter_results, on which clients break that read choices[0]: it is left out. A prompt that was filtered is 400 with the
code content_filter, at times only in `innererror`. Azure lists what could be deployed, not what is, so we ask it for no models.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from appliance.chat import ChatRequest
from appliance.errors import GatehouseError, UpstreamModelUnknown
from appliance.providers.openai import OpenAI, OpenAIStream
from appliance.providers.openai_body import Manners, body_of
from appliance.providers.sse_stream import SseStream
from appliance.providers.wire import Deployment, Outgoing

_V1_VERSIONS = ("", "v1", "preview", "latest")
_KNOWS_TODAYS_FIELDS = "2024-09"  # from this api_version on: max_completion_tokens, stream_options


class Azure(OpenAI):
    """Stateless, as OpenAI."""

    def address(self, surface: str, deployment: Deployment) -> str:
        base, version = deployment.base_url, deployment.api_version
        if is_v1(deployment):
            root = "" if base.endswith("/openai/v1") else "/v1" if base.endswith("/openai") else "/openai/v1"
            return root + surface + (f"?api-version={version}" if version in ("preview", "latest") else "")
        root = "" if base.endswith("/openai") else "/openai"
        return f"{root}/deployments/{quote(deployment.model, safe='')}{surface}?api-version={quote(version, safe='')}"

    def headers(self, deployment: Deployment) -> dict[str, str]:
        credential = {"api-key": deployment.api_key} if deployment.api_key else {}
        return {"Content-Type": "application/json", "Accept-Encoding": "identity", **credential}

    def translated(self, chat: ChatRequest, deployment: Deployment) -> dict[str, Any]:
        manners = Manners() if self.tells_usage(deployment) else Manners("max_tokens", knows_developer=False)
        return body_of(chat, deployment.model, manners)

    def tells_usage(self, deployment: Deployment) -> bool:
        return is_v1(deployment) or deployment.api_version >= _KNOWS_TODAYS_FIELDS

    def chat_stream(self, chat: ChatRequest, deployment: Deployment, *, passes: bool) -> SseStream:
        asked = chat.stream_options is not None and bool(chat.stream_options.include_usage)
        return AzureStream(deployment.provider, choices=chat.n or 1, usage_asked=asked, passes=passes)

    def models_request(self, deployment: Deployment) -> Outgoing | None:
        return None

    def error(self, status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment) -> GatehouseError:
        error = super().error(status, headers, body, deployment)
        if isinstance(error, UpstreamModelUnknown):
            error.fix = "Check the deployment's name at Azure, and the provider's base_url and api_version."
        return error


class AzureStream(OpenAIStream):
    drops_preamble = True


def is_v1(deployment: Deployment) -> bool:
    """Whether the v1 surface is meant."""
    return deployment.api_version in _V1_VERSIONS or deployment.base_url.endswith("/openai/v1")
