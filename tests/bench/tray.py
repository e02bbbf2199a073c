"""The desktop app's memory and how soon its window is there: `python -m tests.bench.tray`."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.running import Appliance

LIVE_SECONDS = 10
ROUNDS = 5


def started(home: Path) -> tuple["subprocess.Popen[str]", float]:
    """The app with its window painted, and the seconds that took."""
    env = {**os.environ, "GATEHOUSE_HOME": str(home)}
    if "DISPLAY" not in env:
        env["QT_QPA_PLATFORM"] = "offscreen"
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "gui.app", "--no-start", "--no-tray", "--announce"], env=env, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "painted\n", "the window was never painted"
    return process, time.monotonic() - began


def end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.communicate(timeout=15)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        appliance = Appliance(Path(folder) / "home")
        appliance.start()
        try:
            seconds = []
            for _ in range(ROUNDS):
                process, took = started(appliance.home)
                seconds.append(took)
                end(process)
            process, _ = started(appliance.home)
            time.sleep(LIVE_SECONDS)
            megabytes = psutil.Process(process.pid).memory_info().rss / 1e6
            end(process)
        finally:
            appliance.stop()
    print(f"figure tray_rss_mb {megabytes:.1f} MB")
    print(f"figure tray_window_seconds {statistics.median(seconds):.2f} s")


if __name__ == "__main__":
    main()
