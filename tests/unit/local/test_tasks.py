"""Jobs: watched, cancelled, bounded, remembered for a while; whatever their work does, the house goes on."""

import asyncio
import threading
import time
from typing import Any

import msgspec
import pytest

from appliance.clock import SystemClock
from appliance.errors import Conflict, NotFound, TooManyRequests
from appliance.home import CannotStart
from appliance.local.gguf import GgufError
from appliance.local.tasks import KEPT_MAX, RUNNING_MAX, Cancelled, Job, JobFailed, Progress, Tasks, in_thread
from appliance.telemetry.events import Events


class Gate:
    """Work on a thread that goes on until it is let through."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.ended = threading.Event()

    def __call__(self, progress: Progress) -> dict[str, Any]:
        try:
            done = 0
            while not self.open.wait(0.002):
                done += 1
                progress(done, 1_000_000)
        finally:
            self.ended.set()
        return {"steps": done}


def threaded(gate: Gate) -> Any:
    async def work(progress: Progress) -> dict[str, Any]:
        return await in_thread(lambda: gate(progress))

    return work


async def ended(tasks: Tasks, job: Job) -> Job:
    async with asyncio.timeout(10):
        while (now := tasks.one(job.id)).state == "running":  # noqa: ASYNC110 - a caller of the API has no other way either
            await asyncio.sleep(0.005)
    return now


async def test_a_job_tells_how_far_it_is_and_then_its_result() -> None:
    tasks, gate = Tasks(SystemClock()), Gate()
    job = tasks.start("get", "m", threaded(gate), message="fetching m")
    assert (job.state, job.kind, job.model, job.message) == ("running", "get", "m", "fetching m")
    async with asyncio.timeout(5):
        while not tasks.one(job.id).done:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert tasks.one(job.id).total == 1_000_000
    gate.open.set()
    over = await ended(tasks, job)
    assert (over.state, over.done, over.total) == ("done", 1_000_000, 1_000_000)
    assert over.result is not None
    assert over.ended_at is not None
    assert over.ended_at >= over.started_at


async def test_those_who_watch_hear_at_most_five_times_a_second_and_always_of_the_end() -> None:
    events = Events()
    tasks, gate = Tasks(SystemClock(), events), Gate()
    subscription, started = events.subscribe(), time.monotonic()
    job = tasks.start("verify", "m", threaded(gate))
    await asyncio.sleep(1.1)
    gate.open.set()
    await ended(tasks, job)
    seconds = time.monotonic() - started
    told = [msgspec.json.decode(event.data, type=Job) for event in subscription.unseen() if event.name == "job"]
    assert told[0].state == "running"
    assert told[-1].state == "done"
    assert 4 <= len(told) <= 2 + seconds * 5
    assert [each.done for each in told] == sorted(each.done for each in told)


async def test_a_cancelled_job_ends_its_thread_and_is_told_as_cancelled() -> None:
    tasks, gate = Tasks(SystemClock()), Gate()
    job = tasks.start("get", "m", threaded(gate))
    await asyncio.sleep(0.02)
    gone = await tasks.cancel(job.id)
    assert gone.state == "cancelled"
    assert gate.ended.is_set()
    assert (await tasks.cancel(job.id)).state == "cancelled", "a second time changes nothing"
    assert tasks.start("get", "m", threaded(Gate())).id != job.id
    await tasks.close()


async def test_work_that_was_done_when_it_was_cancelled_is_done() -> None:
    tasks, begun = Tasks(SystemClock()), threading.Event()

    def quick() -> dict[str, Any]:
        begun.set()
        time.sleep(0.05)  # too late to look
        return {"id": "m"}

    async def work(progress: Progress) -> dict[str, Any]:
        return await in_thread(quick)

    job = tasks.start("add", "m", work)
    await asyncio.to_thread(begun.wait)
    assert ((await tasks.cancel(job.id)).state, tasks.one(job.id).result) == ("done", {"id": "m"})


@pytest.mark.parametrize(
    ("error", "message", "fix"),
    [
        (Conflict("there is one", fix="Remove it."), "there is one", "Remove it."),
        (CannotStart("no network", "Connect it."), "no network", "Connect it."),
        (JobFailed("it is damaged", "Get it again."), "it is damaged", "Get it again."),
        (GgufError("it is a PDF"), "the file can't be run: it is a PDF", "Get the file again, whole, and as GGUF."),
        (OSError(28, "No space left on device", "/models"), "No space left on device (/models)", "Mend that, then try again."),
        (KeyError("the prompt of somebody"), "it failed inside the appliance (KeyError)", "Its log has more."),
    ],
)
async def test_a_failure_is_told_in_words_with_a_way_out(error: Exception, message: str, fix: str) -> None:
    async def work(progress: Progress) -> None:
        raise error

    tasks = Tasks(SystemClock())
    over = await ended(tasks, tasks.start("add", "m", work))
    assert (over.state, over.message, over.fix, over.result) == ("failed", message, fix, None)


async def test_the_same_work_twice_is_one_job_and_a_fifth_job_is_refused() -> None:
    tasks, gates = Tasks(SystemClock()), [Gate() for _ in range(RUNNING_MAX)]
    jobs = [tasks.start("get", f"m{number}", threaded(gate)) for number, gate in enumerate(gates)]
    assert tasks.start("get", "m0", threaded(Gate())).id == jobs[0].id
    with pytest.raises(TooManyRequests) as caught:
        tasks.start("get", "another", threaded(Gate()))
    assert caught.value.retry_after_seconds
    gates[0].open.set()
    await ended(tasks, jobs[0])
    tasks.start("get", "another", threaded(gates[0]))
    await tasks.close()
    assert {job.state for job in tasks.all() if job.model != "m0"} <= {"cancelled", "done"}
    assert all(gate.ended.is_set() for gate in gates)


async def test_the_newest_jobs_are_remembered_and_those_that_run_always() -> None:
    tasks, gate = Tasks(SystemClock()), Gate()
    long = tasks.start("get", "long", threaded(gate))

    async def nothing(progress: Progress) -> None:
        return None

    for number in range(KEPT_MAX + 20):
        await ended(tasks, tasks.start("verify", f"m{number}", nothing))
    remembered = tasks.all()
    assert len(remembered) == KEPT_MAX
    assert remembered[0].model == f"m{KEPT_MAX + 19}"
    assert remembered[-1].id == long.id
    with pytest.raises(NotFound):
        tasks.one("job_of_long_ago")
    await tasks.close()


async def test_progress_of_cancelled_work_says_so() -> None:
    progress = Progress()
    progress(1, 2)
    progress.is_cancelled = True
    with pytest.raises(Cancelled):
        progress(2, 2)
    assert progress.done == 1
