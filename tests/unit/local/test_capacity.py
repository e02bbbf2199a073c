"""An engine never gets all cores, and a context never more than the model, the settings and common sense allow."""

import os
from pathlib import Path

import msgspec
import pytest

from appliance.local import capacity, gguf
from appliance.local.kinds import ModelKind
from appliance.settings import Settings
from tests.unit.local import ggufs


@pytest.mark.parametrize(
    ("asked", "available", "given"), [(0, 1, 1), (0, 2, 1), (0, 8, 7), (3, 8, 3), (8, 8, 7), (500, 8, 7), (4, 1, 1)]
)
def test_a_core_is_always_left_to_the_server(asked: int, available: int, given: int) -> None:
    assert capacity.threads(Settings(local_threads=asked), available) == given


def test_no_more_cores_are_counted_than_this_process_may_use() -> None:
    assert 1 <= capacity.cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("text", "cores"), [("200000 100000\n", 2), ("150000 100000\n", 1), ("50000 100000\n", 1), ("max 100000\n", None), ("", None)]
)
def test_a_containers_quota_counts_as_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, cores: int | None
) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    monkeypatch.setattr(capacity, "_CGROUP_CPU", quota)
    assert capacity._quota() == cores


@pytest.mark.parametrize(
    ("setting", "model", "catalogue", "kind", "context"),
    [
        (0, 32768, 0, ModelKind.CHAT, 8192),
        (0, 2048, 0, ModelKind.CHAT, 2048),
        (0, 8192, 4096, ModelKind.CHAT, 4096),
        (0, 0, 0, ModelKind.CHAT, 2048),
        (16384, 32768, 4096, ModelKind.CHAT, 16384),
        (65536, 32768, 0, ModelKind.CHAT, 32768),
        (0, 8192, 0, ModelKind.EMBEDDING, 2048),
        (0, 512, 0, ModelKind.EMBEDDING, 512),
    ],
)
def test_the_context_is_what_settings_catalogue_and_model_agree_on(
    tmp_path: Path, setting: int, model: int, catalogue: int, kind: ModelKind, context: int
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(ggufs.honest())
    info = msgspec.structs.replace(gguf.read(path), context_tokens=model, kind=kind)
    assert capacity.context_tokens(Settings(local_context_tokens=setting), info, catalogue) == context
