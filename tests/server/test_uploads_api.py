"""`/v1/files` of the shipped program: through the vendors' own SDKs, and by hand where no SDK would go."""

import hashlib
import os
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import psutil
import pytest

from tests.calls import Answer, parsed
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake, eventually

PATH = "/v1/files"
MIB = 1024 * 1024
BOUNDARY = "gatehouse-test-7f3a"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")], "files": {"bytes_max": 8 * MIB}})


def field(name: str, value: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def upload(door: Appliance, content: bytes = b"Hello", name: str = "a.txt", token: str | None = None) -> Answer:
    body = form(field("purpose", b"user_data"), field("file", content, name))
    return door.call("POST", PATH, body, token=token or door.api_key, headers=FORM)


def key_with(door: Appliance, *scopes: str) -> str:
    made = door.call("POST", "/api/v1/admin/api-keys", {"name": "files", "scopes": list(scopes)}, token=door.owner_token)
    assert made.status == 201, made
    return str(made.json["key"])


def kept(door: Appliance) -> set[str]:
    return {one.name for one in (door.home / "uploads").iterdir()}


def ids(door: Appliance) -> set[str]:
    return {row["id"] for row in door.rows("SELECT id FROM uploaded_files")}


def test_openais_sdk_uploads_lists_reads_and_deletes(door: Appliance) -> None:
    content = os.urandom(3 * MIB)
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=key_with(door), max_retries=0) as sdk:
        file_id = all_of_openais(sdk, content)
    assert file_id not in kept(door) | ids(door)


def all_of_openais(sdk: openai.OpenAI, content: bytes) -> str:
    made = sdk.files.create(
        file=("report.pdf", content, "application/pdf"),
        purpose="user_data",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert made.id.startswith("file-")
    assert (made.object, made.bytes, made.filename, made.purpose) == ("file", len(content), "report.pdf", "user_data")
    assert made.status == "processed"
    assert made.expires_at == made.created_at + 3600
    assert sdk.files.retrieve(made.id) == made
    assert sdk.files.content(made.id).read() == content
    other = sdk.files.create(file=("b.jsonl", b"{}"), purpose="batch")
    assert other.expires_at is not None
    assert other.expires_at - other.created_at == 30 * 86_400, "the setting's own time"
    assert [file.id for file in sdk.files.list()][:2] == [other.id, made.id]
    assert [file.id for file in sdk.files.list(order="asc", limit=1)][-2:] == [made.id, other.id], "page after page"
    assert [file.id for file in sdk.files.list(purpose="batch")] == [other.id]
    gone = sdk.files.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == (made.id, True, "file")
    with pytest.raises(openai.NotFoundError) as told:
        sdk.files.retrieve(made.id)
    assert told.value.code == "file_not_found"
    return made.id


def test_anthropics_sdk_uploads_lists_reads_and_deletes(door: Appliance) -> None:
    with anthropic.Anthropic(base_url=door.url, api_key=key_with(door), max_retries=0) as sdk:
        all_of_anthropics(sdk)


def all_of_anthropics(sdk: anthropic.Anthropic) -> None:
    made = sdk.beta.files.upload(file=("report.pdf", b"%PDF-1.7", "application/pdf"))
    assert (made.type, made.filename, made.mime_type, made.size_bytes) == ("file", "report.pdf", "application/pdf", 8)
    assert sdk.beta.files.retrieve_metadata(made.id) == made
    assert sdk.beta.files.download(made.id).read() == b"%PDF-1.7"
    more = [sdk.files.upload(file=(f"{number}.txt", b"x"), expires_in_seconds=3600) for number in range(2)]
    listed = [file.id for file in sdk.files.list(limit=1)]
    assert listed[:3] == [more[1].id, more[0].id, made.id], "page after page"
    assert sdk.beta.files.delete(made.id).type == "file_deleted"
    with pytest.raises(anthropic.NotFoundError):
        sdk.beta.files.retrieve_metadata(made.id)


def test_bytes_are_on_the_disk_for_their_owner_alone(door: Appliance) -> None:
    file_id = upload(door, b"secret").json["id"]
    path = door.home / "uploads" / file_id
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (row,) = door.rows("SELECT sha256, bytes FROM uploaded_files WHERE id = ?", file_id)
    assert tuple(row.values()) == (hashlib.sha256(b"secret").hexdigest(), 6)


def test_content_comes_as_bytes_that_no_browser_runs(door: Appliance) -> None:
    file_id = upload(door, b"<script>alert(1)</script>", "page.html").json["id"]
    answer = door.call("GET", f"{PATH}/{file_id}/content", token=door.api_key)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith('attachment; filename="page.html"')


def test_other_peoples_files_are_as_good_as_unknown(door: Appliance) -> None:
    file_id = upload(door).json["id"]
    invited = {"name": "Asha", "email": "asha@example.in", "password": "a long enough sentence", "role": "developer"}
    assert door.call("POST", "/api/v1/admin/users", invited, token=door.owner_token).status == 201
    signed_in = door.call("POST", "/api/v1/admin/auth/login", {"email": invited["email"], "password": invited["password"]})
    token = signed_in.json["access_token"]
    stranger = door.call("POST", "/api/v1/admin/api-keys", {"name": "hers"}, token=token).json["key"]
    unknown = door.call("GET", f"{PATH}/file-nothing", token=stranger)
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        answer = door.call(method, f"{PATH}/{file_id}{path}", token=stranger)
        assert (answer.status, answer.error["code"]) == (404, "file_not_found")
        assert answer.error["message"].replace(file_id, "file-nothing") == unknown.error["message"]
    assert door.call("GET", PATH, token=stranger).json["data"] == []
    page = door.call("GET", f"{PATH}?after={file_id}", token=stranger)
    assert (page.status, page.error["param"]) == (400, "after")
    hers = upload(door, token=stranger).json["id"]
    assert door.call("GET", f"{PATH}/{hers}", token=stranger).status == 200
    assert door.call("GET", f"{PATH}/{hers}", token=door.api_key).status == 404, "the owner of the house has no look either"


def test_another_key_of_the_same_person_sees_them_and_scopes_count(door: Appliance) -> None:
    first, second = key_with(door), key_with(door, "chat")
    file_id = upload(door, token=first).json["id"]
    assert door.call("GET", f"{PATH}/{file_id}", token=second).status == 200
    assert upload(door, token=key_with(door, "files")).status == 200
    refused = upload(door, token=key_with(door, "embeddings"))
    assert (refused.status, refused.error["code"]) == (403, "forbidden")
    assert door.call("GET", PATH).status == 401


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (form(field("purpose", b"user_data")), 400, "file"),
        (form(field("file", b"x", "a.txt")), 400, "purpose"),
        (form(field("purpose", b"nonsense"), field("file", b"x", "a.txt")), 400, "purpose"),
        (form(field("purpose", b"x" * 5000), field("file", b"x", "a.txt")), 400, "purpose"),
        (form(field("purpose", b"user_data"), field("file", b"", "a.txt")), 400, "file"),
        (form(field("purpose", b"user_data"), field("file", b"x", "a"), field("file", b"y", "b")), 400, "file"),
        (form(field("purpose", b"user_data"), field("other", b"x"), field("file", b"x", "a")), 400, "file"),
        (
            form(field("purpose", b"user_data"), field("expires_after[seconds]", b"-5"), field("file", b"x", "a")),
            400,
            "expires_after.seconds",
        ),
        (
            form(field("purpose", b"user_data"), field("expires_after[anchor]", b"never"), field("file", b"x", "a")),
            400,
            "expires_after.anchor",
        ),
        (form(field("purpose", b"user_data"), field("file", b"x" * 100, "a"))[:-60], 400, None),
        (b"no form at all", 400, None),
        (b"", 400, None),
    ],
)
def test_what_is_no_form_with_one_file_is_refused_and_leaves_nothing(
    door: Appliance, body: bytes, status: int, param: str | None
) -> None:
    before = ids(door)
    answer = door.call("POST", PATH, body, token=door.api_key, headers=FORM)
    assert (answer.status, answer.error["param"]) == (status, param), answer
    assert ids(door) == before
    eventually(lambda: kept(door) == before)


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=10001", "order=up", "after=file-nothing"])
def test_a_page_that_makes_no_sense_is_refused(door: Appliance, query: str) -> None:
    answer = door.call("GET", f"{PATH}?{query}", token=door.api_key)
    assert (answer.status, answer.error["param"]) == (400, query.partition("=")[0])


def test_errors_are_told_in_the_dialect_of_whoever_asks(door: Appliance) -> None:
    answer = door.call("GET", f"{PATH}/file-x", token=door.api_key, headers=ANTHROPIC)
    assert (answer.status, answer.json["type"], answer.json["error"]["type"]) == (404, "error", "not_found_error")
    wrong = door.call("PUT", PATH, b"", token=door.api_key)
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST, GET")
    assert door.call("POST", f"{PATH}/file-x", b"", token=door.api_key).headers["allow"] == "GET, DELETE"
    assert door.call("GET", "/api/v1/files", token=door.api_key).json["object"] == "list"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/", "file"),
        ("..", "file"),
        ("a" * 5000, None),
        ("\u202egnp.exe", None),
        ("\u0939\u093f\u0928\u094d\u0926\u0940 letter.pdf", "\u0939\u093f\u0928\u094d\u0926\u0940 letter.pdf"),
        ("", "file"),
    ],
)
def test_names_are_only_names(door: Appliance, given: str, shown: str | None) -> None:
    answer = upload(door, name=given)
    if answer.status != 200:  # a head that no parser takes
        assert answer.status == 400, answer
        return
    name = answer.json["filename"]
    assert name == shown or (shown is None and len(name) <= 255 and name.isprintable())
    assert answer.json["id"] in kept(door)
    content = door.call("GET", f"{PATH}/{answer.json['id']}/content", token=door.api_key)
    assert (content.status, content.body) == (200, b"Hello")


@pytest.mark.parametrize("path", ["..%2f..%2fgatehouse.db", "..", "%2e%2e", ".arriving-x", "file-x%00", "f/../../master.key"])
def test_ids_lead_to_no_other_file(door: Appliance, path: str) -> None:
    for ending in ("", "/content"):
        assert door.call("GET", f"{PATH}/{path}{ending}", token=door.api_key).status in (400, 404, 405)


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_what_is_too_large_is_refused_while_it_arrives(door: Appliance, chunked: bool) -> None:
    before, process = kept(door), psutil.Process(door.pid)
    memory = process.memory_info().rss
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {200 * MIB}"
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {door.host}:{door.port}\r\nAuthorization: Bearer {door.api_key}\r\n"
        f"Content-Type: {FORM['Content-Type']}\r\n{length}\r\n\r\n"
    )
    piece, sent = b"x" * (256 * 1024), 0
    start = field("purpose", b"user_data") + field("file", b"", "big.bin")[:-2]
    with socket.create_connection((door.host, door.port), timeout=30) as connection:
        connection.sendall(head.encode() + (framed(start) if chunked else start))
        connection.settimeout(0.5)
        try:
            while sent < 200 * MIB:
                connection.sendall(framed(piece) if chunked else piece)
                sent += len(piece)
        except OSError:
            pass
        connection.settimeout(30)
        answer = parsed(connection.recv(65536))
    assert sent < 100 * MIB
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")
    assert process.memory_info().rss - memory < 40 * MIB
    eventually(lambda: kept(door) == before)


def framed(piece: bytes) -> bytes:
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


def test_500_uploads_at_once_are_all_kept(door: Appliance) -> None:
    key, contents = key_with(door), [f"number {number}".encode() * 100 for number in range(500)]
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda content: upload(door, content, token=key), contents))
    assert [answer.status for answer in answers] == [200] * 500
    made = [answer.json["id"] for answer in answers]
    assert len(set(made)) == 500
    for file_id, content in zip(made, contents, strict=True):
        assert (door.home / "uploads" / file_id).read_bytes() == content
    listed = door.call("GET", f"{PATH}?limit=10000", token=key).json
    assert set(made) <= {file["id"] for file in listed["data"]}
    eventually(lambda: kept(door) == ids(door))


def test_an_organisation_has_as_many_and_as_large_ones_as_it_may(appliance: MakeAppliance) -> None:
    box = appliance(settings={"files": {"kept_max": 3, "kept_bytes_max": 2000}, "local_models": False})
    made = [upload(box, b"x" * 600).json["id"] for _ in range(3)]
    answer = upload(box, b"x")
    assert (answer.status, answer.error["code"]) == (403, "files_full")
    assert "files_kept_max" in answer.error["fix"]
    assert box.call("DELETE", f"{PATH}/{made[0]}", token=box.api_key).status == 200
    large = upload(box, b"x" * 900)
    assert (large.status, large.error["code"]) == (403, "files_full")
    assert "files_kept_bytes_max" in large.error["fix"]
    assert upload(box, b"x" * 800).status == 200
    eventually(lambda: kept(box) == ids(box))


def test_a_deleted_persons_files_are_gone_and_so_are_their_bytes_after_the_next_start(appliance: MakeAppliance) -> None:
    box = appliance(settings={"local_models": False})
    person = {"name": "Asha", "email": "asha@example.in", "password": "a long enough sentence", "role": "developer"}
    user = box.call("POST", "/api/v1/admin/users", person, token=box.owner_token).json
    signed_in = box.call("POST", "/api/v1/admin/auth/login", {"email": person["email"], "password": person["password"]})
    key = box.call("POST", "/api/v1/admin/api-keys", {"name": "hers"}, token=signed_in.json["access_token"]).json["key"]
    assert upload(box, token=key).status == 200
    stays = upload(box).json["id"]
    assert box.call("DELETE", f"/api/v1/admin/users/{user['id']}", token=box.owner_token).status in (200, 204)
    assert ids(box) == {stays}
    box.restart()
    assert kept(box) == {stays}


def test_what_a_client_leaves_in_the_middle_leaves_nothing(door: Appliance) -> None:
    before = kept(door)
    whole = form(field("purpose", b"user_data"), field("file", b"x" * MIB, "a.bin"))
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {door.host}:{door.port}\r\nAuthorization: Bearer {door.api_key}\r\n"
        f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: {len(whole)}\r\n\r\n"
    ).encode()
    for cut in (len(head), len(head) + 50, len(head) + len(whole) // 2, len(head) + len(whole) - 1):
        with socket.create_connection((door.host, door.port), timeout=10) as connection:
            connection.sendall((head + whole)[:cut])
    eventually(lambda: kept(door) == before)


def test_a_page_in_a_browser_may_do_the_same_where_its_origin_is_listed(appliance: MakeAppliance) -> None:
    """Its requests go through the web framework, whose rules for other origins hold there."""
    origin = {"Origin": "https://app.example"}
    box = appliance(settings={"cors_allowed_origins": ["https://app.example"], "local_models": False, "guardrail_policy": "off"})
    body = form(field("purpose", b"user_data"), field("file", b"Hello", "a.txt"))
    made = box.call("POST", PATH, body, token=box.api_key, headers={**FORM, **origin})
    assert (made.status, made.headers["access-control-allow-origin"]) == (200, "https://app.example")
    file_id = made.json["id"]
    assert box.call("GET", PATH, token=box.api_key, headers=origin).json["data"] == [made.json]
    assert box.call("GET", f"{PATH}/{file_id}/content", token=box.api_key, headers=origin).body == b"Hello"
    assert box.call("GET", f"/api/v1/files/{file_id}", token=box.api_key, headers=origin).json == made.json
    assert box.call("DELETE", f"{PATH}/{file_id}", token=box.api_key, headers=origin).status == 200


def test_the_documents_tell_of_every_route(door: Appliance) -> None:
    paths: dict[str, Any] = door.call("GET", "/openapi.json").json["paths"]
    assert set(paths["/v1/files"]) == {"get", "post"}
    assert set(paths["/v1/files/{file_id}"]) == {"get", "delete"}
    assert set(paths["/v1/files/{file_id}/content"]) == {"get"}
