"""Messages of Anthropic's form as messages of ours: blocks of text, images, calls, results and thoughts.

Source: the anthropic Python SDK 2.14 (types/content_block_param and what it names), read 2026-11-26.
Quirks: a user's message holds the results of the calls before it and may go on with text: results become tool messages, the
rest a user's message behind them. Thoughts without a signature are no vendor's own (we write them for models that sign
nothing), so they go back as words, not as blocks. Blocks that a chat has no place for keep their type, by which
providers.support names them.
"""

from typing import Any, TypeVar

import msgspec

from appliance.chat import FunctionCall, Message, Part, ToolCall
from appliance.errors import InvalidField

T = TypeVar("T")
Block = dict[str, Any]

_FIX = "Correct the field; /docs shows what each takes."
_write = msgspec.json.Encoder().encode


class Turn(msgspec.Struct):
    """One message as it comes; its blocks are looked at one by one, since nobody knows all kinds."""

    role: str
    content: str | list[Block]


class _Text(msgspec.Struct):
    text: str


class _Source(msgspec.Struct):
    type: str
    media_type: str = ""
    data: Any = None
    url: Any = None


class _Image(msgspec.Struct):
    source: _Source


class _ToolUse(msgspec.Struct):
    id: str
    name: str
    input: dict[str, Any]


class _ToolResult(msgspec.Struct):
    tool_use_id: str
    content: str | list[Block] | None = None
    is_error: bool | None = None


class _Thinking(msgspec.Struct):
    thinking: str
    signature: str = ""


class _Redacted(msgspec.Struct):
    data: str


def system_message(system: str | list[Block] | None) -> list[Message]:
    """The system prompt as the first message; none where there is nothing in it."""
    if not system:
        return []
    return [Message("system", system if isinstance(system, str) else _content(system, "system"))]


def turns(given: list[Turn]) -> list[Message]:
    """A conversation. Errors: InvalidField, naming the block as Anthropic does (messages.0.content.1.text)."""
    messages: list[Message] = []
    called: set[str] = set()
    for position, turn in enumerate(given):
        place = f"messages.{position}"
        if turn.role not in ("user", "assistant", "system"):
            raise _wrong(f"{place}.role", "must be user, assistant or system")
        if isinstance(turn.content, str):
            messages.append(Message(turn.role, turn.content))  # type: ignore[arg-type]  # one of three, looked at above
        elif turn.role == "assistant":
            messages.append(_assistant(turn.content, place, called))
        elif turn.role == "user":
            messages.extend(_user(turn.content, place, called))
        else:
            messages.append(Message("system", _content(turn.content, f"{place}.content")))
    return messages


def _user(blocks: list[Block], place: str, called: set[str]) -> list[Message]:
    results: list[Message] = []
    parts: list[Part] = []
    for position, block in enumerate(blocks):
        where = f"{place}.content.{position}"
        if _kind(block, where) != "tool_result":
            parts.append(_part(block, where))
            continue
        result = _read(block, _ToolResult, where)
        if result.tool_use_id not in called:
            raise _wrong(f"{where}.tool_use_id", "no call before it has this id, so there is nothing that it is the result of")
        content = _content(result.content, f"{where}.content") if isinstance(result.content, list) else result.content
        results.append(Message("tool", content or "", tool_call_id=result.tool_use_id, is_error=result.is_error or None))
    if parts or not results:
        results.append(Message("user", _plain(parts)))
    return results


def _assistant(blocks: list[Block], place: str, called: set[str]) -> Message:
    parts: list[Part] = []
    calls: list[ToolCall] = []
    thoughts: list[Block] = []
    unsigned: list[str] = []
    for position, block in enumerate(blocks):
        where = f"{place}.content.{position}"
        kind = _kind(block, where)
        if kind == "tool_use":
            call = _read(block, _ToolUse, where)
            called.add(call.id)
            calls.append(ToolCall(call.id, "function", FunctionCall(call.name, _write(call.input).decode())))
        elif kind == "thinking":
            thought = _read(block, _Thinking, where)
            if thought.signature:
                thoughts.append({"type": "thinking", "thinking": thought.thinking, "signature": thought.signature})
            elif thought.thinking:
                unsigned.append(thought.thinking)
        elif kind == "redacted_thinking":
            thoughts.append({"type": "redacted_thinking", "data": _read(block, _Redacted, where).data})
        else:
            parts.append(_part(block, where))
    content: str | list[Part] | None = _joined(parts) if parts or not calls else None
    return Message(
        "assistant",
        content,
        tool_calls=calls or None,
        reasoning_content="\n\n".join(unsigned) or None,
        thinking_blocks=thoughts or None,
    )


def _content(blocks: list[Block], place: str) -> str | list[Part]:
    return _plain([_part(block, f"{place}.{position}") for position, block in enumerate(blocks)])


def _plain(parts: list[Part]) -> str | list[Part]:
    """One text, or none, as a string: every server takes that."""
    if len(parts) > 1 or (parts and parts[0].type != "text"):
        return parts
    return parts[0].text or "" if parts else ""


def _joined(parts: list[Part]) -> str | list[Part]:
    """A model's own texts are pieces of one (Anthropic cuts them where a citation begins)."""
    if all(part.type == "text" for part in parts):
        return "".join(part.text or "" for part in parts)
    return parts


def _part(block: Block, where: str) -> Part:
    kind = _kind(block, where)
    if kind == "text":
        return Part("text", _read(block, _Text, where).text)
    if kind != "image":
        return Part(kind)
    source = _read(block, _Image, where).source
    if source.type == "base64":
        if not isinstance(source.data, str) or not source.media_type.startswith("image/"):
            raise _wrong(f"{where}.source", "needs a media_type such as image/png, and data in base64")
        return Part("image_url", image_url={"url": f"data:{source.media_type};base64,{source.data}"})
    if source.type == "url":
        if not isinstance(source.url, str):
            raise _wrong(f"{where}.source.url", "Field required")
        return Part("image_url", image_url={"url": source.url})
    return Part(f"image from a {source.type}")


def _kind(block: Block, where: str) -> str:
    kind = block.get("type")
    if not isinstance(kind, str) or not kind:
        raise _wrong(f"{where}.type", "Field required")
    return kind


def _read(block: Block, shape: type[T], where: str) -> T:
    """A block of a kind that we know. Errors: InvalidField with its place."""
    try:
        return msgspec.convert(block, shape)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        place = place.rstrip("`")
        if "required field `" in what:
            raise _wrong(f"{where}{place}.{what.split('`')[1]}", "Field required") from error
        raise _wrong(where + place, what.replace("`", "")) from error


def _wrong(place: str, what: str) -> InvalidField:
    return InvalidField(f"{place[:200]}: {what[:200]}", param=place[:200], fix=_FIX)
