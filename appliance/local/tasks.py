"""What takes its time: getting, adding, verifying, measuring a model. Jobs that run beside requests, can be watched and
cancelled, and are remembered for a while.

Work that blocks runs on a thread of its own and tells its progress by plain attributes; the event loop looks at them
several times a second while a job runs, so that a fast copy can't flood those who watch.
"""

import asyncio
import secrets
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import msgspec

from appliance.clock import Clock, rfc3339
from appliance.errors import Conflict, GatehouseError, NotFound, TooManyRequests
from appliance.home import CannotStart
from appliance.local.gguf import GgufError
from appliance.telemetry.events import Events
from appliance.telemetry.logs import get_logger

RUNNING_MAX = 4
KEPT_MAX = 64
TELL_SECONDS = 0.2
CLOSE_SECONDS_MAX = 5.0
JOB_EVENT = "job"

Kind = Literal["get", "add", "import", "verify", "bench"]
Unit = Literal["bytes", "steps"]
T = TypeVar("T")

_CANCELLED = {"state": "cancelled", "message": "cancelled"}
_log = get_logger("local")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something that takes its time. `message` says what it does or how it ended, `fix` what to do where it failed."""

    id: str
    kind: Kind
    model: str
    state: Literal["running", "done", "failed", "cancelled"]
    done: int = 0
    total: int = 0
    unit: Unit = "bytes"
    message: str = ""
    fix: str = ""
    result: dict[str, Any] | None = None
    started_at: str
    ended_at: str | None = None


class Cancelled(Exception):
    """Whoever cancelled the job wants its work to end here."""


class JobFailed(Exception):
    """The job's own finding is a failure: words for people."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class Progress:
    """How far a job's work is. Written by the work, on any thread; read by the event loop."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self.message = ""
        self.is_cancelled = False

    def __call__(self, done: int, total: int) -> None:
        """Errors: Cancelled."""
        self.check()
        self.done, self.total = done, total

    def check(self) -> None:
        """Errors: Cancelled."""
        if self.is_cancelled:
            raise Cancelled


Work = Callable[[Progress], Awaitable[dict[str, Any] | None]]


class Tasks:
    """All jobs of one appliance. Inside one event loop."""

    def __init__(self, clock: Clock, events: Events | None = None) -> None:
        self._clock = clock
        self._events = events
        self._jobs: dict[str, Job] = {}  # the oldest first
        self._running: dict[str, tuple[asyncio.Task[dict[str, Any]], Progress]] = {}
        self._of: dict[str, object] = {}  # what a running job was asked for, beside kind and model
        self._telling: asyncio.Task[None] | None = None

    def start(self, kind: Kind, model: str, work: Work, *, of: object = None, unit: Unit = "bytes", message: str = "") -> Job:
        """Begin a job. The same work for the same model `of` the same source, while it runs, is the job that runs.

        Errors:  Conflict where it runs for another source, TooManyRequests.
        """
        if (running := self._same(kind, model, of)) is not None:
            return running
        if len(self._running) >= RUNNING_MAX:
            raise TooManyRequests(
                f"{RUNNING_MAX} jobs run already", fix="Wait until one has ended, or cancel one.", retry_after_seconds=10
            )
        job = Job(
            id=f"job_{secrets.token_hex(12)}",
            kind=kind,
            model=model,
            state="running",
            unit=unit,
            message=message,
            started_at=rfc3339(self._clock.now_ms()),
        )
        self._keep(job)
        progress = Progress()
        progress.message = message
        task = asyncio.ensure_future(_run(work, progress))
        task.add_done_callback(lambda task: self._end(job.id, _CANCELLED if task.cancelled() else task.result()))
        self._running[job.id] = (task, progress)
        self._of[job.id] = of
        self._tell(job)
        if self._telling is None:
            self._telling = asyncio.ensure_future(self._tell_progress())
        return job

    def _same(self, kind: Kind, model: str, of: object) -> Job | None:
        for job in self._jobs.values():
            if job.state == "running" and (job.kind, job.model) == (kind, model):
                if self._of[job.id] != of:
                    raise Conflict(
                        f"a job of another source runs for {model}: {kind}", fix=f"Wait until {job.id} has ended, or cancel it."
                    )
                return job
        return None

    def all(self) -> list[Job]:
        """Those that are remembered, the newest first."""
        return [self._with_progress(job) for job in reversed(self._jobs.values())]

    def one(self, job_id: str) -> Job:
        """Errors: NotFound."""
        job = self._jobs.get(job_id)
        if job is None:
            raise NotFound("there is no such job", fix="GET /api/v1/admin/jobs lists those that are remembered.", param="job_id")
        return self._with_progress(job)

    async def cancel(self, job_id: str) -> Job:
        """Ask a job to end, and wait a moment for it. One that has ended stays as it is. Errors: NotFound."""
        self.one(job_id)
        if (running := self._running.get(job_id)) is not None:
            task, progress = running
            progress.is_cancelled = True
            task.cancel()
            await asyncio.wait([task], timeout=CLOSE_SECONDS_MAX)
        return self.one(job_id)

    async def close(self) -> None:
        """Cancel everything."""
        tasks = [task for task, _ in self._running.values()]
        for task, progress in list(self._running.values()):
            progress.is_cancelled = True
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS_MAX)
        if self._telling is not None:
            self._telling.cancel()

    def _end(self, job_id: str, how: dict[str, Any]) -> None:
        job = msgspec.structs.replace(self._with_progress(self._jobs[job_id]), **how, ended_at=rfc3339(self._clock.now_ms()))
        if job.state == "done":
            job = msgspec.structs.replace(job, done=job.total)
        self._jobs[job_id] = job
        del self._running[job_id], self._of[job_id]
        _log.info("job_ended", kind=job.kind, model=job.model, state=job.state, reason=job.message)
        self._tell(job)

    def _keep(self, job: Job) -> None:
        self._jobs[job.id] = job
        ended = [each.id for each in self._jobs.values() if each.state != "running"]
        for job_id in ended[: max(len(self._jobs) - KEPT_MAX, 0)]:
            del self._jobs[job_id]

    def _with_progress(self, job: Job) -> Job:
        running = self._running.get(job.id)
        if running is None:
            return job
        progress = running[1]
        return msgspec.structs.replace(job, done=progress.done, total=progress.total, message=progress.message)

    async def _tell_progress(self) -> None:
        told: dict[str, Job] = {}
        while self._running:
            await self._clock.sleep(TELL_SECONDS)
            for job_id in self._running:
                job = self.one(job_id)
                if told.get(job_id, self._jobs[job_id]) != job:
                    told[job_id] = job
                    self._tell(job)
        self._telling = None

    def _tell(self, job: Job) -> None:
        if self._events is not None:
            self._events.publish(JOB_EVENT, job)


async def _run(work: Work, progress: Progress) -> dict[str, Any]:
    """How it ended, as fields of a job. A task that is cancelled before its first step never gets here."""
    try:
        return {"state": "done", "result": await work(progress), "message": progress.message}
    except (Cancelled, asyncio.CancelledError):
        return _CANCELLED
    except Exception as error:
        message, fix = _told(error)
        return {"state": "failed", "message": message, "fix": fix}


def _told(error: Exception) -> tuple[str, str]:
    """A failure in words for people; those of an exception that isn't ours stay in the log."""
    if isinstance(error, GatehouseError | CannotStart | JobFailed):
        return error.message, error.fix
    if isinstance(error, GgufError):
        return f"the file can't be run: {error}", "Get the file again, whole, and as GGUF."
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or type(error).__name__}{where}", "Mend that, then try again."
    _log.error("a job failed", exc_info=error)
    return f"it failed inside the appliance ({type(error).__name__})", "Its log has more."


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` returns, from a thread of its own that keeps neither this process nor its other threads waiting.

    Whoever is cancelled while it waits goes on once the thread has ended, which must look at its progress to know; work that
    was done by then is done.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if over.done():
            return
        if error is not None:
            over.set_exception(error)
        else:
            over.set_result(result)  # type: ignore[arg-type]  # None only where that is what `work` returns

    def run() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = work()
        except BaseException as error:
            failure = error
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:
            pass  # the loop has ended without us

    threading.Thread(target=run, name="job", daemon=True).start()
    try:
        return await asyncio.shield(over)
    except asyncio.CancelledError:
        await asyncio.wait([over])
        if over.exception() is not None:
            raise
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        return over.result()
