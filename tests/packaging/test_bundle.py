"""A bundle's life on a machine without internet: installed, asked, upgraded, removed."""

import json
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.packaging.bundles import Served, Site
from tests.running import NetworkNamespace, eventually

pytestmark = pytest.mark.timeout(400)

FAKE_SYSTEMCTL = """#!/bin/sh
echo "$*" >>"$HOME/systemctl.log"
"""


@pytest.fixture(scope="module")
def site(bundle: Path, tmp_path_factory: pytest.TempPathFactory, namespace: NetworkNamespace) -> Site:
    """One site for the whole life; the tests below are its chapters, in this order."""
    return Site(tmp_path_factory.mktemp("life"), bundle, namespace)


@pytest.fixture(scope="module")
def key(site: Site) -> Iterator[str]:
    """The bundle installed and answering; a key that the first start made."""
    done = site.install("--no-service")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Start it:" in done.stdout
    served = Served(site, site.user / ".local/bin/gatehouse")
    try:
        key = str(eventually(served.first_run_key, 60))
        answer = served.chat(key)
        assert answer.content
        assert answer.json["model"] == "smollm2-135m-instruct"
        running = site.install("--uninstall")
        assert running.returncode == 2
        assert f"Gatehouse runs (process {served.pid})" in running.stderr
    finally:
        assert served.stop() == 0, served.output
    return key


def test_it_installs_and_answers_a_chat_without_network_from_a_folder_with_a_space(site: Site, key: str) -> None:
    assert key.startswith("gh-")
    assert site.sh(site.prefix / "bin/gatehouse", "version").returncode == 0
    assert (site.home / "models").stat().st_mode & 0o777 == 0o700
    assert all(model.stat().st_mode & 0o777 == 0o600 for model in (site.home / "models").glob("*.gguf"))


def test_the_engine_that_was_shipped_is_installed_and_is_the_one_that_answered(site: Site, key: str) -> None:
    (packages,) = (site.prefix / "current/lib").glob("python*/site-packages")
    engine = site.told["engine"]
    assert list(packages.glob(f"{engine.replace('-', '_')}-*.dist-info"))
    other = {"llama-cpp-python": "xllamacpp", "xllamacpp": "llama_cpp"}[engine]
    assert not (packages / other).exists()  # so there was no other that could have answered


def test_installing_writes_nothing_into_the_bundle(site: Site, key: str, bundle: Path) -> None:
    names = {path.relative_to(site.bundle) for path in site.bundle.rglob("*")}
    assert names == {path.relative_to(bundle) for path in bundle.rglob("*")}


def test_another_publishers_bundle_is_no_upgrade(site: Site, key: str, strange_key: Ed25519PrivateKey, tmp_path: Path) -> None:
    strange = Site(tmp_path, site.bundle, site.namespace)
    strange.sign(strange_key)
    done = strange.install("--prefix", str(site.prefix))
    assert done.returncode == 2
    assert "the version that is installed was signed by" in done.stderr
    assert "--accept-new-key" in done.stderr


def test_a_second_installation_is_an_upgrade_that_keeps_keys_and_restarts_the_service(site: Site, key: str) -> None:
    programs = site.folder / "programs"
    programs.mkdir()
    (programs / "systemctl").write_text(FAKE_SYSTEMCTL)
    (programs / "systemctl").chmod(0o755)
    site.env["PATH"] = f"{programs}:{site.env['PATH']}"
    done = site.install()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is upgraded" in done.stdout
    assert [path.name for path in (site.prefix / "versions").iterdir()] == [site.record["folder"]]
    assert "--user restart gatehouse.service" in (site.user / "systemctl.log").read_text()
    unit = (site.user / ".config/systemd/user/gatehouse.service").read_text()
    assert f'ExecStart="{site.prefix}/current/bin/gatehouse" serve --service' in unit
    served = Served(site, site.prefix / "bin/gatehouse")
    try:
        eventually(served.is_ready, 60, 0.3)
        assert served.chat(key).status == 200
    finally:
        assert served.stop() == 0, served.output


def test_purging_asks_first_and_refuses_where_nobody_can_answer(site: Site, key: str) -> None:
    done = site.install("--uninstall", "--purge")
    assert done.returncode == 2
    assert "--purge --yes" in done.stderr
    assert (site.prefix / "installed.json").exists()


def test_removing_it_leaves_the_data_and_says_where(site: Site, key: str) -> None:
    (site.user / ".local/bin/mine").write_text("mine")
    record = (site.prefix / "installed.json").read_bytes()
    done = site.sh(site.prefix / "bin/gatehouse-uninstall")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Its data is still in {site.home}" in done.stdout
    assert (site.home / "gatehouse.db").exists()
    assert not site.prefix.exists()
    assert [path.name for path in (site.user / ".local/bin").iterdir()] == ["mine"]
    assert not (site.user / ".config/systemd/user/gatehouse.service").exists()
    assert "--user disable --now gatehouse.service" in (site.user / "systemctl.log").read_text()
    site.prefix.mkdir()
    (site.prefix / "installed.json").write_bytes(record)  # for the chapter that follows: as if it were installed once more


def test_a_home_that_holds_more_than_our_data_is_not_purged(site: Site, key: str) -> None:
    record = site.prefix / "installed.json"
    whole = record.read_text()
    for odd in ("/", str(site.user), str(site.folder), "/etc", str(site.user / ".local")):
        record.write_text(whole.replace(f'"{site.home}"', f'"{odd}"'))
        done = site.install("--uninstall", "--purge", "--yes")
        assert done.returncode == 2, done.stdout
        assert "does not look like a folder that holds Gatehouse's data alone" in done.stderr
    record.write_text(whole)


def test_purging_removes_the_data_too(site: Site, key: str) -> None:
    done = site.install("--uninstall", "--purge", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not site.home.exists()
    assert not site.prefix.exists()
    assert (site.user / ".local/bin/mine").read_text() == "mine"


def test_a_processor_that_lacks_something_gets_a_plain_sentence_and_everything_but_the_engine(
    bundle: Path, tmp_path: Path, namespace: NetworkNamespace, strange_key: Ed25519PrivateKey
) -> None:
    site = Site(tmp_path, bundle, namespace)
    needs = site.told["processor"]
    assert "avx2" in needs or platform.machine() != "x86_64"
    site.say_otherwise(strange_key, processor=f"{needs} avx9000")
    done = site.install("--no-service")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"this processor lacks avx9000, which the local engine ({site.told['engine']}) was compiled to use" in done.stderr
    (packages,) = (site.prefix / "current/lib").glob("python*/site-packages")
    assert (packages / "litestar").exists()
    assert not (packages / "llama_cpp").exists()
    assert not (packages / "xllamacpp").exists()
    assert json.loads(site.sh(site.prefix / "bin/gatehouse", "version", "--json").stdout)["engines"] == {}
