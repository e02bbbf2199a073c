"""People as the app knows them, without Qt: accounts, departments and teams, organisations, invitations."""

import contextlib
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from gui.listed_state import Listed, has
from gui.plain_text import one_line

ROLES = {
    "owner": ("Owner", "Everything, other owners too."),
    "admin": ("Admin", "Runs the gateway and looks after people, except owners."),
    "billing": ("Billing", "Sees people and what they use; changes nothing of it."),
    "auditor": ("Auditor", "Sees everything and changes nothing."),
    "developer": ("Developer", "Uses models, with keys of their own."),
    "member": ("Member", "Uses models, with keys of their own."),
}
DEFAULT_TENANT = "tenant_default"


class User(msgspec.Struct, frozen=True):
    """What this app reads of an account; more may stand there."""

    id: str
    name: str
    email: str
    role: str
    tenant_id: str = ""
    department_id: str | None = None
    team_id: str | None = None
    has_password: bool = True
    second_factor: bool = False
    suspended_at: str | None = None
    last_sign_in_at: str | None = None
    created_at: str | None = None
    version: int = 1


class Unit(msgspec.Struct, frozen=True):
    """A department, or a team (`is_team`)."""

    id: str
    name: str
    tenant_id: str = ""
    department_id: str | None = None
    users: int = 0
    suspended_at: str | None = None
    version: int = 1

    @property
    def is_team(self) -> bool:
        return self.id.startswith("team_")


class Tenant(msgspec.Struct, frozen=True):
    id: str
    name: str


class Invitation(msgspec.Struct, frozen=True):
    """`state` is open, used, expired or revoked."""

    id: str
    state: str
    role: str
    email: str | None = None
    name: str | None = None
    tenant_id: str = ""
    department_id: str | None = None
    team_id: str | None = None
    expires_at: str | None = None
    created_at: str | None = None


def users_of(items: Sequence[Any]) -> list[User]:
    """Those that can be read."""
    found: list[User] = []
    for one in items:
        with contextlib.suppress(msgspec.ValidationError):
            found.append(msgspec.convert(one, User))
    return found


class Placed(Protocol):
    """Who stands somewhere in the organisation."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def department_id(self) -> str | None: ...
    @property
    def team_id(self) -> str | None: ...


class Organisation:
    """Departments, teams, and the organisations themselves where there are several."""

    def __init__(self) -> None:
        self.told = False
        self._units: dict[str, Unit] = {}
        self._tenants: dict[str, Tenant] = {}

    def take(self, departments: Sequence[Any], teams: Sequence[Any], tenants: Sequence[Any]) -> bool:
        """Whether they could be read."""
        try:
            units = msgspec.convert([*departments, *teams], list[Unit])
            self._tenants = {one.id: one for one in msgspec.convert(list(tenants), list[Tenant])}
        except msgspec.ValidationError:
            return False
        self._units = {one.id: one for one in units}
        self.told = True
        return True

    def put(self, item: Any) -> None:
        """One as it is now, where it is among them."""
        try:
            unit = msgspec.convert(item, Unit)
        except msgspec.ValidationError:
            return
        if unit.id in self._units:
            self._units[unit.id] = unit

    def drop(self, unit_id: str) -> None:
        """A department takes its teams along."""
        gone = [one.id for one in self._units.values() if unit_id in (one.id, one.department_id)]
        for its_id in gone:
            del self._units[its_id]

    @property
    def count(self) -> str:
        return f"{len(self._units):,}" if self.told else ""

    def unit(self, unit_id: str | None) -> Unit | None:
        return self._units.get(unit_id or "")

    def departments(self, tenant_id: str) -> list[Unit]:
        return self._sorted([one for one in self._units.values() if not one.is_team and one.tenant_id == tenant_id])

    def teams(self, tenant_id: str, department_id: str | None = None) -> list[Unit]:
        """Of a department; without one, of none."""
        found = [one for one in self._units.values() if one.is_team and one.tenant_id == tenant_id]
        return self._sorted([one for one in found if one.department_id == department_id])

    def tree(self, words: str = "") -> list[Unit]:
        """Each department with its teams below it, then the teams of none. One that is sought brings its department along."""
        found: list[Unit] = []
        for tenant_id in dict.fromkeys(one.tenant_id for one in self._units.values()):
            for department in self.departments(tenant_id):
                teams = self.teams(tenant_id, department.id)
                named = [team for team in teams if has(words, [department.name, team.name])]
                if named or has(words, [department.name]):
                    found += [department, *named]
            found += [team for team in self.teams(tenant_id) if has(words, [team.name])]
        return found

    @property
    def has_several(self) -> bool:
        return len(self._tenants) > 1

    @property
    def tenants(self) -> list[tuple[str, str]]:
        """Ids and names."""
        return sorted(((one.id, one_line(one.name, 80)) for one in self._tenants.values()), key=lambda one: one[1].casefold())

    def tenant_name(self, tenant_id: str) -> str:
        """Empty where everybody is of the same one."""
        found = self._tenants.get(tenant_id)
        return one_line(found.name) if found is not None and self.has_several else ""

    def names(self, one: Placed) -> tuple[str, str]:
        """Its department and its team, as far as it has them."""
        department, team = self.unit(one.department_id), self.unit(one.team_id)
        return (one_line(department.name) if department else "", one_line(team.name) if team else "")

    def place(self, one: Placed) -> str:
        """Where somebody stands, in one line."""
        return " · ".join(part for part in (*self.names(one), self.tenant_name(one.tenant_id)) if part)

    def suspended_above(self, one: Placed) -> str:
        """The name of the team or department that is suspended, and with it whoever is in it; empty: none."""
        above = (self.unit(one.team_id), self.unit(one.department_id))
        return next((one_line(unit.name) for unit in above if unit is not None and unit.suspended_at is not None), "")

    @staticmethod
    def _sorted(units: list[Unit]) -> list[Unit]:
        return sorted(units, key=lambda one: (one.name.casefold(), one.id))


class People:
    """`filters`: what the list of accounts was asked for: q, role, department_id, team_id, suspended. `asked`: wishes under way,
    by id."""

    def __init__(self) -> None:
        self.filters: dict[str, str] = {}
        self.asked: dict[str, str] = {}
        self.users = Listed(User)
        self.invitations = Listed(Invitation)
        self.organisation = Organisation()

    def begin_again(self) -> None:
        """Another list of accounts is wanted."""
        self.users = Listed(User)

    @property
    def told(self) -> bool:
        return self.users.told and self.organisation.told and self.invitations.told

    def found_invitations(self, words: str = "") -> list[Invitation]:
        return [one for one in self.invitations.items if has(words, [one.email or "", one.name or "", one.role, one.state])]
