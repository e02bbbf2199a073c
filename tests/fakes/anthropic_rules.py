"""What Anthropic refuses, as it refuses it.

Source: the anthropic Python SDK 2.14 for names and shapes; platform.claude.com/docs (errors, extended thinking, structured
outputs, versioning); the refusals' words are general knowledge of the live service.
"""

import base64
import binascii
import hashlib
import json
import re
from typing import Any, NoReturn

OLD_VERSION, NEW_VERSION = "2023-06-01", "2026-10-21"
COUNT_ARGUMENTS = frozenset(
    {
        "messages", "model", "cache_control", "output_config", "speed", "system", "thinking", "tool_choice", "tools",
        "user_profile_id", "workspace_id",
    }
)  # fmt: skip
ARGUMENTS = COUNT_ARGUMENTS | {
    "max_tokens", "container", "diagnostics", "inference_geo", "metadata", "service_tier", "stop_sequences", "stream",
}  # fmt: skip
SAMPLING = frozenset({"temperature", "top_p", "top_k"})  # gone from NEW_VERSION on
BLOCKS = {
    "text": {"type", "text", "cache_control", "citations"},
    "image": {"type", "source", "cache_control"},
    "tool_use": {"type", "id", "name", "input", "cache_control", "caller"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
}
TOOL_KEYS = {"type", "name", "description", "input_schema", "strict", "cache_control", "input_examples", "eager_input_streaming"}
THINKING_KEYS = {
    "enabled": {"type", "budget_tokens", "display"}, "adaptive": {"type", "display"}, "disabled": {"type"},
}  # fmt: skip
UNSUPPORTED_BOUNDS = {"minimum", "maximum", "multipleOf", "minLength", "maxLength", "maxItems", "exclusiveMinimum"}
ID = re.compile(r"[a-zA-Z0-9_-]+")
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8", "image/webp": b"RIFF"}
ADAPTIVE_ONLY = ("claude-opus-4-7", "claude-opus-5-5", "claude-sonnet-5-5")


class Refusal(Exception):
    """A request that Anthropic would not take."""

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"type": "error", "error": {"type": kind, "message": message}}


def refuse(message: str) -> NoReturn:
    raise Refusal(400, message)


def signature_of(thinking: str) -> str:
    return base64.b64encode(b"fake:" + hashlib.sha256(thinking.encode()).digest()).decode()


def check(body: Any, version: str, *, counts_only: bool = False) -> None:
    if not isinstance(body, dict):
        raise Refusal(400, "The request body is not valid JSON")
    known = COUNT_ARGUMENTS if counts_only else ARGUMENTS | (SAMPLING if version == OLD_VERSION else frozenset())
    _extra(body, known, "")
    for name in ("model", "messages") if counts_only else ("model", "messages", "max_tokens"):
        if name not in body:
            refuse(f"{name}: Field required")
    if not counts_only and (not isinstance(body["max_tokens"], int) or body["max_tokens"] < 0):
        refuse("max_tokens: Input should be greater than or equal to 0")
    _check_sampling(body)
    _check_tools(body)
    _check_messages(body)
    _check_thinking(body)
    _check_output(body.get("output_config") or {})
    if body.get("system") is not None:
        _check_content(body["system"], "system", {"text"})


def _extra(given: dict[str, Any], known: Any, place: str) -> None:
    for name in sorted(set(given) - set(known)):
        refuse(f"{place}{name}: Extra inputs are not permitted")


def _check_sampling(body: dict[str, Any]) -> None:
    for name in SAMPLING & set(body):
        if body["model"] in ADAPTIVE_ONLY:
            refuse(f"`{name}` is deprecated for this model.")
    if not 0 <= body.get("temperature", 1) <= 1:
        refuse("temperature: range: 0..1")
    stops = body.get("stop_sequences", [])
    if not isinstance(stops, list) or any(not isinstance(stop, str) or not stop.strip() for stop in stops):
        refuse("stop_sequences: each stop sequence must contain non-whitespace")


def _check_tools(body: dict[str, Any]) -> None:
    names = []
    for position, tool in enumerate(body.get("tools") or []):
        place = f"tools.{position}.custom."
        _extra(tool, TOOL_KEYS, place)
        if not TOOL_NAME.fullmatch(tool.get("name", "")):
            refuse(f"{place}name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if not isinstance(tool.get("input_schema"), dict) or tool["input_schema"].get("type") != "object":
            refuse(f"{place}input_schema.type: Input should be 'object'")
        if not isinstance(tool["input_schema"].get("properties", {}), dict):
            refuse(f"{place}input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12")
        names.append(tool["name"])
    if len(set(names)) < len(names):
        refuse("tools: Tool names must be unique.")
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not names:
        refuse("tool_choice may only be specified while providing tools")
    if choice.get("type") not in ("auto", "any", "tool", "none"):
        refuse("tool_choice: Input tag does not match any of the expected tags: 'any', 'auto', 'none', 'tool'")
    allowed = {"auto": {"disable_parallel_tool_use"}, "any": {"disable_parallel_tool_use"}, "none": set()}
    _extra(choice, {"type", *allowed.get(choice["type"], {"name", "disable_parallel_tool_use"})}, "tool_choice.")
    if choice["type"] == "tool" and choice.get("name") not in names:
        refuse(f"Tool '{choice.get('name')}' not found in provided tools")


def _check_messages(body: dict[str, Any]) -> None:
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "messages: at least one message is required")
    for position, message in enumerate(messages):
        _extra(message, {"role", "content"}, f"messages.{position}.")
        if message.get("role") not in ("user", "assistant"):
            refuse(
                f'messages: Unexpected role "{message.get("role")}". The Messages API accepts a top-level `system` parameter, '
                'not "system" as an input message role.'
            )
        if not message.get("content"):
            refuse(f"messages.{position}: all messages must have non-empty content")
        kinds = set(BLOCKS) - ({"tool_use", "thinking", "redacted_thinking"} if message["role"] == "user" else {"tool_result"})
        _check_content(message["content"], f"messages.{position}.content", kinds)
    if messages[0]["role"] != "user":
        refuse('messages: first message must use the "user" role')
    last = blocks_of(messages[-1]["content"])[-1]
    if messages[-1]["role"] == "assistant" and last["type"] == "text" and last["text"] != last["text"].rstrip():
        refuse("messages: final assistant content cannot end with trailing whitespace")
    _check_results(turns_of(messages))
    if not body.get("tools") and any(
        block["type"] in ("tool_use", "tool_result") for message in messages for block in blocks_of(message["content"])
    ):
        refuse("Requests which include `tool_use` or `tool_result` blocks must define tools")


def blocks_of(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def turns_of(messages: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Consecutive turns of one role are combined into one."""
    turns: list[tuple[str, list[dict[str, Any]]]] = []
    for message in messages:
        if not turns or turns[-1][0] != message["role"]:
            turns.append((message["role"], []))
        turns[-1][1].extend(blocks_of(message["content"]))
    return turns


def _check_results(turns: list[tuple[str, list[dict[str, Any]]]]) -> None:
    owed: list[str] = []
    for position, (_, blocks) in enumerate(turns):
        found = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for call_id in found:
            if call_id not in owed:
                refuse(
                    f"messages.{position}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {call_id}. Each "
                    "`tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        if len(set(found)) < len(found):
            refuse(f"messages.{position}: each tool_use must have a single result. Found multiple `tool_result` blocks")
        missing = [call_id for call_id in owed if call_id not in found]
        if missing:
            refuse(
                f"messages.{position - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            )
        if any(block["type"] != "tool_result" for block in blocks[: len(found)]):
            refuse(f"messages.{position}: `tool_result` blocks must come first in the message")
        owed = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(set(owed)) < len(owed):
            refuse(f"messages.{position}: `tool_use` ids must be unique")
    if owed:
        refuse(f"messages.{len(turns) - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: {owed[0]}.")


def _check_content(content: Any, place: str, kinds: set[str]) -> None:
    if isinstance(content, str):
        if not content.strip():
            refuse("messages: text content blocks must contain non-whitespace text")
        return
    for position, block in enumerate(content):
        kind, where = block.get("type"), f"{place}.{position}."
        if kind not in kinds:
            refuse(f"{where}type: Input tag '{kind}' found using 'type' does not match any of the expected tags")
        _extra(block, BLOCKS[kind], f"{where}{kind}.")
        if kind == "text" and not block["text"].strip():
            refuse("messages: text content blocks must be non-empty")
        if kind == "image":
            _check_image(block["source"], where)
        if kind == "tool_use" and not (ID.fullmatch(block["id"]) and isinstance(block["input"], dict)):
            refuse(f"{where}tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        if kind == "tool_result" and block.get("content"):
            _check_content(block["content"], f"{where}tool_result.content", {"text", "image"})
        if kind == "thinking" and block.get("signature") != signature_of(block["thinking"]):
            refuse(f"{where}: Invalid `signature` in `thinking` block")


def _check_image(source: dict[str, Any], place: str) -> None:
    if source.get("type") == "url":
        _extra(source, {"type", "url"}, f"{place}image.source.url.")
        return
    _extra(source, {"type", "media_type", "data"}, f"{place}image.source.base64.")
    kind = source.get("media_type")
    if kind not in MAGIC:
        refuse(f"{place}image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'")
    try:
        data = base64.b64decode(source["data"], validate=True)
    except (ValueError, binascii.Error):
        raise Refusal(400, f"{place}image.source.base64: invalid base64 data") from None
    if not any(data.startswith(magic) for magic in MAGIC.values()):
        refuse("Could not process image")
    if not data.startswith(MAGIC[kind]):
        refuse(f"{place}image.source.base64.data: The image was specified using the {kind} media type, but appears to be another")


def _check_thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind, is_adaptive = thinking.get("type"), body["model"] in ADAPTIVE_ONLY
    if kind not in THINKING_KEYS:
        refuse("thinking: Input tag does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'")
    _extra(thinking, THINKING_KEYS[kind], f"thinking.{kind}.")
    if kind == "disabled":
        return
    if kind == "enabled" and is_adaptive:
        refuse(
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort".'
        )
    if kind == "adaptive" and not is_adaptive:
        refuse("adaptive thinking is not supported on this model")
    if kind == "enabled" and thinking.get("budget_tokens", 0) < 1024:
        refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if kind == "enabled" and thinking["budget_tokens"] >= body.get("max_tokens", 10**9):
        refuse("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if body.get("temperature", 1) != 1:
        refuse("`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.")
    if body.get("top_k") is not None:
        refuse("`top_k` must be unset when thinking is enabled.")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        refuse("Thinking may not be enabled when tool_choice forces tool use.")
    turns = turns_of(body["messages"])
    last: list[dict[str, Any]] = next((blocks for role, blocks in reversed(turns) if role == "assistant"), [])
    starts = last[0]["type"] if last else ""
    if kind == "enabled" and any(block["type"] == "tool_use" for block in last) and "thinking" not in starts:
        refuse(
            f"messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{starts}`. When `thinking` is "
            "enabled, a final `assistant` message must start with a thinking block"
        )


def _check_output(config: dict[str, Any]) -> None:
    _extra(config, {"effort", "format"}, "output_config.")
    if config.get("effort") not in (None, "low", "medium", "high", "xhigh", "max"):
        refuse("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
    wanted = config.get("format")
    if wanted is None:
        return
    _extra(wanted, {"type", "schema"}, "output_config.format.")
    if wanted.get("type") != "json_schema" or not isinstance(wanted.get("schema"), dict):
        refuse("output_config.format.schema: Field required")
    for part in _parts_of(wanted["schema"]):
        if part.get("type") == "object" and part.get("additionalProperties") is not False:
            refuse("output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
        if unsupported := sorted(UNSUPPORTED_BOUNDS & set(part)):
            refuse(f"output_config.format.schema: properties {', '.join(unsupported)} are not supported")


def _parts_of(schema: Any) -> list[dict[str, Any]]:
    if not isinstance(schema, dict):
        return []
    inner = [
        schema.get("items"),
        *schema.get("anyOf", []),
        *schema.get("properties", {}).values(),
        *schema.get("$defs", {}).values(),
    ]
    return [schema, *(part for one in inner for part in _parts_of(one))]


def size_of(body: dict[str, Any]) -> int:
    """Tokens of a prompt: a word each, 85 an image."""
    words = len(json.dumps([body.get("system"), body["messages"], body.get("tools")]).split())
    return words + 85 * images_in(body)


def images_in(body: dict[str, Any]) -> int:
    blocks = [block for message in body["messages"] for block in blocks_of(message["content"])]
    blocks += [inner for block in blocks if block["type"] == "tool_result" for inner in blocks_of(block.get("content") or [])]
    return sum(block["type"] == "image" for block in blocks)
