"""What commands show and order, the same whether a server answered or the rooms themselves."""

from typing import TYPE_CHECKING

import msgspec

from appliance.clock import rfc3339, rfc3339_or_none

if TYPE_CHECKING:
    from appliance.identity.accounts import User
    from appliance.identity.api_keys import ApiKey
    from appliance.lan.lan import LanStatus


class Account(msgspec.Struct):
    """Whose account a command was about."""

    id: str
    email: str
    role: str


class KeyOrder(msgspec.Struct):
    """A key to be made. `expires_at` in UTC milliseconds."""

    name: str
    environment: str = "development"
    expires_at: int | None = None
    scopes: list[str] = []
    email: str | None = None
    service_account_id: str | None = None  # its name will do
    models: list[str] | None = None


class MadeKey(msgspec.Struct):
    """A key just made. `key` is shown this once."""

    id: str
    key: str
    expires_at: str | None


class KeysWanted(msgspec.Struct):
    """Which keys are listed; None: whichever."""

    state: str | None = None
    user_id: str | None = None
    service_account_id: str | None = None

    def given(self) -> dict[str, str]:
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}


class ListedKey(msgspec.Struct):
    """One key of `gatehouse keys list`. `holder`: an e-mail address, or the name of a service account."""

    id: str
    name: str
    environment: str
    key_prefix: str
    scopes: list[str]
    loopback_only: bool
    user_id: str | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    service_account_id: str | None = None
    holder: str | None = None
    models: list[str] | None = None
    state: str = "active"
    requests: int = 0
    success_rate: float | None = None
    last_used_at: str | None = None


class LanProblem(msgspec.Struct):
    """What stands in colleagues' way, and what mends it."""

    message: str
    fix: str


class LanView(msgspec.Struct):
    """The local network, as `gatehouse lan` shows it."""

    on: bool
    urls: list[str]
    join_urls: list[str]
    fingerprint: str | None
    expires_at: str | None
    reachable: bool | None
    problems: list[LanProblem]


def lan_view(status: "LanStatus") -> LanView:
    problems = [LanProblem(problem.message, problem.fix) for problem in status.problems]
    until = rfc3339_or_none(status.expires_at_ms)
    return LanView(status.on, status.urls, status.join_urls, status.fingerprint, until, status.reachable, problems)


def account_of(user: "User") -> Account:
    return Account(user.id, user.email, user.role)


def listed_key(key: "ApiKey") -> ListedKey:
    return ListedKey(
        id=key.id,
        name=key.name,
        environment=key.environment,
        key_prefix=key.key_prefix,
        scopes=key.scopes,
        loopback_only=key.loopback_only,
        user_id=key.user_id,
        created_at=rfc3339(key.created_at),
        expires_at=rfc3339_or_none(key.expires_at),
        revoked_at=rfc3339_or_none(key.revoked_at),
        service_account_id=key.service_account_id,
        holder=key.holder,
        models=key.models,
        state=key.state,
        requests=key.requests,
        success_rate=key.success_rate,
        last_used_at=rfc3339_or_none(key.last_used_at),
    )
