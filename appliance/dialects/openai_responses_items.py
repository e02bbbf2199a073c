"""The items of a Responses request's input, and the messages of a chat that they amount to.

Quirks: an item without `type` is a message. What one assistant's turn is in a chat (thoughts, words, calls) stands in several
items here, one after the other. Items of OpenAI's own tools are kept for OpenAI and can't be translated.
"""

import base64
from typing import Any, Literal, TypeVar

import msgspec

from appliance.chat import FunctionCall, Message, Part, ToolCall
from appliance.errors import BadRequest, FeatureUnsupported, InvalidField

T = TypeVar("T", bound=msgspec.Struct)

# Thoughts of other vendors travel in a reasoning item's `encrypted_content`: this word, then base64url of their blocks as JSON.
SEALED_WORD = "gatehouse1."

_FIX = "Correct the item; /docs shows what each takes."


class InputPart(msgspec.Struct):
    """One part of a message or of a function's output."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class MessageItem(msgspec.Struct):
    role: Literal["user", "system", "developer", "assistant"]
    content: str | list[InputPart]


class CallItem(msgspec.Struct):
    call_id: str
    name: str
    arguments: str


class OutputItem(msgspec.Struct):
    call_id: str
    output: str | list[InputPart]


class SummaryPart(msgspec.Struct):
    text: str = ""


class ReasoningItem(msgspec.Struct):
    summary: list[SummaryPart] = []
    content: list[SummaryPart] | None = None
    encrypted_content: str | None = None


class _Thinking(msgspec.Struct, tag="thinking"):
    thinking: str
    signature: str


class _Redacted(msgspec.Struct, tag="redacted_thinking"):
    data: str


_read_blocks = msgspec.json.Decoder(list[_Thinking | _Redacted]).decode


class ReferenceItem(msgspec.Struct):
    id: str


def kind_of(item: dict[str, Any]) -> str:
    """What an item is. Errors: InvalidField where that is no word."""
    kind = item.get("type")
    if kind is None:
        return "message" if "role" in item else "item_reference"
    if not isinstance(kind, str):
        raise InvalidField("the type of an item is a word", param="input", fix=_FIX)
    return kind


def untranslatable(items: str | list[dict[str, Any]]) -> list[str]:
    """Names of what stands in the input and has no place in a chat."""
    if isinstance(items, str):
        return []
    found: dict[str, None] = {}
    for item in items:
        kind = kind_of(item)
        if kind not in _READERS:
            found[f"{kind[:60]} items"] = None
        for field in ("content", "output"):
            parts = item.get(field) if kind in ("message", "function_call_output") else None
            for part in parts if isinstance(parts, list) else ():
                name = _part_unknown(part)
                if name:
                    found[name] = None
    return list(found)


def _part_unknown(part: Any) -> str | None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "input_image" and part.get("image_url") is None:
        return "input_image by file_id"
    return None if kind in _PARTS or not isinstance(kind, str) else f"{kind[:60]} parts"


def messages_of(items: str | list[dict[str, Any]], instructions: str | None) -> list[Message]:
    """The chat that the input amounts to. What `untranslatable` names is left out.

    Errors:  InvalidField, with the item's place as `param`.
    """
    turns = _Turns()
    if instructions:
        turns.messages.append(Message("system", instructions))
    if isinstance(items, str):
        turns.messages.append(Message("user", items))
        return turns.messages
    for position, item in enumerate(items):
        kind = kind_of(item)
        reader = _READERS.get(kind)
        if reader is not None:
            reader(turns, _converted(item, _STRUCTS[kind], position), f"input[{position}]")
    turns.finish()
    return turns.messages


def _converted(item: dict[str, Any], kind: type[T], position: int) -> T:
    try:
        return msgspec.convert(item, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).replace("`", "").partition(" - at $")
        param = f"input[{position}]{place}"
        raise InvalidField(f"{param[:200]}: {what[:200]}", param=param[:200], fix=_FIX) from error


class _Turns:
    """Messages as they are put together, and the calls that still want a result."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._calls: set[str] = set()
        self._thoughts: dict[int, list[str]] = {}  # by the place of their message
        self._open: dict[str, str] = {}

    def message(self, item: MessageItem, place: str) -> None:
        if item.role != "assistant":
            self.messages.append(Message(item.role, _content(item.content, place)))
            return
        content, refusal = _said(item.content, place)
        turn = self._assistant()
        if turn.content is not None or turn.tool_calls:
            turn = Message("assistant")
            self.messages.append(turn)
        turn.content, turn.refusal = content, refusal

    def call(self, item: CallItem, place: str) -> None:
        turn = self._assistant()
        turn.tool_calls = turn.tool_calls or []
        turn.tool_calls.append(ToolCall(item.call_id, "function", FunctionCall(item.name, item.arguments or "{}")))
        self._calls.add(item.call_id)
        self._open[item.call_id] = place

    def output(self, item: OutputItem, place: str) -> None:
        if item.call_id not in self._calls:
            raise InvalidField(
                f"No tool call found for function call output with call_id {item.call_id[:100]}.",
                param="input",
                fix="Send the function_call item that it answers before it, or previous_response_id.",
            )
        self._open.pop(item.call_id, None)
        self.messages.append(Message("tool", _content(item.output, place), tool_call_id=item.call_id))

    def reasoning(self, item: ReasoningItem, place: str) -> None:
        """What another vendor thought goes back to it; thoughts that only OpenAI can read are nobody else's."""
        blocks = opened(item.encrypted_content or "")
        text = "\n".join(part.text for part in item.content or item.summary)
        if not blocks and not text:
            return
        turn = self._assistant()
        if blocks:
            turn.thinking_blocks = turn.thinking_blocks or []
            turn.thinking_blocks += blocks
        if text:
            self._thoughts.setdefault(len(self.messages) - 1, []).append(text)

    def reference(self, item: ReferenceItem, place: str) -> None:
        raise InvalidField(
            f"Item with id '{item.id[:100]}' not found.", param=place, fix="Send the item itself; only kept ones can be named."
        )

    def _assistant(self) -> Message:
        """The assistant's turn that the input is in, a new one where it is in none."""
        if not self.messages or self.messages[-1].role != "assistant":
            self.messages.append(Message("assistant"))
        return self.messages[-1]

    def finish(self) -> None:
        """Errors: InvalidField where a call was left without a result, as at OpenAI."""
        for place, texts in self._thoughts.items():
            self.messages[place].reasoning_content = "\n".join(texts)
        for call_id in self._open:
            raise InvalidField(
                f"No tool output found for function call {call_id[:100]}.",
                param="input",
                fix="Send a function_call_output item for each function_call.",
            )


def _content(content: str | list[InputPart], place: str) -> str | list[Part]:
    if isinstance(content, str):
        return content
    parts = [_part(part, f"{place}.content[{index}]") for index, part in enumerate(content)]
    known = [part for part in parts if part is not None]
    return known[0].text or "" if len(known) == 1 and known[0].type == "text" else known


def _part(part: InputPart, place: str) -> Part | None:
    if part.type in ("input_text", "output_text", "text"):
        if part.text is None:
            raise InvalidField(f"{place}.text is missing", param=f"{place}.text", fix=_FIX)
        return Part("text", part.text)
    if part.type == "refusal":
        return Part("text", part.refusal or "")
    if part.type == "input_image" and part.image_url is not None:
        return Part("image_url", image_url={"url": part.image_url, **({"detail": part.detail} if part.detail else {})})
    return None  # named by `untranslatable`


def _said(content: str | list[InputPart], place: str) -> tuple[str | list[Part] | None, str | None]:
    """(words, refusal) of an assistant's message."""
    if isinstance(content, str):
        return content, None
    refusals = [part.refusal or "" for part in content if part.type == "refusal"]
    words = [part for part in content if part.type != "refusal"]
    return (_content(words, place) if words or not refusals else None), ("\n".join(refusals) if refusals else None)


def sealed(blocks: list[dict[str, Any]]) -> str:
    """Thinking blocks in Anthropic's form as a reasoning item's `encrypted_content`: their vendor signed them."""
    return SEALED_WORD + base64.urlsafe_b64encode(msgspec.json.encode(blocks)).decode().rstrip("=")


def opened(text: str) -> list[dict[str, Any]]:
    """The blocks that `sealed` put away; none where it was somebody else."""
    if not text.startswith(SEALED_WORD):
        return []
    coded = text[len(SEALED_WORD) :]
    try:
        blocks = _read_blocks(base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)))
    except (ValueError, msgspec.DecodeError, RecursionError):
        return []
    return [msgspec.to_builtins(block) for block in blocks]


def is_sealed(item: dict[str, Any]) -> bool:
    """Is it a thought that `sealed` put away?"""
    return item.get("type") == "reasoning" and str(item.get("encrypted_content") or "").startswith(SEALED_WORD)


def refuse(name: str, why: str) -> BadRequest:
    return FeatureUnsupported(f"this appliance can't do this: {name}", fix=why, param=name)


_PARTS = frozenset({"input_text", "output_text", "text", "refusal", "input_image"})
_STRUCTS: dict[str, Any] = {
    "message": MessageItem,
    "function_call": CallItem,
    "function_call_output": OutputItem,
    "reasoning": ReasoningItem,
    "item_reference": ReferenceItem,
}
_READERS: dict[str, Any] = {
    "message": _Turns.message,
    "function_call": _Turns.call,
    "function_call_output": _Turns.output,
    "reasoning": _Turns.reasoning,
    "item_reference": _Turns.reference,
}
