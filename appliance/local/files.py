"""Large files: copied with a hash and a progress, put in place all at once or not at all."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import psutil

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PIECE_BYTES = 1024 * 1024
LEFT_BEHIND_SECONDS = 24 * 3600
LINK_CIRCLE = "its link leads in a circle"

_PART = re.compile(r"\..*\.(\d+)\.[0-9a-f]{8}\.part")  # with the id of the process that writes it
_parts: set[Path] = set()  # that this process writes; in a container, the process before had the same id
_locking = threading.Lock()

OnProgress = Callable[[int, int], None]  # bytes done, bytes altogether


@contextlib.contextmanager
def replaced(target: Path) -> Iterator[BinaryIO]:
    """A file to write that becomes `target` once the block ends well; it is on the disk then. Only its owner may read it."""
    with part_beside(target) as part:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)


@contextlib.contextmanager
def part_beside(target: Path) -> Iterator[Path]:
    """A name for what is going to be `target`; what still has it in the end is removed."""
    part = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    _parts.add(part)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
        _parts.discard(part)


def sweep(folder: Path) -> None:
    """Remove what copies left that a crash ended: where their process is gone, or a day after. What can be continued has
    another name, and stays."""
    oldest = time.time() - LEFT_BEHIND_SECONDS
    for part in folder.glob(".*.????????.part"):
        with contextlib.suppress(OSError):
            if _is_left_behind(part) or part.stat().st_mtime < oldest:
                part.unlink()


def _is_left_behind(part: Path) -> bool:
    name = _PART.fullmatch(part.name)
    if name is None:
        return False
    process = int(name[1])
    return part not in _parts if process == os.getpid() else not psutil.pid_exists(process)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until nobody else holds this file's lock, on no thread and in no process, and hold it. Errors: OSError."""
    with _locking, open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        _lock(file)
        yield


if sys.platform == "win32":

    def _lock(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)

else:

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


def real(path: Path) -> Path:
    """Where a path really leads. Errors: OSError where that is a circle."""
    try:
        resolved = path.resolve()
        is_circle = resolved.is_symlink()
    except RuntimeError:  # Python up to 3.12
        is_circle = True
    if is_circle:
        raise OSError(errno.ELOOP, LINK_CIRCLE, str(path))
    return resolved


def copy_bounded(source: BinaryIO, target: BinaryIO | None, size: int, on_progress: OnProgress | None) -> str:
    """Copy exactly `size` bytes (only read them where there is no target); their sha256.

    Errors:  ValueError when the source holds more or fewer.
    """
    digest = hashlib.sha256()
    done = 0
    while piece := source.read(PIECE_BYTES):
        done += len(piece)
        if done > size:
            break
        digest.update(piece)
        if target is not None:
            target.write(piece)
        if on_progress is not None:
            on_progress(done, size)
    if done != size:
        raise ValueError(f"expected {size} bytes, found {'more' if done > size else done}")
    return digest.hexdigest()


def copied(source: Path, target: Path | None, on_progress: OnProgress | None, *, sha256: str = "") -> str:
    """Copy a file to `target`, or only read it where that is None; its sha256.

    Errors:  OSError; ValueError when it changes meanwhile, or has another hash than the `sha256` given: then no copy stays.
    """
    with source.open("rb") as reading:
        size = os.fstat(reading.fileno()).st_size
        if target is None:
            return copy_bounded(reading, None, size, on_progress)
        if shutil.disk_usage(target.parent).free < size:
            raise OSError(28, "No space left on device", str(target.parent))
        with replaced(target) as writing:
            found = copy_bounded(reading, writing, size, on_progress)
            if sha256 and found != sha256:
                raise ValueError("its sha256 differs")
            return found


def sha256_of(path: Path, on_progress: OnProgress | None = None) -> str:
    """A file's sha256, about a third of a second for 100 MB."""
    return copied(path, None, on_progress)
