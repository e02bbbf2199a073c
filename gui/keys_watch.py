"""What the app knows of API keys and their holders, and an admin's wishes on their way to the gateway."""

from typing import Any

from PySide6.QtCore import Signal

from gui.client import Failure
from gui.keys_state import ApiKey, Keys, ServiceAccount, key_of
from gui.records_watch import ADMIN, PAGE_ITEMS, Query, RecordsWatch, at
from gui.service import Service
from gui.watch import UNREADABLE

KEYS, ACCOUNTS, USERS = f"{ADMIN}/api-keys", f"{ADMIN}/service-accounts", f"{ADMIN}/users"
UNITS_MAX = 2_000  # service accounts, departments, teams, organisations: of each
NAMES_AT_ONCE = 6
LOOK_MS = 15_000  # keys that others make are told by no event


class KeysWatch(RecordsWatch):
    """The list's beginning is asked for again and again, what follows when `more` is wanted. `found` answers `find_people`."""

    found = Signal(str, object, bool)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.keys = Keys()
        self.asked = self.keys.asked
        self.more_failure: Failure | None = None
        self.is_getting_more = False
        self._naming: set[str] = set()
        self._wants_whole = False
        self._look.setInterval(LOOK_MS)

    def watch(self, *, on: bool) -> None:
        if on:
            self.keys.age_people()
        super().watch(on=on)

    def _knows_something(self) -> bool:
        return self.keys.told

    def _forget(self) -> None:
        narrowed = self.keys.narrowed
        self.keys = Keys()
        self.keys.narrowed, self.asked = narrowed, self.keys.asked
        self.more_failure, self.is_getting_more = None, False

    # The lists

    def ask_anew(self) -> None:
        """Everything, also what was got below: for who asks by hand."""
        self._wants_whole = True
        self.keys.age_people()
        self.ask()

    def narrow(self, to: str) -> None:
        if self.keys.narrow(to):
            self.more_failure, self.is_getting_more = None, False
            self.ask()
        self.changed.emit()

    @property
    def _query(self) -> Query:
        return {"state": self.keys.asked_state} if self.keys.asked_state else {}

    def _send_questions(self) -> None:
        known, listed = self.keys, self.keys.keys
        is_whole, self._wants_whole = self._wants_whole, False

        def got_keys(items: list[Any], cursor: str | None) -> None:
            if listed is not self.keys.keys:  # another list was wanted meanwhile
                self._ask_again = True
            elif not (listed.take if is_whole else listed.renew)(items, cursor):
                self._not_got(UNREADABLE)
                return
            self.changed.emit()
            self.list_pages(ACCOUNTS, {}, UNITS_MAX, got_accounts)

        def got_accounts(items: list[Any], cursor: str | None) -> None:
            if not known.accounts.take(items, cursor):
                self._not_got(UNREADABLE)
                return
            self._ask_organisation(known)

        self.list_pages(KEYS, self._query, PAGE_ITEMS, got_keys)

    def _ask_organisation(self, known: Keys) -> None:
        got: list[list[Any]] = []
        paths = [f"{ADMIN}/{name}" for name in ("departments", "teams", "tenants")]

        def take(items: list[Any], _: str | None) -> None:
            got.append(items)
            if len(got) < len(paths):
                self.list_pages(paths[len(got)], {}, UNITS_MAX, take)
            elif not known.organisation.take(*got):
                self._not_got(UNREADABLE)
            else:
                self.list_pages(USERS, {}, PAGE_ITEMS, people)

        def people(items: list[Any], _: str | None) -> None:
            known.take_people(items)
            self.failure = None
            self._name_holders()
            self._asked()

        self.list_pages(paths[0], {}, UNITS_MAX, take)

    def more(self) -> None:
        """The next page of keys."""
        listed, cursor = self.keys.keys, self.keys.keys.cursor
        if cursor is None or self.is_getting_more or self.service.phase != "running":
            return

        def got(items: list[Any], following: str | None) -> None:
            if listed is not self.keys.keys:
                return
            self.is_getting_more = False
            if listed.cursor == cursor and not listed.add(items, following):
                self.more_failure = UNREADABLE
            self._name_holders()
            self.changed.emit()

        def failed(failure: Failure) -> None:
            if listed is self.keys.keys:
                self.is_getting_more, self.more_failure = False, failure
                self.changed.emit()

        self.is_getting_more, self.more_failure = True, None
        self.list_pages(KEYS, self._query, 1, got, cursor, failed)
        self.changed.emit()

    def _name_holders(self) -> None:
        """Some at a time; one that can't be got is asked for with the next list."""
        known = self.keys
        for user_id in known.unnamed(NAMES_AT_ONCE - len(self._naming), self._naming):
            self._naming.add(user_id)
            self._ask_name(known, user_id)

    def _ask_name(self, known: Keys, user_id: str) -> None:
        def named(body: Any) -> None:
            self._naming.discard(user_id)
            known.take_person(user_id, body)
            if not self._naming:
                self.changed.emit()
            self._name_holders()

        def failed(failure: Failure) -> None:
            if failure.status == 404:
                named(None)
            else:
                self._naming.discard(user_id)

        self.service.client.call("GET", at(USERS, user_id), named, failed)

    @property
    def endpoints(self) -> list[str]:
        """Where programs reach the gateway."""
        told = (self.service.overview or {}).get("endpoints") or [f"{self.service.client.url}/v1"]
        return [str(one) for one in told]

    @property
    def offered(self) -> list[str]:
        """Names that programs may ask for."""
        return [str(one) for one in (self.service.overview or {}).get("models") or []]

    # Wishes

    def find_people(self, words: str) -> None:
        """`found` tells the words, those who have them in their name or address (or a Failure), and whether there are more."""

        def got(items: list[Any], cursor: str | None) -> None:
            self.keys.take_people(items)
            people = [self.keys.person(str(one.get("id"))) for one in items if isinstance(one, dict)]
            self.found.emit(words, [one for one in people if one is not None], cursor is not None)

        self.list_pages(
            USERS, {"q": words} if words else {}, 1, got, failed=lambda failure: self.found.emit(words, failure, False)
        )

    def revoke(self, key: ApiKey) -> None:
        self.wish(key.id, "revoke", "DELETE", at(KEYS, key.id))

    def change_account(self, account: ServiceAccount, *, suspended: bool) -> None:
        verb = "suspend" if suspended else "resume"
        self.wish(account.id, verb, "PATCH", at(ACCOUNTS, account.id), {"suspended": suspended}, version=account.version)

    def delete_account(self, account: ServiceAccount) -> None:
        self.wish(account.id, "delete", "DELETE", at(ACCOUNTS, account.id), version=account.version)

    def _fulfilled(self, its_id: str, verb: str, answer: Any) -> None:
        if verb == "revoke":
            self.look_at(its_id)
        elif verb == "delete":
            self.keys.accounts.drop(its_id)
            self._drop_keys_of(its_id)
        else:
            self.keys.accounts.put(answer)

    def _drop_keys_of(self, account_id: str) -> None:
        listed = self.keys.keys
        listed.items = [one for one in listed.items if one.service_account_id != account_id]

    def look_at(self, key_id: str) -> None:
        """One key as it is now, wherever in the list it stands."""
        listed = self.keys.keys

        def got(body: Any) -> None:
            key = key_of(body)
            if key is not None and self.keys.asked_state in ("", key.state):
                listed.put(body)
            else:
                listed.drop(key_id)
            self.changed.emit()

        self.service.client.call("GET", at(KEYS, key_id), got, lambda _: None)
