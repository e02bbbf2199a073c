"""Memory for local models: the idle ones make room, those at work don't, and who can't fit is told both figures."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import pytest_asyncio

from appliance.clock import SystemClock
from appliance.errors import ModelTooLarge
from appliance.home import Home
from appliance.local import engine_choice
from appliance.local.budget import leavers
from appliance.local.models import LocalModels
from appliance.local.registry import Registry
from appliance.settings import Settings
from tests.unit.local.conftest import link

GB = 1_000_000_000
needs_engine = pytest.mark.skipif(engine_choice.choice("auto").name is None, reason="no engine is installed")


class Other(msgspec.Struct):
    """A model that has a worker."""

    name: str
    memory_bytes: int
    used_at: float = 0.0
    is_idle: bool = True


def names(found: list[Other]) -> list[str]:
    return [one.name for one in found]


def test_what_fits_sends_nobody_away() -> None:
    assert leavers("new", 3 * GB, [Other("a", 4 * GB), Other("b", GB)], 8 * GB) == []


def test_the_least_recently_used_idle_models_leave_and_no_more_than_must() -> None:
    others = [Other("late", 2 * GB, 30.0), Other("early", 2 * GB, 10.0), Other("middle", 2 * GB, 20.0)]
    assert names(leavers("new", 3 * GB, others, 8 * GB)) == ["early"]
    assert names(leavers("new", 5 * GB, others, 8 * GB)) == ["early", "middle"]
    assert names(leavers("new", 8 * GB, others, 8 * GB)) == ["early", "middle", "late"]


def test_models_at_work_stay_however_long_ago_they_were_used() -> None:
    others = [Other("busy", 4 * GB, 1.0, is_idle=False), Other("idle", 2 * GB, 50.0), Other("unloaded", 0, 0.0)]
    assert names(leavers("new", 4 * GB, others, 8 * GB)) == ["idle"]
    with pytest.raises(ModelTooLarge, match=re.escape("needs about 5.2 GB, and 4.0 GB of the 8.0 GB")) as caught:
        leavers("new", 5_200_000_000, others, 8 * GB)
    assert "busy" in caught.value.message
    assert "unloaded" not in caught.value.message
    assert caught.value.retry_after_seconds
    assert caught.value.fix


def test_what_can_never_fit_is_not_told_to_try_again() -> None:
    with pytest.raises(ModelTooLarge, match=re.escape("needs about 9.0 GB, and 8.0 GB of the 8.0 GB")) as caught:
        leavers("new", 9 * GB, [Other("idle", 2 * GB)], 8 * GB)
    assert caught.value.retry_after_seconds is None
    assert "smaller model" in caught.value.fix


def test_a_budget_that_is_overdrawn_already_has_nothing_free() -> None:
    """What is loaded may come to take more than was estimated."""
    with pytest.raises(ModelTooLarge, match=re.escape("and 0.0 GB of the 8.0 GB")):
        leavers("new", GB, [Other("busy", 9 * GB, is_idle=False)], 8 * GB)


# With real models

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
SLOW: dict[str, Any] = {**HELLO, "grammar": "root ::= [a-z ]{1500}", "max_tokens": 1500}


@pytest.fixture(scope="module")
def home(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Three models of the same size."""
    home = Home(tmp_path_factory.mktemp("home") / "home").make()
    for name in ("one", "two", "three"):
        target = home.models / f"{name}-source.gguf"
        link(model_file, target)
        Registry(home, {}).add(target, name, link=True)
    return home


@pytest_asyncio.fixture
async def two_fit(home: Home) -> AsyncIterator[LocalModels]:
    """Local models of which two fit at a time."""
    settings: dict[str, Any] = {"local_parallel": 2, "local_context_tokens": 512}
    models = LocalModels(Settings(**settings), home, SystemClock())
    need = models.detail("one").memory_bytes
    models = LocalModels(Settings(**settings, local_memory_bytes=need * 5 // 2), home, SystemClock())
    yield models
    await models.close()


async def said(models: LocalModels, model: str, request: dict[str, Any] = HELLO) -> None:
    async with aclosing(models.chat(model, request)) as chunks:
        async for _ in chunks:
            pass


def loaded(models: LocalModels) -> set[str]:
    return {model.id for model in models.status().models if model.state == "ready"}


@needs_engine
async def test_the_model_used_longest_ago_makes_room_for_a_third(two_fit: LocalModels) -> None:
    await said(two_fit, "one")
    await said(two_fit, "two")
    assert loaded(two_fit) == {"one", "two"}
    await said(two_fit, "one")
    await said(two_fit, "three")
    assert loaded(two_fit) == {"one", "three"}
    memory = two_fit.memory_shown()
    assert 0 < memory.used_bytes <= memory.budget_bytes
    await two_fit.unload("one")
    assert loaded(two_fit) == {"three"}
    assert two_fit.memory_shown().used_bytes < memory.used_bytes


@needs_engine
async def test_a_model_that_answers_is_never_unloaded_for_another(two_fit: LocalModels) -> None:
    heard = {name: asyncio.Event() for name in ("one", "two")}

    async def listen(name: str) -> None:
        async with aclosing(two_fit.chat(name, SLOW)) as chunks:
            async for chunk in chunks:
                if chunk["choices"]:
                    heard[name].set()

    listening = [asyncio.ensure_future(listen(name)) for name in heard]
    await asyncio.gather(*(each.wait() for each in heard.values()))
    with pytest.raises(ModelTooLarge) as caught:
        await two_fit.load("three")
    assert "one" in caught.value.message
    assert "two" in caught.value.message
    assert not any(task.done() for task in listening)
    listening[0].cancel()
    await asyncio.gather(listening[0], return_exceptions=True)
    async with asyncio.timeout(20):
        while next(model for model in two_fit.status().models if model.id == "one").running:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await two_fit.load("three")).state == "ready", "a refusal is no failure: it is tried at once"
    assert loaded(two_fit) == {"two", "three"}
    assert not listening[1].done()
    listening[1].cancel()
    await asyncio.gather(listening[1], return_exceptions=True)


@needs_engine
async def test_loads_at_the_same_moment_never_take_more_than_there_is(two_fit: LocalModels) -> None:
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, sum(1 for child in psutil.Process().children() if child.is_running()))
            assert two_fit.memory_shown().used_bytes <= two_fit.memory_shown().budget_bytes
            await asyncio.sleep(0.01)

    watching = asyncio.ensure_future(watch())
    results = await asyncio.gather(*(two_fit.load(name) for name in ("one", "two", "three")), return_exceptions=True)
    assert not watching.done()
    watching.cancel()
    refused = [result for result in results if isinstance(result, BaseException)]
    assert len(refused) == 1
    assert isinstance(refused[0], ModelTooLarge), refused
    assert len(loaded(two_fit)) == 2
    assert most == 2


@needs_engine
async def test_a_model_beyond_the_whole_budget_is_refused_and_not_called_failed(home: Home) -> None:
    models = LocalModels(Settings(local_memory_bytes=50_000_000, local_parallel=2), home, SystemClock())
    for _ in range(3):
        with pytest.raises(ModelTooLarge, match=r"one needs about 0\.\d GB, and 0\.1 GB of the 0\.1 GB"):
            await said(models, "one")
    shown = models.detail("one")
    assert (shown.state, shown.fits, shown.last_failure) == ("unloaded", False, None)
    await models.close()
