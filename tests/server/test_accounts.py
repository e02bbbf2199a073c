"""Accounts: the first who registers owns the appliance; who knows the password signs in; who guesses has to wait."""

import asyncio
import json
import sqlite3
import time
from pathlib import Path

import pytest

from appliance.audit.chain import verify
from appliance.store.engine import Database
from tests.calls import Answer
from tests.conftest import MakeAppliance
from tests.running import PASSWORD, Appliance, NetworkNamespace

REGISTER = "/api/v1/admin/auth/register"
LOGIN = "/api/v1/admin/auth/login"
FEATURES = "/api/v1/admin/features/status"
OWNER = {"name": "Olga Owner", "email": "owner@example.com", "password": PASSWORD}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance) -> Appliance:
    box = appliances()
    assert box.owner_token
    return box


@pytest.fixture(scope="module")
def fresh(appliances: MakeAppliance) -> Appliance:
    """An appliance without an owner, for refusals: none of them may change that."""
    return appliances()


@pytest.fixture(scope="module")
def opened(appliances: MakeAppliance) -> Appliance:
    """One whose administrator has opened what is shut by default."""
    settings = {"registration_open": True, "jwt_expires_in": 61, "cors_allowed_origins": ["https://app.example"]}
    box = appliances(settings=settings)
    assert box.owner_token
    return box


def login(box: Appliance, password: str = PASSWORD, email: str = "owner@example.com") -> Answer:
    return box.call("POST", LOGIN, {"email": email, "password": password})


def test_the_first_to_register_is_the_owner_and_nobody_after_that(appliance: MakeAppliance) -> None:
    box = appliance()
    first = box.call("POST", REGISTER, OWNER)
    assert first.status == 201
    assert set(first.json) == {"access_token", "token_type", "expires_in", "user"}
    assert first.json["token_type"] == "bearer"
    assert first.json["expires_in"] == 86_400
    user = first.json["user"]
    assert (user["name"], user["email"], user["role"]) == ("Olga Owner", "owner@example.com", "owner")
    assert user["id"]
    second = box.call("POST", REGISTER, {**OWNER, "email": "other@example.com"})
    assert (second.status, second.error["code"]) == (403, "registration_closed")
    assert second.error["fix"]
    again = box.call("POST", REGISTER, OWNER)
    assert again.status in (403, 409)
    assert box.call("GET", FEATURES, token=first.json["access_token"]).status == 200


def test_of_many_who_register_at_once_one_is_the_owner(appliance: MakeAppliance) -> None:
    from concurrent.futures import ThreadPoolExecutor

    box = appliance()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: box.call("POST", REGISTER, {**OWNER, "email": f"u{n}@example.com"}), range(4)))
    assert sorted(answer.status for answer in answers) == [201] + [403] * 3
    assert [row["n"] for row in box.rows("SELECT count(*) AS n FROM users")] == [1]


def test_registration_that_was_opened_makes_users_that_are_no_owners(opened: Appliance) -> None:
    other = opened.call("POST", REGISTER, {**OWNER, "email": "other@example.com"})
    assert other.status == 201
    assert other.json["user"]["role"] != "owner"
    taken = opened.call("POST", REGISTER, {**OWNER, "email": "OTHER@example.com"})
    assert (taken.status, taken.error["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 1000}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b@c"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": 5}, "email"),
        ({"password": "Sh0rt!x"}, "password"),
        ({"password": "x" * 5000}, "password"),
        ({"password": None}, "password"),
    ],
)
def test_what_is_no_account_is_refused_by_field(fresh: Appliance, more: dict[str, object], param: str) -> None:
    answer = fresh.call("POST", REGISTER, {**OWNER, **more})
    assert (answer.status, answer.error["param"]) == (400, param), answer
    assert str(more.get("password")) not in answer.body.decode() or more.get("password") is None


def test_mass_assignment_is_refused(fresh: Appliance) -> None:
    answer = fresh.call("POST", REGISTER, {**OWNER, "role": "owner", "tenant_id": "ten_x"})
    assert answer.status == 400, answer


def test_who_knows_the_password_signs_in(door: Appliance) -> None:
    for email in ("owner@example.com", "OWNER@Example.com"):
        answer = login(door, email=email)
        assert answer.status == 200, answer
        assert set(answer.json) == {"access_token", "token_type", "expires_in", "user"}
        assert door.call("GET", FEATURES, token=answer.json["access_token"]).status == 200


def test_a_wrong_password_and_an_unknown_user_look_alike(door: Appliance) -> None:
    wrong, unknown = login(door, "Wrong-password1"), login(door, email="nobody@example.com")
    for answer in (wrong, unknown):
        assert (answer.status, answer.error["code"]) == (401, "wrong_credentials")
        assert answer.error["fix"]
    assert wrong.error["message"] == unknown.error["message"]

    def seconds(email: str) -> float:
        started = time.process_time(), time.monotonic()
        door.call("POST", LOGIN, {"email": email, "password": "Wrong-password1"})
        return time.monotonic() - started[1]

    # Unknown users must cost a password check as well; loose bounds, since the machine may be busy.
    unknown_seconds = min(seconds(f"nobody{number}@example.com") for number in range(3))
    known_seconds = min(seconds("owner@example.com") for _ in range(2))
    assert unknown_seconds > known_seconds / 4
    assert login(door).status == 200


def test_repeated_failures_have_to_wait_and_the_right_password_is_no_exception(appliance: MakeAppliance) -> None:
    box = appliance()
    assert box.owner_token
    answers = [login(box, f"Wrong-password{number}") for number in range(7)]
    assert answers[0].status == 401
    blocked = answers[-1]
    assert (blocked.status, blocked.error["code"]) == (429, "too_many_attempts"), blocked
    assert int(blocked.headers["retry-after"]) >= 1
    assert login(box).status == 429, "guessing goes on while it says to wait"
    assert box.call("GET", FEATURES, token=box.owner_token).status == 200, "who is signed in is not locked out"


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSIsInJvbGUiOiJvd25lciJ9.",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.AAAA",
    ],
)
def test_a_forged_token_is_refused(door: Appliance, token: str) -> None:
    answer = door.call("GET", FEATURES, token=token)
    assert (answer.status, answer.error["code"]) == (401, "invalid_token"), answer
    assert answer.error["fix"]


def test_a_token_that_was_changed_or_signed_by_another_appliance_is_refused(door: Appliance, opened: Appliance) -> None:
    head, payload, signature = door.owner_token.split(".")
    assert door.call("GET", FEATURES, token=f"{head}.{payload[:-2]}xx.{signature}").status == 401
    assert door.call("GET", FEATURES, token=f"{head}.{payload}.").status == 401
    assert door.call("GET", FEATURES, token=login(opened).json["access_token"]).status == 401


def test_a_token_lives_as_long_as_the_setting_says(opened: Appliance) -> None:
    assert login(opened).json["expires_in"] == 61


def test_a_token_survives_a_restart(door: Appliance) -> None:
    door.restart()
    assert door.call("GET", FEATURES, token=door.owner_token).status == 200


def test_the_password_is_nowhere_in_the_files_or_the_output(door: Appliance) -> None:
    assert login(door).status == 200
    for file in (path for path in door.home.rglob("*") if path.is_file()):
        assert PASSWORD.encode() not in file.read_bytes(), file
    assert PASSWORD not in door.output
    (row,) = door.rows("SELECT password_hash FROM users")
    assert row["password_hash"].startswith("$2b$")


def test_from_another_machine_the_first_registration_needs_the_setup_code(
    appliance: MakeAppliance, namespace: NetworkNamespace
) -> None:
    box = appliance(settings={"host": "0.0.0.0"}, namespace=namespace)
    url = f"http://{namespace.LAN_ADDRESS}:{box.port}{REGISTER}"
    code = box.welcome.partition("setup code ")[2].split()[0]
    refused = namespace.call("POST", url, OWNER)
    assert (refused.status, refused.error["code"]) == (403, "setup_code_required"), refused
    assert refused.error["fix"]
    wrong = namespace.call("POST", url, {**OWNER, "setup_code": "WRONG-CODE"})
    assert (wrong.status, wrong.error["code"]) == (403, "setup_code_required"), wrong
    registered = namespace.call("POST", url, {**OWNER, "setup_code": code})
    assert registered.status == 201, registered
    again = namespace.call("POST", url, {**OWNER, "email": "two@example.com", "setup_code": code})
    assert (again.status, again.error["code"]) == (403, "registration_closed"), "the code works once"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_web_page_cannot_register_the_owner_behind_its_visitors_back(fresh: Appliance, content_type: str) -> None:
    """A browser sends such a body to localhost without asking first, whatever page it comes from."""
    headers = {"Origin": "https://evil.example", "Content-Type": content_type}
    answer = fresh.call("POST", REGISTER, json.dumps(OWNER).encode(), headers=headers)
    assert 400 <= answer.status < 500, answer
    assert answer.error["code"]
    assert fresh.rows("SELECT count(*) AS n FROM users")[0]["n"] == 0


def test_a_page_whose_name_was_pointed_at_this_machine_cannot_register_either(fresh: Appliance) -> None:
    """DNS rebinding: the browser believes that it speaks to evil.example, and says so in Host and Origin."""
    headers = {"Host": f"evil.example:{fresh.port}", "Origin": f"http://evil.example:{fresh.port}"}
    answer = fresh.call("POST", REGISTER, OWNER, headers=headers)
    assert 400 <= answer.status < 500, answer
    assert fresh.rows("SELECT count(*) AS n FROM users")[0]["n"] == 0


def test_a_preflight_from_a_foreign_page_is_given_nothing(door: Appliance) -> None:
    headers = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }
    for path in (REGISTER, LOGIN, "/api/v1/admin/api-keys", "/v1/chat/completions"):
        answer = door.call("OPTIONS", path, headers=headers)
        assert "access-control-allow-origin" not in answer.headers, path


def test_a_page_that_an_administrator_named_may_call(opened: Appliance) -> None:
    box = opened
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    for path in ("/v1/chat/completions", "/api/v1/admin/api-keys"):
        allowed = box.call("OPTIONS", path, headers={"Origin": "https://app.example", **wanted})
        assert allowed.status in (200, 204), allowed
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        refused = box.call("OPTIONS", path, headers={"Origin": "https://evil.example", **wanted})
        assert refused.headers.get("access-control-allow-origin") != "https://evil.example"
    answer = box.call("GET", "/v1/models", token=box.api_key, headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


# By the command line, while the server runs and while it doesn't


def test_the_audit_chain_holds_and_a_changed_row_breaks_it(door: Appliance, tmp_path: Path) -> None:
    door.make_key("For the chain")
    assert verdict(door.home / "gatehouse.db")
    copy = tmp_path / "copy.db"
    source, target = sqlite3.connect(door.home / "gatehouse.db"), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    rows = target.execute("SELECT count(*) FROM audit").fetchone()[0]
    assert rows >= 2
    target.execute("UPDATE audit SET actor = 'somebody else' WHERE seq = (SELECT min(seq) FROM audit)")
    target.commit()
    target.close()
    assert not verdict(copy)


def verdict(path: Path) -> bool:
    """What the appliance's own verification says of a file."""

    async def verified() -> bool:
        database = Database(path)
        await database.open()
        try:
            async with database.read() as connection:
                return (await verify(connection)).holds
        finally:
            await database.close()

    return asyncio.run(verified())
