"""What an API key looks like: `gh-dev-` and 38 letters and digits, of which the last six are a checksum.

The environment stands in it, so that a production key in a test setup is seen at once; the fixed beginning and the
checksum let a secrets scanner tell a key from noise, and us a typing error from an unknown key, without looking it up.
"""

import re
import secrets
import zlib
from typing import Literal

Environment = Literal["production", "staging", "development", "test"]

MARKERS: dict[str, str] = {"production": "prod", "staging": "stag", "development": "dev", "test": "test"}
RANDOM_CHARACTERS = 32  # 190 bits
CHECKSUM_CHARACTERS = 6
KEY_CHARACTERS_MAX = 64
_PREFIX_RANDOM_CHARACTERS = 4
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# For a secrets scanner; well_formed() says whether the checksum fits too.
PATTERN = r"\bgh-(?:prod|stag|dev|test)-[0-9A-Za-z]{38}\b"
_whole = re.compile(PATTERN.removeprefix(r"\b").removesuffix(r"\b"), re.ASCII)


def new_key(environment: Environment) -> str:
    body = f"gh-{MARKERS[environment]}-" + "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return body + _checksum(body)


def well_formed(key: str) -> bool:
    """It has a key's form and its checksum fits: ours, or made to look so."""
    return _whole.fullmatch(key) is not None and key[-CHECKSUM_CHARACTERS:] == _checksum(key[:-CHECKSUM_CHARACTERS])


def looks_like_a_key(text: str) -> bool:
    """Meant as a key, right or wrong."""
    return text.startswith("gh-")


def shown_prefix(key: str) -> str:
    """The part by which people tell their keys apart; far too little to guess the rest."""
    return key[: key.rindex("-") + 1 + _PREFIX_RANDOM_CHARACTERS]


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
