"""Signing in as somebody would break it: after its end, by guessing in crowds, by what answers tell of who has an account."""

import hashlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest

from tests.calls import Answer, StreamAnswer
from tests.conftest import MakeAppliance
from tests.running import PASSWORD, Appliance, eventually

AUTH = "/api/v1/admin/auth"
SESSIONS = f"{AUTH}/sessions"
CROWD = 200
Part = dict[str, Any]


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance) -> Appliance:
    return appliances(settings={"local_models": False})


@pytest.fixture
def own_door(appliance: MakeAppliance) -> Iterator[Appliance]:
    """For who makes it wait: guesses count for the whole address."""
    made = appliance(settings={"local_models": False})
    assert made.owner_token
    return made


def login(door: Appliance, password: str = PASSWORD, email: str = "owner@example.com", **more: Any) -> Answer:
    return door.call("POST", f"{AUTH}/login", {"email": email, "password": password, **more})


def token_of(answer: Answer) -> str:
    assert answer.status == 200, answer
    return str(answer.json["access_token"])


def person(door: Appliance, email: str, **more: Any) -> str:
    """The id of somebody new."""
    body = {"name": "Somebody", "email": email, "password": PASSWORD, **more}
    answer = door.call("POST", "/api/v1/admin/users", body, token=door.owner_token)
    assert answer.status == 201, answer
    return str(answer.json["id"])


# What ends a token


@pytest.mark.parametrize("ending", ["role", "suspended", "deleted", "password", "everywhere", "machine"])
def test_what_happens_to_an_account_counts_for_the_tokens_it_has(door: Appliance, ending: str) -> None:
    email = f"{ending}@example.com"
    user_id = person(door, email, role="admin")
    tokens = [token_of(login(door, email=email)) for _ in range(2)]
    users = f"/api/v1/admin/users/{user_id}"
    assert door.call("GET", users, token=tokens[0]).status == 200
    after = 401
    if ending == "role":
        assert door.call("PATCH", users, {"role": "member"}, token=door.owner_token).status == 200
        after = 403
    elif ending == "suspended":
        assert door.call("PATCH", users, {"suspended": True}, token=door.owner_token).status == 200
        assert login(door, email=email).status == 403
        assert login(door, "Wrong-password1", email).status == 401, "that it is suspended is for its holder to know"
    elif ending == "deleted":
        assert door.call("DELETE", users, token=door.owner_token).status == 204
        assert person(door, email, role="admin") != user_id
    elif ending == "password":
        asked = {"current_password": PASSWORD, "new_password": "seven grey herons wait"}
        assert door.call("POST", f"{AUTH}/password", asked, token=tokens.pop()).status == 204
    elif ending == "everywhere":
        assert door.call("POST", f"{AUTH}/logout-everywhere", token=tokens[1]).status == 204
    else:
        assert door.command("users", "sign-out", email).returncode == 0
    for token in tokens:
        assert door.call("GET", users, token=token).status == after
    if ending == "suspended":
        assert door.call("PATCH", users, {"suspended": False}, token=door.owner_token).status == 200
        token_of(login(door, email=email))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("path", "ending"),
    [("events", "suspended"), ("events", "signed out"), ("requests/live", "suspended"), ("requests/live", "role")],
)
def test_what_somebody_watches_ends_with_their_sign_in(own_door: Appliance, path: str, ending: str) -> None:
    user_id = person(own_door, "watcher@example.com", role="admin")
    token = token_of(login(own_door, email="watcher@example.com"))
    address, users = f"/api/v1/admin/{path}", f"/api/v1/admin/users/{user_id}"
    with (
        own_door.stream("GET", address, token=token) as theirs,
        own_door.stream("GET", address, token=own_door.owner_token) as mine,
    ):
        assert theirs.status == mine.status == 200
        if ending == "signed out":
            assert own_door.call("POST", f"{AUTH}/logout", token=token).status == 204
        else:
            change = {"role": "member"} if ending == "role" else {"suspended": True}
            assert own_door.call("PATCH", users, change, token=own_door.owner_token).status == 200
        assert seconds_until_ended(theirs, 25) < 20
        begun = time.monotonic()
        assert any(time.monotonic() - begun > 1 for _ in mine.events()), "the owner watches on"


def seconds_until_ended(stream: StreamAnswer, seconds_max: float) -> float:
    """Signs of life come every ten seconds, so this looks as often."""
    begun = time.monotonic()
    try:
        for _ in stream.events():
            if time.monotonic() - begun > seconds_max:
                break
    except (http.client.IncompleteRead, ConnectionError):
        pass
    return time.monotonic() - begun


def test_nobody_ends_anothers_sign_in_or_learns_that_there_is_one(door: Appliance) -> None:
    person(door, "another@example.com")
    mine = token_of(login(door, email="another@example.com"))
    owners = door.call("GET", SESSIONS, token=door.owner_token).json["items"][0]["id"]
    theirs, nothing = (
        door.call("DELETE", f"{SESSIONS}/{name}", token=mine) for name in (owners, "sess_aaaaaaaaaaaaaaaaaaaaaaaa")
    )
    assert theirs.status == nothing.status == 404
    assert told(theirs) == told(nothing)
    assert door.call("GET", SESSIONS, token=door.owner_token).status == 200


# Guessing, in crowds


def crowd(work: Callable[[int], Answer], size: int = CROWD) -> list[Answer]:
    with ThreadPoolExecutor(50) as pool:
        return list(pool.map(work, range(size)))


def insist_on_waits(answers: list[Answer], tried_max: int) -> None:
    """Most were not tried at all, and all of those were told when to come back."""
    assert {answer.status for answer in answers} <= {401, 429, 503}, {answer.status for answer in answers}
    tried = [answer for answer in answers if answer.status == 401]
    assert 1 <= len(tried) <= tried_max, len(tried)
    for answer in answers:
        if answer.status != 401:
            assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.timeout(180)
def test_a_crowd_that_guesses_a_password_gets_a_few_tries(own_door: Appliance) -> None:
    answers = crowd(lambda number: login(own_door, f"Wrong-password{number}"))
    insist_on_waits(answers, 12)  # five, and one more as often as the wait has doubled meanwhile
    assert own_door.call("GET", SESSIONS, token=own_door.owner_token).status == 200, "who is signed in stays in"
    eventually(lambda: login(own_door).status == 200, seconds=90, every=0.5)


@pytest.mark.timeout(180)
def test_a_crowd_that_tries_one_password_on_everybody_gets_a_few_tries(own_door: Appliance) -> None:
    """Whatever address it says that it comes from."""

    def spray(number: int) -> Answer:
        headers = {"X-Forwarded-For": f"198.51.100.{number}", "Forwarded": f"for=198.51.100.{number}"}
        body = {"email": f"person{number}@example.com", "password": "Summer2026!"}
        return own_door.call("POST", f"{AUTH}/login", body, headers=headers)

    insist_on_waits(crowd(spray), 27)
    eventually(lambda: login(own_door).status == 200, seconds=90, every=0.5)


@pytest.mark.timeout(300)
def test_a_crowd_that_guesses_codes_gets_a_few_tries(own_door: Appliance) -> None:
    app, codes = enrolled(own_door, own_door.owner_token)
    wrong = [f"{number:06d}" for number in range(CROWD) if f"{number:06d}" not in upcoming(app)]
    answers = crowd(lambda number: login(own_door, code=wrong[number]), len(wrong))
    insist_on_waits(answers, 14)
    assert len({told(answer) for answer in answers if answer.status == 401}) == 1
    eventually(lambda: login(own_door, code=codes[0]).status == 200, seconds=150, every=1)


def enrolled(door: Appliance, token: str) -> tuple[pyotp.TOTP, list[str]]:
    begun = door.call("POST", f"{AUTH}/second-factor", {"password": PASSWORD}, token=token)
    assert begun.status == 201, begun
    app = pyotp.TOTP(begun.json["secret"])
    confirmed = door.call("POST", f"{AUTH}/second-factor/confirm", {"code": app.now()}, token=token)
    assert confirmed.status == 200, confirmed
    return app, confirmed.json["recovery_codes"]


def upcoming(app: pyotp.TOTP) -> set[str]:
    """Codes of the next minutes: a guess must not be right by chance."""
    return {app.at(time.time() + 30 * step) for step in range(-2, 12)}


@pytest.mark.timeout(120)
def test_who_holds_a_token_and_the_password_does_not_guess_the_code_elsewhere(own_door: Appliance) -> None:
    """Removing the factor, new codes and signing in count together."""
    app, _ = enrolled(own_door, own_door.owner_token)
    wrong = next(code for code in (f"{number:06d}" for number in range(99)) if code not in upcoming(app))
    body = {"password": PASSWORD, "code": wrong}
    ways = (("DELETE", f"{AUTH}/second-factor"), ("POST", f"{AUTH}/second-factor/recovery-codes"))
    statuses: list[int] = []
    while 429 not in statuses and len(statuses) < 9:  # the waits double: a slow machine outlasts the first ones at most
        statuses.append(own_door.call(*ways[len(statuses) % 2], body, token=own_door.owner_token).status)
    assert statuses[:5] == [400] * 5
    assert statuses[-1] == 429, statuses
    assert 429 in [login(own_door, code=wrong).status for _ in range(4)]
    assert own_door.call("GET", f"{AUTH}/second-factor", token=own_door.owner_token).json["enabled_at"]


# Who has an account


def told(answer: Answer) -> str:
    """What an answer says, but for what names this one request."""
    error = {name: value for name, value in answer.error.items() if name != "request_id"}
    headers = {name for name in answer.headers if name != "date"}
    return json.dumps([answer.status, sorted(headers), error], sort_keys=True)


@pytest.mark.timeout(120)
def test_whether_somebody_has_an_account_is_not_told(own_door: Appliance) -> None:
    person(own_door, "suspended@example.com")
    person(own_door, "invited@example.com", password=None)
    found = own_door.call("GET", "/api/v1/admin/users?q=suspended", token=own_door.owner_token).json["items"][0]["id"]
    own_door.call("PATCH", f"/api/v1/admin/users/{found}", {"suspended": True}, token=own_door.owner_token)
    enrolled(own_door, own_door.owner_token)
    emails = ("owner", "suspended", "invited", "nobody")
    answers = [login(own_door, "Wrong-password1", f"{email}@example.com", code="123456") for email in emails]
    assert len({told(answer) for answer in answers}) == 1, answers
    assert answers[0].status == 401
    for email in ("nobody", "owner"):  # guesses are counted for who isn't there as well
        statuses = [login(own_door, "Wrong-password1", f"{email}@example.com").status for _ in range(5)]
        assert statuses == [401] * 4 + [429], email
    registered = [
        own_door.call("POST", f"{AUTH}/register", {"name": "X", "email": f"{email}@example.com", "password": PASSWORD})
        for email in ("owner", "nobody")
    ]
    assert len({told(answer) for answer in registered}) == 1, registered


@pytest.mark.parametrize(
    "more",
    [
        {"password": 1},
        {"password": None},
        {"password": ["Password123!"]},
        {"email": {"$ne": ""}},
        {"code": 123456},
        {"code": None},
        {"role": "owner"},
        {"session_id": "sess_x"},
    ],
)
def test_a_sign_in_of_the_wrong_form_is_refused(door: Appliance, more: Part) -> None:
    answer = door.call("POST", f"{AUTH}/login", {"email": "owner@example.com", "password": PASSWORD, **more})
    assert answer.status == 400, answer


def test_a_code_that_is_none_is_a_wrong_code(own_door: Appliance) -> None:
    _, codes = enrolled(own_door, own_door.owner_token)
    odd = ("\u0660\u0661\u0662\u0663\u0664\u0665", "12345\u0000", "9" * 100_000, "-")
    for code in odd:
        answer = login(own_door, code=code)
        assert (answer.status, answer.error["code"]) == (401, "wrong_credentials"), (code[:20], answer)
    token_of(login(own_door, code=codes[0]))
    assert hashlib.sha256(codes[0].encode()).hexdigest() not in str(own_door.rows("SELECT recovery FROM second_factors"))
