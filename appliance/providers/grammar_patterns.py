"""JSON Schema's `pattern` (the part of ECMA's regular expressions that everyone uses) as an expression of a GBNF grammar.

The text matched stands inside a JSON string, so characters that JSON must escape are left out of classes, which narrows
what is generated and never widens it. What is not understood is refused, not ignored; so is what would make a grammar explode:
engines count by repeating rules, so counts inside counts multiply, and an empty thing can be repeated for ever. Parts of
varying length in a row (`a?a?a?…`) keep as many readings of one text open: 128 of them cost llama.cpp 10 s for a token, 32 0.1 s.
"""

import msgspec

PATTERN_CHARACTERS_MAX = 512
REPEAT_MAX = 256  # of one {m,n}
SIZE_MAX = 1_000  # of the whole pattern with every count written out
VARYING_MAX = 32  # parts of varying length, counted likewise
DEPTH_MAX = 16
ANY = r'[^"\\\x00-\x1F\x7F]'

_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " "}
_MUST_ESCAPE = frozenset('"\\') | {chr(code) for code in (*range(32), 127)}


class PatternRefused(Exception):
    """The pattern is wrong, or uses what grammars can't do; the message says which."""


def expression(pattern: str) -> tuple[str, int]:
    """(the inside of a JSON string that matches `pattern` somewhere, as regular expressions do, or wholly where it is
    anchored; how many readings of one text it keeps open at most).

    Errors:  PatternRefused.
    """
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise PatternRefused(f"is longer than {PATTERN_CHARACTERS_MAX} characters")
    parser = _Parser(pattern)
    branches = parser.branches(0)
    if parser.at < len(pattern):
        raise PatternRefused("has a ) too many")
    readings = sum(part.varying for branch in branches for part in branch.parts) + len(branches)
    return " | ".join(_placed(branch) for branch in branches), readings


class _Part(msgspec.Struct):
    """A piece of the grammar: its text, its size and its parts of varying length with counts written out, whether it may
    match nothing."""

    text: str
    size: int = 1
    varying: int = 0
    may_be_empty: bool = False


class _Branch:
    """One alternative: its parts, and whether it is tied to the text's ends."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.from_start = False
        self.to_end = False

    def joined(self) -> str:
        return " ".join(part.text for part in self.parts) or '""'


def _placed(branch: _Branch) -> str:
    before = [] if branch.from_start else [f"{ANY}*"]
    after = [] if branch.to_end else [f"{ANY}*"]
    return " ".join([*before, branch.joined(), *after])


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def branches(self, depth: int) -> list[_Branch]:
        if depth > DEPTH_MAX:
            raise PatternRefused("is nested too deeply")
        branches = [_Branch()]
        while (character := self._peek()) and character != ")":
            branch = branches[-1]
            if branch.to_end and character != "|":
                raise PatternRefused("has $ before its end")
            self.at += 1
            if character == "|":
                branches.append(_Branch())
            elif character == "^":
                if branch.parts or depth:
                    raise PatternRefused("has ^ inside")
                branch.from_start = True
            elif character == "$":
                if depth:
                    raise PatternRefused("has $ inside a group")
                branch.to_end = True
            else:
                branch.parts.append(self._repeated(self._atom(character, depth)))
                self._check(branches)
        return branches

    def _check(self, branches: list[_Branch]) -> None:
        if sum(part.size for branch in branches for part in branch.parts) > SIZE_MAX:
            raise PatternRefused(f"is too large: {SIZE_MAX} characters with every count written out is the most")
        if sum(part.varying for branch in branches for part in branch.parts) > VARYING_MAX:
            raise PatternRefused(f"has too many parts of varying length: {VARYING_MAX} with every count written out is the most")

    def _peek(self) -> str:
        return self._pattern[self.at : self.at + 1]

    def _next(self) -> str:
        character = self._peek()
        if not character:
            raise PatternRefused("ends too early")
        self.at += 1
        return character

    def _atom(self, character: str, depth: int) -> _Part:
        if character == "(":
            return self._group(depth)
        if character == "[":
            return _Part(self._class())
        if character == ".":
            return _Part(ANY)
        if character in "*+?{}]":
            raise PatternRefused(f"has {character} where a character should be")
        if character == "\\":
            return _Part(self._escape(self._next()))
        return _Part(_literal(character))

    def _group(self, depth: int) -> _Part:
        if self._peek() == "?":
            self.at += 1
            if self._next() != ":":
                raise PatternRefused("uses lookaround or named groups, which grammars don't have")
        branches = self.branches(depth + 1)
        if self._next() != ")":
            raise PatternRefused("lacks a )")
        return _Part(
            f"({' | '.join(branch.joined() for branch in branches)})",
            sum(part.size for branch in branches for part in branch.parts),
            sum(part.varying for branch in branches for part in branch.parts),
            any(all(part.may_be_empty for part in branch.parts) for branch in branches),
        )

    def _escape(self, letter: str) -> str:
        if letter in _CLASSES:
            return f"[{_CLASSES[letter]}]"
        if letter.lower() in _CLASSES:
            return f'[^{_CLASSES[letter.lower()]}"\\\\\\x00-\\x1F\\x7F]'
        return _literal(self._escaped_character(letter))

    def _escaped_character(self, letter: str) -> str:
        if letter in "ux":
            digits = "".join(self._next() for _ in range(4 if letter == "u" else 2))
            try:
                return chr(int(digits, 16))
            except ValueError as error:
                raise PatternRefused("has a broken \\u or \\x") from error
        if letter.isalnum():
            controls = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
            if letter not in controls:
                raise PatternRefused(f"uses \\{letter}, which grammars don't have")
            return controls[letter]
        return letter

    def _class(self) -> str:
        negated = self._peek() == "^"
        if negated:
            self.at += 1
        items: list[str] = []
        while (character := self._next()) != "]":
            low = self._class_item(character)
            if self._peek() == "-" and self._pattern[self.at + 1 : self.at + 2] not in ("]", "") and len(low) == 1:
                self.at += 1
                high = self._class_item(self._next())
                if len(high) != 1 or high < low:
                    raise PatternRefused("has a range that goes backwards")
                items.append(_range(low, high, negated=negated))
            else:
                items.append(low if len(low) > 1 else _range(low, low, negated=negated))
        inside = "".join(items)
        if negated:
            return f'[^{inside}"\\\\\\x00-\\x1F\\x7F]'
        if not inside:
            raise PatternRefused("has a class of characters that JSON strings can't hold as they are")
        return f"[{inside}]"

    def _class_item(self, character: str) -> str:
        """One character, or several where a \\d or \\w stands inside a class."""
        if character != "\\":
            return character
        letter = self._next()
        if letter in _CLASSES and letter != "s":
            return _CLASSES[letter]
        if letter == "s":
            return " "
        if letter.lower() in _CLASSES:
            raise PatternRefused(f"has \\{letter} inside a class")
        return "\b" if letter == "b" else self._escaped_character(letter)

    def _repeated(self, part: _Part) -> _Part:
        """The part with the quantifier that stands behind it, if one does."""
        mark = self._peek()
        if not mark or mark not in "*+?{":
            return part
        self.at += 1
        least, most = (0, 1) if mark == "?" else (0, None) if mark == "*" else (1, None) if mark == "+" else self._counts()
        if self._peek() == "?":  # lazy: the same texts match
            self.at += 1
        if (following := self._peek()) and following in "*+?{":
            raise PatternRefused("repeats a repetition")
        if part.may_be_empty and most != 1:
            raise PatternRefused("repeats something that may be empty")
        if most == 0:
            return _Part('""', 0, may_be_empty=True)
        times = max(least, 1) if most is None else most
        count = ("*" if least == 0 else "+" if least == 1 else f"{{{least},}}") if most is None else f"{{{least},{most}}}"
        varying = part.varying * times + int(least != most)
        return _Part(part.text + count, part.size * times, varying, part.may_be_empty or least == 0)

    def _counts(self) -> tuple[int, int | None]:
        end = self._pattern.find("}", self.at)
        low, comma, high = self._pattern[self.at : max(end, self.at)].partition(",")
        self.at = end + 1
        if end < 0 or not _is_count(low) or (high and not _is_count(high)):
            raise PatternRefused("has a broken {…}")
        least = int(low)
        most = int(high) if high else None if comma else least
        if max(least, most or 0) > REPEAT_MAX or (most is not None and least > most):
            raise PatternRefused(f"repeats more than {REPEAT_MAX} times, or backwards")
        return least, most


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7


def _literal(character: str) -> str:
    if character in _MUST_ESCAPE:
        if character in '"\\':
            return f'("\\\\" [\\x{ord(character):02X}])'
        raise PatternRefused("wants a control character, which local models don't write into strings")
    return f"[{_in_class(character)}]"


def _range(low: str, high: str, *, negated: bool) -> str:
    """A range inside a class; without what JSON must escape, where the class says what is wanted."""
    if negated or not any(low <= character <= high for character in _MUST_ESCAPE):
        return _in_class(low) if low == high else f"{_in_class(low)}-{_in_class(high)}"
    pieces, start = [], ord(low)
    for code in [*sorted(ord(c) for c in _MUST_ESCAPE if low <= c <= high), ord(high) + 1]:
        if start < code:
            pieces.append(_range(chr(start), chr(code - 1), negated=True))
        start = code + 1
    return "".join(pieces)


def _in_class(character: str) -> str:
    code = ord(character)
    if character.isalnum() and code < 128:
        return character
    if 0xD800 <= code <= 0xDFFF:
        raise PatternRefused("has half a surrogate pair")
    if code < 0x100:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
