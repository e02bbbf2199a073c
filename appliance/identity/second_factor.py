"""The second factor: codes of six digits by time (RFC 6238, pyotp), and recovery codes for the day when the phone is gone.

A code counts once, and one step early or late; a recovery code once. The shared secret is sealed; of recovery codes, keyed
hashes are kept.
"""

import hashlib
import hmac
import os
import secrets
from typing import Any

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.clock import Clock
from appliance.errors import Conflict, InvalidField, NotFound
from appliance.identity.caller import Caller
from appliance.identity.changes import Change, Changes
from appliance.identity.sessions import holds
from appliance.identity.tokens import signed_out
from appliance.store.tables import second_factors, users
from appliance.store.vault import Vault

STEP_SECONDS = 30
STEPS_APART_MAX = 1
DIGITS = 6
RECOVERY_CODES = 10
ISSUER = "Gatehouse"
_NONCE_BYTES = 12
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are read for another


class Enrolment(msgspec.Struct, frozen=True):
    """What a phone needs, shown once. `uri` is what stands in the picture (otpauth://…)."""

    secret: str
    uri: str

    def __repr__(self) -> str:  # it must not reach a log through a repr
        return "Enrolment()"


class FactorState(msgspec.Struct, frozen=True):
    """`enabled_at` None: there is none, or it was begun and not confirmed."""

    enabled_at: int | None
    recovery_codes_left: int


class SecondFactors:
    """Of all accounts. Whoever calls has made sure that the account is the caller's: by the password. Who was put out since
    then changes nothing: TokenInvalid.
    """

    def __init__(self, changes: Changes, vault: Vault, clock: Clock) -> None:
        self._changes = changes
        self._clock = clock
        self._sealing = AESGCM(vault.derive("second factors"))
        self._pepper = vault.derive("recovery codes")

    async def state(self, caller: Caller) -> FactorState:
        async with self._changes.db.read() as connection:
            row = await _row(connection, caller.user_number)
        if row is None or row.confirmed_at is None:
            return FactorState(None, 0)
        return FactorState(row.confirmed_at, len(row.recovery))

    async def begin(self, caller: Caller) -> Enrolment:
        """A new secret; nothing is asked for before `confirm`. Errors: Conflict."""
        import pyotp

        secret = pyotp.random_base32()

        async def change(one: Change) -> Enrolment:
            row = await self._held(one.tx, caller)
            if row is not None and row.confirmed_at is not None:
                raise Conflict("there is a second factor already", fix="Remove it first, with a code of it.")
            email = (await one.tx.execute(sa.select(users.c.email).where(users.c.number == caller.user_number))).scalar_one()
            await one.tx.execute(sa.delete(second_factors).where(second_factors.c.user_number == caller.user_number))
            values = {"sealed": self._sealed(secret, caller.user_number), "last_step": 0, "recovery": [], "created_at": one.now}
            await one.tx.execute(sa.insert(second_factors).values(user_number=caller.user_number, **values))
            return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER))

        return await self._changes.make(change)

    async def confirm(self, caller: Caller, code: str) -> list[str]:
        """From now on it is asked for. The recovery codes, shown once. Errors: NotFound, Conflict, InvalidField."""

        async def change(one: Change) -> list[str]:
            row = await self._held(one.tx, caller)
            if row is None:
                raise NotFound("no second factor was begun", fix="POST /api/v1/admin/auth/second-factor begins one.")
            if row.confirmed_at is not None:
                raise Conflict("the second factor is confirmed already", fix="Sign in with it.")
            step = self._step(row, code)
            if step is None:
                raise _wrong()
            codes = _new_codes()
            await self._update(one.tx, row, confirmed_at=one.now, last_step=step, recovery=self._hashes(codes))
            await one.record(caller, "second_factor.confirm", caller.user_id or "", {})
            return codes

        return await self._changes.make(change)

    async def renew_codes(self, caller: Caller, code: str) -> list[str]:
        """New recovery codes; the old ones are void. Errors: NotFound, InvalidField."""

        async def change(one: Change) -> list[str]:
            row = await self._proven(one.tx, caller, code)
            codes = _new_codes()
            await self._update(one.tx, row, recovery=self._hashes(codes))
            await one.record(caller, "second_factor.renew_codes", caller.user_id or "", {})
            return codes

        return await self._changes.make(change)

    async def remove(self, caller: Caller, code: str) -> None:
        """Errors: NotFound, InvalidField."""

        async def change(one: Change) -> None:
            await self._proven(one.tx, caller, code)
            await drop(one.tx, caller.user_number)
            await one.record(caller, "second_factor.remove", caller.user_id or "", {})

        await self._changes.make(change)

    async def is_asked_for(self, connection: AsyncConnection, user_number: int) -> bool:
        row = await _row(connection, user_number)
        return row is not None and row.confirmed_at is not None

    async def takes(self, tx: AsyncConnection, user_number: int, code: str) -> bool:
        """Is it a code of this account? Then it is used up, with the transaction."""
        row = await _row(tx, user_number)
        if row is None or row.confirmed_at is None:
            return False
        step = self._step(row, code)
        if step is not None:
            await self._update(tx, row, last_step=step)
            return True
        wanted = self._hash(code)
        left = [known for known in row.recovery if not hmac.compare_digest(known, wanted)]
        if len(left) == len(row.recovery):
            return False
        await self._update(tx, row, recovery=left)
        return True

    async def _held(self, tx: AsyncConnection, caller: Caller) -> Any:
        """The row of who is still signed in: looking at a password takes its time. Errors: TokenInvalid."""
        if not await holds(tx, caller):
            raise signed_out()
        return await _row(tx, caller.user_number)

    async def _proven(self, tx: AsyncConnection, caller: Caller, code: str) -> Any:
        """The row, for a right code. Errors: TokenInvalid, NotFound, InvalidField."""
        row, user_number = await self._held(tx, caller), caller.user_number
        if row is None or row.confirmed_at is None or user_number is None:
            raise NotFound("there is no second factor", fix="POST /api/v1/admin/auth/second-factor begins one.")
        if not await self.takes(tx, user_number, code):
            raise _wrong()
        return await _row(tx, user_number)

    def _step(self, row: Any, code: str) -> int | None:
        """The step whose code this is, where it may still be used."""
        import pyotp

        code = "".join(code.split())  # apps show it as "123 456"
        if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
            return None
        totp, now = pyotp.TOTP(self._opened(row)), self._clock.now_ms() // 1000 // STEP_SECONDS
        steps = range(now - STEPS_APART_MAX, now + STEPS_APART_MAX + 1)
        fitting = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), code)]
        return next((step for step in fitting if step > row.last_step), None)

    async def _update(self, tx: AsyncConnection, row: Any, **values: Any) -> None:
        await tx.execute(sa.update(second_factors).where(second_factors.c.user_number == row.user_number).values(**values))

    def _sealed(self, secret: str, user_number: int | None) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, secret.encode(), _bound(user_number))

    def _opened(self, row: Any) -> str:
        nonce, sealed = row.sealed[:_NONCE_BYTES], row.sealed[_NONCE_BYTES:]
        return self._sealing.decrypt(nonce, sealed, _bound(row.user_number)).decode()

    def _hashes(self, codes: list[str]) -> list[str]:
        return [self._hash(code) for code in codes]

    def _hash(self, code: str) -> str:
        plain = "".join(character for character in code.lower() if character in _ALPHABET)
        return hmac.new(self._pepper, plain.encode(), hashlib.sha256).hexdigest()


async def drop(tx: AsyncConnection, user_number: int | None) -> bool:
    """False: there was none."""
    return (await tx.execute(sa.delete(second_factors).where(second_factors.c.user_number == user_number))).rowcount > 0


async def _row(connection: AsyncConnection, user_number: int | None) -> Any:
    return (await connection.execute(sa.select(second_factors).where(second_factors.c.user_number == user_number))).one_or_none()


def _new_codes() -> list[str]:
    """`abcde-fghij`: fifty bits each."""
    return ["-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)]


def _bound(user_number: int | None) -> bytes:
    return b"second factor\x00%d" % (user_number or 0)


def _wrong() -> InvalidField:
    return InvalidField(
        "code: this is not the code of now, or it was used already",
        param="code",
        fix="Wait for the next one; look at both clocks if it goes on.",
    )
