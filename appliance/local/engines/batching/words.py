"""Keeps what callers write from being read as control tokens: `<|im_end|>` in a message is ten characters, no more.

A control text in the rendered prompt counts only where its first character comes from the template. So such characters are
exchanged in callers' words, before the template sees them, for private ones, one for one; a template that cuts words out of
a message (`.replace("/think", "")`) can't make a control text of what is left.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

_FIRST = 0xF0000  # of a private plane of Unicode, which ends at _LAST
_LAST = 0xFFFFD
_PRIVATE = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")


class Words:
    """For one vocabulary."""

    def __init__(self, control_texts: Sequence[str], marks: Sequence[str] = ()) -> None:
        """`marks`: texts that templates look for in messages (`</think>`), and may find there unless they are control texts."""
        texts = sorted(filter(None, control_texts), key=len, reverse=True)
        firsts = sorted({text[0] for text in texts})
        shown = [mark for mark in marks if mark not in texts]
        self._private = {first: chr(_FIRST + number) for number, first in enumerate(firsts)}
        # Letters are hidden only where a whole control text stands: templates look for words.
        self._marked = {ord(first): private for first, private in self._private.items() if not first.isalnum()}
        self._wordlike = [text for text in texts if text[0].isalnum()]
        self._public = {ord(private): first for first, private in self._private.items()}
        self._shown = re.compile(f"({'|'.join(map(re.escape, shown))})") if shown else None
        self._control = re.compile("|".join(map(re.escape, texts))) if texts else None

    def hidden(self, value: Any) -> Any:
        """The same JSON value with the beginnings of control texts hidden. Private characters of its own become U+FFFD."""
        if isinstance(value, str):
            return self._hidden_text(value)
        if isinstance(value, list):
            return [self.hidden(each) for each in value]
        if isinstance(value, dict):
            return {self.hidden(name): self.hidden(each) for name, each in value.items()}
        return value

    def _hidden_text(self, text: str) -> str:
        if not text.isascii():
            text = _PRIVATE.sub("\ufffd", text)
        for control in self._wordlike:
            text = text.replace(control, self._private[control[0]] + control[1:])
        if self._shown is None:
            return text.translate(self._marked)
        parts = self._shown.split(text)  # between marks, then a mark, and so on
        return "".join(part if number % 2 else part.translate(self._marked) for number, part in enumerate(parts))

    def pieces(self, prompt: str) -> list[tuple[str, bool]]:
        """The rendered prompt as (text, whether control texts in it count). What a template made of nothing private is one."""
        if prompt.isascii() or self._control is None:
            return [(prompt, True)]
        public = prompt.translate(self._public)
        pieces: list[tuple[str, bool]] = []
        start = 0
        for begin, end in self._forged(prompt, public, self._control):
            if begin > start:
                pieces.append((public[start:begin], True))
            pieces.append((public[begin:end], False))
            start = end
        return [*pieces, (public[start:], True)] if start < len(public) else pieces

    @staticmethod
    def _forged(prompt: str, public: str, control: "re.Pattern[str]") -> Iterator[tuple[int, int]]:
        """Where control texts stand that a caller began, one behind the other."""
        begin = end = -1
        for private in _PRIVATE.finditer(prompt):
            found = control.match(public, private.start())
            if found is None:
                continue
            if found.start() < end:
                end = max(end, found.end())
                continue
            if end > 0:
                yield begin, end
            begin, end = found.span()
        if end > 0:
            yield begin, end
