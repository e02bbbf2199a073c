"""API keys and service accounts as the app knows them, without Qt: the last lists, and whose each key is."""

from collections.abc import Collection
from typing import Any

import msgspec

from gui.listed_state import Listed, has
from gui.people_state import Organisation, User
from gui.plain_text import one_line

NAMED_MAX = 20_000  # holders whose names are kept
# What the list may be narrowed to, and what the gateway is asked for then. It knows nothing of the two in the middle as states.
FILTERS = {
    "active": ("Active", "active"),
    "stopped": ("Holder suspended", "active"),
    "rotating": ("Being rotated", "active"),
    "expired": ("Expired", "expired"),
    "revoked": ("Revoked", "revoked"),
    "": ("All", ""),
}

SIFTED = ("stopped", "rotating")
NONE_WORDS = {
    "stopped": "No key is stopped by a suspended holder.",
    "rotating": "No key is being rotated: no older value works any more.",
    "expired": "No key has expired.",
    "revoked": "No key was revoked.",
}


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
    """A holder of keys that is no person. `keys`: revoked ones too."""

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


def key_of(body: Any) -> ApiKey | None:
    try:
        return msgspec.convert(body, ApiKey)
    except msgspec.ValidationError:
        return None


class Keys:
    """`narrowed`: to what of FILTERS. `asked`: what is under way, by id. Names of holders come one by one."""

    def __init__(self) -> None:
        self.narrowed = "active"
        self.keys = Listed(ApiKey)
        self.accounts = Listed(ServiceAccount)
        self.organisation = Organisation()
        self.asked: dict[str, str] = {}
        self._people: dict[str, User | None] = {}
        self._fresh: set[str] = set()
        self._named: dict[str, tuple[Any, tuple[str, str]]] = {}
        self._texts: dict[str, tuple[Any, str]] = {}

    @property
    def told(self) -> bool:
        return self.accounts.told and self.organisation.told

    @property
    def asked_state(self) -> str:
        return FILTERS[self.narrowed][1]

    def narrow(self, to: str) -> bool:
        """Whether another list must be asked for."""
        before, self.narrowed = self.asked_state, to
        if self.asked_state == before:
            return False
        self.keys = Listed(ApiKey)
        return True

    # Holders

    def take_people(self, items: list[Any]) -> None:
        for one in items:
            if isinstance(one, dict):
                self.take_person(str(one.get("id")), one)

    def take_person(self, user_id: str, body: Any) -> None:
        """A holder; None: there is no such account any more."""
        try:
            found = None if body is None else msgspec.convert(body, User)
        except msgspec.ValidationError:
            return
        while len(self._people) >= NAMED_MAX:
            del self._people[next(iter(self._people))]
        self._people[user_id] = found
        self._fresh.add(user_id)

    def age_people(self) -> None:
        """Those who are known are shown as they were until they are asked for again: one may be suspended since."""
        self._fresh.clear()

    def unnamed(self, most: int, but: Collection[str] = ()) -> list[str]:
        """Holders of keys in the list of whom nothing is known, or nothing new."""
        if most <= 0 or len(self._fresh) >= NAMED_MAX:
            return []
        wanted = dict.fromkeys(one.user_id for one in self.keys.items if one.user_id and one.user_id not in self._fresh)
        return [user_id for user_id in wanted if user_id and user_id not in but][:most]

    def person(self, user_id: str | None) -> User | None:
        return self._people.get(user_id or "")

    def holder(self, key: ApiKey) -> tuple[str, str]:
        """Whose it is: a name, and what kind of holder that is."""
        if key.service_account_id is not None:
            account = self.accounts.get(key.service_account_id)
            return self._name(account, "service account") if account else ("Service account", "deleted")
        if key.user_id is None:
            return "Nobody's", "a program on its own"
        person = self.person(key.user_id)
        if person is not None:
            return self._name(person, person.email)
        return ("Deleted account", "") if key.user_id in self._people else ("…", "")

    def tenant(self, key: ApiKey) -> str:
        """Its holder's organisation, where there are several."""
        one = self.accounts.get(key.service_account_id) if key.service_account_id else self.person(key.user_id)
        return self.organisation.tenant_name(one.tenant_id) if one is not None else ""

    def _name(self, one: User | ServiceAccount, what: str) -> tuple[str, str]:
        """Made harmless once, not for each key at each look."""
        told, named = self._named.get(one.id, (None, ("", "")))
        if told is not one:
            named = one_line(one.name), one_line(what)
            self._named[one.id] = one, named
        return named

    def stopped_by(self, key: ApiKey) -> str:
        """Who is suspended, so that this key is stopped; empty: nobody."""
        if key.state != "active":
            return ""
        one = self.accounts.get(key.service_account_id) if key.service_account_id else self.person(key.user_id)
        return self.suspended_by(one) if one is not None else ""

    def suspended_by(self, one: ServiceAccount | User) -> str:
        if one.suspended_at is not None:
            return one_line(one.name)
        return self.organisation.suspended_above(one)

    # What is shown

    def found_keys(self, words: str = "", *, rotating: Collection[str] = ()) -> list[ApiKey]:
        """Of the list as far as it has come. `rotating`: ids of those that are."""
        found = self.keys.items
        if self.narrowed == "stopped":
            found = [one for one in found if self.stopped_by(one)]
        elif self.narrowed == "rotating":
            found = [one for one in found if one.id in rotating]
        return [one for one in found if has(words, [self._text(one)])] if words else found

    def is_partial(self, words: str) -> bool:
        """Whether what is sought may stand further down than the list has come."""
        return self.keys.cursor is not None and bool(words or self.narrowed in SIFTED)

    def sought(self, words: str) -> str:
        """What the list was narrowed to by words or by state, or nothing: then no line means that there is no key at all."""
        return words or ("" if self.keys.told and self.narrowed in ("active", "") else FILTERS[self.narrowed][0])

    def nothing_words(self, words: str, *, has_failed: bool = False) -> str:
        """What stands where there is no line. `has_failed`: the next page can't be got."""
        if has_failed and self.is_partial(words):
            return "Nothing was found among the keys that are here."
        if not self.keys.told or self.is_partial(words):
            return "Asking the gateway for its keys…"
        of = {"": "key", "active": "active key"}.get(self.narrowed, "key in this list")
        return f"No {of} has “{words}” in it." if words else NONE_WORDS.get(self.narrowed, "There is no key.")

    def partial_words(self, words: str, found: int) -> str:
        """How much of the list is here; nothing where it is all."""
        if self.keys.cursor is None:
            return ""
        count = f"the newest {len(self.keys.items):,} keys"
        return f"{found:,} found among {count}." if words or self.narrowed in SIFTED else f"These are {count}."

    def _text(self, key: ApiKey) -> str:
        """What is searched; kept, since ten thousand of them are searched at each letter that is typed."""
        holder = self.holder(key)
        told, text = self._texts.get(key.id, (None, ""))
        if told != (holder, key.version):
            parts = [key.name, key.key_prefix, key.environment, *holder, *key.scopes, *(key.models or ())]
            text = " ".join(parts).casefold()
            self._texts[key.id] = ((holder, key.version), text)
        return text

    def found_accounts(self, words: str = "") -> list[ServiceAccount]:
        found = sorted(self.accounts.items, key=lambda one: (one.name.casefold(), one.id))
        return [one for one in found if not words or has(words, [one.name, self.organisation.place(one)])]
