"""What pages of long lists have in common: lists by pages, and wishes that say which version they saw."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from PySide6.QtCore import Signal

from gui.client import Failed, Failure
from gui.listed_state import page_of
from gui.service import Service
from gui.watch import UNREADABLE, Watch

ADMIN = "/api/v1/admin"
PAGE_ITEMS = 200
WISH_MS = 20_000
CHANGED_MEANWHILE = 412
OTHERWISE_NOW = (404, 409, CHANGED_MEANWHILE)  # the list is not what it was
Pages = Callable[[list[Any], str | None], None]
Query = Mapping[str, str]


class RecordsWatch(Watch):
    """`answered` answers `send`, by its ticket. `asked`: what is under way, by id."""

    answered = Signal(str, object, object)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.asked: dict[str, str] = {}

    def list_pages(
        self, path: str, query: Query, wanted: int, then: Pages, cursor: str | None = None, failed: Failed | None = None
    ) -> None:
        """From the beginning, or from a cursor, until `wanted` items are there. Ends in `then`, or in `failed` (`_not_got`)."""
        found: list[Any] = []
        not_got = failed or self._not_got

        def ask(at: str | None) -> None:
            asked = urlencode({**query, "limit": PAGE_ITEMS, **({"cursor": at} if at else {})})
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
