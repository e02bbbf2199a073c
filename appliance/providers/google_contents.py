"""A conversation as Gemini takes it: `contents` of the roles user and model, and a `systemInstruction` beside them.

Source: ai.google.dev/api/caching#Content, docs/function-calling, docs/thought-signatures, read 2026-11-26.
Quirks: neighbours of one role are one content. System messages have one place, wherever they stood. The answers to a model's
calls are one content of their own, one for each call and in the calls' order, by name; `response` must be an object. Gemini 3
demands the signature of a step's first call back: one that got lost, or a call of another vendor's model, has Google's own
dummy in its place. A signature stands in extra_content, or in the call's id where a client kept that alone (call_ids.py).
What a model thought is never sent back.
"""

from typing import Any

import msgspec

from appliance.chat import ChatRequest, Message, ToolCall
from appliance.errors import FeatureUnsupported, InvalidField
from appliance.providers import call_ids
from appliance.providers.google_images import image_part

DUMMY_SIGNATURE = "skip_thought_signature_validator"
# Families that know no signatures, or don't demand them. Any other name may be the newest model's.
_SIGNATURES_NOT_DEMANDED = ("gemini-1", "gemini-2", "gemma", "learnlm")

_read_object = msgspec.json.Decoder(dict[str, Any]).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


def put_conversation(body: dict[str, Any], chat: ChatRequest, model: str) -> None:
    """Write `contents` and `systemInstruction`. Errors: InvalidField, FeatureUnsupported, with the place."""
    turns = _Turns(signatures_demanded=not model.startswith(_SIGNATURES_NOT_DEMANDED))
    for position, message in enumerate(chat.messages):
        turns.add(message, f"messages[{position}]")
    turns.end()
    contents, system = turns.contents, turns.system
    if not contents:  # instructions alone: Google wants something said, so they are
        contents, system = [{"role": "user", "parts": system}], []
    if not contents[0]["parts"]:
        raise InvalidField("all messages are empty", param="messages", fix="Send a message with a text.")
    body["contents"] = contents
    if system:
        body["systemInstruction"] = {"parts": system}


class _OpenCall(msgspec.Struct):
    """A call of the model's last turn, and its result once it came."""

    id: str
    name: str
    result: dict[str, Any] | None = None


class _Turns:
    """Takes messages in order."""

    def __init__(self, *, signatures_demanded: bool) -> None:
        self.contents: list[dict[str, Any]] = []
        self.system: list[dict[str, Any]] = []
        self._signatures_demanded = signatures_demanded
        self._open: list[_OpenCall] = []
        self._calls_at = ""
        self._pictures: list[dict[str, Any]] = []  # that tools gave, shown behind their results
        self._may_merge = True

    def add(self, message: Message, where: str) -> None:
        role = message.role
        if role in ("system", "developer"):
            self.system += _parts(message, where, images=False)
        elif role == "tool":
            self._add_result(message, where)
        elif role == "function":
            raise FeatureUnsupported(
                "Google takes no messages of the role 'function'", param=f"{where}.role", fix="Send role 'tool' and tool_call_id."
            )
        else:
            self._close_calls()
            parts = _parts(message, where, images=True)
            if role == "user":
                self._put("user", parts)
            else:
                self._put("model", parts + self._calls(message.tool_calls or [], f"{where}.tool_calls"))

    def end(self) -> None:
        self._close_calls()

    def _put(self, role: str, parts: list[dict[str, Any]]) -> None:
        if not parts:
            return
        last = self.contents[-1] if self.contents and self._may_merge else None
        if last is not None and last["role"] == role:
            last["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})
        self._may_merge = True

    def _calls(self, calls: list[ToolCall], where: str) -> list[dict[str, Any]]:
        self._calls_at = where
        parts = []
        for position, call in enumerate(calls):
            at = f"{where}[{position}]"
            if call.function is None or not call.function.name:
                raise InvalidField(f"{at} names no function", param=f"{at}.function.name", fix="Send the call as it came.")
            call_id = call_ids.plain(call.id)
            if call_id and any(before.id == call_id for before in self._open):  # results are told apart by it
                raise InvalidField(f"{at}: another call of this turn has the same id", param=at, fix="Give each an id.")
            called = {"name": call.function.name, "args": _arguments(call.function.arguments, f"{at}.function.arguments")}
            part: dict[str, Any] = {"functionCall": _with_id(called, call_id)}
            signature = _signature(call)
            if signature is None and position == 0 and self._signatures_demanded:
                signature = DUMMY_SIGNATURE
            if signature is not None:
                part["thoughtSignature"] = signature
            parts.append(part)
            self._open.append(_OpenCall(call_id, call.function.name))
        return parts

    def _add_result(self, message: Message, where: str) -> None:
        call_id = call_ids.plain(message.tool_call_id or "")
        call = next((call for call in self._open if call.id == call_id and call.result is None), None)
        if call is None:
            raise InvalidField(
                f"{where} is the result of a call that the assistant's message before it doesn't have",
                param=f"{where}.tool_call_id",
                fix="Send the assistant's message with the call first, and one result for each call.",
            )
        text, images = _result(message, where)
        self._pictures += images
        response = {"error": text} if message.is_error else _response(text)
        call.result = {"functionResponse": _with_id({"name": call.name, "response": response}, call_id)}

    def _close_calls(self) -> None:
        if not self._open:
            return
        results = []
        for position, call in enumerate(self._open):
            if call.result is None:
                raise InvalidField(
                    f"{self._calls_at}[{position}] has no result",
                    param=f"{self._calls_at}[{position}].id",
                    fix="Answer each call with a message of the role 'tool' straight after it.",
                )
            results.append(call.result)
        self.contents.append({"role": "user", "parts": results})
        self._may_merge = False  # Google counts the results of a content
        pictures, self._pictures, self._open = self._pictures, [], []
        self._put("user", pictures)


def _parts(message: Message, where: str, *, images: bool) -> list[dict[str, Any]]:
    """A message's texts and images. Empty texts are left out: Google refuses them."""
    content = message.content
    if isinstance(content, str) and content:
        return [{"text": content}]
    parts: list[dict[str, Any]] = []
    for position, part in enumerate(content if isinstance(content, list) else ()):
        if part.type in ("text", "refusal"):
            if part.text:
                parts.append({"text": part.text})
        elif part.type == "image_url" and images:
            parts.append(image_part(part.image_url, f"{where}.content[{position}]"))
        else:
            at = f"{where}.content[{position}]"
            raise FeatureUnsupported(
                f"Google can't take a part of type {part.type[:40]!r} here", param=f"{at}.type", fix="Send text."
            )
    if not parts and message.refusal:
        parts.append({"text": message.refusal})
    return parts


def _result(message: Message, where: str) -> tuple[str, list[dict[str, Any]]]:
    if isinstance(message.content, str):
        return message.content, []
    parts = _parts(message, where, images=True)
    return "\n".join(part["text"] for part in parts if "text" in part), [part for part in parts if "text" not in part]


def _response(text: str) -> dict[str, Any]:
    """A tool's result as the object that Google wants: the tool's own where it gave one."""
    if text.lstrip()[:1] == "{":
        try:
            return _read_object(text)
        except _UNREADABLE:
            pass  # looks like JSON, and is text
    return {"result": text}


def _arguments(text: str, where: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        return _read_object(text)
    except _UNREADABLE as error:
        raise InvalidField(
            f"{where} is no JSON object",
            param=where,
            fix="Send the arguments as the model wrote them: the JSON text of an object.",
        ) from error


def _signature(call: ToolCall) -> str | None:
    google = (call.extra_content or {}).get("google")
    found = google.get("thought_signature") if isinstance(google, dict) else None
    return found if isinstance(found, str) and found else call_ids.signature_in(call.id)


def _with_id(fields: dict[str, Any], call_id: str) -> dict[str, Any]:
    """With Google's own id. Ids that we or others made (`call_…`) aren't sent: models before Gemini 3 gave none."""
    if call_id and not call_id.startswith("call_"):
        fields["id"] = call_id
    return fields
