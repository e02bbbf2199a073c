"""Server-sent events from bytes, without I/O.

Source: html.spec.whatwg.org/multipage/server-sent-events.html, read 2026-11-25.
Lines end at \\n, \\r\\n or \\r and nowhere else: U+2028, U+2029 and U+0085 are ordinary characters inside JSON,
and a reader that splits there (httpx's iter_lines) cuts an event in two.
"""

import msgspec

EVENT_BYTES_MAX = 16 * 1024 * 1024


class SseEvent(msgspec.Struct, frozen=True, gc=False):
    """One event. `raw` is what was read for it, up to and including its blank line."""

    name: str
    data: bytes
    raw: bytes


class SseTooLarge(ValueError):
    """An event passed the bound; whoever sends such a thing is broken or hostile."""


class SseReader:
    """Cuts a byte stream into events, wherever the network cut it. One per answer."""

    def __init__(self, event_bytes_max: int = EVENT_BYTES_MAX) -> None:
        self._rest = bytearray()  # of the event that isn't complete: there is no blank line in it
        self._carried = b""  # a \r that may be half of \r\n
        self._event_bytes_max = event_bytes_max

    def feed(self, data: bytes) -> list[SseEvent]:
        """The events that `data` completes. Only `data` is looked at: an event in many pieces is put together once, at its end
        (looked through again with each piece, one of 4 MB in pieces of 2 KB cost 20 s, for which everybody waits).

        Errors:  SseTooLarge when an event grows past the bound.
        """
        if self._carried:
            data, self._carried = b"\r" + data, b""
        if b"\r" in data:
            if data.endswith(b"\r"):
                data, self._carried = data[:-1], b"\r"
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if self._rest:
            if b"\n\n" not in data and not (data.startswith(b"\n") and self._rest.endswith(b"\n")):
                return self._kept(data)
            data = bytes(self._rest) + data
            self._rest.clear()
        blocks = data.split(b"\n\n")
        if last := blocks.pop():
            self._kept(last)
        return [
            event for block in blocks if block and (event := _event(block)) is not None
        ]  # blank lines may come by the million

    def _kept(self, data: bytes) -> list[SseEvent]:
        """No event is complete by it."""
        self._rest += data
        if len(self._rest) > self._event_bytes_max:
            raise SseTooLarge(f"an event is larger than {self._event_bytes_max} bytes")
        return []

    @property
    def has_rest(self) -> bool:
        """Bytes of an event that is not complete have been read."""
        return bool(self._rest or self._carried)

    def close(self) -> list[SseEvent]:
        """The last event of a stream that ended without its blank line, where there is one."""
        rest = bytes(self._rest).rstrip(b"\n")
        self._rest.clear()
        self._carried = b""
        event = _event(rest) if rest else None
        return [event] if event is not None else []


def _event(block: bytes) -> SseEvent | None:
    if block.startswith(b"data: ") and b"\n" not in block:  # nearly all events of every vendor
        return SseEvent("", block[6:], block + b"\n\n")
    name, data = "", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    if not data:
        return None
    return SseEvent(name, b"\n".join(data), block.lstrip(b"\n") + b"\n\n")
