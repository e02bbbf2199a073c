"""JSON in which a text holds half of a character, as an escape: `"\\ud83d"` with no other half behind it.

Quirks: programs that cut texts by UTF-16 units write it (JSON.stringify does, for one), it is JSON, and most clients read it;
ours refuses. A piece of a stream that ends within an emoji must not take the rest of the answer with it.
"""

import re

_PAIR = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = rb"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"\\(?:%b|(%b)|.)" % (_PAIR, _HALF), re.DOTALL)


def with_whole_characters(data: bytes) -> bytes:
    """The same with U+FFFD in place of each half. Bytes that are no JSON stay no JSON."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return data
    return _ESCAPES.sub(lambda escape: escape[0] if escape[1] is None else b"\\ufffd", data)
