import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance import audit
from appliance.errors import (
    Conflict,
    CredentialsWrong,
    Forbidden,
    InvalidField,
    NotFound,
    Overloaded,
    RegistrationClosed,
    SetupCodeRequired,
    TooManyAttempts,
)
from appliance.identity.accounts import Origin, Registration, SignedIn
from appliance.settings import Settings
from appliance.store.state import state_version
from appliance.store.tables import audit as audit_rows
from appliance.store.tables import users as user_rows
from tests.fakes.clock import FakeClock
from tests.unit.identity.house import HERE, PASSWORD, THERE, House


@pytest.fixture
async def open_house(tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    opened = await House.open(tmp_path / "open", clock, Settings(registration_open=True))
    yield opened
    await opened.close()


async def emails(house: House) -> set[str]:
    async with house.db.read() as connection:
        return set((await connection.execute(sa.select(user_rows.c.email))).scalars())


async def actions(house: House) -> list[tuple[str, str]]:
    async with house.db.read() as connection:
        assert (await audit.verify(connection)).holds
        rows = (await connection.execute(sa.select(audit_rows.c.actor, audit_rows.c.action).order_by(audit_rows.c.seq))).all()
    return [(row.actor, row.action) for row in rows]


async def version(house: House) -> int:
    async with house.db.read() as connection:
        return await state_version(connection)


# Registering


async def test_the_first_to_register_becomes_the_owner_and_the_door_closes(house: House) -> None:
    assert not await house.users.owner_exists()
    signed_in = await house.register()
    assert signed_in.user.role == "owner"
    assert await house.users.owner_exists()
    with pytest.raises(RegistrationClosed):
        await house.register("second@example.com")
    assert await emails(house) == {"owner@example.com"}
    assert await actions(house) == [(signed_in.user.id, "user.register")]


async def test_of_twenty_who_register_at_once_one_becomes_the_owner(house: House) -> None:
    outcomes = await asyncio.gather(*(house.register(f"u{number}@example.com") for number in range(20)), return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, SignedIn)]
    assert len(winners) == 1
    assert all(isinstance(outcome, SignedIn | RegistrationClosed) for outcome in outcomes)
    assert await emails(house) == {winners[0].user.email}


async def test_where_registration_is_open_one_is_the_owner_and_the_others_are_members(open_house: House) -> None:
    signed_in = await asyncio.gather(*(open_house.register(f"u{number}@example.com") for number in range(10)))
    assert sorted(one.user.role for one in signed_in) == ["member"] * 9 + ["owner"]


async def test_from_another_machine_the_first_registration_needs_the_setup_code(house: House) -> None:
    wanted = Registration("Owner", "owner@example.com", PASSWORD)
    with pytest.raises(SetupCodeRequired, match="needs the setup code"):
        await house.users.register(wanted, THERE)
    wrong = Registration("Owner", "owner@example.com", PASSWORD, "AAAA-BBBB-CCCC-DDDD-EEEE")
    with pytest.raises(SetupCodeRequired, match="not the setup code"):
        await house.users.register(wrong, THERE)
    code = house.setup_code.value
    right = Registration("Owner", "owner@example.com", PASSWORD, code.lower().replace("-", " "))
    assert (await house.users.register(right, THERE)).user.role == "owner"
    assert house.setup_code.value == ""
    assert not house.setup_code.fits(code)
    assert not house.setup_code.fits("")


async def test_a_setup_code_is_good_for_one_owner_even_at_the_same_time(house: House) -> None:
    code = house.setup_code.value

    def register(number: int) -> "asyncio.Future[SignedIn]":
        return asyncio.ensure_future(
            house.users.register(Registration("x", f"u{number}@example.com", PASSWORD, code), Origin(f"192.0.2.{number}", False))
        )

    outcomes = await asyncio.gather(*(register(number) for number in range(8)), return_exceptions=True)
    assert len([outcome for outcome in outcomes if isinstance(outcome, SignedIn)]) == 1
    assert len(await emails(house)) == 1


async def test_guessing_the_setup_code_is_slowed_down(house: House) -> None:
    wrong = Registration("x", "x@example.com", PASSWORD, "GUESS")
    refused = []
    for _ in range(25):
        with pytest.raises((SetupCodeRequired, TooManyAttempts)) as error:
            await house.users.register(wrong, THERE)
        refused.append(type(error.value))
    assert refused.count(SetupCodeRequired) == 20
    assert (await house.register()).user.role == "owner"  # the person at the machine is not kept out


async def test_asking_without_a_code_is_not_guessing(house: House) -> None:
    for _ in range(50):
        with pytest.raises(SetupCodeRequired):
            await house.users.register(Registration("x", "x@example.com", PASSWORD), THERE)


SPELLINGS = ["OWNER@example.com", "owner@EXAMPLE.com", " owner@example.com", "\uff4fwner@example.com", "o\u017fner@example.com"]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_one_mailbox_is_one_account_however_it_is_spelled(open_house: House, spelling: str) -> None:
    await open_house.register("owner@example.com" if "\u017f" not in spelling else "osner@example.com")
    with pytest.raises(Conflict) as refused:
        await open_house.register(spelling)
    assert refused.value.param == "email"


async def test_the_same_mailbox_registered_twice_at_once_is_one_account(open_house: House) -> None:
    spellings = ["a@example.com", "A@example.com", "a@EXAMPLE.com", "A@EXAMPLE.COM"]
    outcomes = await asyncio.gather(*(open_house.register(spelling) for spelling in spellings), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 3 + ["SignedIn"]


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("name", Registration("", "a@example.com", PASSWORD)),
        ("name", Registration("x" * 1_000_000, "a@example.com", PASSWORD)),
        ("name", Registration("a\u202eb", "a@example.com", PASSWORD)),
        ("email", Registration("A", "nobody", PASSWORD)),
        ("email", Registration("A", "a\x00@example.com", PASSWORD)),
        ("email", Registration("A", "a\ud800@example.com", PASSWORD)),
        ("password", Registration("A", "a@example.com", "1234567")),
        ("password", Registration("A", "a@example.com", "x" * 1_000_000)),
    ],
)
async def test_a_field_that_can_not_be_is_named_and_nothing_is_kept(house: House, field: str, wanted: Registration) -> None:
    with pytest.raises(InvalidField) as refused:
        await house.users.register(wanted, HERE)
    assert refused.value.param == field
    assert await emails(house) == set()
    assert await actions(house) == []


async def test_registering_again_and_again_from_one_address_is_slowed_down(open_house: House) -> None:
    await open_house.register()
    for number in range(10):
        await open_house.register(f"u{number}@example.com", origin=THERE)
    with pytest.raises(TooManyAttempts) as refused:
        await open_house.register("u10@example.com", origin=THERE)
    assert (refused.value.retry_after_seconds or 0) > 0


# Signing in


async def test_signing_in_gives_a_token_in_any_spelling_of_the_address(house: House) -> None:
    await house.register("Owner@Example.com")
    signed_in = await house.sign_in.with_password(" OWNER@example.com", PASSWORD, THERE)
    assert (await house.tokens.verify(signed_in.token)).user_id == signed_in.user.id
    assert signed_in.user.email == "Owner@Example.com"
    assert signed_in.expires_in == 86_400


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("owner@example.com", "wrong password"),
        ("owner@example.com", ""),
        ("owner@example.com", "x" * 1_000_000),
        ("owner@example.com", "\ud800" * 10),
        ("stranger@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        ("a\x00@example.com", PASSWORD),
        ("\ud800@example.com", PASSWORD),
        ("x" * 1_000_000, PASSWORD),
        ("' OR 1=1 --@example.com", PASSWORD),
    ],
)
async def test_unknown_user_and_wrong_password_are_told_in_the_same_words(house: House, email: str, password: str) -> None:
    await house.register()
    with pytest.raises(CredentialsWrong) as refused:
        await house.sign_in.with_password(email, password, THERE)
    assert refused.value.message == "e-mail address and password don't match"


async def test_guessing_one_accounts_password_is_slowed_down_from_wherever(house: House) -> None:
    await house.register()
    outcomes = []
    for number in range(10):
        try:
            await house.sign_in.with_password("owner@example.com", "wrong password", Origin(f"192.0.2.{number}", False))
        except (CredentialsWrong, TooManyAttempts) as error:
            outcomes.append(type(error))
    assert outcomes == [CredentialsWrong] * 5 + [TooManyAttempts] * 5
    with pytest.raises(TooManyAttempts) as refused:
        await house.sign_in.with_password("owner@example.com", PASSWORD, THERE)
    assert 0 < (refused.value.retry_after_seconds or 0) <= 300
    await house.clock.advance(refused.value.retry_after_seconds or 0)
    await house.sign_in.with_password("owner@example.com", PASSWORD, THERE)
    await house.sign_in.with_password("owner@example.com", PASSWORD, THERE)


async def test_a_hundred_guesses_at_once_are_no_way_around(house: House) -> None:
    await house.register()
    guesses = (house.sign_in.with_password("owner@example.com", f"guess number {number}", THERE) for number in range(40))
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(CredentialsWrong) == 5


async def test_trying_many_accounts_from_one_address_is_slowed_down(house: House) -> None:
    outcomes = []
    for number in range(30):
        try:
            await house.sign_in.with_password(
                f"u{number}@example.com", "wrong password", Origin(f"2001:db8::{number + 1}", False)
            )
        except (CredentialsWrong, TooManyAttempts) as error:
            outcomes.append(type(error))
    assert outcomes.count(CredentialsWrong) == 20


async def test_signing_in_often_is_no_offence_and_forgives_no_guesses_at_others(house: House) -> None:
    await house.register()
    for _ in range(60):
        await house.sign_in.with_password("owner@example.com", PASSWORD, THERE)
    for number in range(20):
        await house.sign_in.with_password("owner@example.com", PASSWORD, THERE)
        with pytest.raises(CredentialsWrong):
            await house.sign_in.with_password(f"victim{number}@example.com", "wrong password", THERE)
    with pytest.raises(TooManyAttempts):
        await house.sign_in.with_password("victim20@example.com", "wrong password", THERE)


async def test_being_turned_away_by_a_crowd_is_no_failed_attempt(house: House) -> None:
    await house.register()
    turns = house.users._passwords._turns
    turns._inside_max, as_ever = 0, turns._inside_max  # as if as many as may were waiting
    for _ in range(30):
        with pytest.raises(Overloaded):
            await house.sign_in.with_password("owner@example.com", PASSWORD, THERE)
    turns._inside_max = as_ever
    await house.sign_in.with_password("owner@example.com", PASSWORD, THERE)


async def test_a_suspended_account_learns_so_only_with_its_password(house: House) -> None:
    await house.register()
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("UPDATE users SET suspended_at = 1")
    with pytest.raises(Forbidden, match="suspended"):
        await house.sign_in.with_password("owner@example.com", PASSWORD, HERE)
    with pytest.raises(CredentialsWrong):
        await house.sign_in.with_password("owner@example.com", "wrong password", HERE)


# On the machine


async def test_an_owner_is_made_on_the_machine_and_the_setup_code_is_void(house: House) -> None:
    user = await house.users.create_owner("Ada", "ada@example.com", PASSWORD, actor="machine")
    assert user.role == "owner"
    assert house.setup_code.value == ""
    assert await actions(house) == [("machine", "user.create")]
    await house.sign_in.with_password("ada@example.com", PASSWORD, THERE)
    with pytest.raises(Conflict):
        await house.users.create_owner("Ada", "ADA@example.com", PASSWORD, actor="machine")


async def test_a_password_is_reset_and_the_old_one_is_void(house: House) -> None:
    await house.register()
    for _ in range(8):
        with pytest.raises((CredentialsWrong, TooManyAttempts)):
            await house.sign_in.with_password("owner@example.com", "forgotten", HERE)
    await house.sign_in.reset_password("OWNER@example.com", "a new password", actor="machine")
    await house.sign_in.with_password(
        "owner@example.com", "a new password", HERE
    )  # at once: it was the owner who had forgotten it
    with pytest.raises(CredentialsWrong):
        await house.sign_in.with_password("owner@example.com", PASSWORD, HERE)
    assert (await actions(house))[-1] == ("machine", "user.reset_password")


async def test_resetting_an_unknown_accounts_password_is_told(house: House) -> None:
    with pytest.raises(NotFound):
        await house.sign_in.reset_password("nobody@example.com", PASSWORD, actor="machine")
    with pytest.raises(InvalidField):
        await house.sign_in.reset_password("nobody@example.com", "short", actor="machine")


async def test_each_change_raises_the_state_version_by_one(house: House) -> None:
    versions = [await version(house)]
    await house.register()
    versions.append(await version(house))
    await house.sign_in.reset_password("owner@example.com", "a new password", actor="machine")
    versions.append(await version(house))
    await house.sign_in.with_password("owner@example.com", "a new password", HERE)
    versions.append(await version(house))
    assert versions == [1, 2, 3, 3]


async def test_no_password_reaches_the_database_or_a_repr(house: House) -> None:
    signed_in = await house.register()
    await house.sign_in.reset_password("owner@example.com", "correct horse battery staple", actor="machine")
    data = b"".join(path.read_bytes() for path in house.home.root.glob("gatehouse.db*"))
    for secret in (PASSWORD, "correct horse", signed_in.token):
        assert secret.encode() not in data
    assert signed_in.token not in repr(signed_in)
    assert PASSWORD not in repr(Registration("x", "y", PASSWORD))
    assert house.setup_code.value not in repr(house.setup_code) or not house.setup_code.value
