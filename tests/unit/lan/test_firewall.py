"""What is said of firewalls, from files and answers as these programs write them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.lan import firewall

PORTS = [8443, 8000]
RULE = "### tuple ### allow {} {} 0.0.0.0/0 any 0.0.0.0/0 in\n-A ufw-user-input -p tcp --dport {} -j ACCEPT\n"


def nobody(command: Sequence[str]) -> None:
    return None


def ufw(root: Path, enabled: str, rules: str | None) -> Path:
    (root / "etc/ufw").mkdir(parents=True)
    (root / "etc/ufw/ufw.conf").write_text(f"# on boot?\nENABLED={enabled}\nLOGLEVEL=low\n")
    if rules is not None:
        (root / "etc/ufw/user.rules").write_text(rules)
    return root


def test_no_firewall_is_no_problem(tmp_path: Path) -> None:
    assert firewall.problems(PORTS, ask=nobody, root=tmp_path, platform="linux") == []


def test_ufw_that_is_off_is_no_problem(tmp_path: Path) -> None:
    assert firewall.problems(PORTS, ask=nobody, root=ufw(tmp_path, "no", ""), platform="linux") == []


def test_a_missing_rule_of_ufw_is_named_with_the_line_that_adds_it(tmp_path: Path) -> None:
    root = ufw(tmp_path, "yes", RULE.format("tcp", 8000, 8000) + RULE.format("tcp", 84430, 84430))
    (problem,) = firewall.problems(PORTS, ask=nobody, root=root, platform="linux")
    assert "ufw" in problem.message
    assert "port 8443" in problem.message
    assert problem.fix == "sudo ufw allow 8443/tcp"


def test_rules_of_ufw_that_suffice_are_no_problem(tmp_path: Path) -> None:
    root = ufw(tmp_path, "yes", RULE.format("tcp", 8000, 8000) + RULE.format("any", 8443, 8443))
    assert firewall.problems(PORTS, ask=nobody, root=root, platform="linux") == []


def test_rules_that_only_root_may_read_are_said_to_be_unknown(tmp_path: Path) -> None:
    (problem,) = firewall.problems(PORTS, ask=nobody, root=ufw(tmp_path, "yes", None), platform="linux")
    assert "only root" in problem.message
    assert problem.fix == "sudo ufw allow 8443/tcp; sudo ufw allow 8000/tcp"


@pytest.mark.parametrize(("open_ports", "expected"), [({8443, 8000}, []), ({8000}, [8443]), (set(), [8443, 8000])])
def test_firewalld_is_asked_for_each_port(tmp_path: Path, open_ports: set[int], expected: list[int]) -> None:
    def ask(command: Sequence[str]) -> tuple[int, str] | None:
        if command == ["firewall-cmd", "--state"]:
            return 0, "running\n"
        port = int(command[1].removeprefix("--query-port=").removesuffix("/tcp"))
        return (0, "yes\n") if port in open_ports else (1, "no\n")

    found = firewall.problems(PORTS, ask=ask, root=tmp_path, platform="linux")
    assert len(found) == bool(expected)
    for problem in found:
        assert all(f"--add-port={port}/tcp" in problem.fix for port in expected)


def test_firewalld_that_does_not_run_is_no_problem(tmp_path: Path) -> None:
    assert firewall.problems(PORTS, ask=lambda command: (252, "not running"), root=tmp_path, platform="linux") == []


ON = (0, "\nPrivate Profile Settings: \nState                                 ON\nOk.\n")
RULE_OF_WINDOWS = "Rule Name: Gatehouse\nEnabled: Yes\nLocalPort: {}\nAction: Allow\n"


@pytest.mark.parametrize(
    ("rule", "problems"),
    [
        ((1, "No rules match the specified criteria.\n"), 1),
        ((0, RULE_OF_WINDOWS.format("8000,8443")), 0),
        ((0, RULE_OF_WINDOWS.format("8000")), 1),
        (None, 1),
    ],
)
def test_windows_is_asked_for_our_rule(rule: tuple[int, str] | None, problems: int) -> None:
    found = firewall.problems(PORTS, ask=lambda command: ON if "currentprofile" in command else rule, platform="win32")
    assert len(found) == problems
    for problem in found:
        assert "netsh advfirewall firewall add rule" in problem.fix
        assert "8443,8000" in problem.fix


def test_a_program_that_is_not_there_or_hangs_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert firewall.run(["no-such-program-of-ours"]) is None
    monkeypatch.setattr(firewall, "ANSWER_SECONDS_MAX", 0.1)
    assert firewall.run(["sleep", "5"]) is None
    assert firewall.run(["true"]) == (0, "")
