"""Who a request comes from."""

from typing import Literal

import msgspec

DEFAULT_TENANT_NUMBER = 1
DEFAULT_TENANT_ID = "tenant_default"

Kind = Literal["key", "user", "machine"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """One caller, as far as we know it. Numbers are the integer keys that the ledger stores.

    kind:   `key` by an API key, `user` by a sign-in token, `machine` by whoever may read the home folder.
    role:   of the user; `machine` for the machine, `service` for a key that belongs to no user.
    session_id: of a sign-in.
    scopes: what a key was narrowed to; empty: all that a key may do, save what must be given by name (metrics, file_values).
    models, tenant_models: names that this key, and its tenant, may ask for (identity/model_lists.py); None: any.
    """

    kind: Kind
    tenant_id: str = DEFAULT_TENANT_ID
    department_id: str | None = None
    team_id: str | None = None
    user_id: str | None = None
    key_id: str | None = None
    tenant_number: int = DEFAULT_TENANT_NUMBER
    department_number: int | None = None
    team_number: int | None = None
    user_number: int | None = None
    key_number: int | None = None
    role: str = "service"
    scopes: frozenset[str] = frozenset()
    models: tuple[str, ...] | None = None
    tenant_models: tuple[str, ...] | None = None
    environment: str = ""
    name: str = ""
    session_id: str | None = None

    @property
    def actor(self) -> str:
        """How the audit names this caller: by kind and id, never by a person's name."""
        return self.key_id or self.user_id or self.kind


MACHINE = Caller(kind="machine", role="machine", name="the command line on this machine")
