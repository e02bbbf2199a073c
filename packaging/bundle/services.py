"""systemd: the unit that starts Gatehouse, where there is a systemd that would."""

import os
import subprocess
import sys
from pathlib import Path

from verify import Refused

NAME = "gatehouse.service"
HERE = Path(__file__).resolve().parent


def runs(is_system: bool) -> bool:
    """Is there a systemd, the system's or this user's, that can be told to start something?"""
    if not sys.platform.startswith("linux"):
        return False
    if is_system:
        return os.geteuid() == 0 and Path("/run/systemd/system").is_dir()
    return systemctl(False, "show-environment") == 0


def unit_file(is_system: bool) -> Path:
    if is_system:
        return Path("/etc/systemd/system") / NAME
    configuration = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(configuration) / "systemd/user" / NAME


def unit(is_system: bool, prefix: Path, home: Path) -> str:
    """The unit's text. The system's keeps its data where systemd does (StateDirectory)."""
    template = (HERE / f"gatehouse-{'system' if is_system else 'user'}.service").read_text(encoding="utf-8")
    program = quoted(str(prefix / "current/bin/gatehouse"))
    return template.replace("{program}", program).replace("{home}", quoted(f"GATEHOUSE_HOME={home}"))


def quoted(text: str) -> str:
    """As systemd reads it (systemd.service(5), systemd.syntax(7))."""
    if any(character in "\"'\\$" or not character.isprintable() for character in text):
        raise Refused(
            f"systemd takes no quotes, backslashes or dollar signs in a program's path: {text!r}",
            "Choose other folders with --prefix and --home; or start it yourself: --no-service",
        )
    return f'"{text.replace("%", "%%")}"'


def refuse_what_it_cannot_run(is_system: bool, prefix: Path, home: Path) -> None:
    """The system's service sees no user's home, and keeps its data where systemd puts them."""
    unit(is_system, prefix, home)
    if not is_system:
        return
    if home != Path("/var/lib/gatehouse"):
        raise Refused(
            f"the system's service keeps its data in /var/lib/gatehouse, not in {home}",
            "Leave --home out; or start it yourself: --no-service",
        )
    python = Path(sys.executable).resolve()
    if python.parts[:2] in (("/", "root"), ("/", "home")):
        raise Refused(
            f"the service could not read {python}: that Python lies in a user's home",
            "Name the system's own: sh install.sh --python /usr/bin/python3. Or start it yourself: --no-service",
        )


def start(is_system: bool) -> bool:
    """Start it now and at each boot; an old version that runs gives way to the new one."""
    if systemctl(is_system, "daemon-reload") or systemctl(is_system, "enable", NAME):
        return False
    return systemctl(is_system, "restart", NAME) == 0


def stop_for_good(is_system: bool) -> None:
    systemctl(is_system, "disable", "--now", NAME)


def forget(is_system: bool) -> None:
    systemctl(is_system, "daemon-reload")


def systemctl(is_system: bool, *words: str) -> int:
    """Its exit status; 127 where there is none."""
    try:
        done = subprocess.run(
            ["systemctl", *([] if is_system else ["--user"]), *words],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=False,
        )  # fmt: skip
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return 127
    return done.returncode
