"""Signing in while something else happens to the account, and while the machine's clock is wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pyotp
import pytest
import sqlalchemy as sa

from appliance.errors import CredentialsWrong, GatehouseError, InvalidField, Overloaded, TokenInvalid, TooManyAttempts
from appliance.identity.accounts import Origin
from appliance.identity.caller import MACHINE
from appliance.identity.invitation_places import InvitationWanted
from appliance.identity.passwords import Passwords
from appliance.identity.person import NewPerson, PersonChange
from appliance.identity.second_factor import STEP_SECONDS
from appliance.identity.tokens import SEEN_AGAIN_MS
from tests.unit.identity.house import HERE, PASSWORD, House

NEW = "seven grey herons wait"
OTHER = "nine brown otters sleep"
DAY_MS = 86_400_000


class Meanwhile(Passwords):
    """Something happens while the first password is hashed: that takes a quarter of a second in life."""

    def __init__(self, what: Callable[[], Awaitable[object]]) -> None:
        super().__init__(cost=4)
        self._what: Callable[[], Awaitable[object]] | None = what

    async def hash(self, password: str, *, param: str = "password", unlike: Iterable[str] = ()) -> str:
        what, self._what = self._what, None
        if what is not None:
            await what()
        return await super().hash(password, param=param, unlike=unlike)


def interrupted(house: House, what: Callable[[], Awaitable[object]]) -> None:
    house.sign_in._passwords = Meanwhile(what)


async def test_a_password_that_the_machine_sets_meanwhile_stays(house: House) -> None:
    """Who stole the old one and is just changing it doesn't come out on top."""
    thief = await house.owner()
    interrupted(house, lambda: house.sign_in.reset_password("owner@example.com", OTHER, actor="machine"))
    with pytest.raises(GatehouseError):
        await house.sign_in.change_password(thief, PASSWORD, NEW)
    await house.sign_in.with_password("owner@example.com", OTHER, HERE)
    with pytest.raises(CredentialsWrong):
        await house.sign_in.with_password("owner@example.com", NEW, HERE)


async def test_who_is_signed_out_meanwhile_changes_nothing(house: House) -> None:
    thief = await house.owner()
    interrupted(house, lambda: house.sessions.end_everywhere(thief))
    with pytest.raises(GatehouseError):
        await house.sign_in.change_password(thief, PASSWORD, NEW)
    await house.sign_in.with_password("owner@example.com", PASSWORD, HERE)


async def test_of_two_changes_at_once_one_holds_and_the_other_is_told(house: House) -> None:
    owner = await house.owner()
    changes = (house.sign_in.change_password(owner, PASSWORD, new) for new in (NEW, OTHER))
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1, outcomes
    assert sum(isinstance(outcome, GatehouseError) for outcome in outcomes) == 1, outcomes


async def test_who_signs_out_twice_at_once_is_out(house: House) -> None:
    owner = await house.owner()
    token = await house.token(owner)
    caller = await house.tokens.verify(token)
    await asyncio.gather(*(house.sessions.leave(caller) for _ in range(3)))
    with pytest.raises(TokenInvalid):
        await house.tokens.verify(token)
    async with house.db.read() as connection:
        told = (await connection.execute(sa.text("SELECT count(*) FROM audit WHERE action = 'session.end'"))).scalar_one()
    assert told == 1
    assert [one.id for one in await house.sessions.list(owner)] == [owner.session_id]


async def test_an_account_that_is_deleted_meanwhile_leaves_no_trace_and_no_way_in(house: House) -> None:
    await house.owner()
    member = await house.person("member")
    token = await house.token(member)
    await house.people.second_factors.begin(member)
    await house.people.people.delete(MACHINE, member.user_id or "")
    with pytest.raises(TokenInvalid):
        await house.tokens.verify(token)
    with pytest.raises(TokenInvalid):
        await house.sign_in.change_password(member, PASSWORD, NEW)
    async with house.db.read() as connection:
        for table in ("sessions", "second_factors"):
            left = f"SELECT count(*) FROM {table} WHERE user_number = {member.user_number}"
            assert (await connection.execute(sa.text(left))).scalar_one() == 0, table


async def test_a_role_and_a_suspension_count_with_the_next_request(house: House) -> None:
    await house.owner()
    member = await house.person("member")
    token = await house.token(member)
    user_id = member.user_id or ""
    await house.people.people.change(MACHINE, user_id, PersonChange(role="auditor"))
    assert (await house.tokens.verify(token)).role == "auditor"
    await house.people.people.change(MACHINE, user_id, PersonChange(suspended=True))
    with pytest.raises(TokenInvalid, match="suspended"):
        await house.tokens.verify(token)


BELA = NewPerson(name="Bela Bartok the Elder", email="Bela.Bartok@example.com")


async def created(house: House, password: str) -> None:
    await house.people.people.create(MACHINE, NewPerson(name=BELA.name, email=BELA.email, password=password))


async def given_a_new_one(house: House, password: str) -> None:
    await house.people.people.create(MACHINE, BELA)
    await house.sign_in.reset_password("bela.bartok@EXAMPLE.com", password, actor="machine")


async def invited(house: House, password: str) -> None:
    link = await house.invitations.create(MACHINE, InvitationWanted())
    await house.invitations.accept(link.token, BELA.name, BELA.email, password, HERE)


@pytest.mark.parametrize("password", ["bela.bartok@example.com", "BELA BARTOK THE ELDER"])
@pytest.mark.parametrize("way", [created, given_a_new_one, invited])
async def test_ones_own_name_is_no_password_whoever_sets_it(
    house: House, password: str, way: Callable[[House, str], Awaitable[None]]
) -> None:
    await house.owner()
    with pytest.raises(InvalidField, match="your own name or address"):
        await way(house, password)


# The clock


async def test_a_clock_set_back_keeps_sign_ins_and_one_set_forward_ends_them(house: House) -> None:
    owner = await house.owner()
    token = house.tokens.issue(owner.user_id or "", 1, owner.session_id or "")
    house.clock.jump(-30_000)
    assert (await house.tokens.verify(token)).user_id == owner.user_id
    house.clock.jump(-3_600_000)
    with pytest.raises(TokenInvalid, match="from the future"):
        await house.tokens.verify(token)
    house.clock.jump(3_630_000 + DAY_MS)
    with pytest.raises(TokenInvalid, match="expired"):
        await house.tokens.verify(token)


async def test_a_sign_in_that_is_used_is_seen_whichever_way_the_clock_was_set(house: House) -> None:
    owner = await house.owner()
    house.clock.jump(5 * SEEN_AGAIN_MS)
    token = await house.token(owner)
    house.clock.jump(-5 * SEEN_AGAIN_MS)
    later = await house.token(owner)
    house.clock.jump(SEEN_AGAIN_MS)
    await house.tokens.verify(later)
    seen = {one.id: one.last_seen_at for one in await house.sessions.list(owner)}
    assert max(seen.values()) > house.clock.now_ms(), "the test is about a row that stands in the future"
    await house.tokens.verify(later)
    mine = (await house.tokens.verify(later)).session_id or ""
    assert {one.id: one.last_seen_at for one in await house.sessions.list(owner)}[mine] == house.clock.now_ms()
    assert token


async def test_setting_the_clock_does_not_shorten_the_wait_of_who_guesses(house: House) -> None:
    await house.owner()
    for number in range(8):
        with pytest.raises((CredentialsWrong, TooManyAttempts)):
            await house.sign_in.with_password("owner@example.com", f"guess number {number}", HERE)
    for days in (1, -2, 400):
        house.clock.jump(days * DAY_MS)
        with pytest.raises(TooManyAttempts):
            await house.sign_in.with_password("owner@example.com", PASSWORD, HERE)
    await house.clock.advance(600)
    await house.sign_in.with_password("owner@example.com", PASSWORD, HERE)


async def test_a_code_of_a_clock_that_was_set_back_is_not_taken_twice(house: House) -> None:
    owner = await house.owner()
    app = pyotp.TOTP((await house.people.second_factors.begin(owner)).secret)
    codes = await house.people.second_factors.confirm(owner, app.at(house.clock.now_ms() // 1000))
    house.clock.jump(STEP_SECONDS * 10_000)
    used = app.at(house.clock.now_ms() // 1000)
    await house.sign_in.with_password("owner@example.com", PASSWORD, HERE, used)
    house.clock.jump(-STEP_SECONDS * 3_000)
    fresh = app.at(house.clock.now_ms() // 1000)
    for code in (used, fresh):  # of a step before one that counted: it may have been seen by somebody
        with pytest.raises(CredentialsWrong):
            await house.sign_in.with_password("owner@example.com", PASSWORD, HERE, code)
    await house.sign_in.with_password("owner@example.com", PASSWORD, HERE, codes[0])


async def test_a_code_is_taken_as_the_app_shows_it(house: House) -> None:
    owner = await house.owner()
    app = pyotp.TOTP((await house.people.second_factors.begin(owner)).secret)
    await house.people.second_factors.confirm(owner, app.at(house.clock.now_ms() // 1000))
    house.clock.jump(STEP_SECONDS * 10_000)
    code = app.at(house.clock.now_ms() // 1000)
    await house.sign_in.with_password("owner@example.com", PASSWORD, HERE, f" {code[:3]} {code[3:]}\n")


@pytest.mark.parametrize("what", ["begin", "confirm", "renew_codes", "remove"])
async def test_a_sign_in_that_ended_meanwhile_changes_no_second_factor(house: House, what: str) -> None:
    owner = await house.owner()
    factors = house.people.second_factors
    words: tuple[str, ...] = ()
    if what != "begin":
        app = pyotp.TOTP((await factors.begin(owner)).secret)
        words = (app.at(house.clock.now_ms() // 1000),)
    if what in ("renew_codes", "remove"):
        words = ((await factors.confirm(owner, *words))[0],)
    before = await factors.state(owner)
    await house.sessions.end_everywhere(owner)
    with pytest.raises(TokenInvalid):
        await getattr(factors, what)(owner, *words)
    assert await factors.state(owner) == before


async def test_a_time_that_lies_in_the_future_is_put_right(house: House) -> None:
    owner = await house.owner()
    house.clock.jump(5 * SEEN_AGAIN_MS)
    token = await house.token(owner)
    house.clock.jump(-SEEN_AGAIN_MS)
    session_id = (await house.tokens.verify(token)).session_id
    seen = {one.id: one.last_seen_at for one in await house.sessions.list(owner)}
    assert seen[session_id or ""] == house.clock.now_ms()


async def test_many_requests_at_once_are_one_note_of_having_been_seen(house: House) -> None:
    token = await house.token(await house.owner())
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("CREATE TABLE notes (id TEXT)")
        await tx.exec_driver_sql(
            "CREATE TRIGGER noted AFTER UPDATE OF last_seen_at ON sessions BEGIN INSERT INTO notes VALUES (new.id); END"
        )
    house.clock.jump(SEEN_AGAIN_MS)
    await asyncio.gather(*(house.tokens.verify(token) for _ in range(50)))
    async with house.db.read() as connection:
        notes = (await connection.execute(sa.text("SELECT count(*) FROM notes"))).scalar_one()
    assert notes == 1


# Crowds that come from everywhere: no address of theirs makes two of them wait


def from_everywhere(number: int) -> Origin:
    return Origin(f"198.51.{number // 250}.{number % 250}", from_this_machine=False)


def insist_on_few(outcomes: list[object]) -> None:
    assert {type(one) for one in outcomes} <= {CredentialsWrong, TooManyAttempts, Overloaded}, outcomes
    assert [type(one) for one in outcomes].count(CredentialsWrong) == 5


async def test_a_crowd_from_everywhere_guesses_a_password_five_times(house: House) -> None:
    await house.owner()
    guesses = (
        house.sign_in.with_password("owner@example.com", f"guess number {number}", from_everywhere(number))
        for number in range(200)
    )
    insist_on_few(await asyncio.gather(*guesses, return_exceptions=True))
    await house.clock.advance(1.5)
    await house.sign_in.with_password("owner@example.com", PASSWORD, HERE)


async def test_a_crowd_from_everywhere_that_has_the_password_guesses_a_code_five_times(house: House) -> None:
    owner = await house.owner()
    app = pyotp.TOTP((await house.people.second_factors.begin(owner)).secret)
    codes = await house.people.second_factors.confirm(owner, app.at(house.clock.now_ms() // 1000))
    right = {app.at(house.clock.now_ms() // 1000 + STEP_SECONDS * step) for step in (-1, 0, 1)}
    wrong = [code for code in (f"{number:06d}" for number in range(210)) if code not in right][:200]
    for start in range(0, 200, 4):  # few enough at once for all to be tried: the password is right, so nobody waits for it
        some = wrong[start : start + 4]
        guesses = (
            house.sign_in.with_password("owner@example.com", PASSWORD, from_everywhere(start + place), code)
            for place, code in enumerate(some)
        )
        outcomes = await asyncio.gather(*guesses, return_exceptions=True)
        assert all(isinstance(one, CredentialsWrong | TooManyAttempts) for one in outcomes), outcomes
        tried = [one for one in outcomes if isinstance(one, CredentialsWrong)]
        assert len(tried) == {0: 4, 4: 1}.get(start, 0), start
    with pytest.raises(TooManyAttempts):
        await house.sign_in.with_password("owner@example.com", PASSWORD, HERE, codes[0])
    await house.clock.advance(1.5)
    await house.sign_in.with_password("owner@example.com", PASSWORD, HERE, codes[0])
