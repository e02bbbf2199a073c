"""Keeps what the app knows of models true, and carries an admin's wishes to the gateway. HTTP goes through client.py."""

import time
from typing import Any
from urllib.parse import quote

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from gui.client import Failure
from gui.models_state import Job, Models, details_of
from gui.service import Service

MODELS, JOBS = "/api/v1/admin/models", "/api/v1/admin/jobs"
SETTLE_MS = 400  # events come in bursts: one question after them
LOOK_MS = 5_000  # a model's memory grows without an event
LOAD_MS = 600_000
UNREADABLE = Failure("the gateway that runs is of another version than this app", "update both, and start them again")


class ModelsWatch(QObject):
    """`changed` follows every change; `failed` tells why a wish wasn't fulfilled; `detailed` answers `ask_details`.

    Asks only while it `is_watched`. It lives as long as the service: an answer may come after the page has gone.
    """

    changed = Signal()
    failed = Signal(object)
    detailed = Signal(str, object)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.service = service
        self.models = Models()
        self.failure: Failure | None = None
        self.is_watched = False
        self._is_asking = self._ask_again = False
        self._home = ""
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self.ask)
        self._look = QTimer(self, interval=LOOK_MS)
        self._look.timeout.connect(self.ask)
        service.events.arrived.connect(self._event)
        service.events.lost.connect(self._settle.start)
        service.changed.connect(self._service_changed)

    def watch(self, *, on: bool) -> None:
        """A page that nobody sees asks nothing."""
        self.is_watched = on
        if on:
            self._look.start()
            self.ask()
        else:
            self._look.stop()

    def _service_changed(self) -> None:
        if self.service.phase in ("stopped", "starting") and self.models.told:
            self.models, self.failure, self._home = Models(), None, ""
        elif self.service.phase == "running" and self._home != self.service.client.url:
            self._home = self.service.client.url
            self.ask()
        self.changed.emit()

    def ask(self) -> None:
        """Ask for the list and the jobs; once more where something happened meanwhile."""
        if not self.is_watched or self.service.phase != "running":
            return
        if self._is_asking:
            self._ask_again = True
            return
        self._is_asking = True
        self.service.client.call("GET", MODELS, self._got_list, self._not_got)
        self.service.client.call("GET", JOBS, self._got_jobs, lambda _: None)

    def _got_list(self, body: Any) -> None:
        self.failure = None if self.models.take_list(body) else UNREADABLE
        self._asked()

    def _not_got(self, failure: Failure) -> None:
        self.failure = failure
        self._asked()

    def _got_jobs(self, body: Any) -> None:
        self.models.take_jobs(body, time.monotonic())
        self.changed.emit()

    def _asked(self) -> None:
        self._is_asking = False
        if self._ask_again:
            self._ask_again = False
            self._settle.start()
        self.changed.emit()

    def _event(self, name: str, body: Any) -> None:
        if name not in ("model", "job", "dropped"):
            return
        if self.models.take_event(name, body, time.monotonic()):
            self._ask_again = self._is_asking
            self._settle.start()
        self.changed.emit()

    def wish(self, verb: str, model_id: str, body: Any = None) -> None:
        """load, unload, get, verify, bench or remove."""
        self.models.asked[model_id] = verb
        self.changed.emit()

        def done(answer: Any) -> None:
            self._fulfilled(answer, model_id)

        def failed(failure: Failure) -> None:
            self._fulfilled(None, model_id)
            self.failed.emit(failure)

        path = f"{MODELS}/{quote(model_id, safe='')}"
        method, path = ("DELETE", path) if verb == "remove" else ("POST", f"{path}/{verb}")
        self.service.client.call(method, path, done, failed, body, deadline_ms=LOAD_MS)

    def _fulfilled(self, answer: Any, model_id: str) -> None:
        self.models.asked.pop(model_id, None)
        self._take_job(answer)
        self._settle.start()
        self.changed.emit()

    def _take_job(self, answer: Any) -> None:
        """An answer that is a job is shown before its first event comes."""
        try:
            self.models.take_job(msgspec.convert(answer, Job), time.monotonic())
        except msgspec.ValidationError:
            return  # a model, or nothing
        self.changed.emit()

    def get(self, model_id: str, source: str | None = None) -> None:
        self.wish("get", model_id, {"source": source})

    def add(self, path: str, model_id: str, *, link: bool) -> None:
        body = {"path": path, "id": model_id or None, "link": link}
        self.service.client.call("POST", MODELS, self._take_job, self.failed.emit, body)

    def bring_in(self, source: str, path: str | None = None) -> None:
        """Adopt the models of Ollama, LM Studio or a folder."""
        self.service.client.call("POST", f"{MODELS}/import", self._take_job, self.failed.emit, {"from": source, "path": path})

    def cancel(self, job_id: str) -> None:
        self.service.client.call("DELETE", f"{JOBS}/{quote(job_id, safe='')}", self._take_job, self.failed.emit)

    def ask_details(self, model_id: str) -> None:
        def read(body: Any) -> None:
            found = details_of(body)
            if found is None:
                self.failed.emit(UNREADABLE)
            else:
                self.detailed.emit(model_id, found)

        self.service.client.call("GET", f"{MODELS}/{quote(model_id, safe='')}", read, self.failed.emit)
