"""Where an installation lies, and the record of it that upgrades and removal go by."""

import json
import os
import shlex
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from verify import Refused

RECORD = "installed.json"


@dataclass  # the installer has Python's standard library and nothing else
class Installed:
    """What was installed at a prefix: removal takes away this and nothing else."""

    version: str
    folder: str  # of this version, below versions/
    is_system: bool
    home: str
    key: str  # of who signed it, hexadecimal
    unit: str = ""  # the systemd unit's file, where there is one
    links: list[str] = field(default_factory=list)
    desktop_entry: str = ""

    def write(self, prefix: Path) -> None:
        beside = prefix / f".{RECORD}"
        beside.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        beside.replace(prefix / RECORD)


def installed_at(prefix: Path) -> Installed | None:
    """Errors: Refused when the record is damaged."""
    try:
        values = json.loads((prefix / RECORD).read_text(encoding="utf-8"))
        return Installed(**{field.name: values[field.name] for field in fields(Installed)})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(f"{prefix / RECORD} can't be read", "Move that folder away, and install again.") from None


def default_prefix(is_system: bool) -> Path:
    return Path("/opt/gatehouse") if is_system else _user_data() / "gatehouse-app"


def default_home(is_system: bool) -> Path:
    """Where the program itself looks for its data when nothing else is said (appliance/home.py)."""
    if is_system:
        return Path("/var/lib/gatehouse")
    return Path(os.environ.get("GATEHOUSE_HOME") or _user_data() / "gatehouse").expanduser().absolute()


def _user_data() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")


def programs_folder(is_system: bool) -> Path:
    """Where a shell looks for programs that the system's packages didn't bring."""
    return Path("/usr/local/bin") if is_system else Path.home() / ".local/bin"


def desktop_folder(is_system: bool) -> Path:
    return Path("/usr/local/share/applications") if is_system else _user_data() / "applications"


def launcher(program: Path, home: Path, is_system: bool) -> str:
    """The script that stands for a program in prefix/bin.

    The desktop app of a whole machine's installation takes each user's own home: the service's is shut to them.
    """
    if is_system and program.name == "gatehouse-tray":
        return f'#!/bin/sh\nexec {shlex.quote(str(program))} "$@"\n'
    lines = [
        "#!/bin/sh",
        f"GATEHOUSE_HOME=${{GATEHOUSE_HOME:-{shlex.quote(str(home))}}}",
        "export GATEHOUSE_HOME",
    ]
    if not is_system:
        return "\n".join([*lines, f'exec {shlex.quote(str(program))} "$@"', ""])
    # What root's commands leave in a service's home must be the service's: its user is made anew at each start.
    return "\n".join(
        [
            *lines,
            '[ "$(id -u)" = 0 ] && [ "$(stat -L -c %u "$GATEHOUSE_HOME" 2>/dev/null || echo 0)" != 0 ] ||',
            f'    exec {shlex.quote(str(program))} "$@"',
            "status=0",
            f'{shlex.quote(str(program))} "$@" || status=$?',
            'chown -hR --reference="$GATEHOUSE_HOME/." "$GATEHOUSE_HOME/."',
            'exit "$status"',
            "",
        ]
    )


def uninstaller(prefix: Path) -> str:
    """The script that removes the installation once the bundle is gone. `-B`: it writes nothing into what it removes."""
    python, script = (shlex.quote(str(prefix / "current" / name)) for name in ("bin/python", "installer/install.py"))
    return f'#!/bin/sh\nexec {python} -I -B {script} --uninstall --prefix {shlex.quote(str(prefix))} "$@"\n'


def running_process(home: Path) -> int | None:
    """The process of an appliance that holds this home, if one says so and lives."""
    try:
        pid = int(json.loads((home / "run/control.json").read_text(encoding="utf-8"))["pid"])
        os.kill(pid, 0)
    except PermissionError:
        return pid
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid


def process_from(folder: Path) -> int | None:
    """A process whose program lies there, with whatever home: another user's gateway, or the desktop app."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            program = (process / "cmdline").read_bytes().partition(b"\0")[0]
        except OSError:
            continue
        if Path(os.fsdecode(program)).is_relative_to(folder):
            return int(process.name)
    return None
