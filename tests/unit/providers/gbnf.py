"""A small reader of GBNF grammars: makes random texts of a grammar, and says whether a text belongs to one.

Faithful to what llama.cpp understands of literals, classes, groups, repetitions and rule names; nothing else is used here.
"""

import random
import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<name>[a-z][a-zA-Z0-9-]*)|(?P<literal>"(?:[^"\\]|\\.)*")|(?P<class>\[(?:[^\]\\]|\\.)*\])|(?P<any>\.)
        |(?P<count>\{\d+(?:,\d*)?\})|(?P<mark>[()|*+?]))""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
_SAMPLE = [chr(code) for code in range(32, 127)] + list("äé₹हि🙂")


def _unescaped(text: str) -> list[str]:
    """The characters of a literal or class, with `-` that stands for itself as two characters never seen elsewhere."""
    characters, at = [], 0
    while at < len(text):
        if found := _ESCAPE.match(text, at):
            code = found[1]
            characters.append(chr(int(code[1:], 16)) if code[0] in "xuU" and len(code) > 1 else _CONTROLS.get(code, code))
            at = found.end()
        else:
            characters.append("RANGE" if text[at] == "-" and 0 < at < len(text) - 1 else text[at])
            at += 1
    return characters


class Class:
    def __init__(self, text: str) -> None:
        inside = text[1:-1]
        self.negated = inside.startswith("^")
        items = _unescaped(inside[1:] if self.negated else inside)
        self.ranges: list[tuple[str, str]] = []
        while items:
            low = items.pop(0)
            if items and items[0] == "RANGE":
                items.pop(0)
                self.ranges.append((low, items.pop(0)))
            else:
                self.ranges.append(("-" if low == "RANGE" else low, "-" if low == "RANGE" else low))

    def has(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) != self.negated

    def sample(self, chance: random.Random) -> str:
        if self.negated:
            return chance.choice([character for character in _SAMPLE if self.has(character)])
        low, high = chance.choice(self.ranges)
        return chr(chance.randint(ord(low), ord(high)))


class Gbnf:
    """A grammar, read. Errors: ValueError for what isn't GBNF or names a rule that isn't there."""

    def __init__(self, text: str) -> None:
        self.rules: dict[str, Any] = {}
        for line in text.split("\n"):
            name, _, expression = line.partition(" ::= ")
            assert name not in self.rules
            self.rules[name] = _Reader(expression).whole()
        for node in list(self.rules.values()):
            self._check(node)

    def _check(self, node: Any) -> None:
        if node[0] == "name" and node[1] not in self.rules:
            raise ValueError(f"no rule {node[1]}")
        for part in node[1:]:
            for child in part if isinstance(part, list) else [part]:
                if isinstance(child, tuple):
                    self._check(child)

    def make(self, chance: random.Random, most: int = 4, depth: int = 40) -> str:
        """A random text; repetitions stay short, and recursion ends soon. Errors: RecursionError where it can't end."""
        return self._make(self.rules["root"], chance, most, depth)

    def _make(self, node: Any, chance: random.Random, most: int, depth: int) -> str:
        if depth < -400:
            raise RecursionError("a grammar that doesn't end")
        kind = node[0]
        if kind == "name":
            return self._make(self.rules[node[1]], chance, most, depth - 1)
        if kind == "literal":
            return str(node[1])
        if kind == "class":
            return str(node[1].sample(chance))
        if kind == "any":
            return chance.choice(_SAMPLE)
        if kind == "sequence":
            return "".join(self._make(part, chance, most, depth) for part in node[1])
        if kind == "choice":
            options = node[1] if depth > 0 else sorted(node[1], key=_weight)[:1]
            return self._make(chance.choice(options), chance, most, depth)
        _, part, low, high = node
        top = low if depth <= 0 else low + most if high is None else min(high, low + most)
        return "".join(self._make(part, chance, most, depth) for _ in range(chance.randint(low, top)))

    def matches(self, text: str) -> bool:
        """Whether the whole text belongs to the grammar."""
        return any(end == len(text) for end in self._ends(self.rules["root"], text, 0))

    def _ends(self, node: Any, text: str, at: int) -> set[int]:
        kind = node[0]
        if kind == "name":
            return self._ends(self.rules[node[1]], text, at)
        if kind == "literal":
            return {at + len(node[1])} if text.startswith(node[1], at) else set()
        if kind == "class":
            return {at + 1} if at < len(text) and node[1].has(text[at]) else set()
        if kind == "any":
            return {at + 1} if at < len(text) else set()
        if kind == "sequence":
            places = {at}
            for part in node[1]:
                places = set().union(*(self._ends(part, text, place) for place in places))
            return places
        if kind == "choice":
            return set().union(*(self._ends(part, text, at) for part in node[1]))
        _, part, low, high = node
        places, found, count = {at}, set(), 0
        if low == 0:
            found |= places
        while places and (high is None or count < high):
            count += 1
            before = set(found)
            places = set().union(*(self._ends(part, text, place) for place in places))
            if count >= low:
                found |= places
                if found == before:
                    break
        return found


def _weight(node: Any) -> int:
    """How much a part leads on to: where recursion has to end, the one with least is taken."""
    if node[0] == "name":
        return 1000
    return sum(
        _weight(child) for part in node[1:] for child in (part if isinstance(part, list) else [part]) if isinstance(child, tuple)
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if not found or found.lastgroup is None:
                raise ValueError(f"no GBNF: {text[at : at + 40]!r}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()

    def whole(self) -> Any:
        node = self._choice()
        if self._tokens:
            raise ValueError(f"too much: {self._tokens[0]}")
        return node

    def _choice(self) -> Any:
        options = [self._sequence()]
        while self._tokens and self._tokens[0][1] == "|" and self._tokens[0][0] == "mark":
            self._tokens.pop(0)
            options.append(self._sequence())
        return options[0] if len(options) == 1 else ("choice", options)

    def _sequence(self) -> Any:
        parts: list[Any] = []
        while self._tokens and self._tokens[0] not in (("mark", "|"), ("mark", ")")):
            kind, text = self._tokens.pop(0)
            if kind == "mark" and text == "(":
                parts.append(self._choice())
                if not self._tokens or self._tokens.pop(0) != ("mark", ")"):
                    raise ValueError("a ( without its )")
            elif kind in ("mark", "count"):
                if not parts:
                    raise ValueError("a repetition of nothing")
                parts.append(("repeat", parts.pop(), *_counts(text)))
            elif kind == "literal":
                parts.append((kind, "".join("-" if c == "RANGE" else c for c in _unescaped(text[1:-1]))))
            elif kind == "class":
                parts.append((kind, Class(text)))
            else:
                parts.append((kind, text))
        return parts[0] if len(parts) == 1 else ("sequence", parts)


def _counts(text: str) -> tuple[int, int | None]:
    if text in "*+?":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[text]
    low, comma, high = text[1:-1].partition(",")
    return int(low), int(high) if high else None if comma else int(low)
