"""Tokens where nobody counted them: documented estimates, always marked as such.

Encodings are not fetched (the appliance may be offline). Four characters a token is what English text averages with the
vendors' tokenizers; other scripts take more tokens a character, so for text outside ASCII we count one a character or two.
"""

from typing import Any

from appliance.chat import Usage, texts

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
    return sum(TOKENS_PER_MESSAGE + estimated_tokens(text.value) for text in texts(raw) if not text.value.startswith("data:"))


def estimated_usage(tokens_in: int, characters_out: int) -> Usage:
    """Usage of an answer whose provider told none, or that was cut."""
    return Usage(tokens_in, -(-characters_out // CHARACTERS_PER_TOKEN), estimated=True)
