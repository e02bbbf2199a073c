"""Where log lines go: a bounded queue, and a thread that writes it to stderr or to a file that rotates.

A caller only appends to a list (0.3 µs), so a disk that stalls or a terminal that nobody reads never holds up the
event loop. What doesn't fit is dropped, the oldest first, and the next line written says how many. A full disk loses
lines and nothing else.
"""

import os
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

LINES_WAITING_MAX = 10_000
GATHER_SECONDS = 0.02  # a wake-up costs more than a line, so lines that come close together share one


class Sink(Protocol):
    """Something that takes whole lines."""

    def write(self, lines: bytes) -> None:
        """Errors: OSError when they can't be taken."""
        ...

    def close(self) -> None: ...


class StandardError:
    """stderr, unbuffered, whatever Python's own object for it is doing."""

    def write(self, lines: bytes) -> None:
        sys.stderr.flush()
        descriptor = sys.stderr.fileno()
        while lines:
            lines = lines[os.write(descriptor, lines) :]

    def close(self) -> None:
        pass


class RotatingFile:
    """`gatehouse.log`, set aside as gatehouse.log.1, .2 … when it is full. Only the owner may read them."""

    def __init__(self, path: Path, bytes_max: int, files_max: int) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._files_max = files_max
        self._descriptor = -1
        self._size = 0

    def write(self, lines: bytes) -> None:
        for part in _pieces(lines, self._bytes_max):
            if self._descriptor < 0:
                self._open()
            if self._size and self._size + len(part) > self._bytes_max:
                self._rotate()
            self._append(part)

    def _append(self, part: bytes) -> None:
        start = self._size
        try:
            while part:
                written = os.write(self._descriptor, part)
                self._size += written
                part = part[written:]
        except OSError:
            if self._size > start:  # half a line would make the next one unreadable
                os.ftruncate(self._descriptor, start)
                self._size = start
            raise

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(self._files_max - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._open()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _pieces(lines: bytes, bytes_max: int) -> list[bytes]:
    """Whole lines in pieces of at most `bytes_max`; a single longer line stays whole."""
    if len(lines) <= bytes_max:
        return [lines]
    pieces: list[bytes] = []
    for line in lines.splitlines(keepends=True):
        if pieces and len(pieces[-1]) + len(line) <= bytes_max:
            pieces[-1] += line
        else:
            pieces.append(line)
    return pieces


class LogWriter:
    """Takes lines from any thread, writes them from its own."""

    def __init__(self, sink: Sink, *, lines_waiting_max: int = LINES_WAITING_MAX) -> None:
        self._sink = sink
        self._waiting: deque[bytes] = deque()
        self._lines_waiting_max = lines_waiting_max
        self._lock = threading.Lock()
        self._something = threading.Event()
        self._closing = threading.Event()
        self._lost = 0
        self._lost_untold = 0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    @property
    def lines_lost(self) -> int:
        """Lines dropped since the start."""
        return self._lost

    def put(self, line: bytes) -> None:
        """Take one line, without its line end. Never blocks and never fails."""
        with self._lock:
            if len(self._waiting) >= self._lines_waiting_max:
                self._waiting.popleft()
                self._lose(1)
            self._waiting.append(line)
        if not self._something.is_set():
            self._something.set()

    def close(self, timeout_seconds: float = 2.0) -> None:
        """Write what waits and end. A sink that stalls is left behind after the timeout."""
        self._closing.set()
        self._something.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while True:
            self._something.wait()
            closing = self._closing.wait(GATHER_SECONDS)
            self._something.clear()
            self._write_what_waits()
            if closing:
                self._sink.close()
                return

    def _write_what_waits(self) -> None:
        with self._lock:
            lines, self._waiting = self._waiting, deque()
            untold, self._lost_untold = self._lost_untold, 0
        if untold:
            lines.appendleft(_lost_line(untold))
        if not lines:
            return
        try:
            self._sink.write(b"\n".join(lines) + b"\n")
        except (OSError, ValueError):  # disk full, pipe closed, stderr gone: the server goes on
            with self._lock:
                self._lost_untold += untold
                self._lose(len(lines) - bool(untold))

    def _lose(self, count: int) -> None:
        self._lost += count
        self._lost_untold += count


def _lost_line(count: int) -> bytes:
    fields = {"ts": datetime.now(UTC), "level": "warning", "room": "telemetry", "event": "log lines lost", "count": count}
    return msgspec.json.encode(fields)
