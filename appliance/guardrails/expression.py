"""RE2's syntax, as far as it must be understood to make other expressions of one: what is a character, a place, a repeat.

What a character may be (`[a-z]`, `\\pL`, `\\x{939}`, `.`) stays as it is written; nothing here needs to know what it means.
"""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec


class NotRegular(ValueError):
    """A construct that only backtracking engines have, or none: RE2 would refuse the expression as well."""


class Character(msgspec.Struct, frozen=True):
    """Something that takes one character. `regex` carries its flags."""

    regex: str


class Place(msgspec.Struct, frozen=True):
    """Something without width: `\\b`, `^`."""

    regex: str


class Repeat(msgspec.Struct, frozen=True):
    """`most`: None: no bound."""

    item: "Node"
    least: int
    most: int | None


class Choice(msgspec.Struct, frozen=True):
    """A group. It has one branch at least, each a sequence."""

    branches: "tuple[Sequence, ...]"


DEPTH_MAX = 50  # of groups in one another
Node = Character | Place | Repeat | Choice
Sequence = tuple[Node, ...]
Kind = Literal["character", "place", "repeat", "open", "flags", "close", "or", "silent"]


class Token(msgspec.Struct, frozen=True):
    """`text`: what means the same, standing by itself. `start`: where it is in the expression."""

    kind: Kind
    text: str
    start: int


_ESCAPE = re.compile(
    r"\\(?:(?P<place>[AbBzZ])|p\{\^?\w+\}|P\{\^?\w+\}|[pP].|x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|0[0-7]{0,2}|[1-7][0-7]{1,2}|[^0-9])",
    re.DOTALL,
)
_CLASS = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\(?:[pPx]\{[^}]*\}|.)|[^\]\\])*\]", re.DOTALL)
_REPEAT = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??")
_OPEN = re.compile(r"\((?!\?)|\(\?(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)])|\(\?P?<\w+>")


def tokens(regex: str) -> Iterator[Token]:
    """Errors: NotRegular."""
    place = 0
    while place < len(regex):
        one = regex[place]
        if one == "\\":
            made = list(_escaped(regex, place))
            yield from made[:-1]
            place = made[-1].start
            continue
        if one == "[":
            found, kind = _CLASS.match(regex, place), "character"
        elif one == "(":
            found = _OPEN.match(regex, place)
            kind = "flags" if found is not None and found["end"] == ")" else "open"
        elif one in "*+?{":
            found, kind = _REPEAT.match(regex, place), "repeat"
            if found is None and one == "{":
                yield Token("character", r"\{", place)
                place += 1
                continue
        else:
            kind = {")": "close", "|": "or", "^": "place", "$": "place"}.get(one, "character")
            yield Token(kind, one, place)  # type: ignore[arg-type]  # one of Kind's
            place += 1
            continue
        if found is None:
            raise NotRegular(f"{regex[place : place + 3]} can't be looked for in a stream")
        yield Token(kind, found[0], place)  # type: ignore[arg-type]  # as above
        place = found.end()


def _escaped(regex: str, place: int) -> Iterator[Token]:
    """What begins with a backslash there; the last one only says where it ends."""
    if regex.startswith(r"\Q", place):
        end = regex.find(r"\E", place)
        stop = len(regex) if end < 0 else end
        yield Token("silent", "", place)
        yield from (Token("character", re.escape(regex[at]), at) for at in range(place + 2, stop))
        yield Token("silent", "", len(regex) if end < 0 else end + 2)
        return
    if regex.startswith(r"\E", place):
        yield Token("silent", "", place)
        yield Token("silent", "", place + 2)
        return
    found = _ESCAPE.match(regex, place)
    if found is None:
        raise NotRegular(f"{regex[place : place + 2]} can't be looked for in a stream")
    yield Token("place" if found["place"] else "character", found[0], place)
    yield Token("silent", "", found.end())


def parsed(regex: str) -> Sequence:
    """Errors: NotRegular."""
    reader = _Reader(regex)
    branches = reader.branches("")
    if reader.closes_too_much:
        raise NotRegular("a parenthesis too many")
    return branches[0] if len(branches) == 1 else (Choice(branches),)


class _Reader:
    def __init__(self, regex: str) -> None:
        self._tokens = tokens(regex)
        self.closes_too_much = False
        self._depth = 0

    def branches(self, flags: str) -> tuple[Sequence, ...]:
        """Until the group ends. Flags that are set within hold until then, in the branches that follow as well."""
        done: list[Sequence] = []
        now: list[Node] = []
        for token in self._tokens:
            match token.kind:
                case "close":
                    self.closes_too_much = self._depth == 0
                    break
                case "or":
                    done.append(tuple(now))
                    now = []
                case "flags":
                    flags = _changed(flags, token.text)
                case "open":
                    self._depth += 1
                    if self._depth > DEPTH_MAX:
                        raise NotRegular("groups stand too deep in one another")
                    now.append(Choice(self.branches(_changed(flags, token.text))))
                    self._depth -= 1
                case "repeat":
                    if not now:
                        raise NotRegular(f"nothing stands before {token.text}")
                    now[-1] = _repeat(now[-1], token.text)
                case "character":
                    now.append(Character(_flagged(flags, token.text, "is")))
                case "place":
                    now.append(Place(_flagged(flags, token.text, "m")))
        return (*done, tuple(now))


def _changed(flags: str, opened: str) -> str:
    found = _OPEN.match(opened)
    if found is None or found["flags"] is None:
        return flags
    on, _, off = found["flags"].partition("-")
    return "".join(sorted({*flags, *on} - set(off)))


def _flagged(flags: str, text: str, which: str) -> str:
    """With those that change what it means."""
    if text.isdigit() or not (letters := "".join(one for one in flags if one in which and (one != "s" or text == "."))):
        return text
    return f"(?{letters}:{text})"


def _repeat(item: Node, text: str) -> Repeat:
    match text[0]:
        case "*":
            return Repeat(item, 0, None)
        case "+":
            return Repeat(item, 1, None)
        case "?":
            return Repeat(item, 0, 1)
    least, comma, most = text.rstrip("?").strip("{}").partition(",")
    return Repeat(item, int(least), int(most) if most else None if comma else int(least))


def width(nodes: Sequence) -> int:
    """Of the shortest text that it takes."""
    total = 0
    for node in nodes:
        match node:
            case Character():
                total += 1
            case Repeat():
                total += node.least * width((node.item,))
            case Choice():
                total += min(width(branch) for branch in node.branches)
    return total
