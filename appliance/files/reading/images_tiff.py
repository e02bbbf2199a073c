"""Where a TIFF ends by its own account: behind the last of its folders, of what they name, and of its strips and tiles.

Source: TIFF 6.0, and BigTIFF's wider places. Only places and lengths are followed.
"""

from typing import Literal, NamedTuple

FOLDERS_MAX = 2_000
ENTRIES_MAX = 4_096
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_FOLDER_TAGS = frozenset({330, 34665, 34853, 40965})  # of folders inside folders
_PLACES, _LENGTHS = frozenset({273, 324, 513}), frozenset({279, 325, 514})


class _Form(NamedTuple):
    order: Literal["little", "big"]
    wide: int  # bytes of a place
    counting: int  # bytes that say how many entries follow

    def number(self, data: bytes, at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], self.order)


def tiff_end(data: bytes) -> int:
    """The file's length, where it makes no sense."""
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    is_big = int.from_bytes(data[2:4], order) == 43
    form = _Form(order, 8, 8) if is_big else _Form(order, 4, 2)
    waiting = [form.number(data, 8 if is_big else 4, form.wide)]
    seen: set[int] = set()
    end = 0
    while waiting and len(seen) < FOLDERS_MAX:
        at = waiting.pop()
        if at in seen or not 8 <= at < len(data):
            continue
        seen.add(at)
        reached, more = _folder(data, at, form)
        end = max(end, reached)
        waiting += more
    return min(end, len(data)) if end else len(data)


def _folder(data: bytes, at: int, form: _Form) -> tuple[int, list[int]]:
    """Where what it names ends, and the folders that it names."""
    entries = min(form.number(data, at, form.counting), ENTRIES_MAX)
    size = 4 + 2 * form.wide
    end = at + form.counting + entries * size + form.wide
    more = [form.number(data, end - form.wide, form.wide)]
    places: list[int] = []
    lengths: list[int] = []
    for entry in range(at + form.counting, at + form.counting + entries * size, size):
        tag, kind = form.number(data, entry, 2), form.number(data, entry + 2, 2)
        count = form.number(data, entry + 4, form.wide)
        value = entry + 4 + form.wide
        each = _BYTES.get(kind, 1)
        if each * count > form.wide:
            value = form.number(data, value, form.wide)
            end = max(end, value + each * count)
        if tag in _PLACES | _LENGTHS | _FOLDER_TAGS:
            numbers = [form.number(data, value + each * step, each) for step in range(min(count, 100_000))]
            places += numbers if tag in _PLACES else []
            lengths += numbers if tag in _LENGTHS else []
            more += numbers[:100] if tag in _FOLDER_TAGS else []
    return max([end, *(place + length for place, length in zip(places, lengths, strict=False))]), more
