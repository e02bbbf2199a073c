"""Large files: copied with a hash and a progress, put in place all at once or not at all."""

import contextlib
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

PIECE_BYTES = 1024 * 1024
LEFT_BEHIND_SECONDS = 24 * 3600

OnProgress = Callable[[int, int], None]  # bytes done, bytes altogether


@contextlib.contextmanager
def replaced(target: Path) -> Iterator[BinaryIO]:
    """A file to write that becomes `target` once the block ends well; it is on the disk then. Only its owner may read it."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what copies left that a crash ended, a day after. What can be continued has another name, and stays."""
    oldest = time.time() - LEFT_BEHIND_SECONDS
    for part in folder.glob(".*.????????.part"):
        with contextlib.suppress(OSError):
            if part.stat().st_mtime < oldest:
                part.unlink()


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
