"""A room for tests, which does what no decent room would. Started as `tests.unit.workers.rooms:ROOM`."""

import ctypes
import os
import sys
import threading
import time
from typing import Any

from appliance.workers import frames
from appliance.workers.child import ChildCall, HandlerError, Room

_sent = 0
_cancelled = threading.Event()


def echo(body: Any, call: ChildCall) -> Any:
    return body


def count(body: int, call: ChildCall) -> str:
    global _sent
    _sent = 0
    for number in range(body):
        if call.send(number):
            _cancelled.set()
            return "stopped"
        _sent = number + 1
    return "done"


def slow_count(body: int, call: ChildCall) -> str:
    for number in range(body):
        time.sleep(0.01)
        if call.send(number):
            _cancelled.set()
            return "stopped"
    return "done"


def sent(body: Any, call: ChildCall) -> int:
    return _sent


def was_cancelled(body: Any, call: ChildCall) -> bool:
    return _cancelled.wait(5)


def refuse(body: Any, call: ChildCall) -> None:
    raise HandlerError("too_long", "longer than it may be", {"is": 12, "may_be": 10})


def crash(body: str, call: ChildCall) -> None:
    raise ValueError(body)


def segfault(body: Any, call: ChildCall) -> None:
    ctypes.string_at(0)


def sleep(body: float, call: ChildCall) -> str:
    time.sleep(body)
    return "slept"


def hang(body: int, call: ChildCall) -> None:
    """Native code that keeps Python's lock: nothing else in this process runs meanwhile."""
    ctypes.PyDLL(None).sleep(body)


def garbage(body: bytes, call: ChildCall) -> None:
    os.write(call._child._outgoing, body)
    time.sleep(5)


def flood(body: int, call: ChildCall) -> None:
    for number in range(body):
        call._child.say_with_body(frames.Chunk(call.number, number))
    time.sleep(5)


def chunk_of_nobody(body: Any, call: ChildCall) -> None:
    call._child.say(frames.Chunk(call.number + 1000, "x"))
    time.sleep(5)


def print_everywhere(body: Any, call: ChildCall) -> str:
    print("from Python")
    os.write(1, b"from native code\n")
    return sys.stdin.read()


def unwritable(body: Any, call: ChildCall) -> Any:
    return object()


def environment(body: Any, call: ChildCall) -> dict[str, str]:
    return dict(os.environ)


def modules(body: Any, call: ChildCall) -> list[str]:
    return sorted({name.partition(".")[0] for name in sys.modules})


def spin(body: Any, call: ChildCall) -> None:
    while True:
        pass


def allocate(body: int, call: ChildCall) -> int:
    return len(bytearray(body))


def close_output(body: Any, call: ChildCall) -> None:
    os.close(call._child._outgoing)
    time.sleep(30)


ROOM = Room(
    {
        handler.__name__: handler
        for handler in (
            *(echo, count, slow_count, sent, was_cancelled, refuse, crash, segfault, sleep, hang, garbage, flood),
            *(chunk_of_nobody, print_everywhere, unwritable, environment, modules, spin, allocate, close_output),
        )
    },
    threads=8,
)
