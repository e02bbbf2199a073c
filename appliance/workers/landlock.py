"""Landlock: which files a process may open, kept by the Linux kernel. By system calls, since no library of Python's has them.

Source: docs.kernel.org/userspace-api/landlock.html, read 2026-11-27. Rules are added up, and nobody can take them back. What
it doesn't know (a file's rights, owner and times by its name) is refused by system calls, in `syscalls.py`.
"""

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every processor but Alpha
_ASK_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = 1, 2, 4, 8, 16, 32
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
TRUNCATE, DEVICES = 1 << 14, 1 << 15
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | DEVICES  # the others mean something for folders only
_KNOWN_BITS = {1: 13, 2: 14, 3: 15, 4: 15}  # kinds of access that a version can refuse; 5 and later: 16
READ = READ_FILE | READ_DIR
START = READ_FILE | EXECUTE
KEEP = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | TRUNCATE
_TCP = 0b11  # bind and connect; from version 4 on
SIGNALS_SINCE = 6  # it keeps signals from other processes
_OTHERS = 0b11  # abstract sockets and signals of processes that aren't confined with us; from version 6 on


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"  # what packing means; Python 3.13 and later want it said
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The kernel's, 1 or more; 0: it has none, or doesn't let us."""
    try:
        return max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION))
    except OSError:
        return 0


def confine(rules: Iterable[tuple[Path, int]]) -> int:
    """From now on this thread, and those that it starts, may do with files what `rules` say, and nothing else.

    Shapes:  (folder or file, what may be done with it and all below); places that aren't there count for nothing.
    Returns: the version that holds.
    Errors:  OSError.
    """
    found = version()
    if not found:
        raise OSError("the kernel has no Landlock")
    known = (1 << _KNOWN_BITS.get(found, 16)) - 1
    attributes = _Ruleset(known, _TCP if found >= 4 else 0, _OTHERS if found >= 6 else 0)
    size = 24 if found >= 6 else 16 if found >= 4 else 8
    ruleset = _call(_CREATE_RULESET, ctypes.byref(attributes), size, 0)
    try:
        for place, access in rules:
            _allow(ruleset, place, access & known)
        if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "no_new_privs")
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return found


def _allow(ruleset: int, place: Path, access: int) -> None:
    try:
        descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _OF_FILES
        if access:
            _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(_Beneath(access, descriptor)), 0)
    finally:
        os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    words = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    result: int = _libc().syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    return result
