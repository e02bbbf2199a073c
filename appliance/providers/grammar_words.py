"""Words in a GBNF grammar: one literal, one of many, none of many. Shared beginnings are written once."""

import json
from collections.abc import Iterable, Iterator

CHARACTER = r'([^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt])'  # one character inside a JSON string, as we have it written
_TRIE_DEPTH_MAX = 60


class TooManyBeginAlike(Exception):
    """Texts that can't be told apart by sharing beginnings: each would be open for itself."""


def literal(text: str) -> str:
    """Text as a GBNF literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def one_of(texts: list[str], depth: int = 0) -> str:
    """Alternatives for sorted, different texts; shared beginnings are written once, so that few are open at any moment.

    Errors:  TooManyBeginAlike.
    """
    if len(texts) == 1:
        return literal(texts[0])
    if depth > _TRIE_DEPTH_MAX:
        raise TooManyBeginAlike(f"more than {_TRIE_DEPTH_MAX} values are each the beginning of the next")
    alternatives = []
    for group in _by_first_character(texts):
        same = _shared_beginning(group)
        rest = [text[same:] for text in group]
        if len(rest) == 1:
            alternatives.append(literal(group[0]))
        else:
            alternatives.append(f"{literal(group[0][:same])} ({one_of(rest, depth + 1)})")
    return " | ".join(alternatives)


def _by_first_character(texts: Iterable[str]) -> Iterator[list[str]]:
    group: list[str] = []
    for text in texts:
        if group and group[0][:1] != text[:1]:
            yield group
            group = []
        group.append(text)
    if group:
        yield group


def _shared_beginning(texts: list[str]) -> int:
    first, last = texts[0], texts[-1]  # sorted: what these two share, all share
    length = min(len(first), len(last))
    return next((i for i in range(length) if first[i] != last[i]), length)


def none_of(names: list[str]) -> str:
    """The inside of a JSON string that is none of `names` (as JSON writes them; ours never escape what they needn't)."""
    return f"({_other_than(sorted({json.dumps(name, ensure_ascii=False)[1:-1] for name in names}), 0)})"


def _other_than(texts: list[str], depth: int) -> str:
    """What differs from all of the sorted texts. An empty one among them is the place where a string must go on."""
    if depth > _TRIE_DEPTH_MAX:
        return f"{CHARACTER}{{{max(map(len, texts)) + 1},}}"  # longer than any of them
    groups = list(_by_first_character(text for text in texts if text))
    firsts = [group[0][0] for group in groups]
    excluded = "".join(_in_class(character) for character in firsts if character not in '"\\')
    alternatives = [f'[^"\\\\\\x00-\\x1F\\x7F{excluded}] {CHARACTER}*']
    for first, group in zip(firsts, groups, strict=True):
        if first != "\\":  # names with escapes are left to luck no further than this: no other key begins with one
            alternatives.append(f"{literal(first)} ({_other_than([text[1:] for text in group], depth + 1)})")
    if "" not in texts:
        alternatives.append('""')
    return " | ".join(alternatives)


def _in_class(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
