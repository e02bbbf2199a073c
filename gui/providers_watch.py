"""What the app knows of providers and routes, and an admin's wishes on their way to the gateway."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from PySide6.QtCore import Signal

from gui.client import Failure
from gui.providers_state import Providers, Route, Tried, explanation_of, imported_of, tried_of
from gui.service import Service
from gui.watch import UNREADABLE, Watch

PROVIDERS, ROUTES, MODELS = "/api/v1/admin/providers", "/api/v1/admin/routes", "/api/v1/admin/models"
TOML = "application/toml"
TEST_MS = 20_000  # the gateway itself gives up after 15 s
PAGE_ITEMS, PAGES_MAX = 200, 10
ROUTES_LOOKED_AT_MAX = 20  # at a time; the chosen one is always
FILE_BYTES_MAX = 1024 * 1024


class ProvidersWatch(Watch):
    """Providers, and routes with their circuits. `answered` answers `send`, by its ticket; `explained` answers `explain`."""

    answered = Signal(str, object, object)
    explained = Signal(str, object)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.providers = Providers()
        self.local_models: list[str] = []
        self._looked_at: set[tuple[str, ...]] = set()

    def watch(self, *, on: bool) -> None:
        if on:
            self._looked_at.clear()
        super().watch(on=on)

    def _knows_something(self) -> bool:
        return self.providers.told

    def _forget(self) -> None:
        self.providers = Providers()
        self._looked_at.clear()

    # The lists

    def _send_questions(self) -> None:
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

    def _event(self, name: str, body: Any) -> None:
        if name not in ("routes", "circuit", "dropped"):
            return
        self._heard(is_news=self.providers.take_event(name, body))

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
