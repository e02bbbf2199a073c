"""What a PDF's bytes hold beside what its tables lead to: objects of earlier states, and comments.

Whoever changes a PDF mostly adds to it: what an object said before is still there, and every program with a text editor shows it.
"""

import io
import re
from collections.abc import Iterator

from pypdf import PdfReader
from pypdf._utils import read_non_whitespace
from pypdf.errors import LimitReachedError
from pypdf.generic import PdfObject, StreamObject, read_object

from appliance.files.reading.pdf_bounds import Deadline

EARLIER = "an earlier state"
_OBJECT = re.compile(rb"(?<![0-9])([0-9]{1,10})[ \t\r\n]+([0-9]{1,5})[ \t\r\n]+obj\b")
_COMMENT = re.compile(rb"(?:^|[\r\n])[ \t]*%([^\r\n]{6,2000})")
_OF_FILES = re.compile(rb"%?(?:PDF-\d|%EOF|[\x80-\xff])")
_EARLIER_MAX = 2_000
_COMMENTS_MAX = 1_000


def earlier_objects(reader: PdfReader, data: bytes, deadline: Deadline) -> Iterator[PdfObject]:
    """Objects that were replaced or removed, as they stand in the bytes, those in streams of objects too."""
    places = {place for table in reader.xref.values() for place in table.values()}
    begin = max(0, data.find(b"%PDF-"))
    count = 0
    for match in _OBJECT.finditer(data, begin):
        is_packed = b"/ObjStm" in data[match.end() : match.end() + 400]
        is_current = any(match.start() - off in places or match.start() - begin - off in places for off in range(4))
        if is_current and not is_packed:
            continue
        deadline.check()
        count += 1
        if count > _EARLIER_MAX:
            return
        found = _read(reader, match)
        if is_packed and isinstance(found, StreamObject):
            yield from _packed(reader, found, int(match.group(1)), is_current=is_current)
        elif found is not None:
            yield found


def _read(reader: PdfReader, match: re.Match[bytes]) -> PdfObject | None:
    try:
        reader.stream.seek(match.end())
        read_non_whitespace(reader.stream)
        reader.stream.seek(-1, 1)
        found = read_object(reader.stream, reader)
        if reader.is_encrypted and reader._encryption is not None and found is not None:
            found = reader._encryption.decrypt_object(found, int(match.group(1)), int(match.group(2)))
    except (LimitReachedError, MemoryError):
        raise
    except Exception:  # damaged, or no object at all: pypdf raises what it likes
        return None
    return found


def _packed(reader: PdfReader, stream: StreamObject, number: int, *, is_current: bool) -> Iterator[PdfObject]:
    """What a stream of objects holds that is no longer what the file says."""
    try:
        data, first = stream.get_data(), int(str(stream["/First"]))
        head = [int(each) for each in data[:first].split()]
    except (LimitReachedError, MemoryError):
        raise
    except Exception:  # as above
        return
    loose = {id_ for table in reader.xref.values() for id_ in table} if is_current else set()
    for index, (id_, place) in enumerate(zip(head[0::2], head[1::2], strict=False)):
        if is_current and id_ not in loose and reader.xref_objStm.get(id_) == (number, index):
            continue
        if index > _EARLIER_MAX:
            return
        try:
            yield read_object(io.BytesIO(data[first + place :]), reader)
        except Exception:  # as above
            continue


def comments(data: bytes) -> list[str]:
    """Outside streams."""
    outside = b"\n".join(part.rpartition(b"endstream")[2] for part in re.split(rb"(?<!end)stream\r?\n", data))
    found: list[str] = []
    for match in _COMMENT.finditer(outside):
        if not _OF_FILES.match(match.group(1)) and len(found) < _COMMENTS_MAX:
            found.append(match.group(1).decode("utf-8", "replace").strip())
    return found
