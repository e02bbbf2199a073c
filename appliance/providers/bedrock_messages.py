"""A chat's messages as Bedrock's Converse takes them: the system's words apart, then turns of user and assistant by turns.

Source: botocore 1.44 (bedrock-runtime, ConverseRequest), read 2026-11-26.
Quirks: the first turn is the user's, and turns alternate: neighbours become one. Blank text is refused. All results of a turn's
calls come first in the user's turn behind it. Ids of calls are `^[a-zA-Z0-9_-]{1,64}$` here, which is what Claude takes.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Any

import msgspec

from appliance.chat import Message, Part, ToolCall
from appliance.errors import FeatureUnsupported, InvalidField
from appliance.providers import call_ids
from appliance.providers.bedrock_tools import checked_name

OPENING = "Please begin."  # said for a user who hasn't said anything yet
NOTHING = "(nothing)"  # a tool's result without text
DATA_URL = "data:"

_json_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Conversation:
    """Messages put in Bedrock's order, one after another.

    called: the names of all tools in the history, in order.
    """

    def __init__(self, messages: list[Message]) -> None:
        self.system: list[str] = []
        self.turns: list[dict[str, Any]] = []
        self.called: dict[str, None] = {}
        self._owed: dict[str, str] = {}  # calls of the last assistant's turn that have no result yet, and where they stand
        self._results = 0  # in the last turn
        for at, message in enumerate(messages):
            self._take(message, f"messages[{at}]")
        self._refuse_owed()
        if not self.turns and not self.system:
            raise InvalidField("the messages hold no text", param="messages", fix="Say something in them.")
        if not self.turns or self.turns[0]["role"] != "user":
            self.turns.insert(0, {"role": "user", "content": [{"text": OPENING}]})

    @property
    def may_think(self) -> bool:
        """False when tools were called last without a signed thought: with thinking on, Claude would refuse that."""
        for turn in reversed(self.turns):
            if turn["role"] == "assistant":
                content = turn["content"]
                return "reasoningContent" in content[0] or not any("toolUse" in block for block in content)
        return True

    def _take(self, message: Message, place: str) -> None:
        if message.role in ("system", "developer"):
            self.system += [block["text"] for block in _blocks(message.content, place, images=False)]
        elif message.role == "user":
            self._add("user", _blocks(message.content, place))
        elif message.role == "assistant":
            self._assistant(message, place)
        elif message.role == "tool":
            self._result(message, place)
        else:
            raise InvalidField(
                f"{place}: Bedrock has no role {message.role!r}", param=f"{place}.role", fix="Use tools and the role tool."
            )

    def _assistant(self, message: Message, place: str) -> None:
        thoughts = [block for thought in message.thinking_blocks or () if (block := _thought(thought)) is not None]
        said = _blocks(message.content or message.refusal, place, images=False)
        calls = [self._call(call, f"{place}.tool_calls[{at}]") for at, call in enumerate(message.tool_calls or ())]
        if not said and not calls:  # a thought alone is no turn
            return
        self._add("assistant", [*thoughts, *said, *calls])
        for at, call in enumerate(calls):
            call_id, where = call["toolUse"]["toolUseId"], f"{place}.tool_calls[{at}]"
            if call_id in self._owed:
                raise InvalidField(f"{where}: another call of this turn has the same id", param=where, fix="Give each an id.")
            self._owed[call_id] = where

    def _call(self, call: ToolCall, place: str) -> dict[str, Any]:
        if call.function is None:
            raise FeatureUnsupported("Bedrock knows calls of functions only", fix="Leave it out.", param=f"{place}.type")
        name = checked_name(call.function.name, f"{place}.function.name")
        self.called[name] = None
        arguments = call.function.arguments.strip() or "{}"
        try:
            _json_object(arguments)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise InvalidField(
                f"{place}: the arguments of a call must be a JSON object, as text",
                param=f"{place}.function.arguments",
                fix="Send the arguments as the model wrote them.",
            ) from error
        return {"toolUse": {"toolUseId": call_ids.safe(call.id), "name": name, "input": msgspec.Raw(arguments.encode())}}

    def _result(self, message: Message, place: str) -> None:
        call_id = call_ids.safe(message.tool_call_id or "")
        if self._owed.pop(call_id, None) is None:
            raise InvalidField(
                f"{place} answers no call: no tool_calls of the assistant's message before it have this id",
                param=f"{place}.tool_call_id",
                fix="Send each result once, straight behind the assistant's message that has the call.",
            )
        result: dict[str, Any] = {"toolUseId": call_id, "content": _blocks(message.content, place) or [{"text": NOTHING}]}
        if message.is_error:
            result["status"] = "error"
        self._content("user").insert(self._results, {"toolResult": result})
        self._results += 1

    def _add(self, role: str, blocks: list[dict[str, Any]]) -> None:
        if blocks:
            self._content(role).extend(blocks)

    def _content(self, role: str) -> list[dict[str, Any]]:
        """The content of the last turn where it is this role's, else of a new one."""
        if not self.turns or self.turns[-1]["role"] != role:
            if role == "assistant":
                self._refuse_owed()
            self.turns.append({"role": role, "content": []})
            self._results = 0
        content: list[dict[str, Any]] = self.turns[-1]["content"]
        return content

    def _refuse_owed(self) -> None:
        for place in self._owed.values():
            raise InvalidField(
                f"{place} is a call without a result", param=place, fix="Send a message of the role tool with its tool_call_id."
            )


def _blocks(content: str | list[Part] | None, place: str, *, images: bool = True) -> list[dict[str, Any]]:
    """Content as blocks, without what is blank."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"text": content}] if content.strip() else []
    blocks: list[dict[str, Any]] = []
    for at, part in enumerate(content):
        if part.type == "image_url" and images:
            blocks.append(_image(part, f"{place}.content[{at}].image_url"))
        elif part.type == "text" or part.text is not None:
            if part.text and part.text.strip():
                blocks.append({"text": part.text})
        else:
            raise FeatureUnsupported(
                f"Bedrock takes no content part of type {part.type[:40]!r} here",
                fix="Leave it out, or ask for another model.",
                param=f"{place}.content[{at}].type",
            )
    return blocks


def _image(part: Part, place: str) -> dict[str, Any]:
    """An image from a data: URL. What it is is read from its own first bytes: callers often name it wrongly."""
    url = (part.image_url or {}).get("url")
    if not isinstance(url, str) or not url.startswith(DATA_URL):
        raise FeatureUnsupported(
            "Bedrock takes images as data: URLs only",
            fix="Send the image itself, as data:image/png;base64,…",
            param=f"{place}.url",
        )
    head, _, data = url.partition(",")
    try:
        image = b64decode(data, validate=True) if head.endswith(";base64") else b""
    except (NotBase64, ValueError):
        image = b""
    kind = _format(image)
    if kind is None:
        raise InvalidField(
            f"{place} is no image that Bedrock can read", param=f"{place}.url", fix="Send a PNG, JPEG, GIF or WebP as base64."
        )
    return {"image": {"format": kind, "source": {"bytes": data}}}


def _format(image: bytes) -> str | None:
    for kind, beginning in (("png", b"\x89PNG\r\n\x1a\n"), ("jpeg", b"\xff\xd8\xff"), ("gif", b"GIF8")):
        if image.startswith(beginning):
            return kind
    return "webp" if image.startswith(b"RIFF") and image[8:12] == b"WEBP" else None


def _thought(block: dict[str, Any]) -> dict[str, Any] | None:
    """A thought in Bedrock's form; None for one that no vendor signed."""
    signature, data = block.get("signature"), block.get("data")
    if block.get("type") == "redacted_thinking" and isinstance(data, str) and data:
        return {"reasoningContent": {"redactedContent": data}}
    if block.get("type") == "thinking" and isinstance(signature, str) and signature:
        return {"reasoningContent": {"reasoningText": {"text": str(block.get("thinking") or ""), "signature": signature}}}
    return None
