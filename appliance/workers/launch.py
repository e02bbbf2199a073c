"""How a worker process is started: its command line, environment and folder. The one place that knows a frozen program."""

import asyncio
import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

_PACKAGE_PARENT = Path(__file__).resolve().parent.parent.parent
FOLDER_PREFIX = "gatehouse-worker-"
_PARENT = re.compile(rf"{FOLDER_PREFIX}(\d{{1,9}})-")
# A process on Windows can't open sockets, load libraries or find its temporary folder without these.
_WINDOWS_NEEDS = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE")


def command_line(room: str) -> list[str]:
    """The words that start a worker for `room`."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "worker", room]  # in a frozen bundle this is the program itself, not Python
    return [sys.executable, "-m", "appliance", "worker", room]


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """A worker's environment: nothing of ours (a child has no use for secrets), what the platform needs, and `extra`."""
    needed = {name: os.environ[name] for name in _WINDOWS_NEEDS if name in os.environ} if sys.platform == "win32" else {}
    return {**needed, **extra}


def new_folder() -> Path:
    """A private folder for one worker's large frames and its socket. Errors: OSError."""
    return Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-"))


@asynccontextmanager
async def passing_folder() -> AsyncIterator[Path]:
    """A private folder that is gone afterwards. Errors: OSError."""
    folder = await asyncio.to_thread(new_folder)
    try:
        yield folder
    finally:  # not awaited: whoever is cut must not wait for a disk
        asyncio.get_running_loop().run_in_executor(None, lambda: shutil.rmtree(folder, ignore_errors=True))


def remove_leftovers() -> None:
    """Remove the folders of parents that were killed before they could: prompts may lie in them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        parent = _PARENT.match(folder.name)
        if parent is not None and not psutil.pid_exists(int(parent[1])) and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def working_folder(exchange: Path) -> Path:
    """Where a worker starts: beside the package in a checkout, so that it runs the same code; else in its own empty folder.

    Python puts the folder it starts in before its own library, so an installed package's folder must not be that.
    """
    installed = _PACKAGE_PARENT.name in ("site-packages", "dist-packages") or getattr(sys, "frozen", False)
    return exchange if installed else _PACKAGE_PARENT
