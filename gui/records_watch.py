"""What pages of long lists have in common: lists by pages, and wishes that say which version they saw."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from PySide6.QtCore import Signal

from gui.client import Failed, Failure
from gui.listed_state import Listed, page_of
from gui.people_state import Organisation, users_of
from gui.service import Service
from gui.watch import UNREADABLE, Watch

ADMIN = "/api/v1/admin"
DEPARTMENTS, TEAMS, USERS = (f"{ADMIN}/{name}" for name in ("departments", "teams", "users"))
_ORGANISATION = (DEPARTMENTS, TEAMS, f"{ADMIN}/tenants")
PAGE_ITEMS = 200
UNITS_MAX = 2_000  # of short lists: service accounts, invitations, departments, teams, organisations, of each
LOOK_MS = 15_000  # what others change is told by no event
WISH_MS = 20_000
CHANGED_MEANWHILE = 412
OTHERWISE_NOW = (404, 409, CHANGED_MEANWHILE)  # the list is not what it was
Pages = Callable[[list[Any], str | None], None]
Query = Mapping[str, str]


class RecordsWatch(Watch):
    """The beginning of a long list is asked for again and again, what follows when `more` is wanted.

    `answered` answers `send`, by its ticket; `found` answers `find_people`. `asked`: what is under way, by id. `listed`,
    `_list_path` and `_query` say which list it is: each page's own.
    """

    answered = Signal(str, object, object)
    found = Signal(str, object, bool)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.asked: dict[str, str] = {}
        self.more_failure: Failure | None = None
        self.is_getting_more = False
        self._wants_whole = False
        self._look.setInterval(LOOK_MS)

    @property
    def listed(self) -> Listed[Any]:
        """The long list, as far as it has come."""
        raise NotImplementedError

    @property
    def _list_path(self) -> str:
        raise NotImplementedError

    @property
    def _query(self) -> Query:
        raise NotImplementedError

    def _got_list(self) -> None:
        """More of it has come."""

    # Lists

    def ask_anew(self) -> None:
        """Everything, also what was got below: for who asks by hand."""
        self._wants_whole = True
        self.ask()

    def _begin_again(self) -> None:
        """Another list is wanted, or none."""
        self.more_failure, self.is_getting_more = None, False

    def _ask_list(self, then: Callable[[], None]) -> None:
        """Its first page; `then` asks on."""
        listed = self.listed
        is_whole, self._wants_whole = self._wants_whole, False

        def got(items: list[Any], cursor: str | None) -> None:
            if listed is not self.listed:  # another one was wanted meanwhile
                self._ask_again = True
            elif not (listed.take if is_whole else listed.renew)(items, cursor):
                self._not_got(UNREADABLE)
                return
            self.changed.emit()
            then()

        self.list_pages(self._list_path, self._query, PAGE_ITEMS, got)

    def _ask_organisation(self, organisation: Organisation, then: Callable[[], None]) -> None:
        """Departments, teams and organisations, one after another."""
        got: list[list[Any]] = []

        def take(items: list[Any], _: str | None) -> None:
            got.append(items)
            if len(got) < len(_ORGANISATION):
                self.list_pages(_ORGANISATION[len(got)], {}, UNITS_MAX, take)
            elif not organisation.take(*got):
                self._not_got(UNREADABLE)
            else:
                then()

        self.list_pages(_ORGANISATION[0], {}, UNITS_MAX, take)

    def more(self) -> None:
        """The next page of the long list."""
        listed, cursor = self.listed, self.listed.cursor
        if cursor is None or self.is_getting_more or self.service.phase != "running":
            return

        def got(items: list[Any], following: str | None) -> None:
            if listed is not self.listed:
                return
            self.is_getting_more = False
            if listed.cursor == cursor and not listed.add(items, following):
                self.more_failure = UNREADABLE
            self._got_list()
            self.changed.emit()

        def failed(failure: Failure) -> None:
            if listed is self.listed:
                self.is_getting_more, self.more_failure = False, failure
                self.changed.emit()

        self.is_getting_more, self.more_failure = True, None
        self.list_pages(self._list_path, self._query, 1, got, cursor, failed)
        self.changed.emit()

    def list_pages(
        self, path: str, query: Query, wanted: int, then: Pages, cursor: str | None = None, failed: Failed | None = None
    ) -> None:
        """From the beginning, or from a cursor, until `wanted` items are there. Ends in `then`, or in `failed` (`_not_got`).

        query: with a `limit` of its own where PAGE_ITEMS of these items are more than an answer may be (client.py).
        """
        found: list[Any] = []
        not_got = failed or self._not_got

        def ask(at: str | None) -> None:
            asked = urlencode({**query, "limit": query.get("limit", PAGE_ITEMS), **({"cursor": at} if at else {})})
            self.service.client.call("GET", f"{path}?{asked}", got, not_got)

        def got(body: Any) -> None:
            page = page_of(body)
            if page is None:
                not_got(UNREADABLE)
                return
            found.extend(page[0])
            if page[1] and page[0] and len(found) < wanted:
                ask(page[1])
            else:
                then(found, page[1])

        ask(cursor)

    def find_people(self, words: str) -> None:
        """`found` tells the words, those who have them in their name or address (or a Failure), and whether there are more."""

        def got(items: list[Any], cursor: str | None) -> None:
            self._met(items)
            self.found.emit(words, users_of(items), cursor is not None)

        self.list_pages(
            USERS, {"q": words} if words else {}, 1, got, failed=lambda failure: self.found.emit(words, failure, False)
        )

    def _met(self, people: list[Any]) -> None:
        """Some came by, for who keeps their names."""

    # Wishes

    def send(self, ticket: str, method: str, path: str, body: Any = None, *, version: int | None = None) -> None:
        """For a dialog: `answered` tells the answer, or the failure."""

        def done(answer: Any) -> None:
            self._settle.start()
            self.answered.emit(ticket, answer, None)

        def failed(failure: Failure) -> None:
            if failure.status in OTHERWISE_NOW:
                self.ask()
            self.answered.emit(ticket, None, in_plain_words(failure))

        self.service.client.call(method, path, done, failed, body, deadline_ms=WISH_MS, version=version)

    def wish(self, its_id: str, verb: str, method: str, path: str, body: Any = None, *, version: int | None = None) -> None:
        """For a button: the row says that it is under way; a refusal is told by `failed`."""
        self.asked[its_id] = verb
        self.changed.emit()

        def ended(answer: Any) -> None:
            self.asked.pop(its_id, None)
            self._fulfilled(its_id, verb, answer)
            self._settle.start()
            self.changed.emit()

        def failed(failure: Failure) -> None:
            self.asked.pop(its_id, None)
            self.ask()
            self.changed.emit()
            self.failed.emit(in_plain_words(failure))

        self.service.client.call(method, path, ended, failed, body, deadline_ms=WISH_MS, version=version)

    def _fulfilled(self, its_id: str, verb: str, answer: Any) -> None:
        """What the answer says can be shown at once."""
        raise NotImplementedError

    def _event(self, name: str, body: Any) -> None:
        """Nothing here is told by events; what they missed is asked for."""
        if name == "dropped":
            self._heard(is_news=True)


def in_plain_words(failure: Failure) -> Failure:
    """The gateway tells programs of versions and headers; people are told what happened."""
    if failure.status != CHANGED_MEANWHILE:
        return failure
    return Failure(
        "somebody else changed it meanwhile, so nothing of yours was saved",
        "The list shows it as it is now: look at it and try again",
        CHANGED_MEANWHILE,
    )


def at(path: str, its_id: str, verb: str = "") -> str:
    return f"{path}/{quote(its_id, safe='')}{verb}"
