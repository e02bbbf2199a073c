"""What each role may do: one table, permission → roles. A handler names its permission beside its path."""

from typing import Literal

from appliance.errors import Forbidden
from appliance.identity.caller import DEFAULT_TENANT_NUMBER, Caller

Role = Literal["owner", "admin", "billing", "auditor", "developer", "member"]

# Nobody touches a higher one than their own, nor gives one. The table `roles` has the same ranks.
RANKS: dict[str, int] = {"machine": 1_000, "owner": 100, "admin": 80, "billing": 40, "auditor": 40, "developer": 20, "member": 10}

_PERSONS = frozenset({"owner", "admin", "billing", "auditor", "developer", "member"})
_EVERYONE = _PERSONS | {"machine"}
_CHANGES_THINGS = _EVERYONE - {"auditor"}  # an auditor reads everything and changes nothing
_RUNS_THE_HOUSE = frozenset({"owner", "admin", "machine"})
_LOOKS_AFTER = _RUNS_THE_HOUSE | {"auditor"}

PERMISSIONS: dict[str, frozenset[str]] = {
    "account:own": _PERSONS,  # one's own password, second factor and sessions
    "api_keys:create": _CHANGES_THINGS,  # for oneself
    "api_keys:list": _EVERYONE,  # one's own
    "api_keys:list_all": _LOOKS_AFTER,
    "api_keys:change": _CHANGES_THINGS,  # one's own: rotate, rename, narrow
    "api_keys:change_all": _RUNS_THE_HOUSE,
    "api_keys:revoke": _CHANGES_THINGS,  # one's own
    "api_keys:revoke_all": _RUNS_THE_HOUSE,
    "api_keys:grant_metrics": _RUNS_THE_HOUSE,  # what the appliance as a whole does is not every member's business
    "api_keys:grant_file_values": _RUNS_THE_HOUSE,
    "files:read": _EVERYONE,
    "files:values": _RUNS_THE_HOUSE,  # what was found in a file, and not only that it was
    "tenants:read": _LOOKS_AFTER | {"billing"},  # one's own
    "tenants:change": _RUNS_THE_HOUSE,  # one's own
    "tenants:manage": frozenset({"owner", "machine"}),  # all of them: make, suspend, delete
    "people:read": _LOOKS_AFTER | {"billing"},  # departments, teams, users, service accounts, invitations
    "people:change": _RUNS_THE_HOUSE,
    "features:read": _EVERYONE,
    "overview:read": _LOOKS_AFTER,
    "requests:read": _LOOKS_AFTER,
    "lan:read": _LOOKS_AFTER,
    "lan:change": _RUNS_THE_HOUSE,
    "models:read": _LOOKS_AFTER,
    "models:change": _RUNS_THE_HOUSE,
    "providers:read": _LOOKS_AFTER,
    "providers:change": _RUNS_THE_HOUSE,
    "routes:read": _LOOKS_AFTER,
    "routes:change": _RUNS_THE_HOUSE,
    "guardrails:read": _LOOKS_AFTER | {"developer"},  # what a policy makes of a text: nothing is kept of it
    "policies:read": _LOOKS_AFTER,
    "policies:change": _RUNS_THE_HOUSE,
    "compliance:read": _LOOKS_AFTER,
    "usage:read": _LOOKS_AFTER | {"billing"},  # what all of the house used, beside what providers bill it for
    "machine:control": frozenset({"machine"}),  # whoever may read the home folder; no person over the network
}

# The appliance itself is the first organisation's: guests on it are served, and neither run it nor look into it.
HOUSE = frozenset(
    {
        "api_keys:grant_metrics",
        "tenants:manage",
        "overview:read",
        "lan:read",
        "lan:change",
        "models:read",
        "models:change",
        "providers:read",
        "providers:change",
        "routes:read",
        "routes:change",
        "policies:read",
        "policies:change",
        "compliance:read",
        "usage:read",
        "machine:control",
    }
)


def may(caller: Caller, permission: str) -> bool:
    """A key never may: what it can do is in its scopes, whatever the role of its holder.

    Errors:  KeyError for a permission that is not in the table: a bug.
    """
    if caller.role not in PERMISSIONS[permission] or caller.kind == "key":
        return False
    return permission not in HOUSE or caller.kind == "machine" or caller.tenant_number == DEFAULT_TENANT_NUMBER


def insist(caller: Caller, permission: str) -> None:
    """Errors: Forbidden."""
    if may(caller, permission):
        return
    who = "an API key" if caller.kind == "key" else f"the role {caller.role}"
    if caller.kind == "user" and caller.role in PERMISSIONS[permission]:
        who = "somebody of another organisation than the appliance's own"
    raise Forbidden(f"{who} may not do this ({permission})", fix="Ask an administrator, or sign in as somebody who may.")


def outranks(role: str, other: str) -> bool:
    """Is `role` above `other`?"""
    return RANKS[role] > RANKS[other]


def insist_on_rank(caller: Caller, role: str, doing: str) -> None:
    """Nobody gives a role above their own, or touches who has one. `doing` completes "may not …". Errors: Forbidden."""
    if outranks(role, caller.role):
        raise Forbidden(
            f"the role {caller.role} may not {doing}: {role} is above it", fix=f"Ask somebody whose role is {role} or higher."
        )
