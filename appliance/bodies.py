"""JSON bodies as callers send them: read, or refused with where and why."""

import re
from typing import Any, TypeVar

import msgspec

from appliance.errors import BadRequest, InvalidField, MalformedJson

T = TypeVar("T")

PARTS_MAX = 200_000

_BYTE = re.compile(r" \(byte (\d+)\)$")
_PLACE = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)
_MISSING = re.compile(r"(?:required|unknown) field `(.*?)`", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')
_object = msgspec.json.Decoder(dict[str, Any])


def refuse_many_parts(body: bytes) -> None:
    """Refuse a body of millions of lists, objects and texts before anything is made of them: each costs everybody time.

    Errors:  MalformedJson. Numbers don't count: embeddings take lists of a million tokens.
    """
    if has_many_parts(body):
        raise MalformedJson(f"the body has more than {PARTS_MAX:,} lists, objects and texts", fix="Send a smaller JSON body.")


def has_many_parts(body: bytes) -> bool:
    """More than PARTS_MAX?"""
    if len(body) <= PARTS_MAX:  # a part takes a byte at least
        return False
    if body.count(b"[") + body.count(b"{") + body.count(b'"') // 2 <= PARTS_MAX:
        return False
    # What looks like parts may stand in a text. Without escapes first, so that the search takes no longer the worse the body is.
    rest, texts = _STRING.subn(b"", body.replace(rb"\\", b"").replace(rb"\"", b""))
    return texts + rest.count(b"[") + rest.count(b"{") > PARTS_MAX


def is_nested_deeper(value: Any, levels: int) -> bool:
    """Do lists and objects stand more than `levels` deep in one another?"""
    layer = [value]
    for _ in range(levels):
        held = [inner for one in layer for inner in (one.values() if isinstance(one, dict) else one)]
        layer = [inner for inner in held if isinstance(inner, dict | list)]
        if not layer:
            return False
    return True


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object, whatever it holds. Errors: MalformedJson, InvalidField."""
    refuse_many_parts(body)
    try:
        return _object.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refusal(error, body) from error


def read(body: bytes, decoder: "msgspec.json.Decoder[T]") -> T:
    """A body of the decoder's type. Errors: MalformedJson (says where), InvalidField (`param` names the field)."""
    refuse_many_parts(body)
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refusal(error, body) from error


def read_document(document: dict[str, Any], kind: type[T]) -> T:
    """The same of what was decoded before, and perhaps put together with something else. Errors: InvalidField."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise _wrong_field(str(error)) from error


def refusal(error: Exception, body: bytes) -> BadRequest:
    """What a caller is told about a body that msgspec would not read."""
    if isinstance(error, msgspec.ValidationError):
        return _wrong_field(str(error))
    if isinstance(error, RecursionError):
        return MalformedJson("the body is nested too deeply", fix="Send a flatter JSON body.")
    if not body.strip():
        return MalformedJson("the body is empty", fix="Send a JSON object.")
    if isinstance(error, UnicodeDecodeError):
        return MalformedJson(f"the body is not UTF-8 ({_not_utf8_at(body)})", fix="Encode the JSON as UTF-8.")
    text = str(error)
    found = _BYTE.search(text)
    where = _line_and_column(body, int(found[1])) if found else "at its end, or in a broken \\u escape"
    what = _BYTE.sub("", text).removeprefix("JSON is malformed: ")
    return MalformedJson(f"the body is no valid JSON: {what} ({where})", fix="Mend the JSON at the place named.")


def _wrong_field(text: str) -> InvalidField:
    place = _PLACE.search(text)
    what = "there is no such field" if "unknown field" in text else _PLACE.sub("", text).replace("`", "")
    missing = _MISSING.search(text)
    parts = [place[1] if place else "", missing[1] if missing else ""]
    param = ".".join(part for part in parts if part)[:200] or None
    message = f"{param}: {what}" if param else what
    return InvalidField(message[:400], fix="Correct the field; /docs shows what each takes.", param=param)


def _not_utf8_at(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return _line_and_column(body, error.start)
    return "position unknown"


def _line_and_column(body: bytes, at: int) -> str:
    before, newline = body[:at], b"\n"
    return f"line {before.count(newline) + 1}, column {at - before.rfind(newline)}"
