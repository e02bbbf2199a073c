"""API keys and service accounts as the app knows them, without Qt: the last lists, and whose each key is."""

from typing import Any

import msgspec

from gui.listed_state import Listed, has
from gui.people_state import Organisation, User
from gui.plain_text import one_line

NAMED_MAX = 2_000  # holders whose names are kept


class ApiKey(msgspec.Struct, frozen=True):
    """What this app reads of a key; more may stand there. `state` is active, revoked or expired."""

    id: str
    name: str
    environment: str
    key_prefix: str
    state: str
    scopes: list[str] = []
    models: list[str] | None = None
    loopback_only: bool = False
    user_id: str | None = None
    service_account_id: str | None = None
    created_at: str | None = None
    expires_at: str | None = None
    revoked_at: str | None = None
    rotated_at: str | None = None
    previous_until: str | None = None
    requests: int = 0
    success_rate: float | None = None
    last_used_at: str | None = None
    version: int = 1


class ServiceAccount(msgspec.Struct, frozen=True):
    """A holder of keys that is no person."""

    id: str
    name: str
    tenant_id: str = ""
    department_id: str | None = None
    team_id: str | None = None
    suspended_at: str | None = None
    keys: int = 0
    version: int = 1


class Made(msgspec.Struct, frozen=True):
    """A new value. `previous_until`: how long the one before works, after a rotation."""

    id: str
    name: str
    key: str
    key_prefix: str = ""
    expires_at: str | None = None
    previous_until: str | None = None

    def __repr__(self) -> str:  # it must not reach a log through a repr
        return f"Made({self.id!r})"


class Ended(msgspec.Struct, frozen=True):
    """A key revoked by its value. `only_previous`: what was before its last rotation; the newer value goes on."""

    id: str
    key_prefix: str
    only_previous: bool = False


def made_of(body: Any) -> Made | None:
    """None where it can't be read."""
    try:
        return msgspec.convert(body, Made)
    except msgspec.ValidationError:
        return None


def ended_of(body: Any) -> Ended | None:
    try:
        return msgspec.convert(body, Ended)
    except msgspec.ValidationError:
        return None


class Keys:
    """`state`: which keys were asked for; empty: all of them."""

    def __init__(self) -> None:
        self.state = "active"
        self.keys = Listed(ApiKey)
        self.accounts = Listed(ServiceAccount)
        self.organisation = Organisation()
        self._people: dict[str, User | None] = {}

    @property
    def told(self) -> bool:
        return self.keys.told and self.accounts.told

    def take_person(self, user_id: str, body: Any) -> None:
        """A holder; None: there is no such account any more."""
        try:
            found = None if body is None else msgspec.convert(body, User)
        except msgspec.ValidationError:
            return
        while len(self._people) >= NAMED_MAX:
            del self._people[next(iter(self._people))]
        self._people[user_id] = found

    def unnamed(self, most: int) -> list[str]:
        """Holders of keys that are shown, whose names aren't known yet."""
        wanted = dict.fromkeys(one.user_id for one in self.keys.items if one.user_id and one.user_id not in self._people)
        return [user_id for user_id in wanted if user_id][:most]

    def person(self, user_id: str | None) -> User | None:
        return self._people.get(user_id or "")

    def holder(self, key: ApiKey) -> tuple[str, str]:
        """Whose it is: a name, and what kind of holder that is."""
        if key.service_account_id is not None:
            account = self.accounts.get(key.service_account_id)
            return (one_line(account.name) if account else "Service account", "service account")
        if key.user_id is None:
            return "Nobody", "a program"
        person = self.person(key.user_id)
        if person is not None:
            return one_line(person.name), one_line(person.email)
        return ("Deleted account", "") if key.user_id in self._people else ("…", "")

    def is_stopped(self, key: ApiKey) -> bool:
        """Its holder is suspended: so is the key."""
        account = self.accounts.get(key.service_account_id) if key.service_account_id else None
        person = self.person(key.user_id)
        return any(one is not None and one.suspended_at is not None for one in (account, person))

    def found_keys(self, words: str = "") -> list[ApiKey]:
        return [one for one in self.keys.items if not words or has(words, self._told_of(one))]

    def _told_of(self, key: ApiKey) -> list[str]:
        return [key.name, key.key_prefix, key.environment, *self.holder(key), *key.scopes, *(key.models or ())]

    def found_accounts(self, words: str = "") -> list[ServiceAccount]:
        found = sorted(self.accounts.items, key=lambda one: (one.name.casefold(), one.id))
        return [one for one in found if not words or has(words, [one.name, self.organisation.place(one)])]
