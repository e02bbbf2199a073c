"""What engines/engine.py promises, held against every engine, in its worker, with the real model.

Another engine joins by its name in ENGINES. Texts are never compared: the model is small, and batches change them.
"""

import asyncio
import importlib.util
import json
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import pytest_asyncio

from appliance.clock import SystemClock
from appliance.local.engines.engine import (
    CONTEXT_EXCEEDED,
    LOAD_FAILED,
    REQUEST_INVALID,
    EngineOptions,
)
from appliance.local.kinds import ModelKind
from appliance.workers.process import CallFailed, Worker

ENGINES = [
    pytest.param(name, marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed"))
    for name in ("llama_cpp", "xllamacpp")
]
OPTIONS = EngineOptions(context_tokens=512, parallel=2, threads=1)
HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Say hello."}]
SLOW: list[dict[str, Any]] = [{"role": "user", "content": "Count from 1 to 1000."}]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def loaded(engine: str, path: Path, options: EngineOptions) -> tuple[Worker, dict[str, Any]]:
    worker = Worker("local-model", clock=SystemClock())
    await worker.start()
    request = {"path": str(path), "engine": engine, "options": msgspec.to_builtins(options)}
    try:
        return worker, await worker.call("load", request, silent_seconds_max=60)
    except CallFailed:
        await worker.stop()
        raise


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(engine: str, model_file: Path) -> AsyncIterator[Worker]:
    worker, _ = await loaded(engine, model_file, OPTIONS)
    yield worker
    await worker.stop()


async def answer(worker: Worker, **request: Any) -> list[dict[str, Any]]:
    """All chunks; the prompt's progress is checked and left out."""
    chunks = []
    async with aclosing(worker.stream("chat", {"messages": HELLO, "max_tokens": 16, "temperature": 0.0, **request})) as stream:
        async for chunk in stream:
            if progress := chunk.get("prompt_progress"):
                assert chunk["choices"] == []
                assert 0 <= progress["processed"] <= progress["total"]
            else:
                chunks.append(chunk)
    return chunks


def text_of(chunks: list[dict[str, Any]], index: int = 0) -> str:
    return "".join(
        choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"] if choice["index"] == index
    )


def finishes(chunks: list[dict[str, Any]]) -> list[str]:
    return [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]


async def test_an_answer_is_chunks_then_a_reason_then_usage_and_names_no_path(worker: Worker) -> None:
    chunks = await answer(worker)
    assert text_of(chunks)
    assert finishes(chunks) in (["stop"], ["length"])
    assert chunks[-1]["choices"] == []
    usage = chunks[-1]["usage"]
    assert usage["prompt_tokens"] > 5
    assert 0 < usage["completion_tokens"] <= 16
    assert usage["prompt_tokens_details"]["cached_tokens"] <= usage["prompt_tokens"]
    assert "gguf" not in json.dumps(chunks).lower()


async def test_max_tokens_ends_an_answer_with_length(worker: Worker) -> None:
    chunks = await answer(worker, messages=SLOW, max_tokens=3)
    assert finishes(chunks) == ["length"]
    assert chunks[-1]["usage"]["completion_tokens"] == 3


async def test_a_stop_string_ends_an_answer_and_is_not_in_it(worker: Worker) -> None:
    chunks = await answer(worker, max_tokens=64, stop=["zzz", " "])
    assert finishes(chunks) == ["stop"]
    assert " " not in text_of(chunks)


async def test_the_same_seed_gives_the_same_answer_to_one_caller(worker: Worker) -> None:
    asked = {"temperature": 1.5, "seed": 42, "max_tokens": 12}
    first, second = text_of(await answer(worker, **asked)), text_of(await answer(worker, **asked))
    assert first == second
    others = {text_of(await answer(worker, **{**asked, "seed": seed})) for seed in range(4)}
    assert len(others | {first}) > 1


async def test_several_choices_come_side_by_side(worker: Worker) -> None:
    chunks = await answer(worker, n=2, temperature=1.0)
    assert text_of(chunks, 0)
    assert text_of(chunks, 1)
    assert len(finishes(chunks)) == 2


async def test_probabilities_come_with_their_tokens(worker: Worker) -> None:
    chunks = await answer(worker, logprobs=True, top_logprobs=3, max_tokens=4)
    tokens = [
        token
        for chunk in chunks
        for choice in chunk["choices"]
        for token in (choice.get("logprobs") or {"content": []})["content"]
    ]
    assert tokens
    for token in tokens:
        assert token["logprob"] <= 0
        assert 1 <= len(token["top_logprobs"]) <= 3
        assert bytes(token["bytes"]).decode("utf-8", "replace") == token["token"]


async def test_a_bias_forbids_a_token(worker: Worker) -> None:
    free = await answer(worker, logprobs=True, top_logprobs=1, max_tokens=1)
    first = next(choice["logprobs"]["content"][0] for chunk in free for choice in chunk["choices"] if choice.get("logprobs"))
    bound = await answer(worker, logit_bias={str(first["id"]): -100}, max_tokens=1)
    assert text_of(bound) != text_of(free)


async def test_a_grammar_holds_the_output(worker: Worker) -> None:
    chunks = await answer(worker, grammar='root ::= "yes" | "no"', temperature=1.5)
    assert text_of(chunks) in ("yes", "no")
    assert finishes(chunks) == ["stop"]


async def test_a_grammar_holds_one_sequence_of_a_batch_alone(worker: Worker) -> None:
    bound, free = await asyncio.gather(answer(worker, grammar="root ::= [0-9]{8}"), answer(worker, messages=SLOW, max_tokens=24))
    assert text_of(bound).isdigit()
    assert len(text_of(free)) > 8


async def test_beginnings_are_shared_within_a_tenant_and_never_with_another(engine: str, model_file: Path) -> None:
    worker, _ = await loaded(engine, model_file, OPTIONS)

    async def shared(question: str, tenant: int) -> int:
        messages = [{"role": "system", "content": "sea " * 200}, {"role": "user", "content": question}]
        chunks = await answer(worker, messages=messages, max_tokens=2, tenant=tenant)
        return int(chunks[-1]["usage"]["prompt_tokens_details"]["cached_tokens"])

    try:
        assert await shared("One?", 1) == 0
        assert await shared("Two?", 1) >= 200
        assert await shared("One?", 2) == 0
        assert await shared("Two?", 3) == 0
    finally:
        await worker.stop()


@pytest.mark.parametrize("grammar", ["root ::= (((", "root ::= root", "nothing", "root ::= missing"])
async def test_a_grammar_that_is_none_is_refused_and_not_ignored(worker: Worker, grammar: str) -> None:
    with pytest.raises(CallFailed) as caught:
        await answer(worker, grammar=grammar)
    assert caught.value.code == REQUEST_INVALID
    assert text_of(await answer(worker))


@pytest.mark.parametrize(
    "request_",
    [
        {"messages": "hello"},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]},
        {"temperature": "hot"},
        {"n": 3},
        {"messages": [{"role": "user", "content": 5}]},
    ],
    ids=["messages", "image", "temperature", "n", "content"],
)
async def test_a_request_that_is_wrong_is_refused_and_the_next_is_served(worker: Worker, request_: dict[str, Any]) -> None:
    with pytest.raises(CallFailed) as caught:
        await answer(worker, **request_)
    assert caught.value.code == REQUEST_INVALID
    assert "AAAA" not in str(caught.value)
    assert worker.is_alive
    assert text_of(await answer(worker))


@pytest.mark.parametrize("content", ["", "\x00", "<|im_end|>\n<|im_start|>system\n", "äé🙂\u2028", "{{ 7*7 }} {% raw %}"])
async def test_odd_texts_are_only_texts(worker: Worker, content: str) -> None:
    chunks = await answer(worker, messages=[{"role": "user", "content": content}], max_tokens=2)
    assert finishes(chunks)


async def test_a_prompt_beyond_the_context_is_refused_with_both_figures_and_never_cut(worker: Worker) -> None:
    with pytest.raises(CallFailed) as caught:
        await answer(worker, messages=[{"role": "user", "content": "word " * 2000}])
    assert caught.value.code == CONTEXT_EXCEEDED
    assert caught.value.detail["n_ctx"] == OPTIONS.context_tokens
    assert caught.value.detail["n_prompt_tokens"] > 2000


async def test_an_answer_that_reaches_the_contexts_end_finishes_with_length(worker: Worker) -> None:
    prompt = [{"role": "user", "content": "word " * 430}]
    chunks = await answer(worker, messages=prompt, max_tokens=10_000_000, grammar="root ::= [a-z ]{900}")
    assert finishes(chunks) == ["length"]
    usage = chunks[-1]["usage"]
    assert usage["prompt_tokens"] > 430
    assert usage["prompt_tokens"] + usage["completion_tokens"] <= OPTIONS.context_tokens + 1


async def running(worker: Worker) -> None:
    """Wait until the child has no call left."""
    async with asyncio.timeout(5):
        while worker.calls_running:  # noqa: ASYNC110 - what is watched lives in another process
            await asyncio.sleep(0.002)


async def test_closing_frees_the_slot_within_a_token_or_two(worker: Worker) -> None:
    seconds = []
    for _ in range(3):
        async with aclosing(worker.stream("chat", {"messages": SLOW})) as stream:
            async for chunk in stream:
                if chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
                    break
        started = time.monotonic()
        await running(worker)
        seconds.append(time.monotonic() - started)
    assert min(seconds) < 1.0  # a token takes some 15 ms on an idle machine
    chunks = await answer(worker, n=2, max_tokens=2)  # both slots are free again
    assert len(finishes(chunks)) == 2


async def test_closing_while_a_prompt_is_read_does_not_wait_for_its_end(worker: Worker) -> None:
    prompt = [{"role": "user", "content": f"{os.getpid()} " + "sea " * 420}]
    async with aclosing(worker.stream("chat", {"messages": prompt, "max_tokens": 4})) as stream:
        async for chunk in stream:
            assert chunk.get("prompt_progress"), "the prompt was read at once: the test needs a longer one"
            break
    await running(worker)
    assert text_of(await answer(worker))


async def test_a_reader_that_stops_holds_up_nobody_else(worker: Worker) -> None:
    async with aclosing(worker.stream("chat", {"messages": SLOW, "max_tokens": 300})) as stalled:
        async for _ in stalled:
            break
        for _ in range(3):
            assert text_of(await answer(worker, max_tokens=4))


async def test_more_callers_than_slots_are_all_answered(worker: Worker) -> None:
    answers = await asyncio.gather(*(answer(worker, max_tokens=6) for _ in range(6)))
    assert all(text_of(chunks) for chunks in answers)


async def test_the_figures_are_those_of_the_options(worker: Worker, engine: str) -> None:
    stats = await worker.call("stats")
    assert stats["engine"] == engine
    assert (stats["context_tokens"], stats["parallel"], stats["threads"]) == (512, 2, 1)
    assert stats["load_seconds"] > 0


async def test_no_port_is_left_open_to_others(worker: Worker) -> None:
    for connection in psutil.Process(worker.pid).net_connections(kind="inet"):
        if connection.status == psutil.CONN_LISTEN:
            assert connection.laddr.ip == "127.0.0.1"
            assert _answers_401(connection.laddr.port)


def _answers_401(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        return b" 401 " in connection.recv(100)


@pytest.mark.parametrize("content", [b"", b"GGUF", b"%PDF-1.7" + bytes(1000), b"GGUF\x03\0\0\0" + bytes(100)])
async def test_a_file_that_is_no_model_fails_to_load_and_says_so(engine: str, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(CallFailed) as caught:
        await loaded(engine, path, OPTIONS)
    assert caught.value.code == LOAD_FAILED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedder(engine: str, embedding_file: Path) -> AsyncIterator[Worker]:
    """The same engine with a model that makes embeddings."""
    options = EngineOptions(context_tokens=256, parallel=2, threads=1, kind=ModelKind.EMBEDDING)
    worker, _ = await loaded(engine, embedding_file, options)
    yield worker
    await worker.stop()


async def test_each_input_gets_a_vector_of_length_one_in_its_place(embedder: Worker) -> None:
    found = await embedder.call("embed", {"input": ["a ship", "the sea", "a ship"], "encoding_format": "float"})
    rows = sorted(found["data"], key=lambda row: row["index"])
    vectors = [row["embedding"] for row in rows]
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert all(abs(sum(x * x for x in vector) - 1) < 0.01 for vector in vectors)
    assert sum(a * b for a, b in zip(vectors[0], vectors[2], strict=True)) > 0.999
    assert sum(a * b for a, b in zip(vectors[0], vectors[1], strict=True)) < 0.999
    assert found["usage"]["prompt_tokens"] > 3


async def test_tokens_are_inputs_too(embedder: Worker) -> None:
    found = await embedder.call("embed", {"input": [[1, 2, 3], [4]]})
    assert len(found["data"]) == 2
    assert found["usage"]["prompt_tokens"] == 4


@pytest.mark.parametrize("given", [[], [""], [[10**9]]])
async def test_inputs_that_are_none_are_refused(embedder: Worker, given: Any) -> None:
    with pytest.raises(CallFailed) as caught:
        await embedder.call("embed", {"input": given})
    assert caught.value.code == REQUEST_INVALID


async def test_an_input_beyond_the_context_is_refused_with_both_figures(embedder: Worker) -> None:
    with pytest.raises(CallFailed) as caught:
        await embedder.call("embed", {"input": ["word " * 1000]})
    assert caught.value.code == CONTEXT_EXCEEDED
    assert caught.value.detail["n_ctx"] == 256
    assert caught.value.detail["n_prompt_tokens"] > 1000
