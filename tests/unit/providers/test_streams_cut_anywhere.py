"""Every vendor's stream before every dialect: cut anywhere, broken off anywhere, wrong in any place."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import UpstreamFailed
from appliance.providers.bedrock_events import FrameReader
from appliance.providers.registry import PROVIDERS
from appliance.providers.wire import Deployment
from tests.fakes import bedrock_wire
from tests.unit.providers.callers import (
    DIALECTS,
    KINDS,
    PAIRS,
    answered,
    answered_locally,
    events,
    is_finished,
    passes,
    understood,
)
from tests.unit.providers.told_answers import Called, Calls, Part, Redacted, Thought, Told, Words, wire

# What line readers and JSON readers stumble over: separators that are none, CRLF, pairs of surrogates, words of the formats.
ODD = ["\u2028", "\u2029", "\x85", "\r\n", "\r", "\n\n", "\U0001f600", "Grüße", "data: [DONE]\n\n", "", '"', "\\", "\x00", "<b>"]
PIECE = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=("Cs",)), max_size=6))
HALVES = st.sampled_from(["\ud83d", "\ude00", "a\ud83dz", "\\\ud83d", "\ud83d\ude00\ude00"])
PIECES = st.lists(st.one_of(PIECE, PIECE, HALVES), max_size=4)
ARGUMENTS = st.dictionaries(PIECE, st.one_of(PIECE, st.integers(-9, 9), st.lists(st.booleans(), max_size=2)), max_size=2)


@st.composite
def called(draw: st.DrawFn) -> Called:
    text = json.dumps(draw(ARGUMENTS), ensure_ascii=draw(st.booleans()))
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    pieces = [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]
    return Called("", draw(st.sampled_from(["f", "get_weather"])), pieces)


@st.composite
def told_answers(draw: st.DrawFn) -> Told:
    part = st.one_of(
        st.builds(Words, PIECES),
        st.builds(Thought, PIECES, st.sampled_from([None, "c2lnbmVk"])),
        st.builds(Redacted, st.just("c2VhbGVk")),
        st.builds(Calls, st.lists(called(), min_size=1, max_size=3), st.lists(st.integers(0, 5), max_size=6)),
    )
    parts: list[Part] = draw(st.lists(part, max_size=4))
    reasons = ["stop", "length", "tool_calls", "content_filter", "odd"]
    told = Told(
        parts,
        draw(st.sampled_from(reasons)),
        draw(st.integers(0, 2)),
        draw(st.booleans()),
        draw(st.sampled_from([b"\n", b"\r\n", b"\r"])),
    )
    for number, call in enumerate(told.calls):
        call.id = f"toolu_{number}"
    return told


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted(place % (len(data) + 1) for place in places)
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


PLACES = st.lists(st.integers(0, 10_000), max_size=8)
FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
@MANY
@given(told=told_answers(), places=PLACES)
def test_a_caller_reads_the_same_wherever_the_network_cuts(kind: str, dialect: str, told: Told, places: list[int]) -> None:
    data = b"".join(wire(kind, dialect)(told))
    whole = answered(kind, dialect, [data])
    assert answered(kind, dialect, cut(data, places)) == whole
    assert answered(kind, dialect, one_by_one(data)) == whole


def merged(told: Told) -> bool:
    """Whether pieces of several calls come in turns, which the Responses dialect refuses."""
    return any(len(part.calls) > 1 for part in told.parts if isinstance(part, Calls))


@pytest.mark.parametrize(("kind", "dialect"), [pair for pair in PAIRS if not passes(*pair)])
@MANY
@given(told=told_answers())
def test_the_vendors_sdks_understand_what_was_said(kind: str, dialect: str, told: Told) -> None:
    data = answered(kind, dialect, [b"".join(wire(kind, dialect)(told))])
    if not is_finished(dialect, data):
        assert dialect == "openai_responses" and merged(told), data
        return
    words, thoughts, calls = understood(dialect, data)
    assert (words, thoughts) == (told.words, told.thoughts)
    assert [name for name, _ in calls] == [call.name for call in told.calls]
    assert [json.loads(text) for _, text in calls] == [json.loads(call.arguments) for call in told.calls]
    if kind != "google":  # that tells arguments as JSON, not as text
        assert [text for _, text in calls] == [call.arguments for call in told.calls]


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
@FEW
@given(told=told_answers(), places=PLACES)
def test_an_answer_that_breaks_off_never_looks_whole(kind: str, dialect: str, told: Told, places: list[int]) -> None:
    """Before, in and behind each event of its end, and anywhere else: an error at its end, or all that was to be said."""
    wired = wire(kind, dialect)(told)
    data = b"".join(wired)
    ends = [len(data) - len(b"".join(wired[-number:])) for number in range(1, min(len(wired), 5) + 1)]
    sizes = {place % len(data) for place in places} | {end + by for end in ends for by in (-1, 0, 1)} | {len(data) - 1}
    for size in sizes:
        part = answered(kind, dialect, [data[: max(size, 0)]])
        if is_finished(dialect, part) and not passes(kind, dialect):
            words, thoughts, calls = understood(dialect, part)
            assert (words, thoughts) == (told.words, told.thoughts)
            assert [json.loads(text) for _, text in calls] == [json.loads(call.arguments) for call in told.calls]


# Wrong in any place

WRONG: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, -1, 0, 10**9, 2**63, 2**70, 1.5, "", "x", [], {}, [None], [[]], [{}], {"a": None}, "\ud800"]),
    st.integers(0, 3),
)


def paths(body: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here]
    entries = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in entries:
        found += paths(value, (*here, key))
    return found


def with_value(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = dict(body) if isinstance(body, dict) else list(body)
    changed[path[0]] = with_value(changed[path[0]], path[1:], value)
    return changed


def spoiled(kind: str, event: bytes, place: int, value: Any) -> bytes:
    """The event with another value in one place of its JSON."""
    if kind == "bedrock":
        reader = FrameReader()
        (frame,) = reader.feed(event)
        body = json.loads(frame.payload)
        at = paths(body)
        return bedrock_wire.frame("event", frame.kind.name, with_value(body, at[place % len(at)], value))
    head, mark, text = event.partition(b"data: ")
    if text.strip() == b"[DONE]":
        return event
    body = json.loads(text)
    at = paths(body)
    return head + mark + json.dumps(with_value(body, at[place % len(at)], value)).encode() + b"\n\n"


SPOILS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 200), WRONG), min_size=1, max_size=3)


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
@MANY
@given(told=told_answers(), spoils=SPOILS)
def test_a_wrong_value_in_any_field_ends_in_order(
    kind: str, dialect: str, told: Told, spoils: list[tuple[int, int, Any]]
) -> None:
    told.line_end = b"\n"
    wired = wire(kind, dialect)(told)
    for event, place, value in spoils:
        wired[event % len(wired)] = spoiled(kind, wired[event % len(wired)], place, value)
    data = answered(kind, dialect, [b"".join(wired)])
    if not passes(kind, dialect) and is_finished(dialect, data):
        try:
            understood(dialect, data)
        except ValueError as error:  # a call whose arguments were spoiled: they go on as they came, and the SDK refuses them
            if "tool parameter JSON" not in str(error):
                raise


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
@MANY
@given(told=told_answers(), at=st.integers(0, 10_000), rubbish=st.binary(min_size=1, max_size=12), many=st.booleans())
def test_rubbish_anywhere_ends_in_order(kind: str, dialect: str, told: Told, at: int, rubbish: bytes, many: bool) -> None:
    data = b"".join(wire(kind, dialect)(told))
    place = at % (len(data) + 1)
    read = answered(kind, dialect, [data[:place] + rubbish + data[place + (0 if many else len(rubbish)) :]])
    if not passes(kind, dialect):
        is_finished(dialect, read)


@pytest.mark.parametrize(("kind", "dialect"), PAIRS)
@MANY
@given(data=st.binary(max_size=200))
def test_bytes_of_any_kind_end_in_an_error(kind: str, dialect: str, data: bytes) -> None:
    read = answered(kind, dialect, [b"data: " + data + b"\n\n", data])
    assert (not passes(kind, dialect) and not is_finished(dialect, read)) or b"error" in read


NOT_UTF8 = b'{"a":"\xff"}'
HUGE = b"1" + b"0" * 60
FUNCTION = b'{"name":"f","arguments":%b}'
CHOICE = b'data: {"choices":[{"index":%b,"delta":%b,"logprobs":%b,"finish_reason":"stop"}]}\n\n'
CALL = b'{"tool_calls":[{"index":%b,"id":"x","function":%b}]}'
PART = b'{"functionCall":{"name":"f","args":%b}}'
CANDIDATE = b'data: {"candidates":[{"content":{"parts":[' + PART + b']},"index":%b,"finishReason":"STOP"}]}\n\n'
BLOCK = b"event: content_block_start\ndata: {%b}\n\nevent: content_block_stop\ndata: {%b}\n\nevent: message_stop\ndata: {}\n\n"
TOOL = b'"index":%b,"content_block":{"type":"tool_use","id":"a","name":"f","input":%b}'
ODD_EVENTS = {
    "google": [
        CANDIDATE % (NOT_UTF8, b"0"),
        CANDIDATE % (b"{}", HUGE),
        CANDIDATE % (b"1", b"-1"),
        CANDIDATE % (b"[1e999]", b"0"),
    ],
    "anthropic": [
        BLOCK % (TOOL % (b"0", NOT_UTF8), b'"index":0'),
        BLOCK % (TOOL % (HUGE, b"{}"), b'"index":' + HUGE),
        BLOCK % (TOOL % (b"1", b"7"), b'"index":1'),
    ],
    "openai": [
        b'data: {"detail":"\xff"}\n\n',
        b'data: {"choices":[],"message":{"a":"\xff"}}\n\n',
        b"event: error\ndata: [1]\n\n",
        b'data: {"error":{"code":%b,"param":[]}}\n\n' % HUGE,
        CHOICE % (b"0", b'{"content":"x"}', b'{"content":1}'),
        CHOICE % (b"0", b'{"content":"x"}', b'{"content":[7,"a",{"top_logprobs":7},{"token":1}]}'),
        CHOICE % (HUGE, CALL % (HUGE, FUNCTION % NOT_UTF8), b"null"),
        CHOICE % (b"0", CALL % (HUGE, FUNCTION % b"{}"), b"null"),
    ],
}
ODD_EVENTS |= dict.fromkeys(("azure", "vllm", "openai-compatible"), ODD_EVENTS["openai"])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("kind", "event"), [(kind, event) for kind, events in ODD_EVENTS.items() for event in events])
def test_odd_events_end_in_order(kind: str, event: bytes, dialect: str) -> None:
    data = answered(kind, dialect, [event])
    if not passes(kind, dialect) and is_finished(dialect, data):
        understood(dialect, data)


TWO_PARTS = b'[{"text":%b},' + PART + b"]"
TOOL_USE = b'{"type":"tool_use","id":"a","name":"f","input":%b}'
WHOLE = {
    "google": b'{"candidates":[{"content":{"parts":' + TWO_PARTS + b'},"finishReason":"STOP"}]}',
    "anthropic": b'{"content":[{"type":"text","text":%b},' + TOOL_USE + b'],"stop_reason":"end_turn"}',
    "bedrock": b'{"output":{"message":{"content":[{"text":%b},{"toolUse":{"name":"f","input":%b}}]}},"stopReason":"x"}',
    "openai": b'{"choices":[{"message":{"content":%b,"tool_calls":[{"id":"a","function":' + FUNCTION + b"}]}}]}",
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_answers_with_half_characters_are_read_and_others_that_are_no_utf8_refused(kind: str) -> None:
    provider, deployment = PROVIDERS[kind], Deployment("p/m", "p", kind, "m")
    half = WHOLE[kind] % (rb'"a\ud83dz\\ud83d"', rb'{"a":"\ud83d"}')
    answer = provider.chat_answer(half, deployment, passes=False)
    assert "".join(delta.content or "" for delta in answer.deltas) == "a\ufffdz\\ud83d"
    with pytest.raises(UpstreamFailed):
        provider.chat_answer(WHOLE[kind] % (b'"a"', NOT_UTF8), deployment, passes=False)


@pytest.mark.parametrize("kind", KINDS)
@MANY
@given(told=told_answers(), spoils=SPOILS)
def test_events_of_a_response_are_numbered_without_gaps_also_before_an_error(kind: str, told: Told, spoils: list[Any]) -> None:
    told.line_end = b"\n"
    wired = wire(kind, "openai_responses")(told)
    for event, place, value in spoils:
        wired[event % len(wired)] = spoiled(kind, wired[event % len(wired)], place, value)
    data = answered(kind, "openai_responses", [b"".join(wired)])
    if passes(kind, "openai_responses"):
        return  # what its provider numbers, or spoils, goes on as it came
    numbers = [json.loads(body)["sequence_number"] for _, body in events(data)]
    assert numbers == list(range(len(numbers)))


def pieces_of_calls(*indexes: int) -> bytes:
    """One event of OpenAI's with a piece of each of these calls."""
    calls = [{"index": index, "id": f"call_{index}", "function": {"name": "f", "arguments": "{}"}} for index in indexes]
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": "x", "tool_calls": calls}}]}).encode() + b"\n\n"


def test_an_error_in_the_middle_of_an_events_pieces_is_numbered_as_the_next_event() -> None:
    data = answered("vllm", "openai_responses", [pieces_of_calls(0, 1, 0)])
    numbers = [json.loads(body)["sequence_number"] for _, body in events(data)]
    assert not is_finished("openai_responses", data)
    assert numbers == list(range(len(numbers)))


# Not Anthropic's: its SDK raises at arguments that are no JSON; a grammar keeps a model from those, and this test doesn't.
@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])
@MANY
@given(text=st.lists(st.one_of(PIECE, st.sampled_from(['{"name": "f", "arguments": ', '{"a": 1}', "}", "\n"]))), places=PLACES)
def test_a_local_models_text_reads_the_same_wherever_its_engine_cuts_it(dialect: str, text: list[str], places: list[int]) -> None:
    whole = "".join(text)
    at = sorted(place % (len(whole) + 1) for place in places)
    cuts = [whole[a:b] for a, b in zip([0, *at], [*at, len(whole)], strict=True)]
    read = understood(dialect, answered_locally(dialect, [whole]))
    assert understood(dialect, answered_locally(dialect, cuts)) == read
    assert understood(dialect, answered_locally(dialect, list(whole))) == read


@pytest.mark.parametrize("dialect", DIALECTS)
@MANY
@given(place=st.integers(0, 50), value=WRONG.filter(lambda value: value != "\ud800"), whole=st.booleans())  # it comes as UTF-8
def test_a_wrong_value_of_a_local_engine_ends_in_order(dialect: str, place: int, value: Any, whole: bool) -> None:
    def spoil(event: dict[str, Any]) -> Any:
        return with_value(event, paths(event)[place % len(paths(event))], value)

    pieces = ["Hi"] if whole else ['{"name": "f", "arguments": {"a":', " 1}}"]
    data = answered_locally(dialect, pieces, spoil)
    if is_finished(dialect, data):
        understood(dialect, data)
