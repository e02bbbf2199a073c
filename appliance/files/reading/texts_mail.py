"""What mails say to whoever undoes how they are sent: quoted-printable, base64 over many lines, words of headers.

Sources: RFC 2045, RFC 2047. Also where no header says so: a body that was saved by itself is read by mail programs' rules too.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterator
from typing import NamedTuple

LINES_JOINED_MAX = 500
_SOFT = re.compile(r"=[ \t]*\r?\n")
_HEX = re.compile(r"(?:=[0-9A-Fa-f]{2})+")
_SENT_SO = re.compile(
    r"^Content-Transfer-Encoding:[ \t]*quoted-printable|\S=[ \t]*\r?\n\S|=3D|=C[23]=|=E[0-9A-F]=|=20\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_OF_VALUES = re.compile(r"(?<![A-Za-z])=(?:3[0-9]|4[0-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A]|2[0DE])|=(?:40|2E|2D|5F)")
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{16,1000}={0,2}(?:[ \t]*\r?\n[A-Za-z0-9+/]{1,1000}={0,2}(?![^\s=])){1,20000}"
)
_WORD = re.compile(r"=\?([\w.:+-]{2,40})(?:\*[\w-]{1,20})?\?([BbQq])\?([^?\s]{1,2000})\?=(?:\s+(?==\?))?")
_TAG = re.compile(r"<[!/?A-Za-z][^<>]{0,4000}>")
_FILES = (
    b"%PDF-",
    b"PK\3\4",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\xd0\xcf\x11\xe0",
    b"II*\0",
    b"MM\0*",
    b"{\\rtf",
    b"\x1f\x8b",
)


class Block(NamedTuple):
    """`text`: what characters `start` to `end` of the file say."""

    text: str
    start: int
    end: int


def blocks(text: str) -> Iterator[Block]:
    """Those alone that say something else than they show."""
    yield from _quoted(text)
    yield from _packed(text)


def files_in(text: str) -> int:
    """How many files of kinds that are known stand in it as base64, said to be that by a mail's header."""
    if not re.search(r"^Content-Transfer-Encoding:[ \t]*base64", text, re.IGNORECASE | re.MULTILINE):
        return 0
    return sum(_decoded(found[0][:64]).startswith(_FILES) for found in _BASE64.finditer(text))


def encoded_words(line: str) -> str:
    """Of headers, such as =?utf-8?B?…?=."""

    def plain(found: re.Match[str]) -> str:
        try:
            data = base64.b64decode(found[3] + "==") if found[2] in "bB" else _bytes_of(found[3].replace("_", " "))
            return data.decode(found[1])
        except (LookupError, ValueError, binascii.Error):
            return found[0]

    return _WORD.sub(plain, line)


def _quoted(text: str) -> Iterator[Block]:
    """Lines, each with those that a soft break joins to it."""
    if "=" not in text:
        return
    signs = _HEX if _SENT_SO.search(text) else _OF_VALUES
    at = 0
    while at < len(text):
        begin, end = at, _line_end(text, at)
        for _ in range(LINES_JOINED_MAX):
            if not text[begin:end].rstrip("\r\n \t").endswith("=") or end >= len(text):
                break
            begin, end = end, _line_end(text, end)
        line = text[at:end]
        if "=" in line and (signs.search(line) or _SOFT.search(line)):
            said = _HEX.sub(lambda found: _of(bytes.fromhex(found[0].replace("=", ""))), _SOFT.sub("", line)).rstrip("\r\n")
            yield from _readings(said, at, at + len(line.rstrip("\r\n")))
        at = end


def _packed(text: str) -> Iterator[Block]:
    for found in _BASE64.finditer(text):
        data = _decoded(found[0])
        said = _of(data)
        if said and not data.startswith(_FILES) and sum(one.isprintable() or one.isspace() for one in said) >= 0.95 * len(said):
            yield from _readings(said, found.start(), found.end())


def _readings(said: str, start: int, end: int) -> Iterator[Block]:
    """As it is, and where it is a page as that shows it."""
    yield Block(said, start, end)
    plain = html.unescape(_TAG.sub("", said))
    if plain != said:
        yield Block(plain, start, end)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _decoded(packed: str) -> bytes:
    letters = re.sub(r"\s|=", "", packed)
    try:
        return base64.b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + "==")
    except (binascii.Error, ValueError):
        return b""


def _bytes_of(quoted: str) -> bytes:
    return re.sub(rb"=([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), quoted.encode("utf-8"))


def _of(data: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
