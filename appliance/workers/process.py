"""The parent's side of a worker: start it, call it, hear from it, end it.

    worker = Worker("local-model", clock=clock)
    await worker.start()
    async with aclosing(worker.stream("chat", request)) as chunks: …
    await worker.stop()

Calls are multiplexed by number. A stream holds at most CREDIT_CHUNKS chunks that its reader hasn't taken; then the
child waits. A worker that dies, sends garbage, floods or falls silent fails the calls it was serving, and nothing else:
whoever wants another one starts another one (supervisor.py).
"""

import asyncio
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from appliance.clock import Clock
from appliance.workers import frames, launch
from appliance.workers.frames import CREDIT_CHUNKS, Frame, FrameError, FrameReader
from appliance.workers.sandbox import Confinement, Level

START_SECONDS_MAX = 60.0
SILENT_SECONDS_MAX = 10
CANCEL_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 5.0
STDERR_LINES_MAX = 64
STDERR_LINE_CHARACTERS_MAX = 500
_READ_BYTES = 256 * 1024


class WorkerError(Exception):
    """Something went wrong with a worker or in it."""


class WorkerDied(WorkerError):
    """The process ended before the call did. `reason` says how, `tail` is the last it wrote to stderr (never for callers)."""

    def __init__(self, reason: str, tail: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tail = tail


class CallFailed(WorkerError):
    """The worker is well, the call failed there: a code of the room's own, words, and figures."""

    def __init__(self, code: str, message: str, detail: Mapping[str, Any]) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.detail = detail


class Limits(msgspec.Struct, frozen=True):
    """What a worker may use; 0: no limit. Memory is address space, time is CPU time (POSIX only)."""

    memory_bytes: int = 0
    cpu_seconds: int = 0
    files: int = 0
    file_bytes: int = 0


NO_LIMITS = Limits()


class _Pending:
    """A call under way, as the parent sees it."""

    __slots__ = ("chunks", "failure", "finished", "on_end", "result", "silent_seconds_max", "taken", "wake")

    def __init__(self, silent_seconds_max: int, on_end: Callable[[], None] | None) -> None:
        self.chunks: deque[Any] = deque()
        self.result: Any = None
        self.failure: WorkerError | None = None
        self.finished = False
        self.taken = 0
        self.wake = asyncio.Event()
        self.silent_seconds_max = silent_seconds_max
        self.on_end = on_end

    def finish(self, result: Any, failure: WorkerError | None) -> None:
        if self.finished:
            return
        self.result, self.failure, self.finished = result, failure, True
        self.wake.set()
        if self.on_end is not None:
            self.on_end()

    def raise_failure(self) -> None:
        """What it failed with, which is then nowhere else: an error that its own traceback leads to again outlives its caller
        until the garbage collector comes by, and with it all that the caller held."""
        failure, self.failure = self.failure, None
        if failure is not None:
            try:
                raise failure
            finally:
                del failure


class Worker:
    """One child process, from start to end. Not reused: a dead worker stays dead."""

    def __init__(
        self,
        room: str,
        *,
        clock: Clock,
        limits: Limits = NO_LIMITS,
        confinement: Confinement | None = None,
        environment: Mapping[str, str] | None = None,
        silent_seconds_max: int = SILENT_SECONDS_MAX,
        cancel_seconds_max: float = CANCEL_SECONDS_MAX,
    ) -> None:
        """`environment` is added to an empty one. A call that was cancelled and doesn't end within its time means a kill.
        `confinement`: it is kept from all but its own folder, and not trusted: it may answer with bytes alone, in one piece."""
        self.room = room
        self._clock = clock
        self._limits = limits
        self._confinement = confinement
        self._environment = dict(environment or {})
        self._silent_seconds_max = silent_seconds_max
        self._cancel_seconds_max = cancel_seconds_max
        self._process: asyncio.subprocess.Process | None = None
        self._folder: Path | None = None
        self._pending: dict[int, _Pending] = {}
        self._last_id = 0
        self._silent_seconds = 0
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES_MAX)
        self._ready = asyncio.Event()
        self._level = Level()
        self._dead = asyncio.Event()
        self._reason = ""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int:
        assert self._process is not None, "start() it first"
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._ready.is_set() and not self._reason

    @property
    def calls_running(self) -> int:
        """Calls that the child hasn't ended yet, cancelled ones included."""
        return len(self._pending)

    @property
    def level(self) -> Level:
        """The walls around it, once it has started; it says so itself, before it has seen anything of others."""
        return self._level

    @property
    def folder(self) -> Path:
        """Where it may write, and we put what it shall read. Gone when it has ended."""
        return self._own_folder

    @property
    def _own_folder(self) -> Path:
        assert self._folder is not None, "start() comes first"
        return self._folder

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines that the child wrote. They may quote content: show them only of a child that died."""
        return tuple(self._stderr)

    async def start(self) -> None:
        """Start the process and hear that it is ready.

        Errors:  WorkerDied when it can't be started or isn't ready in time; nothing is left behind.
        """
        try:
            self._folder = launch.new_folder()
        except OSError as error:
            self._end(f"has no folder for its files: {error.strerror}")
            raise WorkerDied(self._reason) from error
        try:
            self._process = await asyncio.create_subprocess_exec(
                *launch.command_line(self.room),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=launch.working_folder(self._own_folder),
                env=launch.environment(self._environment),
                start_new_session=self._has_programs,  # so that what it starts ends with it
            )
        except OSError as error:
            self._end(f"could not be started: {error.strerror}")
            raise WorkerDied(self._reason) from error
        self._spawn(self._live())
        self._spawn(self._watch())
        wanted = {"limits": self._limits, "confinement": self._confinement, "folder": str(self._own_folder)}
        self._say(frames.Event("start", msgspec.to_builtins(wanted)))
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                await self._either_ready_or_dead()
        except TimeoutError:
            self._kill("was not ready in time")
            await self._dead.wait()
        except asyncio.CancelledError:
            self._kill("was not wanted any more")
            await self._dead.wait()
            raise
        if self._reason:
            raise WorkerDied(self._reason, self.stderr_tail)

    async def _either_ready_or_dead(self) -> None:
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._ready, self._dead)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()

    async def call(self, method: str, body: Any = None, *, silent_seconds_max: int = 0) -> Any:
        """What `method` returns. A cancelled caller cancels the call.

        Shapes:  `silent_seconds_max`: the child may fall silent for this long while this call runs (native code that
                 holds Python's lock, as loading a model does).
        Errors:  CallFailed, WorkerDied.
        """
        number, pending = await self._begin(method, body, silent_seconds_max, None)
        try:
            while not pending.finished:
                pending.wake.clear()
                await pending.wake.wait()
                while pending.chunks:  # progress that nobody asked for
                    pending.chunks.popleft()
                    self._taken(number, pending)
        finally:
            self._leave(number, pending)
        pending.raise_failure()
        return pending.result

    async def stream(
        self, method: str, body: Any = None, *, on_end: Callable[[], None] | None = None
    ) -> AsyncGenerator[Any, None]:
        """The chunks that `method` sends. Closing the generator cancels the call.

        Shapes:  `on_end` is called once, when the child has really ended the call or died: later than the generator's
                 close where it was cancelled. It is called even where the generator never got to begin the call.
        Errors:  CallFailed, WorkerDied.
        """
        number, pending = await self._begin(method, body, 0, on_end)
        try:
            while True:
                while pending.chunks:
                    chunk = pending.chunks.popleft()
                    self._taken(number, pending)
                    yield chunk
                if pending.finished:
                    break
                pending.wake.clear()
                await pending.wake.wait()
        finally:
            self._leave(number, pending)
        pending.raise_failure()

    async def _begin(
        self, method: str, body: Any, silent_seconds_max: int, on_end: Callable[[], None] | None
    ) -> tuple[int, _Pending]:
        pending = _Pending(silent_seconds_max, on_end)
        self._last_id += 1
        number = self._last_id
        try:
            data = await self._encoded(frames.Call(number, method, body))
            if not self.is_alive:
                raise WorkerDied(self._reason or "has not been started", self.stderr_tail)
        except BaseException:
            pending.finish(None, None)
            raise
        self._pending[number] = pending
        self._write(data)
        try:
            await self._drain()
        except BaseException:
            self._leave(number, pending)
            raise
        return number, pending

    async def _encoded(self, call: frames.Call) -> bytes:
        """Errors: CallFailed("not_sent") for a body that is too large, too deep, or of a kind that msgpack doesn't know."""
        try:
            try:
                return frames.encode(call)
            except frames.FrameTooLarge:
                return frames.encode(await asyncio.to_thread(frames.spill, call, self._own_folder))
        except (OSError, frames.FrameTooLarge, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise CallFailed("not_sent", f"the call can't be handed to the worker ({type(error).__name__})", {}) from error

    def _taken(self, number: int, pending: _Pending) -> None:
        pending.taken += 1
        if pending.taken >= CREDIT_CHUNKS // 2 and not pending.finished:
            self._say(frames.Credit(number, pending.taken))
            pending.taken = 0

    def _leave(self, number: int, pending: _Pending) -> None:
        """The reader is gone. A call that still runs is cancelled, and remembered until the child has ended it."""
        if pending.finished or self._reason:
            return
        pending.chunks.clear()
        self._say(frames.Cancel(number))
        self._spawn(self._await_cancelled(number, pending))

    async def _await_cancelled(self, number: int, pending: _Pending) -> None:
        await self._clock.sleep(self._cancel_seconds_max)
        if not pending.finished:
            self._kill(f"did not end a cancelled call within {self._cancel_seconds_max:g} s")

    def _forget(self, number: int, result: Any, failure: WorkerError | None) -> None:
        pending = self._pending.pop(number, None)
        if pending is not None:
            pending.finish(result, failure)

    def _say(self, frame: Frame) -> None:
        self._write(frames.encode(frame))

    def _write(self, data: bytes) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(data)

    async def _drain(self) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            await self._process.stdin.drain()
        except ConnectionError:
            pass  # it has died; _live hears of it, and fails the call with the reason

    async def _live(self) -> None:
        """Read what the child says until it ends; then say how it ended."""
        assert self._process is not None and self._process.stdout is not None
        stderr = asyncio.ensure_future(self._read_stderr())
        reader, complaint = FrameReader(is_trusted=self._confinement is None), ""
        try:
            while data := await self._process.stdout.read(_READ_BYTES):
                self._silent_seconds = 0
                for frame in reader.feed(data):
                    await self._heard(frame)
        except FrameError as error:
            complaint = f"sent garbage ({error})"
        except OSError as error:
            complaint = f"could not be read ({error.strerror})"
        if complaint:
            self._kill(complaint)
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                status = await self._process.wait()
        except TimeoutError:
            self._kill("closed its output and went on")
            status = await self._process.wait()
        await asyncio.wait([stderr], timeout=STOP_SECONDS_MAX)  # a grandchild may hold the pipe open
        stderr.cancel()
        self._end(self._reason or _how_it_ended(status))

    async def _heard(self, frame: Frame) -> None:
        if isinstance(frame, frames.Chunk | frames.End) and frame.file:
            frame = await asyncio.to_thread(frames.unspill, frame, self._own_folder)
        if isinstance(frame, frames.Chunk):
            pending = self._pending.get(frame.id)
            if pending is None:
                raise FrameError("a chunk of a call that isn't running")
            if len(pending.chunks) >= CREDIT_CHUNKS:
                raise FrameError("more chunks than it has credit for")
            if not pending.finished:
                pending.chunks.append(frame.body)
                pending.wake.set()
        elif isinstance(frame, frames.End):
            self._forget(frame.id, frame.body, None)
        elif isinstance(frame, frames.Error):
            self._forget(frame.id, None, CallFailed(frame.code, frame.message, frame.detail))
        elif isinstance(frame, frames.Event):
            if frame.name == "ready" and not self._ready.is_set():
                self._level = _level(frame.body)
                self._ready.set()
        else:
            raise FrameError("a frame that only the parent may send")

    async def _read_stderr(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        line = b""
        while data := await self._process.stderr.read(16 * 1024):
            *lines, line = (line + data).split(b"\n")
            line = line[-STDERR_LINE_CHARACTERS_MAX:]
            self._stderr.extend(_shown(each) for each in lines[-STDERR_LINES_MAX:])
        if line:
            self._stderr.append(_shown(line))

    async def _watch(self) -> None:
        """Count the seconds in which nothing was heard: ticks, not a clock, so that a sleeping machine kills nobody."""
        while not self._reason:
            await self._clock.sleep(1.0)
            self._silent_seconds += 1
            allowed = max([self._silent_seconds_max, *(p.silent_seconds_max for p in self._pending.values())])
            if self._ready.is_set() and self._silent_seconds > allowed:
                self._kill(f"said nothing for {allowed} s")

    def kill(self) -> None:
        """End it at once, as kill -9 does. Running calls fail with WorkerDied."""
        self._kill("was killed by the appliance")

    def _kill(self, reason: str) -> None:
        self._reason = self._reason or reason
        if self._process is not None and self._process.returncode is None:
            try:
                self._process.kill()
            except ProcessLookupError:
                pass  # it was quicker
        self._kill_programs()

    @property
    def _has_programs(self) -> bool:
        return self._confinement is not None and bool(self._confinement.programs)

    def _kill_programs(self) -> None:
        """What it started and left behind. A confined worker can't leave its group, nor can they."""
        if self._has_programs and self._process is not None and sys.platform != "win32":
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass  # nobody is left

    async def stop(self) -> None:
        """Let it go: it ends when its input ends. Running calls fail with WorkerDied."""
        if self._process is None:
            return
        self._reason = self._reason or "was stopped"
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await self._dead.wait()
        except TimeoutError:
            self._kill("")
            await self._dead.wait()

    async def wait_dead(self) -> WorkerDied:
        """Wait for its end, and say how it came."""
        await self._dead.wait()
        return WorkerDied(self._reason, self.stderr_tail)

    def _end(self, reason: str) -> None:
        self._reason = reason
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._kill_programs()
        for number in list(self._pending):
            self._forget(number, None, WorkerDied(reason, self.stderr_tail))
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._dead.set()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _level(body: Any) -> Level:
    try:
        return msgspec.convert(body, Level) if body is not None else Level()
    except msgspec.ValidationError as error:
        raise FrameError("a level that says nothing") from error


def _shown(line: bytes) -> str:
    text = line[-STDERR_LINE_CHARACTERS_MAX:].decode("utf-8", "replace").rstrip()
    return "".join(character if character.isprintable() else " " for character in text)


def _how_it_ended(status: int) -> str:
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        hint = " (out of memory?)" if name == "SIGKILL" and sys.platform == "linux" else ""
        return f"was ended by {name}{hint}"
    return f"ended with status {status}"
