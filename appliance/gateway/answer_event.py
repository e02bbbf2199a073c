"""An answer, or an event of one, in the provider's own bytes: read to be inspected, written anew where a text of it was changed.

Nothing of it is lost: fields that nobody here has heard of are inspected and go on like those that are known.
"""

import re
from typing import Any

import msgspec

from appliance.providers.half_characters import with_whole_characters

_read = msgspec.json.Decoder().decode
_write = msgspec.json.Encoder().encode
# Vectors of embeddings: making a million numbers of them takes a second, for which everybody waits. Within a text quotes have a
# backslash before them, so the name is found in none.
_VECTOR = re.compile(rb'"embedding" ?: ?\[')
_MARK = b'{"\\u0001vector":%d}'
_MARKS = re.compile(rb'\{"\\u0001vector":([0-9]+)\}')
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class AnswerEvent:
    """`body`: what its JSON holds; None: it is none, and only `rest` can be inspected.

    is_whole: it is no event of a stream: nothing of the answer comes before or behind it.
    rest:     what stands in the bytes beside the JSON: names of events, comments; or all of it.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.is_changed = False
        self.is_whole = raw.lstrip()[:1] in (b"{", b"[")
        self._lines, data = ([], raw) if self.is_whole else _lines(raw)
        self._vectors: list[bytes] = []
        if self.is_whole and b'"embedding"' in data:
            data = self._without_vectors(data)
        try:
            self.body: dict[str, Any] | None = _object(data)
        except _UNREADABLE:
            self.body, self._lines = None, raw.split(b"\n")
        self.rest = b"\n".join(self._lines).decode("utf-8", "replace")

    def _without_vectors(self, data: bytes) -> bytes:
        """A mark for each list of numbers alone."""
        kept: list[bytes] = []
        place = 0
        for found in _VECTOR.finditer(data):
            start = found.end() - 1
            end = data.find(b"]", start) + 1
            vector = data[start:end]
            if not vector or any(sign in vector for sign in (b'"', b"{")) or b"[" in vector[1:]:
                continue
            kept += (data[place:start], _MARK % len(self._vectors))
            self._vectors.append(vector)
            place = end
        return b"".join([*kept, data[place:]])

    def _with_vector(self, found: re.Match[bytes]) -> bytes:
        number = int(found[1])
        return self._vectors[number] if number < len(self._vectors) else found[0]

    def drop_rest(self) -> None:
        """What it says beside the JSON, but for the event's name."""
        self._lines = [line for line in self._lines if line.startswith(b"event:") and self.body is not None]
        self.is_changed = True

    def written(self) -> bytes | None:
        """As it goes on; None: nothing of it may."""
        if not self.is_changed:
            return self.raw
        if self.body is None:
            return None
        data = _write(self.body)
        if self._vectors:
            data = _MARKS.sub(self._with_vector, data)
        return data if self.is_whole else b"\n".join([*self._lines, b"data: " + data, b"", b""])


def _object(data: bytes) -> dict[str, Any] | None:
    found = _read(with_whole_characters(data)) if data else None
    if found is not None and not isinstance(found, dict):
        raise msgspec.DecodeError("no object")
    return found


def _lines(raw: bytes) -> tuple[list[bytes], bytes]:
    """(lines that aren't data, the data)."""
    if raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2:  # nearly all events
        return [], raw[6:-2]
    others: list[bytes] = []
    data: list[bytes] = []
    for line in raw.split(b"\n"):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line:
            others.append(line)
    return others, b"\n".join(data)
