"""/me/security: one's password, sign-ins and second factor, by forms alone."""

import re

import pyotp
import pytest

from appliance.api.qr_code import qr_svg
from tests.calls import Answer
from tests.conftest import MakeAppliance
from tests.pages import Visitor, blocks, wrong_at
from tests.running import PASSWORD, Appliance, eventually
from tests.server.test_join import as_page

PAGE = "/me/security"
NEW = "seven grey herons wait"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
CHANGE = {"current_password": PASSWORD, "new_password": NEW, "again": NEW}
PROOF = {"password": PASSWORD, "code": "RECOVERY"}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance) -> Appliance:
    made = appliances(settings={"local_models": False})
    assert made.owner_token
    return made


def person(door: Appliance, email: str) -> None:
    body = {"name": "Somebody", "email": email, "password": PASSWORD}
    assert door.call("POST", "/api/v1/admin/users", body, token=door.owner_token).status == 201


def signed_in(door: Appliance, email: str, **fields: str) -> Visitor:
    visitor = Visitor(door)
    visitor.open("/me")
    answer = visitor.send("/me/sign-in", {"email": email, "password": PASSWORD, **fields}, {"User-Agent": FIREFOX})
    assert answer.status == 303, answer
    visitor.open(PAGE)
    return visitor


def somebody(door: Appliance, name: str) -> Visitor:
    person(door, f"{name}@example.com")
    return signed_in(door, f"{name}@example.com")


def is_in(visitor: Visitor) -> bool:
    return visitor.open(PAGE).status == 200


def ends(page: str) -> list[str]:
    """Where the buttons that end a sign-in lead."""
    return re.findall(rf'action="({PAGE}/sessions/[^"]+/end)"', page)


def with_factor(visitor: Visitor) -> tuple[pyotp.TOTP, list[str]]:
    begun = as_page(visitor.send(f"{PAGE}/second-factor", {"password": PASSWORD}), 201)
    app = pyotp.TOTP(blocks(begun)[0])
    page = as_page(visitor.send(f"{PAGE}/second-factor/confirm", {"code": app.now()}), 200)
    return app, blocks(page)[0].splitlines()


# The password


def test_a_new_password_ends_every_other_sign_in_and_leaves_this_one(door: Appliance) -> None:
    visitor = somebody(door, "ada")
    other = signed_in(door, "ada@example.com")
    answer = visitor.send(f"{PAGE}/password", CHANGE)
    assert answer.status == 303, answer
    page = as_page(visitor.open(answer.headers["location"]), 200)
    assert "Your password is changed" in page
    assert ends(page) == []
    assert not is_in(other)
    signed_in(door, "ada@example.com", password=NEW)
    assert other.send("/me/sign-in", {"email": "ada@example.com", "password": PASSWORD}).status == 401


REFUSED = {
    "a wrong one": ({"current_password": "not it, surely"}, "current_password", "not your password"),
    "none": ({"current_password": ""}, "current_password", "not your password"),
    "a short one": ({"new_password": "brief", "again": "brief"}, "new_password", "New password is shorter than 8"),
    "a common one": ({"new_password": "Password1", "again": "Password1"}, "new_password", "most common"),
    "one's own address": ({"new_password": "bela@example.com", "again": "bela@example.com"}, "new_password", "address"),
    "another the second time": ({"again": "seven grey herons left"}, "again", "not the same"),
}


def test_a_password_that_is_refused_says_why_at_its_field(door: Appliance) -> None:
    visitor = somebody(door, "bela")
    other = signed_in(door, "bela@example.com")
    for what, (fields, field, words) in REFUSED.items():
        page = as_page(visitor.send(f"{PAGE}/password", {**CHANGE, **fields}), 400)
        assert words in wrong_at(page, field), what
        for secret in {*CHANGE.values(), *fields.values()} - {"", "bela@example.com"}:
            assert secret not in page, what
    assert is_in(other)
    eventually(lambda: door.output.count('"invalid_field"') >= len(REFUSED))
    assert all(secret not in door.output for secret in (NEW, PASSWORD, "not it, surely"))


def refused_in_the_end(visitor: Visitor, path: str, fields: list[dict[str, str]]) -> Answer:
    """The first guess that has to wait. The waits double, so that a slow machine comes to it as well."""
    for number, guess in enumerate(fields):
        answer = visitor.send(path, guess)
        if answer.status == 429:
            assert number >= 5
            return answer
        assert answer.status == 400, answer
    raise AssertionError("nobody has to wait")


def test_who_guesses_their_password_waits_and_is_told_how_long(door: Appliance) -> None:
    visitor = somebody(door, "carl")
    guesses = [{**CHANGE, "current_password": f"guess number {number}"} for number in range(12)]
    answer = refused_in_the_end(visitor, f"{PAGE}/password", guesses)
    page = as_page(answer, 429)
    assert int(answer.headers["retry-after"]) >= 1
    assert re.search(r"Wait \d+ seconds?, then try again", wrong_at(page, "current_password")), page
    eventually(lambda: '"too_many_attempts"' in door.output)
    assert is_in(visitor)


# Where one is signed in


def test_sign_ins_are_told_and_ended(door: Appliance) -> None:
    visitor = somebody(door, "dora")
    other = signed_in(door, "dora@example.com")
    page = as_page(visitor.open(PAGE), 200)
    assert page.count("<strong>Firefox on Linux</strong>") == 2
    assert page.count("from 127.0.0.1, by password<br>") == 2
    (end,) = ends(page)
    answer = visitor.send(end, {})
    assert answer.status == 303
    page = as_page(visitor.open(answer.headers["location"]), 200)
    assert "That sign-in has ended" in page
    assert ends(page) == []
    assert not is_in(other)
    assert "look again" not in as_page(visitor.send(end, {}), 404)


def test_who_ends_the_sign_in_that_they_use_is_out(door: Appliance) -> None:
    visitor = somebody(door, "emil")
    (mine,) = ends(as_page(signed_in(door, "emil@example.com").open(PAGE), 200))
    answer = visitor.send(mine, {})
    assert (answer.status, answer.headers["location"]) == (303, "/me")
    assert "gatehouse-session" not in visitor.cookies


def test_signing_out_everywhere_ends_this_one_too(door: Appliance) -> None:
    visitor = somebody(door, "fay")
    kept, other = dict(visitor.cookies), signed_in(door, "fay@example.com")
    answer = visitor.send(f"{PAGE}/sign-out-everywhere", {})
    assert (answer.status, answer.headers["location"]) == (303, "/me")
    assert "gatehouse-session" not in visitor.cookies
    visitor.cookies = kept  # somebody copied them
    assert not is_in(visitor)
    assert not is_in(other)


def test_nobody_ends_anothers_sign_in_or_learns_that_there_is_one(door: Appliance) -> None:
    visitor = somebody(door, "gus")
    (theirs,) = door.rows("SELECT id FROM sessions ORDER BY rowid LIMIT 1")
    answers = [visitor.send(f"{PAGE}/sessions/{name}/end", {}) for name in (theirs["id"], "sess_aaaaaaaaaaaaaaaaaaaaaaaa")]
    assert as_page(answers[0], 404) == as_page(answers[1], 404)
    assert "/api/" not in answers[0].body.decode()
    assert door.rows("SELECT id FROM sessions WHERE id = ?", theirs["id"]) == [theirs]


# The second factor


def test_a_second_factor_from_its_beginning_to_its_end(door: Appliance) -> None:
    visitor = somebody(door, "hal")
    wrong = as_page(visitor.send(f"{PAGE}/second-factor", {"password": "not it, surely"}), 400)
    assert "not your password" in wrong_at(wrong, "password")
    begun = as_page(visitor.send(f"{PAGE}/second-factor", {"password": PASSWORD}), 201)
    (secret,) = blocks(begun)
    app = pyotp.TOTP(secret)
    assert qr_svg(app.provisioning_uri(name="hal@example.com", issuer_name="Gatehouse")) in begun
    page = as_page(visitor.send(f"{PAGE}/second-factor/confirm", {"code": "nonsense"}), 400)
    assert "not the code of now" in wrong_at(page, "code")
    assert secret not in page
    assert "nonsense" not in page
    page = as_page(visitor.send(f"{PAGE}/second-factor/confirm", {"code": app.now()}), 200)
    first = blocks(page)[0].splitlines()
    assert len(first) == len(set(first)) == 10
    page = as_page(visitor.open(PAGE), 200)
    assert "10 recovery codes left" in page
    assert all(code not in page for code in [secret, *first])
    assert as_page(visitor.send(f"{PAGE}/second-factor/confirm", {"code": app.now()}), 409)
    assert as_page(visitor.send(f"{PAGE}/second-factor", {"password": PASSWORD}), 409)
    proof = {"password": PASSWORD, "code": first[0]}
    second = blocks(as_page(visitor.send(f"{PAGE}/second-factor/recovery-codes", proof), 200))[0].splitlines()
    assert not {*first} & {*second}
    signed_in(door, "hal@example.com", code=second[0])
    told = as_page(visitor.send(f"{PAGE}/second-factor/remove", {"password": PASSWORD, "code": first[1]}), 400)
    assert "not the code of now" in wrong_at(told, "code")
    assert first[1] not in told
    answer = visitor.send(f"{PAGE}/second-factor/remove", {"password": PASSWORD, "code": second[1]})
    assert "The second factor is off" in as_page(visitor.open(answer.headers["location"]), 200)
    signed_in(door, "hal@example.com")
    assert all(hidden not in door.output for hidden in (secret, *first, *second))


@pytest.mark.parametrize("action", ["confirm", "recovery-codes", "remove"])
def test_who_guesses_codes_waits_and_is_told_at_the_field(door: Appliance, action: str) -> None:
    visitor = somebody(door, f"guess-{action}")
    proof = {} if action == "confirm" else {"password": PASSWORD}
    if action == "confirm":
        as_page(visitor.send(f"{PAGE}/second-factor", {"password": PASSWORD}), 201)
    else:
        with_factor(visitor)
    guesses = [{**proof, "code": f"guess {number}"} for number in range(12)]
    page = as_page(refused_in_the_end(visitor, f"{PAGE}/second-factor/{action}", guesses), 429)
    assert "Wait " in wrong_at(page, "code")
    assert wrong_at(page, "password") == ""


def test_without_a_second_factor_there_is_none_to_change(door: Appliance) -> None:
    visitor = somebody(door, "jon")
    for action, fields in (("confirm", {"code": "123456"}), ("recovery-codes", PROOF), ("remove", PROOF)):
        page = as_page(visitor.send(f"{PAGE}/second-factor/{action}", fields), 404)
        assert "/api/" not in page
        assert f'href="{PAGE}"' in page
