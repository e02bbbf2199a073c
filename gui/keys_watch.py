"""What the app knows of API keys and their holders, and an admin's wishes on their way to the gateway."""

from typing import Any

from gui.client import Failure
from gui.keys_state import ApiKey, Keys, ServiceAccount, key_of
from gui.listed_state import Listed
from gui.records_watch import ADMIN, PAGE_ITEMS, UNITS_MAX, USERS, Query, RecordsWatch, at
from gui.service import Service
from gui.watch import UNREADABLE

KEYS, ACCOUNTS = f"{ADMIN}/api-keys", f"{ADMIN}/service-accounts"
NAMES_AT_ONCE = 6


class KeysWatch(RecordsWatch):
    """API keys by pages; service accounts, departments and teams whole; holders' names one by one."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.keys = Keys()
        self.asked = self.keys.asked
        self._naming: set[str] = set()

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
        self._begin_again()

    # The lists

    def ask_anew(self) -> None:
        self.keys.age_people()
        super().ask_anew()

    def narrow(self, to: str) -> None:
        if self.keys.narrow(to):
            self._begin_again()
            self.ask()
        self.changed.emit()

    @property
    def listed(self) -> Listed[ApiKey]:
        return self.keys.keys

    @property
    def _list_path(self) -> str:
        return KEYS

    @property
    def _query(self) -> Query:
        return {"state": self.keys.asked_state} if self.keys.asked_state else {}

    def _got_list(self) -> None:
        self._name_holders()

    def _send_questions(self) -> None:
        known = self.keys

        def accounts() -> None:
            self.list_pages(ACCOUNTS, {}, UNITS_MAX, got_accounts)

        def got_accounts(items: list[Any], cursor: str | None) -> None:
            if known.accounts.take(items, cursor):
                self._ask_organisation(known.organisation, people)
            else:
                self._not_got(UNREADABLE)

        def people() -> None:
            self.list_pages(USERS, {}, PAGE_ITEMS, got_people)

        def got_people(items: list[Any], _: str | None) -> None:
            known.take_people(items)
            self.failure = None
            self._name_holders()
            self._asked()

        self._ask_list(accounts)

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

    def _met(self, people: list[Any]) -> None:
        self.keys.take_people(people)

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
