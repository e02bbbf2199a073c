"""What the app knows of models, and an admin's wishes on their way to the gateway."""

import time
from typing import Any
from urllib.parse import quote

import msgspec
from PySide6.QtCore import Signal

from gui.client import Failure
from gui.models_state import Job, Models, details_of
from gui.service import Service
from gui.watch import UNREADABLE, Watch

MODELS, JOBS = "/api/v1/admin/models", "/api/v1/admin/jobs"
LOAD_MS = 600_000


class ModelsWatch(Watch):
    """The models and the jobs. `detailed` answers `ask_details`."""

    detailed = Signal(str, object)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.models = Models()

    def _knows_something(self) -> bool:
        return self.models.told

    def _forget(self) -> None:
        self.models = Models()

    def _send_questions(self) -> None:
        self.service.client.call("GET", MODELS, self._got_list, self._not_got)
        self.service.client.call("GET", JOBS, self._got_jobs, lambda _: None)

    def _got_list(self, body: Any) -> None:
        self.failure = None if self.models.take_list(body) else UNREADABLE
        self._asked()

    def _got_jobs(self, body: Any) -> None:
        self.models.take_jobs(body, time.monotonic())
        self.changed.emit()

    def _event(self, name: str, body: Any) -> None:
        if name not in ("model", "job", "dropped"):
            return
        self._heard(is_news=self.models.take_event(name, body, time.monotonic()))

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
