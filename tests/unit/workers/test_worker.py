"""Workers as real processes: whatever they do, the parent goes on, and says what happened."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest

from appliance.clock import SystemClock
from appliance.workers import launch
from appliance.workers.frames import CREDIT_CHUNKS, FRAME_BYTES_MAX
from appliance.workers.process import CallFailed, Limits, Worker, WorkerDied

ROOM = "tests.unit.workers.rooms:ROOM"
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help that this needs is Linux's")
posix_only = pytest.mark.skipif(os.name == "nt", reason="signals and limits are POSIX")

Start = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts workers of the test room, and ends them; checks that nothing of them is left."""
    workers: list[Worker] = []

    async def make(room: str = ROOM, **options: Any) -> Worker:
        worker = Worker(room, clock=SystemClock(), environment={"GATEHOUSE_TEST": "1"}, **options)
        await worker.start()
        workers.append(worker)
        return worker

    yield make
    for worker in workers:
        await worker.stop()
        assert not psutil.pid_exists(worker.pid)
        assert not worker._folder.exists()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is watched lives in another process
            await asyncio.sleep(0.01)


async def collect(worker: Worker, method: str, body: Any = None) -> list[Any]:
    async with aclosing(worker.stream(method, body)) as chunks:
        return [chunk async for chunk in chunks]


async def test_a_call_returns_what_the_handler_returns(start: Start) -> None:
    worker = await start()
    body = {"text": "äé🙂", "list": [1, 2.5, None, True], "bytes": b"\x00\xff"}
    assert await worker.call("echo", body) == body


async def test_a_stream_brings_every_chunk_in_order(start: Start) -> None:
    worker = await start()
    assert await collect(worker, "count", 1000) == list(range(1000))
    assert worker.calls_running == 0


async def test_many_calls_run_at_the_same_time_and_keep_apart(start: Start) -> None:
    worker = await start()
    streams = [collect(worker, "slow_count", number) for number in range(20)]
    calls = [worker.call("echo", number) for number in range(50)]
    assert await asyncio.gather(*calls) == list(range(50))
    assert await asyncio.gather(*streams) == [list(range(number)) for number in range(20)]


async def test_a_failure_keeps_its_code_words_and_figures(start: Start) -> None:
    worker = await start()
    with pytest.raises(CallFailed) as caught:
        await worker.call("refuse")
    assert (caught.value.code, caught.value.message, caught.value.detail) == (
        "too_long",
        "longer than it may be",
        {"is": 12, "may_be": 10},
    )


@pytest.mark.parametrize("how", ["call", "stream"])
async def test_a_failure_is_gone_with_its_caller_without_the_garbage_collector(start: Start, how: str) -> None:
    worker = await start()
    gc.disable()
    try:
        try:
            await (collect(worker, "refuse") if how == "stream" else worker.call("refuse"))
        except CallFailed as failure:
            gone = weakref.ref(failure)
        assert gone() is None
    finally:
        gc.enable()


async def test_an_exception_in_a_handler_fails_its_call_alone_and_its_words_stay_in_the_worker(start: Start) -> None:
    worker = await start()
    with pytest.raises(CallFailed) as caught:
        await worker.call("crash", "a secret prompt")
    assert caught.value.message == "ValueError"
    assert await worker.call("echo", 1) == 1
    await until(lambda: any("ValueError" in line for line in worker.stderr_tail))
    assert not any("secret" in line for line in worker.stderr_tail)


async def test_an_unknown_method_and_an_unwritable_answer_fail_their_calls_alone(start: Start) -> None:
    worker = await start()
    with pytest.raises(CallFailed, match="unknown_method"):
        await worker.call("nope")
    with pytest.raises(CallFailed, match="failed"):
        await worker.call("unwritable")
    for unwritable in (object(), 2**70, "\ud800"):
        with pytest.raises(CallFailed, match="not_sent"):
            await worker.call("echo", unwritable)
    assert await worker.call("echo", 1) == 1
    assert worker.calls_running == 0


async def test_large_bodies_pass_both_ways_and_leave_no_file(start: Start) -> None:
    worker = await start()
    body = "x" * (FRAME_BYTES_MAX + 10)
    assert await worker.call("echo", body) == body
    assert list(worker._folder.iterdir()) == []


async def test_a_reader_that_stops_reading_holds_up_the_worker(start: Start) -> None:
    worker = await start()
    async with aclosing(worker.stream("count", 10_000)) as chunks:
        async for chunk in chunks:
            if chunk == 99:
                break
        sent, before = -1, -2
        while sent != before:
            before, sent = sent, await worker.call("sent")
            await asyncio.sleep(0.1)
        assert 100 <= sent <= 100 + CREDIT_CHUNKS


async def test_closing_a_stream_cancels_the_call_and_tells_when_it_has_really_ended(start: Start) -> None:
    worker = await start()
    ends: list[float] = []
    loop = asyncio.get_running_loop()
    async with aclosing(worker.stream("slow_count", 1_000_000, on_end=lambda: ends.append(loop.time()))) as chunks:
        async for _ in chunks:
            break
    closed = loop.time()
    assert ends == []
    assert await worker.call("was_cancelled") is True
    await until(lambda: bool(ends), 2)
    assert ends[0] >= closed
    assert worker.calls_running == 0


async def test_cancelling_the_task_that_reads_cancels_the_call(start: Start) -> None:
    worker = await start()
    task = asyncio.ensure_future(collect(worker, "slow_count", 1_000_000))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: worker.calls_running == 0, 2)


async def test_a_call_that_does_not_end_when_cancelled_costs_the_worker_its_life(start: Start) -> None:
    worker = await start(cancel_seconds_max=0.2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await worker.call("sleep", 60)
    death = await worker.wait_dead()
    assert "did not end a cancelled call" in death.reason


@posix_only
async def test_kill_9_in_the_middle_of_a_stream_fails_the_running_calls_with_the_reason(start: Start) -> None:
    worker = await start()
    ends: list[str] = []
    seen: list[int] = []

    async def read() -> None:
        async for number in worker.stream("slow_count", 1_000_000, on_end=lambda: ends.append("ended")):
            seen.append(number)  # noqa: PERF401 - looked at while it grows

    streams = [asyncio.ensure_future(read()) for _ in range(3)]
    call = asyncio.ensure_future(worker.call("sleep", 60))
    await until(lambda: len(seen) > 10)
    os.kill(worker.pid, signal.SIGKILL)
    results = await asyncio.gather(*streams, call, return_exceptions=True)
    assert all(isinstance(result, WorkerDied) and "SIGKILL" in result.reason for result in results)
    assert ends == ["ended"] * 3
    with pytest.raises(WorkerDied, match="SIGKILL"):
        await worker.call("echo", 1)
    assert not worker.is_alive
    other = await start()
    assert await other.call("echo", 1) == 1


@posix_only
async def test_a_crash_in_native_code_names_the_signal_and_keeps_the_last_lines(start: Start) -> None:
    worker = await start()
    with pytest.raises(WorkerDied) as caught:
        await worker.call("segfault")
    assert "SIGSEGV" in caught.value.reason
    assert any("segfault" in line for line in caught.value.tail)  # the handler's name: faulthandler tells places


@pytest.mark.parametrize(
    ("method", "body", "complaint"),
    [
        ("garbage", b"hello, I am no frame at all", "sent garbage"),
        ("garbage", b"\x02\x00\x00\x00\xc1\xc1", "sent garbage"),
        ("garbage", b"\x03\x00\x00\x00\x92\x04\x01", "only the parent may send"),
        ("flood", 500, "more chunks than it has credit for"),
        ("chunk_of_nobody", None, "a call that isn't running"),
    ],
)
async def test_a_worker_that_breaks_the_protocol_is_killed(start: Start, method: str, body: Any, complaint: str) -> None:
    worker = await start()

    async def read_slowly() -> None:
        async with aclosing(worker.stream(method, body)) as chunks:
            async for _ in chunks:
                await asyncio.sleep(0.02)  # a flood must show

    with pytest.raises(WorkerDied, match=complaint):
        await read_slowly()
    assert worker.calls_running == 0


async def test_a_worker_that_closes_its_output_does_not_live_on(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.workers.process.STOP_SECONDS_MAX", 0.3)
    worker = await start()
    with pytest.raises(WorkerDied, match=r"closed its output|ended with status 0"):  # killed, unless its heartbeat ends it first
        await worker.call("close_output")


async def test_prints_of_python_and_native_code_do_not_break_the_frames_and_nothing_can_read_them(start: Start) -> None:
    worker = await start()
    assert await worker.call("print_everywhere") == ""
    await until(lambda: {"from Python", "from native code"} <= set(worker.stderr_tail))
    assert await worker.call("echo", 1) == 1


@posix_only
async def test_a_worker_that_falls_silent_is_killed_unless_its_call_said_so(start: Start) -> None:
    patient, impatient = await start(silent_seconds_max=1), await start(silent_seconds_max=1)
    allowed = asyncio.ensure_future(patient.call("hang", 3, silent_seconds_max=10))
    with pytest.raises(WorkerDied, match="said nothing for 1 s"):
        await impatient.call("hang", 30)
    assert await allowed is None
    assert patient.is_alive


async def test_the_environment_is_empty_and_the_server_is_not_imported(start: Start) -> None:
    worker = await start()
    found = await worker.call("environment")
    allowed = {"GATEHOUSE_TEST", "LC_CTYPE", *launch.environment({}), "__CF_USER_TEXT_ENCODING"}
    assert set(found) <= allowed
    loaded = set(await worker.call("modules"))
    assert not loaded & {"litestar", "granian", "sqlalchemy", "aiohttp", "cryptography", "uvloop", "asyncio", "psutil"}


@posix_only
async def test_a_limit_on_memory_fails_the_call_that_exceeds_it(start: Start) -> None:
    worker = await start(limits=Limits(memory_bytes=1024**3))
    with pytest.raises(CallFailed, match="MemoryError"):
        await worker.call("allocate", 2 * 1024**3)
    assert await worker.call("allocate", 1024) == 1024


@posix_only
async def test_a_limit_on_processor_time_ends_the_worker(start: Start) -> None:
    worker = await start(limits=Limits(cpu_seconds=1))
    with pytest.raises(WorkerDied, match="SIG"):
        await worker.call("spin")


@posix_only
async def test_signals_meant_for_the_group_leave_the_worker_to_its_parent(start: Start) -> None:
    worker = await start()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(worker.pid, number)
    await asyncio.sleep(0.1)
    assert await worker.call("echo", 1) == 1


async def test_stopping_fails_running_calls_and_says_so(start: Start) -> None:
    worker = await start()
    call = asyncio.ensure_future(worker.call("sleep", 60))
    await asyncio.sleep(0.05)
    await worker.stop()
    with pytest.raises(WorkerDied, match="was stopped"):
        await call
    await worker.stop()


async def test_a_room_that_does_not_exist_says_so_at_the_start() -> None:
    worker = Worker("no-such-room", clock=SystemClock())
    with pytest.raises(WorkerDied, match="ended with status 2") as caught:
        await worker.start()
    assert any("there is no room" in line for line in caught.value.tail)


async def test_rooms_by_module_are_for_tests_only() -> None:
    worker = Worker(ROOM, clock=SystemClock())
    with pytest.raises(WorkerDied, match="ended with status 2"):
        await worker.start()


async def test_a_room_that_can_not_be_imported_says_so_at_the_start() -> None:
    worker = Worker("no.such.module:ROOM", clock=SystemClock(), environment={"GATEHOUSE_TEST": "1"})
    with pytest.raises(WorkerDied, match="ended with status 1") as caught:
        await worker.start()
    assert "ModuleNotFoundError" in caught.value.tail


async def test_a_program_that_can_not_be_started_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/program")
    worker = Worker(ROOM, clock=SystemClock())
    with pytest.raises(WorkerDied, match="could not be started"):
        await worker.start()


def test_a_frozen_program_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert launch.command_line("local-model") == [sys.executable, "-m", "appliance", "worker", "local-model"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert launch.command_line("local-model") == [sys.executable, "worker", "local-model"]


PARENT = """
    import asyncio, sys
    from appliance.clock import SystemClock
    from appliance.workers.process import Worker

    async def main():
        worker = Worker({room!r}, clock=SystemClock(), environment={{"GATEHOUSE_TEST": "1"}})
        await worker.start()
        print(worker.pid, flush=True)
        await worker.call({method!r}, {body!r})

    asyncio.run(main())
"""


@posix_only
@pytest.mark.parametrize(("method", "body"), [("sleep", 60), pytest.param("hang", 60, marks=linux_only)])
def test_the_parents_death_ends_the_worker_even_when_native_code_holds_pythons_lock(method: str, body: int) -> None:
    program = textwrap.dedent(PARENT).format(room=ROOM, method=method, body=body)
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    worker.wait(timeout=10)
