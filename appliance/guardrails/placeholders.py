"""Values that a model doesn't see and its caller gets back: ⟨EMAIL_1⟩.

Nothing is kept between requests: they are numbered by first appearance over a request's texts, so a history that is sent again
numbers alike. What a caller writes that looks like one is escaped, so that nobody is given another value for it.
"""

import json
import re

OPEN, CLOSE = "\u27e8", "\u27e9"  # mathematical angle brackets: no keyboard has them, every model's tokenizer does
ESCAPE = "="
LENGTH_MAX = 96
_JSON_OPEN, _JSON_CLOSE = re.compile(r"\\u27[eE]8"), re.compile(r"\\u27[eE]9")
_JSON_BEGUN = re.compile(r"\\(?:u(?:2(?:7[eE]?)?)?)?$")
_LOOKS_LIKE = re.compile(f"{OPEN}({ESCAPE}*)([A-Z][A-Z0-9_]{{0,63}}_[0-9]{{1,6}}){CLOSE}")


class Placeholders:
    """Of one request. `values`: by placeholder."""

    def __init__(self) -> None:
        self.times_restored = 0
        self.has_escaped = False
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

    @property
    def is_used(self) -> bool:
        """Something in an answer may have to be put back."""
        return bool(self.values) or self.has_escaped

    def restored(self, text: str, *, in_json: bool = False) -> str:
        """With the values back in their places, and what was escaped as its writer wrote it. `in_json`: inside of its strings."""
        if OPEN not in text:
            return text
        return _LOOKS_LIKE.sub(lambda match: self._restored(match, in_json=in_json), text)

    def _restored(self, match: "re.Match[str]", *, in_json: bool) -> str:
        if match[1]:
            return f"{OPEN}{match[1][1:]}{match[2]}{CLOSE}"
        value = self.values.get(match[0])
        if value is None:
            return match[0]
        self.times_restored += 1
        return json.dumps(value, ensure_ascii=False)[1:-1] if in_json else value


def escaped(text: str) -> str:
    """What a caller wrote, with an escape in everything that looks like a placeholder."""
    if OPEN not in text:
        return text
    return _LOOKS_LIKE.sub(lambda match: f"{OPEN}{ESCAPE}{match[1]}{match[2]}{CLOSE}", text)


def looks_like(text: str) -> list[tuple[int, int]]:
    """Where something stands that looks like one."""
    return [match.span() for match in _LOOKS_LIKE.finditer(text)] if OPEN in text else []


class Restoring:
    """Puts values back into a text that comes in pieces: what could be the beginning of a placeholder waits for its end.

    `in_json`: the text is JSON (a call's arguments), where models write the brackets as they are or as `\\u27e8`.
    """

    def __init__(self, placeholders: Placeholders, *, in_json: bool = False) -> None:
        self._placeholders = placeholders
        self._in_json = in_json
        self._waiting = ""

    @property
    def is_waiting(self) -> bool:
        """Something that came is not told yet."""
        return bool(self._waiting)

    def feed(self, text: str) -> str:
        whole = self._waiting + text
        if self._in_json and "\\" in whole:
            whole = _JSON_OPEN.sub(OPEN, _JSON_CLOSE.sub(CLOSE, whole))
        border = self._border(whole)
        self._waiting = whole[border:]
        return self._placeholders.restored(whole[:border], in_json=self._in_json)

    def _border(self, whole: str) -> int:
        opened = whole.rfind(OPEN)
        if opened >= 0 and CLOSE not in whole[opened:] and len(whole) - opened <= LENGTH_MAX:
            return opened
        if self._in_json and (begun := _JSON_BEGUN.search(whole)) is not None:
            return begun.start()
        return len(whole)

    def end(self) -> str:
        """What waited."""
        rest, self._waiting = self._waiting, ""
        return rest
