"""Is a firewall of this machine in the way? Asked of the files and programs of ufw, firewalld and Windows; nothing is changed."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.lan.problem import Problem

ANSWER_SECONDS_MAX = 5.0
WINDOWS_RULE = "Gatehouse"

# Runs a command; its exit status and output, or None where there is no such program or it doesn't answer.
Run = Callable[[Sequence[str]], tuple[int, str] | None]


def run(command: Sequence[str]) -> tuple[int, str] | None:
    program = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/sbin")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.returncode, done.stdout


def problems(ports: Sequence[int], *, ask: Run = run, root: Path = Path("/"), platform: str = sys.platform) -> list[Problem]:
    """What each firewall that is on lacks for these TCP ports. Blocking: a second at most in practice, fifteen at worst."""
    if platform == "win32":
        return _windows(ports, ask)
    return [*_ufw(ports, root), *_firewalld(ports, ask)]


def _ufw(ports: Sequence[int], root: Path) -> list[Problem]:
    try:
        switch = (root / "etc/ufw/ufw.conf").read_text(errors="replace")
    except OSError:
        return []
    if not re.search(r"^\s*ENABLED\s*=\s*yes", switch, re.MULTILINE | re.IGNORECASE):
        return []
    mend = "; ".join(f"sudo ufw allow {port}/tcp" for port in ports)
    try:
        rules = (root / "etc/ufw/user.rules").read_text(errors="replace")
    except OSError:
        return [Problem("the firewall ufw is on, and only root can see whether it lets others in", mend)]
    missing = [port for port in ports if not re.search(rf"^### tuple ### allow (tcp|any) {port} ", rules, re.MULTILINE)]
    if not missing:
        return []
    return [
        Problem(
            f"the firewall ufw is on and has no rule that opens {_listed(missing)}",
            "; ".join(f"sudo ufw allow {port}/tcp" for port in missing),
        )
    ]


def _firewalld(ports: Sequence[int], ask: Run) -> list[Problem]:
    state = ask(["firewall-cmd", "--state"])
    if state is None or state[0] != 0:
        return []
    missing = [port for port in ports if (answer := ask(["firewall-cmd", f"--query-port={port}/tcp"])) is None or answer[0] != 0]
    if not missing:
        return []
    adding = " ".join(f"--add-port={port}/tcp" for port in missing)
    mend = f"sudo firewall-cmd --permanent {adding} && sudo firewall-cmd --reload"
    return [Problem(f"the firewall firewalld is on and has no rule that opens {_listed(missing)}", mend)]


def _windows(ports: Sequence[int], ask: Run) -> list[Problem]:
    state = ask(["netsh", "advfirewall", "show", "currentprofile", "state"])
    if state is None or not re.search(r"\bON\b", state[1]):
        return []
    rule = ask(["netsh", "advfirewall", "firewall", "show", "rule", f"name={WINDOWS_RULE}"])
    if rule is not None and rule[0] == 0 and all(re.search(rf"\b{port}\b", rule[1]) for port in ports):
        return []
    numbers = ",".join(map(str, ports))
    mend = (
        f'As administrator: netsh advfirewall firewall add rule name="{WINDOWS_RULE}" dir=in action=allow protocol=TCP'
        f" localport={numbers} profile=private,domain"
    )
    return [Problem(f"Windows' firewall is on and has no rule that opens {_listed(ports)}", mend)]


def _listed(ports: Sequence[int]) -> str:
    return f"port{'s' if len(ports) > 1 else ''} {' and '.join(map(str, ports))}"
