"""`gatehouse guard scan`: files and folders, without a server; its exit status is for scripts."""

import json
from pathlib import Path

import pytest

from tests.conftest import MakeAppliance
from tests.running import Appliance

EMAIL, SSN, SECRET = "asha.verma@mail.example.in", "123-45-6789", "AKIAQ3EGUZ7XK4WLMN2P"
OURS = """
name = "ours"
[[custom]]
name = "PROJECT"
regex = '\\bPRJ-[0-9]{4}\\b'
[[rules]]
types = ["CUSTOM"]
input = "mask"
"""


@pytest.fixture(scope="module")
def box(appliances: MakeAppliance) -> Appliance:
    return appliances(start=False)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "sub").mkdir(parents=True)
    (folder / "letter.txt").write_text(f"Write to {EMAIL}, SSN {SSN}")
    (folder / "sub" / "plain.txt").write_text("The committee met again on Tuesday.")
    (folder / "sub" / "link.txt").symlink_to(folder / "letter.txt")
    return folder


@pytest.mark.parametrize(
    ("content", "status", "verdict"),
    [
        (b"The committee met again on Tuesday.", 0, "clean"),
        (f"SSN {SSN}".encode(), 1, "flagged"),
        (f"key {SECRET}".encode(), 1, "blocked"),
        (b"", 2, "unreadable"),
    ],
)
def test_the_status_says_what_was_found(box: Appliance, tmp_path: Path, content: bytes, status: int, verdict: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(content)
    done = box.command("guard", "scan", str(file))
    assert done.returncode == status, done.stderr
    assert done.stdout.split("\t")[0].strip() == verdict
    assert SSN not in done.stdout + done.stderr and SECRET not in done.stdout + done.stderr


def test_a_folder_is_scanned_and_redacted_into_another(box: Appliance, inbox: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = box.command("guard", "scan", str(inbox), "--json", "--redact", str(out))
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert [(Path(one["name"]).name, one["verdict"]) for one in told["files"]] == [
        ("letter.txt", "flagged"),
        ("plain.txt", "clean"),
    ]
    written = {str(path.relative_to(out)): path.read_text() for path in out.rglob("*") if path.is_file()}
    assert written["letter.txt"] == "Write to [EMAIL], SSN [US_SSN]"
    assert written["sub/plain.txt"] == "The committee met again on Tuesday."
    assert len(written) == 2
    assert (inbox / "letter.txt").read_text() == f"Write to {EMAIL}, SSN {SSN}"
    again = box.command("guard", "scan", str(inbox), "--redact", str(out))
    assert again.returncode == 2  # not 1: that says that something was found
    assert "is there already" in again.stderr


def test_what_could_not_be_written_is_told_and_the_status_says_so(box: Appliance, inbox: Path, tmp_path: Path) -> None:
    (inbox / "empty.txt").touch()
    done = box.command("guard", "scan", str(inbox), "--redact", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "Not written" in done.stderr and "empty.txt" in done.stderr
    assert "EMPTY_FILE" in done.stdout


def test_a_policy_of_ones_own_counts_and_an_unknown_one_is_told(box: Appliance, tmp_path: Path) -> None:
    policy, file = tmp_path / "ours.toml", tmp_path / "a.txt"
    policy.write_text(OURS)
    file.write_text("see PRJ-1234")
    assert box.command("policies", "import", str(policy)).returncode == 0
    done = box.command("guard", "scan", str(file), "--policy", "ours")
    assert (done.returncode, "CUSTOM_PROJECT" in done.stdout) == (1, True), done.stderr
    assert box.command("guard", "scan", str(file)).returncode == 0
    unknown = box.command("guard", "scan", str(file), "--policy", "nobodys")
    assert (unknown.returncode, "there is no policy" in unknown.stderr) == (2, True)
