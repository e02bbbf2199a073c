"""Invitations: a link that lets one person in, once, until it expires. The link's token is kept nowhere, only its keyed hash.

Accepting one is a single transaction: the account (or the password of one that is there already), its first API key, and the
mark that the invitation is used. Of fifty who use a link at the same moment, one comes in.
"""

import secrets
import string
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock, rfc3339
from appliance.errors import Conflict, InvalidField, NotFound
from appliance.identity.accounts import Origin
from appliance.identity.back_off import BackOff, network
from appliance.identity.caller import Caller
from appliance.identity.cursors import check_limit, cursor, number_in
from appliance.identity.departed import next_number
from appliance.identity.invitation_places import (
    HOURS_DEFAULT,
    InvitationWanted,
    Place,
    checked,
    insist_on_nobody,
    invitations_query,
    place_of,
)
from appliance.identity.invited import Invited, PersonWanted, record, welcomed
from appliance.identity.key_ring import KeyRing
from appliance.identity.key_table import PEPPER_LABEL, key_hash
from appliance.identity.passwords import Passwords, check
from appliance.identity.roles import insist, insist_on_rank
from appliance.identity.text_rules import clean_email, clean_name
from appliance.store.engine import Database, to_the_end
from appliance.store.new_id import new_id
from appliance.store.tables import invitations
from appliance.store.vault import Vault

State = Literal["open", "used", "expired", "revoked"]

TOKEN_CHARACTERS = 43  # 256 bits; letters and digits alone, since what finds links in a chat's text drops a dash at their end
TOKEN_CHARACTERS_MAX = 64
TOKEN_LABEL = "invitation tokens"
OPEN_MAX = 10_000  # of one tenant; what is for an account that is there already does not count
GUESSES_FREE_PER_ADDRESS = 10
BATCH = 500
ENDED_KEPT_DAYS = 90  # used, revoked or expired
DELETED_AT_ONCE = 1_000  # a run of the schedule
_ALPHABET = string.ascii_letters + string.digits
_HOUR_MS = 3_600_000
_OF_A_USER = ("tenant_number", "department_number", "team_number", "role", "email", "name")


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """One as it may be listed: everything but the token. `user_id`: of an account that only wants a password."""

    number: int
    id: str
    state: State
    email: str | None
    name: str | None
    role: str
    tenant_id: str
    tenant_name: str
    department_id: str | None
    team_id: str | None
    user_id: str | None
    created_by: str
    created_at: int
    expires_at: int
    used_at: int | None
    used_by: str | None
    revoked_at: int | None


class NewInvitation(msgspec.Struct, frozen=True):
    """One just made. `token` ends the link, is shown once and kept nowhere."""

    invitation: Invitation
    token: str

    def __repr__(self) -> str:  # it must not reach a log through a repr
        return f"NewInvitation({self.invitation.id!r})"


class InvitationPage(msgspec.Struct, frozen=True):
    items: list[Invitation]
    next_cursor: str | None


class Invitations:
    """Every change is one transaction with its audit row."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, ring: KeyRing, *, passwords: Passwords | None = None) -> None:
        self._db = db
        self._clock = clock
        self._ring = ring
        self._passwords = passwords or Passwords()
        self._token_pepper = vault.derive(TOKEN_LABEL)
        self._key_pepper = vault.derive(PEPPER_LABEL)
        self._guesses = BackOff(clock, free=GUESSES_FREE_PER_ADDRESS)

    # Inviting

    async def create(self, caller: Caller, wanted: InvitationWanted) -> NewInvitation:
        """Errors: InvalidField, NotFound (department, team), Forbidden (a role above one's own), Conflict."""
        insist(caller, "people:change")
        insist_on_rank(caller, wanted.role, f"invite somebody as {wanted.role}")
        return await to_the_end(self._created(caller, checked(wanted)))

    async def _created(self, caller: Caller, wanted: InvitationWanted) -> NewInvitation:
        async with self._db.transaction() as tx:
            return await self.within(tx, caller, await place_of(tx, caller, wanted), wanted)

    async def within(self, tx: AsyncConnection, caller: Caller, place: Place, wanted: InvitationWanted) -> NewInvitation:
        """In a transaction of the caller's, who has `checked` what is wanted and may invite there. Errors: Conflict."""
        await self._insist_on_room(tx, place.tenant_number)
        if wanted.email is not None:
            await insist_on_nobody(tx, wanted.email)
        values = {**place.columns(), "role": wanted.role, "email": wanted.email, "name": wanted.name}
        ((number, token),) = await self._insert(tx, [values], caller.actor, wanted.expires_in_hours)
        invitation = self._shown((await tx.execute(invitations_query().where(invitations.c.number == number))).one())
        # The address stays out of the audit: it is never forgotten there.
        detail: audit.Detail = {"role": wanted.role, "expires_at": rfc3339(invitation.expires_at)}
        await record(tx, caller.actor, "invitation.create", invitation.id, detail, self._clock.now_ms())
        return NewInvitation(invitation, token)

    async def for_user(self, tx: AsyncConnection, user: Any, *, actor: str, expires_in_hours: int = HOURS_DEFAULT) -> str:
        """`for_users`, for one."""
        return (await self.for_users(tx, [user], actor=actor, expires_in_hours=expires_in_hours))[0]

    async def for_users(
        self, tx: AsyncConnection, wanted: Sequence[Any], *, actor: str, expires_in_hours: int = HOURS_DEFAULT
    ) -> list[str]:
        """Tokens, in their order, with which accounts that are there already get their passwords. One that was given before
        holds no longer. The caller's transaction records what it does; its state version too.

        Shapes:  users are rows with number, tenant_number, department_number, team_number, role, email and name.
        """
        now = self._clock.now_ms()
        for start in range(0, len(wanted), BATCH):
            numbers = [user.number for user in wanted[start : start + BATCH]]
            open_ones = sa.and_(invitations.c.user_number.in_(numbers), self._is("open"))
            await tx.execute(sa.update(invitations).where(open_ones).values(revoked_at=now))
        people = [{name: getattr(user, name) for name in _OF_A_USER} | {"user_number": user.number} for user in wanted]
        return [token for _, token in await self._insert(tx, people, actor, expires_in_hours)]

    async def _insert(self, tx: AsyncConnection, people: list[dict[str, Any]], actor: str, hours: int) -> list[tuple[int, str]]:
        """Their numbers and tokens."""
        now, first = self._clock.now_ms(), await next_number(tx, invitations)
        made = [(number, _new_token()) for number in range(first, first + len(people))]
        common = {"created_by": actor, "created_at": now, "expires_at": now + hours * _HOUR_MS}
        rows = [
            {"number": number, "id": new_id("inv"), "token_hash": self._hash(token), **common, **person}
            for (number, token), person in zip(made, people, strict=True)
        ]
        if rows:
            await tx.execute(sa.insert(invitations), rows)
        return made

    async def _insist_on_room(self, tx: AsyncConnection, tenant_number: int) -> None:
        mine = sa.and_(invitations.c.tenant_number == tenant_number, invitations.c.user_number.is_(None))
        counted = sa.select(sa.func.count()).select_from(invitations).where(mine, self._is("open"))
        if (await tx.execute(counted)).scalar_one() >= OPEN_MAX:
            raise Conflict(
                f"there are {OPEN_MAX} open invitations already", fix="Revoke some, or wait until they are used or expire."
            )

    # Looking after them

    async def list(
        self, caller: Caller, *, state: State | None = None, limit: int = 50, after: str | None = None
    ) -> InvitationPage:
        """Those of the caller's tenant, the newest first; all, for the machine. Errors: InvalidField."""
        insist(caller, "people:read")
        check_limit(limit)
        query = invitations_query().where(*_visible(caller)).order_by(invitations.c.number.desc()).limit(limit + 1)
        if state is not None:
            query = query.where(self._is(state))
        if after is not None:
            query = query.where(invitations.c.number < number_in(after))
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).all()
        items = [self._shown(row) for row in rows[:limit]]
        return InvitationPage(items, cursor(items[-1].number) if len(rows) > limit else None)

    async def revoke(self, caller: Caller, invitation_id: str) -> None:
        """Its link leads nowhere from now on. One that is no longer open stays as it is, and that is no error.

        Errors:  NotFound.
        """
        insist(caller, "people:change")

        async def change() -> None:
            async with self._db.transaction() as tx:
                query = invitations_query().where(invitations.c.id == invitation_id, *_visible(caller))
                row = (await tx.execute(query)).one_or_none()
                if row is None:
                    raise NotFound("there is no such invitation", fix="GET /api/v1/admin/invitations lists them.")
                insist_on_rank(caller, row.role, f"revoke an invitation for the role {row.role}")
                if self._shown(row).state != "open":
                    return
                now = self._clock.now_ms()
                await tx.execute(sa.update(invitations).where(invitations.c.number == row.number).values(revoked_at=now))
                await record(tx, caller.actor, "invitation.revoke", invitation_id, {"role": row.role}, now)

        await to_the_end(change())

    async def delete_ended(self) -> None:
        """For the schedule: those whose end lies far back, the oldest first. Who made and used them stays in the audit."""
        end = sa.func.coalesce(invitations.c.used_at, invitations.c.revoked_at, invitations.c.expires_at)
        long_ago = self._clock.now_ms() - ENDED_KEPT_DAYS * 24 * _HOUR_MS
        old = sa.select(invitations.c.number).where(end <= long_ago).order_by(invitations.c.number).limit(DELETED_AT_ONCE)
        async with self._db.transaction() as tx:
            await tx.execute(sa.delete(invitations).where(invitations.c.number.in_(old)))

    # Coming in

    async def look(self, token: str, origin: Origin) -> Invitation:
        """The invitation behind a link, in whatever state. Errors: NotFound; TooManyAttempts for who guesses."""
        place = network(origin.address)
        self._guesses.refuse_blocked(place)
        row = None
        if len(token) <= TOKEN_CHARACTERS_MAX:
            async with self._db.read() as connection:
                query = invitations_query().where(invitations.c.token_hash == self._hash(token))
                row = (await connection.execute(query)).one_or_none()
        if row is None:
            self._guesses.begin(place)
            raise NotFound("there is no such invitation", fix="Copy the whole link, or ask for another invitation.")
        return self._shown(row)

    async def accept(self, token: str, name: str, email: str, password: str, origin: Origin) -> Invited:
        """An account, or a password for the one that is invited, and a first API key. An address that the invitation holds
        can't be changed.

        Errors:  NotFound, TooManyAttempts, Conflict (it is not open; the address has an account), InvalidField, Overloaded.
        """
        invitation = await self.look(token, origin)
        _insist_on_open(invitation)
        if invitation.user_id is not None:
            name = invitation.name or ""
        wanted = PersonWanted(clean_name(name), clean_email(invitation.email or email), "")
        if email and clean_email(email).key != wanted.email.key:
            raise InvalidField("this invitation is for another address", param="email", fix="Leave it as it is.")
        check(password)
        wanted = msgspec.structs.replace(
            wanted, password_hash=await self._passwords.hash(password, unlike=(wanted.email.shown, wanted.name))
        )
        return await to_the_end(self._accepted(token, wanted))

    async def _accepted(self, token: str, wanted: PersonWanted) -> Invited:
        async with self._db.transaction() as tx:
            row = (await tx.execute(invitations_query().where(invitations.c.token_hash == self._hash(token)))).one()
            _insist_on_open(self._shown(row))  # looked at again, now that nobody else can write
            if row.tenant_is_suspended:
                raise Conflict("this organisation is suspended", fix="Ask whoever invited you.", param="invitation")
            invited = await welcomed(tx, row, wanted, self._key_pepper, self._clock.now_ms())
            table = await self._ring.rebuilt(tx)
        self._ring.swap(table)
        return invited

    def _hash(self, token: str) -> bytes:
        return key_hash(self._token_pepper, token)

    def _is(self, state: State) -> sa.ColumnElement[bool]:
        unused = sa.and_(invitations.c.used_at.is_(None), invitations.c.revoked_at.is_(None))
        return {
            "used": invitations.c.used_at.is_not(None),
            "revoked": sa.and_(invitations.c.used_at.is_(None), invitations.c.revoked_at.is_not(None)),
            "expired": sa.and_(unused, invitations.c.expires_at <= self._clock.now_ms()),
            "open": sa.and_(unused, invitations.c.expires_at > self._clock.now_ms()),
        }[state]

    def _shown(self, row: Any) -> Invitation:
        state: State = "open" if row.expires_at > self._clock.now_ms() else "expired"
        if row.revoked_at is not None:
            state = "revoked"
        if row.used_at is not None:
            state = "used"
        fields = {field: getattr(row, field) for field in Invitation.__struct_fields__ if field != "state"}
        return Invitation(state=state, **fields)


def _new_token() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(TOKEN_CHARACTERS))


def _insist_on_open(invitation: Invitation) -> None:
    if invitation.state != "open":
        what = {"used": "was used already", "expired": "has expired", "revoked": "was taken back"}[invitation.state]
        raise Conflict(f"this invitation {what}", fix="Ask for another one.", param="invitation")


def _visible(caller: Caller) -> list[sa.ColumnElement[bool]]:
    """The machine stands above tenants."""
    return [] if caller.kind == "machine" else [invitations.c.tenant_number == caller.tenant_number]
