"""Secrets at rest: AES-256-GCM under a data key, which a master key outside the database wraps.

A copied database without the master key reveals nothing. Each purpose has a key of its own, derived from the data key
by HKDF with a label; a secret's name is bound to it, so that one can't be put in another's place.
"""

import asyncio
import os
import secrets
from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.clock import Clock
from appliance.home import Home
from appliance.store import tables
from appliance.store.engine import Database
from appliance.store.master_key import MasterKeys, Source
from appliance.store.refusals import MasterKeyWrong

NONCE_BYTES = 12
TAG_BYTES = 16
DATA_KEY_BYTES = 32


class Vault:
    """Open for as long as the process lives. `master_source` says where its master key is kept."""

    def __init__(self, db: Database, clock: Clock, data_key: bytes, master_source: Source) -> None:
        self.master_source: Source = master_source
        self._db = db
        self._clock = clock
        self._data_key = data_key
        self._sealing = AESGCM(self.derive("secrets"))

    @classmethod
    async def open(cls, db: Database, home: Home, source: str, environ: Mapping[str, str], clock: Clock) -> "Vault":
        """The vault of this database; the first time, one is made.

        Errors:  MasterKeyUnavailable, MasterKeyWrong.
        """
        async with db.read() as connection:
            row = (await connection.execute(sa.select(tables.vault_keys))).one_or_none()
        vault_id = row.vault_id if row is not None else f"vault_{secrets.token_hex(12)}"
        keys = MasterKeys(home.master_key, environ, vault_id)
        recorded = cast(Source, row.source) if row is not None else None
        # In a thread: a keyring answers when it likes, and a disk may be slow.
        chosen = await asyncio.to_thread(keys.choose, source, recorded)
        master = await asyncio.to_thread(keys.existing, chosen)
        if row is not None and recorded is not None:
            if master is None:
                raise keys.lost(chosen, recorded)
            return cls(db, clock, _unwrapped(row, master, chosen), chosen)
        if master is None:
            # Kept before the vault exists: a start that is broken off here leaves a key without a vault, never the reverse.
            master = await asyncio.to_thread(keys.made, chosen)
        data_key = secrets.token_bytes(DATA_KEY_BYTES)
        values = {
            "vault_id": vault_id,
            "source": chosen,
            "wrapped": _sealed(_wrapping(master), data_key, _wrap_name(vault_id)),
            "created_at": clock.now_ms(),
        }
        async with db.transaction() as tx:
            await tx.execute(sa.insert(tables.vault_keys).values(number=1, **values))
        return cls(db, clock, data_key, chosen)

    def derive(self, label: str) -> bytes:
        """32 bytes for one purpose; the same each time, and telling nothing about other purposes."""
        return _hkdf(self._data_key, b"gatehouse/1/" + label.encode())

    async def get(self, name: str) -> bytes | None:
        """The secret of this name, or None. Errors: MasterKeyWrong where the row was tampered with."""
        async with self._db.read() as connection:
            return await self.get_in(connection, name)

    async def get_in(self, connection: AsyncConnection, name: str) -> bytes | None:
        """As `get`, within a transaction that may have just written it."""
        query = sa.select(tables.secrets.c.sealed).where(tables.secrets.c.name == name)
        sealed = (await connection.execute(query)).scalar_one_or_none()
        if sealed is None:
            return None
        try:
            return _opened(self._sealing, sealed, _secret_name(name))
        except InvalidTag:
            raise MasterKeyWrong(
                f"the secret {name!r} in the database was damaged or changed by hand", "Put back a copy of the database."
            ) from None

    async def put(self, tx: AsyncConnection, name: str, value: bytes) -> None:
        """Keep a secret, or replace it, in the caller's transaction."""
        values = {"sealed": _sealed(self._sealing, value, _secret_name(name)), "updated_at": self._clock.now_ms()}
        written = await tx.execute(sa.update(tables.secrets).where(tables.secrets.c.name == name).values(**values))
        if written.rowcount == 0:
            await tx.execute(sa.insert(tables.secrets).values(name=name, **values))

    async def remove(self, tx: AsyncConnection, name: str) -> None:
        """Forget a secret, in the caller's transaction. One that isn't there is no error."""
        await tx.execute(sa.delete(tables.secrets).where(tables.secrets.c.name == name))

    async def get_or_make(self, name: str, byte_count: int = 32) -> bytes:
        """The secret of this name; random bytes, made and kept, the first time."""
        found = await self.get(name)
        if found is not None:
            return found
        async with self._db.transaction() as tx:
            found = await self.get_in(tx, name)
            if found is None:
                found = secrets.token_bytes(byte_count)
                await self.put(tx, name, found)
        return found


def _unwrapped(row: Any, master: bytes, source: Source) -> bytes:
    try:
        return _opened(_wrapping(master), row.wrapped, _wrap_name(row.vault_id))
    except InvalidTag:
        kept = {"credential": "a systemd credential", "keyring": "the desktop's keyring", "file": "master.key"}
        raise MasterKeyWrong(
            f"the master key from {kept[source]} is not the one that this database was made with"
            f" (that was kept in {kept[row.source]})",
            "Put back the right master key, or the database that belongs to it; master_key_source says where it is looked for.",
        ) from None


def _wrapping(master: bytes) -> AESGCM:
    return AESGCM(_hkdf(master, b"gatehouse/1/wrap data key"))


def _hkdf(key: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def _sealed(cipher: AESGCM, plain: bytes, name: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, name)


def _opened(cipher: AESGCM, sealed: bytes, name: bytes) -> bytes:
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise InvalidTag
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name)


def _wrap_name(vault_id: str) -> bytes:
    return b"data key\x00" + vault_id.encode()


def _secret_name(name: str) -> bytes:
    return b"secret\x00" + name.encode()
