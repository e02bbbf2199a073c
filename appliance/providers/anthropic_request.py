"""A translated request: the body of `POST /v1/messages`.

Source: platform.claude.com/docs/en/api/messages and api/versioning, read 2026-11-26.
Quirks: unknown fields are refused; `max_tokens` is required (see anthropic_thinking.TOKENS_OUT_DEFAULT); temperature ends at 1,
and a hotter one is an error here, since no colder one means the same; blank stop sequences are refused. With thinking there are
no temperature and top_k, and models that always choose for themselves know no sampling at all: there it is left out.
"""

from typing import Any

from appliance.chat import ChatRequest
from appliance.errors import InvalidField
from appliance.providers.anthropic_thinking import is_adaptive, thinking
from appliance.providers.anthropic_tools import JSON_PLEASE, output_format, tool_choice, tools
from appliance.providers.anthropic_turns import conversation

TEMPERATURE_MAX = 1.0


def body_of(chat: ChatRequest, model: str) -> dict[str, Any]:
    """Errors: InvalidField, FeatureUnsupported for what can't be said in Anthropic's format."""
    system, messages = conversation(chat)
    thought = thinking(chat, model, messages)
    body: dict[str, Any] = {"model": model, "max_tokens": thought.max_tokens, "messages": messages}
    if (chat.response_format or {}).get("type") == "json_object":
        system.append({"type": "text", "text": JSON_PLEASE})
    if system:
        body["system"] = system[0]["text"] if len(system) == 1 else system
    if chat.stream:
        body["stream"] = True
    if offered := tools(chat):
        body["tools"] = offered
    if choice := tool_choice(chat):
        body["tool_choice"] = choice
    if stops := _stop_sequences(chat.stop):
        body["stop_sequences"] = stops
    if thought.config is not None:
        body["thinking"] = thought.config
    config = {"effort": thought.effort, "format": output_format(chat.response_format)}
    if config := {name: value for name, value in config.items() if value is not None}:
        body["output_config"] = config
    body.update(_sampling(chat, may_sample=not thought.is_on and not is_adaptive(model)))
    return body


def _sampling(chat: ChatRequest, *, may_sample: bool) -> dict[str, Any]:
    if chat.temperature is not None and chat.temperature > TEMPERATURE_MAX:
        raise InvalidField(
            f"temperature: Anthropic takes 0 to {TEMPERATURE_MAX:g}", param="temperature", fix="Send at most 1, or leave it out."
        )
    if not may_sample:
        return {}
    asked = {"temperature": chat.temperature, "top_p": chat.top_p, "top_k": chat.top_k}
    if chat.top_p == 1:  # says nothing, and some models refuse it beside a temperature
        del asked["top_p"]
    return {name: value for name, value in asked.items() if value is not None}


def _stop_sequences(stop: str | list[str] | None) -> list[str]:
    stops = [stop] if isinstance(stop, str) else stop or []
    stops = [one for one in stops if one]
    if any(not one.strip() for one in stops):
        raise InvalidField("stop: Anthropic takes no stop sequence of blanks alone", param="stop", fix="Leave that one out.")
    return stops
