"""Local models with the real engine: loaded once, queued in bounds, restarted after a crash, unloaded when idle."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from appliance import errors
from appliance.clock import SystemClock
from appliance.home import Home
from appliance.local import engine_choice
from appliance.local import models as models_module
from appliance.local.catalogue import catalogue
from appliance.local.engines.engine import seats
from appliance.local.models import LocalModels
from appliance.local.registry import Registry
from appliance.settings import Settings
from tests.unit.local import ggufs
from tests.unit.local.conftest import link

MODEL = "smollm2-135m-instruct"
HELLO = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
SLOW = {"messages": [{"role": "user", "content": "Count from 1 to 1000."}], "grammar": "root ::= [a-z ]{1500}"}

ENGINE = engine_choice.choice("auto").name  # as the product chooses
SEATS = seats(ENGINE or "", 2)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(ENGINE is None, reason="no engine is installed"),
]
posix_only = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")


class Counter:
    """The metrics that the room tells of restarts."""

    def __init__(self) -> None:
        self.restarts: list[str] = []

    def worker_restarted(self, worker: str) -> None:
        self.restarts.append(worker)


SETTINGS: dict[str, Any] = {"local_parallel": 2, "local_queue_max": 3, "local_context_tokens": 512}


def make(home: Home, counter: Counter | None = None, **settings: Any) -> LocalModels:
    return LocalModels(Settings(**{**SETTINGS, **settings}), home, SystemClock(), counter or Counter())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(model_home: Home) -> AsyncIterator[LocalModels]:
    """Local models that the tests share, where none is killed."""
    models = make(model_home)
    yield models
    await models.close()


async def answer(
    models: LocalModels,
    request: dict[str, Any] = HELLO,
    model: str = MODEL,
    caller: Any = None,
    heard: asyncio.Event | None = None,
) -> list[dict[str, Any]]:
    """All chunks; `heard` is set with the first that says something."""
    found = []
    async with aclosing(models.chat(model, request, caller)) as chunks:
        async for chunk in chunks:
            found.append(chunk)
            if chunk["choices"] and heard is not None:
                heard.set()
    return found


def is_whole(chunks: list[dict[str, Any]]) -> bool:
    return bool(chunks) and "usage" in chunks[-1]


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is watched lives in another process
            await asyncio.sleep(0.01)


def state(models: LocalModels, model: str = MODEL) -> Any:
    return next(found for found in models.status().models if found.id == model)


async def test_an_unloaded_model_is_offered_and_loads_with_the_first_requests_together(model_home: Home) -> None:
    models = make(model_home)
    (offered,) = models.offered()
    assert (offered.id, offered.kind, offered.tools) == (MODEL, "chat", False)
    assert state(models).state == "unloaded"
    answers = await asyncio.gather(*(answer(models) for _ in range(4)))
    assert all(is_whole(chunks) for chunks in answers)
    ready = state(models)
    assert (ready.state, ready.running, ready.waiting) == ("ready", 0, 0)
    assert ready.rss_bytes > 50_000_000
    assert ready.engine["context_tokens"] == 512
    assert len([child for child in psutil.Process().children() if child.pid == ready.pid]) == 1
    await models.close()
    assert not psutil.pid_exists(ready.pid)
    with pytest.raises(errors.ShuttingDown):
        await answer(models)


async def test_the_room_says_what_it_is(shared: LocalModels) -> None:
    await shared.prewarm(MODEL)
    status = shared.status()
    assert status.is_available
    assert status.engine_version
    assert status.threads <= max(1, status.cores - 1)
    assert status.models[0].demonstration


async def test_a_request_waits_for_a_slot_and_beyond_the_queue_it_is_refused(shared: LocalModels) -> None:
    slow = [asyncio.ensure_future(answer(shared, {**SLOW, "max_tokens": 60})) for _ in range(SEATS)]
    waiting = [asyncio.ensure_future(answer(shared)) for _ in range(3)]
    await until(lambda: (state(shared).running, state(shared).waiting) == (SEATS, 3))
    with pytest.raises(errors.QueueFull) as caught:
        await answer(shared)
    assert caught.value.retry_after_seconds is not None
    assert caught.value.retry_after_seconds >= 1
    assert all(is_whole(chunks) for chunks in await asyncio.gather(*slow, *waiting))
    assert (state(shared).running, state(shared).waiting) == (0, 0)


async def test_hanging_up_frees_the_slot_within_a_token_or_two(shared: LocalModels) -> None:
    await shared.prewarm(MODEL)
    seconds = []
    for _ in range(3):
        async with aclosing(shared.chat(MODEL, SLOW)) as chunks:
            async for chunk in chunks:
                if chunk["choices"]:
                    break
        left = time.monotonic()
        await until(lambda: state(shared).running == 0)
        seconds.append(time.monotonic() - left)
    assert min(seconds) < 1.0


async def test_hanging_up_in_the_queue_leaves_the_queue(shared: LocalModels) -> None:
    slow = [asyncio.ensure_future(answer(shared, SLOW)) for _ in range(SEATS)]
    await until(lambda: state(shared).running == SEATS)
    waiting = asyncio.ensure_future(answer(shared))
    await until(lambda: state(shared).waiting == 1)
    for task in (waiting, *slow):
        task.cancel()
    await asyncio.gather(waiting, *slow, return_exceptions=True)
    await until(lambda: (state(shared).running, state(shared).waiting) == (0, 0))
    assert is_whole(await answer(shared))


async def test_a_prompt_beyond_the_context_names_both_figures(shared: LocalModels) -> None:
    with pytest.raises(errors.ContextLengthExceeded) as caught:
        await answer(shared, {"messages": [{"role": "user", "content": "word " * 3000}]})
    assert " 512 tokens" in caught.value.message
    assert any(int(word) > 3000 for word in caught.value.message.split() if word.isdigit())
    assert caught.value.param == "messages"


async def test_more_choices_than_are_answered_side_by_side_are_refused(shared: LocalModels) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        await answer(shared, {**HELLO, "n": 3})
    assert caught.value.param == "n"
    assert is_whole(await answer(shared, {**HELLO, "n": 2}))


async def test_a_prompt_beyond_a_frame_is_refused_for_its_length_and_not_for_the_pipe(shared: LocalModels) -> None:
    huge = [{"role": "user", "content": "word " * (4 * 1024 * 1024)}]
    with pytest.raises(errors.ContextLengthExceeded) as caught:
        await answer(shared, {"messages": huge})
    assert len(caught.value.message) < 300
    assert is_whole(await answer(shared))


async def test_a_grammar_that_is_none_is_a_bad_request(shared: LocalModels) -> None:
    with pytest.raises(errors.BadRequest, match="grammar"):
        await answer(shared, {**HELLO, "grammar": "nonsense"})


async def test_an_unknown_model_and_the_wrong_kind_are_refused(shared: LocalModels) -> None:
    with pytest.raises(errors.ModelUnknown):
        await answer(shared, model="nope")
    with pytest.raises(errors.FeatureUnsupported, match="makes no embeddings"):
        await shared.embed(MODEL, {"input": ["x"]})


@posix_only
async def test_kill_9_in_mid_stream_fails_what_was_running_and_the_next_request_is_answered(model_home: Home) -> None:
    counter = Counter()
    models = make(model_home, counter)
    await models.prewarm(MODEL)
    first = state(models).pid
    heard = [asyncio.Event() for _ in range(2)]
    running = [asyncio.ensure_future(answer(models, SLOW, heard=each)) for each in heard]
    await asyncio.gather(*(each.wait() for each in heard))
    os.kill(first, signal.SIGKILL)
    for result in await asyncio.gather(*running, return_exceptions=True):
        assert isinstance(result, errors.LocalModelFailed)
        assert "SIGKILL" in result.message
        assert MODEL in result.message
    assert is_whole(await answer(models))
    after = state(models)
    assert after.pid != first
    assert (after.state, after.running) == ("ready", 0)
    assert counter.restarts == [f"local/{MODEL}"]
    await models.close()


@posix_only
async def test_callers_who_had_heard_nothing_when_the_worker_was_killed_all_get_whole_answers(model_home: Home) -> None:
    counter = Counter()
    models = make(model_home, counter)
    await models.prewarm(MODEL)
    first = state(models).pid
    os.kill(first, signal.SIGSTOP)  # so that nobody hears anything
    waiting = [asyncio.ensure_future(answer(models, {**HELLO, "seed": number})) for number in range(SEATS + 2)]
    await until(lambda: (state(models).running, state(models).waiting) == (SEATS, 2))
    os.kill(first, signal.SIGKILL)
    answers = await asyncio.gather(*waiting)
    assert all(is_whole(chunks) for chunks in answers)
    assert all(len([chunk for chunk in chunks if "usage" in chunk]) == 1 for chunks in answers)
    assert (state(models).running, state(models).waiting) == (0, 0)
    assert counter.restarts == [f"local/{MODEL}"]
    await models.close()


@posix_only
async def test_a_request_whose_second_worker_dies_too_fails_and_frees_its_slots(model_home: Home) -> None:
    models = make(model_home)
    await models.prewarm(MODEL)
    asked = asyncio.ensure_future(answer(models, {**SLOW, "n": 2}))
    pids = set[int]()
    while not asked.done():
        pid = state(models).pid
        if pid is not None and state(models).state == "ready" and pid not in pids and state(models).running:
            pids.add(pid)
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0)
    with pytest.raises(errors.LocalModelFailed):
        await asked
    assert len(pids) == 2
    await until(lambda: (state(models).running, state(models).waiting) == (0, 0))
    await models.close()


@posix_only
async def test_embeddings_that_were_lost_with_the_worker_are_made_by_the_next(tmp_path: Path, embedding_file: Path) -> None:
    home = Home(tmp_path / "home").make()
    Registry(home, {}).add(embedding_file, "embedder", link=True)
    models = make(home)
    await models.prewarm("embedder")
    first = state(models, "embedder").pid
    os.kill(first, signal.SIGSTOP)
    asked = asyncio.ensure_future(models.embed("embedder", {"input": ["a ship"]}))
    await until(lambda: state(models, "embedder").running == 1)
    os.kill(first, signal.SIGKILL)
    assert len((await asked)["data"]) == 1
    await models.close()


@posix_only
async def test_a_model_that_dies_while_nobody_asks_is_there_again_before_somebody_does(model_home: Home) -> None:
    models = make(model_home)
    await models.prewarm(MODEL)
    first = state(models).pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: state(models).state == "ready" and state(models).pid != first)
    assert is_whole(await answer(models))
    await models.close()


@posix_only
async def test_a_worker_that_hangs_is_killed_and_replaced(model_home: Home) -> None:
    models = make(model_home)
    await models.prewarm(MODEL)
    first = state(models).pid
    heard = asyncio.Event()
    running = asyncio.ensure_future(answer(models, SLOW, heard=heard))
    await heard.wait()
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(errors.LocalModelFailed, match="said nothing for 10 s"):
        await running
    assert is_whole(await answer(models))
    await models.close()


async def test_an_idle_model_is_unloaded_and_loads_again(model_home: Home) -> None:
    models = make(model_home, local_idle_seconds=0.3)
    assert is_whole(await answer(models))
    pid = state(models).pid
    await until(lambda: state(models).state == "unloaded" and not psutil.pid_exists(pid))
    assert is_whole(await answer(models))
    await models.close()


async def test_a_model_in_use_is_not_idle(model_home: Home) -> None:
    models = make(model_home, local_idle_seconds=0.05)
    chunks = await answer(models, {**SLOW, "max_tokens": 40})
    assert is_whole(chunks)
    await models.close()


async def test_a_model_that_can_not_be_loaded_says_so_and_does_not_keep_callers_waiting(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").make()
    (tmp_path / "toy.gguf").write_bytes(ggufs.honest())  # a true header, and no model in it
    Registry(home, {}).add(tmp_path / "toy.gguf", "toy", link=False)
    models = make(home)
    for _ in range(3):
        with pytest.raises(errors.LocalModelFailed, match="toy"):
            await answer(models, model="toy")
    assert state(models, "toy").state == "failed"
    await models.close()


async def test_a_damaged_file_is_not_offered_and_the_status_says_why(tmp_path: Path, model_file: Path) -> None:
    home = Home(tmp_path / "home").make()
    with model_file.open("rb") as whole:
        (home.models / catalogue()[MODEL].file).write_bytes(whole.read(1_000_000))
    models = make(home)
    assert models.offered() == ()
    assert "cut off" in state(models).last_failure
    assert not models.status().is_available
    await models.close()


async def test_loading_has_a_time_limit(model_home: Home) -> None:
    models = make(model_home, local_load_seconds_max=0.01)
    with pytest.raises(errors.LocalModelFailed, match="did not load the model within"):
        await answer(models)
    await models.close()


async def test_closing_while_a_model_loads_fails_those_who_wait_and_leaves_no_process(model_home: Home) -> None:
    before = {child.pid for child in psutil.Process().children()}
    models = make(model_home)
    for moment in (0.0, 0.02, 0.2, 0.5):
        waiting = asyncio.ensure_future(answer(models))
        await until(lambda: state(models).state == "loading")
        await asyncio.sleep(moment)
        await models._running[MODEL].unload()
        with pytest.raises(errors.LocalModelFailed, match="was stopped"):
            await waiting
    await models.close()
    await until(lambda: {child.pid for child in psutil.Process().children()} <= before)


async def test_models_come_and_go_while_the_server_runs(
    tmp_path: Path, embedding_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models_module, "LOOK_SECONDS", 0.05)
    home = Home(tmp_path / "home").make()
    models, changes = make(home), list[int]()
    watching = asyncio.ensure_future(models.watch(lambda: changes.append(len(models.offered()))))
    assert "models get" in models.status().reason
    registry = Registry(home, catalogue())
    await asyncio.to_thread(lambda: registry.add(embedding_file, "embedder", link=True))
    await until(lambda: changes == [1])
    found = await models.embed("embedder", {"input": ["a ship", "the sea"]})
    assert [row["index"] for row in found["data"]] == [0, 1]
    with pytest.raises(errors.FeatureUnsupported, match="makes embeddings only"):
        await answer(models, model="embedder")
    pid = state(models, "embedder").pid
    await asyncio.to_thread(lambda: registry.remove("embedder"))
    await until(lambda: changes == [1, 0])
    await until(lambda: not psutil.pid_exists(pid))
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await models.close()


async def test_without_an_engine_nothing_is_offered_and_the_status_says_how_to_get_one(
    model_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_choice, "ENGINES", {})
    models = make(model_home)
    assert models.offered() == ()
    assert "gatehouse[local]" in models.status().reason
    with pytest.raises(errors.LocalModelFailed):
        await answer(models)
    await models.close()


async def test_turned_off_means_off(model_home: Home) -> None:
    models = make(model_home, local_models=False)
    assert models.offered() == ()
    assert "turned off" in models.status().reason
    await models.close()


async def test_a_linked_file_that_has_become_another_never_reaches_the_engine(tmp_path: Path, embedding_file: Path) -> None:
    home, file = Home(tmp_path / "home").make(), tmp_path / "linked.gguf"
    link(embedding_file, file)
    Registry(home, catalogue()).add(file, "linked", link=True)
    models, before = make(home), {child.pid for child in psutil.Process().children()}
    whole = await asyncio.to_thread(file.read_bytes)
    file.unlink()  # it may be the same file as the other tests'
    for changed, why in (
        (b"%PDF" + whole[4:], "this is no GGUF file"),
        (whole + b"more", "its file is another one than was added"),
    ):
        file.write_bytes(changed)
        with pytest.raises(errors.LocalModelFailed, match=why):
            await models.load("linked")
        assert {child.pid for child in psutil.Process().children()} <= before, "no worker was started for it"
        await models.look()
        assert models.offered() == ()
        assert why in str(models.detail("linked").last_failure)
        with pytest.raises(errors.LocalModelFailed, match=why):
            await models.load("linked")
        file.write_bytes(whole)
        await models.look()
        assert [each.id for each in models.offered()] == ["linked"]
    await models.close()


async def test_the_memory_is_reckoned_from_what_the_file_says_when_it_is_loaded(tmp_path: Path) -> None:
    home, file = Home(tmp_path / "home").make(), tmp_path / "linked.gguf"
    file.write_bytes(ggufs.honest())
    Registry(home, catalogue()).add(file, "linked", link=True)
    models = make(home, local_memory_bytes=models_need(make(home)) + 1)
    file.write_bytes(ggufs.honest({**ggufs.HONEST, "llama.attention.head_count": 1, "llama.attention.head_count_kv": 1}))
    with pytest.raises(errors.ModelTooLarge):
        await models.load("linked")
    await models.close()


def models_need(models: LocalModels) -> int:
    return models.detail("linked").memory_bytes


async def test_the_look_around_goes_on_after_a_failure_that_nobody_foresaw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models_module, "LOOK_SECONDS", 0.01)
    models, looks = make(Home(tmp_path / "home").make()), list[int]()

    async def failing() -> None:
        looks.append(1)
        raise ValueError("embedded null byte")

    monkeypatch.setattr(models, "look", failing)
    watching = asyncio.ensure_future(models.watch(lambda: None))
    await until(lambda: len(looks) > 2 or watching.done())
    assert not watching.done()
    said = capsys.readouterr().err
    assert (said.count("look_failed"), said.count("ValueError")) == (1, 1)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await models.close()


async def test_a_broken_list_keeps_nothing_from_starting(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").make()
    (home.models / "registry.json").mkdir()
    models = make(home)
    assert "can't be read: Is a directory" in models.status().reason
    await models.look()
    await models.close()
