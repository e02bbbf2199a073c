"""Plain text, CSV and Markdown, in any encoding.

A text is read in the encoding that its marks, its zeros or its bytes tell; and once more where it says another thing to whoever
reads it otherwise (character references, UTF-7).
"""

import codecs
import html
import re
from collections.abc import Sequence
from pathlib import Path

from charset_normalizer import from_bytes

from appliance.files.document import (
    CHARACTERS_MAX,
    Change,
    Document,
    FileError,
    Kind,
    Notice,
    Piece,
    Redacted,
    Where,
)
from appliance.files.reading.leaves import Edit, edited
from appliance.files.reading.texts_mail import Block, blocks, encoded_words, files_in

BYTES_MAX = 4 * CHARACTERS_MAX
PIECE_CHARACTERS = 50_000
GUESSED_BYTES_MAX = 131_072
_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ASCII = bytes((*range(0x20, 0x7F), 9, 10, 13))
_UNLIKELY = [
    "mac_cyrillic",
    "mac_greek",
    "mac_iceland",
    "mac_latin2",
    "mac_roman",
    "mac_turkish",
    "kz1048",
    "ptcp154",
    "hp_roman8",
]
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,30});?")
_MARK = r"(?:\*{1,3}|__|~~|`|</?[A-Za-z][^<>\n]{0,100}>)"
EMPHASIS = re.compile(rf"(?<=\w){_MARK}|{_MARK}(?=\w)")
SPLIT_BY_MARKS = re.compile(rf"[\w@.]{_MARK}[\w@.]|\d{_MARK}[ -]{{1,2}}{_MARK}?\d|\d[ -]{{1,2}}{_MARK}\d")
_UTF7 = re.compile(r"\+[A-Za-z0-9/]{3,}-")
_ESCAPES = re.compile(r"\\([-.@_+ ])|\x1b\[[0-9;]{0,20}[A-Za-z]")
_UNREAD = re.compile("[\ufffd]")


class Decoded:
    """A file's text. lost: how many characters could not be told. marked: it began with a mark of its encoding."""

    def __init__(self, text: str, encoding: str, *, lost: int = 0, marked: bool = False) -> None:
        self.text, self.encoding, self.lost, self.marked = text, encoding, lost, marked


def read(path: Path, password: str | None = None, *, kind: Kind = "text") -> Document:
    """The text in pieces of some 50,000 characters, cut at ends of lines. `handle`: where a piece begins.

    Errors: FileError TOO_LARGE. What can't be decoded is told in `unread`.
    """
    decoded = decode(bytes_of(path))
    document = Document(kind=kind)
    document.pieces = [Piece(decoded.text[at:end], handle=str(at)) for at, end in _cuts(decoded.text)]
    document.pieces += _other_readings(decoded.text)
    if decoded.lost:
        document.unread.append(f"{decoded.lost} characters that are none in its encoding ({decoded.encoding})")
    if files := files_in(decoded.text):
        document.unread.append(f"files inside of the mail: {files}")
    if "\0" in decoded.text:
        document.notices.append(Notice("MALFORMED", "It is text with zero bytes in it."))
        for piece in document.pieces:
            piece.text = piece.text.replace("\0", "\u2400")  # as long as before: places stay the same
        document.pieces.append(
            Piece(decoded.text.replace("\0", ""), Where("body", name="without zero bytes"), "zero bytes between")
        )
    return document


def redact(
    path: Path,
    password: str | None,
    changes: Sequence[Change],
    result: Path,
    *,
    kind: Kind = "text",
    pieces: Sequence[Piece] = (),
) -> Redacted:
    """`path` with `changes` made, in its encoding where that has the new texts' letters, else in UTF-8."""
    decoded = decode(bytes_of(path))
    document = read(path, kind=kind)
    sent = list(blocks(decoded.text))
    edits: list[Edit] = []
    for change in changes:
        piece = document.pieces[change.piece]
        if piece.handle:
            edits.append(Edit(int(piece.handle) + change.start, int(piece.handle) + change.end, change.text))
        else:
            edits += _found_again(decoded.text, sent, piece, change)
    text = edited(decoded.text, edits).replace("\0", "")
    encoding = decoded.encoding
    try:
        data = text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        encoding, data = "utf-8", text.encode("utf-8", "replace")
    mark = (
        next((mark for mark, name in _MARKS if name == encoding), b"") if decoded.marked or encoding != decoded.encoding else b""
    )
    result.write_bytes(mark + data)
    return Redacted(kind, 0, ["characters that could not be read"] if decoded.lost else [])


def bytes_of(path: Path) -> bytes:
    if path.stat().st_size > BYTES_MAX:
        raise FileError("TOO_LARGE", "The text is too long.", f"Send at most {CHARACTERS_MAX:,} characters.")
    return path.read_bytes()


def decode(data: bytes) -> Decoded:
    """Errors: FileError TOO_LARGE."""
    decoded = _decode(data)
    if len(decoded.text) > CHARACTERS_MAX:
        raise FileError("TOO_LARGE", "The text is too long.", f"Send at most {CHARACTERS_MAX:,} characters.")
    return decoded


def _decode(data: bytes) -> Decoded:
    for mark, encoding in _MARKS:
        if data.startswith(mark) and not (encoding == "utf-32-le" and len(data) % 4):
            return _told(data[len(mark) :], encoding, marked=True)
    wide = _wide_encoding(data)
    if wide:
        return _told(data, wide)
    if b"\x1b$" in data or b"\x1b(" in data:
        try:
            return Decoded(data.decode("iso2022_jp_2"), "iso2022_jp_2")
        except UnicodeDecodeError:
            pass
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        nearly = data.decode("utf-8", "replace")
        bad = len(_UNREAD.findall(nearly))
        letters = sum(1 for byte in data[:GUESSED_BYTES_MAX] if byte >= 0xC2)
        if bad * 20 < letters or (error.start > len(data) - 4 and bad <= 1):
            return Decoded(nearly, "utf-8", lost=bad)
    return _told(data, _guessed(data))


def _told(data: bytes, encoding: str, *, marked: bool = False) -> Decoded:
    text = data.decode(encoding, "replace")
    return Decoded(text, encoding, lost=len(_UNREAD.findall(text)), marked=marked)


def _wide_encoding(data: bytes) -> str:
    """UTF-16 and UTF-32 without a mark, by where their zeros stand; "": neither."""
    sample = data[:GUESSED_BYTES_MAX]
    if len(sample) >= 8 and len(data) % 4 == 0:
        zeros = [sample[phase::4].count(0) * 4 / len(sample) for phase in range(4)]
        if min(zeros[2], zeros[3]) > 0.9 and zeros[0] < 0.5:
            return "utf-32-le"
        if min(zeros[0], zeros[1]) > 0.9 and zeros[3] < 0.5:
            return "utf-32-be"
    if len(sample) < 4:
        return ""
    even, odd = (sample[phase::2].count(0) * 2 / len(sample) for phase in (0, 1))
    if max(even, odd) < 0.02 or min(even, odd) > 0.25 * max(even, odd):
        return ""
    plain = sample.replace(b"\0", b"")
    if max(even, odd) < 0.5 and len(plain.translate(None, _ASCII)) < 0.03 * len(plain):
        return ""  # ASCII with some zeros in it
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = sample[: len(sample) // 2 * 2].decode(encoding, "ignore")
    except UnicodeDecodeError:
        return ""
    return (
        encoding if text and sum(character.isprintable() or character.isspace() for character in text) > 0.9 * len(text) else ""
    )


def _guessed(data: bytes) -> str:
    """By how its letters follow each other; Windows-1252 where nothing fits, in which ASCII at least is what it is."""
    high = next((at for at, byte in enumerate(data) if byte >= 0x80), 0)
    sample = data[max(0, high - 1_024) : high - 1_024 + GUESSED_BYTES_MAX] if high > 1_024 else data[:GUESSED_BYTES_MAX]
    best = from_bytes(sample, steps=5, chunk_size=512, preemptive_behaviour=False, cp_exclusion=_UNLIKELY).best()
    if best is None:
        return "cp1252"
    try:
        codecs.lookup(best.encoding)
    except LookupError:
        return "cp1252"
    return best.encoding


def _cuts(text: str) -> list[tuple[int, int]]:
    cuts: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        end = min(len(text), at + PIECE_CHARACTERS)
        if end < len(text):
            line = text.rfind("\n", at + PIECE_CHARACTERS // 2, end)
            end = line + 1 if line > 0 else end
        cuts.append((at, end))
        at = end
    return cuts


def _other_readings(text: str) -> list[Piece]:
    """What those read who undo character references that stand for letters, digits or @, or take it for UTF-7."""
    found: list[Piece] = []
    for mark, signs, reading in _READINGS:
        if signs.search(text):
            pairs = ((line, reading(line)) for line in text.splitlines() if signs.search(line))
            lines = [other for line, other in pairs if other != line]
            found += [Piece("\n".join(lines), Where("xml", name=mark))] if lines else []
    sent = "\n".join(block.text for block in blocks(text))
    return [*found, Piece(sent, Where("xml", name="as it was sent"))] if sent else found


def _without_marks(line: str) -> str:
    """Without marks of emphasis and tags, which may stand within a word or a number."""
    return EMPHASIS.sub("", line)


def _unreferenced(line: str) -> str:
    return _REFERENCE.sub(lambda found: _plain(html.unescape(found[0])) or found[0], line)


def _from_utf7(line: str) -> str:
    def plain(found: re.Match[str]) -> str:
        try:
            return _plain(found[0].encode().decode("utf-7")) or found[0]
        except UnicodeDecodeError:
            return found[0]

    return _UTF7.sub(plain, line)


def _plain(text: str) -> str:
    """`text`, if a value may be written with it: nobody needs a reference for such, as they do for <, & and é."""
    return text if text.isascii() and any(character.isalnum() or character in "@.-+_" for character in text) else ""


def _without_escapes(line: str) -> str:
    """Markdown's backslashes, and a terminal's colours."""
    return _ESCAPES.sub(r"\1", line)


_READINGS = (
    ("escapes", re.compile(r"\\[-.@_+ ]|\x1b"), _without_escapes),
    ("character references", re.compile("&"), _unreferenced),
    ("utf-7", re.compile(r"\+"), _from_utf7),
    ("encoded words", re.compile(r"=\?"), encoded_words),
    ("without marks", SPLIT_BY_MARKS, _without_marks),
)


def _found_again(text: str, sent: Sequence[Block], piece: Piece, change: Change) -> list[Edit]:
    """Where a value of another reading stands in the text: the lines that hold it go."""
    value = piece.text[change.start : change.end]
    edits: list[Edit] = []
    at = 0
    for line in text.splitlines(keepends=True):
        readings = (*(reading(line) for _, _, reading in _READINGS), line.replace("\0", ""))
        if any(part and part in reading for reading in readings for part in value.splitlines()):
            end = len(line.rstrip("\r\n"))
            edits.append(Edit(at, at + end, change.text))
        at += len(line)
    edits += [
        Edit(block.start, block.end, change.text)
        for block in sent
        if any(part and part in block.text for part in value.splitlines())
    ]
    return edits
