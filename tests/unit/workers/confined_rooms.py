"""A room whose handlers try what a confined worker may not do; each says what came of it."""

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from appliance.workers.child import ChildCall, Room

_libc = ctypes.CDLL(None, use_errno=True)
_SYSCALLS = {"socket": 41, "execve": 59, "fork": 57, "io_uring_setup": 425, "kill": 62, "openat": 257}  # x86-64's


def _word(value: Any) -> Any:
    return ctypes.c_long(value) if isinstance(value, int) else value.encode() if isinstance(value, str) else value


def native(body: list[Any], call: ChildCall) -> str:
    """A system call as native code makes it, past Python and its audit hook: its error's name, or "done"."""
    name, *arguments = body
    result = _libc.syscall(ctypes.c_long(_SYSCALLS[name]), *map(_word, arguments))
    if name == "fork" and result == 0:
        os._exit(0)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"


def libc(body: list[Any], call: ChildCall) -> str:
    """A function of the C library: its error's name, or "done"."""
    name, *arguments = body
    ctypes.set_errno(0)
    result = getattr(_libc, name)(*map(_word, arguments))
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"


def python(body: list[str], call: ChildCall) -> str:
    """What Python's own functions say."""
    what, argument = body
    tries: dict[str, Callable[[], object]] = {
        "socket": socket.socket,
        "resolve": lambda: socket.getaddrinfo("localhost", 80),
        "run": lambda: subprocess.run([argument], check=False),
        "system": lambda: os.system(argument),
        "fork": lambda: os.fork() or os._exit(0),
        "write": lambda: Path(argument).write_text("x"),
        "append": lambda: open(argument, "ab").close(),
        "read": lambda: Path(argument).read_bytes(),
        "list": lambda: list(Path(argument).iterdir()),
        "link": lambda: os.link(argument, "stolen"),
        "chmod": lambda: Path(argument).chmod(0o777),
        "remove": lambda: Path(argument).unlink(),
        "kill": lambda: os.kill(int(argument), signal.SIGKILL),
    }
    try:
        tries[what]()
    except OSError as error:
        return type(error).__name__
    return "done"


def scratch(body: str, call: ChildCall) -> str:
    Path("own").mkdir()
    Path("own/file").write_text(body)
    return Path("own/file").read_text()


def allocate(body: int, call: ChildCall) -> int:
    return len(bytearray(body))


def fill(body: int, call: ChildCall) -> str:
    try:
        with open("large", "wb") as file:
            file.truncate(body)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def spin(body: Any, call: ChildCall) -> None:
    while True:
        pass


def thread(body: Any, call: ChildCall) -> str:
    done = threading.Event()
    threading.Thread(target=done.set).start()
    return "done" if done.wait(5) else "no thread"


def load(body: list[str], call: ChildCall) -> list[str]:
    """What can't be imported."""
    failed = []
    for name in body:
        try:
            __import__(name)
        except Exception as error:
            failed.append(f"{name}: {type(error).__name__}: {error}")
    return failed


def interfaces(body: Any, call: ChildCall) -> list[str]:
    return sorted(line.split(":")[0].strip() for line in Path("/proc/self/net/dev").read_text().splitlines()[2:])


def held(body: Any, call: ChildCall) -> list[str]:
    """What its open files are."""
    return [
        str(Path(f"/proc/self/fd/{number}").readlink()) for number in range(100) if os.path.lexists(f"/proc/self/fd/{number}")
    ]


def echo(body: Any, call: ChildCall) -> Any:
    return body


def start(body: list[str], call: ChildCall) -> str:
    done = subprocess.run(body, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.strip() or done.stderr.strip()


def in_bytes(handler: Callable[[Any, ChildCall], Any]) -> Callable[[Any, ChildCall], bytes]:
    return lambda body, call: msgspec.msgpack.encode(handler(body, call))


def plain(body: Any, call: ChildCall) -> Any:
    return body


ROOM = Room(
    {"plain": plain}
    | {
        handler.__name__: in_bytes(handler)
        for handler in (native, libc, python, scratch, allocate, fill, spin, thread, load, interfaces, held, echo, start)
    },
    threads=1,
)
assert sys.version_info >= (3, 11)
