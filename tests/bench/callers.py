"""Callers in this process: a number of connections, each sending its next request when its answer has come, up to a count.

wrk stops after some seconds and hangs up on what is under way. Where a stream takes a tenth of a second, what the gateway has
spent on those would count, and they not. Here all that was begun ends. Each answer is read to its end; what stands in it is
looked at once, by `Contender.check`, before the load.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import uvloop

from tests.bench.load import Sample, Target
from tests.bench.processes import BenchError, Process

SECONDS_MAX = 120
_END = b"\r\n0\r\n\r\n"


class Crowd:
    """How many answers have begun and not come to their end, and the most that ever was."""

    def __init__(self) -> None:
        self.open = 0
        self.open_most = 0

    def begun(self) -> None:
        self.open += 1
        self.open_most = max(self.open_most, self.open)


class Caller(asyncio.Protocol):
    """One connection. `answer` is what has come of the last answer, head and all."""

    def __init__(self, asked: Target, crowd: Crowd, count: int = 1) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answer = bytearray()
        self.seconds: list[float] = []  # that each answer took, to its end
        self._left = count
        self._crowd = crowd
        self._asked = _request(asked)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self.answer = bytearray()
        self._body_at = self._length = 0
        self._began = time.monotonic()
        self._transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        if not self.answer:
            self._crowd.begun()
        self.answer += data
        if not self._body_at and not self._read_head():
            return
        whole = len(self.answer) >= self._body_at + self._length if self._length else self.answer.endswith(_END)
        if whole:
            self._answered()

    def _read_head(self) -> bool:
        self._body_at = self.answer.find(b"\r\n\r\n") + 4
        if self._body_at < 4:
            self._body_at = 0
            return False
        head = bytes(self.answer[: self._body_at]).lower()
        self._length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        return True

    def _answered(self) -> None:
        self._crowd.open -= 1
        self._left -= 1
        self.seconds.append(time.monotonic() - self._began)
        if self._left and self.answer.startswith(b"HTTP/1.1 200 "):
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    @property
    def fault(self) -> str:
        """What is wrong with how the answers came; empty where all came to their end."""
        if not self.answer.startswith(b"HTTP/1.1 200 "):
            return f"it was answered {bytes(self.answer[:500])!r}"
        return f"it was cut: … {bytes(self.answer[-200:])!r}" if self._left else ""

    def body(self) -> bytes:
        """The last answer's, out of HTTP's chunks."""
        chunked, pieces, at = bytes(self.answer), [], self._body_at
        if self._length:
            return chunked[at:]
        while size := int(chunked[at : (line_end := chunked.index(b"\r\n", at))], 16):
            pieces.append(chunked[line_end + 2 : line_end + 2 + size])
            at = line_end + 2 + size + 2
        return b"".join(pieces)


def _request(asked: Target) -> bytes:
    place = urlsplit(asked.url)
    headers = {**asked.headers, "Content-Type": "application/json", "Content-Length": str(len(asked.body))}
    lines = [f"POST {place.path} HTTP/1.1", f"Host: {place.netloc}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + asked.body


async def _call(asked: list[Target], crowd: Crowd, count: int) -> list[Caller]:
    callers = []
    for one in asked:
        place = urlsplit(one.url)
        make = partial(Caller, one, crowd, count)
        _, caller = await asyncio.get_running_loop().create_connection(make, place.hostname or "", place.port or 80)
        callers.append(caller)
    await asyncio.wait([caller.ended for caller in callers], timeout=SECONDS_MAX)
    return callers


def call(asked: list[Target], crowd: Crowd, *, count: int = 1, cores: str) -> list[Caller]:
    """A connection for each that is asked, on these cores; at their ends, or after SECONDS_MAX."""
    with _on(cores):
        return uvloop.run(_call(asked, crowd, count))


def load(asked: Target, process: Process, *, connections: int, count: int, cores: str) -> Sample:
    """`count` requests on each connection. Errors: BenchError when one isn't answered to the end."""
    before, began = process.cpu_seconds(), time.monotonic()
    callers = call([asked] * connections, Crowd(), count=count, cores=cores)
    seconds = time.monotonic() - began
    time.sleep(0.05)  # what the gateway does behind an answer
    cpu = process.cpu_seconds() - before
    if fault := next((caller.fault for caller in callers if caller.fault), ""):
        raise BenchError(f"{process.name}: {fault}\n{process.tail()}")
    took = sorted(took for caller in callers for took in caller.seconds)
    return Sample(len(took), seconds, cpu / len(took) * 1e6, statistics.median(took) * 1000, took[int(len(took) * 0.99)] * 1000)


@contextmanager
def _on(cores: str) -> Iterator[None]:
    """This process, as `taskset --cpu-list` would have it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, map(int, cores.split(",")))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
