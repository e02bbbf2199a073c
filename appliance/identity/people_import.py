"""Many accounts at once, out of a list: whole or not at all, every problem told with its place."""

from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from msgspec import Meta

from appliance.errors import Forbidden, InvalidField
from appliance.identity.caller import Caller
from appliance.identity.changes import Change, Changes, tenant_for
from appliance.identity.departed import next_number
from appliance.identity.invitations import Invitations
from appliance.identity.people import refuse_too_many
from appliance.identity.roles import Role, insist, insist_on_rank
from appliance.identity.text_rules import Email, clean_email, clean_name
from appliance.store.new_id import new_id
from appliance.store.tables import departments, teams, users

ROWS_MAX = 10_000
PROBLEMS_MAX = 100
BATCH = 500  # values a statement takes


class PersonRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the list. Departments and teams by their names; those that aren't there yet are made."""

    name: str
    email: str
    role: Role = "member"
    department: Annotated[str, Meta(description="Empty: none.")] = ""
    team: Annotated[str, Meta(description="Empty: none. Within the department, where one is named.")] = ""

    def __repr__(self) -> str:
        return "PersonRow()"


class Imported(msgspec.Struct, frozen=True):
    """Made, and left alone because their address has an account in this organisation already.

    Shapes:  `created` are ids; `tokens` are addresses with tokens of invitations; both in the list's order.
    """

    created: list[str]
    tokens: list[tuple[str, str]]
    unchanged: int
    departments_created: list[str]
    teams_created: list[str]
    dry_run: bool


class _Ready(msgspec.Struct, frozen=True):
    """A line that may stand."""

    name: str
    email: Email
    role: str
    department: str
    team: str


class _DryRun(Exception):
    """Everything was tried; nothing is to stay."""

    def __init__(self, result: Imported) -> None:
        self.result = result


class PeopleImport:
    """Accounts without a password: their holders set one by invitation."""

    def __init__(self, changes: Changes, invitations: Invitations) -> None:
        self._changes = changes
        self._invitations = invitations

    async def take(
        self, caller: Caller, rows: list[PersonRow], *, invite: bool = False, dry_run: bool = False, tenant_id: str | None = None
    ) -> Imported:
        """Errors: Forbidden, NotFound, Conflict; InvalidField, which tells of every line that can't stand."""
        insist(caller, "people:change")
        if len(rows) > ROWS_MAX:
            raise InvalidField(f"there are more than {ROWS_MAX:,} people", param="users", fix="Send them in several parts.")
        ready = _ready(caller, rows)

        async def change(one: Change) -> Imported:
            tenant = await tenant_for(one.tx, caller, tenant_id)
            fresh = await _fresh(one, tenant.number, ready)
            await refuse_too_many(one.tx, tenant.number, len(fresh))
            units = await _Units.of(one, tenant.number)
            made = await _inserted(one, tenant.number, fresh, units)
            result = Imported(made, [], len(ready) - len(fresh), units.departments_made, units.teams_made, dry_run)
            if dry_run:
                raise _DryRun(result)
            if invite:
                result.tokens.extend(await self._invited(one, caller, made))
            if made:
                await one.record(
                    caller, "user.import", tenant.id, {"created": len(made), "unchanged": result.unchanged, "invited": invite}
                )
            return result

        try:
            return await self._changes.make(change)
        except _DryRun as tried:
            return tried.result

    async def _invited(self, one: Change, caller: Caller, made: list[str]) -> list[tuple[str, str]]:
        rows: list[Any] = []
        for start in range(0, len(made), BATCH):
            batch = sa.select(users).where(users.c.id.in_(made[start : start + BATCH])).order_by(users.c.number)
            rows += (await one.tx.execute(batch)).all()
        tokens = await self._invitations.for_users(one.tx, rows, actor=caller.actor)
        return [(row.email, token) for row, token in zip(rows, tokens, strict=True)]


def _ready(caller: Caller, rows: list[PersonRow]) -> list[_Ready]:
    """Errors: InvalidField, with every problem that the lines have by themselves."""
    ready: list[_Ready] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for position, row in enumerate(rows):
        try:
            insist_on_rank(caller, row.role, f"make somebody {row.role}")
            email = clean_email(row.email)
            if email.key in seen:
                raise InvalidField(f"the address is that of users[{seen[email.key]}] too, in whatever spelling")
            seen[email.key] = position
            department, team = (clean_name(name, what) if name.strip() else "" for name, what in _places(row))
            ready.append(_Ready(clean_name(row.name), email, row.role, department, team))
        except (InvalidField, Forbidden) as error:
            problems.append(f"users[{position}]: {error.message}")
    _refuse(problems)
    return ready


def _places(row: PersonRow) -> tuple[tuple[str, str], tuple[str, str]]:
    return (row.department, "department"), (row.team, "team")


def _refuse(problems: list[str]) -> None:
    if problems:
        more = f"; and {len(problems) - PROBLEMS_MAX:,} more" if len(problems) > PROBLEMS_MAX else ""
        raise InvalidField(
            "; ".join(problems[:PROBLEMS_MAX]) + more, param="users", fix="Mend these lines and send all again: nobody was taken."
        )


async def _fresh(one: Change, tenant_number: int, ready: list[_Ready]) -> list[_Ready]:
    """Those whose address has no account yet. Errors: InvalidField, where another organisation's account has it."""
    rows = (await one.tx.execute(sa.select(users.c.email_key, users.c.tenant_number))).all()
    owners = {row.email_key: row.tenant_number for row in rows}
    _refuse(
        [
            f"users[{position}]: an account has this e-mail address already"
            for position, row in enumerate(ready)
            if owners.get(row.email.key, tenant_number) != tenant_number
        ]
    )
    return [row for row in ready if row.email.key not in owners]


async def _inserted(one: Change, tenant_number: int, fresh: list[_Ready], units: "_Units") -> list[str]:
    number = await next_number(one.tx, users)
    values: list[dict[str, Any]] = []
    for offset, row in enumerate(fresh):
        place = await units.place(row.department, row.team)
        values.append(
            {
                "number": number + offset,
                "id": new_id("user"),
                "tenant_number": tenant_number,
                "name": row.name,
                "email": row.email.shown,
                "email_key": row.email.key,
                "role": row.role,
                "token_version": 1,
                "created_at": one.now,
                **place,
            }
        )
    if values:
        await one.tx.execute(sa.insert(users), values)
    return [row["id"] for row in values]


class _Units:
    """The departments and teams of an organisation by name, as people read them; made where they are missing."""

    def __init__(self, one: Change, tenant_number: int) -> None:
        self._one = one
        self._tenant_number = tenant_number
        self._departments: dict[str, int] = {}
        self._teams: dict[tuple[int | None, str], tuple[int | None, int]] = {}
        self.departments_made: list[str] = []
        self.teams_made: list[str] = []

    @classmethod
    async def of(cls, one: Change, tenant_number: int) -> "_Units":
        self = cls(one, tenant_number)
        mine = departments.c.tenant_number == tenant_number
        for row in await one.tx.execute(sa.select(departments.c.number, departments.c.name).where(mine)):
            self._departments[row.name.casefold()] = row.number
        for row in await one.tx.execute(sa.select(teams).where(teams.c.tenant_number == tenant_number)):
            self._teams[row.department_number, row.name.casefold()] = (row.department_number, row.number)
        return self

    async def place(self, department: str, team: str) -> dict[str, int | None]:
        inside = await self._department(department) if department else None
        if not team:
            return {"department_number": inside, "team_number": None}
        found = self._teams.get((inside, team.casefold()))
        if found is None and not department:
            named = [where for (_, name), where in self._teams.items() if name == team.casefold()]
            found = named[0] if len(named) == 1 else None  # the only one of this name, wherever it is
        if found is None:
            number = await self._make(teams, "team", team, department_number=inside)
            found = self._teams[inside, team.casefold()] = (inside, number)
            self.teams_made.append(team)
        return {"department_number": found[0], "team_number": found[1]}

    async def _department(self, name: str) -> int:
        found = self._departments.get(name.casefold())
        if found is None:
            found = self._departments[name.casefold()] = await self._make(departments, "dpt", name)
            self.departments_made.append(name)
        return found

    async def _make(self, table: sa.Table, prefix: str, name: str, **more: Any) -> int:
        number = await next_number(self._one.tx, table)
        values = {"number": number, "id": new_id(prefix), "tenant_number": self._tenant_number, "name": name}
        await self._one.tx.execute(sa.insert(table).values(created_at=self._one.now, **values, **more))
        return number
