"""A conversation as Anthropic takes it: a system prompt apart, then turns of user and assistant by turns, in blocks.

Source: the anthropic Python SDK 2.14 (types/message_param, tool_result_block_param, image_block_param), read 2026-11-26.
Quirks: neighbours of one role become one turn; results of tools come first in the turn behind their calls, each exactly once;
blank texts are refused, so they are dropped; the first turn is a user's, so a conversation that the assistant opens gets a
user's turn "." before it; an assistant's last turn, which the model is to continue, may not end in a blank.
"""

import base64
import binascii
from typing import Any

import msgspec

from appliance.chat import ChatRequest, Message, Part, ToolCall
from appliance.errors import FeatureUnsupported, InvalidField
from appliance.providers import call_ids
from appliance.providers.anthropic_thinking import signed_blocks

Block = dict[str, Any]

_SYSTEM = ("system", "developer")
_OPENING = {"type": "text", "text": "."}
_IMAGES = {"image/jpeg": "image/jpeg", "image/jpg": "image/jpeg", "image/png": "image/png", "image/gif": "image/gif"}
_IMAGES["image/webp"] = "image/webp"
_HEAD_CHARS = 64  # of base64: enough to tell the kind of an image
_arguments = msgspec.json.Decoder(dict[str, Any])


class Turn:
    """Neighbouring messages of one role. Results of tools stand before everything else."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.results: list[Block] = []
        self.blocks: list[Block] = []

    def shown(self) -> dict[str, Any]:
        blocks = self.results + self.blocks
        if len(blocks) == 1 and blocks[0]["type"] == "text":
            return {"role": self.role, "content": blocks[0]["text"]}
        return {"role": self.role, "content": blocks}


def conversation(chat: ChatRequest) -> tuple[list[Block], list[dict[str, Any]]]:
    """(the system prompt's blocks, the turns). Errors: InvalidField, FeatureUnsupported, with the message's place."""
    system: list[Block] = []
    turns: list[Turn] = []
    waiting: dict[str, str] = {}  # calls of the last assistant's turn without a result yet, and their places
    for position, message in enumerate(chat.messages):
        place = f"messages[{position}]"
        if message.role in _SYSTEM:
            system.extend(_texts(message, place))
            continue
        if message.role == "function":
            raise FeatureUnsupported(
                f"{place}: results of functions in the old form can't be translated", param=place, fix="Send tool messages."
            )
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message, place)
        if not blocks:
            continue
        if message.role == "tool":
            _take_result(waiting, blocks[0]["tool_use_id"], f"{place}.tool_call_id")
        if not turns or turns[-1].role != role:
            if role == "assistant":
                _refuse_waiting(waiting)
            turns.append(Turn(role))
        _await_results(waiting, message, place)
        (turns[-1].results if message.role == "tool" else turns[-1].blocks).extend(blocks)
    _refuse_waiting(waiting)
    return _finished(system, turns)


def _finished(system: list[Block], turns: list[Turn]) -> tuple[list[Block], list[dict[str, Any]]]:
    if not turns and not system:
        raise InvalidField("messages: there is nothing in them", param="messages", fix="Say something.")
    if not turns:  # all there is to say stands in the system prompt
        return [], [{"role": "user", "content": system}]
    if turns[0].role == "assistant":
        opening = Turn("user")
        opening.blocks.append(_OPENING)
        turns.insert(0, opening)
    last = turns[-1]
    if last.role == "assistant" and last.blocks[-1]["type"] == "text":
        last.blocks[-1]["text"] = last.blocks[-1]["text"].rstrip()
    return system, [turn.shown() for turn in turns]


def _await_results(waiting: dict[str, str], message: Message, place: str) -> None:
    for number, call in enumerate(message.tool_calls or ()):
        call_id, where = call_ids.safe(call.id), f"{place}.tool_calls[{number}]"
        if call_id in waiting:
            raise InvalidField(f"{where}: another call of this turn has the same id", param=where, fix="Give each an id.")
        waiting[call_id] = where


def _take_result(waiting: dict[str, str], call_id: str, place: str) -> None:
    if waiting.pop(call_id, None) is None:
        raise InvalidField(
            f"{place}: no call of the assistant's turn before it has this id, or it was answered already",
            param=place,
            fix="Send each call's result once, right behind the message that has the call.",
        )


def _refuse_waiting(waiting: dict[str, str]) -> None:
    for place in waiting.values():
        raise InvalidField(
            f"{place}: the call has no result",
            param=place,
            fix="Send a tool message with its tool_call_id right behind it, or leave the call out.",
        )


def _blocks(message: Message, place: str) -> list[Block]:
    if message.role == "tool":
        return [_result(message, place)]
    content = message.content
    if isinstance(content, str):
        blocks: list[Block] = [{"type": "text", "text": content}] if content.strip() else []
    else:
        blocks = _parts(content or [], f"{place}.content")
    if message.role != "assistant":
        return blocks
    if message.refusal and not blocks:
        blocks = [{"type": "text", "text": message.refusal}]
    calls = [_call(call, f"{place}.tool_calls[{number}]") for number, call in enumerate(message.tool_calls or ())]
    said = blocks + calls
    return signed_blocks(message) + said if said else []


def _texts(message: Message, place: str) -> list[Block]:
    blocks = _blocks(Message("user", message.content), place)
    if any(block["type"] != "text" for block in blocks):
        raise InvalidField(f"{place}: a system prompt holds text only", param=f"{place}.content", fix="Send it as the user.")
    return blocks


def _parts(parts: list[Part], place: str) -> list[Block]:
    blocks: list[Block] = []
    for number, part in enumerate(parts):
        if part.type == "image_url":
            blocks.append(_image(part.image_url or {}, f"{place}[{number}].image_url"))
        elif part.type == "text" and part.text and part.text.strip():
            blocks.append({"type": "text", "text": part.text})
    return blocks


def _image(image: dict[str, Any], place: str) -> Block:
    """Errors: InvalidField for what is no image at first sight; the rest is for the model's vendor to judge."""
    url = image.get("url")
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return {"type": "image", "source": {"type": "url", "url": url}}
    head, comma, data = url.partition(",") if isinstance(url, str) else ("", "", "")
    kind = _IMAGES.get(head[5:].partition(";")[0].strip().lower()) if head[:5].lower() == "data:" else None
    if not comma or kind is None or not head.lower().endswith(";base64"):
        raise InvalidField(
            f"{place}: an image is a web address, or a data URL with JPEG, PNG, GIF or WebP in base64",
            param=place,
            fix="Correct the image.",
        )
    return {"type": "image", "source": {"type": "base64", "media_type": _kind(data, place) or kind, "data": data}}


def _kind(data: str, place: str) -> str | None:
    """What the image is by its first bytes, since a name that differs from them is refused; None: can't be told."""
    try:
        head = base64.b64decode(data[:_HEAD_CHARS], validate=True) if len(data) % 4 == 0 else b""
    except (ValueError, binascii.Error):
        head = b""
    if not head:
        raise InvalidField(f"{place}: the image is no base64", param=place, fix="Send the image's bytes in base64.")
    if head.startswith(b"\x89PNG"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"GIF8"):
        return "image/gif"
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _call(call: ToolCall, place: str) -> Block:
    function = call.function
    if function is None or not function.name or not call.id:
        raise InvalidField(f"{place}: a call needs an id and a function's name", param=place, fix="Send the call as it came.")
    try:
        given = _arguments.decode(function.arguments.encode()) if function.arguments.strip() else {}
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        where = f"{place}.function.arguments"
        raise InvalidField(f"{where}: no JSON object", param=where, fix="Send the arguments as they came.") from error
    return {"type": "tool_use", "id": call_ids.safe(call.id), "name": function.name, "input": given}


def _result(message: Message, place: str) -> Block:
    content = message.content
    block: Block = {"type": "tool_result", "tool_use_id": call_ids.safe(message.tool_call_id or "")}
    if isinstance(content, list):
        content = _parts(content, f"{place}.content")  # type: ignore[assignment]  # blocks from here on
    if content and (not isinstance(content, str) or content.strip()):
        block["content"] = content
    if message.is_error:
        block["is_error"] = True
    return block
