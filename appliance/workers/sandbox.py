"""What a worker that reads strangers' files is kept from: the network, other programs, all files but its own, other processes.

Applied in the child before its room is imported, while it has one thread: whatever a library does, then or later, it does in
here. Each wall is put up where the system has it, and the parent hears which ones stand (`Level`).

    network namespace   no interface but a loopback of its own          Linux that lets users make one
    seccomp             no socket, program, process, mount, …           Linux with libseccomp (syscalls.py)
    Landlock            reads Python and libraries, writes its folder   Linux 5.13 (landlock.py)
    limits              memory, processor time, files (child.py)        not Windows; macOS doesn't keep memory's
    job                 memory, no other process                        Windows (windows_job.py)
    audit hook          the same again for what Python itself is asked  everywhere
"""

import ctypes
import os
import socket
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_CAPABILITIES_VERSION_3 = 0x2008_0522
_PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 47, 4
_CAPABILITY_LAST = 63
_PACKAGE = Path(__file__).resolve().parent.parent
# What libraries look at while they are loaded, beside Python's folders: the linker's cache, processors, time, kinds of files.
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/lib", "/nix/store")
_SYSTEM = (
    *("/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/etc/mime.types", "/etc/ssl/openssl.cnf", "/etc/os-release"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/kernel/osrelease", "/proc/sys/vm"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage"),
    *("/dev/urandom", "/dev/random", "/dev/zero", "/usr/share/zoneinfo", "/usr/share/mime"),
)


class Confinement(msgspec.Struct, frozen=True):
    """What a confined worker may all the same.

    programs:  full paths of programs that it may start; with none it can't start anything, nor another process.
    readable:  files and folders that it may read, beside Python's, the system's libraries and its own folder.
    nice:      how far it steps back behind others where processors are busy, 0 to 19.
    """

    programs: list[str] = []
    readable: list[str] = []
    nice: int = 0


class Level(msgspec.Struct, frozen=True):
    """Which walls stand around a worker. `lacks` says what it could do that it should not, in words for people."""

    has: list[str] = []
    lacks: list[str] = []

    @property
    def is_full(self) -> bool:
        return bool(self.has) and not self.lacks

    def __str__(self) -> str:
        walls = ", ".join(self.has) or "nothing"
        return f"full ({walls})" if self.is_full else f"partly ({walls}): {'; '.join(self.lacks) or 'not confined'}"


def confine(wanted: Confinement, folder: Path, limits: Mapping[str, int]) -> Level:
    """Put up the walls around this process. Nothing takes them down again.

    Shapes:  `folder`: the only place that it may write to. `limits`: those of child.py, which has set what POSIX has of them.
             The process has one thread.
    """
    if wanted.nice and hasattr(os, "nice"):
        os.nice(wanted.nice)
    places = _Places(wanted, folder)
    has: list[str] = [] if sys.platform == "win32" else ["limits"]
    lacks: list[str] = []
    if sys.platform == "linux":
        _confine_by_kernel(wanted, places, has, lacks)
    elif sys.platform == "win32":
        _confine_by_job(wanted, limits, has, lacks)
    else:
        lacks += ["it can reach the network", "it can start programs", "it can open every file of its user"]
    sys.addaudithook(_hook(places, frozenset(wanted.programs)))
    has.append("audit hook")
    return Level(has, lacks)


def _confine_by_kernel(wanted: Confinement, places: "_Places", has: list[str], lacks: list[str]) -> None:
    from appliance.workers import landlock, syscalls

    library = syscalls.library()  # before the walls: it asks the system's linker where libseccomp is
    has_own_network = _leave_network()
    _drop_capabilities()
    try:
        version = landlock.confine(places.rules())
    except OSError:
        version = 0
    try:
        may_signal = bool(wanted.programs) and version >= landlock.SIGNALS_SINCE
        syscalls.refuse(library, os.getpid(), may_start_programs=bool(wanted.programs), may_signal=may_signal)
        has_filter = True
    except OSError:
        has_filter = False
    has_filter, version = has_filter and _makes_no_socket(), version if _opens_no_root() else 0  # tried, not believed
    walls = {"network namespace": has_own_network, f"Landlock {version}": version, "seccomp": has_filter}
    has += [name for name, stands in walls.items() if stands]
    if not version:
        lacks.append("it can open every file of its user (this kernel has no Landlock)")
    if not has_filter:
        lacks.append("it can start programs (libseccomp can't be used here)")
        if not has_own_network:
            lacks.append("it can reach the network")


def _makes_no_socket() -> bool:
    try:
        socket.socket().close()
    except PermissionError:
        return True
    return False


def _opens_no_root() -> bool:
    try:
        os.close(os.open("/", os.O_RDONLY))
    except PermissionError:
        return True
    return False


def _confine_by_job(wanted: Confinement, limits: Mapping[str, int], has: list[str], lacks: list[str]) -> None:
    from appliance.workers import windows_job

    if windows_job.enter(limits["memory_bytes"], limits["cpu_seconds"], may_start_programs=bool(wanted.programs)):
        has.append("job")
    else:
        lacks.append("it can start programs")
    lacks += ["it can reach the network", "it can open every file of its user"]


def _leave_network() -> bool:
    """Into a network of our own, which leads nowhere. In a user namespace where that alone gives the right to do so."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        return bool(libc.unshare(_CLONE_NEWNET) == 0)
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        try:
            Path(f"/proc/self/{name}").write_text(line)
        except OSError:
            pass  # we are nobody then, which is as well
    return True


class _CapabilityHead(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _drop_capabilities() -> None:
    """Root's rights, and those that a new namespace gave: none is needed, and the kernel has more doors for who has them."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for number in range(_CAPABILITY_LAST + 1):
        libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    head, none = _CapabilityHead(_CAPABILITIES_VERSION_3, 0), (_Capabilities * 2)()
    libc.capset(ctypes.byref(head), ctypes.byref(none))


class _Places:
    """What may be opened."""

    def __init__(self, wanted: Confinement, folder: Path) -> None:
        self.folder = folder.resolve()
        self.programs = [Path(program) for program in wanted.programs]
        self.readable = [path.resolve() for path in (*_python(), *map(Path, (*_LIBRARIES, *_SYSTEM, *wanted.readable)))]
        if os.environ.get("GATEHOUSE_TEST") == "1":
            self.readable.append(_PACKAGE.parent / "tests")

    def rules(self) -> Iterator[tuple[Path, int]]:
        from appliance.workers import landlock

        yield self.folder, landlock.KEEP
        yield Path("/dev/null"), landlock.READ_FILE | landlock.WRITE_FILE
        for path in self.readable:
            yield path, landlock.READ
        yield _PACKAGE.parent, landlock.READ_DIR  # where Python looks for the package: names, no contents
        for program in self.programs:
            for path in (program, *_loaders()):
                yield path, landlock.START

    def may_write(self, path: str) -> bool:
        return path == os.devnull or _is_below(path, (self.folder,))

    def may_read(self, path: str) -> bool:
        return path == os.devnull or _is_below(path, (self.folder, *self.readable, *self.programs))


def _python() -> Iterator[Path]:
    """Folders of Python, of its packages and of ours. Not the folder that ours is in: in a checkout anything may lie there."""
    yield from (Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
    yield from map(Path, (*((sys._MEIPASS,) if hasattr(sys, "_MEIPASS") else ()), f"{sys.prefix}/lib", f"{sys.base_prefix}/lib"))
    yield Path(sys.prefix, "pyvenv.cfg")
    yield from (Path(entry) for entry in sys.path if entry and Path(entry).resolve() != _PACKAGE.parent)
    yield from (_PACKAGE, _PACKAGE.parent / "models")


def _loaders() -> Iterator[Path]:
    """What starts a program before the program itself."""
    for folder in ("/lib64", "/lib", "/usr/lib64", "/usr/lib"):
        yield from Path(folder).glob("ld-linux*.so*")
        yield from Path(folder).glob("ld-musl*.so*")
        yield from Path(folder).glob("*-linux-gnu*/ld-linux*.so*")


def _is_below(path: str, folders: tuple[Path, ...]) -> bool:
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(folder) for folder in folders)


_NEVER = ("socket.", "os.fork", "os.system", "os.exec", "os.spawn", "pty.", "os.startfile", "os.kill")
_CHANGES = (
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "os.setxattr", "os.removexattr", "os.utime", "shutil.rmtree"),
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _hook(places: _Places, programs: frozenset[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """The last line, for systems whose kernel doesn't help: what Python's own functions are asked. Native code isn't."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes | os.PathLike):
                name = os.fsdecode(path)
                if not (places.may_write(name) if isinstance(flags, int) and flags & _WRITES else places.may_read(name)):
                    raise PermissionError(f"a confined worker may not open this ({event})")
        elif event in ("subprocess.Popen", "os.posix_spawn"):
            if arguments[0] not in programs:
                raise PermissionError("a confined worker may not start this")
        elif event.startswith(_NEVER):
            if not (programs and event == "os.kill"):
                raise PermissionError(f"a confined worker may not do this ({event})")
        elif event in _CHANGES and not all(map(places.may_write, _names(arguments))):
            raise PermissionError(f"a confined worker may not change this ({event})")

    return hook


def _names(arguments: tuple[Any, ...]) -> list[str]:
    return [os.fsdecode(path) for path in arguments[:2] if isinstance(path, str | bytes)]
