"""What a bundle refuses, each with what to do, and with nothing left behind."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.packaging.bundles import BASE_PYTHON, Site
from tests.running import eventually

pytestmark = pytest.mark.timeout(300)  # the first to come builds the bundle


def test_a_flipped_byte_in_a_wheel_refuses(site: Site) -> None:
    wheel = next((site.bundle / "wheels").glob("gatehouse-*.whl"))
    site.flip(f"wheels/{wheel.name}")
    assert f"wheels/{wheel.name} is not as it was signed" in site.refusal()


def test_a_python_that_is_named_and_is_not_there_refuses_and_takes_no_other(site: Site) -> None:
    assert "/nowhere/python3 is no program that can be run" in site.refusal("--python", "/nowhere/python3")


@pytest.mark.parametrize("name", ["SHA256SUMS", "SHA256SUMS.sig"])
def test_a_flipped_byte_in_what_is_signed_or_in_the_signature_refuses(site: Site, name: str) -> None:
    site.flip(name, 3)
    assert "the signature of SHA256SUMS is not right" in site.refusal()


def test_an_extra_wheel_refuses(site: Site) -> None:
    (site.bundle / "wheels/click-99.0-py3-none-any.whl").write_bytes(b"")
    assert "'wheels/click-99.0-py3-none-any.whl' is not part of the bundle" in site.refusal()


def test_a_wheel_that_requirements_do_not_name_is_never_installed(site: Site, strange_key: Ed25519PrivateKey) -> None:
    """pip checks each wheel's hash by itself, whatever the list of sums says."""
    wheel = next((site.bundle / "wheels").glob("click-*.whl"))
    site.flip(f"wheels/{wheel.name}")
    site.sign(strange_key)
    said = site.refusal()
    assert "DO NOT MATCH THE HASHES" in said or "do not match the hashes" in said.lower()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"platform": "linux-riscv64"}, "this bundle is for linux-riscv64, and this machine is linux-"),
        ({"platform": "darwin-arm64"}, "this bundle is for darwin-arm64"),
        ({"python": "3.99"}, "this bundle needs Python 3.99, and this machine has 3."),
        ({"glibc": "2.99"}, "this bundle needs glibc 2.99 or newer, and this system has 2."),
        ({"installed_bytes": str(10**16)}, "the disk is too full: 10000000"),
    ],
)
def test_a_bundle_for_another_machine_refuses(
    site: Site, strange_key: Ed25519PrivateKey, facts: dict[str, str], said: str
) -> None:
    site.say_otherwise(strange_key, **facts)
    assert said in site.refusal()


def test_a_python_without_venv_refuses(site: Site) -> None:
    programs = site.folder / "programs"
    programs.mkdir()
    for name in ("dirname", "uname", "tr", "sed"):
        (programs / name).symlink_to(shutil.which(name) or "")
    for name in (f"python{BASE_PYTHON.name.removeprefix('python')}", "python3"):
        script = f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\nexec {BASE_PYTHON} "$@"\n'
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    said = site.refusal(python=None, env={"PATH": str(programs)})
    assert "has no venv module" in said
    assert "-venv" in said


def test_no_python_at_all_refuses(site: Site) -> None:
    programs = site.folder / "programs"
    programs.mkdir()
    for name in ("dirname", "uname", "tr", "sed"):
        (programs / name).symlink_to(shutil.which(name) or "")
    assert "this machine has none" in site.refusal(python=None, env={"PATH": str(programs)})


def test_another_key_than_the_one_that_was_named_refuses(site: Site, strange_key: Ed25519PrivateKey, tmp_path: Path) -> None:
    assert "another key signed this bundle" in site.refusal("--key", "abcd:ef01")
    file = tmp_path / "publisher.pub"
    shutil.copyfile(site.bundle / "signing-key.pub", file)
    site.sign(strange_key)
    assert "another key signed this bundle" in site.refusal("--key", str(file))


def test_a_folder_with_something_else_in_it_is_not_touched(site: Site) -> None:
    (site.user / "documents").mkdir()
    (site.user / "documents/novel.txt").write_text("It was a dark and stormy night")
    assert "is there already" in site.refusal("--prefix", str(site.user / "documents"))


def test_options_that_do_not_exist_are_explained(site: Site) -> None:
    done = site.install("--perge")
    assert done.returncode == 2
    assert "--perge" in done.stderr
    assert "--uninstall" in site.install("--help").stdout


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 90 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=90m", "none", disk], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_is_too_small_refuses_at_once(site: Site, small_disk: Path) -> None:
    assert "the disk is too full" in site.refusal("--prefix", str(small_disk / "app"))
    assert list(small_disk.iterdir()) == []


def test_a_disk_that_fills_up_leaves_nothing_half_installed(site: Site, strange_key: Ed25519PrivateKey, small_disk: Path) -> None:
    site.say_otherwise(strange_key, installed_bytes="1")
    assert "the disk is full" in site.refusal("--prefix", str(small_disk / "app"))
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_stopping_it_midway_leaves_nothing_half_installed(site: Site, sent: signal.Signals) -> None:
    before = sorted(site.user.rglob("*"))
    installing = site.start_installing("--no-service")
    eventually(lambda: list(site.prefix.glob("versions/*/bin/pip")), 60)
    installing.send_signal(sent)
    _, said = installing.communicate(timeout=60)
    assert installing.returncode == 130, said
    assert "What was installed before is as it was" in said
    assert sorted(site.user.rglob("*")) == before


def test_uninstalling_what_is_not_there_says_so(site: Site) -> None:
    assert "no Gatehouse is installed" in site.refusal("--uninstall")
