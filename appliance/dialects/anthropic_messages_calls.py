"""Calls of tools in a stream, one after the other, however their pieces come.

Quirks: Anthropic's clients read a call's input when its block stops, so a call that begins while another isn't whole yet waits.
Input that isn't an object would break the SDKs' own reading: it is kept back
and told at the end, in an object under INVALID_JSON, as Anthropic's documents advise for handing such a call back.
"""

import re

import msgspec

from appliance.chat import ToolCall

INVALID = "INVALID_JSON"

Step = tuple[ToolCall | None, str]  # a call that begins here, or None; what is to be told of the current call's input

_SIGN = re.compile(r'["\\{}\[\]]')
_decode = msgspec.json.Decoder().decode
_write = msgspec.json.Encoder().encode


class CallOrder:
    """The calls of one answer."""

    def __init__(self) -> None:
        self._current: int | None = None
        self._arguments: list[str] = []  # of the current call
        self._brackets = Brackets()
        self._is_broken = False
        self._said = False  # some of them have been told
        self._is_odd = False  # they don't begin as an object does
        self._done: set[int] = set()
        self._held: dict[int, list[ToolCall]] = {}

    def add(self, piece: ToolCall) -> list[Step]:
        """What can be told once this piece has come."""
        steps: list[Step] = []
        position = piece.index or 0
        if position == self._current or self._current is None:
            self._take(piece, steps)
        elif position not in self._done:
            if self._held or not self.is_whole():
                self._held.setdefault(position, []).append(piece)
            else:
                self._take(piece, steps)
        while self._held and self.is_whole():
            self._take_held(steps)
        return steps

    def rest(self) -> list[Step]:
        """What still waits, at the end of the answer."""
        steps: list[Step] = []
        while self._held:
            self._take_held(steps)
        return steps

    def unsaid(self) -> str:
        """What its block needs before it stops; empty where all has been told."""
        if self._said or self._current is None:
            return ""
        self._said = True
        return _write({INVALID: "".join(self._arguments)}).decode() if self._is_odd else "{}"

    def is_whole(self) -> bool:
        """Is the current call's input complete? Nothing may be: then it is on its way still."""
        if (
            self._is_broken
            or self._brackets.are_open
            or not self._arguments
            or not self._arguments[-1].rstrip().endswith(("}", "]", '"'))
        ):
            return False  # or a bare number or word, which ends nowhere
        try:
            _decode("".join(self._arguments))
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            self._is_broken = True  # what is closed and no JSON becomes none by more of it
        return not self._is_broken

    def _take_held(self, steps: list[Step]) -> None:
        for piece in self._held.pop(next(iter(self._held))):
            self._take(piece, steps)

    def _take(self, piece: ToolCall, steps: list[Step]) -> None:
        position = piece.index or 0
        if position != self._current:
            if self._current is not None:
                self._done.add(self._current)
                steps.append((None, self.unsaid()))
            self._current, self._arguments, self._said, self._is_odd = position, [], False, False
            self._brackets, self._is_broken = Brackets(), False
            steps.append((piece, ""))
        if piece.function is not None and piece.function.arguments:
            steps.append((None, self._visible(piece.function.arguments)))

    def _visible(self, text: str) -> str:
        self._arguments.append(text)
        self._brackets.add(text)
        if self._said:
            return text
        begun = text.lstrip()
        if self._is_odd or not begun:
            return ""
        self._is_odd = not begun.startswith("{")
        self._said = not self._is_odd
        return begun if self._said else ""


class Brackets:
    """Is something open in a text that comes in pieces? So that the whole needs to be read only where it may be JSON."""

    def __init__(self) -> None:
        self.are_open = False
        self._depth = 0
        self._in_text = False
        self._escapes = False  # the last piece ended with the backslash of an escape

    def add(self, piece: str) -> None:
        if not piece:
            return
        escaped = 0 if self._escapes else -1
        self._escapes = False
        for found in _SIGN.finditer(piece):
            place, sign = found.start(), found[0]
            if place == escaped:
                continue
            if sign == '"':
                self._in_text = not self._in_text
            elif self._in_text:
                if sign == "\\":
                    escaped = place + 1
                    self._escapes = escaped == len(piece)
            elif sign != "\\":
                self._depth += 1 if sign in "{[" else -1
        self.are_open = self._in_text or self._depth > 0
