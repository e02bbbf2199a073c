"""Secrets drawn for one test and then forgotten: none stands in the repository, so that no scanner of a code host complains."""

import random
import re
import string
import zlib

from appliance.guardrails.scanner import Scanner
from appliance.guardrails.secret_patterns import secret_patterns

BASE62 = string.ascii_letters + string.digits
ALPHABETS = {
    "w": BASE62,
    "u": BASE62 + "_-",
    "b": BASE62 + "+/",
    "x": "0123456789abcdef",
    "a": string.ascii_lowercase + string.digits,
    "A": string.ascii_uppercase + string.digits,
    "L": string.ascii_letters,
    "d": string.digits,
    "t": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "s": BASE62 + "!#%^*-_.",
}


def own_key_fits(key: str) -> bool:
    return key.endswith(f"{zlib.crc32(key[:-6].encode()) % 10**6:06}")


SCANNER = Scanner(secret_patterns(own_key_fits))


def drawn(form: str, seed: object = 0) -> str:
    """`{w36}` is 36 characters of the alphabet `w`. At least one digit and one letter in each that has both."""
    source = random.Random(f"{form} {seed}")
    return re.sub(r"\{([a-zA-Z])(\d+)\}", lambda part: _run(source, ALPHABETS[part[1]], int(part[2])), form)


def _run(source: random.Random, alphabet: str, length: int) -> str:
    while True:
        value = "".join(source.choice(alphabet) for _ in range(length))
        has_digit, has_letter = any(one.isdigit() for one in value), any(one.isalpha() for one in value)
        if length < 8 or ((has_digit or "0" not in alphabet) and (has_letter or "a" not in alphabet.lower())):
            return value


def secrets_of(text: str) -> list[tuple[str, str]]:
    """Kind and value of what a policy with the default bound would hear of."""
    return [(one.type.removeprefix("SECRET_"), text[one.start : one.end]) for one in SCANNER.find(text) if one.score >= 0.5]


def values_of(text: str) -> list[str]:
    return [value for _, value in secrets_of(text)]
