"""The models of this machine as the app knows them, without Qt: the last list, and the events that came since."""

import re
from typing import Any

import msgspec

from gui.plain_text import many_lines, one_line

JOBS_SHOWN_MAX = 4
ENDED_KEPT_MAX = 64
RATE_SECONDS_MIN = 1.0
DIGITS = "0123456789"


class Model(msgspec.Struct, frozen=True):
    """What this app reads of a model; more may stand there. `state` is not_here, unloaded, loading, ready or failed."""

    id: str
    title: str
    kind: str
    state: str
    origin: str
    bytes: int
    memory_bytes: int
    fits: bool
    licence: str | None = ""
    sha256: str | None = ""
    context_tokens: int | None = 0
    rss_bytes: int | None = None
    running: int = 0
    waiting: int = 0
    engine: str | None = None
    demonstration: bool = False
    good_for: str | None = ""
    last_failure: str | None = None
    added_at: str | None = None
    is_default: bool = False

    @property
    def is_here(self) -> bool:
        return self.state != "not_here"


class Need(msgspec.Struct, frozen=True):
    """Memory to run a model, by what it is for."""

    weights: int
    cache: int
    compute: int
    total: int


class Details(msgspec.Struct, frozen=True):
    """What GET …/models/{id} tells beyond the list, and how much it has to do now: the list is some seconds old."""

    architecture: str | None = ""
    name: str | None = ""
    tensors: int | None = 0
    tools: bool | None = False
    embedding_length: int | None = 0
    chat_template: str | None = ""
    path: str | None = None
    memory: Need | None = None
    running: int = 0
    waiting: int = 0


class Memory(msgspec.Struct, frozen=True):
    budget_bytes: int
    used_bytes: int
    machine_bytes: int


class Engine(msgspec.Struct, frozen=True):
    name: str | None = None
    version: str | None = None
    threads: int = 0
    reason: str = ""


class Job(msgspec.Struct, frozen=True):
    """Work that takes a while. `state` is running, done, failed or cancelled."""

    id: str
    kind: str
    model: str
    state: str
    done: int = 0
    total: int = 0
    unit: str = "steps"
    message: str = ""
    fix: str = ""
    result: Any = None
    started_at: str | None = None
    ended_at: str | None = None

    @property
    def is_running(self) -> bool:
        return self.state == "running"


class ModelList(msgspec.Struct, frozen=True):
    items: list[Model]
    memory: Memory
    engine: Engine


class JobList(msgspec.Struct, frozen=True):
    items: list[Job]


_TEXTS = (
    "title", "kind", "origin", "licence", "sha256", "engine", "good_for", "last_failure", "message", "fix", "architecture",
    "name", "version", "reason",
)  # fmt: skip


def _cleaned(made: Any) -> Any:
    """The same, with every text in it made harmless. An id is kept as it is: it is a name that the gateway gave."""
    texts = {name: one_line(text) for name in _TEXTS if isinstance(text := getattr(made, name, None), str)}
    return msgspec.structs.replace(made, **texts) if texts else made


def details_of(body: Any) -> Details | None:
    """None where it can't be read."""
    try:
        found: Details = msgspec.convert(body, Details)
    except msgspec.ValidationError:
        return None
    cleaned: Details = _cleaned(found)
    return msgspec.structs.replace(cleaned, chat_template=many_lines(found.chat_template or ""))


class Models:
    """All models and jobs. `told`: a list has come. `asked`: what this app has asked for and has no answer to, by model."""

    def __init__(self) -> None:
        self.told = False
        self.memory = Memory(0, 0, 0)
        self.engine = Engine()
        self.asked: dict[str, str] = {}
        self._models: dict[str, Model] = {}
        self._jobs: dict[str, Job] = {}  # oldest first
        self._begun: dict[str, tuple[float, int]] = {}  # when this app first saw a job, and how far it was
        self._dismissed: set[str] = set()
        self._jobs_told = False

    def take_list(self, body: Any) -> bool:
        """Whether it could be read."""
        try:
            found = msgspec.convert(body, ModelList)
        except msgspec.ValidationError:
            return False
        self._models = {model.id: _cleaned(model) for model in found.items}
        self.memory, self.engine = found.memory, _cleaned(found.engine)
        self.told = True
        return True

    def take_jobs(self, body: Any, now: float) -> bool:
        """Of the first list, only what still runs is shown, but a speed that was measured is remembered.

        What a later one has ended did so while this app looked: a job that fails at once is in it before its event comes.
        """
        try:
            found = msgspec.convert(body, JobList).items
        except msgspec.ValidationError:
            return False
        for job in reversed(found):
            if not self._jobs_told and job.id not in self._jobs and not job.is_running:
                self._dismissed.add(job.id)
            self.take_job(job, now)
        self._jobs_told = True
        return True

    def take_event(self, name: str, body: Any, now: float) -> bool:
        """Whether the whole list should be asked for anew: what one model takes, others lack."""
        try:
            if name == "model":
                return self._take_model(msgspec.convert(body, Model))
            if name == "job":
                return self.take_job(msgspec.convert(body, Job), now)
        except msgspec.ValidationError:
            return True
        return name == "dropped"

    def _take_model(self, model: Model) -> bool:
        before = self._models.get(model.id)
        self._models[model.id] = _cleaned(model)
        return before is None or (before.state, before.rss_bytes) != (model.state, model.rss_bytes)

    def take_job(self, job: Job, now: float) -> bool:
        """Whether it has just ended. An event from before its end that comes late changes nothing."""
        before = self._jobs.get(job.id)
        if before is not None and not before.is_running and job.is_running:
            return False
        self._jobs[job.id] = _cleaned(job)
        self._begun.setdefault(job.id, (now, job.done))
        self._forget_old()
        return not job.is_running and (before is None or before.is_running)

    def _forget_old(self) -> None:
        ended = [job.id for job in self._jobs.values() if not job.is_running]
        for old in ended[: max(0, len(ended) - ENDED_KEPT_MAX)]:
            del self._jobs[old]
            self._begun.pop(old, None)
            self._dismissed.discard(old)

    def get(self, model_id: str) -> Model | None:
        return self._models.get(model_id)

    def all(self) -> list[Model]:
        """Those that are here first, then by title: a model that is loaded keeps its place."""
        return sorted(self._models.values(), key=_place)

    def found(self, words: str) -> list[Model]:
        """Those in which every word stands somewhere."""
        wanted = words.casefold().split()
        return [model for model in self.all() if all(word in _searched(model) for word in wanted)]

    @property
    def loaded(self) -> list[Model]:
        return [model for model in self.all() if model.state == "ready"]

    def job_for(self, model_id: str) -> Job | None:
        """The one that works on this model now."""
        return next((job for job in self._jobs.values() if job.is_running and job.model == model_id), None)

    def shown_jobs(self) -> list[Job]:
        """What runs, and what ended while this app looked and wasn't put away; the newest last."""
        shown = [job for job in self._jobs.values() if job.is_running or job.id not in self._dismissed]
        ended = [job.id for job in shown if not job.is_running]
        room = max(0, JOBS_SHOWN_MAX - (len(shown) - len(ended)))
        put_away = set(ended[: max(0, len(ended) - room)])
        return [job for job in shown if job.id not in put_away]

    def dismiss(self, job_id: str) -> None:
        self._dismissed.add(job_id)

    def speed(self, model_id: str) -> Any:
        """What the last speed test of a model found; None where there was none."""
        tests = [job for job in self._jobs.values() if (job.kind, job.model, job.state) == ("bench", model_id, "done")]
        return tests[-1].result if tests else None

    def rate(self, job: Job, now: float) -> float:
        """How much a second is done, since this app looks; 0 where it can't be told yet."""
        began, done = self._begun.get(job.id, (now, job.done))
        return (job.done - done) / (now - began) if now - began >= RATE_SECONDS_MIN and job.done > done else 0.0


def _place(model: Model) -> tuple[bool, list[tuple[int, str]], str]:
    """Numbers in titles count as numbers: 3B stands before 24B."""
    pieces = re.findall(r"[0-9]{1,18}|[^0-9]+", model.title.casefold())
    return not model.is_here, [(int(one), "") if one[0] in DIGITS else (-1, one) for one in pieces], model.id


def _searched(model: Model) -> str:
    return " ".join((model.id, model.title, model.good_for or "", model.licence or "", model.kind, model.origin)).casefold()
