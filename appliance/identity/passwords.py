"""Passwords: bcrypt, in a thread, a few at a time.

bcrypt reads 72 bytes and stops; so it is given a SHA-256 of the password (base64, so that no NUL ends it early), and a
password may be as long as anyone types. The hash has a label of its own: a leaked SHA-256 of the same password from
elsewhere can't be tried against it.
"""

import asyncio
import base64
import hashlib
import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeVar

import bcrypt

from appliance.errors import InvalidField
from appliance.identity.common_passwords import common_passwords, folded
from appliance.identity.turns import Turns

T = TypeVar("T")

CHARACTERS_MIN = 8
CHARACTERS_MAX = 1024
COST = 12
AT_ONCE_MAX = 2
WAITING_MAX = 64
_LABEL = b"gatehouse/1/password\x00"


class Passwords:
    """`cost` is bcrypt's: each step doubles the work. Two at once, so that sign-ins leave a core to the door."""

    def __init__(self, cost: int = COST) -> None:
        self._cost = cost
        self._turns = Turns(at_once=AT_ONCE_MAX, waiting_max=WAITING_MAX - AT_ONCE_MAX)
        # What an unknown user's password is compared with: the same work, and nothing matches it.
        self._nobody = bcrypt.hashpw(b"", bcrypt.gensalt(4)).replace(b"$04$", b"$%02d$" % cost, 1)

    async def hash(self, password: str, *, param: str = "password", unlike: Iterable[str] = ()) -> str:
        """What is stored. `unlike`: what it may not be, such as the address. Errors: InvalidField, Overloaded."""
        check(password, param)
        await _refuse_guessable(password, param, unlike)
        return (await self._in_turn(bcrypt.hashpw, _digest(password), bcrypt.gensalt(self._cost))).decode()

    async def match(self, password: str, stored: str | None) -> bool:
        """Does it match? Without a stored hash it takes as long, and doesn't. Errors: Overloaded."""
        acceptable = _fault(password) is None
        digest = _digest(password) if acceptable else b"x" * 44
        found = await self._in_turn(bcrypt.checkpw, digest, self._nobody if stored is None else stored.encode())
        return found and acceptable and stored is not None

    async def _in_turn(self, work: Callable[[bytes, bytes], T], secret: bytes, salt: bytes) -> T:
        async with self._turns.of("everybody"):
            return await asyncio.to_thread(work, secret, salt)


def check(password: str, param: str = "password") -> None:
    """Errors: InvalidField."""
    fault = _fault(password)
    if fault is not None:
        raise InvalidField(f"{param} {fault}", param=param, fix=f"Choose one of at least {CHARACTERS_MIN} characters.")


async def _refuse_guessable(password: str, param: str, unlike: Iterable[str]) -> None:
    """Errors: InvalidField."""
    plain = folded(password)
    if plain in {folded(text) for text in unlike}:
        raise InvalidField(f"{param} is your own name or address", param=param, fix="Choose what only you know.")
    if plain in await asyncio.to_thread(common_passwords):
        raise InvalidField(
            f"{param} is one of the most common passwords, and the first that is guessed",
            param=param,
            fix="Choose several words that don't belong together.",
        )


def _fault(password: str) -> str | None:
    if len(password) < CHARACTERS_MIN:
        return f"is shorter than {CHARACTERS_MIN} characters"
    if len(password) > CHARACTERS_MAX:
        return f"is longer than {CHARACTERS_MAX} characters"
    if any("\ud800" <= character <= "\udfff" for character in password):
        return "holds characters that are not valid Unicode"
    return None


def _digest(password: str) -> bytes:
    # NFKC: the same keys pressed on two systems give the same password (NIST SP 800-63B, 5.1.1.2).
    text = unicodedata.normalize("NFKC", password).encode()
    return base64.b64encode(hashlib.sha256(_LABEL + text).digest())
