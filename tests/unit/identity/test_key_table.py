import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import KeyExpired, KeyInvalid, KeyMissing, KeyRevoked, LoopbackOnly
from appliance.identity.api_keys import KeyWanted
from appliance.identity.caller import Caller
from appliance.identity.key_format import new_key
from appliance.identity.key_table import KeyEntry, KeyTable, key_hash, load_key_table
from tests.unit.identity.house import House

PEPPER = b"p" * 32
SECRET = new_key("development")
CALLER = Caller(kind="key", key_id="key_a", key_number=1)


def table(**facts: object) -> KeyTable:
    return KeyTable(PEPPER, {key_hash(PEPPER, SECRET): KeyEntry(CALLER, **facts)})  # type: ignore[arg-type]


def identify(keys: KeyTable, secret: str = SECRET, *, from_loopback: bool = True, now_ms: int = 1000) -> Caller:
    return keys.identify(secret, from_loopback=lambda: from_loopback, now_ms=now_ms)


def test_a_key_leads_to_its_caller() -> None:
    assert identify(table()) is CALLER


def test_what_stands_against_a_key_is_told_apart() -> None:
    with pytest.raises(KeyRevoked, match="was revoked"):
        identify(table(is_revoked=True))
    with pytest.raises(KeyRevoked, match="suspended"):
        identify(table(holder_is_suspended=True))
    with pytest.raises(LoopbackOnly):
        identify(table(loopback_only=True), from_loopback=False)
    assert identify(table(loopback_only=True)) is CALLER


def test_a_key_expires_at_its_millisecond() -> None:
    keys = table(expires_at=1000)
    assert identify(keys, now_ms=999) is CALLER
    with pytest.raises(KeyExpired):
        identify(keys, now_ms=1000)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "no API key was sent"),
        ("sk-0123456789", "they begin with gh-"),
        (SECRET[:-1], "cut or mistyped"),
        (SECRET[:-1] + ("a" if SECRET[-1] != "a" else "b"), "cut or mistyped"),
        (SECRET.lower(), "cut or mistyped"),
        (SECRET + " ", "cut or mistyped"),
        (new_key("development"), "not known here"),
        ("gh-" + "x" * 1_000_000, "cut or mistyped"),
        ("\ud800", "they begin with gh-"),
        ("gh-\x00", "cut or mistyped"),
        ("' OR 1=1 --", "they begin with gh-"),
    ],
    ids=[f"case{number}" for number in range(11)],  # keys are new at each run
)
def test_an_unknown_key_is_told_what_is_wrong_and_never_repeated(secret: str, said: str) -> None:
    with pytest.raises((KeyInvalid, KeyMissing), match=said) as refused:
        identify(table(), secret)
    assert len(secret) < 5 or secret not in refused.value.message + refused.value.fix


@given(st.text())
def test_no_text_is_let_in(text: str) -> None:
    with pytest.raises((KeyInvalid, KeyMissing)):
        identify(table(), text)


def test_a_change_makes_a_new_table_and_leaves_the_old_one_as_it_was() -> None:
    old = table()
    new = old.with_revoked(key_hash(PEPPER, SECRET))
    assert identify(old) is CALLER
    with pytest.raises(KeyRevoked):
        identify(new)
    another = new_key("test")
    assert identify(old.with_key(key_hash(PEPPER, another), KeyEntry(CALLER)), another) is CALLER
    assert len(old) == 1


def test_the_same_key_under_another_pepper_is_another_hash() -> None:
    assert key_hash(b"1" * 32, SECRET) != key_hash(b"2" * 32, SECRET)


async def test_the_table_that_is_built_step_by_step_is_the_one_that_a_restart_loads(house: House) -> None:
    owner = await house.owner()
    made = [await house.api_keys.create(owner, KeyWanted(name=f"key {number}")) for number in range(5)]
    await house.api_keys.revoke(owner, made[2].key.id)
    async with house.db.read() as connection:
        loaded = await load_key_table(connection, house.vault)
    assert loaded._entries == house.keys._entries
    assert loaded._pepper == house.keys._pepper


async def test_the_keys_of_a_suspended_holder_or_tenant_stop(house: House) -> None:
    key = await house.key(await house.owner())
    for table_name in ("users", "tenants"):
        for moment in ("1", "NULL"):
            async with house.db.transaction() as tx:
                await tx.exec_driver_sql(f"UPDATE {table_name} SET suspended_at = {moment}")
            async with house.db.read() as connection:
                house.keys = await load_key_table(connection, house.vault)
            if moment == "NULL":
                assert house.identify(key.secret).key_id == key.key.id
            else:
                with pytest.raises(KeyRevoked, match="suspended"):
                    house.identify(key.secret)


def test_identifying_among_ten_thousand_keys_is_measured() -> None:
    keys = KeyTable(PEPPER, {key_hash(PEPPER, new_key("test")): KeyEntry(CALLER) for _ in range(10_000)})
    keys = keys.with_key(key_hash(PEPPER, SECRET), KeyEntry(CALLER))
    started, rounds = time.perf_counter(), 20_000
    for _ in range(rounds):
        identify(keys)
    print(f"identify: {(time.perf_counter() - started) / rounds * 1e6:.2f} µs")
