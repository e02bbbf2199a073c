"""Words in a GBNF grammar: one literal, one of many, none of many. Shared beginnings are written once."""

import json
from collections.abc import Iterable, Iterator, Mapping

CHARACTER = r'([^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt])'  # one character inside a JSON string, as we have it written
_TRIE_DEPTH_MAX = 60


class TooManyBeginAlike(Exception):
    """Texts that can't be told apart by sharing beginnings: each would be open for itself."""


def literal(text: str) -> str:
    """Text as a GBNF literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def one_of(texts: list[str], then: Mapping[str, str] | None = None) -> tuple[str, int]:
    """(alternatives for sorted, different texts, each with what stands in `then` behind it; how many are open at once at most).

    Shared beginnings are written once, and first characters with the same rest are one class. A class counts its ranges,
    which the engine looks through one by one.
    Errors:  TooManyBeginAlike.
    """
    return _one_of([(text, then[text] if then else "") for text in texts], 0)


def _one_of(texts: list[tuple[str, str]], depth: int) -> tuple[str, int]:
    if depth > _TRIE_DEPTH_MAX:
        raise TooManyBeginAlike(f"more than {_TRIE_DEPTH_MAX} values are each the beginning of the next")
    alternatives, open_here, widest = [], 0, 1
    if not texts[0][0]:  # sorted: the text that ends here is the first
        alternatives.append(texts[0][1] or '""')
        open_here, texts = 1, texts[1:]
    for following, firsts in _by_rest(texts).items():
        rest = list(following)
        if len(firsts) > 1:
            ranges = _ranges(firsts)
            beginning, width = f"[{''.join(ranges)}]", len(ranges)
        else:
            same = _shared_beginning([text for text, _ in rest])
            beginning, width = literal(firsts[0] + rest[0][0][:same]), 1
            rest = [(text[same:], behind) for text, behind in rest]
        open_here += width
        if len(rest) > 1:
            inside, readings = _one_of(rest, depth + 1)
            widest = max(widest, readings)
            alternatives.append(f"{beginning} ({inside})")
        else:
            text, behind = rest[0]
            alternatives.append(" ".join([beginning, *([literal(text)] if text else []), *([behind] if behind else [])]))
    return " | ".join(alternatives), max(widest, open_here)


def _by_rest(texts: list[tuple[str, str]]) -> dict[tuple[tuple[str, str], ...], list[str]]:
    """What may follow → the first characters that it follows."""
    behind: dict[str, list[tuple[str, str]]] = {}
    for text, then in texts:
        behind.setdefault(text[:1], []).append((text[1:], then))
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for first, rest in behind.items():
        found.setdefault(tuple(rest), []).append(first)
    return found


def _ranges(characters: list[str]) -> list[str]:
    """Sorted characters as the ranges of a class."""
    runs: list[list[str]] = []
    for character in characters:
        if runs and ord(character) == ord(runs[-1][-1]) + 1:
            runs[-1].append(character)
        else:
            runs.append([character])
    return [_in_class(run[0]) + (f"-{_in_class(run[-1])}" if len(run) > 1 else "") for run in runs]


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
