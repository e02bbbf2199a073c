"""`gatehouse-tray` as a program: its help, two at once, a real tray on a real screen."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeAppliance
from tests.running import eventually

PROGRAMS = ("Xvfb", "openbox", "trayer", "xwininfo")
TRAY = [sys.executable, "-m", "gui.app"]


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "GATEHOUSE_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", **more}


def end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.communicate(timeout=15)


def test_help_needs_no_qt() -> None:
    code = "import sys; sys.modules['PySide6'] = None; from gui.app import main; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0
    assert "--hidden" in done.stdout


def test_a_second_start_raises_the_first_and_says_so(home: Path) -> None:
    first = subprocess.Popen([*TRAY, "--no-start", "--announce"], env=environment(home), stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None and first.stdout.readline() == "painted\n"
        second = subprocess.run(
            [*TRAY, "--no-start"], env=environment(home), capture_output=True, text=True, check=False, timeout=30
        )
        assert second.returncode == 0
        assert "already runs" in second.stdout
        assert first.poll() is None
    finally:
        end(first)
    assert first.returncode == 0


@pytest.fixture
def screen() -> Iterator[str]:
    """A screen with a window manager and a tray."""
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdout is not None
    display = f":{server.stdout.readline().strip()}"
    quiet = {"env": {**os.environ, "DISPLAY": display}, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    others = [
        subprocess.Popen(command, text=True, **quiet)  # type: ignore[call-overload]
        for command in (["openbox"], ["trayer", "--edge", "top", "--widthtype", "pixel", "--width", "120", "--height", "32"])
    ]
    yield display
    for process in (*others, server):
        end(process)


def windows(display: str) -> str:
    return subprocess.run(
        ["xwininfo", "-root", "-tree", "-display", display], capture_output=True, text=True, check=False, timeout=10
    ).stdout


def test_the_icon_docks_in_a_real_tray(screen: str, appliance: MakeAppliance, screenshots: Path) -> None:
    running = appliance()
    eventually(lambda: "panel" in windows(screen).lower())
    env = environment(running.home, QT_QPA_PLATFORM="xcb", DISPLAY=screen)
    tray = subprocess.Popen([*TRAY, "--no-start", "--announce"], env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert tray.stdout is not None and tray.stdout.readline() == "painted\n"
        eventually(lambda: is_docked(windows(screen)), seconds=15)
        code = (
            "import sys; from PySide6.QtGui import QGuiApplication as A; from PySide6.QtCore import QTimer; a = A([]);"
            "QTimer.singleShot(1500, lambda: (a.primaryScreen().grabWindow(0).save(sys.argv[1]), a.quit())); a.exec()"
        )
        picture = screenshots / "real_tray.png"
        picture.unlink(missing_ok=True)
        subprocess.run([sys.executable, "-c", code, str(picture)], env=env, timeout=30, check=True)
        assert picture.stat().st_size > 5_000
    finally:
        end(tray)


def is_docked(tree: str) -> bool:
    """Whether the tray's panel holds a window of ours: one indented below it."""
    lines = tree.splitlines()
    panel = next((place for place, line in enumerate(lines) if '"panel":' in line), None)
    if panel is None:
        return False
    depth = len(lines[panel]) - len(lines[panel].lstrip())
    for line in lines[panel + 1 :]:
        if len(line) - len(line.lstrip()) <= depth:
            return False
        if "gatehouse" in line.lower():
            return True
    return False
