import asyncio
import statistics
import time

import pytest

from appliance.errors import InvalidField, Overloaded
from appliance.identity.passwords import AT_ONCE_MAX, WAITING_MAX, Passwords


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(cost=4)


PASSWORDS = ["Password123!", "87x54321", "p" * 1024, "pass\x00word", "\x00" * 8, "пароль-длинный", "🔑" * 8, " " * 8, "p" * 73]


@pytest.mark.parametrize("password", PASSWORDS)
async def test_a_password_matches_its_own_hash_and_no_other(passwords: Passwords, password: str) -> None:
    stored = await passwords.hash(password)
    assert stored.startswith("$2b$04$")
    assert password not in stored
    assert await passwords.match(password, stored)
    assert not await passwords.match(password[:-1] + "~", stored)
    assert not await passwords.match(password + "x", stored)


async def test_what_lies_beyond_bcrypts_72_bytes_counts(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * 72 + "a")
    assert not await passwords.match("x" * 72 + "b", stored)


async def test_the_same_password_typed_on_another_system_matches(passwords: Passwords) -> None:
    stored = await passwords.hash("Zo\u00eb-password")
    assert await passwords.match("Zoe\u0308-password", stored)


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025, "x" * 1_000_000, "surrogate\ud800"])
async def test_a_password_that_can_not_be_one_is_refused_and_matches_nothing(passwords: Passwords, password: str) -> None:
    with pytest.raises(InvalidField) as refused:
        await passwords.hash(password)
    assert refused.value.param == "password"
    assert password == "" or password not in refused.value.message
    assert not await passwords.match(password, await passwords.hash("Password123!"))
    assert not await passwords.match(password, None)


async def test_nothing_matches_an_unknown_user(passwords: Passwords) -> None:
    for password in ("", "Password123!", "x" * 44, "x" * 2000):
        assert not await passwords.match(password, None)


async def test_an_unknown_user_costs_the_same_work() -> None:
    """Not asserted on the clock: the hash compared with has the same cost."""
    passwords = Passwords(cost=9)
    assert passwords._nobody.startswith(b"$2b$09$")
    stored = await passwords.hash("Password123!")
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    for _ in range(5):
        for kind, against in (("known", stored), ("unknown", None)):
            started = time.perf_counter()
            await passwords.match("wrong password", against)
            times[kind].append(time.perf_counter() - started)
    print({kind: f"{statistics.median(values) * 1000:.1f} ms" for kind, values in times.items()})


async def test_the_door_stays_open_while_passwords_are_checked() -> None:
    passwords = Passwords(cost=11)
    checking = asyncio.gather(*(passwords.match("Password123!", None) for _ in range(3)))
    turns = 0
    while not checking.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 10


async def test_too_many_at_once_are_turned_away_not_queued_for_ever() -> None:
    passwords = Passwords(cost=8)
    crowd = AT_ONCE_MAX + WAITING_MAX + 20
    outcomes = await asyncio.gather(*(passwords.match("Password123!", None) for _ in range(crowd)), return_exceptions=True)
    turned_away = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert len(turned_away) == crowd - WAITING_MAX
    assert turned_away[0].retry_after_seconds == 2
    assert await passwords.match("Password123!", None) is False  # and it recovers
