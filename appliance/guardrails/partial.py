"""What could still become a match: for an expression, one that matches every beginning of what it matches.

A stream shows what can't be part of a finding any more, and nothing else. RE2 has no partial matches, but the beginnings of a
regular language are regular themselves: `ab{1,3}c` begins as `a`, `ab`, `abb`, … Searched for at the end of what has come
so far, the leftmost one is what to hold back; RE2 reads it from the end backwards, and no further than there is a match.
"""

import re
from typing import Any

_parser: Any = re._parser  # type: ignore[attr-defined]  # the tree of an expression has no public name
_SINGLE = ("LITERAL", "NOT_LITERAL", "IN", "ANY")
_NO_WIDTH = "AT"


class NoBeginnings(ValueError):
    """A construct that only backtracking engines have: RE2 would refuse the expression as well."""


def beginnings(regex: str) -> str:
    """An expression for every beginning of what `regex` matches, the whole of it and nothing at all included."""
    tree = _parser.parse(regex)
    return _flagged(tree.state.flags, _beginning(list(tree)))


def _flagged(flags: int, regex: str) -> str:
    letters = ("i" if flags & re.IGNORECASE else "") + ("s" if flags & re.DOTALL else "")
    return f"(?{letters}:{regex})"


def _beginning(nodes: list[Any]) -> str:
    """Of nodes one after another: of the first alone, or all of it and a beginning of the rest."""
    if not nodes:
        return ""
    kind, value = str(nodes[0][0]), nodes[0][1]
    rest = _beginning(nodes[1:])
    whole = _text(nodes[0])
    if kind in _SINGLE:
        return f"(?:{whole}{rest})?"
    if kind == _NO_WIDTH:
        return rest
    return f"(?:{_part(kind, value)}|{whole}{rest})" if rest else f"(?:{_part(kind, value)}|{whole})"


def _part(kind: str, value: Any) -> str:
    """Beginnings of one node that holds others."""
    if kind == "SUBPATTERN":
        _, added, _, inner = value
        return _flagged(added, _beginning(list(inner)))
    if kind == "BRANCH":
        return "|".join(f"(?:{_beginning(list(branch))})" for branch in value[1])
    if kind in ("MAX_REPEAT", "MIN_REPEAT"):
        _, most, inner = value
        item, begun = _sequence(inner), _beginning(list(inner))
        return f"(?:{item})*{begun}" if most > 1 else begun
    raise NoBeginnings(f"{kind.lower()} can't be looked for in a stream")


def _sequence(nodes: Any) -> str:
    return "".join(_text(node) for node in nodes)


def _text(node: Any) -> str:
    """A node as an expression again."""
    kind, value = str(node[0]), node[1]
    if kind in _SINGLE:
        return _single(kind, value)
    if kind == _NO_WIDTH:
        return _AT.get(str(value), "")
    if kind == "SUBPATTERN":
        _, added, _, inner = value
        return _flagged(added, _sequence(inner))
    if kind == "BRANCH":
        return "(?:" + "|".join(_sequence(branch) for branch in value[1]) + ")"
    if kind in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, inner = value
        if most <= 1:
            return f"(?:{_sequence(inner)}){{{least},{most}}}"
        return f"(?:{_sequence(inner)}){'+' if least else '*'}"  # uncounted: counting makes automata of a thousand times the size
    raise NoBeginnings(f"{kind.lower()} can't be looked for in a stream")


_AT = {"AT_BEGINNING": "^", "AT_BEGINNING_STRING": "^", "AT_BOUNDARY": r"\b", "AT_NON_BOUNDARY": r"\B"}
_CATEGORY = {
    "CATEGORY_DIGIT": "0-9",
    "CATEGORY_WORD": "0-9A-Za-z_",
    "CATEGORY_SPACE": r"\t\n\f\r ",
    "CATEGORY_NOT_DIGIT": r"\x00-/:-\xff",
    "CATEGORY_NOT_WORD": r"\x00-/:-@\[-\^`{-\xff",
    "CATEGORY_NOT_SPACE": r"\x00-\x08\x0b\x0e-\x1f!-\xff",
}


def _single(kind: str, value: Any) -> str:
    if kind == "ANY":
        return "."
    if kind == "LITERAL":
        return f"\\x{value:02x}"
    if kind == "NOT_LITERAL":
        return f"[^\\x{value:02x}]"
    inside = ""
    for what, of in value:
        match str(what):
            case "NEGATE":
                inside += "^"
            case "LITERAL":
                inside += f"\\x{of:02x}"
            case "RANGE":
                inside += f"\\x{of[0]:02x}-\\x{of[1]:02x}"
            case _:
                inside += _CATEGORY[str(of)]
    return f"[{inside}]"
