"""Sign-ins that still hold, a row each. Who signs out has none, and then their token is worth nothing."""

import contextlib
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.clock import Clock
from appliance.errors import NotFound
from appliance.identity.accounts import Origin
from appliance.identity.caller import Caller
from appliance.identity.changes import Change, Changes
from appliance.identity.roles import insist
from appliance.identity.text_rules import clean_email
from appliance.store.new_id import new_id
from appliance.store.tables import sessions, users

OF_ONE_USER_MAX = 50
AGENT_CHARACTERS_MAX = 200


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in. `method`: how it came about; `agent`: what the program called itself."""

    id: str
    method: str
    address: str
    agent: str
    created_at: int
    last_seen_at: int
    expires_at: int


class Sessions:
    """`begin` and `end_all` are part of their caller's transaction."""

    def __init__(self, changes: Changes, clock: Clock, expires_in: int) -> None:
        """`expires_in`: seconds."""
        self._changes = changes
        self._clock = clock
        self._expires_in = expires_in

    async def begin(self, tx: AsyncConnection, user_number: int, *, method: str, origin: Origin) -> str:
        """Its id. Of too many of one user, the one that was seen longest ago ends."""
        now, session_id = self._clock.now_ms(), new_id("sess")
        mine = sessions.c.user_number == user_number
        newest = sa.select(sessions.c.id).where(mine).order_by(sessions.c.last_seen_at.desc()).limit(OF_ONE_USER_MAX - 1)
        await tx.execute(sa.delete(sessions).where(mine, sessions.c.id.not_in(newest)))
        await tx.execute(
            sa.insert(sessions).values(
                id=session_id,
                user_number=user_number,
                method=method,
                address=origin.address[:AGENT_CHARACTERS_MAX],
                agent=origin.agent,
                created_at=now,
                last_seen_at=now,
                expires_at=now + self._expires_in * 1000,
            )
        )
        await tx.execute(sa.update(users).where(users.c.number == user_number).values(last_sign_in_at=now))
        return session_id

    async def list(self, caller: Caller) -> list[Session]:
        """The caller's own that hold, the last seen first."""
        insist(caller, "account:own")
        async with self._changes.db.read() as connection:
            return await _held_by(connection, caller.user_number, self._clock.now_ms())

    async def end(self, caller: Caller, session_id: str) -> None:
        """One of the caller's own. Errors: NotFound."""
        insist(caller, "account:own")

        async def change(one: Change) -> None:
            mine = sa.and_(sessions.c.id == session_id, sessions.c.user_number == caller.user_number)
            if not (await one.tx.execute(sa.delete(sessions).where(mine))).rowcount:
                raise NotFound("there is no such session", param="session_id", fix="GET /api/v1/admin/auth/sessions lists them.")
            await one.record(caller, "session.end", session_id, {})

        await self._changes.make(change)

    async def leave(self, caller: Caller) -> None:
        """Sign out. Who clicks twice is out as well."""
        with contextlib.suppress(NotFound):
            await self.end(caller, caller.session_id or "")

    async def end_everywhere(self, caller: Caller) -> None:
        """Every sign-in of the caller's, this one as well."""
        insist(caller, "account:own")
        await self._changes.make(lambda one: _ended_everywhere(one, caller, users.c.id == caller.user_id))

    async def of_account(self, caller: Caller, email: str) -> Sequence[Session]:
        """Somebody's that hold, the last seen first. For the machine alone. Errors: InvalidField, NotFound."""
        insist(caller, "machine:control")
        key = clean_email(email).key
        async with self._changes.db.read() as connection:
            number = (await connection.execute(sa.select(users.c.number).where(users.c.email_key == key))).scalar_one_or_none()
            if number is None:
                raise _nobody()
            return await _held_by(connection, number, self._clock.now_ms())

    async def end_all_of_account(self, caller: Caller, email: str) -> int:
        """How many ended. For the machine alone. Errors: InvalidField, NotFound."""
        insist(caller, "machine:control")
        key = clean_email(email).key
        return await self._changes.make(lambda one: _ended_everywhere(one, caller, users.c.email_key == key))

    async def delete_expired(self) -> None:
        async with self._changes.db.transaction() as tx:
            await tx.execute(sa.delete(sessions).where(sessions.c.expires_at <= self._clock.now_ms()))


async def count_held(tx: AsyncConnection, user_number: int, now: int) -> int:
    """How many sign-ins of one user are worth something."""
    held = sa.and_(sessions.c.user_number == user_number, sessions.c.expires_at > now)
    return int((await tx.execute(sa.select(sa.func.count()).select_from(sessions).where(held))).scalar_one())


async def end_all(tx: AsyncConnection, user_number: int, *, but: str | None = None) -> None:
    """Of one user; `but`: the one that they are using."""
    others = [] if but is None else [sessions.c.id != but]
    await tx.execute(sa.delete(sessions).where(sessions.c.user_number == user_number, *others))


async def holds(tx: AsyncConnection, caller: Caller) -> bool:
    """Is the sign-in that this caller came by still there?"""
    mine = sa.and_(sessions.c.id == caller.session_id, sessions.c.user_number == caller.user_number)
    return (await tx.execute(sa.select(sessions.c.id).where(mine))).first() is not None


async def _held_by(connection: AsyncConnection, user_number: int | None, now: int) -> list[Session]:
    mine = sa.and_(sessions.c.user_number == user_number, sessions.c.expires_at > now)
    query = sa.select(sessions).where(mine).order_by(sessions.c.last_seen_at.desc(), sessions.c.id)
    rows = (await connection.execute(query)).all()
    return [Session(**{field: getattr(row, field) for field in Session.__struct_fields__}) for row in rows]


async def _ended_everywhere(one: Change, caller: Caller, whose: sa.ColumnElement[bool]) -> int:
    """Errors: NotFound."""
    user = (await one.tx.execute(sa.select(users.c.number, users.c.id).where(whose))).one_or_none()
    if user is None:
        raise _nobody()
    held = await count_held(one.tx, user.number, one.now)
    await end_all(one.tx, user.number)
    raised = sa.update(users).where(users.c.number == user.number).values(token_version=users.c.token_version + 1)
    await one.tx.execute(raised)
    await one.record(caller, "session.end_everywhere", user.id, {"ended": held})
    return held


def _nobody() -> NotFound:
    return NotFound("no account has this e-mail address", fix="`gatehouse users list` shows them.", param="email")
