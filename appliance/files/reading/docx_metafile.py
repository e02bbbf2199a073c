"""Texts in Windows metafiles (EMF, WMF), which Word keeps as previews of embedded objects. They aren't drawn.

Source: [MS-EMF] 2.3.5 (text records), [MS-WMF] 2.3.3.
"""

RECORDS_MAX = 200_000
_EMF_TEXT = {83, 84, 108}  # EMR_EXTTEXTOUTA, EMR_EXTTEXTOUTW, EMR_SMALLTEXTOUT
_EMF_BITMAPS = {76, 77, 78, 79, 80, 81, 114, 115, 116}
_WMF_TEXT = {0x0521, 0x0A32}
_WMF_BITMAPS = {0x0922, 0x0940, 0x0B23, 0x0B41, 0x0F43, 0x0D33}


def metafile_texts(data: bytes) -> tuple[list[str], bool]:
    """The texts, and whether there are pictures in it, or records that we can't read."""
    return _emf(data) if data[:4] == b"\x01\0\0\0" and data[40:44] == b" EMF" else _wmf(data)


def _word(data: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _emf(data: bytes) -> tuple[list[str], bool]:
    texts: list[str] = []
    has_more = False
    at = 0
    for _ in range(RECORDS_MAX):
        if at + 8 > len(data):
            return texts, has_more
        kind, size = _word(data, at), _word(data, at + 4)
        if size < 8 or at + size > len(data):
            return texts, True
        record = data[at : at + size]
        if kind in _EMF_TEXT:
            texts.append(_emf_text(kind, record))
        elif kind in _EMF_BITMAPS or (kind == 70 and record[12:16] == b"EMF+"):
            has_more = True
        at += size
    return texts, True


def _emf_text(kind: int, record: bytes) -> str:
    if kind == 108:
        length, flags = _word(record, 16), _word(record, 20)
        start = 36 if flags & 0x100 else 52
        wide = not flags & 0x200
    else:
        length, start, wide = _word(record, 44), _word(record, 48), kind == 84
    raw = record[start : start + length * (2 if wide else 1)]
    return raw.decode("utf-16-le" if wide else "cp1252", "replace")


def _wmf(data: bytes) -> tuple[list[str], bool]:
    texts: list[str] = []
    has_more = False
    at = 22 if data[:4] == b"\xd7\xcd\xc6\x9a" else 0
    at += 18
    for _ in range(RECORDS_MAX):
        if at + 6 > len(data):
            return texts, has_more
        size, kind = _word(data, at) * 2, _word(data, at + 4, 2)
        if size < 6 or at + size > len(data):
            return texts, True
        record = data[at : at + size]
        if kind == 0x0521:
            length = _word(record, 6, 2)
            texts.append(record[8 : 8 + length].decode("cp1252", "replace"))
        elif kind == 0x0A32:
            length, options = _word(record, 10, 2), _word(record, 12, 2)
            start = 22 if options & 6 else 14
            texts.append(record[start : start + length].decode("cp1252", "replace"))
        elif kind in _WMF_BITMAPS:
            has_more = True
        at += size
    return texts, True
