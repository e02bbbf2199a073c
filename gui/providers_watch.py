"""Keeps what the app knows of providers and routes true, and carries an admin's wishes to the gateway, through client.py."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from PySide6.QtCore import QObject, QTimer, Signal

from gui.client import Failure
from gui.providers_state import Providers, Route, Tried, explanation_of, imported_of, tried_of
from gui.service import Service

PROVIDERS, ROUTES, MODELS = "/api/v1/admin/providers", "/api/v1/admin/routes", "/api/v1/admin/models"
TOML = "application/toml"
SETTLE_MS = 400  # events come in bursts: one question after them
TEST_MS = 20_000  # the gateway itself gives up after 15 s
PAGE_ITEMS, PAGES_MAX = 200, 10
LOOK_MS = 5_000  # a circuit lets a request try again without an event
ROUTES_LOOKED_AT_MAX = 20  # at a time; the chosen one is always
FILE_BYTES_MAX = 1024 * 1024
UNREADABLE = Failure("the gateway that runs is of another version than this app", "update both, and start them again")


class ProvidersWatch(QObject):
    """`changed` follows every change; `failed` tells why a wish wasn't fulfilled; `answered` answers `send`, by its ticket.

    Asks only while it `is_watched`. It lives as long as the service: an answer may come after the page or a dialog has gone.
    """

    changed = Signal()
    failed = Signal(object)
    answered = Signal(str, object, object)
    explained = Signal(str, object)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.service = service
        self.providers = Providers()
        self.failure: Failure | None = None
        self.local_models: list[str] = []
        self.is_watched = False
        self._is_asking = self._ask_again = False
        self._looked_at: set[tuple[str, ...]] = set()
        self._home = ""
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self.ask)
        self._look = QTimer(self, interval=LOOK_MS)
        self._look.timeout.connect(self._look_again)
        service.events.arrived.connect(self._event)
        service.events.lost.connect(self._settle.start)
        service.changed.connect(self._service_changed)

    def watch(self, *, on: bool) -> None:
        """A page that nobody sees asks nothing."""
        self.is_watched = on
        if on:
            self._looked_at.clear()
            self._look.start()
            self.ask()
        else:
            self._look.stop()

    def _service_changed(self) -> None:
        if self.service.phase in ("stopped", "starting") and self.providers.told:
            self.providers, self.failure, self._home = Providers(), None, ""
            self._looked_at.clear()
        elif self.service.phase == "running" and self._home != self.service.client.url:
            self._home = self.service.client.url
            self.ask()
        self.changed.emit()

    # The lists

    def ask(self) -> None:
        """Ask for both lists; once more where something happened meanwhile."""
        if not self.is_watched or self.service.phase != "running":
            return
        if self._is_asking:
            self._ask_again = True
            return
        self._is_asking = True
        self._all(PROVIDERS, lambda found: self._all(ROUTES, lambda routes: self._got(found, routes)))

    def _all(self, path: str, then: Callable[[list[Any]], None]) -> None:
        """Page after page."""
        found: list[Any] = []

        def ask(cursor: str, left: int) -> None:
            asked = urlencode({"limit": PAGE_ITEMS, **({"cursor": cursor} if cursor else {})})
            self.service.client.call("GET", f"{path}?{asked}", lambda body: got(body, left), self._not_got)

        def got(body: Any, left: int) -> None:
            try:
                found.extend(body["items"])
                following = body["next_cursor"]
            except (TypeError, KeyError):
                self._not_got(UNREADABLE)
                return
            if following and left > 1:
                ask(str(following), left - 1)
            else:
                then(found)

        ask("", PAGES_MAX)

    def _got(self, providers: list[Any], routes: list[Any]) -> None:
        self.failure = None if self.providers.take_lists(providers, routes) else UNREADABLE
        if self.failure is None:
            for route in self.providers.routes()[:ROUTES_LOOKED_AT_MAX]:
                self.look_once(route)
        self._asked()

    def _not_got(self, failure: Failure) -> None:
        self.failure = failure
        self._asked()

    def _asked(self) -> None:
        self._is_asking = False
        if self._ask_again:
            self._ask_again = False
            self._settle.start()
        self.changed.emit()

    def _event(self, name: str, body: Any) -> None:
        if name not in ("routes", "circuit", "dropped"):
            return
        if self.providers.take_event(name, body):
            self._ask_again = self._is_asking
            self._settle.start()
        self.changed.emit()

    # Wishes

    def send(self, ticket: str, method: str, path: str, body: Any = None) -> None:
        """For a dialog: `answered` tells the answer, or the failure."""

        def done(answer: Any) -> None:
            self._settle.start()
            self.answered.emit(ticket, answer, None)

        self.service.client.call(
            method, path, done, lambda failure: self.answered.emit(ticket, None, failure), body, deadline_ms=TEST_MS
        )

    def test(self, provider_id: str) -> None:
        """With the key that is kept."""
        self.providers.asked[provider_id] = "test"
        self.changed.emit()

        def done(body: Any) -> None:
            self.providers.asked.pop(provider_id, None)
            tried = tried_of(body)
            self.providers.take_tried(provider_id, tried if tried is not None else _as_tried(UNREADABLE))
            self.changed.emit()

        def failed(failure: Failure) -> None:
            self.providers.asked.pop(provider_id, None)
            self.providers.take_tried(provider_id, _as_tried(failure))
            self.changed.emit()

        path = f"{PROVIDERS}/{quote(provider_id, safe='')}/test"
        self.service.client.call("POST", path, done, failed, deadline_ms=TEST_MS)

    def remove(self, path: str, its_id: str) -> None:
        """A provider or a route: `path` is PROVIDERS or ROUTES."""
        self.providers.asked[its_id] = "remove"
        self.changed.emit()

        def ended(_: Any) -> None:
            self.providers.asked.pop(its_id, None)
            self._settle.start()
            self.changed.emit()

        def failed(failure: Failure) -> None:
            ended(None)
            self.failed.emit(failure)

        self.service.client.call("DELETE", f"{path}/{quote(its_id, safe='')}", ended, failed)

    # Looking

    def look_once(self, route: Route) -> None:
        """Its circuits, unless they have been asked for since the page was opened; events tell what comes after."""
        key = (route.name, *(one.name for one in route.deployments))
        if key not in self._looked_at and self.service.phase == "running":
            self._looked_at.add(key)
            self._ask_circuits(route)

    def _look_again(self) -> None:
        """Where something was left alone: has its time come?"""
        if self.service.phase == "running":
            for route in self.providers.routes_with_open_circuits()[:ROUTES_LOOKED_AT_MAX]:
                self._ask_circuits(route)

    def _ask_circuits(self, route: Route) -> None:
        """Quietly: a route that can't be explained shows so by its own problems."""
        self.service.client.call("POST", f"{ROUTES}/explain", self._got_circuits, lambda _: None, {"model": route.name})

    def _got_circuits(self, body: Any) -> None:
        found = explanation_of(body)
        if found is not None:
            self.providers.take_explanation(found)
            self.changed.emit()

    def explain(self, model: str) -> None:
        """`explained` tells an Explanation, or a Failure."""

        def done(body: Any) -> None:
            self._got_circuits(body)
            self.explained.emit(model, explanation_of(body) or UNREADABLE)

        def failed(failure: Failure) -> None:
            self.explained.emit(model, failure)

        self.service.client.call("POST", f"{ROUTES}/explain", done, failed, {"model": model})

    def ask_local_models(self) -> None:
        """This machine's, for a route's deployments."""

        def done(body: Any) -> None:
            items = body.get("items", []) if isinstance(body, dict) else []
            self.local_models = [str(one["id"]) for one in items if one.get("id") and one.get("state") != "not_here"]
            self.changed.emit()

        self.service.client.call("GET", MODELS, done, lambda _: None)

    # Files

    def take_in(self, file: bytes, told: Callable[[Any], None], *, dry_run: bool) -> None:
        """A TOML file of providers and routes; `told` what became of it, or would."""

        def done(body: Any) -> None:
            found = imported_of(body)
            self._settle.start()
            if found is None:
                self.failed.emit(UNREADABLE)
            else:
                told(found)

        path = f"{ROUTES}/import" + ("?dry_run=true" if dry_run else "")
        self.service.client.send_file(path, file, TOML, done, self.failed.emit)

    def give_out(self, told: Callable[[bytes], None]) -> None:
        """All providers and routes as a TOML file, without keys."""
        self.service.client.get_file(f"{ROUTES}/export", told, self.failed.emit)


def _as_tried(failure: Failure) -> Tried:
    """A test that couldn't be made."""
    tried = tried_of({"ok": False, "error": {"message": failure.message, "fix": failure.fix}})
    assert tried is not None
    return tried
