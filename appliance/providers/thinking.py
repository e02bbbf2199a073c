"""Text between `<think>` and `</think>` at the beginning of an answer, told apart from the answer itself.

As llama.cpp's server does: blanks at both ends of a thought, and between it and the answer, are dropped.
"""

from enum import Enum, auto

from appliance.providers.text_marks import cut_mark, settled

OPEN = "<think>"
CLOSE = "</think>"
BLANKS_MAX = 1_024  # held back; more of them are text


class _State(Enum):
    START = auto()  # nothing but blanks so far
    INSIDE = auto()
    BEHIND = auto()  # nothing but blanks since a thought's end
    TEXT = auto()


class Thinking:
    """One answer: text in, (is it thought, text) out.

    A `</think>` that nothing opened is dropped once: there are models that close a thought which the prompt had closed.
    Behind a thought it is text like any other, so that a model can write about such marks.
    """

    def __init__(self, *, is_open: bool) -> None:
        self._state = _State.INSIDE if is_open else _State.START
        self._has_begun = False  # the thought, with something other than blanks
        self._has_closed = False
        self._held = ""

    def feed(self, text: str) -> list[tuple[bool, str]]:
        text, self._held = self._held + text, ""
        found: list[tuple[bool, str]] = []
        while text:
            if self._state is _State.INSIDE:
                text = self._inside(text, found)
            elif self._state is _State.TEXT:
                text = self._text(text, found)
            else:
                text = self._outside(text)
        return found

    def close(self) -> list[tuple[bool, str]]:
        """What was held back."""
        held, self._held = self._held, ""
        if self._state is _State.INSIDE:
            held = held.rstrip()
        return [(self._state is _State.INSIDE, held)] if held else []

    def _outside(self, text: str) -> str:
        """Before or right behind a thought: the rest of the text to read, with the state that it is to be read in."""
        bare = text.lstrip()
        is_behind = self._state is _State.BEHIND
        if not is_behind and len(text) - len(bare) > BLANKS_MAX:
            self._state = _State.TEXT
            return text
        if bare.startswith(OPEN):
            self._state, self._has_begun = _State.INSIDE, False
            return bare[len(OPEN) :]
        if bare.startswith(CLOSE):
            self._state, self._has_closed = _State.BEHIND, True
            return bare[len(CLOSE) :]
        if OPEN.startswith(bare) or CLOSE.startswith(bare):
            self._held = bare if is_behind else text
            return ""
        self._state = _State.TEXT
        return bare if is_behind else text

    def _inside(self, text: str, found: list[tuple[bool, str]]) -> str:
        if not self._has_begun:
            text = text.lstrip()
            if text.startswith(OPEN):  # the prompt had opened it already
                return text[len(OPEN) :]
            if OPEN.startswith(text):
                self._held = text
                return ""
        thought, mark, rest = text.partition(CLOSE)
        partial = ""
        if not mark:
            thought, partial = cut_mark(text, CLOSE)
        end = settled(thought, BLANKS_MAX)
        if end:
            self._has_begun = True
            found.append((True, thought[:end]))
        if mark:
            self._state, self._has_closed = _State.BEHIND, True
            return rest
        self._held = thought[end:] + partial
        return ""

    def _text(self, text: str, found: list[tuple[bool, str]]) -> str:
        if self._has_closed:
            found.append((False, text))
            return ""
        before, mark, rest = text.partition(CLOSE)
        if mark:
            self._has_closed = True
        else:
            before, self._held = cut_mark(text, CLOSE)
        if before:
            found.append((False, before))
        return rest
