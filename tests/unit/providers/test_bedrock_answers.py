from typing import Any

import msgspec
import pytest

from appliance import errors
from appliance.chat import ChatRequest, Chunk, Message, Usage
from appliance.providers.bedrock import Bedrock
from appliance.providers.bedrock_answers import BedrockStream
from appliance.providers.wire import Deployment
from tests.fakes.bedrock_wire import event, frame

DEPLOYMENT = Deployment("aws/m", "aws", "bedrock", "m", "https://b.example", "key")
USAGE = {"inputTokens": 9, "outputTokens": 5, "totalTokens": 124, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 10}


def delta(index: int, **members: Any) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta=members)


def opened(index: int, call_id: str, name: str) -> bytes:
    return event("contentBlockStart", contentBlockIndex=index, start={"toolUse": {"toolUseId": call_id, "name": name}})


RECORDED = b"".join(
    (
        event("messageStart", role="assistant"),
        delta(0, reasoningContent={"text": "Let me "}),
        delta(0, reasoningContent={"text": "see."}),
        delta(0, reasoningContent={"signature": "c2ln"}),
        event("contentBlockStop", contentBlockIndex=0),
        delta(1, reasoningContent={"redactedContent": "aGlkZGVu"}),
        event("contentBlockStop", contentBlockIndex=1),
        delta(2, text="Grüße "),
        delta(2, text="\u2028 नमस्ते 👋"),
        event("contentBlockStop", contentBlockIndex=2),
        opened(3, "tooluse_a", "get_weather"),
        delta(3, toolUse={"input": ""}),
        delta(3, toolUse={"input": '{"city": "Tü'}),
        delta(3, toolUse={"input": 'bingen"}'}),
        event("contentBlockStop", contentBlockIndex=3),
        opened(4, "tooluse_b", "get_time"),
        event("contentBlockStop", contentBlockIndex=4),
        event("somethingNew", wonder=1),
        event("messageStop", stopReason="tool_use"),
        event("metadata", usage=USAGE, metrics={"latencyMs": 5}),
    )
)


def summary(chunks: list[Chunk]) -> dict[str, Any]:
    """What a caller has in the end."""
    calls: dict[int, list[str]] = {}
    found: dict[str, Any] = {"text": "", "reasoning": "", "signed": [], "finish": [], "usage": None, "calls": calls}
    for chunk in chunks:
        for one in chunk.deltas:
            found["text"] += one.content or ""
            found["reasoning"] += one.reasoning or ""
            found["signed"] += [kept for kept in (one.signature, one.redacted) if kept]
            for call in one.tool_calls or ():
                assert call.index is not None and call.function is not None
                if call.id:
                    assert call.type == "function" and call.index == len(calls)
                    calls[call.index] = [call.id, call.function.name, ""]
                calls[call.index][2] += call.function.arguments
        found["finish"] += [chunk.finish] if chunk.finish else []
        found["usage"] = chunk.usage or found["usage"]
    return found


def read(*pieces: bytes) -> dict[str, Any]:
    stream = BedrockStream("aws")
    chunks = [chunk for piece in pieces for chunk in stream.feed(piece)] + stream.close()
    assert stream.done and stream.is_clean
    return summary(chunks)


WHOLE = {
    "text": "Grüße \u2028 नमस्ते 👋",
    "reasoning": "Let me see.",
    "signed": ["c2ln", "aGlkZGVu"],
    "finish": ["tool_calls"],
    "usage": Usage(119, 5, 100, written_in=10),
    "calls": {0: ["tooluse_a", "get_weather", '{"city": "Tübingen"}'], 1: ["tooluse_b", "get_time", "{}"]},
}


def test_a_stream_is_read_with_thoughts_text_calls_and_usage() -> None:
    assert read(RECORDED) == WHOLE


def test_the_answer_reads_the_same_wherever_the_network_cuts_it() -> None:
    for cut in range(len(RECORDED)):
        assert read(RECORDED[:cut], RECORDED[cut:]) == WHOLE, cut


def test_the_answer_reads_the_same_a_byte_at_a_time() -> None:
    assert read(*(RECORDED[at : at + 1] for at in range(len(RECORDED)))) == WHOLE


@pytest.mark.parametrize("end", range(0, len(RECORDED), 37))
def test_a_stream_that_ends_early_is_never_passed_off_as_finished(end: int) -> None:
    stream = BedrockStream("aws")
    chunks = stream.feed(RECORDED[:end])
    if any(chunk.finish for chunk in chunks):  # only the usage is missing
        assert stream.close() == [] and not stream.done
        return
    with pytest.raises(errors.UpstreamCut):
        stream.close()


def whole(content: list[dict[str, Any]], **more: Any) -> Chunk:
    body = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn", **more}
    return Bedrock().chat_answer(msgspec.json.encode(body), DEPLOYMENT, passes=False)


def test_a_whole_answer_is_one_chunk_with_thoughts_text_and_calls_in_order() -> None:
    chunk = whole(
        [
            {"reasoningContent": {"reasoningText": {"text": "Let me see.", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "aGlkZGVu"}},
            {"text": "Grüße "},
            {"text": "\u2028 नमस्ते 👋"},
            {"toolUse": {"toolUseId": "tooluse_a", "name": "get_weather", "input": {"city": "Tübingen"}}},
            {"toolUse": {"toolUseId": "tooluse_b", "name": "get_time", "input": {}}},
        ],
        stopReason="tool_use",
        usage=USAGE,
        metrics={"latencyMs": 5},
    )
    found = summary([chunk])
    found["calls"][0][2] = found["calls"][0][2].replace(":", ": ")
    assert found == WHOLE
    assert [bool(one.reasoning) for one in chunk.deltas] == [True, False, False]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("invented_tomorrow", "stop"),  # OpenAI's SDK knows no other word
    ],
)
def test_reasons_to_stop_are_told_in_our_words(reason: str, finish: str) -> None:
    assert whole([{"text": "x"}], stopReason=reason).finish == finish
    stream = BedrockStream("aws")
    assert [chunk.finish for chunk in stream.feed(event("messageStop", stopReason=reason))] == [finish]


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_an_answer_that_came_out_wrong_is_a_failure(reason: str) -> None:
    with pytest.raises(errors.UpstreamFailed, match="came out wrong"):
        whole([{"text": "x"}], stopReason=reason)
    with pytest.raises(errors.UpstreamFailed, match="came out wrong"):
        BedrockStream("aws").feed(event("messageStop", stopReason=reason))


def test_the_text_that_stopped_the_answer_is_told() -> None:
    fields = {"stop_sequence": "END"}
    assert whole([{"text": "x"}], stopReason="stop_sequence", additionalModelResponseFields=fields).stop_sequence == "END"
    stop = event("messageStop", stopReason="stop_sequence", additionalModelResponseFields=fields)
    assert BedrockStream("aws").feed(stop)[0].stop_sequence == "END"


def test_an_answer_without_text_or_usage_is_an_empty_answer() -> None:
    chunk = whole([])
    assert (chunk.deltas[0].content, chunk.usage, chunk.finish) == (None, None, "stop")


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"Output":{"__type":"InternalFailure"}}', b'{"message":"no"}', b"\xff"])
def test_what_is_no_answer_is_never_passed_off_as_one(body: bytes) -> None:
    with pytest.raises(errors.UpstreamFailed):
        Bedrock().chat_answer(body, DEPLOYMENT, passes=False)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("internalServerException", errors.UpstreamFailed),
        ("modelStreamErrorException", errors.UpstreamFailed),
        ("throttlingException", errors.UpstreamRateLimited),
        ("serviceUnavailableException", errors.UpstreamOverloaded),
        ("validationException", errors.UpstreamRefusedRequest),
        ("inventedTomorrowException", errors.UpstreamFailed),
    ],
)
def test_an_exception_in_mid_stream_is_raised_once_what_came_before_is_out(kind: str, error: type[Exception]) -> None:
    stream = BedrockStream("aws")
    came = stream.feed(delta(0, text="Hel") + frame("exception", kind, {"message": "Sorry."}) + delta(0, text="lo"))
    assert summary(came)["text"] == "Hel"
    with pytest.raises(error, match="Sorry"):
        stream.feed(b"")
    with pytest.raises(error):
        stream.close()


@pytest.mark.parametrize("rubbish", [b"data: hello, I am an SSE stream\n\n", b"\0" * 40, event("messageStop", nothing=1)])
def test_rubbish_in_a_stream_is_a_failure(rubbish: bytes) -> None:
    stream = BedrockStream("aws")
    with pytest.raises(errors.UpstreamFailed):
        stream.feed(rubbish)
    with pytest.raises(errors.UpstreamFailed):
        stream.close()


def test_what_came_before_a_damaged_frame_is_the_callers() -> None:
    good, stop = delta(0, text="Hel"), event("messageStop", stopReason="end_turn")
    stream = BedrockStream("aws")
    assert summary(stream.feed(good + stop[:-1] + b"!"))["text"] == "Hel"
    with pytest.raises(errors.UpstreamFailed, match="damaged"):
        stream.close()
    with pytest.raises(errors.UpstreamFailed, match="damaged"):
        stream.feed(good)
    behind = BedrockStream("aws")
    behind.feed(stop + event("metadata", usage={"inputTokens": 5, "outputTokens": 2}) + b"STRAY BYTES, not a frame")
    assert behind.done and not behind.is_clean and behind.close() == []


def test_the_last_usage_counts_and_bytes_behind_the_end_make_a_connection_dirty() -> None:
    early = event("metadata", usage={"inputTokens": 1, "outputTokens": 1, "totalTokens": 2})
    stop = event("messageStop", stopReason="end_turn")
    last = event("metadata", usage={"inputTokens": 5, "outputTokens": 2, "totalTokens": 7})
    stream = BedrockStream("aws")
    assert summary(stream.feed(early + stop + last))["usage"] == Usage(5, 2)
    assert stream.done and stream.is_clean
    dirty = BedrockStream("aws")
    dirty.feed(stop + last + delta(0, text="more"))
    assert dirty.done and not dirty.is_clean


def test_calls_of_tools_that_aws_runs_are_not_shown() -> None:
    start = {"toolUse": {"toolUseId": "a", "name": "search", "type": "server_tool_use"}}
    stream = BedrockStream("aws")
    served = event("contentBlockStart", contentBlockIndex=0, start=start) + delta(0, toolUse={"input": "{}"})
    assert stream.feed(served + event("contentBlockStop", contentBlockIndex=0)) == []
    assert not whole([{"toolUse": {"toolUseId": "a", "name": "s", "input": {}, "type": "server_tool_use"}}]).deltas[0].tool_calls


def raised(status: int, kind: str = "", message: str = "", **headers: str) -> errors.GatehouseError:
    named = {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/"} if kind else {}
    body = msgspec.json.encode({"message": message}) if message else b"<html>"
    return Bedrock().error(status, {**named, **headers}, body, DEPLOYMENT)


@pytest.mark.parametrize(
    ("status", "kind", "message", "error"),
    [
        (400, "ValidationException", "wrong", errors.UpstreamRefusedRequest),
        (400, "ValidationException", "The provided model identifier is invalid.", errors.UpstreamModelUnknown),
        (400, "ServiceQuotaExceededException", "quota", errors.UpstreamRateLimited),
        (403, "AccessDeniedException", "You don't have access to the model.", errors.UpstreamForbidden),
        (
            403,
            "AccessDeniedException",
            "Authentication failed: Please make sure your API Key is valid.",
            errors.UpstreamUnauthorized,
        ),
        (403, "UnrecognizedClientException", "token invalid", errors.UpstreamUnauthorized),
        (403, "InvalidSignatureException", "Signature expired", errors.UpstreamUnauthorized),
        (403, "ExpiredTokenException", "expired", errors.UpstreamUnauthorized),
        (404, "ResourceNotFoundException", "no such model", errors.UpstreamModelUnknown),
        (408, "ModelTimeoutException", "slow", errors.UpstreamTimeout),
        (424, "ModelErrorException", "broken", errors.UpstreamFailed),
        (429, "ThrottlingException", "slow down", errors.UpstreamRateLimited),
        (429, "ModelNotReadyException", "loading", errors.UpstreamRateLimited),
        (500, "InternalServerException", "oops", errors.UpstreamFailed),
        (503, "ServiceUnavailableException", "oops", errors.UpstreamOverloaded),
        (502, "", "", errors.UpstreamFailed),
        (529, "", "", errors.UpstreamOverloaded),
        (302, "", "", errors.UpstreamFailed),
    ],
)
def test_errors_of_the_provider_become_ours(status: int, kind: str, message: str, error: type[errors.GatehouseError]) -> None:
    found = raised(status, kind, message)
    assert type(found) is error


def test_a_prompt_that_is_too_long_has_the_code_that_callers_act_on() -> None:
    found = raised(400, "ValidationException", "Input is too long for requested model.")
    assert found.code_shown == "context_length_exceeded"
    assert raised(400, "ValidationException", "toolUseId is too long").code_shown == "upstream_bad_request"


def test_a_retry_hint_is_handed_on_and_an_account_is_not_told() -> None:
    assert raised(429, "ThrottlingException", "x", **{"retry-after": "7"}).retry_after_seconds == 7
    arn = "User: arn:aws:iam::123456789012:user/gatehouse is not authorized to perform: bedrock:InvokeModel"
    assert "123456789012" not in raised(403, "AccessDeniedException", arn).message


def test_a_request_has_a_stream_of_its_own() -> None:
    stream = Bedrock().chat_stream(ChatRequest("m", [Message("user", "Hi")]), DEPLOYMENT, passes=False)
    assert not stream.done and not stream.is_clean
