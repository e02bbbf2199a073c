"""vLLM, and servers that speak OpenAI's format without being OpenAI.

Source: docs.vllm.ai, OpenAI-Compatible Server; vLLM 0.32.
Quirks: fields that it doesn't know are ignored, so whatever a caller of OpenAI's dialect sends is passed on untouched
(structured_outputs, guided_json, chat_template_kwargs, …). It takes top_k and min_p. What a model thought is `reasoning`, or
`reasoning_content` in older versions, in answers and in history. Its templates know no role `developer`. Whether a model thinks
is said to its template, by names that differ: enable_thinking (Qwen, GLM), thinking (DeepSeek, Granite).
"""

from typing import Any

from appliance.chat import ChatRequest
from appliance.providers.openai import FEATURES, OpenAI
from appliance.providers.openai_body import Manners, body_of
from appliance.providers.support import Support
from appliance.providers.wire import Deployment

_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}  # vLLM refuses the rest of OpenAI's words


class Compatible(OpenAI):
    """Any server of the kind "openai-compatible". Most can do what vLLM can; one that can't says so itself."""

    support = Support(FEATURES | {"top_k", "min_p"})
    manners = Manners("max_tokens", knows_developer=False, takes_top_k=True)
    knows_only_its_own = False  # it may be another Gatehouse, which gave those marks out


class Vllm(Compatible):
    """Stateless, as OpenAI."""

    documents = frozenset()
    manners = Manners("max_tokens", knows_developer=False, takes_reasoning=True, takes_top_k=True)

    def translated(self, chat: ChatRequest, deployment: Deployment) -> dict[str, Any]:
        body = body_of(chat, deployment.model, self.manners)
        effort = body.pop("reasoning_effort", None)
        thinks = _thinks(chat)
        if thinks is not None:
            body["chat_template_kwargs"] = {"enable_thinking": thinks, "thinking": thinks}
        if effort not in (None, "none"):
            body["reasoning_effort"] = _EFFORTS.get(effort, effort)
        return body


def _thinks(chat: ChatRequest) -> bool | None:
    """Whether the model is to think; None: as it is used to."""
    kind = (chat.thinking or {}).get("type")
    if kind == "disabled" or chat.reasoning_effort == "none":
        return False
    return True if kind == "enabled" or chat.reasoning_effort is not None else None
