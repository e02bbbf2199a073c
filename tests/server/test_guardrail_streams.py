"""Answers that a policy changes or stops while they stream: by the vendors' own SDKs, before every kind of provider."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from appliance.metering.entries import RequestState
from tests.calls import Collected
from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.bedrock_wire import BEARER_KEY, REGION
from tests.fakes.scripted import script
from tests.fakes.scripted import streamed as scripted
from tests.pictures import PIXEL
from tests.running import Appliance, Fake, eventually

EMAIL, SECRET = "asha.verma@mail.example.in", "AKIAQ3EGUZ7XK4WLMN2P"
BEFORE = "So the key of the machine is this: "
KINDS = ("openai", "openai-compatible", "anthropic", "google", "bedrock")


@pytest.fixture(scope="module")
def vendor(fake: MakeFake) -> Fake:
    return fake("canned")


@pytest.fixture(scope="module")
def teller(fake: MakeFake) -> Fake:
    return fake("scripted")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, vendor: Fake, teller: Fake) -> Appliance:
    shared = {"api_key": "sk-fake-0123456789", "models": ["m"]}
    addresses = {kind: f"{vendor.url}/v1" if kind.startswith("openai") else vendor.url for kind in KINDS}
    providers: list[dict[str, Any]] = [{"name": kind, "kind": kind, "base_url": addresses[kind], **shared} for kind in KINDS]
    providers[-1] |= {"api_key": BEARER_KEY, "region": REGION}
    providers.append(teller.provider("teller", models=["m"]))
    return appliances(settings={"providers": providers, "guardrail_policy": "default"})


@pytest.fixture(scope="module")
def open_ai(door: Appliance) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=door.api_key, max_retries=0, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def claude(door: Appliance) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=door.url, api_key=door.api_key, max_retries=0, timeout=30) as made:
        yield made


ASKED: dict[str, Any] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hi"}], "stream_options": {"include_usage": True}},
    "/v1/responses": {"input": "Hi", "store": False},
    "/v1/messages": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 64},
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
EVERY_PATH = pytest.mark.parametrize("path", ASKED)


def collected(door: Appliance, path: str, kind: str) -> Collected:
    body = {"model": f"{kind}/m", "stream": True, **ASKED[path]}
    with door.stream("POST", path, body, token=door.api_key) as answer:
        assert answer.status == 200
        read: Collected = answer.collect()
        return read


def stops(vendor: Fake, **more: str) -> None:
    """It says the secret in the middle of its words, in pieces, and stays on the line."""
    vendor.set_faults({"m": {"content": f"{BEFORE}{SECRET} and more", "*pieces": "5", "*hangs": "yes", **more}})
    vendor.forget()


@EVERY_PATH
@EVERY_KIND
def test_a_stopped_answer_is_booked_its_upstream_let_go_and_the_reason_told(
    door: Appliance, vendor: Fake, path: str, kind: str
) -> None:
    stops(vendor)
    read = collected(door, path, kind)
    assert SECRET[:10].encode() not in read.raw
    assert read.last_words is not None
    assert read.last_words["guardrails"] == {"policy": "default@1", "blocked": "SECRET_AWS=1"}
    assert read.last_words["tokens_out"] > 0
    (row,) = door.rows(
        "SELECT r.state, n.value AS finish FROM requests r JOIN attempts a ON a.request_id = r.id"
        " JOIN names n ON n.id = a.finish_name ORDER BY r.id DESC LIMIT 1"
    )
    assert (row["state"], row["finish"]) == (RequestState.SETTLED, "content_filter")
    eventually(lambda: vendor.last().hung_up)


@EVERY_KIND
def test_openais_sdk_reads_a_stopped_chat(open_ai: openai.OpenAI, vendor: Fake, kind: str) -> None:
    stops(vendor)
    asked: Any = {"model": f"{kind}/m", **ASKED["/v1/chat/completions"]}
    chunks = list(open_ai.chat.completions.create(stream=True, **asked))
    said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert BEFORE.startswith(said.strip())
    assert said
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == ["content_filter"]
    assert [chunk.usage.completion_tokens > 0 for chunk in chunks if chunk.usage] == [True]
    with pytest.raises(openai.ContentFilterFinishReasonError), open_ai.chat.completions.stream(**asked) as stream:
        stream.get_final_completion()


@EVERY_KIND
def test_openais_sdk_reads_a_stopped_response(open_ai: openai.OpenAI, vendor: Fake, kind: str) -> None:
    stops(vendor)
    with open_ai.responses.stream(model=f"{kind}/m", input="Hi", store=False) as stream:
        events: list[Any] = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1]
    assert (last.type, last.response.status, last.response.incomplete_details.reason) == (
        "response.incomplete",
        "incomplete",
        "content_filter",
    )
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said
    assert BEFORE.startswith(said.strip())
    assert last.response.output_text == said


@EVERY_KIND
def test_anthropics_sdk_reads_a_stopped_message(claude: anthropic.Anthropic, vendor: Fake, kind: str) -> None:
    stops(vendor)
    asked: Any = {"model": f"{kind}/m", **ASKED["/v1/messages"]}
    with claude.messages.stream(**asked) as stream:
        message = stream.get_final_message()
    assert message.stop_reason == "refusal"
    said = "".join(block.text for block in message.content if block.type == "text")
    assert said
    assert BEFORE.startswith(said.strip())
    assert message.usage.output_tokens > 0


@EVERY_PATH
@EVERY_KIND
@pytest.mark.parametrize("cut", ["1", "2", "3", "7", "1000"])
def test_words_of_any_script_and_arguments_stay_whole_wherever_they_are_cut(
    door: Appliance, vendor: Fake, path: str, kind: str, cut: str
) -> None:
    words = "नमस्ते 👩‍👩‍👧 Grüße an %s, 你好 \U0001f44b🏽 Ω"
    arguments_told = {"arguments": f'say "{EMAIL}" \\ and go'}
    vendor.set_faults({"m": {"content": words % EMAIL, "refusal": "", **arguments_told, "*pieces": cut}})
    read = collected(door, path, kind)
    assert EMAIL.encode() not in read.raw
    content, arguments = put_together(path, read)
    assert content == words % "[EMAIL]"
    assert json.loads(arguments)["to"] == 'say "[EMAIL]" \\ and go'


def put_together(path: str, read: Collected) -> tuple[str, str]:
    """(words, arguments of the call), as clients read them."""
    if path == "/v1/chat/completions":
        deltas = [choice["delta"] for body in read.chunks for choice in body["choices"]]
        calls = [call["function"].get("arguments", "") for delta in deltas for call in delta.get("tool_calls") or ()]
        return "".join(delta.get("content") or "" for delta in deltas), "".join(calls)
    if path == "/v1/responses":
        by_kind = {kind: [body["delta"] for body in read.bodies if body["type"] == kind] for kind in _RESPONSES_DELTAS}
        content, arguments = ("".join(pieces) for pieces in by_kind.values())
        last = read.bodies[-1]["response"]
        told = [part["text"] for item in last["output"] if item["type"] == "message" for part in item["content"]]
        assert told == [content], "what is told whole at the end is what was told in pieces"
        return content, arguments
    started = {body["index"]: body["content_block"]["type"] for body in read.bodies if body["type"] == "content_block_start"}
    deltas = [(started[body["index"]], body["delta"]) for body in read.bodies if body["type"] == "content_block_delta"]
    words = [delta.get("text", "") for kind, delta in deltas if kind == "text"]
    return "".join(words), "".join(delta.get("partial_json", "") for kind, delta in deltas if kind == "tool_use")


_RESPONSES_DELTAS = ("response.output_text.delta", "response.function_call_arguments.delta")


@EVERY_PATH
@EVERY_KIND
def test_what_was_held_when_an_answer_breaks_off_is_told_before_the_error(
    door: Appliance, vendor: Fake, path: str, kind: str
) -> None:
    vendor.set_faults({"m": {"content": f"Write to {EMAIL}", "*pieces": "6", "*drops": "le.in"}})
    read = collected(door, path, kind)
    content, _ = put_together_broken(path, read)
    assert content == "Write to [EMAIL]"
    assert b'"error"' in read.events[-1].raw
    assert not read.done


def put_together_broken(path: str, read: Collected) -> tuple[str, str]:
    if path != "/v1/responses":
        return put_together(path, read)
    return "".join(body["delta"] for body in read.bodies if body["type"] == "response.output_text.delta"), ""


def chat_event(index: int, delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
    choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
    body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(body)}\n\n"


def tells(teller: Fake, *events: str) -> None:
    teller.set_faults({"m": script(scripted(*events, "data: [DONE]\n\n"), "0\r\n\r\n")})


def test_of_several_choices_each_is_changed_by_itself(door: Appliance, teller: Fake) -> None:
    texts = {0: f"Mail {EMAIL} now", 1: "SSN 123-45-6789, she said", 2: "nothing at all"}
    pieces = [(index, text[at : at + 3]) for at in range(0, 40, 3) for index, text in texts.items() if text[at : at + 3]]
    events = [chat_event(index, {"content": piece}) for index, piece in pieces]
    tells(teller, *events, *(chat_event(index, {}, "stop") for index in texts))
    with door.chat_stream({"model": "teller/m", "n": 3, "messages": [{"role": "user", "content": "Hi"}]}) as answer:
        read = answer.collect()
    told = dict.fromkeys(texts, "")
    for body in read.chunks:
        for choice in body["choices"]:
            told[choice["index"]] += choice["delta"].get("content") or ""
    assert told == {0: "Mail [EMAIL] now", 1: "SSN [US_SSN], she said", 2: "nothing at all"}
    assert read.done
    assert sorted(c["index"] for body in read.chunks for c in body["choices"] if c["finish_reason"]) == [0, 1, 2]


def test_where_one_choice_is_stopped_all_are_ended(door: Appliance, teller: Fake) -> None:
    events = [chat_event(index, {"role": "assistant", "content": "Well, "}) for index in range(3)]
    tells(teller, *events, chat_event(1, {"content": f"it is {SECRET} ok "}), chat_event(0, {"content": "never"}))
    with door.chat_stream({"model": "teller/m", "n": 3, "messages": [{"role": "user", "content": "Hi"}]}) as answer:
        read = answer.collect()
    ends = {c["index"]: c["finish_reason"] for body in read.chunks for c in body["choices"] if c["finish_reason"]}
    assert ends == dict.fromkeys(range(3), "content_filter")
    assert read.done
    assert b"never" not in read.raw


def test_log_probabilities_are_dropped_from_changed_chunks_alone(door: Appliance, teller: Fake) -> None:
    words = ["Good", " day,", " write", " to", f" {EMAIL}", " if", " you", " can."]
    events = [
        chat_event(0, {"content": word}, logprobs={"content": [{"token": word, "logprob": -0.1, "bytes": None}]})
        for word in words
    ]
    tells(teller, *events, chat_event(0, {}, "stop"))
    with door.chat_stream({"model": "teller/m", "messages": [{"role": "user", "content": "Hi"}]}) as answer:
        read = answer.collect()
    assert read.content == "Good day, write to [EMAIL] if you can."
    choices = [choice for body in read.chunks for choice in body["choices"] if choice["delta"].get("content")]
    kept = [choice["delta"]["content"] for choice in choices if choice.get("logprobs")]
    assert kept[:4] == words[:4]
    assert kept[-1] == words[-1]
    assert all("[EMAIL]" not in text for text in kept)


@EVERY_PATH
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_headers_and_last_words_tell_types_and_counts(door: Appliance, vendor: Fake, path: str, kind: str, stream: bool) -> None:
    vendor.set_faults({"m": {"content": f"{EMAIL} and ravi@mail.example.in, 123-45-6789", "*pieces": "4"}})
    body = json.loads(json.dumps(ASKED[path]).replace('"Hi"', json.dumps(f"From {EMAIL} at 10.1.2.3")))
    image = {"url": PIXEL}
    if path == "/v1/chat/completions":
        body["messages"][0]["content"] = [
            {"type": "text", "text": body["messages"][0]["content"]},
            {"type": "image_url", "image_url": image},
        ]
    if not stream:
        body.pop("stream_options", None)
        answer = door.call("POST", path, {"model": f"{kind}/m", **body}, token=door.api_key)
        headers, of_answer = answer.headers, answer.headers.get("x-gatehouse-answer-masked")
    else:
        with door.stream("POST", path, {"model": f"{kind}/m", "stream": True, **body}, token=door.api_key) as streamed:
            headers, read = streamed.headers, streamed.collect()
        assert read.last_words is not None
        of_answer = read.last_words["guardrails"]["masked"]
    assert headers["x-gatehouse-policy"] == "default@1"
    assert headers["x-gatehouse-masked"] == "EMAIL=1"
    assert headers["x-gatehouse-flagged"] == "IP_ADDRESS=1"
    assert headers.get("x-gatehouse-uninspected") is None
    assert of_answer == "EMAIL=2, US_SSN=1"


ODD_EVENTS = {
    "a comment": f": from {EMAIL}\n" + chat_event(0, {"content": "Well"}),
    "an id": f"id: {EMAIL}\n" + chat_event(0, {"content": "Well"}),
    "several lines of data": chat_event(0, {"content": f"Well {EMAIL}"}).replace(', "model"', ',\ndata: "model"'),
    "a list of parts": chat_event(0, {"content": [{"type": "text", "text": f"Well {EMAIL}"}]}),
    "half a character": chat_event(0, {"content": f"Well {EMAIL}"}).replace("Well", "Well \\ud83d"),
    "a field twice": chat_event(0, {"content": "Well"}).replace('"model"', f'"x": "{EMAIL}", "x": "{EMAIL}", "model"'),
    "an object of arguments": chat_event(0, {"tool_calls": [{"index": 0, "id": "c", "function": {"arguments": {"to": EMAIL}}}]}),
    "a number among arguments": chat_event(0, {"x": {"input": {"card": 4111111111111111}}}),
    "a number too large": chat_event(0, {"content": f"Well {EMAIL}"}).replace('"created": 1', '"created": 1e999'),
    "a deep one": chat_event(0, {"content": "Well"}).replace('"m"', '"m", "x": ' + "[" * 200 + f'"{EMAIL}"' + "]" * 200),
    "text beside usage": chat_event(0, {"content": f"Well {EMAIL}"}).replace('"model"', '"usage": {"prompt_tokens": 1}, "model"'),
}


@pytest.mark.parametrize("odd", ODD_EVENTS)
def test_odd_events_tell_no_value(door: Appliance, teller: Fake, odd: str) -> None:
    tells(teller, ODD_EVENTS[odd], chat_event(0, {"content": " done."}), chat_event(0, {}, "stop"))
    body = {"model": "teller/m", "messages": [{"role": "user", "content": "Hi"}]}
    answer = door.call("POST", "/v1/chat/completions", {**body, "stream": True}, token=door.api_key)
    assert b"asha" not in answer.body
    assert b"4111111111111111" not in answer.body
    assert b"done." in answer.body or b'"error"' in answer.body
    if "Well" in ODD_EVENTS[odd] and odd != "a number too large":
        assert b"Well" in answer.body


def test_choices_that_end_in_one_event_are_changed_and_ended(door: Appliance, teller: Fake) -> None:
    texts = {0: f"Mail {EMAIL}", 1: "SSN 123-45-6789"}
    halves = [[(index, text[:9]) for index, text in texts.items()], [(index, text[9:]) for index, text in texts.items()]]
    events = []
    for half, finish in zip(halves, (None, "stop"), strict=True):
        choices = [{"index": index, "delta": {"content": text}, "finish_reason": finish} for index, text in half]
        events.append(f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'model': 'm', 'choices': choices})}\n\n")
    tells(teller, *events)
    with door.chat_stream({"model": "teller/m", "n": 2, "messages": [{"role": "user", "content": "Hi"}]}) as answer:
        read = answer.collect()
    told = dict.fromkeys(texts, "")
    for choice in (choice for body in read.chunks for choice in body["choices"]):
        told[choice["index"]] += choice["delta"].get("content") or ""
    assert told == {0: "Mail [EMAIL]", 1: "SSN [US_SSN]"}
    assert read.done


def test_a_choice_that_falls_silent_does_not_hold_the_others_for_ever(door: Appliance, teller: Fake) -> None:
    more = [chat_event(1, {"content": f"word{number} "}) for number in range(2_000)]
    tells(teller, chat_event(0, {"content": "Write to asha.ver"}), *more, chat_event(0, {}, "stop"), chat_event(1, {}, "stop"))
    with door.chat_stream({"model": "teller/m", "n": 2, "messages": [{"role": "user", "content": "Hi"}]}) as answer:
        read = answer.collect()
    assert len(read.bodies) == 2_003
    assert [choice["index"] for body in read.bodies for choice in body["choices"]][:2] == [0, 1]
