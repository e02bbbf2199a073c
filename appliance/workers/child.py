"""The child's side of a worker: `gatehouse worker <room>` ends up in `serve`.

A room is a set of handlers: `def chat(body, call) -> result`, run on a thread each, from a bounded pool. What a handler
returns ends the call; `call.send(chunk)` sends a piece, waits for credit, and says whether to stop.

File descriptor 1 is kept for frames; prints of Python and of native code go to stderr. The parent's death ends us:
our input ends then, and on Linux the kernel kills us even where native code holds Python's lock.
"""

import ctypes
import faulthandler
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from appliance.workers import frames
from appliance.workers.frames import CREDIT_CHUNKS, Frame, FrameError, FrameReader

if sys.platform == "win32":
    import msvcrt
else:
    import resource

HEARTBEAT_SECONDS = 1.0
CALLS_WAITING_MAX = 1024
PROTOCOL_ERROR_STATUS = 86
_READ_BYTES = 256 * 1024
_PR_SET_PDEATHSIG = 1


class HandlerError(Exception):
    """A failure that the parent is told in full: a code of the room's own, words without content, figures."""

    def __init__(self, code: str, message: str = "", detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = dict(detail or {})


class ChildCall:
    """One call, as its handler sees it."""

    def __init__(self, number: int, child: "_Child") -> None:
        self.number = number
        self._child = child
        self._credit = CREDIT_CHUNKS
        self._changed = threading.Condition()
        self._cancelled = False

    @property
    def is_cancelled(self) -> bool:
        """The parent wants no more of this call; return as soon as possible."""
        return self._cancelled

    def send(self, chunk: Any) -> bool:
        """Send a piece; waits while the reader has enough to read. True: stop, nobody wants the rest."""
        with self._changed:
            while self._credit == 0 and not self._cancelled:
                self._changed.wait()
            if self._cancelled:
                return True
            self._credit -= 1
        self._child.say_with_body(frames.Chunk(self.number, chunk))
        return False

    def cancel(self) -> None:
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def add_credit(self, chunks: int) -> None:
        with self._changed:
            self._credit = min(self._credit + chunks, CREDIT_CHUNKS)
            self._changed.notify_all()


Handler = Callable[[Any, ChildCall], Any]


class Room(msgspec.Struct, frozen=True):
    """What a worker can do: handlers by method, and how many calls may run at the same time."""

    handlers: Mapping[str, Handler]
    threads: int = 8  # made when needed


def serve(load_room: Callable[[], Room]) -> None:
    """Answer calls until the input ends. Never returns.

    Shapes:  `load_room` imports the room: heavy imports happen once limits are set and nothing can reach our pipe.
    """
    incoming, outgoing = _take_pipes()
    faulthandler.enable()  # a crash in native code leaves places on stderr, and no values
    _ignore_signals()
    _die_with_parent()
    child = _Child(outgoing)
    status = 0
    try:
        child.run(incoming, load_room)
    except FrameError as error:
        print(f"worker: the parent sent garbage: {error}", file=sys.stderr)
        status = PROTOCOL_ERROR_STATUS
    except BaseException as error:
        _print_places(error)
        status = 1
    sys.stderr.flush()
    os._exit(status)  # threads may be deep in native code, and nobody is left to wait for them


class _Child:
    def __init__(self, outgoing: int) -> None:
        self._outgoing = outgoing
        self._writing = threading.Lock()
        self._calls: dict[int, ChildCall] = {}
        self._threads: ThreadPoolExecutor
        self._folder = Path()
        self._room = Room({})

    def run(self, incoming: int, load_room: Callable[[], Room]) -> None:
        reader = FrameReader()
        started = False
        while data := os.read(incoming, _READ_BYTES):
            for frame in reader.feed(data):
                if started:
                    self._heard(frame)
                else:
                    self._start(frame, load_room)
                    started = True

    def _start(self, frame: Frame, load_room: Callable[[], Room]) -> None:
        if not (isinstance(frame, frames.Event) and frame.name == "start" and isinstance(frame.body, dict)):
            raise FrameError("expected the event start")
        self._folder = Path(frame.body["folder"])
        tempfile.tempdir = str(self._folder)  # private to us, and removed by the parent however we end
        _limit(frame.body["limits"])
        level = _confine(frame.body.get("confinement"), self._folder, frame.body["limits"])
        self._room = load_room()
        self._threads = ThreadPoolExecutor(self._room.threads, thread_name_prefix="call")
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        self.say(frames.Event("ready", level))

    def _heard(self, frame: Frame) -> None:
        if isinstance(frame, frames.Call):
            begun = self._calls[frame.id] = ChildCall(frame.id, self)
            if len(self._calls) > self._room.threads + CALLS_WAITING_MAX:
                self._over(frames.Error(frame.id, "busy", "too many calls are waiting in the worker"))
            else:
                self._threads.submit(self._work, begun, frame)
        elif isinstance(frame, frames.Cancel):
            if call := self._calls.get(frame.id):  # else it has just ended by itself
                call.cancel()
        elif isinstance(frame, frames.Credit):
            if call := self._calls.get(frame.id):
                call.add_credit(frame.chunks)
        else:
            raise FrameError("a frame that only the child may send")

    def _work(self, call: ChildCall, frame: frames.Call) -> None:
        try:
            self._answer(call, frame)
        except BaseException as error:  # an answer that msgpack doesn't know, a full disk: the call's failure, not ours
            _print_places(error)
            self._over(frames.Error(frame.id, "failed", "the answer could not be handed over"))

    def _answer(self, call: ChildCall, frame: frames.Call) -> None:
        if call.is_cancelled:
            self._over(frames.Error(frame.id, "cancelled"))
            return
        handler = self._room.handlers.get(frame.method)
        if handler is None:
            self._over(frames.Error(frame.id, "unknown_method", f"this worker has no {frame.method!r}"))
            return
        try:
            if frame.file:
                frame = frames.unspill(frame, self._folder)
            result = handler(frame.body, call)
        except HandlerError as error:
            self._over(frames.Error(frame.id, error.code, error.message, error.detail))
        except BaseException as error:
            _print_places(error)
            self._over(frames.Error(frame.id, "failed", type(error).__name__))
        else:
            self._calls.pop(frame.id, None)
            self.say_with_body(frames.End(frame.id, result))

    def _over(self, frame: frames.Error) -> None:
        self._calls.pop(frame.id, None)
        self.say(frame)

    def _beat(self) -> None:
        while True:
            time.sleep(HEARTBEAT_SECONDS)
            self.say(frames.Event("alive"))

    def say(self, frame: Frame) -> None:
        self._write(frames.encode(frame))

    def say_with_body(self, frame: frames.Chunk | frames.End) -> None:
        try:
            data = frames.encode(frame)
        except frames.FrameTooLarge:
            data = frames.encode(frames.spill(frame, self._folder))
        self._write(data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        with self._writing:
            try:
                while view:
                    view = view[os.write(self._outgoing, view) :]
            except OSError:
                os._exit(0)  # the parent is gone


def _print_places(error: BaseException) -> None:
    """A traceback without the exception's words, which may quote content: our stderr is shown when we die."""
    traceback.print_tb(error.__traceback__)
    print(type(error).__name__, file=sys.stderr)


def _take_pipes() -> tuple[int, int]:
    """Keep our ends of the two pipes for frames alone; whoever reads or prints in here gets nothing and stderr."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.platform == "win32":
        for descriptor in (incoming, outgoing):
            msvcrt.setmode(descriptor, os.O_BINARY)
    sys.stdout = sys.stderr
    return incoming, outgoing


def _ignore_signals() -> None:
    """Ctrl-C and a service's stop reach the whole group of processes; it is the parent who decides when we end."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_IGN)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        # A parent that died before this line has closed our input, which ends us as well.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _limit(limits: Mapping[str, int]) -> None:
    """What the kernel shall hold us to. Windows has no such limits; macOS doesn't keep the one on memory."""
    if sys.platform == "win32":
        return
    _set_limit(resource.RLIMIT_CORE, 0)  # a core file would hold prompts
    for kind, bound in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_NOFILE, limits["files"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
    ):
        if bound:
            _set_limit(kind, bound)


def _confine(confinement: Any, folder: Path, limits: Mapping[str, int]) -> Any:
    """Put up the walls that the parent wants; says which ones stand, or None where it wants none."""
    if confinement is None:
        return None
    from appliance.workers import sandbox  # most workers need none of it

    os.chdir(folder)
    sys.dont_write_bytecode = True
    return msgspec.to_builtins(sandbox.confine(msgspec.convert(confinement, sandbox.Confinement), folder, limits))


def _set_limit(kind: int, bound: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError) as error:
        print(f"worker: a limit could not be set: {error}", file=sys.stderr)
