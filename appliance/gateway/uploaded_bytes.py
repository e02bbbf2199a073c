"""The bytes of uploaded files, in their folder: blocking work, for threads."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.errors import StorageFull, Unavailable
from appliance.faults import point

PIECE_BYTES = 1024 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def names_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def put(source: Path, target: Path) -> tuple[int, str]:
    """Move a file to its place, so that it outlives a power cut: (its size, its sha256 in hex). Both are in one file system."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
        _to_disk(file.fileno())
    point("uploads.move")
    source.replace(target)
    _folder_to_disk(target.parent)
    return size, digest.hexdigest()


def remove(path: Path) -> None:
    """Whatever is there. What can't be removed now (on Windows, while somebody reads it) is removed by the schedule."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass


def _to_disk(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.EINVAL):  # Windows wants one that may write, a few file systems none at all
            raise


def _folder_to_disk(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _to_disk(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def room_failures() -> Iterator[None]:
    """A disk that is full, or can't be written. Errors: StorageFull, Unavailable."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("the disk is full", fix="An administrator makes room on the disk.") from error
        raise Unavailable(
            f"the file can't be kept: {error.strerror or type(error).__name__}",
            fix="Try again; an administrator must look at the folder `uploads` of the data folder.",
            retry_after_seconds=5,
        ) from error
