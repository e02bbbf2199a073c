"""What OpenAI refuses, as it refuses it: the checks behind `/v1`, left out behind `/lenient/v1` (vLLM and friends).

Source: the openai Python SDK 3.57 for names and shapes; the refusals are general knowledge of the live service.
"""

from typing import Any

# fmt: off
CHAT_ARGUMENTS = frozenset({
    "messages", "model", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
    "max_completion_tokens", "max_tokens", "metadata", "modalities", "moderation", "n", "parallel_tool_calls",
    "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
    "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream",
    "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity",
    "web_search_options",
})
# fmt: on
EMBEDDING_ARGUMENTS = frozenset({"input", "model", "encoding_format", "dimensions", "user"})
STOP_SEQUENCES_MAX = 4
CALL_ID_CHARS_MAX = 40
REASONING_MODELS = ("o1", "o3", "o4", "gpt-5")


class Refusal(Exception):
    """A request that OpenAI would not take."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def check_body(body: Any, content_type: str, known: frozenset[str]) -> None:
    if not content_type.startswith("application/json"):
        raise Refusal(400, f"Invalid content type: expected application/json, got {content_type!r}")
    if not isinstance(body, dict):
        raise Refusal(400, "We could not parse the JSON body of your request.")
    unknown = sorted(set(body) - known)
    if unknown:
        raise Refusal(400, f"Unrecognized request argument supplied: {', '.join(unknown)}")
    if not body.get("model"):
        raise Refusal(400, "you must provide a model parameter")


def check_chat(body: dict[str, Any]) -> None:
    messages = body.get("messages")
    if not messages:
        raise Refusal(400, "Missing required parameter: 'messages'.", code="missing_required_parameter", param="messages")
    _check_sampling(body)
    _check_tools(body, messages)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Refusal(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > STOP_SEQUENCES_MAX:
        raise Refusal(
            400, f"Invalid 'stop': at most {STOP_SEQUENCES_MAX} sequences.", code="array_above_max_length", param="stop"
        )
    _check_format(body.get("response_format"), messages)


def _check_sampling(body: dict[str, Any]) -> None:
    if not body["model"].startswith(REASONING_MODELS):
        return
    if body.get("max_tokens") is not None:
        raise Refusal(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            code="unsupported_parameter",
            param="max_tokens",
        )
    if body.get("temperature") not in (None, 1):
        raise Refusal(
            400,
            "Unsupported value: 'temperature' does not support this value with this model.",
            code="unsupported_value",
            param="temperature",
        )


def _check_tools(body: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    tools = body.get("tools")
    if tools == []:
        raise Refusal(400, "Invalid 'tools': empty array.", code="empty_array", param="tools")
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not tools:
            raise Refusal(400, f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", param=name)
    check_choice(body)
    for call in (call for message in messages for call in message.get("tool_calls") or []):
        if len(call["id"]) > CALL_ID_CHARS_MAX:
            raise Refusal(
                400,
                f"Invalid 'messages.tool_calls.id': string too long. Expected a string with maximum length {CALL_ID_CHARS_MAX}.",
                code="string_above_max_length",
                param="messages",
            )
    open_ids: set[str] = set()
    for message in messages:
        if message.get("role") == "tool":
            open_ids.discard(message.get("tool_call_id", ""))
        elif open_ids:
            break
        open_ids |= {call["id"] for call in message.get("tool_calls") or []}
    if open_ids:
        raise Refusal(
            400,
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(sorted(open_ids))}",
            param="messages",
        )


def check_choice(body: dict[str, Any]) -> None:
    """vLLM refuses this too."""
    choice, tools = body.get("tool_choice"), body.get("tools") or []
    named = (choice.get("function") or {}).get("name") if isinstance(choice, dict) else None
    if named is not None and named not in [(tool.get("function") or {}).get("name") for tool in tools]:
        raise Refusal(
            400,
            "Invalid value for 'tool_choice': the name of the function in 'tool_choice.function.name' is not in 'tools'.",
            param="tool_choice",
        )


def _check_format(wanted: dict[str, Any] | None, messages: list[dict[str, Any]]) -> None:
    kind = (wanted or {}).get("type")
    if kind == "json_object" and "json" not in str(messages).lower():
        raise Refusal(
            400, "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        )
    if kind == "json_schema" and not (wanted or {}).get("json_schema", {}).get("name"):
        raise Refusal(400, "Missing required parameter: 'response_format.json_schema.name'.", param="response_format")


def instance_of(schema: dict[str, Any]) -> Any:
    """Something that satisfies a simple JSON schema: what a model would write, without the model."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return instance_of(schema["anyOf"][0])
    kind = schema.get("type")
    if kind == "object":
        return {name: instance_of(inner) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance_of(schema.get("items", {}))]
    return {"string": "word", "integer": 7, "number": 1.5, "boolean": True, "null": None}.get(str(kind), "word")
