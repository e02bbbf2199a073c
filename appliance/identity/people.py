"""The accounts of an organisation, as those who run it see and change them. Signing in is told in users.py."""

from typing import Any

import sqlalchemy as sa
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import Conflict, Forbidden
from appliance.identity.caller import Caller
from appliance.identity.changes import Change, Changes, forgotten, mine, tenant_for
from appliance.identity.cursors import check_limit, cursor, number_in
from appliance.identity.departed import depart, next_number
from appliance.identity.passwords import Passwords
from appliance.identity.person import (
    NewPerson,
    PeoplePage,
    Person,
    PersonChange,
    Wanted,
    conditions,
    found,
    people_query,
    person_of,
)
from appliance.identity.roles import insist, insist_on_rank
from appliance.identity.text_rules import Email, clean_email, clean_name
from appliance.identity.units import department_number, team_row
from appliance.identity.versions import changed, expect
from appliance.store.new_id import new_id
from appliance.store.tables import api_keys, stored_responses, uploaded_files, users

PEOPLE_MAX = 100_000  # in an organisation


class People:
    """Nobody touches who is above them, nor gives a role above their own; and an organisation keeps an owner."""

    def __init__(self, changes: Changes, passwords: Passwords | None = None) -> None:
        self._changes = changes
        self._passwords = passwords or Passwords()

    async def list(self, caller: Caller, wanted: Wanted, *, limit: int = 50, after: str | None = None) -> PeoplePage:
        """The oldest first. Errors: Forbidden, InvalidField."""
        insist(caller, "people:read")
        check_limit(limit)
        query = people_query().where(*mine(caller, users), *conditions(wanted)).order_by(users.c.number).limit(limit + 1)
        if after is not None:
            query = query.where(users.c.number > number_in(after))
        async with self._changes.db.read() as connection:
            rows = (await connection.execute(query)).all()
        items = [person_of(row) for row in rows[:limit]]
        return PeoplePage(items, cursor(items[-1].number) if len(rows) > limit else None)

    async def get(self, caller: Caller, user_id: str) -> Person:
        """Errors: Forbidden, NotFound."""
        insist(caller, "people:read")
        async with self._changes.db.read() as connection:
            return person_of(await found(connection, caller, user_id))

    async def create(self, caller: Caller, wanted: NewPerson, *, tenant_id: str | None = None) -> Person:
        """Errors: Forbidden, InvalidField, NotFound, Conflict, Overloaded."""
        insist(caller, "people:change")
        insist_on_rank(caller, wanted.role, f"make somebody {wanted.role}")
        name, email = clean_name(wanted.name), clean_email(wanted.email)
        password_hash = (
            None if wanted.password is None else await self._passwords.hash(wanted.password, unlike=(email.shown, name))
        )

        async def change(one: Change) -> Person:
            tenant = await tenant_for(one.tx, caller, tenant_id)
            await refuse_too_many(one.tx, tenant.number, 1)
            await refuse_twin(one.tx, email)
            place = await _place(one.tx, tenant.number, wanted.department_id, wanted.team_id)
            user_id = await insert(one, tenant.number, name, email, wanted.role, place, password_hash)
            await one.record(caller, "user.create", user_id, {"role": wanted.role})
            return person_of(await found(one.tx, caller, user_id))

        return await self._changes.make(change)

    async def change(self, caller: Caller, user_id: str, wanted: PersonChange, version: int | None = None) -> Person:
        """Errors: Forbidden, InvalidField, NotFound, Conflict, PreconditionFailed."""
        insist(caller, "people:change")

        async def change(one: Change) -> Person:
            row = await found(one.tx, caller, user_id)
            expect(row, version)
            insist_on_rank(caller, row.role, f"change somebody who is {row.role}")
            values = await _values(one, caller, row, wanted)
            if values:
                await one.tx.execute(
                    sa.update(users).where(users.c.number == row.number).values(**values, **changed(users, one.now))
                )
                if row.role == "owner":
                    await _insist_on_an_owner(one.tx, row.tenant_number)
                await one.record(caller, "user.change", user_id, _told(values))
                one.touches_keys = not values.keys() <= {"name", "email", "email_key"}
            return person_of(await found(one.tx, caller, user_id))

        return await self._changes.make(change)

    async def delete(self, caller: Caller, user_id: str, *, forget: bool = False) -> None:
        """With their keys, sign-ins, kept responses and uploaded files. What the ledger says of them stays; `forget`: under an id
        alone; also for who was deleted before.

        Errors:  Forbidden, NotFound, Conflict.
        """
        insist(caller, "people:change")

        async def change(one: Change) -> None:
            if forget and await forgotten(one, caller, users, user_id):
                return
            row = await found(one.tx, caller, user_id)
            insist_on_rank(caller, row.role, f"delete somebody who is {row.role}")
            if row.number == caller.user_number:
                raise Conflict("this is your own account", fix="Ask somebody else who may delete accounts.")
            for kept in (stored_responses, uploaded_files):
                await one.tx.execute(sa.delete(kept).where(kept.c.owner == f"user:{row.number}"))
            for key in (await one.tx.execute(sa.select(api_keys).where(api_keys.c.user_number == row.number))).all():
                await depart(one.tx, api_keys, key, at_ms=one.now, forget=forget)
            await depart(one.tx, users, row, at_ms=one.now, forget=forget)
            if row.role == "owner":
                await _insist_on_an_owner(one.tx, row.tenant_number)
            await one.record(caller, "user.delete", user_id, {"role": row.role, "forgotten": forget})
            one.touches_keys = True

        await self._changes.make(change)


async def insert(
    one: Change, tenant_number: int, name: str, email: Email, role: str, place: dict[str, int | None], password_hash: str | None
) -> str:
    """A new account's row; its id."""
    user_id = new_id("user")
    await one.tx.execute(
        sa.insert(users).values(
            number=await next_number(one.tx, users),
            id=user_id,
            tenant_number=tenant_number,
            name=name,
            email=email.shown,
            email_key=email.key,
            password_hash=password_hash,
            role=role,
            token_version=1,
            created_at=one.now,
            password_changed_at=None if password_hash is None else one.now,
            **place,
        )
    )
    return user_id


async def _values(one: Change, caller: Caller, row: Any, wanted: PersonChange) -> dict[str, Any]:
    """The columns that differ. Errors: Forbidden, InvalidField, NotFound, Conflict."""
    values: dict[str, Any] = {}
    if wanted.name is not UNSET:
        values["name"] = clean_name(wanted.name)
    if wanted.email is not UNSET:
        email = clean_email(wanted.email)
        await refuse_twin(one.tx, email, but=row.number)
        values |= {"email": email.shown, "email_key": email.key}
    if wanted.role is not UNSET and wanted.role != row.role:
        if row.number == caller.user_number:
            raise Forbidden("nobody changes their own role", fix="Ask somebody else whose role is high enough.")
        insist_on_rank(caller, wanted.role, f"make somebody {wanted.role}")
        values["role"] = wanted.role
    if wanted.department_id is not UNSET or wanted.team_id is not UNSET:
        values |= await _moved(one, row, wanted)
    if wanted.suspended is not UNSET and wanted.suspended != (row.suspended_at is not None):
        if row.number == caller.user_number:
            raise Conflict("nobody suspends themselves", fix="Ask somebody else.")
        values["suspended_at"] = one.now if wanted.suspended else None
    return {name: value for name, value in values.items() if value != getattr(row, name)}


async def _moved(one: Change, row: Any, wanted: PersonChange) -> dict[str, int | None]:
    """Where they stand then; their keys go along. A department alone takes them out of a team that isn't part of it."""
    department = row.department_id if wanted.department_id is UNSET else wanted.department_id
    team = row.team_id if wanted.team_id is UNSET else wanted.team_id
    if wanted.team_id is UNSET and wanted.department_id != row.department_id:
        team = None
    if wanted.team_id is not UNSET and wanted.department_id is UNSET and team is not None:
        department = None  # the team's own
    place = await _place(one.tx, row.tenant_number, department, team)
    await one.tx.execute(sa.update(api_keys).where(api_keys.c.user_number == row.number).values(**place))
    return place


async def _place(
    tx: AsyncConnection, tenant_number: int, department_id: str | None, team_id: str | None
) -> dict[str, int | None]:
    """The columns for where somebody stands. Errors: NotFound; Conflict, where the team is part of another department."""
    department = await department_number(tx, tenant_number, department_id)
    if team_id is None:
        return {"department_number": department, "team_number": None}
    team = await team_row(tx, tenant_number, team_id)
    if department_id is not None and team.department_number != department:
        raise Conflict(
            "the team is part of another department", param="team_id", fix="Name the team alone; it knows its department."
        )
    return {"department_number": team.department_number, "team_number": team.number}


async def refuse_twin(tx: AsyncConnection, email: Email, *, but: int = 0) -> None:
    """Errors: Conflict. An address is one account's on the whole appliance: it is what people sign in with."""
    query = sa.select(users.c.number).where(users.c.email_key == email.key, users.c.number != but)
    if (await tx.execute(query)).first() is not None:
        raise Conflict("an account has this e-mail address already", param="email", fix="Use another address.")


async def refuse_too_many(tx: AsyncConnection, tenant_number: int, more: int) -> None:
    """Errors: Conflict."""
    count = (
        await tx.execute(sa.select(sa.func.count()).select_from(users).where(users.c.tenant_number == tenant_number))
    ).scalar_one()
    if count + more > PEOPLE_MAX:
        raise Conflict(
            f"there are {count:,} accounts, and {PEOPLE_MAX:,} are taken at most", fix="Delete some that nobody needs."
        )


async def _insist_on_an_owner(tx: AsyncConnection, tenant_number: int) -> None:
    """After an owner was changed or deleted. Errors: Conflict."""
    active = sa.and_(users.c.tenant_number == tenant_number, users.c.role == "owner", users.c.suspended_at.is_(None))
    if not (await tx.execute(sa.select(sa.func.count()).select_from(users).where(active))).scalar_one():
        raise Conflict("an organisation keeps at least one owner who can sign in", fix="Make somebody else an owner first.")


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """For the audit: what kind of change it was, and no addresses."""
    told = {name: value for name, value in values.items() if name in ("role", "department_number", "team_number")}
    if "suspended_at" in values:
        told["suspended"] = values["suspended_at"] is not None
    return told | {"fields": sorted(name for name in values if name != "email_key")}
