"""Tool calls as Hermes and Qwen models write them, in a row or between words.

    <tool_call>
    {"name": …, "arguments": {…}}
    </tool_call>

Source: the models' chat templates (Hermes 2 Pro, Hermes 3, Qwen2.5, Qwen3), read 2026-11-25.
Quirks: small models write the keys in another order, "parameters" for "arguments", arguments as text of JSON, a brace too
few or too many, and leave the end mark out. All that is understood. A name that wasn't offered, and what is no JSON, is
given back as the text that it is; only arguments that were on their way when they went wrong can't be taken back.
"""

import json
from collections.abc import Callable
from typing import Any

from appliance.providers.json_scanner import JsonScanner
from appliance.providers.text_deltas import TextDeltas, new_call_id
from appliance.providers.text_marks import cut_mark, settled

OPEN = "<tool_call>"
CLOSE = "</tool_call>"
HELD_CHARACTERS_MAX = 65_536  # of a call whose name or form isn't known yet
BLANKS_MAX = 1_024  # held back before a call; more of them are text
DEPTH_MAX = 64
LOOKS_MAX = 8  # at a call's head, for its name: each costs its length

_ARGUMENTS = ("arguments", "parameters")
_BEHIND_A_CALL = " \t\r\n}"


class HermesCalls:
    """The text of one answer in, OpenAI's deltas out. `is_done`: the one call that was wanted is complete."""

    def __init__(self, names: frozenset[str], *, parallel: bool, new_id: Callable[[], str] = new_call_id) -> None:
        self._names = names
        self._parallel = parallel
        self._new_id = new_id
        self._step: Callable[[str, int], int] = self._text
        self._held = ""
        self._mark = ""  # of the call being read, with the blanks before it
        self._head: list[str] = []
        self._head_length = 0
        self._looks = 0
        self._scanner = JsonScanner(DEPTH_MAX)
        self._found = TextDeltas()
        self._begun = 0
        self._is_broken = False
        self.is_done = False

    def feed(self, text: str) -> list[dict[str, Any]]:
        text, self._held = self._held + text, ""
        at = 0
        while at < len(text) and not self.is_done:
            at = self._step(text, at)
        return self._found.taken()

    def close(self, *, is_cut: bool = False) -> tuple[list[dict[str, Any]], bool]:
        """(what was held back, whether calls were made and all of them are whole).

        is_cut: the answer was cut at its bound, so a call that isn't closed is not to be closed for it.
        """
        if self._step == self._reading_head and not (not is_cut and self._close_head()):
            self._give_back()
        elif self._step == self._reading_arguments and not (not is_cut and self._close_arguments()):
            self._is_broken = True
        elif self._step == self._text:
            self._found.content(self._held)
        return self._found.taken(), self._begun > 0 and not self._is_broken

    # Words

    def _text(self, text: str, at: int) -> int:
        start = text.find(OPEN, at)
        before, partial = (text[at:start], "") if start >= 0 else cut_mark(text[at:], OPEN)
        end = settled(before, BLANKS_MAX)
        self._found.content(before[:end])
        if start < 0:
            self._held = before[end:] + partial
            return len(text)
        self._mark, self._head, self._head_length, self._looks = before[end:] + OPEN, [], 0, 0
        self._scanner = JsonScanner(DEPTH_MAX)
        self._step = self._reading_head
        return start + len(OPEN)

    # A call

    def _reading_head(self, text: str, at: int) -> int:
        """A call of which nothing was given out yet."""
        scanner = self._scanner
        end = scanner.scan(text, at, min(len(text), at + HELD_CHARACTERS_MAX - self._head_length))
        self._head.append(text[at:end])
        self._head_length += end - at
        if scanner.is_broken:
            if not (text[end] == "<" and self._close_head()):
                self._give_back()
        elif scanner.is_complete:
            if not self._whole("".join(self._head), needs_arguments=False):
                self._give_back()
        elif scanner.has_opened and scanner.depth == 2 and text[end - 1] == "{" and self._looks < LOOKS_MAX:
            self._look()
        if self._step == self._reading_head and self._head_length >= HELD_CHARACTERS_MAX:
            self._give_back()
        return end

    def _look(self) -> None:
        """Some object begins in the call: if it is the arguments, and the name is known, they can be given out as they come."""
        self._looks += 1
        known = _loaded("".join(self._head)[:-1] + "null}") or {}
        name = known.get("name")
        if not isinstance(name, str) or next(reversed(known)) not in _ARGUMENTS:
            return
        if name not in self._names:
            self._give_back()
            return
        self._begin(name)
        self._arguments("{")
        self._step = self._reading_arguments

    def _reading_arguments(self, text: str, at: int) -> int:
        scanner = self._scanner
        end = scanner.scan(text, at, len(text))
        if scanner.raw_control:
            self._arguments(text[at : end - 1] + json.dumps(scanner.raw_control)[1:-1])
        else:
            self._arguments(text[at:end])
        if scanner.is_broken and not (text[end] == "<" and self._close_arguments()):
            self._is_broken = True
            self._step = self._text
        elif scanner.depth == 1:
            self._end(self._reading_tail)
        return end

    def _reading_tail(self, text: str, at: int) -> int:
        """What else stands in a call behind its arguments is of no interest."""
        end = self._scanner.scan(text, at, len(text))
        if self._scanner.is_broken or self._scanner.is_complete:
            self._step = self._behind
        return end

    def _behind(self, text: str, at: int) -> int:
        while at < len(text) and text[at] in _BEHIND_A_CALL:
            at += 1
        if text.startswith(CLOSE, at):
            self._step = self._between
            return at + len(CLOSE)
        if CLOSE.startswith(text[at : at + len(CLOSE)]):
            self._held = text[at:]
            return len(text)
        self._step = self._text
        return at

    def _between(self, text: str, at: int) -> int:
        while at < len(text) and text[at].isspace():
            at += 1
        if at < len(text):
            self._step = self._text
        return at

    # Beginnings and ends

    def _begin(self, name: str) -> None:
        self._found.call(self._begun, self._new_id(), name)
        self._begun += 1

    def _arguments(self, text: str) -> None:
        self._found.arguments(self._begun - 1, text)

    def _end(self, step: Callable[[str, int], int]) -> None:
        self._step = step
        self.is_done = not self._parallel

    def _whole(self, text: str, *, needs_arguments: bool) -> bool:
        """Give out a call that is complete; False where it is none."""
        found = _call_of(text, needs_arguments=needs_arguments)
        if found is None or found[0] not in self._names:
            return False
        self._begin(found[0])
        self._arguments(found[1])
        self._end(self._behind)
        return True

    def _close_head(self) -> bool:
        """Give out a call that lacks nothing but brackets; False where it is none."""
        closers = self._scanner.closers(0)
        return closers is not None and self._whole("".join(self._head) + closers, needs_arguments=True)

    def _close_arguments(self) -> bool:
        closers = self._scanner.closers(1)
        if closers is None:
            return False
        self._arguments(closers)
        self._end(self._behind)
        return True

    def _give_back(self) -> None:
        """It was no call: its text is text."""
        self._found.content(self._mark + "".join(self._head))
        self._step = self._text


def _loaded(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _call_of(text: str, *, needs_arguments: bool) -> tuple[str, str] | None:
    """(name, arguments as JSON text) of a whole call, in any of the forms that models give it."""
    call = _loaded(text) or {}
    if isinstance(call.get("function"), dict):  # as OpenAI writes it
        call = call["function"]
    name, given = call.get("name"), next((call[key] for key in _ARGUMENTS if key in call), None)
    if not isinstance(name, str) or (given is None and needs_arguments):
        return None
    arguments = {} if given is None else _loaded(given) if isinstance(given, str) else given
    return (name, _dumped(arguments)) if isinstance(arguments, dict) else None


def _dumped(arguments: dict[str, Any]) -> str:
    text = json.dumps(arguments, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair: as an escape it is JSON all the same
        return json.dumps(arguments)
    return text
