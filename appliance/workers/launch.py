"""How a worker process is started: its command line, environment and folder. The one place that knows a frozen program."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_PACKAGE_PARENT = Path(__file__).resolve().parent.parent.parent
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


def working_folder(exchange: Path) -> Path:
    """Where a worker starts: beside the package in a checkout, so that it runs the same code; else in its own empty folder.

    Python puts the folder it starts in before its own library, so an installed package's folder must not be that.
    """
    installed = _PACKAGE_PARENT.name in ("site-packages", "dist-packages") or getattr(sys, "frozen", False)
    return exchange if installed else _PACKAGE_PARENT
