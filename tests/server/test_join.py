"""Invitations and /join/{invitation}: a colleague comes in once, and nobody else by the same door."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance
from tests.pages import FORM_TYPE, Visitor, blocks, invited, wrong_at
from tests.running import PASSWORD, ROOT, Appliance, Fake, environment

INVITATIONS = "/api/v1/admin/invitations"
ADA = {"name": "Ada Lovelace", "email": "ada@example.com", "password": PASSWORD, "again": PASSWORD}


def as_page(answer: Answer, status: int) -> str:
    """An HTML page as every one of them must be."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    text = answer.body.decode()
    assert "<script" not in text
    return text


@contextmanager
def writing(box: Appliance) -> Iterator[sqlite3.Connection]:
    """What no route can do, such as making time pass."""
    connection = sqlite3.connect(box.home / "gatehouse.db", timeout=10)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def used(box: Appliance) -> int:
    return len(box.rows("SELECT 1 FROM invitations WHERE used_at IS NOT NULL"))


# Coming in


def test_a_colleague_chooses_a_password_and_gets_a_key_that_works(door: Appliance) -> None:
    path, visitor = invited(door, email="grace@example.com", name="Grace", role="developer"), Visitor(door)
    page = as_page(visitor.open(path), 200)
    assert 'value="Grace"' in page
    assert 'value="grace@example.com" readonly' in page
    page = as_page(visitor.send(path, {**ADA, "name": "Grace Hopper", "email": "grace@example.com"}), 201)
    key = blocks(page)[0]
    assert door.call("GET", "/v1/models", token=key).status == 200
    (user,) = door.rows("SELECT * FROM users WHERE email = 'grace@example.com'")
    assert (user["name"], user["role"]) == ("Grace Hopper", "developer")
    login = door.call("POST", "/api/v1/admin/auth/login", {"email": "grace@example.com", "password": PASSWORD})
    assert login.status == 200
    (listed,) = [one for one in door.call("GET", INVITATIONS, token=door.owner_token).json["items"] if one["name"] == "Grace"]
    assert (listed["state"], listed["used_by"]) == ("used", user["id"])
    actions = [row["action"] for row in door.rows("SELECT action FROM audit WHERE actor = ? ORDER BY seq", user["id"])]
    assert actions == ["api_key.create", "invitation.accept"]
    as_page(visitor.send(path, ADA), 410)
    assert "used already" in as_page(visitor.open(path), 410)


def test_the_lines_of_the_page_work_as_pasted(door: Appliance) -> None:
    path, visitor = invited(door), Visitor(door)
    visitor.open(path)
    page = as_page(visitor.send(path, {**ADA, "email": "pasting@example.com"}), 201)
    key, curl, openai, continued, web_ui, langchain = blocks(page)
    for block in (curl, openai, continued, web_ui, langchain):
        assert key in block
        assert f"{visitor.origin}/v1" in block
    for command in (["bash", "-c", curl], [sys.executable, "-c", openai], [sys.executable, "-c", langchain]):
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout.strip(), command
        assert '"error"' not in done.stdout, done.stdout


def test_the_lines_name_a_model_that_the_organisation_may_use(door: Appliance) -> None:
    for rules, model in (("{}", "fake/gpt-4o"), ('{"models": ["none", "fake/gpt-4o-m*"]}', "fake/gpt-4o-mini")):
        with writing(door) as connection:
            connection.execute("UPDATE tenants SET rules = ? WHERE number = 1", (rules,))
        path, visitor = invited(door), Visitor(door)
        visitor.open(path)
        page = as_page(visitor.send(path, {**ADA, "email": f"may{len(rules)}@example.com"}), 201)
        assert f'model="{model}",' in blocks(page)[2]
    with writing(door) as connection:
        connection.execute("UPDATE tenants SET rules = '{}' WHERE number = 1")


def test_the_script_of_the_documents_joins(door: Appliance, tmp_path: Path) -> None:
    document = (ROOT / "docs" / "get-started" / "people.md").read_text("utf-8")
    (script,) = re.findall(r"```bash\n(.*?)```", document, re.DOTALL)
    path = invited(door, email="script@example.com")
    env = environment({"LINK": f"http://localhost:{door.port}{path}", "PASSWORD": "A password & more = 1"})
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "Welcome, Ada" in done.stdout, done.stderr


def test_of_fifty_who_use_one_link_at_once_one_comes_in(door: Appliance) -> None:
    path, visitor = invited(door), Visitor(door)
    visitor.open(path)

    def use(number: int) -> int:
        mine = Visitor(door)
        mine.cookies, mine.form_token = visitor.cookies, visitor.form_token
        return mine.send(path, {**ADA, "email": f"fifty{number}@example.com"}).status

    with ThreadPoolExecutor(50) as threads:
        statuses = list(threads.map(use, range(50)))
    assert statuses.count(201) == 1, statuses
    assert set(statuses) <= {201, 410, 503}, statuses  # 503: more passwords at once than are hashed
    (user,) = door.rows("SELECT number FROM users WHERE email LIKE 'fifty%'")
    assert len(door.rows("SELECT 1 FROM api_keys WHERE user_number = ?", user["number"])) == 1


def test_a_browser_that_sends_no_referrer_says_null_for_its_origin(door: Appliance) -> None:
    path, visitor = invited(door), Visitor(door)
    visitor.open(path)
    fields = {**ADA, "email": "null@example.com"}
    as_page(visitor.send(path, fields, {"Origin": "null"}), 403)
    as_page(visitor.send(path, fields, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}), 201)


# What is refused


@pytest.fixture(scope="module")
def link(door: Appliance) -> str:
    """One that nothing below may use up."""
    return invited(door)


HEADERS_REFUSED: list[tuple[dict[str, str | None], int]] = [
    ({"Cookie": None}, 403),
    ({"Cookie": "gatehouse-form=" + "A" * 43}, 403),
    ({"Cookie": "gatehouse-form="}, 403),
    ({"Origin": None}, 403),
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "http://127.0.0.1:1"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
    ({"Content-Type": None}, 400),
    ({"Content-Type": "application/json"}, 400),
    ({"Content-Type": "text/plain"}, 400),
    ({"Content-Type": "multipart/form-data; boundary=x"}, 400),
]


@pytest.mark.parametrize(("headers", "status"), HEADERS_REFUSED, ids=str)
def test_a_form_from_elsewhere_changes_nothing(door: Appliance, link: str, headers: dict[str, str | None], status: int) -> None:
    visitor, before = Visitor(door), used(door)
    visitor.open(link)
    as_page(visitor.send(link, ADA, headers), status)
    assert used(door) == before
    as_page(Visitor(door).open(link), 200)


BODIES_REFUSED = {
    "nothing": (b"", 403),
    "no token": (b"name=Ada&email=ada@example.com", 403),
    "another token": (b"form_token=" + b"B" * 43, 403),
    "a token twice": (b"form_token=TOKEN&form_token=TOKEN", 400),
    "an unknown field": (b"form_token=TOKEN&role=owner", 400),
    "a lone surrogate": (b"form_token=TOKEN&name=%ED%A0%80", 400),
    "broken UTF-8": (b"form_token=TOKEN&name=%FF", 400),
    "bytes that a form has not": (b"form_token=TOKEN&name=\xff\xfe", 400),
    "twenty-one fields": (b"form_token=TOKEN" + b"".join(b"&f%d=1" % number for number in range(21)), 400),
    "16 KiB and a byte": (b"form_token=TOKEN&name=".ljust(16 * 1024 + 1 + 43 - 5, b"x"), 413),
}


@pytest.mark.parametrize("what", BODIES_REFUSED)
def test_a_body_that_is_no_form_of_ours_changes_nothing(door: Appliance, link: str, what: str) -> None:
    body, status = BODIES_REFUSED[what]
    visitor, before = Visitor(door), used(door)
    visitor.open(link)
    as_page(visitor.send_body(link, body.replace(b"TOKEN", visitor.form_token.encode())), status)
    assert used(door) == before


FIELDS_REFUSED: dict[str, tuple[dict[str, str], int, str, str]] = {
    "short": ({"password": "short", "again": "short"}, 400, "password", "shorter than 8"),
    "not the same": ({"again": f"{PASSWORD}x"}, 400, "again", "not the same"),
    "long": ({"password": "x" * 1025, "again": "x" * 1025}, 400, "password", "longer than"),
    "no name": ({"name": " "}, 400, "name", "empty"),
    "a right-to-left mark": ({"name": "Ada\u202etxt"}, 400, "name", "U+202E"),
    "a NUL": ({"name": "Ada\0"}, 400, "name", "U+0000"),
    "no address": ({"email": "ada"}, 400, "email", "not an e-mail address"),
    "nothing for an address": ({"email": ""}, 400, "email", "not an e-mail address"),
    "markup for an address": ({"email": "<b>x</b>"}, 400, "email", "not an e-mail address"),
    "the owner's address": ({"email": "owner@example.com"}, 409, "email", "already"),
    "in capitals": ({"email": "OWNER@Example.COM"}, 409, "email", "already"),
    "in wide letters": ({"email": "\uff4fwner@example.com"}, 409, "email", "already"),
}


@pytest.mark.parametrize("what", FIELDS_REFUSED)
def test_a_field_that_is_refused_says_why_beside_it(door: Appliance, link: str, what: str) -> None:
    assert door.owner_token
    change, status, field, words = FIELDS_REFUSED[what]
    visitor, fields = Visitor(door), {**ADA, "name": "Ada <b>", **change}
    visitor.open(link)
    page = as_page(visitor.send(link, fields), status)
    assert words in wrong_at(page, field), page
    assert "<b>" not in page
    assert PASSWORD not in page
    if field != "name":
        assert 'value="Ada &lt;b&gt;"' in page  # what was right need not be typed again


def test_the_address_of_the_invitation_cannot_be_changed(door: Appliance) -> None:
    path, visitor = invited(door, email="fixed@example.com"), Visitor(door)
    visitor.open(path)
    page = as_page(visitor.send(path, {**ADA, "email": "other@example.com"}), 400)
    assert "another address" in wrong_at(page, "email")
    assert re.search('value="fixed@example.com"[^>]* readonly', page)
    as_page(visitor.send(path, {**ADA, "email": "FIXED@example.com"}), 201)
    (user,) = door.rows("SELECT email FROM users WHERE email_key = 'fixed@example.com'")
    assert user["email"] == "fixed@example.com"


def test_a_name_with_markup_is_only_text(door: Appliance) -> None:
    path, visitor = invited(door, name="<script>alert(1)</script>"), Visitor(door)
    assert "&lt;script&gt;" in as_page(visitor.open(path), 200)
    name = '"><img src=x onerror=alert(1)>'
    page = as_page(visitor.send(path, {**ADA, "name": name, "email": "markup@example.com"}), 201)
    assert "<img" not in page
    assert "&lt;img" in page


def test_a_body_that_tells_no_length_is_bounded_too(door: Appliance, link: str) -> None:
    lines = [f"POST {link} HTTP/1.1", "Host: localhost", "Origin: http://localhost", f"Content-Type: {FORM_TYPE}"]
    head = "\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode()
    received = door.raw(head, *[b"1000\r\n" + b"x" * 0x1000 + b"\r\n"] * 5, b"0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 413"), received[:200]


def test_looking_changes_nothing_and_other_methods_are_refused(door: Appliance, link: str) -> None:
    received = door.raw(f"HEAD {link} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    assert body == b""
    for method in ("PUT", "DELETE", "PATCH"):
        assert door.call(method, link, b"x=1", headers={"Content-Type": FORM_TYPE}).status == 405
    as_page(Visitor(door).open(link), 200)


def test_what_has_ended_says_what_to_do(door: Appliance) -> None:
    expired, revoked = invited(door, name="Late"), invited(door, name="Unwanted")
    (row,) = [one for one in door.call("GET", INVITATIONS, token=door.owner_token).json["items"] if one["name"] == "Unwanted"]
    for _ in range(2):
        assert door.call("DELETE", f"{INVITATIONS}/{row['id']}", token=door.owner_token).status == 204
    late = Visitor(door)
    late.open(expired)
    with writing(door) as connection:
        connection.execute("UPDATE invitations SET expires_at = 1 WHERE name = 'Late'")
    for path, words in ((expired, "has expired"), (revoked, "taken back")):
        page = as_page(Visitor(door).open(path), 410)
        assert words in page
        assert "for another one" in page
    as_page(late.send(expired, ADA), 410)
    states = {one["name"]: one["state"] for one in door.call("GET", INVITATIONS, token=door.owner_token).json["items"]}
    assert (states["Late"], states["Unwanted"]) == ("expired", "revoked")
    found = door.call("GET", f"{INVITATIONS}?state=expired", token=door.owner_token).json["items"]
    assert [one["name"] for one in found] == ["Late"]


def test_who_guesses_links_waits_longer_and_longer(appliance: MakeAppliance) -> None:
    box = appliance()
    path = invited(box)
    statuses = [box.call("GET", f"/join/{'x' * number}").status for number in range(1, 13)]
    assert statuses[:9] == [404] * 9
    assert statuses[-1] == 429
    blocked = box.call("GET", f"{path[:-1]}x")
    assert "retry-after" in blocked.headers
    as_page(blocked, 429)


def test_no_log_and_no_figure_holds_an_invitation(door: Appliance) -> None:
    path, visitor = invited(door), Visitor(door)
    token = path.removeprefix("/join/")
    visitor.open(path)
    visitor.send(path, {**ADA, "password": "short"})
    visitor.send(path, {**ADA, "email": "quiet@example.com"})
    door.call("PUT", path)
    door.call("GET", f"{path}/more")
    metrics = door.call("GET", "/metrics", token=str(door.make_key("metrics", scopes=["metrics"])["key"])).body.decode()
    assert "/join/{token" in metrics
    logs = "".join(file.read_text() for file in (door.home / "logs").glob("*")) if (door.home / "logs").exists() else ""
    for where in (metrics, door.output, logs, json.dumps(door.rows("SELECT detail, target FROM audit"))):
        assert token not in where
    assert "/join/{token" in door.output + logs
    assert not [row for row in door.rows("SELECT token_hash FROM invitations") if token.encode() in row["token_hash"]]


# Inviting


def test_nobody_invites_above_their_own_rank(door: Appliance) -> None:
    path, visitor = invited(door, role="admin"), Visitor(door)
    visitor.open(path)
    as_page(visitor.send(path, {**ADA, "email": "admin@example.com"}), 201)
    admin = door.call("POST", "/api/v1/admin/auth/login", {"email": "admin@example.com", "password": PASSWORD})
    token = admin.json["access_token"]
    assert door.call("POST", INVITATIONS, {"role": "admin"}, token=token).status == 201
    refused = door.call("POST", INVITATIONS, {"role": "owner"}, token=token)
    assert (refused.status, refused.error["code"]) == (403, "forbidden")
    owners = door.call("POST", INVITATIONS, {"role": "owner"}, token=door.owner_token).json["invitation"]["id"]
    assert door.call("DELETE", f"{INVITATIONS}/{owners}", token=token).status == 403


WRONG: list[tuple[dict[str, Any], int]] = [
    ({"role": "machine"}, 400),
    ({"email": "nobody"}, 400),
    ({"email": "OWNER@example.com"}, 409),
    ({"name": "x\u202ey"}, 400),
    ({"expires_in_hours": 0}, 400),
    ({"expires_in_hours": 721}, 400),
    ({"user_number": 1}, 400),
    ({"used_at": 1}, 400),
    ({"department_id": "dpt_nobody"}, 404),
    ({"team_id": "team_nobody"}, 404),
    ({"tenant_id": "tenant_nobody"}, 404),
]


@pytest.mark.parametrize(("body", "status"), WRONG, ids=str)
def test_an_invitation_that_makes_no_sense_is_refused(door: Appliance, body: dict[str, Any], status: int) -> None:
    assert door.call("POST", INVITATIONS, body, token=door.owner_token).status == status


def test_another_organisation_sees_none_of_them(door: Appliance) -> None:
    assert door.owner_token
    with writing(door) as connection:
        connection.execute(
            "INSERT INTO tenants (number, id, name, is_default, created_at) VALUES (2, 'tenant_other', 'Other <i>', 0, 1)"
        )
        connection.execute(
            "INSERT INTO users (number, id, tenant_number, name, email, email_key, password_hash, role, token_version,"
            " created_at) SELECT 900, 'user_other', 2, 'Otto', 'otto@example.com', 'otto@example.com', password_hash, role, 1, 1"
            " FROM users WHERE email_key = 'owner@example.com'"
        )
        connection.execute("INSERT INTO departments (number, id, tenant_number, name, created_at) VALUES (1, 'dpt_a', 1, 'A', 1)")
    otto = door.call("POST", "/api/v1/admin/auth/login", {"email": "otto@example.com", "password": PASSWORD})
    token = otto.json["access_token"]
    mine = door.call("POST", INVITATIONS, {"department_id": "dpt_a"}, token=door.owner_token).json["invitation"]
    assert mine["department_id"] == "dpt_a"
    there_is = door.call("DELETE", f"{INVITATIONS}/{mine['id']}", token=token)
    there_never_was = door.call("DELETE", f"{INVITATIONS}/inv_nobody", token=token)
    assert (there_is.status, there_is.error) == (404, there_never_was.error)
    assert door.call("GET", INVITATIONS, token=token).json["items"] == []
    assert door.call("POST", INVITATIONS, {"department_id": "dpt_a"}, token=token).status == 404
    assert door.call("POST", INVITATIONS, {"tenant_id": "tenant_default"}, token=token).status == 404
    own = door.call("POST", INVITATIONS, {}, token=token).json
    assert own["invitation"]["tenant_id"] == "tenant_other"
    path = str(own["link"]).removeprefix(f"http://localhost:{door.port}")
    assert "Other &lt;i&gt;" in as_page(Visitor(door).open(path), 200)
    with writing(door) as connection:
        connection.execute("UPDATE tenants SET suspended_at = 1 WHERE number = 2")
    visitor = Visitor(door)
    visitor.open(path)
    page = as_page(visitor.send(path, {**ADA, "email": "otto2@example.com"}), 409)
    assert "suspended" in page


@pytest.mark.parametrize("running", [False, True])
def test_the_command_line_invites(appliance: MakeAppliance, running: bool) -> None:
    box = appliance(start=running)
    done = box.command("users", "invite", "ada@example.com", "--name", "Ada", "--role", "auditor", "--hours", "5")
    assert done.returncode == 0, done.stderr
    link = done.stdout.strip()
    assert link not in done.stderr
    if not running:
        box.start()
    path, visitor = link.removeprefix(f"http://localhost:{box.port}"), Visitor(box)
    assert 'value="ada@example.com" readonly' in as_page(visitor.open(path), 200)
    as_page(visitor.send(path, {"name": "Ada", "password": PASSWORD, "again": PASSWORD}), 201)
    (user,) = box.rows("SELECT role FROM users")
    assert user["role"] == "auditor"
    failed = box.command("users", "invite", "ADA@example.com")
    assert failed.returncode != 0
    assert "already" in failed.stderr


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    made = appliances(settings={"providers": [upstream.provider("fake", models=["gpt-4o", "gpt-4o-mini"])]})
    assert made.owner_token
    return made
