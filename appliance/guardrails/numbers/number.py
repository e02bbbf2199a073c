"""A run of digits with what stands between them."""

import re

from appliance.guardrails.context import nearest

_GROUP = re.compile("[0-9]+")
_SEPARATOR = re.compile("(?<=[0-9])[^0-9]+(?=[0-9])")
_EXTENSION = re.compile(r" ?(?:x|ext\.?) ?[0-9]+$", re.IGNORECASE)


class Number:
    """groups:     how many digits stand together.
    separators: what stands between groups, each kind once.
    extension:  characters at its end that are a telephone's extension.
    """

    __slots__ = ("_label", "digits", "end", "extension", "groups", "separators", "start", "text", "value")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.end = text, start, end
        body = self.value = text[start:end]
        self.extension = 0
        if "x" in body or "X" in body:
            extension = _EXTENSION.search(body)
            self.extension = len(extension[0]) if extension else 0
            body = body[: len(body) - self.extension]
        parts = _GROUP.findall(body)
        self.digits = "".join(parts)
        self.groups = tuple(map(len, parts))
        self.separators = set(_SEPARATOR.findall(body))
        self._label: tuple[str, int] | None = None

    @property
    def label(self) -> str:
        return self._nearest()[0]

    @property
    def label_gap(self) -> int:
        return self._nearest()[1]

    def _nearest(self) -> tuple[str, int]:
        if self._label is None:
            self._label = nearest(self.text, self.start, self.end)
        return self._label

    @property
    def is_spelt_out(self) -> bool:
        """Every digit stands alone: 1 2 3 - 4 5."""
        return len(self.groups) == len(self.digits)

    @property
    def is_even(self) -> bool:
        """One kind of separator, or none."""
        return len(self.separators) < 2

    @property
    def is_attached(self) -> bool:
        """Part of a longer code, such as ab-123-45."""
        before = self.text[max(0, self.start - 8) : self.start]
        after = self.text[self.end : self.end + 8]
        return bool(_CODE_BEFORE.search(before) or _CODE_AFTER.match(after))


_CODE_BEFORE = re.compile(r"(?:[A-Za-z0-9]-|[0-9]\.|(?<![0-9]{7})/|[#\\])$")
_CODE_AFTER = re.compile(r"-[A-Za-z0-9]|/(?![0-9]{7})[A-Za-z0-9]|\.[0-9]|:[0-9]")
