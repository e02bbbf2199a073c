"""Expressions of many words that mostly find nothing: RE2 says so in a microsecond, Python's `re` would take forty."""

import re

import re2

from appliance.guardrails.expression import tokens


class Search:
    """As `re.compile(expression, flags)`, which both engines must read the same way. The quick one is asked about ASCII."""

    def __init__(self, expression: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        self._exact = re.compile(expression, flags)
        plain = _unspaced(expression) if flags & re.VERBOSE else expression
        letters = "i" if flags & re.IGNORECASE else ""
        quick = re2.Options()
        quick.max_mem = 32 << 20
        self._any = re2.compile(f"(?{letters}:{plain})".encode(), options=quick)._regexp.Match

    def search(self, value: str) -> re.Match[str] | None:
        if value.isascii() and "\n" not in value:
            data = value.encode("ascii")
            if self._any(re2._Anchor.UNANCHORED, data, 0, len(data))[0][0] < 0:
                return None
        return self._exact.search(value)


def _unspaced(expression: str) -> str:
    """Without the blanks that only keep it apart."""
    return "".join(token.text for token in tokens(expression) if not token.text.isspace())
