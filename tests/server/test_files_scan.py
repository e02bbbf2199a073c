"""`POST /v1/files/scan` of the shipped program: what is told of files, what isn't, and what is refused while it arrives."""

import io
import json
import socket
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from tests.calls import Answer, parsed
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake, eventually

PATH = "/v1/files/scan"
EMAIL, SSN, SECRET = "asha.verma@mail.example.in", "123-45-6789", "AKIAQ3EGUZ7XK4WLMN2P"
MIB = 1024 * 1024
BOUNDARY = "gatehouse-test-7f3a"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")], "guardrail_policy": "default"})


def part(content: bytes, name: str = "letter.txt", field: str = "file") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def scan(door: Appliance, body: bytes, *, query: str = "", token: str | None = None, path: str = PATH) -> Answer:
    return door.call("POST", path + query, body, token=token or door.api_key, headers=FORM)


def key_with(door: Appliance, *scopes: str) -> str:
    made = door.call("POST", "/api/v1/admin/api-keys", {"name": "files", "scopes": list(scopes)}, token=door.owner_token)
    assert made.status == 201, made
    return str(made.json["key"])


@pytest.mark.parametrize("path", ["/v1/files/scan", "/api/v1/files/scan"])
def test_what_is_found_is_told_with_its_place_and_never_its_value(door: Appliance, path: str) -> None:
    answer = scan(door, form(part(f"Test content with PII: {SSN}".encode()), part(b"Nothing in here.", "clean.txt")), path=path)
    assert answer.status == 200, answer
    dirty, clean = answer.json["files"]
    assert (dirty["name"], dirty["kind"], dirty["verdict"], dirty["error"]) == ("letter.txt", "text", "flagged", None)
    (finding,) = dirty["findings"]
    expected = {"type": "US_SSN", "start": 23, "end": 34, "action": "mask", "part": "body"}
    assert {name: finding[name] for name in expected} == expected
    assert "value" not in finding
    assert (clean["name"], clean["verdict"], clean["findings"], clean["warnings"]) == ("clean.txt", "clean", [], [])
    assert SSN.encode() not in answer.body
    assert answer.json["policy"] == answer.headers["x-gatehouse-policy"] == "default@1"
    assert answer.headers["x-gatehouse-masked"] == "US_SSN=1"


def test_what_a_policy_stops_is_blocked_and_a_file_that_cant_be_read_says_why(door: Appliance) -> None:
    answer = scan(door, form(part(f"key {SECRET}".encode()), part(b"", "empty.txt"), part(b"%PDF-1.7 nonsense", "broken.pdf")))
    blocked, empty, broken = answer.json["files"]
    assert blocked["verdict"] == "blocked"
    assert SECRET.encode() not in answer.body
    assert (empty["verdict"], empty["error"]["code"]) == ("unreadable", "EMPTY_FILE")
    assert (broken["verdict"], broken["error"]["code"]) == ("unreadable", "MALFORMED")
    assert broken["error"]["message"] and broken["error"]["fix"]
    metrics = door.call("GET", "/metrics").body.decode()
    assert 'gatehouse_files_scanned_total{verdict="blocked"}' in metrics


def test_values_are_told_to_those_alone_who_may_have_them_and_ask(door: Appliance) -> None:
    body = form(part(f"SSN {SSN}".encode()))
    refused = scan(door, body, query="?include_values=true")
    assert (refused.status, refused.error["code"]) == (403, "forbidden")
    may = key_with(door, "files", "file_values")
    assert "value" not in scan(door, body, token=may).json["files"][0]["findings"][0]
    told = scan(door, body, query="?include_values=true", token=may)
    assert told.json["files"][0]["findings"][0]["value"] == SSN
    assert scan(door, body, query="?include_values=true", token=door.owner_token).json["files"][0]["findings"][0]["value"] == SSN
    other = scan(door, body, token=key_with(door, "chat"))
    assert (other.status, other.error["code"]) == (403, "forbidden")


def test_a_member_may_give_no_key_that_sees_values(door: Appliance) -> None:
    person = {"name": "Mem", "email": "mem@house.example.com", "role": "member", "password": "Password123!", "tenant_id": None}
    assert door.call("POST", "/api/v1/admin/users", person, token=door.owner_token).status == 201
    login = {"email": person["email"], "password": person["password"]}
    token = door.call("POST", "/api/v1/admin/auth/login", login).json["access_token"]
    asked = door.call("POST", "/api/v1/admin/api-keys", {"name": "mine", "scopes": ["file_values"]}, token=token)
    assert asked.status == 403
    body = form(part(f"SSN {SSN}".encode()))
    assert scan(door, body, token=token).json["files"][0]["verdict"] == "flagged"
    assert scan(door, body, query="?include_values=true", token=token).status == 403


def test_the_redacted_file_comes_back_and_several_as_a_zip_with_a_report(door: Appliance) -> None:
    one = scan(door, form(part(f"SSN {SSN}, key {SECRET}.".encode(), "a.txt")), query="?redact=true")
    assert one.status == 200, one
    assert one.body == b"SSN [US_SSN], key [SECRET_AWS]."
    assert one.headers["content-type"].startswith("text/plain")
    assert 'filename="a.txt"' in one.headers["content-disposition"]
    names = ["../../etc/a.txt", "a.txt", "..\\..\\A.TXT", "broken.pdf", "clean.txt"]
    contents = [f"SSN {SSN}".encode(), f"mail {EMAIL}".encode(), b"fine", b"%PDF-1.7 nonsense", b"fine as well"]
    several = scan(door, form(*map(part, contents, names)), query="?redact=true")
    assert (several.status, several.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(several.body)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    report = json.loads(found.pop("scan.json"))
    assert found == {"a.txt": b"SSN [US_SSN]", "a (2).txt": b"mail [EMAIL]", "A (3).TXT": b"fine", "clean.txt": b"fine as well"}
    assert [one["verdict"] for one in report["files"]] == ["flagged", "flagged", "clean", "unreadable", "clean"]
    assert SSN not in json.dumps(report)


def test_there_is_no_redacted_version_of_a_file_that_cant_be_read(door: Appliance) -> None:
    answer = scan(door, form(part(b"", "empty.txt")), query="?redact=true")
    assert (answer.status, answer.error["code"], answer.error["file_code"]) == (400, "file_unreadable", "EMPTY_FILE")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json"}, 400),
        (b"", {"Content-Type": "multipart/form-data"}, 400),
        (b"nonsense", FORM, 400),
        (form(), FORM, 400),
        (form(part(b"x"))[:-8], FORM, 400),
        (form(part(b"x", field="other")), FORM, 400),
        (form(*(part(b"x", f"{number}.txt") for number in range(500))), FORM, 400),
    ],
    ids=["json", "no boundary", "nonsense", "no file", "cut off", "another field", "500 files"],
)
def test_a_form_that_is_none_is_refused_in_words(door: Appliance, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = door.call("POST", PATH, body, token=door.api_key, headers=headers)
    assert answer.status == status, answer
    assert answer.error["fix"]


def test_nobody_without_a_key_is_let_in_and_other_methods_and_words_are_refused(door: Appliance) -> None:
    body = form(part(b"x"))
    assert door.call("POST", PATH, body, headers=FORM).error["code"] == "missing_api_key"
    assert scan(door, body, token="nonsense").error["code"] == "invalid_api_key"
    assert scan(door, body, token="ab.cd.ef").error["code"] == "invalid_token"
    assert door.call("GET", PATH, token=door.api_key).status in (404, 405)
    assert scan(door, body, query="?redact=perhaps").error["code"] == "invalid_field"
    assert scan(door, body, query="?reduct=true").error["code"] == "invalid_field"


def upload_until_refused(door: Appliance, head: bytes, chunked: bool) -> tuple[Answer, int]:
    """(the answer, how many bytes were sent until it came)"""
    sent, piece = 0, b"x" * (256 * 1024)
    with door.connect(timeout=60) as connection:
        connection.sendall(head)
        first = part(b"", "big.txt")[:-2]
        connection.sendall(b"%x\r\n%b\r\n" % (len(first), first) if chunked else first)
        while sent < 200 * MIB:
            connection.setblocking(False)
            try:
                received = connection.recv(65536)
                if received:
                    return parsed(received), sent
                break
            except BlockingIOError:
                pass
            connection.settimeout(60)
            try:
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            except (BrokenPipeError, ConnectionResetError):
                break
            sent += len(piece)
        connection.settimeout(30)
        return parsed(connection.recv(65536)), sent


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_an_upload_of_200_mb_is_refused_while_it_arrives_and_never_held_in_memory(door: Appliance, chunked: bool) -> None:
    before = psutil.Process(door.pid).memory_info().rss
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {200 * MIB}"
    lines = [f"POST {PATH} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {door.api_key}", length]
    head = "\r\n".join([*lines, f"Content-Type: {FORM['Content-Type']}", "", ""]).encode()
    answer, sent = upload_until_refused(door, head, chunked)
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")
    assert sent <= 120 * MIB
    assert psutil.Process(door.pid).memory_info().rss - before < 60 * MIB
    eventually(lambda: scan(door, form(part(b"fine"))).status == 200)


def test_many_requests_at_once_wait_for_their_turn(door: Appliance) -> None:
    body = form(part(f"SSN {SSN}".encode()))
    with ThreadPoolExecutor(60) as senders:
        answers = list(senders.map(lambda _: scan(door, body), range(60)))
    assert {answer.status for answer in answers} == {200}
    assert {answer.json["files"][0]["verdict"] for answer in answers} == {"flagged"}


def test_a_scan_has_its_row_in_the_ledger_with_counts_and_without_values(door: Appliance) -> None:
    answer = scan(door, form(part(f"SSN {SSN} mail {EMAIL}".encode())))
    request_id = answer.headers["x-request-id"]
    row = door.call("GET", f"/api/v1/admin/requests/{request_id}", token=door.owner_token)
    assert row.status == 200, row
    assert (row.json["kind"], row.json["state"], row.json["policy"]) == ("files", "settled", "default@1")
    assert {(one["type"], one["action"]) for one in row.json["findings"]} == {("US_SSN", "mask"), ("EMAIL", "mask")}
    assert SSN.encode() not in row.body


def test_nothing_of_an_upload_stays_on_disk_or_in_the_log(appliance: MakeAppliance, tmp_path: Any) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    box = appliance(settings={"guardrail_policy": "default", "log_level": "debug"}, env={"TMPDIR": str(folder)})
    canary = "canary.zq7x@mail.example.in"
    for query in ("", "?redact=true"):
        assert scan(box, form(part(f"Mail {canary}".encode(), "kq2LCANARY.txt")), query=query).status == 200
    with socket.create_connection(("127.0.0.1", box.port)) as connection:  # hangs up in the middle
        head = [f"POST {PATH} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {box.api_key}", "Content-Length: 100000"]
        connection.sendall("\r\n".join([*head, f"Content-Type: {FORM['Content-Type']}", "", ""]).encode() + part(canary.encode()))
    eventually(lambda: not list(folder.rglob("*.upload")))
    box.stop()
    written = b"".join(path.read_bytes() for place in (box.home, folder) for path in place.rglob("*") if path.is_file())
    assert canary.encode() not in written
    assert canary not in box.output
    assert "kq2LCANARY" not in box.output
