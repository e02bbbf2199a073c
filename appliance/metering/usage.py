"""Tokens where nobody counted them: documented estimates, always marked as such.

Encodings are not fetched (the appliance may be offline). Four characters a token is what English text averages with the
vendors' tokenizers; other scripts take more tokens a character, so for text outside ASCII we count one a character or two.
"""

from collections.abc import Iterator
from itertools import repeat
from typing import Any

from appliance.chat import ROLES, Usage

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
BODY_BYTES_TRUSTED = 16 * 1024


def estimated_tokens(text: str) -> int:
    """Tokens that a text of this length and script takes, roughly; 0 for an empty one."""
    if text.isascii():
        return -(-len(text) // CHARACTERS_PER_TOKEN)
    return -(-len(text.encode("utf-8", "replace")) // CHARACTERS_PER_TOKEN)


def estimated_prompt_tokens(raw: dict[str, Any], body_bytes: int) -> int:
    """Tokens of a request before it is sent.

    Shapes:  `body_bytes` is the size of the body that `raw` was read from. A small body is judged by its size alone
             (a bit too much, in a microsecond); of a large one the texts are counted, images left out.
    """
    if body_bytes <= BODY_BYTES_TRUSTED:
        return -(-body_bytes // CHARACTERS_PER_TOKEN)
    return sum(TOKENS_PER_MESSAGE + estimated_tokens(text) for text in _texts(raw) if not text.startswith("data:"))


def _texts(raw: dict[str, Any]) -> Iterator[str]:
    """Those of chat.texts (names and numbers apart), in any order and without their places: in a fourth of the time, for which
    everybody else waits."""
    nodes: list[Any] = [{name: value for name, value in raw.items() if name != "model"}]
    while nodes:
        node = nodes.pop()
        for key, value in node.items() if isinstance(node, dict) else zip(repeat(""), node, strict=False):
            if isinstance(value, str):
                if key != "role" or value not in ROLES:
                    yield value
            elif isinstance(value, dict | list):
                nodes.append(value)


def estimated_usage(tokens_in: int, characters_out: int) -> Usage:
    """Usage of an answer whose provider told none, or that was cut."""
    return Usage(tokens_in, -(-characters_out // CHARACTERS_PER_TOKEN), estimated=True)
