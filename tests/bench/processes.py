"""Processes that the benchmark starts: on which cores, what they cost, how much memory, and their end.

Nothing else is ever ended: each is stopped by the id of the process that was started here.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class BenchError(Exception):
    """The run can't go on; the message says why."""


class Cores(NamedTuple):
    """As taskset takes them."""

    server: str
    load: str


def cores() -> Cores:
    """One core for whatever is measured, the others for load and upstream. With a single core they share it."""
    mine = sorted(os.sched_getaffinity(0))
    return Cores(str(mine[-1]), ",".join(map(str, mine[:-1])) or str(mine[-1]))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


class Process:
    """One that was started here, and what it started itself."""

    def __init__(self, name: str, popen: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self.log = log
        self._popen = popen

    @property
    def pid(self) -> int:
        return self._popen.pid

    def family(self) -> list[int]:
        """Its id and those of its descendants."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parents.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
                except (OSError, IndexError):
                    continue
        found = [self.pid]
        for pid in found:
            found.extend(parents.get(pid, []))
        return found

    def commands(self) -> list[str]:
        return [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in self.family()]

    def cpu_seconds(self) -> float:
        """User and system time of the family so far, threads included."""
        ticks = 0
        for pid in self.family():
            fields = _stat(pid)
            ticks += int(fields[11]) + int(fields[12])
        return ticks / _TICKS

    def resident_bytes(self) -> int:
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.family()) * _PAGE

    def resident_bytes_max(self) -> int:
        """The most that each of them has ever had, together."""
        kilobytes = 0
        for pid in self.family():
            line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))
            kilobytes += int(line.split()[1])
        return kilobytes * 1024

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def stop(self, seconds: float = 15) -> None:
        """Politely, then not; the whole family."""
        family = self.family() if self.is_running() else []
        if family:
            self._popen.send_signal(signal.SIGTERM)
            try:
                self._popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        for pid in family[1:]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


def start(name: str, command: list[str], folder: Path, *, cores: str, env: dict[str, str] | None = None) -> Process:
    log = folder / f"{name}.log"
    if taskset := shutil.which("taskset"):
        command = [taskset, "--cpu-list", cores, *command]
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is ours to pass on
        )
    return Process(name, popen, log)


def wait_for(url: str, process: Process, seconds: float = 120, pause: float = 0.05) -> None:
    """Until `url` answers 200. Errors: BenchError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not process.is_running():
            break
        try:
            with opener.open(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(pause)
    raise BenchError(f"{process.name} did not answer at {url}\n{process.tail()}")
