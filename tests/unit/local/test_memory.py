"""The memory that a model will want is told before it is loaded, on the safe side, and not far from the truth."""

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from appliance.clock import SystemClock
from appliance.local import gguf, memory
from appliance.local.engines.engine import EngineOptions
from appliance.local.gguf_model import GgufInfo
from appliance.local.kinds import ModelKind
from appliance.settings import Settings
from appliance.workers.process import Worker

GIB = 1024**3
ENGINES = [name for name in ("llama_cpp", "xllamacpp") if importlib.util.find_spec(name) is not None]


def info(**fields: Any) -> GgufInfo:
    usual: dict[str, Any] = {
        "architecture": "llama",
        "name": "",
        "file_bytes": 10**9,
        "context_tokens": 8192,
        "kind": ModelKind.CHAT,
        "has_chat_template": True,
        "tools_in_template": False,
        "embedding_length": 1024,
        "kv_bytes_per_token": 1000,
        "tensors": 1,
        "vocabulary": 50_000,
        "feed_forward_length": 4096,
    }
    return GgufInfo(**{**usual, **fields})


def test_it_is_weights_and_cache_and_what_computing_takes() -> None:
    need = memory.need(info(), context_tokens=4096, parallel=4)
    assert (need.weights, need.cache) == (10**9, 1000 * 4096 * 4)
    assert need.total == need.weights + need.cache + need.compute
    assert memory.need(info(), context_tokens=4096, parallel=4, cells=4096).cache == 1000 * 4096


def test_recurrent_layers_and_experts_and_embeddings_count() -> None:
    plain = memory.need(info(), context_tokens=2048, parallel=4)
    assert memory.need(info(state_bytes_per_sequence=10**6), context_tokens=2048, parallel=4).cache == plain.cache + 8 * 10**6
    assert memory.need(info(experts=64, experts_used=8), context_tokens=2048, parallel=4).compute > plain.compute
    embedder = memory.need(info(kind=ModelKind.EMBEDDING), context_tokens=2048, parallel=4)
    assert embedder.compute > plain.compute + 2048 * 50_000 * 4


@pytest.mark.skipif(not ENGINES, reason="no engine is installed")
@pytest.mark.parametrize(("context_tokens", "parallel"), [(512, 1), (4096, 4)])
async def test_the_demonstration_model_takes_what_was_said(model_file: Path, context_tokens: int, parallel: int) -> None:
    options = EngineOptions(context_tokens=context_tokens, parallel=parallel, threads=1)
    worker = Worker("local-model", clock=SystemClock())
    await worker.start()
    try:
        request = {"path": str(model_file), "engine": ENGINES[0], "options": msgspec.to_builtins(options)}
        await worker.call("load", request, silent_seconds_max=60)
        used = psutil.Process(worker.pid).memory_info().rss
    finally:
        await worker.stop()
    said = memory.need(gguf.read(model_file), context_tokens=context_tokens, parallel=parallel).total
    assert used < said < 1.3 * used


class TestBudget:
    def test_a_fifth_and_at_least_a_gibibyte_stay_for_the_rest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        machine = memory.machine_bytes()
        assert memory.available(Settings()) == machine - max(machine // 5, GIB)
        monkeypatch.setattr(memory, "machine_bytes", lambda: 2 * GIB)
        assert memory.available(Settings()) == GIB
        monkeypatch.setattr(memory, "machine_bytes", lambda: GIB // 2)
        assert memory.available(Settings()) == 0

    def test_the_setting_wins(self) -> None:
        assert memory.available(Settings(local_memory_bytes=123)) == 123

    @pytest.mark.parametrize(
        ("limits", "least"),
        [
            ({"": f"{3 * GIB}\n"}, 3 * GIB),  # a container's
            ({"": "max\n", "system.slice/gatehouse.service": f"{2 * GIB}\n"}, 2 * GIB),  # a service's
            ({"system.slice": f"{GIB}", "system.slice/gatehouse.service": f"{2 * GIB}\n"}, GIB),
            ({"": "max\n", "system.slice": "", "system.slice/gatehouse.service": "x"}, None),
            ({"user.slice": "1"}, None),
            ({}, None),
        ],
    )
    def test_a_containers_or_a_services_limit_counts(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limits: dict[str, str], least: int | None
    ) -> None:
        for folder, text in limits.items():
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / "memory.max").write_text(text)
        (tmp_path / "ours").write_text("1:name=systemd:/x\n0::/system.slice/gatehouse.service\n")
        monkeypatch.setattr(memory, "CGROUPS", tmp_path)
        monkeypatch.setattr(memory, "OUR_CGROUP", tmp_path / "ours")
        total = int(psutil.virtual_memory().total)
        assert memory.machine_bytes() == min(total, least or total)
