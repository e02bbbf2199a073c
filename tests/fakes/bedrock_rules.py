"""What Bedrock refuses: first by the shapes of AWS's own service model (botocore), then by what Claude refuses behind it.

Source: botocore 1.44 for names and shapes; the rest is general knowledge of the live service.
"""

import base64
import binascii
import json
import re
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

from tests.fakes.bedrock_wire import invalid

CLAUDE_FIELDS = frozenset({"thinking", "top_k", "anthropic_beta", "tool_choice", "output_config"})
CALL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
IMAGES = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8", "webp": b"RIFF"}
THINKING_TOKENS_MIN = 1024
TEXT_CHARS_MAX = 400_000


@cache
def _service() -> ServiceModel:
    return botocore.session.Session().get_service_model("bedrock-runtime")


def check_shape(body: Any, operation: str) -> None:
    """Against the service model: unknown members, missing ones, types, patterns, bounds."""
    shape = _service().operation_model(operation).input_shape
    _check({**body, "modelId": "anthropic.claude-x"} if isinstance(body, dict) else body, shape, "")


def _check(value: Any, shape: Shape, place: str) -> None:
    kinds: dict[str, Any] = {"structure": dict, "list": list, "map": dict, "string": str, "blob": str, "boolean": bool}
    kinds |= {"integer": int, "float": (int, float)}
    if getattr(shape, "is_document_type", False):
        return
    kind = shape.type_name
    if not isinstance(value, kinds[kind]) or (kind in ("integer", "float") and isinstance(value, bool)):
        raise invalid(f"Malformed input request: {place or '#'}: expected type: {kind}, found: {type(value).__name__}")
    if kind == "structure":
        _check_structure(value, shape, place)
    elif kind == "list":
        _check_bounds(len(value), shape, place, "length")
        for at, inner in enumerate(value):
            _check(inner, shape.member, f"{place}.{at + 1}.member")  # type: ignore[attr-defined]  # a ListShape's
    elif kind == "map":
        for inner in value.values():
            _check(inner, shape.value, place)  # type: ignore[attr-defined]  # a MapShape's
    elif kind in ("integer", "float"):
        _check_bounds(value, shape, place, "value")
    elif kind == "blob":
        _blob(value, place)
    elif kind == "string":
        _check_string(value, shape, place)


def _check_structure(value: dict[str, Any], shape: Any, place: str) -> None:
    unknown = set(value) - set(shape.members)
    if unknown:
        raise invalid(
            f"The model returned the following errors: {place or '#'}: extraneous key [{min(unknown)}] is not permitted"
        )
    missing = set(shape.required_members) - set(value)
    if missing:
        raise invalid(f"1 validation error detected: Value at '{place}.{min(missing)}' failed to satisfy constraint: not null")
    if shape.is_tagged_union and len(value) != 1:
        raise invalid(f"{place}: a union must have exactly one member set")
    for name, inner in value.items():
        _check(inner, shape.members[name], f"{place}.{name}".lstrip("."))


def _check_bounds(size: float, shape: Shape, place: str, what: str) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        raise invalid(
            f"1 validation error detected: Value at '{place}' failed to satisfy constraint: Member must have {what} "
            f"between {least} and {most}"
        )


def _check_string(value: str, shape: Any, place: str) -> None:
    if shape.enum and value not in shape.enum:
        raise invalid(f"Value at '{place}' failed to satisfy constraint: Member must satisfy enum value set: {shape.enum}")
    pattern = shape.metadata.get("pattern")
    if place.rpartition(".")[2] in ("toolUseId", "name") and pattern and not re.fullmatch(pattern, value):
        raise invalid(f"Value '{value}' at '{place}' failed to satisfy constraint: Member must satisfy {pattern}")
    _check_bounds(len(value), shape, place, "length")


def _blob(value: str, place: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise invalid(f"{place}: the value is no base64") from None


def check_converse(body: dict[str, Any]) -> None:
    """What the service refuses beyond its shapes."""
    messages = body.get("messages") or []
    if not messages:
        raise invalid("A conversation must start with a user message. Try again with a conversation that starts with one.")
    for at, message in enumerate(messages):
        if message["role"] == "system":
            raise invalid("The model doesn't support messages of the role system.")
        if message["role"] != ("user", "assistant")[at % 2]:
            what = "A conversation must start with a user message." if at == 0 else "A conversation must alternate between user"
            raise invalid(f"{what} and assistant roles.")
        if not message["content"]:
            raise invalid(f"The content field in the Message object at messages.{at} is empty.")
        for number, block in enumerate(message["content"]):
            _check_block(block, f"messages.{at}.content.{number}")
    for at, block in enumerate(body.get("system") or []):
        _check_text(block.get("text", "x"), f"system.{at}")
    if sum(len(json.dumps(message)) for message in messages) > TEXT_CHARS_MAX:
        raise invalid("Input is too long for requested model.")
    _check_calls(messages)
    _check_tools(body, messages)


def _check_block(block: dict[str, Any], place: str) -> None:
    if "text" in block:
        _check_text(block["text"], place)
    elif "image" in block:
        image = block["image"]
        if not _blob(image["source"]["bytes"], place).startswith(IMAGES[image["format"]]):
            raise invalid("The model returned the following errors: Could not process image")
    elif "toolUse" in block:
        if not CALL_ID.fullmatch(block["toolUse"]["toolUseId"]):
            raise invalid(f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        if not isinstance(block["toolUse"]["input"], dict):
            raise invalid(f"The format of the value at {place}.toolUse.input is invalid. Provide a json object for the field.")
    elif "toolResult" in block:
        for number, inner in enumerate(block["toolResult"]["content"]):
            _check_block(inner, f"{place}.toolResult.content.{number}")


def _check_text(text: str, place: str) -> None:
    if not text.strip():
        raise invalid(
            f"The text field in the ContentBlock object at {place} is blank. Add text to the text field, and try again."
        )


def _check_calls(messages: list[dict[str, Any]]) -> None:
    owed: set[str] = set()
    for at, message in enumerate(messages):
        content = message["content"]
        answered = [block["toolResult"]["toolUseId"] for block in content if "toolResult" in block]
        if len(answered) != len(set(answered)) or set(answered) - owed:
            raise invalid(
                f"The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse blocks before it."
            )
        if owed - set(answered):
            raise invalid(f"Expected toolResult blocks at messages.{at}.content for the following Ids: {', '.join(sorted(owed))}")
        if any("toolResult" in block for block in content[len(answered) :]):
            raise invalid(f"messages.{at}: tool_result blocks must come first in the content")
        ids = [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]
        if len(ids) != len(set(ids)):
            raise invalid("The toolUse blocks of a message have the same toolUseId twice.")
        owed = set(ids)
    if owed:
        raise invalid(f"Expected toolResult blocks for the following Ids: {', '.join(sorted(owed))}")


def _check_tools(body: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    config = body.get("toolConfig")
    used = any("toolUse" in block or "toolResult" in block for message in messages for block in message["content"])
    if config is None:
        if used:
            raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        return
    names = []
    for number, tool in enumerate(config["tools"]):
        spec = tool["toolSpec"]
        names.append(spec["name"])
        if not isinstance(spec["inputSchema"]["json"], dict) or spec["inputSchema"]["json"].get("type") != "object":
            raise invalid(f"The value at toolConfig.tools.{number}.toolSpec.inputSchema.json.type must be one of: object.")
    if len(names) != len(set(names)):
        raise invalid("The toolConfig has the same tool name twice.")
    forced = (config.get("toolChoice") or {}).get("tool", {}).get("name")
    if forced is not None and forced not in names:
        raise invalid("The toolChoice names a tool that toolConfig doesn't have.")


def check_claude(body: dict[str, Any]) -> None:
    """What Claude refuses of what Converse lets through."""
    fields, config = body.get("additionalModelRequestFields") or {}, body.get("inferenceConfig") or {}
    unknown = set(fields) - CLAUDE_FIELDS
    if unknown:
        raise invalid(f"The model returned the following errors: {min(unknown)}: Extra inputs are not permitted")
    schema = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure", {}).get("jsonSchema", {}).get("schema")
    if schema is not None and not isinstance(json.loads(schema), dict):
        raise invalid("The model returned the following errors: output_config.format.schema: Input should be an object")
    thinking = fields.get("thinking") or {}
    if thinking.get("type") not in ("enabled", "adaptive"):
        return
    budget = thinking.get("budget_tokens", THINKING_TOKENS_MIN)
    if budget < THINKING_TOKENS_MIN or budget >= config.get("maxTokens", 64_000):
        raise invalid("The model returned the following errors: `max_tokens` must be greater than `thinking.budget_tokens`")
    if config.get("temperature", 1) != 1 or "top_k" in fields or config.get("topP", 1) < 0.95:
        raise invalid("The model returned the following errors: `temperature` may only be set to 1 when thinking is enabled.")
    if set((body.get("toolConfig") or {}).get("toolChoice") or {"auto": {}}) != {"auto"}:
        raise invalid("The model returned the following errors: Thinking may not be enabled when tool_choice forces tool use.")
    last = next((message["content"] for message in reversed(body["messages"]) if message["role"] == "assistant"), [])
    if any("toolUse" in block for block in last) and "reasoningContent" not in last[0]:
        raise invalid(
            "The model returned the following errors: messages: Expected `thinking` or `redacted_thinking`, but found `tool_use`."
        )
