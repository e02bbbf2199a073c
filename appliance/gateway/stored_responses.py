"""Responses that callers had kept: written before the answer's last byte leaves, read only by whoever asked for them.

Sealed under a key of their own, derived from the vault's data key, and bound to owner and id: a row moved elsewhere doesn't
open. Each row holds one turn (what was put in, what came out); a conversation is a chain of rows by `previous_id`.
"""

import os
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.bodies import has_many_parts
from appliance.clock import Clock
from appliance.errors import PreviousResponseUnknown, ResponseUnknown, TooLarge, Unavailable, UpstreamFailed
from appliance.gateway.responses_writer import ResponsesWriter
from appliance.identity.caller import Caller
from appliance.store.engine import Database, to_the_end
from appliance.store.tables import stored_response_items, stored_responses
from appliance.store.vault import NONCE_BYTES, TAG_BYTES, Vault

TURNS_MAX = 500  # of one conversation
REFERENCES_MAX = 500  # items of one request that are named, not sent
BYTES_MAX = 32 * 1024 * 1024  # of one conversation, sealed
EXPIRED_AT_ONCE = 500  # deleted in one turn of the writer, so that others get theirs
_HOUR_MS = 3_600_000

_t, _items = stored_responses.c, stored_response_items.c


class Turn(msgspec.Struct):
    """What is sealed. `response` is the object as the caller got it, `input` the items as the caller sent them."""

    response: msgspec.Raw
    input: list[dict[str, Any]]

    def output(self) -> list[dict[str, Any]]:
        return _read_output(self.response).output


class _Output(msgspec.Struct):
    output: list[dict[str, Any]] = []


class _Named(msgspec.Struct):
    id: Annotated[str, Meta(min_length=1, max_length=256)]
    output: list["_ItemId"] = []


class _ItemId(msgspec.Struct):
    id: str | None = None


_read_output = msgspec.json.Decoder(_Output).decode
_read_named = msgspec.json.Decoder(_Named).decode
_read_turn = msgspec.json.Decoder(Turn).decode
_write = msgspec.json.Encoder().encode


class StoredResponses:
    """One per process. `kept_hours` 0: nothing is kept, and nothing is found. `kept_max`: of one owner, the newest."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, *, kept_hours: float, kept_max: int) -> None:
        self._db = db
        self._writer = ResponsesWriter(db, kept_max)
        self._clock = clock
        self._sealing = AESGCM(vault.derive("stored responses"))
        self._kept_ms = int(kept_hours * _HOUR_MS)

    @property
    def keeps(self) -> bool:
        return self._kept_ms > 0

    async def keep(self, caller: Caller, response: bytes, items: list[dict[str, Any]], previous_id: str | None) -> None:
        """Write one turn; it is on disk when this returns. One of the same id and owner is replaced.

        Errors:  Unavailable where it can't be written; UpstreamFailed where an upstream's answer has no id to be kept under.
        """
        try:
            named = _read_named(response)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamFailed("the provider's answer is no response that can be kept", fix="Send store: false.") from error
        if named.id == previous_id:  # in its place the conversation would be lost, and lead in a circle
            raise UpstreamFailed("the provider gave its answer the id of the one that it continues", fix="Send store: false.")
        owner, now = owner_of(caller), self._clock.now_ms()
        plain = _write(Turn(msgspec.Raw(response), items))
        values = {
            "tenant_number": caller.tenant_number,
            "owner": owner,
            "id": named.id,
            "previous_id": previous_id,
            "created_at": now,
            "expires_at": now + self._kept_ms,
            "sealed": self._sealed(plain, caller.tenant_number, owner, named.id),
        }
        await self._writer.write(values, {item.id for item in named.output if item.id})

    async def get(self, caller: Caller, response_id: str) -> Turn:
        """Errors: ResponseUnknown, whoever's it is; Unavailable."""
        query = sa.select(_t.id, _t.sealed).where(_is(caller, response_id), self._not_expired())
        async with self._db.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise unknown(response_id)
        return self._opened([row], caller)[0]

    async def delete(self, caller: Caller, response_id: str) -> None:
        """Errors: ResponseUnknown, Unavailable."""
        if not await to_the_end(self._deleted(caller, response_id)):
            raise unknown(response_id)

    async def _deleted(self, caller: Caller, response_id: str) -> int:
        async with self._db.transaction() as tx:
            gone = await tx.execute(sa.delete(stored_responses).where(_is(caller, response_id), self._not_expired()))
        return gone.rowcount

    async def conversation(self, caller: Caller, previous_id: str) -> list[dict[str, Any]]:
        """The items of every turn up to and including `previous_id`, oldest first.

        Errors:  PreviousResponseUnknown where it, or one before it, isn't there; TooLarge; Unavailable.
        """
        async with self._db.read() as connection:
            numbers = await self._chain(connection, caller, previous_id)
            query = sa.select(_t.number, _t.id, _t.sealed).where(_t.number.in_(numbers))
            rows = {row.number: row for row in await connection.execute(query)}
        items: list[dict[str, Any]] = []
        for turn in self._opened([rows[number] for number in reversed(numbers)], caller):
            items += turn.input
            items += turn.output()
        return items

    async def _chain(self, connection: AsyncConnection, caller: Caller, previous_id: str) -> list[int]:
        """Numbers of the turns, newest first, none of them read yet."""
        mine = sa.and_(_t.tenant_number == caller.tenant_number, _t.owner == owner_of(caller), self._not_expired())
        size = sa.func.length(_t.sealed).label("size")
        first = sa.select(_t.number, _t.previous_id, size, sa.literal(1).label("depth")).where(mine, _t.id == previous_id)
        chain = first.cte("chain", recursive=True)
        before = sa.select(_t.number, _t.previous_id, size, chain.c.depth + 1)
        before = before.join(chain, _t.id == chain.c.previous_id).where(mine, chain.c.depth <= TURNS_MAX)
        chain = chain.union_all(before)
        rows = (await connection.execute(sa.select(chain).order_by(chain.c.depth))).all()
        if len(rows) > TURNS_MAX or sum(row.size for row in rows) > BYTES_MAX:
            raise TooLarge("the conversation is too long to be continued by previous_response_id", fix="Send a summary as input.")
        missing = previous_id if not rows else rows[-1].previous_id
        if missing is not None:
            raise PreviousResponseUnknown(
                f"Previous response with id '{missing[:100]}' not found.",
                param="previous_response_id",
                fix="Send the conversation as input; the newest are kept for responses_kept_hours, unless store is false.",
            )
        return [row.number for row in rows]

    async def items(self, caller: Caller, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Those of the output items called so that are kept for this caller, by id. Errors: TooLarge, Unavailable."""
        if len(ids) > REFERENCES_MAX:
            raise TooLarge(f"more than {REFERENCES_MAX} items are named, not sent", fix="Send the items themselves.")
        wanted = set(ids)
        mine = (_t.tenant_number == caller.tenant_number, _t.owner == owner_of(caller), self._not_expired())
        numbers = sa.select(_items.response_number).where(_items.id.in_(wanted)).distinct()
        query = sa.select(_t.id, sa.func.length(_t.sealed).label("size")).where(*mine, _t.number.in_(numbers))
        async with self._db.read() as connection:
            found = (await connection.execute(query)).all()
            if sum(row.size for row in found) > BYTES_MAX:
                raise TooLarge("the items that are named are too large together", fix="Send the items themselves.")
            rows = (await connection.execute(sa.select(_t.id, _t.sealed).where(*mine, _t.number.in_(numbers)))).all()
        items = [item for turn in self._opened(rows, caller) for item in turn.output()]
        return {item["id"]: item for item in items if item.get("id") in wanted}

    async def delete_of_user(self, tx: AsyncConnection, user_number: int) -> int:
        """Everything that was kept for a user, in the transaction that removes them. How many there were."""
        return (await tx.execute(sa.delete(stored_responses).where(_t.owner == f"user:{user_number}"))).rowcount

    async def delete_expired(self) -> None:
        """For the schedule. What has expired isn't found before either."""
        while True:
            old = sa.select(_t.number).where(_t.expires_at <= self._clock.now_ms()).limit(EXPIRED_AT_ONCE)
            async with self._db.transaction() as tx:
                gone = await tx.execute(sa.delete(stored_responses).where(_t.number.in_(old)))
            if gone.rowcount < EXPIRED_AT_ONCE:
                return

    def _not_expired(self) -> sa.ColumnElement[bool]:
        return _t.expires_at > self._clock.now_ms()

    def _sealed(self, plain: bytes, tenant_number: int, owner: str, response_id: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, plain, _bound(tenant_number, owner, response_id))

    def _opened(self, rows: Sequence[Any], caller: Caller) -> list[Turn]:
        """Errors: TooLarge for what would take everybody's time to read, Unavailable for what was damaged."""
        plain = [self._plain(row, caller) for row in rows]
        if has_many_parts(b"".join(plain)):
            raise TooLarge("what is kept has too many parts to be continued", fix="Send a summary as input.")
        return [_read_turn(one) for one in plain]

    def _plain(self, row: Any, caller: Caller) -> bytes:
        bound = _bound(caller.tenant_number, owner_of(caller), row.id)
        try:
            if not isinstance(row.sealed, bytes) or len(row.sealed) < NONCE_BYTES + TAG_BYTES:
                raise InvalidTag
            return self._sealing.decrypt(row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:], bound)
        except InvalidTag:
            raise Unavailable(
                "a kept response was damaged or changed by hand", fix="Delete it, and send the conversation as input."
            ) from None


def owner_of(caller: Caller) -> str:
    """Whose responses a caller may read: the person's, with any of their keys; else the key's own."""
    return f"user:{caller.user_number}" if caller.user_number is not None else f"key:{caller.key_number}"


def unknown(response_id: str) -> ResponseUnknown:
    return ResponseUnknown(
        f"Response with id '{response_id[:100]}' not found.",
        fix="Only your own responses are found, for as long as they are kept; store: false keeps none.",
    )


def _is(caller: Caller, response_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(_t.tenant_number == caller.tenant_number, _t.owner == owner_of(caller), _t.id == response_id)


def _bound(tenant_number: int, owner: str, response_id: str) -> bytes:
    return b"stored response\x00%d\x00%s\x00%s" % (tenant_number, owner.encode(), response_id.encode())
