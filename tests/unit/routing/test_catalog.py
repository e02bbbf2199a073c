from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from appliance import audit, errors
from appliance.routing.names import ProviderOffer
from appliance.routing.route_shown import providers_shown
from appliance.settings import ProviderSettings
from appliance.store.refusals import DatabaseUnusable
from appliance.store.state import state_version
from appliance.store.tables import deployments
from tests.fakes.clock import FakeClock
from tests.unit.routing.house import ENVIRON, SECRET, House, provider, route


async def patched(house: House, what: str, which: str, /, **patch: Any) -> None:
    await house.catalog.change("tester", lambda book, changes: getattr(changes, f"{what}_changed")(book, which, patch))


def offer(house: House, name: str = "acme") -> ProviderOffer:
    return next(found for found in house.catalog.offers() if found.name == name)


async def test_what_was_changed_is_there_after_a_restart(house: House, tmp_path: Path, clock: FakeClock) -> None:
    await house.add_provider(models=["m"], kind="azure", api_version="1")
    await house.add_route("fast", "acme/m", "acme/n", strategy="cheapest", circuit_breaker=False, timeouts={"request_seconds": 9})
    await house.add_route("slow", "local/x", fallbacks=["fast"], cache=True, policy="strict")
    await patched(house, "route", "fast", deployments=[{"provider": "acme", "model": "n"}, {"provider": "filed", "model": "z"}])
    before = house.catalog.book
    await house.close()
    again = await House.open(tmp_path / "home", clock)
    assert again.catalog.book == before
    assert offer(again).api_key == SECRET
    await again.close()


async def test_the_credential_is_nowhere_in_the_home_and_not_in_the_audit(house: House, tmp_path: Path) -> None:
    await house.add_provider()
    await patched(house, "provider", "acme", models=["m"])
    await house.catalog.change("tester", lambda book, changes: changes.provider_removed(book, "acme"))
    await house.close()
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert len(files) >= 2
    for path in files:
        assert SECRET.encode() not in path.read_bytes()
    await house.db.open()


async def test_each_change_is_told_to_whoever_needs_to_know(house: House) -> None:
    told: list[str] = []
    house.catalog.publish = lambda: told.append("published")
    house.catalog.on_provider_changed = told.append
    await house.add_provider()
    await house.add_route("fast", "acme/m")
    assert told == ["acme", "published", "published"]
    lost, events = house.events.after(0)
    assert lost == 0
    assert [(event.name, event.data) for event in events] == [
        ("routes", b'{"providers":["acme"],"routes":[]}'),
        ("routes", b'{"providers":[],"routes":["fast"]}'),
    ]
    async with house.db.read() as connection:
        assert await state_version(connection) == 3
        assert (await audit.verify(connection)).rows == 2


async def test_a_change_that_changes_nothing_leaves_no_trace(house: House) -> None:
    await house.add_provider()
    await patched(house, "provider", "acme", api_key=SECRET)
    async with house.db.read() as connection:
        assert (await audit.verify(connection)).rows == 1


async def test_a_change_that_is_refused_changes_nothing(house: House) -> None:
    await house.add_provider()
    before = house.catalog.book
    for refused in (
        lambda book, changes: changes.provider_made(book, provider("acme")),
        lambda book, changes: changes.provider_made(book, provider("filed")),
        lambda book, changes: changes.provider_removed(book, "filed"),
        lambda book, changes: changes.provider_removed(book, "nobody"),
        lambda book, changes: changes.route_made(book, route("r", "nobody/m")),
        lambda book, changes: changes.route_changed(book, "r", {}),
        lambda book, changes: changes.deployment_removed(book, "dep_x"),
    ):
        with pytest.raises(errors.GatehouseError):
            await house.catalog.change("tester", refused)
    assert house.catalog.book is before


async def test_a_provider_of_the_settings_is_refused_by_its_place(house: House) -> None:
    with pytest.raises(errors.Conflict, match=r"the provider filed stands in gatehouse.toml"):
        await patched(house, "provider", "filed", models=["m"])


async def test_what_is_in_use_stays_and_who_uses_it_is_named(house: House) -> None:
    await house.add_provider()
    await house.add_route("fast", "acme/m")
    await house.add_route("other", "acme/m", fallbacks=["fast"])
    with pytest.raises(errors.Conflict, match=r"can't be removed: routes send requests to it \(fast, other\)"):
        await house.catalog.change("tester", lambda book, changes: changes.provider_removed(book, "acme"))
    with pytest.raises(errors.Conflict, match=r"can't be renamed: routes send requests to it"):
        await patched(house, "provider", "acme", name="ajax")
    with pytest.raises(errors.Conflict, match=r"can't be removed: other routes fall back to it \(other\)"):
        await house.catalog.change("tester", lambda book, changes: changes.route_removed(book, "fast"))


async def test_a_circle_of_fallbacks_is_refused_by_name(house: House) -> None:
    await house.add_route("a", "local/m")
    await house.add_route("b", "local/m", fallbacks=["a"])
    with pytest.raises(errors.InvalidField, match="the fallbacks lead in a circle: a → b → a"):
        await patched(house, "route", "a", fallbacks=["b"])


async def test_a_credential_left_out_stays_and_an_empty_one_goes(house: House) -> None:
    await house.add_provider()
    await patched(house, "provider", "acme", models=["m"])
    assert offer(house).api_key == SECRET
    await patched(house, "provider", "acme", api_key_env="ACME_API_KEY")  # takes the place of the key
    assert offer(house).api_key == ENVIRON["ACME_API_KEY"]
    await patched(house, "provider", "acme", api_key=SECRET)
    assert offer(house).api_key == SECRET
    await patched(house, "provider", "acme", api_key="")
    assert offer(house).api_key == ""
    async with house.db.read() as connection:
        assert (await connection.execute(sa.text("SELECT count(*) FROM secrets WHERE name LIKE 'provider/%'"))).scalar() == 0


async def test_a_kept_credential_is_not_sent_to_another_address(house: House) -> None:
    await house.add_provider()
    with pytest.raises(errors.InvalidField, match="was given for another address"):
        await patched(house, "provider", "acme", base_url="http://thief.example/v1")
    await patched(house, "provider", "acme", base_url="http://acme.example/v2")
    await patched(house, "provider", "acme", base_url="http://other.example/v1", api_key="another-key")
    assert offer(house).api_key == "another-key"


async def test_deployments_keep_their_ids_while_they_lead_to_the_same_model(house: House) -> None:
    await house.add_route("r", "local/a", "local/b")
    a, b = house.catalog.book.routes["r"].deployments
    await house.catalog.change(
        "tester", lambda book, changes: changes.deployment_made(book, "r", {"provider": "local", "model": "c", "weight": 3})
    )
    await patched(house, "deployment", b.id, weight=0)
    await house.catalog.change("tester", lambda book, changes: changes.deployment_removed(book, a.id))
    kept, made = house.catalog.book.routes["r"].deployments
    assert (kept.id, kept.form.weight, made.form.model) == (b.id, 0, "c")
    async with house.db.read() as connection:
        rows = (await connection.execute(sa.select(deployments).order_by(deployments.c.position))).all()
    assert [(row.id, row.position, row.weight) for row in rows] == [(b.id, 0, 0), (made.id, 1, 3)]
    with pytest.raises(errors.InvalidField, match="weight 0"):
        await patched(house, "deployment", made.id, weight=0)
    with pytest.raises(errors.InvalidField, match="weight 0"):
        await house.catalog.change("tester", lambda book, changes: changes.deployment_removed(book, made.id))


async def test_a_removed_route_takes_its_deployments_along(house: House) -> None:
    await house.add_route("r", "local/a", "local/b")
    await house.catalog.change("tester", lambda book, changes: changes.route_removed(book, "r"))
    async with house.db.read() as connection:
        assert (await connection.execute(sa.select(sa.func.count()).select_from(deployments))).scalar_one() == 0


async def test_a_variable_that_is_gone_at_the_next_start_leaves_the_provider_without_its_credential(
    house: House, tmp_path: Path, clock: FakeClock
) -> None:
    await house.add_provider(api_key="", api_key_env="ACME_API_KEY")
    await house.close()
    again = await House.open(tmp_path / "home", clock, environ={})
    assert offer(again).api_key == ""
    (shown, _) = providers_shown(again.catalog, again.settings)
    assert (shown.name, shown.problem) == ("acme", "the server's environment has no ACME_API_KEY, so it has no credential")
    await again.close()


async def test_a_provider_that_the_settings_have_by_now_gives_way_to_theirs(
    house: House, tmp_path: Path, clock: FakeClock
) -> None:
    await house.add_provider("later")
    await house.close()
    later = ProviderSettings(name="later", base_url="http://of-the-file.example/v1")
    again = await House.open(tmp_path / "home", clock, providers=[later])
    problems = {shown.source: shown.problem for shown in providers_shown(again.catalog, again.settings)}
    assert problems == {"file": None, "database": "another provider of this name stands in gatehouse.toml, and that one counts"}
    (stored,) = again.catalog.book.providers.values()
    await again.catalog.change("tester", lambda book, changes: changes.provider_removed(book, stored.id))
    assert not again.catalog.book.providers
    await again.close()


@pytest.mark.parametrize(
    "damage",
    ["UPDATE routes SET rules = '{\"colour\": 1}'", "UPDATE deployments SET weight = -1", "UPDATE providers SET kind = 'teapot'"],
)
async def test_rows_that_were_changed_by_hand_are_told_and_start_nothing(
    house: House, tmp_path: Path, clock: FakeClock, damage: str
) -> None:
    await house.add_provider()
    await house.add_route("fast", "acme/m")
    async with house.db.transaction() as tx:
        await tx.execute(sa.text(damage))
    await house.close()
    with pytest.raises(DatabaseUnusable, match="are not as this program wrote them"):
        await House.open(tmp_path / "home", clock)
