"""Values that a model doesn't see and its caller gets back: ⟨EMAIL_1⟩.

Nothing is kept between requests: they are numbered by first appearance over a request's texts, so a history that is sent again
numbers alike. What a caller writes that looks like one is escaped, so that nobody is given another value for it.
"""

import re

OPEN, CLOSE = "\u27e8", "\u27e9"  # mathematical angle brackets: no keyboard has them, every model's tokenizer does
ESCAPE = "="
LENGTH_MAX = 96
_LOOKS_LIKE = re.compile(f"{OPEN}({ESCAPE}*)([A-Z][A-Z0-9_]{{0,63}}_[0-9]{{1,6}}){CLOSE}")


class Placeholders:
    """Of one request. `values`: by placeholder."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def of(self, type_name: str, value: str) -> str:
        """The placeholder of a value: the same for the same one."""
        known = self._names.get((type_name, value))
        if known is None:
            number = self._counts[type_name] = self._counts.get(type_name, 0) + 1
            known = self._names[type_name, value] = f"{OPEN}{type_name}_{number}{CLOSE}"
            self.values[known] = value
        return known

    def restored(self, text: str) -> str:
        """With the values back in their places, and what was escaped as its writer wrote it."""
        if OPEN not in text:
            return text
        return _LOOKS_LIKE.sub(self._restored, text)

    def _restored(self, match: "re.Match[str]") -> str:
        if match[1]:
            return f"{OPEN}{match[1][1:]}{match[2]}{CLOSE}"
        return self.values.get(match[0], match[0])


def escaped(text: str) -> str:
    """What a caller wrote, with an escape in everything that looks like a placeholder."""
    if OPEN not in text:
        return text
    return _LOOKS_LIKE.sub(lambda match: f"{OPEN}{ESCAPE}{match[1]}{match[2]}{CLOSE}", text)


def looks_like(text: str) -> list[tuple[int, int]]:
    """Where something stands that looks like one."""
    return [match.span() for match in _LOOKS_LIKE.finditer(text)] if OPEN in text else []


class Restoring:
    """Puts values back into a text that comes in pieces: what could be the beginning of a placeholder waits for its end."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._waiting = ""

    def feed(self, text: str) -> str:
        whole = self._waiting + text
        opened = whole.rfind(OPEN)
        if opened < 0 or CLOSE in whole[opened:] or len(whole) - opened > LENGTH_MAX:
            self._waiting = ""
            return self._placeholders.restored(whole)
        self._waiting = whole[opened:]
        return self._placeholders.restored(whole[:opened])

    def end(self) -> str:
        """What waited."""
        rest, self._waiting = self._waiting, ""
        return rest
