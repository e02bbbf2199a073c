"""Sessions, one's own password, the second factor: what holds, what ends, what guessing leads to."""

import asyncio

import pyotp
import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from appliance.errors import (
    Conflict,
    CredentialsWrong,
    InvalidField,
    NotFound,
    SecondFactorRequired,
    TokenInvalid,
    TooManyAttempts,
    Unavailable,
)
from appliance.identity.accounts import Origin
from appliance.identity.caller import Caller
from appliance.identity.second_factor import RECOVERY_CODES, STEP_SECONDS
from appliance.identity.sessions import OF_ONE_USER_MAX
from appliance.identity.sign_in import SIGN_INS_FREE_PER_ADDRESS
from appliance.store.tables import second_factors
from tests.unit.identity.house import HERE, PASSWORD, THERE, House

NEW = "seven grey herons wait"
STEP_MS = STEP_SECONDS * 1000


async def enrolled(house: House, caller: Caller) -> tuple[pyotp.TOTP, list[str]]:
    """The app on the phone, and the recovery codes."""
    begun = await house.people.second_factors.begin(caller)
    app = pyotp.TOTP(begun.secret)
    return app, await house.people.second_factors.confirm(caller, now(house, app))


def now(house: House, app: pyotp.TOTP, steps: int = 0) -> str:
    return app.at(house.clock.now_ms() // 1000 + steps * STEP_SECONDS)


async def signed_in(house: House, code: str = "") -> Caller:
    return await house.tokens.verify((await house.sign_in.with_password("owner@example.com", PASSWORD, THERE, code)).token)


# Sessions


async def test_every_sign_in_is_seen_and_can_be_ended_by_itself(house: House) -> None:
    owner = await house.owner()
    agent = Origin("192.0.2.9", False, "Firefox")
    token = (await house.sign_in.with_password("owner@example.com", PASSWORD, agent)).token
    other = await house.tokens.verify(token)
    found = {one.id: one for one in await house.sessions.list(owner)}
    assert set(found) == {owner.session_id, other.session_id}
    shown = found[other.session_id or ""]
    assert (shown.method, shown.address, shown.agent) == ("password", "192.0.2.9", "Firefox")
    await house.sessions.end(owner, other.session_id or "")
    with pytest.raises(TokenInvalid, match="this sign-in has ended"):
        await house.tokens.verify(token)
    assert [one.id for one in await house.sessions.list(owner)] == [owner.session_id]


async def test_nobody_ends_anothers_sign_in_nor_uses_it(house: House) -> None:
    owner, member = await house.owner(), await house.person("member")
    with pytest.raises(NotFound):
        await house.sessions.end(member, owner.session_id or "")
    stolen = house.tokens.issue(member.user_id or "", 1, owner.session_id or "")
    with pytest.raises(TokenInvalid, match="this sign-in has ended"):
        await house.tokens.verify(stolen)


async def test_signing_out_everywhere_ends_all_tokens(house: House) -> None:
    await house.owner()
    tokens = [(await house.sign_in.with_password("owner@example.com", PASSWORD, HERE)).token for _ in range(3)]
    await house.sessions.end_everywhere(await house.tokens.verify(tokens[0]))
    for token in tokens:
        with pytest.raises(TokenInvalid):
            await house.tokens.verify(token)


async def test_of_too_many_sign_ins_the_one_seen_longest_ago_ends(house: House) -> None:
    owner = await house.owner()
    house.clock.jump(1_000)
    first = await house.token(owner)
    for _ in range(OF_ONE_USER_MAX - 1):
        house.clock.jump(1_000)
        await house.token(owner)
    assert len(await house.sessions.list(owner)) == OF_ONE_USER_MAX
    with pytest.raises(TokenInvalid):
        await house.tokens.verify(house.tokens.issue(owner.user_id or "", 1, owner.session_id or ""))
    house.clock.jump(61_000)
    await house.tokens.verify(first)  # seen just now, so it isn't the next to go
    await house.token(owner)
    await house.tokens.verify(first)


async def test_who_is_signed_in_reads_on_while_nothing_can_be_written(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await house.token(await house.owner())
    house.clock.jump(120_000)

    def full() -> None:
        raise Unavailable("the disk is full", fix="Make room.")

    monkeypatch.setattr(house.db, "transaction", full)
    assert (await house.tokens.verify(token)).role == "owner"


async def test_sessions_that_are_over_are_cleared_away(house: House) -> None:
    owner = await house.owner()
    house.clock.jump(86_400_000)
    await house.sessions.delete_expired()
    async with house.db.read() as connection:
        assert (await connection.execute(sa.text("SELECT count(*) FROM sessions"))).scalar_one() == 0
    assert await house.sessions.list(owner) == []


# Passwords


@pytest.mark.parametrize("password", ["password", "Password1", "ILOVEYOU1", "qwertyuiop", "\uff50assword"])
async def test_the_most_common_passwords_are_refused_with_the_reason(house: House, password: str) -> None:
    with pytest.raises(InvalidField, match="most common passwords") as refused:
        await house.users.create_owner("A", "a@example.com", password, actor="test")
    assert refused.value.param == "password"


@pytest.mark.parametrize("password", ["A.Person@example.com", "ASHA RAO OF PUNE"])
async def test_ones_own_name_is_no_password(house: House, password: str) -> None:
    with pytest.raises(InvalidField, match="your own name or address"):
        await house.users.create_owner("Asha Rao of Pune", "a.person@example.com", password, actor="test")


async def test_a_new_password_ends_every_other_sign_in(house: House) -> None:
    owner = await house.owner()
    other = await house.token(owner)
    mine = house.tokens.issue(owner.user_id or "", 1, owner.session_id or "")
    with pytest.raises(InvalidField, match="this is not your password") as wrong:
        await house.sign_in.change_password(owner, "guessed", NEW)
    assert wrong.value.param == "current_password"
    with pytest.raises(InvalidField) as common:
        await house.sign_in.change_password(owner, PASSWORD, "password")
    assert common.value.param == "new_password"
    await house.sign_in.change_password(owner, PASSWORD, NEW)
    assert (await house.tokens.verify(mine)).user_id == owner.user_id
    with pytest.raises(TokenInvalid):
        await house.tokens.verify(other)
    with pytest.raises(CredentialsWrong):
        await house.sign_in.with_password("owner@example.com", PASSWORD, HERE)
    await house.sign_in.with_password("owner@example.com", NEW, HERE)


async def test_who_holds_a_token_does_not_get_to_guess_the_password(house: House) -> None:
    owner = await house.owner()
    outcomes = []
    for number in range(12):
        try:
            await house.sign_in.change_password(owner, f"guess number {number}", NEW)
        except (InvalidField, TooManyAttempts) as error:
            outcomes.append(type(error))
    assert outcomes.count(TooManyAttempts) >= 6


# The second factor


async def test_it_is_asked_for_once_it_is_confirmed(house: House) -> None:
    owner = await house.owner()
    begun = await house.people.second_factors.begin(owner)
    await signed_in(house)  # begun only
    app = pyotp.TOTP(begun.secret)
    assert begun.uri.startswith("otpauth://totp/Gatehouse:owner%40example.com?")
    with pytest.raises(InvalidField):
        await house.people.second_factors.confirm(owner, "000000" if now(house, app) != "000000" else "000001")
    codes = await house.people.second_factors.confirm(owner, now(house, app))
    assert len(set(codes)) == RECOVERY_CODES
    with pytest.raises(SecondFactorRequired) as asked:
        await signed_in(house)
    assert (asked.value.status, asked.value.param) == (401, "code")
    with pytest.raises(CredentialsWrong, match="used already"):
        await signed_in(house, now(house, app))  # the one that confirmed it
    house.clock.jump(STEP_MS)
    assert (await signed_in(house, now(house, app))).user_id == owner.user_id
    with pytest.raises(Conflict):
        await house.people.second_factors.begin(owner)


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_clocks_may_differ_by_one_step(house: House, steps: int, taken: bool) -> None:
    app, _ = await enrolled(house, await house.owner())
    house.clock.jump(10 * STEP_MS)
    if taken:
        await signed_in(house, now(house, app, steps))
    else:
        with pytest.raises(CredentialsWrong):
            await signed_in(house, now(house, app, steps))


async def test_a_code_counts_once_though_many_send_it_at_once(house: House) -> None:
    app, codes = await enrolled(house, await house.owner())
    house.clock.jump(STEP_MS)
    for code in (now(house, app), codes[0]):
        results = await asyncio.gather(*(signed_in(house, code) for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(one, Caller) for one in results) == 1, results
        house.clock.jump(3_600_000)


async def test_a_recovery_code_works_once_in_whatever_spelling(house: House) -> None:
    owner = await house.owner()
    _, codes = await enrolled(house, owner)
    await signed_in(house, f" {codes[3].upper().replace('-', ' ')} ")
    with pytest.raises(CredentialsWrong):
        await signed_in(house, codes[3])
    assert (await house.people.second_factors.state(owner)).recovery_codes_left == RECOVERY_CODES - 1
    renewed = await house.people.second_factors.renew_codes(owner, codes[4])
    with pytest.raises(CredentialsWrong):
        await signed_in(house, codes[5])
    await signed_in(house, renewed[0])


async def test_codes_can_not_be_guessed(house: House) -> None:
    app, _ = await enrolled(house, await house.owner())
    house.clock.jump(STEP_MS)
    right = now(house, app)
    outcomes = []
    for number in range(40):
        try:
            await signed_in(house, f"{number:06d}")
        except (CredentialsWrong, TooManyAttempts) as error:
            outcomes.append(type(error))
    assert outcomes.count(CredentialsWrong) <= 6
    with pytest.raises(TooManyAttempts):
        await signed_in(house, right)
    await house.clock.advance(600)
    await signed_in(house, now(house, app))


async def test_without_the_password_nobody_learns_that_there_is_one(house: House) -> None:
    app, _ = await enrolled(house, await house.owner())
    for email in ("owner@example.com", "nobody@example.com"):
        with pytest.raises(CredentialsWrong, match="don't match") as wrong:
            await house.sign_in.with_password(email, "not the password", HERE, now(house, app))
        assert not isinstance(wrong.value, SecondFactorRequired)


async def test_the_secret_is_sealed_and_of_no_use_to_another_account(house: House) -> None:
    owner, member = await house.owner(), await house.person("member")
    begun = await house.people.second_factors.begin(owner)
    await house.people.second_factors.begin(member)
    async with house.db.transaction() as tx:
        rows = {row.user_number: row.sealed for row in (await tx.execute(sa.select(second_factors))).all()}
        assert all(begun.secret.encode() not in sealed for sealed in rows.values())
        await tx.execute(
            sa.update(second_factors)
            .where(second_factors.c.user_number == member.user_number)
            .values(sealed=rows[owner.user_number or 0])
        )
    with pytest.raises(InvalidTag):
        await house.people.second_factors.confirm(member, now(house, pyotp.TOTP(begun.secret)))


async def test_the_machine_lets_somebody_in_again_who_lost_everything(house: House) -> None:
    await enrolled(house, await house.owner())
    await house.sign_in.reset_password("owner@example.com", NEW, actor="machine")
    with pytest.raises(SecondFactorRequired):
        await house.sign_in.with_password("owner@example.com", NEW, HERE)
    await house.sign_in.reset_password("owner@example.com", NEW, actor="machine", drop_factor=True)
    await house.sign_in.with_password("owner@example.com", NEW, HERE)


async def test_removing_it_takes_a_code(house: House) -> None:
    owner = await house.owner()
    with pytest.raises(NotFound):
        await house.people.second_factors.remove(owner, "123456")
    _, codes = await enrolled(house, owner)
    with pytest.raises(InvalidField):
        await house.people.second_factors.remove(owner, "nonsense")
    await house.people.second_factors.remove(owner, codes[0])
    await signed_in(house)


async def test_an_office_behind_one_address_signs_in_at_once(house: House) -> None:
    """Every one with the right password: nobody is refused for those beside them."""
    people = [await house.users.create_owner(f"Person {n}", f"p{n}@example.com", PASSWORD, actor="test") for n in range(60)]
    signed_in = await asyncio.gather(*(house.sign_in.with_password(one.email, PASSWORD, THERE) for one in people))
    assert {one.user.id for one in signed_in} == {one.id for one in people}


async def test_guessing_at_many_accounts_from_one_address_leads_nowhere_however_many_come_at_once(house: House) -> None:
    for number in range(60):
        await house.users.create_owner(f"Person {number}", f"p{number}@example.com", PASSWORD, actor="test")
    guesses = (house.sign_in.with_password(f"p{number}@example.com", "not the password", THERE) for number in range(60))
    outcomes = [type(one) for one in await asyncio.gather(*guesses, return_exceptions=True)]
    assert outcomes.count(CredentialsWrong) == SIGN_INS_FREE_PER_ADDRESS
    assert outcomes.count(TooManyAttempts) == 60 - SIGN_INS_FREE_PER_ADDRESS
