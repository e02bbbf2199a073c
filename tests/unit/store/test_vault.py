import asyncio
import base64
import shutil
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.home import Home
from appliance.store.engine import Database
from appliance.store.refusals import MasterKeyUnavailable, MasterKeyWrong
from appliance.store.tables import secrets, vault_keys
from appliance.store.vault import Vault
from tests.fakes.clock import FakeClock
from tests.unit.store.fresh import fresh_database

SECRETS = {
    "jwt_secret_key": b"a-jwt-secret-that-nobody-may-see",
    "provider:openai": b"sk-live-0123456789abcdefghijklmnopqrstuvwxyz",
    "empty": b"",
    "binary": bytes(range(256)),
}


class Place:
    """A home and its database, to be opened again and again."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root).make()
        self.db = Database(self.home.database)

    async def vault(self, source: str = "file", environ: dict[str, str] | None = None) -> Vault:
        await self.db.close()
        if self.home.database.exists():
            await self.db.open()
        else:
            self.db = await fresh_database(self.home.database)
        return await Vault.open(self.db, self.home, source, environ or {}, FakeClock())


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path / "home")
    yield made
    await made.db.close()


async def put(place: Place, vault: Vault, name: str, value: bytes) -> None:
    async with place.db.transaction() as tx:
        await vault.put(tx, name, value)


async def test_what_was_put_is_there_after_a_restart(place: Place) -> None:
    vault = await place.vault()
    for name, value in SECRETS.items():
        await put(place, vault, name, value)
    again = await place.vault()
    assert {name: await again.get(name) for name in SECRETS} == SECRETS
    assert await again.get("never put") is None
    assert again.derive("purpose") == vault.derive("purpose")


async def test_a_secret_is_replaced_in_the_callers_transaction(place: Place) -> None:
    vault = await place.vault()
    await put(place, vault, "x", b"old")
    try:
        async with place.db.transaction() as tx:
            await vault.put(tx, "x", b"new")
            assert await vault.get_in(tx, "x") == b"new"
            raise RuntimeError("half way")
    except RuntimeError:
        pass
    assert await vault.get("x") == b"old"


async def test_two_that_make_the_same_secret_at_once_get_the_same(place: Place) -> None:
    vault = await place.vault()
    made = await asyncio.gather(*(vault.get_or_make("jwt_secret_key") for _ in range(10)))
    assert len(set(made)) == 1
    assert len(made[0]) == 32


async def test_each_purpose_has_a_key_of_its_own(place: Place) -> None:
    vault = await place.vault()
    keys = {vault.derive(label) for label in ("secrets", "api key hashes", "sign-in tokens", "", "é")}
    assert len(keys) == 5
    assert all(len(key) == 32 for key in keys)


async def test_a_copied_database_without_the_master_key_reveals_nothing(place: Place, tmp_path: Path) -> None:
    vault = await place.vault()
    for name, value in SECRETS.items():
        await put(place, vault, name, value)
    made = await vault.get_or_make("made")
    hidden = [value for value in (*SECRETS.values(), made) if value]
    hidden += [vault.derive(label) for label in ("secrets", "api key hashes", "sign-in tokens")]
    hidden += [vault._data_key, base64.b64decode(place.home.master_key.read_bytes())]
    stolen = tmp_path / "stolen"
    stolen.mkdir()
    for file in place.home.root.glob("gatehouse.db*"):  # the WAL as well, before it is folded into the file
        shutil.copy(file, stolen / file.name)
    assert (stolen / "gatehouse.db-wal").stat().st_size > 0
    found = b"".join(file.read_bytes() for file in stolen.iterdir())
    for value in hidden:
        for form in (value, base64.b64encode(value), base64.urlsafe_b64encode(value), value.hex().encode()):
            assert form not in found

    thief = Place(stolen)
    with pytest.raises(MasterKeyUnavailable, match=r"master\.key is missing"):
        await thief.vault()
    assert not thief.home.master_key.exists()  # a lost key is told, never replaced in silence
    await thief.db.close()


async def test_another_master_key_is_told_from_the_right_one(place: Place) -> None:
    await place.vault()
    place.home.master_key.write_bytes(base64.b64encode(b"k" * 32))
    with pytest.raises(MasterKeyWrong, match="not the one that this database was made with") as refused:
        await place.vault()
    assert "right master key" in refused.value.fix


DAMAGED = [b"", b"\n", b"not base64!", base64.b64encode(b"short"), base64.b64encode(b"l" * 33), b"\xff" * 44]


@pytest.mark.parametrize("content", DAMAGED)
async def test_a_damaged_master_key_is_refused_and_not_shown(place: Place, content: bytes) -> None:
    await place.vault()
    place.home.master_key.write_bytes(content)
    with pytest.raises(MasterKeyUnavailable, match="holds no master key") as refused:
        await place.vault()
    assert content.strip() == b"" or content.decode("latin-1").strip() not in refused.value.message


@pytest.mark.skipif(sys.platform == "win32", reason="access lists there, no modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601])
async def test_a_master_key_that_others_can_read_is_refused_with_the_mend(place: Place, mode: int) -> None:
    await place.vault()
    place.home.master_key.chmod(mode)
    with pytest.raises(MasterKeyUnavailable, match=f"its mode is {mode:04o}") as refused:
        await place.vault()
    assert f"chmod 600 {place.home.master_key}" in refused.value.fix
    place.home.master_key.chmod(0o600)
    await place.vault()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a privilege there")
async def test_a_link_in_the_master_keys_place_is_refused(place: Place, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(base64.b64encode(b"e" * 32))
    elsewhere.chmod(0o600)
    place.home.master_key.symlink_to(elsewhere)
    with pytest.raises(MasterKeyUnavailable):
        await place.vault()


@pytest.mark.skipif(sys.platform == "win32", reason="access lists there, no modes")
async def test_the_master_key_is_made_for_its_owner_alone(place: Place) -> None:
    vault = await place.vault()
    assert vault.master_source == "file"
    assert stat.S_IMODE(place.home.master_key.stat().st_mode) == 0o600
    assert [path.name for path in place.home.root.glob(".master*")] == []


async def test_a_master_key_from_a_start_that_was_broken_off_is_used(place: Place) -> None:
    """kill -9 between the key and the vault: the next start goes on with that key."""
    place.home.master_key.write_bytes(base64.b64encode(b"b" * 32))
    place.home.master_key.chmod(0o600)
    await place.vault()
    assert place.home.master_key.read_bytes() == base64.b64encode(b"b" * 32)


async def test_systemds_credential_comes_first(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "gatehouse-master-key").write_bytes(base64.b64encode(b"c" * 32) + b"\n")
    environ = {"CREDENTIALS_DIRECTORY": str(folder)}
    vault = await place.vault("auto", environ)
    assert vault.master_source == "credential"
    assert not place.home.master_key.exists()
    assert (await place.vault("credential", environ)).derive("x") == vault.derive("x")
    with pytest.raises(MasterKeyUnavailable, match="gatehouse-master-key is missing"):
        await place.vault("auto", {})
    with pytest.raises(MasterKeyUnavailable, match="kept in the credential") as refused:
        await place.vault("file", {})
    assert "GATEHOUSE_MASTER_KEY_SOURCE=credential" in refused.value.fix


async def test_a_credential_that_is_wanted_and_not_given_is_refused(place: Place) -> None:
    with pytest.raises(MasterKeyUnavailable, match="there is no credential") as refused:
        await place.vault("credential", {})
    assert "LoadCredential" in refused.value.fix


async def test_the_file_can_be_moved_to_a_credential(place: Place, tmp_path: Path) -> None:
    first = await place.vault("auto", {})
    assert first.master_source == "file"
    shutil.copy(place.home.master_key, tmp_path / "gatehouse-master-key")
    place.home.master_key.unlink()
    moved = await place.vault("auto", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert (moved.master_source, moved.derive("x")) == ("credential", first.derive("x"))


@pytest.mark.parametrize("change", ["flip", "cut", "swap", "rename", "empty"])
async def test_a_secret_changed_by_hand_is_noticed(place: Place, change: str) -> None:
    vault = await place.vault()
    await put(place, vault, "a", b"secret of a")
    await put(place, vault, "b", b"secret of b")
    async with place.db.transaction() as tx:
        rows = {row.name: row.sealed for row in (await tx.execute(sa.select(secrets))).all()}
        if change == "swap":
            await tx.execute(sa.update(secrets).where(secrets.c.name == "a").values(sealed=rows["b"]))
        elif change == "rename":
            await tx.execute(sa.delete(secrets).where(secrets.c.name == "a"))
            await tx.execute(sa.update(secrets).where(secrets.c.name == "b").values(name="a"))
        else:
            sealed = rows["a"]
            damaged = {"flip": sealed[:-1] + bytes([sealed[-1] ^ 1]), "cut": sealed[:20], "empty": b""}[change]
            await tx.execute(sa.update(secrets).where(secrets.c.name == "a").values(sealed=damaged))
    with pytest.raises(MasterKeyWrong, match="damaged or changed by hand"):
        await vault.get("a")


async def test_a_wrapped_key_of_another_vault_does_not_open(place: Place) -> None:
    await place.vault()
    async with place.db.transaction() as tx:
        await tx.execute(sa.update(vault_keys).values(vault_id="vault_of_another"))
    with pytest.raises(MasterKeyWrong):
        await place.vault()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=50), value=st.binary(max_size=2000))
async def test_any_secret_comes_back_as_it_was(place: Place, name: str, value: bytes) -> None:
    vault = await place.vault()
    await put(place, vault, name, value)
    assert await vault.get(name) == value
