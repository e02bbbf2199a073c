"""The desktop app's memory and how soon its window is there: `python -m tests.bench.tray`.

On a screen with a real tray where Xvfb, openbox and trayer are installed, offscreen elsewhere; it says which.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from tests.running import Appliance
from tests.screen import end, missing, screen

LIVE_SECONDS = 10
ROUNDS = 5


def started(home: Path, display: str) -> tuple["subprocess.Popen[str]", float]:
    """The app with its window painted, and the seconds that took."""
    where = {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"} if display else {"QT_QPA_PLATFORM": "offscreen"}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "gui.app", "--no-start", "--announce"],
        env={**os.environ, "GATEHOUSE_HOME": str(home), **where},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # Qt says what offscreen can't do
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "painted\n", "the window was never painted"
    return process, time.monotonic() - began


def measured(home: Path, display: str) -> tuple[float, float]:
    """Megabytes after ten live seconds, and the median seconds to the first painted window."""
    seconds = []
    for _ in range(ROUNDS):
        process, took = started(home, display)
        seconds.append(took)
        end(process)
    process, _ = started(home, display)
    time.sleep(LIVE_SECONDS)
    megabytes = psutil.Process(process.pid).memory_info().rss / 1e6
    end(process)
    return megabytes, statistics.median(seconds)


def main() -> None:
    absent = missing()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        display = "" if absent else stack.enter_context(screen())
        appliance = Appliance(Path(folder) / "home")
        appliance.start()
        stack.callback(appliance.stop)
        assert appliance.owner_token  # owned: the wizard stays away
        megabytes, seconds = measured(appliance.home, display)
    print("on a screen with a real tray" if display else f"offscreen, without a tray (not installed: {', '.join(absent)})")
    print(f"figure tray_rss_mb {megabytes:.1f} MB")
    print(f"figure tray_window_seconds {seconds:.2f} s")


if __name__ == "__main__":
    main()
