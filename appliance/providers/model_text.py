"""What a local model writes, read as it comes: thoughts, words and tool calls become OpenAI's deltas. Pure; no I/O.

For engines that give text only. Whatever the pieces that the text comes in, the deltas put together are the same, and
what is held back has a bound.
"""

from collections.abc import Callable
from typing import Any, Protocol

from appliance.providers import hermes_calls, thinking
from appliance.providers.hermes_calls import HermesCalls
from appliance.providers.text_deltas import new_call_id
from appliance.providers.thinking import Thinking

# Tokens that must be written out as text, even where the model's file calls them control tokens: we read them.
MARKS = (thinking.OPEN, thinking.CLOSE, hermes_calls.OPEN, hermes_calls.CLOSE)

# Other families put other things between the same marks.
_NOT_HERMES = ("<function=", "<arg_key>")


class TextReader(Protocol):
    """The text of one answer. `is_done`: the one call that was wanted is complete, so stop generating."""

    @property
    def is_done(self) -> bool: ...

    def feed(self, text: str) -> list[dict[str, Any]]:
        """Deltas: {"content": …}, {"reasoning_content": …} or {"tool_calls": [{"index", "id"?, "type"?, "function"}]}."""
        ...

    def close(self, *, is_cut: bool = False) -> tuple[list[dict[str, Any]], bool]:
        """(what was held back, whether calls were made, so that finish_reason "stop" becomes "tool_calls").

        is_cut: the answer ended at its bound ("length", which stays the reason): calls that lack an end are not given one.
        """
        ...


def reads_calls(template: str) -> bool:
    """Whether the template makes a model write calls that are understood here; otherwise tools are told in our own way."""
    return hermes_calls.OPEN in template and "arguments" in template and not any(word in template for word in _NOT_HERMES)


def reader_for(
    template: str,
    *,
    prompt: str,
    tools: list[dict[str, Any]] | None,
    parallel: bool = True,
    plain: bool = False,
    new_id: Callable[[], str] = new_call_id,
) -> TextReader:
    """The reader for one answer.

    template, prompt: of the chat, and what came of it: whether thoughts are to be expected, and whether one is open.
    tools:            those that the template was given, in OpenAI's form.
    parallel:         False: the reader is done with the first complete call.
    plain:            a grammar forces the form: all text is content.
    """
    if plain:
        return _Plain()
    is_open = prompt.rstrip().endswith(thinking.OPEN)
    thoughts = Thinking(is_open=is_open) if is_open or thinking.OPEN in template else None
    calls = None
    if tools and hermes_calls.OPEN in template:
        names = frozenset(str(tool.get("function", tool).get("name")) for tool in tools)
        calls = HermesCalls(names, parallel=parallel, new_id=new_id)
    return _ModelText(thoughts, calls)


class _Plain:
    is_done = False

    def feed(self, text: str) -> list[dict[str, Any]]:
        return [{"content": text}] if text else []

    def close(self, *, is_cut: bool = False) -> tuple[list[dict[str, Any]], bool]:
        return [], False


class _ModelText:
    """Thoughts are taken out first; what is left may hold calls."""

    def __init__(self, thoughts: Thinking | None, calls: HermesCalls | None) -> None:
        self._thoughts = thoughts
        self._calls = calls

    @property
    def is_done(self) -> bool:
        return self._calls is not None and self._calls.is_done

    def feed(self, text: str) -> list[dict[str, Any]]:
        return self._read(self._thoughts.feed(text) if self._thoughts else [(False, text)])

    def close(self, *, is_cut: bool = False) -> tuple[list[dict[str, Any]], bool]:
        deltas = self._read(self._thoughts.close()) if self._thoughts else []
        rest, has_calls = self._calls.close(is_cut=is_cut) if self._calls else ([], False)
        return deltas + rest, has_calls

    def _read(self, pieces: list[tuple[bool, str]]) -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = []
        for is_thought, text in pieces:
            if is_thought:
                deltas.append({"reasoning_content": text})
            elif self._calls:
                deltas.extend(self._calls.feed(text))
            elif text:
                deltas.append({"content": text})
        return deltas
