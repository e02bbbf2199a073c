"""What each role may do: one table, permission → roles. A handler names its permission beside its path."""

from typing import Literal

from appliance.errors import Forbidden
from appliance.identity.caller import Caller

Role = Literal["owner", "admin", "billing", "auditor", "developer", "member"]

_EVERYONE = frozenset({"owner", "admin", "billing", "auditor", "developer", "member", "machine"})
_CHANGES_THINGS = _EVERYONE - {"auditor"}  # an auditor reads everything and changes nothing
_RUNS_THE_HOUSE = frozenset({"owner", "admin", "machine"})

PERMISSIONS: dict[str, frozenset[str]] = {
    "api_keys:create": _CHANGES_THINGS,  # for oneself
    "api_keys:list": _EVERYONE,  # one's own
    "api_keys:list_all": _RUNS_THE_HOUSE | {"auditor"},
    "api_keys:revoke": _CHANGES_THINGS,  # one's own
    "api_keys:revoke_all": _RUNS_THE_HOUSE,
    "api_keys:grant_metrics": _RUNS_THE_HOUSE,  # what the appliance as a whole does is not every member's business
    "features:read": _EVERYONE,
    "overview:read": _RUNS_THE_HOUSE | {"auditor"},
    "requests:read": _RUNS_THE_HOUSE | {"auditor"},
    "lan:read": _RUNS_THE_HOUSE | {"auditor"},
    "lan:change": _RUNS_THE_HOUSE,
    "models:read": _RUNS_THE_HOUSE | {"auditor"},
    "models:change": _RUNS_THE_HOUSE,
    "providers:read": _RUNS_THE_HOUSE | {"auditor"},
    "providers:change": _RUNS_THE_HOUSE,
    "routes:read": _RUNS_THE_HOUSE | {"auditor"},
    "routes:change": _RUNS_THE_HOUSE,
    "machine:control": frozenset({"machine"}),  # whoever may read the home folder; no person over the network
}


def may(caller: Caller, permission: str) -> bool:
    """A key never may: what it can do is in its scopes, whatever the role of its holder.

    Errors:  KeyError for a permission that is not in the table: a bug.
    """
    return caller.role in PERMISSIONS[permission] and caller.kind != "key"


def insist(caller: Caller, permission: str) -> None:
    """Errors: Forbidden."""
    if not may(caller, permission):
        who = "an API key" if caller.kind == "key" else f"the role {caller.role}"
        raise Forbidden(f"{who} may not do this ({permission})", fix="Ask an administrator, or sign in as somebody who may.")
