"""Confined workers as real processes: each tries what it may not do, by Python's functions and past them."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from appliance.clock import SystemClock
from appliance.workers import landlock, syscalls
from appliance.workers.frames import FRAME_BYTES_MAX
from appliance.workers.process import CallFailed, Limits, Worker, WorkerDied
from appliance.workers.sandbox import Confinement

ROOM = "tests.unit.workers.confined_rooms:ROOM"
MIB = 1024 * 1024
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have limits and the audit hook only")
has_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
has_seccomp = pytest.mark.skipif(syscalls.library() is None, reason="libseccomp is not here")
_F_SETOWN, _F_SETSIG = 8, 10
_AT_FDCWD, _LOOPBACK = -100, bytes.fromhex("02000050" + "7f000001" + "00" * 8)


PARSING = Limits(memory_bytes=512 * MIB, files=64)


def confined(limits: Limits = PARSING, *programs: str) -> Worker:
    confinement = Confinement(programs=list(programs))
    return Worker(ROOM, clock=SystemClock(), environment={"GATEHOUSE_TEST": "1"}, limits=limits, confinement=confinement)


async def asked(worker: Worker, method: str, body: Any = None) -> Any:
    return msgspec.msgpack.decode(await worker.call(method, body))


def place_of(program: str) -> str:
    found = shutil.which(program)
    assert found is not None
    return str(Path(found).resolve())


class Secret:
    """A file of the server's, as its database is."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gatehouse.db"
        self.path.write_text("a secret")

    def is_as_it_was(self) -> bool:
        return self.path.read_text() == "a secret" and list(self.path.parent.iterdir()) == [self.path]


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = confined()
    await worker.start()
    yield worker
    assert await asked(worker, "echo", "well") == "well"  # whatever it was refused
    await worker.stop()


@pytest.fixture
def outside(tmp_path: Path) -> Secret:
    return Secret(tmp_path)


@has_landlock
@has_seccomp
async def test_the_level_is_full_where_the_kernel_has_it_all(worker: Worker) -> None:
    assert worker.level.is_full, str(worker.level)
    assert {"limits", "seccomp", "audit hook"} <= set(worker.level.has)
    if "network namespace" in worker.level.has:
        assert await asked(worker, "interfaces") == ["lo"]


async def test_it_works_in_its_own_folder_and_with_threads(worker: Worker) -> None:
    assert await asked(worker, "scratch", "own") == "own"
    assert (worker.folder / "own/file").read_text() == "own"
    assert await asked(worker, "thread") == "done"


NATIVE = [
    ["native", "socket", socket.AF_INET, socket.SOCK_STREAM, 0],
    ["native", "socket", socket.AF_UNIX, socket.SOCK_STREAM, 0],
    ["native", "io_uring_setup", 8, None],
    ["native", "fork"],
    ["native", "execve", "/bin/true", None, None],
    ["native", "kill", os.getpid(), 0],
    ["libc", "ptrace", 16, os.getpid(), None, None],
    ["libc", "unshare", 0x1000_0000],
    ["libc", "mount", "none", "/mnt", "tmpfs", 0, None],
    ["libc", "chmod", "/tmp", 0o777],
    ["libc", "chown", "/tmp", 0, 0],
    ["libc", "setpriority", 0, os.getpid(), 19],
    ["libc", "inotify_init"],
    ["libc", "shmget", 0, 4096, 0o1600],
    ["libc", "socketpair", socket.AF_UNIX, socket.SOCK_STREAM, 0, None],
    ["libc", "bind", 0, _LOOPBACK, 16],
    ["libc", "connect", 0, _LOOPBACK, 16],
    ["libc", "prlimit64", os.getpid(), 7, None, None],
    ["libc", "memfd_create", "program", 0],
    ["libc", "fcntl", 0, _F_SETOWN, os.getpid()],  # whose signals then reach that process
    ["libc", "fcntl", 0, _F_SETSIG, 9],
    ["libc", "fcntl", 0, 15, b"\1\0\0\0\1\0\0\0"],  # F_SETOWN_EX
    ["libc", "ioctl", 0, 0x8901, None],  # FIOSETOWN
    ["libc", "prctl", 1, 0, 0, 0, 0],  # to live on when the server ends
]


@has_seccomp
async def test_native_code_is_refused_by_the_kernel(worker: Worker) -> None:
    said = {str(call): await asked(worker, call[0], call[1:]) for call in NATIVE}
    assert said == {str(call): "EPERM" for call in NATIVE}


async def test_pythons_own_functions_are_refused(worker: Worker) -> None:
    tries = dict.fromkeys(("socket", "resolve", "run", "system", "fork"), "/bin/true") | {"kill": str(os.getpid())}
    said = {what: await asked(worker, "python", [what, argument]) for what, argument in tries.items()}
    assert said == dict.fromkeys(tries, "PermissionError")


@has_landlock
async def test_native_code_neither_reads_nor_writes_outside(worker: Worker, outside: Secret) -> None:
    for path in (str(outside.path), "/etc/passwd", "/root/.bashrc", str(Path.home()), f"/proc/{os.getpid()}/environ", "/dev/mem"):
        assert await asked(worker, "native", ["openat", _AT_FDCWD, path, os.O_RDONLY]) in ("EACCES", "ENOENT", "EPERM")
    for path in (str(outside.path), str(outside.path.with_name("new")), "/tmp/new-of-a-worker", os.__file__):
        flags = os.O_WRONLY | os.O_CREAT
        assert await asked(worker, "native", ["openat", _AT_FDCWD, path, flags, 0o600]) == "EACCES"
    assert await asked(worker, "libc", ["truncate", str(outside.path), 0]) == "EACCES"
    for name in ("link", "symlink", "rename"):
        assert await asked(worker, "libc", [name, str(outside.path), "stolen"]) in ("EACCES", "EXDEV")
    assert await asked(worker, "libc", ["unlink", str(outside.path)]) in ("EACCES", "ENOENT")
    assert outside.is_as_it_was()


async def test_python_neither_reads_nor_changes_what_is_outside(worker: Worker, outside: Secret) -> None:
    tries = ("read", "write", "append", "link", "chmod", "remove")
    said = {what: await asked(worker, "python", [what, str(outside.path)]) for what in tries}
    assert said == dict.fromkeys(tries, "PermissionError")
    assert outside.is_as_it_was()


async def test_a_link_in_its_own_folder_leads_nowhere(worker: Worker, outside: Secret) -> None:
    (worker.folder / "link").symlink_to(outside.path)
    assert await asked(worker, "python", ["read", "link"]) == "PermissionError"
    assert await asked(worker, "python", ["write", "link"]) == "PermissionError"
    assert outside.is_as_it_was()


async def test_memory_beyond_its_limit_fails_the_call_and_a_large_file_is_cut(worker: Worker) -> None:
    with pytest.raises(CallFailed, match="MemoryError"):
        await asked(worker, "allocate", 2048 * MIB)
    small = confined(Limits(file_bytes=MIB))
    await small.start()
    assert await asked(small, "fill", MIB) == "done"
    assert await asked(small, "fill", 2 * MIB) == "EFBIG"
    await small.stop()


async def test_spinning_ends_the_worker_and_nothing_else() -> None:
    worker = confined(Limits(cpu_seconds=1))
    await worker.start()
    with pytest.raises(WorkerDied, match="SIG"):
        await asked(worker, "spin")


@has_landlock
@has_seccomp
async def test_a_room_that_may_start_one_program_starts_that_one_and_it_is_confined_too(outside: Secret) -> None:
    cat = place_of("cat")
    worker = confined(PARSING, cat)
    await worker.start()
    assert worker.level.is_full, str(worker.level)
    (worker.folder / "own").write_text("mine")
    assert await asked(worker, "start", [cat, "own"]) == "mine"
    assert "Permission denied" in await asked(worker, "start", [cat, str(outside.path)])
    with pytest.raises(CallFailed, match="PermissionError"):
        await asked(worker, "start", ["/bin/ls"])
    assert await asked(worker, "native", ["execve", "/bin/ls", None, None]) == "EACCES"
    assert await asked(worker, "native", ["socket", socket.AF_INET, socket.SOCK_STREAM, 0]) == "EPERM"
    for call in (["kill", os.getpid(), 0], ["tgkill", os.getpid(), os.getpid(), 0], ["memfd_create", "program", 0]):
        assert await asked(worker, "libc", call) == "EPERM"
    assert await asked(worker, "libc", ["fcntl", 0, _F_SETOWN, os.getpid()]) == "EPERM"
    await worker.stop()


@has_seccomp
async def test_a_room_that_may_start_a_program_sends_nobody_signals_where_landlock_does_not_see_to_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    older = tmp_path / "older-python"
    older.write_text(OLDER.format(python=sys.executable, refused=[["landlock_create_ruleset"]]))
    older.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(older))
    worker = confined(PARSING, place_of("cat"))
    await worker.start()
    for call in (["kill", os.getpid(), 0], ["tgkill", os.getpid(), os.getpid(), 0], ["fcntl", 0, _F_SETOWN, os.getpid()]):
        assert await asked(worker, "libc", call) == "EPERM"
    await worker.stop()


@pytest.mark.parametrize("programs", [[], ["cat"]], ids=["no program", "a program"])
async def test_it_inherits_no_file_of_the_servers(programs: list[str], outside: Secret) -> None:
    with outside.path.open("rb") as file:
        os.set_inheritable(file.fileno(), True)
        worker = confined(PARSING, *map(place_of, programs))
        await worker.start()
        assert all(str(outside.path) not in held for held in await asked(worker, "held"))
        await worker.stop()


async def test_what_a_room_started_ends_with_it() -> None:
    sleep = place_of("sleep")
    worker = confined(PARSING, sleep)
    await worker.start()
    call = asyncio.ensure_future(asked(worker, "start", [sleep, "600"]))
    async with asyncio.timeout(10):
        while not (children := psutil.Process(worker.pid).children()):  # noqa: ASYNC110 - it lives elsewhere
            await asyncio.sleep(0.02)
    worker.kill()
    with pytest.raises(WorkerDied):
        await call
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
    assert not alive


async def test_large_bodies_pass_within_its_memory(worker: Worker) -> None:
    large = b"x" * (FRAME_BYTES_MAX + 1)
    assert await worker.call("plain", large) == large


@pytest.mark.parametrize("body", ["text", 1, [[]] * 3, {"a": 1}], ids=str)
async def test_what_it_says_is_bytes_or_it_is_killed(body: Any) -> None:
    worker = confined()
    await worker.start()
    assert await worker.call("plain", b"bytes") == b"bytes"
    with pytest.raises(WorkerDied, match="sent garbage"):
        await worker.call("plain", body)


# Runs Python under a filter that makes system calls fail as they do on a kernel that doesn't have, or doesn't allow them.
OLDER = """#!{python}
import errno, os, sys
import pyseccomp
calls = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
for name, *arguments in {refused}:
    calls.add_rule(pyseccomp.ERRNO(errno.ENOSYS), name, *(pyseccomp.Arg(*each) for each in arguments))
calls.load()
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""
NO_SECCOMP = [["seccomp"], ["prctl", (0, 4, 22)]]


@has_landlock
@has_seccomp
@pytest.mark.parametrize(
    ("refused", "lacks", "walls"),
    [
        ([["unshare"]], [], {"seccomp", "Landlock"}),
        ([["landlock_create_ruleset"]], ["open every file"], {"seccomp"}),
        (NO_SECCOMP, ["start programs"], {"Landlock"}),
        ([*NO_SECCOMP, ["unshare"]], ["start programs", "reach the network"], {"Landlock"}),
    ],
    ids=["no namespaces", "no Landlock", "no seccomp", "neither of those for the network"],
)
async def test_what_the_kernel_lacks_is_said_and_python_still_refuses(
    monkeypatch: pytest.MonkeyPatch, outside: Secret, tmp_path: Path, refused: list[Any], lacks: list[str], walls: set[str]
) -> None:
    older = outside.path.with_name("older-python")
    older.write_text(OLDER.format(python=sys.executable, refused=refused))
    older.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(older))
    worker = confined()
    await worker.start()
    older.unlink()
    assert worker.level.is_full is not bool(lacks), str(worker.level)
    assert len(worker.level.lacks) == len(lacks)
    assert all(words in said for words, said in zip(lacks, worker.level.lacks, strict=True))
    assert {wall.split()[0] for wall in worker.level.has} >= walls | {"limits", "audit"}
    for what in ("read", "write", "remove", "socket", "run"):
        assert await asked(worker, "python", [what, str(outside.path)]) == "PermissionError"
    assert outside.is_as_it_was()
    await worker.stop()


async def test_a_worker_that_nobody_confines_says_so() -> None:
    worker = Worker(ROOM, clock=SystemClock(), environment={"GATEHOUSE_TEST": "1"})
    await worker.start()
    assert not worker.level.is_full
    await worker.stop()
