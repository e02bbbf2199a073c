"""One account of an organisation: as it is shown, as it may be changed, and its row."""

from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import NotFound
from appliance.identity.caller import Caller
from appliance.identity.changes import mine
from appliance.identity.roles import Role
from appliance.store.tables import departments, second_factors, teams, tenants, users


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account. `has_password`: it can sign in by one; `second_factor`: it must show one as well."""

    number: int
    id: str
    name: str
    email: str
    role: str
    tenant_id: str
    department_id: str | None
    team_id: str | None
    has_password: bool
    second_factor: bool
    suspended_at: int | None
    last_sign_in_at: int | None
    created_at: int
    updated_at: int | None
    version: int


class NewPerson(msgspec.Struct, frozen=True, kw_only=True):
    """An account to be made. Without a password its holder needs an invitation to set one."""

    name: str
    email: str
    role: Role = "member"
    department_id: str | None = None
    team_id: str | None = None
    password: str | None = None

    def __repr__(self) -> str:  # the password must not reach a log through a repr
        return "NewPerson()"


class PersonChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; UNSET: nothing. A team brings its department along."""

    name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    suspended: bool | UnsetType = UNSET
    department_id: str | UnsetType | None = UNSET
    team_id: str | UnsetType | None = UNSET


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts a list is to have."""

    words: str | None = None  # in the name or the address
    role: Role | None = None
    department_id: str | None = None
    team_id: str | None = None
    suspended: bool | None = None


class PeoplePage(msgspec.Struct, frozen=True):
    items: list[Person]
    next_cursor: str | None


async def found(connection: AsyncConnection, caller: Caller, user_id: str) -> Any:
    """The row of an account that exists for this caller. Errors: NotFound."""
    row = (await connection.execute(people_query().where(users.c.id == user_id, *mine(caller, users)))).one_or_none()
    if row is None:
        raise NotFound("there is no such user", param="user_id", fix="GET /api/v1/admin/users lists them.")
    return row


def people_query() -> sa.Select[Any]:
    factor = sa.exists().where(second_factors.c.user_number == users.c.number, second_factors.c.confirmed_at.is_not(None))
    return (
        sa.select(
            users,
            tenants.c.id.label("tenant_id"),
            departments.c.id.label("department_id"),
            teams.c.id.label("team_id"),
            users.c.password_hash.is_not(None).label("has_password"),
            factor.label("second_factor"),
        )
        .join(tenants, tenants.c.number == users.c.tenant_number)
        .outerjoin(departments, departments.c.number == users.c.department_number)
        .outerjoin(teams, teams.c.number == users.c.team_number)
    )


def conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.words:
        words = wanted.words.casefold()
        found.append(
            sa.or_(users.c.email_key.contains(words, autoescape=True), users.c.name.icontains(wanted.words, autoescape=True))
        )
    if wanted.role is not None:
        found.append(users.c.role == wanted.role)
    if wanted.department_id is not None:
        found.append(departments.c.id == wanted.department_id)
    if wanted.team_id is not None:
        found.append(teams.c.id == wanted.team_id)
    if wanted.suspended is not None:
        found.append(users.c.suspended_at.is_not(None) if wanted.suspended else users.c.suspended_at.is_(None))
    return found


def person_of(row: Any) -> Person:
    return Person(**{field: getattr(row, field) for field in Person.__struct_fields__})
