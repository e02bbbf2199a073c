"""What a chat asks beside its messages and tools, as Bedrock's Converse takes it.

Source: botocore 1.44 (bedrock-runtime: InferenceConfiguration, OutputConfig), read 2026-11-26.
Quirks: temperature ends at 1, and a hotter one is an error here, since no colder one means the same. What only some models know
stands in additionalModelRequestFields, in each maker's own words; a model whose id doesn't tell its maker (an ARN of an inference
profile) is taken for Claude. Claude's thinking needs at least 1,024 tokens, fewer than the answer may have, and goes with neither
temperature, top_p, top_k nor a forced tool.
"""

from typing import Any, Literal

import msgspec

from appliance.chat import ChatRequest
from appliance.errors import InvalidField

Maker = Literal["anthropic", "amazon", "openai"]

TEMPERATURE_MAX = 1.0
THINKING_TOKENS_MIN = 1024
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16_384, "xhigh": 32_768, "max": 32_768}
_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_write = msgspec.json.Encoder().encode


def maker(model: str) -> Maker:
    if ".nova" in model:
        return "amazon"
    return "openai" if "openai." in model else "anthropic"


def options(chat: ChatRequest, model: str, *, may_think: bool) -> dict[str, Any]:
    """The members of a request that say how to answer. Errors: InvalidField."""
    thinking = _thinking(chat, maker(model), may_think=may_think)
    found: dict[str, Any] = {}
    if inference := _inference(chat, thinks=bool(thinking)):
        found["inferenceConfig"] = inference
    if additional := {**_top_k(chat, maker(model), thinks=bool(thinking)), **thinking}:
        found["additionalModelRequestFields"] = additional
    if "stopSequences" in inference:  # Claude then tells which of them it was; from others this is left out
        found["additionalModelResponseFieldPaths"] = ["/stop_sequence"]
    if (chat.response_format or {}).get("type") == "json_schema":
        found["outputConfig"] = {"textFormat": _text_format(chat.response_format or {})}
    return found


def _inference(chat: ChatRequest, *, thinks: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if chat.temperature is not None and chat.temperature > TEMPERATURE_MAX:
        raise InvalidField(
            f"temperature: Bedrock takes 0 to {TEMPERATURE_MAX:g}", param="temperature", fix="Send at most 1, or leave it out."
        )
    if chat.tokens_out_max is not None:
        if chat.tokens_out_max < 1:
            raise InvalidField("an answer needs at least one token", param="max_tokens", fix="Ask for more.")
        found["maxTokens"] = chat.tokens_out_max
    if not thinks:
        if chat.temperature is not None:
            found["temperature"] = chat.temperature
        if chat.top_p is not None:
            found["topP"] = chat.top_p
    stops = [chat.stop] if isinstance(chat.stop, str) else chat.stop or []
    if stops := [stop for stop in stops if stop]:
        found["stopSequences"] = stops
    return found


def _top_k(chat: ChatRequest, made_by: Maker, *, thinks: bool) -> dict[str, Any]:
    if chat.top_k is None or thinks:
        return {}
    return {"inferenceConfig": {"topK": chat.top_k}} if made_by == "amazon" else {"top_k": chat.top_k}


def _thinking(chat: ChatRequest, made_by: Maker, *, may_think: bool) -> dict[str, Any]:
    """The wish to think in its maker's words; empty for none."""
    asked = chat.thinking if (chat.thinking or {}).get("type") in ("enabled", "adaptive") else None
    effort = chat.reasoning_effort if chat.reasoning_effort in _BUDGETS else None
    if asked is None and effort is None:
        return {}
    if made_by == "openai":
        return {"reasoning_effort": _LEVELS[effort or "medium"]}
    if made_by == "amazon":
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": _LEVELS[effort or "medium"]}}
    if not may_think or (chat.tools and (chat.tool_choice == "required" or isinstance(chat.tool_choice, dict))):
        return {}
    if asked is not None:
        return {"thinking": asked}
    budget, room = _BUDGETS[effort or "medium"], chat.tokens_out_max
    if room is not None and budget >= room:
        budget = max(room // 2, THINKING_TOKENS_MIN)
        if budget >= room:
            return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _text_format(response_format: dict[str, Any]) -> dict[str, Any]:
    """Bedrock takes a schema as text."""
    wanted = response_format.get("json_schema")
    schema = wanted.get("schema") if isinstance(wanted, dict) else None
    if not isinstance(wanted, dict) or not isinstance(schema, dict):
        raise InvalidField(
            "a response_format of type json_schema needs a schema",
            param="response_format.json_schema.schema",
            fix='Send {"type": "json_schema", "json_schema": {"name": …, "schema": {…}}}.',
        )
    definition = {"schema": _write(schema).decode()}
    definition.update({name: wanted[name] for name in ("name", "description") if isinstance(wanted.get(name), str)})
    return {"type": "json_schema", "structure": {"jsonSchema": definition}}
