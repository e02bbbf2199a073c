"""`gatehouse policies` and `gatehouse guard`, whether a server runs or not."""

import json
from pathlib import Path

import pytest

from tests.conftest import MakeAppliance

OURS = """
name = "ours"
title = "Ours"
[[custom]]
name = "PROJECT"
regex = '\\bPRJ-[0-9]{4}\\b'
[[rules]]
types = ["CUSTOM"]
input = "mask"
must_catch = ["see PRJ-1234"]
"""


@pytest.mark.parametrize("runs", [True, False])
def test_policies_are_taken_in_assigned_shown_reported_and_removed(appliance: MakeAppliance, runs: bool, tmp_path: Path) -> None:
    box = appliance(start=runs)
    file = tmp_path / "ours.toml"

    def run(*arguments: str, fails: str = "", stdin: str = "") -> str:
        done = box.command(*arguments, stdin=stdin)
        assert (done.returncode != 0) is bool(fails), done.stderr
        assert fails in done.stderr
        return done.stdout

    file.write_text(OURS)
    assert "ours is version 1 now" in run("policies", "import", str(file))
    file.write_text(OURS.replace('"see PRJ-1234"', '"see the project"'))
    run("policies", "import", str(file), fails="must catch")
    file.write_text(OURS.replace("Ours", "Ours again"))
    assert "ours is version 2 now" in run("policies", "import", str(file))
    assert ["ours", "2", "own", "-", "Ours again"] in [line.split("\t") for line in run("policies", "list").splitlines()]
    shown = run("policies", "show", "ours")
    assert "CUSTOM_PROJECT is" in shown and "mask" in shown
    assert "Not found here: (P) biometric identifiers" in run("policies", "show", "hipaa")
    written = run("policies", "show", "ours", "--json")
    assert "ours is version 2 now" in run("policies", "import", "-", stdin=written), "the same again is no change"
    assert run("guard", "test", "-", "--policy", "ours", stdin="see PRJ-1234") == "see [CUSTOM_PROJECT]"
    run("policies", "assign", "ours", fails="Say for whom")
    run("policies", "assign", "ours", "--department", "dep_nobody", fails="there is no such department")
    assigned = run("policies", "assign", "ours", "--everyone", "--shadow")
    assert "everyone is only recorded under ours" in assigned
    listed = json.loads(run("policies", "assignments", "--json"))
    assert [(one["policy"], one["mode"], one["subject"]["kind"]) for one in listed] == [("ours", "shadow", "everyone")]
    run("policies", "remove", "ours", fails="it is assigned (everyone)")
    run("policies", "unassign", listed[0]["id"])
    told = run("policies", "report", "hipaa")
    assert "policy.unassign" in told and "# HIPAA" in told and "chain holds" in told
    assert json.loads(run("policies", "report", "pci-dss", "--json"))["pack"] == "pci-dss"
    run("policies", "report", "default", fails="regulates nothing")
    run("policies", "report", "hipaa", "--from", "yesterday", fails="is no day")
    run("policies", "remove", "ours")
    run("policies", "show", "ours", fails="no such policy")
    run("guard", "test", "-", "--policy", "ours", stdin="x", fails="there is no policy 'ours'")
    run("policies", "remove", "default", fails="comes with Gatehouse")


@pytest.mark.parametrize("text", ["", "[", '{"name": 1', "\x00", '["a"]', 'colour = "red"', 'name = "../x"'])
def test_a_file_that_holds_no_policy_is_refused(appliance: MakeAppliance, text: str) -> None:
    done = appliance(start=False).command("policies", "import", "-", stdin=text)
    assert done.returncode != 0 and "Traceback" not in done.stderr and done.stderr.strip()
