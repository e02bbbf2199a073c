"""Runs of base64, hexadecimal, percent-encoding, HTML entities and backslash escapes that read as text once decoded.

    for inner in decoded(text):          # inner.text is what the run says
        start, end = inner.original(...)   # where that stands in `text`, in characters of its normalised form

A run of base64 or hexadecimal counts as a whole: every character of its `NormalText` maps to all of it. In a run of escapes every
character maps to its own escape, so that one value in a long query is found where it stands. What is decoded is normalised, and
looked through again, to depth 2. Bounded: runs of at most 8 KiB, 256 KiB of them in a text; a run that isn't text is nothing.

`patterns(scanner)` gives the same to a scanner, so that it works on streams too: each run's findings under the run's place.
"""

import binascii
import html
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from urllib.parse import unquote_to_bytes

from appliance.guardrails.normal_text import NormalText, flat_of, normal
from appliance.guardrails.pattern import Found, Match, Pattern
from appliance.guardrails.scanner import Scanner

DEPTH_MAX = 2
CHARACTERS_MAX = 256 * 1024  # of all runs of a text together
RUN_MAX = 8192

BASE64 = re.compile(r"[A-Za-z0-9+/_\-]{12,8192}={0,2}")
HEX = re.compile(r"\b(?:0x)?[0-9A-Fa-f]{2}(?:[ :]?(?:0x)?[0-9A-Fa-f]{2}){7,2047}\b")
_ESCAPE = r"%[0-9A-Fa-f]{2}|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,12});|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}"
ESCAPES = re.compile(f"(?:{_ESCAPE})+")
WORD_ESCAPED = re.compile(r"[^\s\"'<>]{1,8192}")
_HEAD = 32  # characters of a run that mostly tell whether it says anything
_BEGINS_AS_TEXT = re.compile(
    rb"(?:[\t\n\r -~]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})*"
    rb"(?:[\xc2-\xf4][\x80-\xbf]{0,2})?"
)
_READABLE = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]*")


def decoded(text: NormalText, depth: int = DEPTH_MAX) -> Iterator[NormalText]:
    left = CHARACTERS_MAX
    for start, end, inner in _runs(text.text):
        left -= end - start
        if left < 0:
            return
        yield inner
        if depth > 1:
            for deeper in decoded(inner, depth - 1):
                yield _through(deeper, inner)


def _runs(text: str) -> Iterator[tuple[int, int, NormalText]]:
    for match in BASE64.finditer(text):
        if (said := from_base64(match[0])) is not None:
            yield match.start(), match.end(), whole(said, match.start(), match.end())
    for match in HEX.finditer(text):
        if (said := from_hex(match[0])) is not None:
            yield match.start(), match.end(), whole(said, match.start(), match.end())
    if "%" in text or "&" in text or "\\" in text:
        for match in WORD_ESCAPED.finditer(text):
            if (inner := from_escapes(match[0], match.start())) is not None:
                yield match.start(), match.end(), inner


def from_base64(run: str) -> str | None:
    """Standard or for URLs, with or without its padding; None where it doesn't say anything."""
    body = run.rstrip("=")
    if len(body) % 4 == 1 or body.isdigit():
        return None
    body = body.replace("-", "+").replace("_", "/")
    try:
        if not _BEGINS_AS_TEXT.fullmatch(binascii.a2b_base64(body[:_HEAD] + "=" * (-len(body[:_HEAD]) % 4))):
            return None
        return _read(binascii.a2b_base64(body + "=" * (-len(body) % 4)))
    except (ValueError, binascii.Error):
        return None


def from_hex(run: str) -> str | None:
    try:
        return _read(bytes.fromhex(run.replace("0x", "").replace(":", " ")))
    except ValueError:
        return None


def _read(data: bytes) -> str | None:
    """Text that somebody could have written: all of it, with a letter or a digit in it."""
    if data.isascii():
        text = data.decode("ascii")
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return None
    return text if _READABLE.fullmatch(text) and any(one.isalnum() for one in text) else None


def from_escapes(run: str, offset: int) -> NormalText | None:
    """None where there is none. `offset`: where the run stands."""
    if "%" not in run and "&" not in run and "\\" not in run:
        return None
    parts: list[str] = []
    starts, ends = array("I"), array("I")
    place = 0
    for match in ESCAPES.finditer(run):
        said = _unescaped(match[0], offset + match.start())
        if said is None:
            continue
        for text, begins, stops in ((run[place : match.start()], *_places(offset + place, offset + match.start())), *said):
            parts.append(text)
            starts.extend(begins)
            ends.extend(stops)
        place = match.end()
    if not parts:
        return None
    begins, stops = _places(offset + place, offset + len(run))
    starts.extend(begins)
    ends.extend(stops)
    text = "".join([*parts, run[place:]])
    outer = NormalText(text, flat_of(text), starts, ends)
    plain = normal(text)
    return NormalText(plain.text, plain.flat, starts, ends) if plain.starts is None else _through(plain, outer)


def _places(start: int, end: int) -> tuple[range, range]:
    return range(start, end), range(start + 1, end + 1)


_Said = tuple[str, Sequence[int], Sequence[int]]  # some characters, and where each begins and ends

_ONE = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|&[^;&]{2,13};|\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\[ux][0-9A-Fa-f]+"
)


def _unescaped(escapes: str, offset: int) -> list[_Said] | None:
    """None: bytes that are no text."""
    said: list[_Said] = []
    for match in _ONE.finditer(escapes):
        one, start, end = match[0], offset + match.start(), offset + match.end()
        if one[0] != "%":
            text = html.unescape(one) if one[0] == "&" else _backslashed(one)
            said.append((text, [start] * len(text), [end] * len(text)))
            continue
        try:
            text = unquote_to_bytes(one).decode("utf-8")
        except UnicodeDecodeError:
            return None
        edges = (
            range(start, end + 1, 3)
            if text.isascii()
            else list(accumulate((3 * len(each.encode()) for each in text), initial=start))
        )
        said.append((text, edges[:-1], edges[1:]))
    return said


def _backslashed(escape: str) -> str:
    if len(escape) == 12:  # a pair
        return bytes.fromhex(escape[2:6] + escape[8:12]).decode("utf-16-be", "replace")
    return chr(int("0" + escape[2:], 16))


def whole(said: str, start: int, end: int) -> NormalText:
    """A decoded text, each of whose characters is all of the run."""
    plain = normal(said)
    length = len(plain.text)
    return NormalText(plain.text, plain.flat, array("I", [start]) * length, array("I", [end]) * length)


def _through(inner: NormalText, outer: NormalText) -> NormalText:
    """An inner text whose places are `outer`'s characters, with those of what `outer` was made from."""
    places = [outer.original(*inner.original(place, place + 1)) for place in range(len(inner.text))]
    return NormalText(inner.text, inner.flat, array("I", [one[0] for one in places]), array("I", [one[1] for one in places]))


def patterns(scanner: Scanner, types: tuple[str, ...]) -> tuple[Pattern, ...]:
    """Runs as a scanner's candidates. `scanner`: what looks through them (without these patterns; depth is kept here)."""

    def judge(read: Callable[[str, int], NormalText | None]) -> Callable[[Match], Iterable[Found]]:
        def judged(match: Match) -> Iterable[Found]:
            inner = read(match.value, match.start)
            if inner is None:
                return
            for one in [inner, *(_through(deeper, inner) for deeper in decoded(inner, DEPTH_MAX - 1))]:
                for found in scanner.found_in(one):
                    yield Found(found.type, found.score, one.original(found.start, found.end))

        return judged

    def read_as(said: Callable[[str], str | None]) -> Callable[[str, int], NormalText | None]:
        def read(run: str, start: int) -> NormalText | None:
            text = said(run)
            return None if text is None else whole(text, start, start + len(run))

        return read

    escape = r"(?:%[0-9A-Fa-f]{2}|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,12});|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2})"
    word = r"[^\s\"'<>]"
    base64_run, hex_pair = r"[A-Za-z0-9+/_\-]{12,}={0,2}", r"(?:0x)?[0-9A-Fa-f]{2}"
    return (
        Pattern(name="base64", types=types, regex=base64_run, judge=judge(read_as(from_base64)), length_max=RUN_MAX, open=True),
        Pattern(
            name="hex",
            types=types,
            regex=rf"\b{hex_pair}(?:[ :]?{hex_pair}){{7,}}\b",
            judge=judge(read_as(from_hex)),
            length_max=RUN_MAX,
            open=True,
        ),
        Pattern(
            name="escapes",
            types=types,
            regex=f"{word}*{escape}{word}*",
            judge=judge(from_escapes),
            length_max=RUN_MAX,
            open=True,
        ),
    )
