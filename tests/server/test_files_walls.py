"""The walls around those who read files, as the shipped program builds them: a policy that insists on all of them, on a machine
that has them and on one that doesn't, and what the kernel says of a reader that runs."""

import base64
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from appliance.workers import landlock, syscalls
from tests.calls import chat
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake
from tests.server.test_files_scan import FORM, SSN, form, part, scan
from tests.unit.workers.test_sandbox import OLDER

MIB = 1024 * 1024
LETTER = f"SSN {SSN}".encode()
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="other systems have limits and the audit hook only"),
    pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock"),
    pytest.mark.skipif(syscalls.library() is None, reason="libseccomp is not here"),
]


def started(appliance: MakeAppliance, upstream: Fake) -> Appliance:
    door = appliance(settings={"providers": [upstream.provider("fake")], "guardrail_policy": "default"})
    policy = {
        "name": "careful",
        "files": {"require_full_sandbox": True},
        "rules": [{"types": ["PII"], "input": "mask"}],
    }
    assert door.call("POST", "/api/v1/admin/policies", policy, token=door.owner_token).status == 201
    return door


def careful_key(door: Appliance) -> str:
    key = door.call("POST", "/api/v1/admin/api-keys", {"name": "careful"}, token=door.owner_token).json
    order = {"subject": {"kind": "key", "id": key["id"]}, "policy": "careful", "mode": "replace"}
    assert door.call("POST", "/api/v1/admin/policy-assignments", order, token=door.owner_token).status == 201
    return str(key["key"])


def with_letter() -> dict[str, Any]:
    data = "data:text/plain;base64," + base64.b64encode(LETTER).decode()
    parts = [{"type": "text", "text": "Sum it up."}, {"type": "file", "file": {"filename": "a.txt", "file_data": data}}]
    return {**chat("fake/gpt-4o", ""), "messages": [{"role": "user", "content": parts}]}


def readers(door: Appliance) -> list[psutil.Process]:
    return [child for child in door.children() if {"worker", "files"} <= set(child.cmdline())]


def test_a_policy_that_insists_on_the_full_sandbox_is_served_where_it_is_full(appliance: MakeAppliance, upstream: Fake) -> None:
    door = started(appliance, upstream)
    key = careful_key(door)
    (told,) = scan(door, form(part(LETTER)), token=key).json["files"]
    assert (told["verdict"], told["error"]) == ("flagged", None)
    assert door.call("POST", "/v1/chat/completions", with_letter(), token=key).status == 200
    assert SSN not in str(upstream.last().body)


@pytest.mark.parametrize(
    "refused", [[["landlock_create_ruleset"]], [["seccomp"], ["prctl", (0, 4, 22)]]], ids=["Landlock", "seccomp"]
)
def test_where_a_wall_is_missing_its_files_count_as_unread_and_others_are_read(
    appliance: MakeAppliance, upstream: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refused: list[Any]
) -> None:
    older = tmp_path / "older-python"
    older.write_text(OLDER.format(python=sys.executable, refused=refused))
    older.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(older))
    door = started(appliance, upstream)
    key = careful_key(door)
    for _ in range(2):  # also when the level is known
        (told,) = scan(door, form(part(LETTER)), token=key).json["files"]
        assert (told["verdict"], told["kind"], told["findings"]) == ("unreadable", None, [])
        assert told["error"]["code"] == "UNSUPPORTED" and "doctor" in told["error"]["fix"]
    upstream.forget()
    stopped = door.call("POST", "/v1/chat/completions", with_letter(), token=key)
    assert (stopped.status, stopped.error["code"]) == (400, "content_blocked")
    assert not upstream.seen(), "nothing left"
    page = door.call("POST", "/api/v1/files/page", form(part(b"%PDF-1.7\n")), token=key, headers=FORM)
    assert (page.status, page.error["code"]) == (400, "file_unreadable")
    assert scan(door, form(part(LETTER))).json["files"][0]["verdict"] == "flagged", "other policies' files are read"


def test_what_the_kernel_says_of_a_reader_that_runs(appliance: MakeAppliance, upstream: Fake) -> None:
    door = started(appliance, upstream)
    assert scan(door, form(part(LETTER))).status == 200
    (reader,) = readers(door)
    place = Path(f"/proc/{reader.pid}")
    status = dict(line.split(":\t", 1) for line in (place / "status").read_text().splitlines() if ":\t" in line)
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
    assert int(status["CapEff"], 16) == 0
    limits = {line[:26].strip(): line[26:47].strip() for line in (place / "limits").read_text().splitlines()}
    assert int(limits["Max address space"]) <= 600 * MIB
    assert int(limits["Max open files"]) <= 128
    assert limits["Max core file size"] == "0"
    assert limits["Max cpu time"] != "unlimited"
    assert limits["Max file size"] != "unlimited"


def test_a_reader_holds_nothing_of_the_servers(appliance: MakeAppliance, upstream: Fake) -> None:
    door = started(appliance, upstream)
    assert scan(door, form(part(LETTER))).status == 200
    (reader,) = readers(door)
    place = Path(f"/proc/{reader.pid}")
    told = (place / "environ").read_bytes()
    assert b"GATEHOUSE_HOME" not in told and str(door.home).encode() not in told
    assert b"KEY" not in told and b"TOKEN" not in told
    held = [str(link.readlink()) for link in (place / "fd").iterdir()]
    assert not [one for one in held if str(door.home) in one or one.endswith((".db", ".db-wal"))], held
    assert not reader.net_connections("inet"), "the sockets that it has are the pair that it was started with"
    assert str(door.home) not in str((place / "cwd").readlink())
