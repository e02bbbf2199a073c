"""Keys that are changed, rotated, revoked by whoever holds them, and made for others."""

import asyncio

import msgspec
import pytest
import sqlalchemy as sa

from appliance.errors import (
    Conflict,
    Forbidden,
    GatehouseError,
    InvalidField,
    KeyExpired,
    KeyInvalid,
    KeyRevoked,
    NotFound,
    PreconditionFailed,
)
from appliance.identity.api_keys import ApiKey, For, KeyChange, KeyFilter, KeyWanted
from appliance.identity.caller import MACHINE, Caller
from appliance.identity.key_format import new_key
from appliance.identity.key_orders import GRACE_SECONDS_MAX
from appliance.identity.key_table import load_key_table
from appliance.identity.service_accounts import ServiceAccountWanted
from appliance.store.tables import api_keys as key_rows
from appliance.store.tables import audit as audit_rows
from tests.unit.identity.house import House

DAY_MS = 86_400_000


async def stranger_of(house: House, role: str = "owner") -> Caller:
    """Somebody of another organisation."""
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("INSERT INTO tenants (number, id, name, is_default, created_at) VALUES (2, 't2', 'Two', 0, 0)")
    person = await house.person(role, "stranger@example.com")
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("UPDATE users SET tenant_number = 2 WHERE id = ?", (person.user_id,))
    return msgspec.structs.replace(person, tenant_number=2, tenant_id="t2")


async def same_after_a_restart(house: House) -> None:
    async with house.db.read() as connection:
        assert (await load_key_table(connection, house.vault))._entries == house.keys._entries


# Changes


async def test_what_is_changed_counts_from_the_next_request_and_what_is_left_out_stays(house: House) -> None:
    owner = await house.owner()
    new = await house.api_keys.create(owner, KeyWanted(name="a", scopes=frozenset({"chat"}), models=["fast"]))
    changed = await house.api_keys.change(owner, new.key.id, KeyChange(name=" b ", models=["openai/*", "fast", "fast"]))
    assert (changed.name, changed.scopes, changed.models, changed.version) == ("b", ["chat"], ["openai/*", "fast"], 2)
    caller = house.identify(new.secret)
    assert (caller.name, caller.scopes, caller.models) == ("b", {"chat"}, ("openai/*", "fast"))
    await house.api_keys.change(owner, new.key.id, KeyChange(scopes=frozenset(), models=None))
    caller = house.identify(new.secret)
    assert (caller.name, caller.scopes, caller.models) == ("b", frozenset(), None)
    assert await house.api_keys.get(owner, new.key.id) == (await house.api_keys.list(owner)).items[0]
    await same_after_a_restart(house)


async def test_an_end_that_is_moved_revives_a_key_and_one_taken_away_keeps_it(house: House) -> None:
    owner = await house.owner()
    new = await house.api_keys.create(owner, KeyWanted(name="a", expires_at=house.clock.now_ms() + DAY_MS))
    house.clock.jump(DAY_MS)
    with pytest.raises(KeyExpired):
        house.identify(new.secret)
    assert (await house.api_keys.get(owner, new.key.id)).state == "expired"
    await house.api_keys.change(owner, new.key.id, KeyChange(expires_at=house.clock.now_ms() + DAY_MS))
    house.identify(new.secret)
    await house.api_keys.change(owner, new.key.id, KeyChange(expires_at=None))
    house.clock.jump(10 * DAY_MS)
    house.identify(new.secret)


async def test_two_people_who_edit_one_key_the_second_is_told(house: House) -> None:
    owner = await house.owner()
    new = await house.key(owner)
    await house.api_keys.change(owner, new.key.id, KeyChange(name="first"), version=1)
    with pytest.raises(PreconditionFailed):
        await house.api_keys.change(owner, new.key.id, KeyChange(name="second"), version=1)
    with pytest.raises(PreconditionFailed):
        await house.api_keys.rotate(owner, new.key.id, version=1)
    unchanged = await house.api_keys.change(owner, new.key.id, KeyChange(name="first"), version=2)
    assert (unchanged.name, unchanged.version) == ("first", 2)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        (KeyChange(name=""), "name"),
        (KeyChange(name="a\u202eb"), "name"),
        (KeyChange(expires_at=1), "expires_at"),
        (KeyChange(models=[]), "models"),
        (KeyChange(models=["fast", ""]), "models[1]"),
        (KeyChange(models=["a*b"]), "models[0]"),
        (KeyChange(models=["**"]), "models[0]"),
        (KeyChange(models=["a\u0000"]), "models[0]"),
        (KeyChange(models=["x" * 257]), "models[0]"),
        (KeyChange(models=[str(number) for number in range(100_000)]), "models"),
    ],
)
async def test_a_change_that_can_not_be_changes_nothing(house: House, change: KeyChange, param: str) -> None:
    owner = await house.owner()
    new = await house.key(owner)
    before = house.keys
    with pytest.raises(InvalidField) as refused:
        await house.api_keys.change(owner, new.key.id, change)
    assert refused.value.param == param
    assert house.keys is before
    assert (await house.api_keys.get(owner, new.key.id)) == new.key


async def test_nobody_gives_their_key_the_scope_of_metrics_by_a_change(house: House) -> None:
    developer = await house.person("developer")
    new = await house.key(developer)
    with pytest.raises(Forbidden, match="grant_metrics"):
        await house.api_keys.change(developer, new.key.id, KeyChange(scopes=frozenset({"metrics"})))
    await house.api_keys.change(await house.person("admin"), new.key.id, KeyChange(scopes=frozenset({"metrics"})))
    await house.api_keys.change(developer, new.key.id, KeyChange(name="mine still"))
    assert house.identify(new.secret).scopes == {"metrics"}


@pytest.mark.parametrize("role", ["owner", "admin", "billing", "auditor", "developer", "member"])
async def test_who_changes_rotates_and_revokes_whose_keys(house: House, role: str) -> None:
    """Nobody touches what belongs to a higher role; what one may not touch and not see isn't there."""
    person = await house.person(role)
    keys = {of: await house.key(await house.person(of, f"{of}-2@example.com")) for of in ("owner", "admin", "member")}
    allowed = {"owner": {"owner", "admin", "member"}, "admin": {"admin", "member"}}.get(role, set())
    refusal = Forbidden if role in ("auditor", "admin") else NotFound
    for of, new in keys.items():
        if of in allowed:
            await house.api_keys.change(person, new.key.id, KeyChange(name="other"))
            await house.api_keys.rotate(person, new.key.id)
            await house.api_keys.revoke(person, new.key.id)
            continue
        for attempt in (
            house.api_keys.change(person, new.key.id, KeyChange(name="other")),
            house.api_keys.rotate(person, new.key.id),
            house.api_keys.revoke(person, new.key.id),
        ):
            with pytest.raises(refusal):
                await attempt
        assert house.identify(new.secret).name == "My Key"


# Rotation


async def test_a_rotated_key_works_by_both_values_until_the_grace_ends(house: House) -> None:
    owner = await house.owner()
    old = await house.api_keys.create(owner, KeyWanted(name="a", scopes=frozenset({"chat"}), environment="production"))
    new = await house.api_keys.rotate(owner, old.key.id, grace_seconds=60)
    assert (new.key.id, new.key.number, new.key.environment) == (old.key.id, old.key.number, "production")
    assert new.secret not in repr(new)
    assert new.secret.startswith(new.key.key_prefix)
    assert house.identify(old.secret) == house.identify(new.secret)
    house.clock.jump(59_999)
    house.identify(old.secret)
    house.clock.jump(1)
    with pytest.raises(KeyExpired, match="rotated") as refused:
        house.identify(old.secret)
    assert refused.value.fix
    assert house.identify(new.secret).key_id == old.key.id
    await same_after_a_restart(house)


async def test_rotating_again_ends_the_older_value_at_once(house: House) -> None:
    owner = await house.owner()
    first = await house.key(owner)
    second = await house.api_keys.rotate(owner, first.key.id)
    third = await house.api_keys.rotate(owner, first.key.id)
    with pytest.raises(KeyInvalid):
        house.identify(first.secret)
    assert house.identify(second.secret) == house.identify(third.secret)
    fourth = await house.api_keys.rotate(owner, first.key.id, grace_seconds=0)
    with pytest.raises(KeyExpired, match="rotated"):
        house.identify(third.secret)
    house.identify(fourth.secret)
    await same_after_a_restart(house)


async def test_a_change_or_a_revocation_counts_for_both_values(house: House) -> None:
    owner = await house.owner()
    old = await house.key(owner)
    new = await house.api_keys.rotate(owner, old.key.id)
    await house.api_keys.change(owner, old.key.id, KeyChange(models=["fast"]))
    assert house.identify(old.secret).models == house.identify(new.secret).models == ("fast",)
    await house.api_keys.revoke(owner, old.key.id)
    for secret in (old.secret, new.secret):
        with pytest.raises(KeyRevoked):
            house.identify(secret)
    await same_after_a_restart(house)


@pytest.mark.parametrize("grace_seconds", [-1, GRACE_SECONDS_MAX + 1, 10**30])
async def test_a_grace_out_of_bounds_is_refused(house: House, grace_seconds: int) -> None:
    owner = await house.owner()
    new = await house.key(owner)
    with pytest.raises(InvalidField) as refused:
        await house.api_keys.rotate(owner, new.key.id, grace_seconds=grace_seconds)
    assert refused.value.param == "grace_seconds"


async def test_what_has_ended_is_not_rotated_into_life(house: House) -> None:
    owner = await house.owner()
    revoked = await house.key(owner)
    await house.api_keys.revoke(owner, revoked.key.id)
    expired = await house.api_keys.create(owner, KeyWanted(name="b", expires_at=house.clock.now_ms() + 1))
    house.clock.jump(1)
    for key_id in (revoked.key.id, expired.key.id):
        with pytest.raises(Conflict):
            await house.api_keys.rotate(owner, key_id)
    with pytest.raises(Conflict):
        await house.api_keys.change(owner, revoked.key.id, KeyChange(name="again"))


async def test_rotations_and_a_revocation_at_once_leave_nothing_working(house: House) -> None:
    owner = await house.owner()
    new = await house.key(owner)
    rotations = [house.api_keys.rotate(owner, new.key.id) for _ in range(5)]
    found = await asyncio.gather(*rotations, house.api_keys.revoke(owner, new.key.id), return_exceptions=True)
    secrets = [new.secret, *(made.secret for made in found if made is not None and not isinstance(made, BaseException))]
    for secret in secrets:
        with pytest.raises((KeyRevoked, KeyInvalid)):
            house.identify(secret)
    await same_after_a_restart(house)


# By value


@pytest.mark.parametrize("role", ["owner", "auditor", "member"])
async def test_whoever_holds_a_leaked_value_may_revoke_it_another_organisations_too(house: House, role: str) -> None:
    leaked = await house.key(await stranger_of(house))
    finder = await house.person(role)
    revoked = await house.api_keys.revoke_value(finder, leaked.secret)
    assert (revoked.id, revoked.only_previous) == (leaked.key.id, False)
    with pytest.raises(KeyRevoked):
        house.identify(leaked.secret)
    assert await house.api_keys.revoke_value(finder, leaked.secret) == revoked
    async with house.db.read() as connection:
        last = (await connection.execute(sa.select(audit_rows).order_by(audit_rows.c.seq.desc()))).first()
    assert last is not None
    assert (last.action, last.actor, last.target) == ("api_key.revoke_by_value", finder.user_id, leaked.key.id)
    assert leaked.secret[-20:] not in last.detail


async def test_the_value_before_a_rotation_ends_alone(house: House) -> None:
    owner = await house.owner()
    old = await house.key(owner)
    new = await house.api_keys.rotate(owner, old.key.id)
    assert (await house.api_keys.revoke_value(owner, old.secret)).only_previous
    with pytest.raises(KeyExpired, match="rotated"):
        house.identify(old.secret)
    house.identify(new.secret)
    assert (await house.api_keys.revoke_value(owner, old.secret)).only_previous
    await house.api_keys.revoke_value(owner, new.secret)
    with pytest.raises(KeyRevoked):
        house.identify(new.secret)
    await same_after_a_restart(house)


async def test_a_value_that_is_unknown_or_mistyped_is_refused_and_not_repeated(house: House) -> None:
    owner = await house.owner()
    secret = (await house.key(owner)).secret
    wrong: list[tuple[str, type[GatehouseError]]] = [
        (new_key("test"), NotFound),
        (secret[:-1], InvalidField),
        (secret[:-1] + ("x" if secret[-1] != "x" else "y"), InvalidField),
        (secret.swapcase(), InvalidField),
        ("sk-proj-0123456789", InvalidField),
        ("", InvalidField),
        ("gh-dev-" + "é" * 38, InvalidField),
        ("gh-dev-" + "x" * 1_000_000, InvalidField),
    ]
    for value, kind in wrong:
        with pytest.raises(kind) as refused:
            await house.api_keys.revoke_value(owner, value)
        assert len(value) < 8 or value[8:] not in refused.value.message + refused.value.fix
    house.identify(secret)


# For others


async def test_keys_are_made_for_people_below_and_beside_oneself_and_for_services(house: House) -> None:
    admin = await house.person("admin")
    member, owner = await house.person("member"), await house.person("owner")
    account = await house.service_accounts.create(admin, ServiceAccountWanted(name="Wiki"))
    theirs = await house.api_keys.create(admin, KeyWanted(name="a"), whose=For(user_id=member.user_id))
    assert (theirs.key.user_id, theirs.key.created_by) == (member.user_id, admin.user_id)
    assert house.identify(theirs.secret).user_number == member.user_number
    service = await house.api_keys.create(admin, KeyWanted(name="b"), whose=For(service_account=account.id))
    caller = house.identify(service.secret)
    assert (caller.user_id, caller.role, service.key.service_account_id) == (None, "service", account.id)
    with pytest.raises(Forbidden, match="above"):
        await house.api_keys.create(admin, KeyWanted(name="c"), whose=For(user_id=owner.user_id))
    with pytest.raises(InvalidField):
        await house.api_keys.create(admin, KeyWanted(name="d"), whose=For(user_id=member.user_id, service_account=account.id))
    by_name = await house.api_keys.create(MACHINE, KeyWanted(name="e"), whose=For(service_account="Wiki"))
    assert by_name.key.service_account_id == account.id


async def test_who_may_not_change_all_keys_makes_none_for_others(house: House) -> None:
    developer, member = await house.person("developer"), await house.person("member")
    account = await house.service_accounts.create(await house.person("admin"), ServiceAccountWanted(name="Wiki"))
    own = await house.api_keys.create(developer, KeyWanted(name="a"), whose=For(user_id=developer.user_id))
    assert own.key.user_id == developer.user_id
    for whose in (For(user_id=member.user_id), For(service_account=account.id), For(user_id="user_of_nobody")):
        with pytest.raises(Forbidden, match="change_all"):
            await house.api_keys.create(developer, KeyWanted(name="b"), whose=whose)


async def test_another_organisations_people_and_services_are_not_there(house: House) -> None:
    stranger, owner = await stranger_of(house), await house.person("owner")
    account = await house.service_accounts.create(owner, ServiceAccountWanted(name="Wiki"))
    key = await house.key(owner)
    said = set()
    for whose in (For(user_id=owner.user_id), For(user_id="user_of_nobody")):
        with pytest.raises(InvalidField) as refused:
            await house.api_keys.create(stranger, KeyWanted(name="a"), whose=whose)
        said.add(refused.value.message)
    assert len(said) == 1
    with pytest.raises(InvalidField):
        await house.api_keys.create(stranger, KeyWanted(name="a"), whose=For(service_account=account.id))
    for attempt in (
        house.api_keys.get(stranger, key.key.id),
        house.api_keys.change(stranger, key.key.id, KeyChange(name="x")),
        house.api_keys.rotate(stranger, key.key.id),
    ):
        with pytest.raises(NotFound):
            await attempt


# The list


async def test_the_list_by_holder_and_by_state(house: House) -> None:
    admin, member = await house.person("admin"), await house.person("member")
    account = await house.service_accounts.create(admin, ServiceAccountWanted(name="Wiki"))
    await house.key(member, "member's")
    await house.api_keys.create(admin, KeyWanted(name="wiki's"), whose=For(service_account=account.id))
    await house.api_keys.create(admin, KeyWanted(name="short", expires_at=house.clock.now_ms() + 1))
    gone = await house.api_keys.create(admin, KeyWanted(name="gone", expires_at=house.clock.now_ms() + 1))
    await house.api_keys.revoke(admin, gone.key.id)
    house.clock.jump(1)

    async def names(caller: Caller, wanted: KeyFilter) -> set[str]:
        page = await house.api_keys.list(caller, wanted=wanted)
        assert wanted.state is None or all(key.state == wanted.state for key in page.items)
        return {key.name for key in page.items}

    assert await names(admin, KeyFilter(user_id=member.user_id)) == {"member's"}
    assert await names(admin, KeyFilter(service_account_id=account.id)) == {"wiki's"}
    assert await names(admin, KeyFilter(state="active")) == {"member's", "wiki's"}
    assert await names(admin, KeyFilter(state="expired")) == {"short"}
    assert await names(admin, KeyFilter(state="revoked")) == {"gone"}
    assert await names(member, KeyFilter(user_id=admin.user_id)) == set()
    assert await names(member, KeyFilter()) == {"member's"}


async def test_how_much_a_key_is_used_stands_beside_it(house: House) -> None:
    owner = await house.owner()
    new = await house.key(owner)
    fresh = await house.api_keys.get(owner, new.key.id)
    assert (fresh.requests, fresh.success_rate, fresh.last_used_at) == (0, None, None)
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("INSERT INTO key_use VALUES (?, 8, 2, 1234)", (new.key.number,))
    used = await house.api_keys.get(owner, new.key.id)
    assert (used.requests, used.success_rate, used.last_used_at) == (8, 0.75, 1234)
    rotated: ApiKey = (await house.api_keys.rotate(owner, new.key.id)).key
    assert (rotated.requests, rotated.last_used_at) == (8, 1234)


async def test_no_value_is_ever_in_the_files(house: House) -> None:
    owner = await house.owner()
    first = await house.key(owner)
    second = await house.api_keys.rotate(owner, first.key.id)
    await house.api_keys.revoke_value(owner, second.secret)
    data = b"".join(path.read_bytes() for path in house.home.root.glob("gatehouse.db*"))
    for new in (first, second):
        assert new.secret[len(new.key.key_prefix) :].encode() not in data
    async with house.db.read() as connection:
        row = (await connection.execute(sa.select(key_rows))).one()
    assert row.key_hash != row.previous_hash
