"""Verifying reads the whole file, and says what is wrong with it in words."""

from pathlib import Path

import pytest

from appliance.home import Home
from appliance.local import verify
from appliance.local.registry import LocalModel, Registry
from tests.unit.local import ggufs


@pytest.fixture
def model(home: Path, tmp_path: Path) -> LocalModel:
    path = tmp_path / "model.gguf"
    path.write_bytes(ggufs.honest())
    return Registry(Home(home).make(), {}).add(path, "mine", link=False)


def test_an_intact_file_has_no_problem(model: LocalModel) -> None:
    said: list[tuple[int, int]] = []
    assert verify.problem(model, lambda done, total: said.append((done, total))) is None
    assert said[-1] == (model.bytes, model.bytes)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (ggufs.honest()[:-1], f"has {len(ggufs.honest()) - 1} bytes instead of {len(ggufs.honest())}"),
        (ggufs.honest() + b"!", "bytes instead of"),
        (ggufs.honest()[:-1] + b"!", "its sha256 differs"),
        (b"%PDF" + ggufs.honest()[4:], "can't be run: this is no GGUF file"),
    ],
)
def test_a_file_that_changed_is_found_out(model: LocalModel, data: bytes, words: str) -> None:
    model.path.write_bytes(data)
    assert words in str(verify.problem(model))


def test_a_file_that_is_gone_is_told(model: LocalModel) -> None:
    model.path.unlink()
    assert "can't be read: No such file" in str(verify.problem(model))
    model.path.mkdir()
    assert verify.problem(model) is not None


def test_an_exception_of_the_progress_ends_it(model: LocalModel) -> None:
    class Enough(Exception):
        pass

    def on_progress(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        verify.problem(model, on_progress)
