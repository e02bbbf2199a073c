"""What a page's content would cost to read, before pdfium reads it: nothing interrupts that.

Forms draw forms: in three kilobytes a page can draw a line 10^12 times.
"""

import re
from typing import Any

from pypdf import PageObject
from pypdf.generic import DictionaryObject, IndirectObject, StreamObject

from appliance.files.reading.pdf_bounds import BROKEN, Deadline, too_large
from appliance.files.reading.pdf_place import at

DRAWS = re.compile(rb"/([^\s/<>\[\](){}%]+)\s+Do\b")

_BYTES_MAX = 12_000_000  # with all that is drawn in it, each time it is drawn: 1.7 million words
_DRAWN_MAX = 100_000
_NESTED_MAX = 20
_STATES_MAX = 5_000
_STATE = re.compile(rb"(?<!\S)[qQ](?!\S)")
_SHORT_BYTES = 3 * _STATES_MAX

_Cost = tuple[int, int]  # bytes, things drawn


class Contents:
    """Of the pages of one file. What pages share is looked at once."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self.forms: dict[int, _Cost] = {}

    def of(self, page: PageObject) -> bytes:
        """Its own content, unpacked; b"": it can't be read. Errors: TOO_LARGE."""
        try:
            contents = page.get_contents()
            data = b"" if contents is None else contents.get_data()
            cost = self._cost(data, at(page, "/Resources"), 0)
        except BROKEN:
            return b""
        if cost[0] > _BYTES_MAX or cost[1] > _DRAWN_MAX:
            raise too_large("a page with more content than is read")
        return data

    def _cost(self, data: bytes, resources: Any, depth: int) -> _Cost:
        self._deadline.check()
        _check_states(data)
        size, drawn = len(data), 1
        named = at(resources, "/XObject") if isinstance(resources, DictionaryObject) and b"Do" in data else None
        if not isinstance(named, DictionaryObject):
            return size, drawn
        counts: dict[str, int] = {}
        for name in DRAWS.findall(data):
            key = "/" + name.decode("latin-1")
            counts[key] = counts.get(key, 0) + 1
        for key, count in counts.items():
            if key in named:
                inner = self._form(named.raw_get(key), depth + 1)
                size, drawn = size + count * inner[0], drawn + count * inner[1]
        return size, drawn

    def _form(self, reference: Any, depth: int) -> _Cost:
        number = reference.idnum if isinstance(reference, IndirectObject) else 0
        if number in self.forms:
            return self.forms[number]
        form = reference.get_object()
        if not isinstance(form, StreamObject) or at(form, "/Subtype") != "/Form":
            return (0, 1)
        if depth > _NESTED_MAX:
            raise too_large("forms in forms, too deep")
        self.forms[number] = (0, 0)  # one that draws itself ends
        cost = self._cost(form.get_data(), at(form, "/Resources"), depth)
        if number:
            self.forms[number] = cost
        return cost


def _check_states(data: bytes) -> None:
    if len(data) < _SHORT_BYTES:
        return
    depth = 0
    for match in _STATE.finditer(data):
        depth += 1 if match.group() == b"q" else -1
        if depth > _STATES_MAX:
            raise too_large("a page with too many states")
