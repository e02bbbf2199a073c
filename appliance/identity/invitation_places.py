"""What an invitation is to be, and the place in the organisation that it leads to: there, and the inviter's own."""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import Conflict, InvalidField, NotFound
from appliance.identity.caller import Caller
from appliance.identity.roles import Role
from appliance.identity.text_rules import clean_email, clean_name
from appliance.store.tables import departments, invitations, teams, tenants, users

HOURS_DEFAULT = 72
HOURS_MAX = 720


class InvitationWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to come, and as what. `tenant_id`: another one than the caller's own, for the machine alone."""

    email: str | None = None
    name: str | None = None
    role: Role = "member"
    tenant_id: str | None = None
    department_id: str | None = None
    team_id: str | None = None
    expires_in_hours: int = HOURS_DEFAULT


def checked(wanted: InvitationWanted) -> InvitationWanted:
    """Errors: InvalidField."""
    if not 1 <= wanted.expires_in_hours <= HOURS_MAX:
        raise InvalidField(
            f"expires_in_hours must be between 1 and {HOURS_MAX}", param="expires_in_hours", fix="Choose another time."
        )
    return msgspec.structs.replace(
        wanted,
        name=None if wanted.name is None else clean_name(wanted.name),
        email=None if wanted.email is None else clean_email(wanted.email).shown,
    )


class Place(msgspec.Struct, frozen=True):
    """Where in the organisation somebody will be."""

    tenant_number: int
    department_number: int | None = None
    team_number: int | None = None

    def columns(self) -> dict[str, int | None]:
        return {name: getattr(self, name) for name in self.__struct_fields__}


async def insist_on_nobody(tx: AsyncConnection, email: str) -> None:
    taken = sa.select(sa.func.count()).select_from(users).where(users.c.email_key == clean_email(email).key)
    if (await tx.execute(taken)).scalar_one():
        raise Conflict("an account has this e-mail address already", param="email", fix="Invite another address.")


async def place_of(tx: AsyncConnection, caller: Caller, wanted: InvitationWanted) -> Place:
    """Where the invitation leads to. A team that stands in a department brings it along. Errors: NotFound, InvalidField."""
    tenant = caller.tenant_number
    if wanted.tenant_id not in (None, caller.tenant_id):
        mine = tenants.c.number == tenant if caller.kind != "machine" else sa.true()
        tenant = (await _found(tx, tenants, wanted.tenant_id, "tenant", mine)).number
    department = team = None
    if wanted.department_id is not None:
        mine = departments.c.tenant_number == tenant
        department = (await _found(tx, departments, wanted.department_id, "department", mine)).number
    if wanted.team_id is not None:
        row = await _found(tx, teams, wanted.team_id, "team", teams.c.tenant_number == tenant)
        team, of_team = row.number, row.department_number
        if department is not None and of_team != department:
            raise InvalidField("this team is not in this department", param="team_id", fix="Leave department_id out.")
        department = of_team
    return Place(tenant, department, team)


async def _found(tx: AsyncConnection, table: sa.Table, wanted: str | None, what: str, mine: sa.ColumnElement[bool]) -> Any:
    row = (await tx.execute(sa.select(table).where(table.c.id == wanted, mine))).one_or_none()
    if row is None:
        raise NotFound(f"there is no such {what}", param=f"{what}_id", fix=f"GET /api/v1/admin/{what}s lists them.")
    return row


def invitations_query() -> sa.Select[Any]:
    return (
        sa.select(
            invitations,
            tenants.c.id.label("tenant_id"),
            tenants.c.name.label("tenant_name"),
            tenants.c.suspended_at.is_not(None).label("tenant_is_suspended"),
            departments.c.id.label("department_id"),
            teams.c.id.label("team_id"),
            users.c.id.label("user_id"),
        )
        .join(tenants, tenants.c.number == invitations.c.tenant_number)
        .outerjoin(departments, departments.c.number == invitations.c.department_number)
        .outerjoin(teams, teams.c.number == invitations.c.team_number)
        .outerjoin(users, users.c.number == invitations.c.user_number)
    )
