"""A screen with a window manager and a tray, for the desktop app."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.running import eventually

PROGRAMS = ("Xvfb", "openbox", "trayer", "xwininfo")
TRAYER = ["trayer", "--edge", "top", "--widthtype", "pixel", "--width", "120", "--height", "32"]


def missing() -> list[str]:
    """Programs that are needed for it and aren't here."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def screen() -> Iterator[str]:
    """The display's name, once the tray's panel is there."""
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    others: list[subprocess.Popen[str]] = []
    try:
        assert server.stdout is not None
        display = f":{server.stdout.readline().strip()}"
        quiet: dict[str, Any] = {"env": {**os.environ, "DISPLAY": display}, "stdout": subprocess.DEVNULL}
        others += [subprocess.Popen(command, text=True, stderr=subprocess.DEVNULL, **quiet) for command in (["openbox"], TRAYER)]
        eventually(lambda: "panel" in windows(display).lower(), seconds=20)
        yield display
    finally:
        for process in (*others, server):
            end(process)


def windows(display: str) -> str:
    """All windows there, as a tree."""
    command = ["xwininfo", "-root", "-tree", "-display", display]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout


def end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.communicate(timeout=15)
