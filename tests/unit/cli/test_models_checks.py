"""What the doctor says of models: which would suit this machine, and why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.checks import models
from appliance.cli.checks.finding import Finding, Patient
from appliance.home import Home
from appliance.local import capacity
from appliance.local.catalogue import catalogue
from appliance.local.registry import Registry
from appliance.settings import Settings
from tests.unit.local import ggufs

GB = 10**9

Examine = Callable[..., list[Finding]]


@pytest.fixture
def box(home: Path) -> Home:
    return Home(home).make()


@pytest.fixture
def examine(box: Home, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Runs the check on a machine of 8 cores without a graphics processor."""
    monkeypatch.setattr(capacity, "cores", lambda: 8)
    monkeypatch.setattr(models, "graphics", lambda: iter(()))

    def examine(**settings: Any) -> list[Finding]:
        return list(models.choice(Patient(box, {}, Settings(**settings))))

    return examine


def test_a_machine_is_recommended_what_suits_it_and_told_why(examine: Examine) -> None:
    (finding,) = examine(local_memory_bytes=9 * GB)
    assert finding.state == "ok"
    assert finding.what.startswith("qwen3-4b-instruct-2507 suits it: it needs 7.5 of the 9.0 GB that local models may use here")
    assert "17 tokens a second on 8 cores" in finding.what
    assert "Only the demonstration model is at hand offline" in finding.what
    assert "gatehouse models get qwen3-4b-instruct-2507 (2.5 GB to fetch)" in finding.what


def test_behind_an_air_gap_the_way_is_another(examine: Examine) -> None:
    (finding,) = examine(local_memory_bytes=9 * GB, air_gap=True)
    assert "(from a folder or a mirror within the site: --from)" in finding.what


def test_a_graphics_processor_allows_more(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "graphics", lambda: iter(["NVIDIA L4, 23034 MiB"]))
    assert "qwen3-8b suits it" in examine(local_memory_bytes=16 * GB)[0].what
    monkeypatch.setattr(models, "graphics", lambda: iter(["Intel (/dev/dri/renderD128)"]))  # no faster than its processor
    assert "qwen3-4b" in examine(local_memory_bytes=16 * GB)[0].what


def test_where_nothing_better_fits_the_toy_is_what_there_is(examine: Examine) -> None:
    (finding,) = examine(local_memory_bytes=GB // 2)
    assert finding.what == "smollm2-135m-instruct: local models may use 0.5 GB here, which no better one fits into"


def test_who_has_chosen_is_left_alone(examine: Examine, box: Home, tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(ggufs.honest())
    Registry(box, catalogue()).add(path, "own", link=False)
    assert examine(local_memory_bytes=9 * GB)[0].what.startswith("others are here; of the catalogue qwen3-4b")
    (box.models / catalogue()["qwen3-4b-instruct-2507"].file).write_bytes(ggufs.honest())
    assert examine(local_memory_bytes=9 * GB)[0].what.startswith("qwen3-4b-instruct-2507, which is here: ")
    assert examine(local_models=False) == []


def test_a_model_that_does_not_fit_is_told_with_both_figures(box: Home) -> None:
    settings = Settings(local_model="qwen3-8b", local_memory_bytes=2 * GB)
    (finding,) = models.fit(Patient(box, {}, settings))
    assert (finding.state, finding.what) == ("warn", "qwen3-8b needs about 10.1 GB, local models may use 2.0 GB here")
    assert list(models.fit(Patient(box, {}, Settings(local_memory_bytes=2 * GB)))) == []
