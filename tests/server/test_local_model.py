"""The local model through the door: answers, limits, and what happens when its worker is killed."""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil
import pytest

from tests.calls import Answer, Client, Collected, chat, written
from tests.conftest import MakeAppliance
from tests.pictures import PIXEL
from tests.running import Appliance, eventually, local_seats

MODEL = "smollm2-135m-instruct"
MODEL_BYTES = 100 * 1024 * 1024  # a process that takes more memory has the model loaded
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green", "blue"]}, "count": {"type": "integer"}, "likes": {"type": "boolean"}},
    "required": ["colour", "count", "likes"],
    "additionalProperties": False,
}
WEATHER = {"name": "get_weather", "description": "Weather of a city", "parameters": SCHEMA}
TIME = {"name": "get_time", "parameters": {"type": "object", "properties": {"utc": {"type": "boolean"}}, "required": ["utc"]}}
TOOLS = [{"type": "function", "function": WEATHER}, {"type": "function", "function": TIME}]


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance) -> Appliance:
    return appliances(env={"OPENAI_ORG_SECRET": "canary-environment"}, model=True)


@pytest.fixture(scope="module")
def narrow(appliances: MakeAppliance) -> Appliance:
    """One that answers as few requests at a time as its engine can, lets one more wait, and shows early that it lives."""
    return appliances(settings={"local_parallel": 1, "local_queue_max": 1, "keepalive_seconds": 0.2}, model=True)


def ask(door: Appliance, content: str = "Hello!", **more: object) -> Answer:
    answer = door.chat(chat(MODEL, content, **{"max_tokens": 12, "temperature": 0, **more}))
    assert answer.status == 200, answer
    return answer


def ask_stream(door: Appliance, content: str = "Hello!", **more: object) -> Collected:
    with door.chat_stream(chat(MODEL, content, **{"max_tokens": 12, "temperature": 0, **more})) as answer:
        assert answer.status == 200
        collected: Collected = answer.collect()
    assert collected.error is None, collected.error
    assert collected.done
    return collected


def check_weather(arguments: str) -> None:
    found = json.loads(arguments)
    assert set(found) == {"colour", "count", "likes"}
    assert found["colour"] in ("red", "green", "blue")
    assert isinstance(found["count"], int)
    assert isinstance(found["likes"], bool)


def test_a_whole_answer(door: Appliance) -> None:
    body = ask(door).json
    assert body["object"] == "chat.completion"
    assert body["model"] == MODEL
    assert body["id"]
    (choice,) = body["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"].strip()
    assert choice["finish_reason"] in ("stop", "length")
    usage = body["usage"]
    assert usage["prompt_tokens"] > 5
    assert 1 <= usage["completion_tokens"] <= 12
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_streamed_answer_in_pieces_with_its_usage_when_asked(door: Appliance) -> None:
    silent = ask_stream(door)
    assert silent.content.strip()
    assert silent.usages == []
    assert silent.finish in ("stop", "length")
    assert len({body["id"] for body in silent.chunks}) == 1
    assert {body["model"] for body in silent.chunks} == {MODEL}
    assert silent.chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert len(silent.chunks) > 3
    asked = ask_stream(door, stream_options={"include_usage": True})
    (usage,) = asked.usages
    assert asked.chunks[-1]["choices"] == []
    assert usage["prompt_tokens"] > 5
    assert usage["completion_tokens"] >= 1


def test_what_was_used_is_in_the_ledger(door: Appliance) -> None:
    answer = ask(door)
    (row,) = door.rows(
        "SELECT r.state, a.tokens_in, a.tokens_out, a.estimated FROM requests r JOIN attempts a ON a.request_id = r.id "
        "WHERE r.id = ?",
        bytes.fromhex(answer.headers["x-request-id"].removeprefix("req_")),
    )
    usage = answer.json["usage"]
    assert (row["state"], row["tokens_in"], row["tokens_out"]) == (1, usage["prompt_tokens"], usage["completion_tokens"])


def test_a_bound_on_tokens_is_kept_and_told(door: Appliance) -> None:
    body = ask(door, "Tell me a long story about the sea.", max_tokens=3).json
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 3


def test_a_stop_sequence_ends_the_answer_and_is_not_in_it(door: Appliance) -> None:
    content = "Repeat exactly: one, two, three, four, five"
    free = ask(door, content, max_tokens=30).content
    stop = free.strip()[2:5]
    assert stop
    whole = ask(door, content, max_tokens=30, stop=[stop]).content
    for text in (whole, ask_stream(door, content, max_tokens=30, stop=stop).content):
        assert stop not in text
        assert len(text) < len(free)


def test_the_same_seed_gives_the_same_answer_and_another_one_differs(door: Appliance) -> None:
    def say(seed: int) -> str:
        return ask(door, "Invent a name for a ship.", seed=seed, temperature=1.5, max_tokens=16).content

    say(1)  # from here on the prompt is in the engine's cache, so that all runs begin alike
    assert say(1) == say(1)
    assert len({say(seed) for seed in (1, 2, 3, 4)}) > 1


def test_a_json_schema_is_enforced_whole_and_streamed(door: Appliance) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "taste", "strict": True, "schema": SCHEMA}}
    content = "What do you like?"
    check_weather(ask(door, content, response_format=wanted, max_tokens=80).content)
    check_weather(ask_stream(door, content, response_format=wanted, max_tokens=80).content)


def test_json_object_gives_an_object(door: Appliance) -> None:
    body = ask(door, "Describe a cat in json.", response_format={"type": "json_object"}, max_tokens=40).json
    if body["choices"][0]["finish_reason"] == "stop":  # a small model may not find its end within the bound
        assert isinstance(json.loads(body["choices"][0]["message"]["content"]), dict)
    assert body["choices"][0]["message"]["content"].lstrip().startswith("{")


@pytest.mark.parametrize("stream", [False, True])
def test_a_named_tool_is_called_with_arguments_that_fit_its_schema(door: Appliance, stream: bool) -> None:
    asked = {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "get_weather"}}, "max_tokens": 80}
    name, arguments, call_id, finish = tool_call(door, stream, asked)
    assert name == "get_weather"
    assert call_id
    assert finish in ("stop", "tool_calls")
    check_weather(arguments)


@pytest.mark.parametrize("stream", [False, True])
def test_some_tool_is_called_when_one_is_required(door: Appliance, stream: bool) -> None:
    name, arguments, call_id, finish = tool_call(door, stream, {"tools": TOOLS, "tool_choice": "required", "max_tokens": 80})
    assert call_id
    assert finish == "tool_calls"
    if name == "get_weather":
        check_weather(arguments)
    else:
        assert name == "get_time"
        assert isinstance(json.loads(arguments)["utc"], bool)


def tool_call(door: Appliance, stream: bool, asked: dict[str, object]) -> tuple[str, str, str, str]:
    """(name, arguments, id, finish reason) of the one call that the model makes."""
    if not stream:
        choice = ask(door, "Weather, please.", **asked).json["choices"][0]
        (call,) = choice["message"]["tool_calls"]
        assert call["type"] == "function"
        return call["function"]["name"], call["function"]["arguments"], call["id"], choice["finish_reason"]
    collected = ask_stream(door, "Weather, please.", **asked)
    pieces = [call for body in collected.chunks for one in body["choices"] for call in one["delta"].get("tool_calls") or []]
    assert pieces[0]["type"] == "function"
    assert {piece["index"] for piece in pieces} == {0}
    assert not any("id" in piece for piece in pieces[1:]), "only the first piece of a call carries its id"
    arguments = "".join(piece["function"].get("arguments", "") for piece in pieces)
    return pieces[0]["function"]["name"], arguments, pieces[0]["id"], str(collected.finish)


def test_tools_may_be_offered_without_being_called(door: Appliance) -> None:
    message = ask(door, tools=TOOLS, tool_choice="none").json["choices"][0]["message"]
    assert message["content"]
    assert not message.get("tool_calls")


def test_a_history_with_tool_calls_and_their_answers_is_understood(door: Appliance) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": '{"utc": true}'}}
    history = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What time is it?"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
    ]
    answer = door.chat({"model": MODEL, "messages": history, "tools": TOOLS, "max_tokens": 8})
    assert answer.status == 200, answer


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_beyond_the_context_is_refused_with_both_figures(door: Appliance, stream: bool) -> None:
    answer = door.chat(chat(MODEL, "word " * 9000, stream=stream))
    assert (answer.status, answer.error["code"]) == (400, "context_length_exceeded"), answer
    figures = [int(figure) for figure in re.findall(r"\d{3,}", answer.error["message"])]
    assert len(figures) >= 2, answer.error
    assert max(figures) > 8000, "the prompt's own length is not told"
    assert answer.error["fix"]


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"type": "image_url", "image_url": {"url": PIXEL}}, "image"),
        ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, "audio"),
    ],
)
def test_what_the_model_cannot_do_is_refused_by_name(door: Appliance, part: dict[str, object], named: str) -> None:
    answer = door.chat({"model": MODEL, "messages": [{"role": "user", "content": [part]}]})
    assert (answer.status, answer.error["code"]) == (400, "unsupported_feature"), answer
    assert named in answer.error["message"].lower()


def test_several_choices_are_given_or_refused_by_name(door: Appliance) -> None:
    answer = door.chat(chat(MODEL, n=2, max_tokens=4))
    if answer.status == 200:
        assert len(answer.json["choices"]) == 2
    else:
        assert answer.error["code"] == "unsupported_feature"
        assert answer.error["param"] == "n"


def test_a_chat_model_gives_no_embeddings_and_says_so(door: Appliance, api_key: str) -> None:
    answer = door.call("POST", "/v1/embeddings", {"model": MODEL, "input": "x"}, token=api_key)
    assert answer.status in (400, 404), answer
    assert answer.error["code"] in ("unsupported_feature", "model_not_found")


def test_several_callers_are_answered_side_by_side(door: Appliance) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: ask(door, f"Say {number}.", max_tokens=6), range(6)))
    assert all(answer.content for answer in answers)


def test_the_workers_port_is_shut_to_everyone_else(door: Appliance) -> None:
    ask(door)
    listening = [
        connection.laddr
        for child in door.children()
        for connection in child.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    for address in listening:
        assert address.ip in ("127.0.0.1", "::1"), f"a worker listens on {address}"
        stranger = Client(address.port)
        for method, path in (
            ("GET", "/props"),
            ("GET", "/slots"),
            ("GET", "/metrics"),
            ("POST", "/completion"),
            ("POST", "/v1/chat/completions"),
            ("POST", "/tokenize"),
        ):
            answer = stranger.call(method, path, {"prompt": "x", "messages": []} if method == "POST" else None, timeout=10)
            assert answer.status in (401, 403, 404, 501), (path, answer)


def test_the_worker_knows_nothing_of_the_servers_environment(door: Appliance) -> None:
    ask(door)
    children = door.children()
    assert children, "no worker runs"
    for child in children:
        told = " ".join([*child.environ().values(), *child.cmdline()])
        assert "canary-environment" not in told
        assert str(door.home / "master.key") not in told


def test_a_stream_that_waits_is_kept_alive_by_comments_and_a_full_queue_is_429(narrow: Appliance) -> None:
    box = narrow
    loading = ask_stream(box, max_tokens=2)  # the first request loads the model
    assert loading.comments, "no sign of life while the model loads"
    long = chat(MODEL, "A long story.", max_tokens=1500, logit_bias=never_end())
    with ExitStack() as answered:
        for _ in range(local_seats(1)):
            first = answered.enter_context(box.chat_stream(long))
            next(first.events())
        with box.chat_stream(long) as second:
            waiting = second.events()
            assert next(waiting).data is None, "no sign of life while the queue waits"
            refused = box.chat(long)
            assert (refused.status, refused.error["code"]) == (429, "queue_full"), refused
            assert refused.error["fix"]
            first.hang_up()
            eventually(lambda: next(waiting).data, 10)


def test_a_caller_that_leaves_frees_its_slot(narrow: Appliance) -> None:
    box = narrow
    ask(box, max_tokens=1)
    with box.chat_stream(chat(MODEL, "Tell me a very long story.", max_tokens=1900, logit_bias=never_end())) as answer:
        events = answer.events()
        for _ in range(3):
            next(events)
        request_id = answer.headers["x-request-id"].removeprefix("req_")
    started = time.monotonic()
    ask(box, max_tokens=1)
    assert time.monotonic() - started < 5, "the slot was still taken: a whole story takes half a minute"
    (row,) = eventually(lambda: box.rows("SELECT state FROM requests WHERE id = ? AND state != 0", bytes.fromhex(request_id)))
    assert row["state"] == 3

    with box.connect() as connection:  # and the same for a whole answer
        body = chat(MODEL, "Tell me a very long story.", max_tokens=1900, logit_bias=never_end())
        connection.sendall(written("/v1/chat/completions", box.api_key, body))
        time.sleep(0.5)
    started = time.monotonic()
    ask(box, max_tokens=1)
    assert time.monotonic() - started < 5


def never_end() -> dict[str, int]:
    """Forbids SmolLM2's <|im_end|> and <|endoftext|>, so that a long answer is one."""
    return {"2": -100, "0": -100}


def worker_of(box: Appliance) -> psutil.Process:
    """The one child that holds the model; loaded first, where it isn't."""
    ask(box, max_tokens=1)
    (found,) = models(box)
    return found


def models(box: Appliance) -> list[psutil.Process]:
    """Its children that hold a model; those that read files and pictures can be as large."""
    return [child for child in box.children() if holds_a_model(child)]


def holds_a_model(child: psutil.Process) -> bool:
    try:
        return "local-model" in child.cmdline() and child.memory_info().rss > MODEL_BYTES
    except psutil.NoSuchProcess:  # it ended meanwhile
        return False


def test_a_worker_killed_in_mid_stream_costs_that_request_only(door: Appliance) -> None:
    box, worker = door, worker_of(door)
    with box.chat_stream(chat(MODEL, "Tell me a very long story.", max_tokens=1500, logit_bias=never_end())) as answer:
        events = answer.events()
        first = [next(events) for _ in range(3)]
        worker.kill()
        rest = Collected(first + list(events))
    assert rest.error is not None, "the stream ended as if nothing had happened"
    assert rest.error["code"] == "local_model_failed"
    assert not rest.done
    assert box.call("GET", "/health").status == 200
    assert ask(box, max_tokens=4).content, "the next request is answered by the restarted worker"
    assert worker_of(box).pid != worker.pid
    (row,) = box.rows(
        "SELECT state FROM requests WHERE id = ?", bytes.fromhex(answer.headers["x-request-id"].removeprefix("req_"))
    )
    assert row["state"] == 4


def test_a_worker_killed_while_a_whole_answer_is_made_gives_503(door: Appliance) -> None:
    box, worker = door, worker_of(door)
    found: list[Answer] = []
    asking = threading.Thread(
        target=lambda: found.append(box.chat(chat(MODEL, "A long story.", max_tokens=1500, logit_bias=never_end())))
    )
    asking.start()
    time.sleep(1)
    worker.kill()
    asking.join(30)
    assert (found[0].status, found[0].error["code"]) == (503, "local_model_failed"), found
    assert found[0].error["fix"]
    assert ask(box, max_tokens=2).content


def test_an_idle_model_is_unloaded_and_loaded_again(appliance: MakeAppliance) -> None:
    box = appliance(settings={"local_idle_seconds": 1.0}, model=True)
    assert box.call("GET", "/ready").status == 200, "an unloaded model is ready"
    assert not models(box)
    ask(box, max_tokens=2)
    assert models(box)
    eventually(lambda: not models(box), 15)
    assert ask(box, max_tokens=2).content
