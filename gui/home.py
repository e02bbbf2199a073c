"""Where the appliance keeps its things, and how the tray app finds the one that runs. No Qt here."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import platformdirs

CONTROL_BYTES_MAX = 64 * 1024
REPORT_BYTES_MAX = 64 * 1024


class Control(msgspec.Struct, frozen=True):
    """What run/control.json says. The token is renewed at each start of the appliance."""

    pid: int
    url: str
    token: str

    def __repr__(self) -> str:  # the token must not reach a log through a repr
        return f"Control(pid={self.pid}, url={self.url!r})"


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the home is. It need not exist yet."""
    chosen = environ.get("GATEHOUSE_HOME", "")
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_data_dir("gatehouse", appauthor=False))


def control(home: Path) -> Control | None:
    """The appliance that says it runs here; None where none does."""
    try:
        with (home / "run" / "control.json").open("rb") as file:
            found = msgspec.json.decode(file.read(CONTROL_BYTES_MAX), type=Control)
    except (OSError, msgspec.DecodeError):
        return None
    return found if is_loopback(found.url) and is_alive(found.pid) else None


def is_loopback(url: str) -> bool:
    """Whether the token may be sent there."""
    return url.startswith(("http://127.0.0.1:", "http://localhost:", "http://[::1]:"))


def is_alive(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):
        return False


def start_report(text: str) -> tuple[str, str]:
    """What a start that failed said: its Error: and Fix: lines."""
    lines = [line.strip() for line in text[-REPORT_BYTES_MAX:].splitlines()]
    message = next((line.partition(":")[2].strip() for line in reversed(lines) if line.startswith("Error:")), "")
    fix = next((line.partition(":")[2].strip() for line in reversed(lines) if line.startswith("Fix:")), "")
    last = next((line for line in reversed(lines) if line), "it said nothing")
    return message or f"the gateway ended while it started: {last[:300]}", fix or "gatehouse doctor says what is wrong"
