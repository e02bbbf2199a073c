"""`gatehouse-tray` as a program: its help, two at once, a real tray on a real screen."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeAppliance
from tests.running import eventually
from tests.screen import end, missing, screen, windows

TRAY = [sys.executable, "-m", "gui.app"]


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "GATEHOUSE_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", **more}


def test_help_needs_no_qt() -> None:
    code = "import sys; sys.modules['PySide6'] = None; from gui.app import main; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0
    assert "--hidden" in done.stdout


def test_a_home_that_cannot_be_used_is_told_with_its_mend(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    done = subprocess.run(TRAY, env=environment(file / "home"), capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "Error: The home folder can't be used" in done.stderr
    assert "Fix: Set GATEHOUSE_HOME" in done.stderr
    assert "Traceback" not in done.stderr


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
def display() -> Iterator[str]:
    """A screen with a window manager and a tray."""
    if names := missing():
        pytest.skip(f"not installed: {', '.join(names)}")
    with screen() as name:
        yield name


def test_the_icon_docks_in_a_real_tray(display: str, appliance: MakeAppliance, screenshots: Path) -> None:
    running = appliance()
    env = environment(running.home, QT_QPA_PLATFORM="xcb", DISPLAY=display)
    tray = subprocess.Popen([*TRAY, "--no-start", "--announce"], env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert tray.stdout is not None and tray.stdout.readline() == "painted\n"
        eventually(lambda: is_docked(windows(display)), seconds=15)
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
