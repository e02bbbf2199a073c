"""Files that our reader lets pass although they were tampered with: the real engine may refuse them or die of them in its
worker. Whoever waits for it is told, and soon.
"""

import asyncio
import importlib.util
import random
import shutil
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from appliance.clock import SystemClock
from appliance.local import gguf
from appliance.local.engines.engine import LOAD_FAILED, EngineOptions
from appliance.workers.process import CallFailed, Worker, WorkerDied
from tests.unit.local import ggufs

ENGINES = [name for name in ("llama_cpp", "xllamacpp") if importlib.util.find_spec(name) is not None]
SAMPLE = 12
OPTIONS = EngineOptions(context_tokens=256, parallel=1, threads=1)
SECONDS_MAX = 60

pytestmark = pytest.mark.skipif(not ENGINES, reason="no engine is installed")


async def outcome(path: Path) -> str:
    """What comes of loading the file and asking it something."""
    worker = Worker("local-model", clock=SystemClock())
    await worker.start()
    request = {"path": str(path), "engine": ENGINES[0], "options": msgspec.to_builtins(OPTIONS)}
    try:
        await worker.call("load", request, silent_seconds_max=SECONDS_MAX)
        hello = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}
        async with aclosing(worker.stream("chat", hello)) as chunks:
            async for _ in chunks:
                pass
    except CallFailed as error:
        return error.code
    except WorkerDied:
        return "died"
    finally:
        await worker.stop()
    return "answered"


async def test_a_file_that_our_reader_lets_pass_can_hurt_its_worker_alone(model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    shutil.copyfile(model_file, path)
    with path.open("rb") as file:
        head = file.read(4_000_000)
    where = ggufs.layout(head)
    spans = [*where.values, *where.tensors]
    seen: dict[str, int] = {}
    for seed in range(1000):
        chance = random.Random(seed)
        data = bytearray(head[: where.data])
        for start, end in chance.sample(spans, chance.randint(1, 3)):
            data[chance.randrange(start, end)] ^= 1 << chance.randrange(8)
        with path.open("r+b") as file:
            file.write(data)
        try:
            gguf.read(path)
        except gguf.GgufError:
            continue
        async with asyncio.timeout(2 * SECONDS_MAX):
            came = await outcome(path)
        seen[came] = seen.get(came, 0) + 1
        if sum(seen.values()) == SAMPLE:
            break
    assert sum(seen.values()) == SAMPLE
    assert seen.get(LOAD_FAILED, 0) + seen.get("died", 0) > 0, seen
