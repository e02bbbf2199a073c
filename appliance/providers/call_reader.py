"""Calls in the text of an answer whose form a grammar of ours forces: {"name": …, "arguments": …}, one in each line."""

from collections.abc import Callable

import msgspec

from appliance.chat import Delta, FunctionCall, ToolCall
from appliance.providers.json_scanner import JsonScanner

BETWEEN = "\n"
DEPTH_MAX = 10_000  # the grammar lets a model nest as deep as it likes; this only bounds memory


class Reading(msgspec.Struct, frozen=True):
    """How the engine's text is to be read.

    named:    the text is the arguments of this tool.
    calls:    beginnings of text that make it a call: beginning → tool. Empty: text is text.
    """

    named: str | None = None
    calls: dict[str, str] = {}
    choices: int = 1


class CallReader:
    """The text of one choice, in which calls may stand, one after another: text in, deltas out as it comes."""

    def __init__(self, reading: Reading, new_id: Callable[[], str]) -> None:
        self._reading = reading
        self._new_id = new_id
        self._held = ""
        self._scanner: JsonScanner | None = None  # of the call that the text is in
        self._begun = 0
        self._is_text = False

    def feed(self, text: str) -> list[Delta]:
        if self._is_text:
            return [Delta(content=text)]
        if self._reading.named is not None:
            begun = [] if self._begun else [self._begin(self._reading.named)]
            return [*begun, self._arguments(text)] if text else begun
        found: list[Delta] = []
        while text:
            text = self._inside(self._scanner, text, found) if self._scanner else self._outside(text, found)
        return found

    def close(self, finish: str) -> tuple[list[Delta], str]:
        """(what was held back, the reason to finish with): a call that was cut off is none, so its reason stays."""
        held, self._held = self._held, ""
        if held and not self._begun:
            return [Delta(content=held)], finish
        if held and held != BETWEEN:  # the beginning of one more call, cut off: it is neither a call nor words
            return [], finish
        is_whole = self._begun > 0 and self._scanner is None and not self._is_text and self._reading.named is None
        return [], "tool_calls" if is_whole and finish == "stop" else finish

    def _outside(self, text: str, found: list[Delta]) -> str:
        """Where a call may begin; what is left of the text when one did."""
        self._held += text
        before = BETWEEN if self._begun else ""
        for beginning, name in self._reading.calls.items():
            if self._held.startswith(before + beginning):
                rest, self._held = self._held[len(before + beginning) :], ""
                self._scanner = _within(beginning)
                found.append(self._begin(name))
                return rest
        if not any((before + beginning).startswith(self._held) for beginning in self._reading.calls):
            self._is_text = True
            found.append(Delta(content=self._held))
            self._held = ""
        return ""

    def _inside(self, scanner: JsonScanner, text: str, found: list[Delta]) -> str:
        at = 0
        while at < len(text) and not scanner.is_complete and not scanner.is_broken:
            at = scanner.scan(text, at, len(text))
        if scanner.is_broken:  # no grammar of ours allows it: nothing is lost, and it isn't called finished
            at = len(text)
        arguments = text[: at - 1] if scanner.is_complete else text[:at]
        if arguments:
            found.append(self._arguments(arguments))
        if scanner.is_complete:
            self._scanner = None
        return text[at:]

    def _begin(self, name: str) -> Delta:
        self._begun += 1
        return Delta(tool_calls=[ToolCall(self._new_id(), "function", FunctionCall(name), self._begun - 1)])

    def _arguments(self, text: str) -> Delta:
        return Delta(tool_calls=[ToolCall(function=FunctionCall(arguments=text), index=self._begun - 1)])


def _within(beginning: str) -> JsonScanner:
    """A scanner that stands behind the beginning of a call."""
    scanner, at = JsonScanner(DEPTH_MAX), 0
    while at < len(beginning):
        at = scanner.scan(beginning, at, len(beginning))
    return scanner
