from urllib.parse import urlsplit

import msgspec
import pytest

from appliance import errors
from appliance.chat import ChatRequest, Message, StreamOptions
from appliance.providers.azure import Azure, AzureStream
from appliance.providers.openai_responses import AzureResponses
from appliance.providers.wire import Deployment

HOST = "https://res.openai.azure.com"
DATED = "2024-10-21"
PREAMBLE = b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}\n\n'
RECORDED = (
    PREAMBLE + b'data: {"choices":[{"content_filter_results":{},"delta":{"content":"","refusal":null,"role":"assistant"},'
    b'"finish_reason":null,"index":0,"logprobs":null}],"created":1,"id":"c","model":"gpt-4o","object":"chat.completion.chunk"}\n\n'
    b'data: {"choices":[{"content_filter_results":{"hate":{"filtered":false}},"delta":{"content":"Gr\xc3\xbc\xc3\x9fe"},'
    b'"finish_reason":null,"index":0}],"id":"c"}\n\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop","index":0}],"id":"c"}\n\n'
    b'data: {"choices":[],"id":"c","usage":{"prompt_tokens":9,"completion_tokens":2}}\n\n'
    b"data: [DONE]\n\n"
)


def deployment(base_url: str = HOST, api_version: str = "", model: str = "my dep") -> Deployment:
    return Deployment(f"az/{model}", "az", "azure", model, base_url, "secret-key", api_version)


def chat(**fields: object) -> ChatRequest:
    return ChatRequest("m", [Message("developer", "Be brief."), Message("user", "Hello!")], **fields)  # type: ignore[arg-type]  # test sugar


def url(of: Deployment, surface: str = "/chat/completions") -> str:
    return of.base_url + Azure().address(surface, of)


@pytest.mark.parametrize("base_url", [HOST, f"{HOST}/openai"])
def test_a_base_url_leads_to_either_surface_with_or_without_its_folder(base_url: str) -> None:
    assert url(deployment(base_url)) == f"{HOST}/openai/v1/chat/completions"
    assert url(deployment(base_url, "preview")) == f"{HOST}/openai/v1/chat/completions?api-version=preview"
    dated = url(deployment(base_url, DATED))
    assert dated == f"{HOST}/openai/deployments/my%20dep/chat/completions?api-version={DATED}"
    assert url(deployment(base_url, DATED), "/embeddings").endswith(f"/my%20dep/embeddings?api-version={DATED}")


def test_a_base_url_that_names_the_v1_surface_means_it() -> None:
    assert url(deployment(f"{HOST}/openai/v1", DATED)) == f"{HOST}/openai/v1/chat/completions"


@pytest.mark.parametrize("name", ["a/../../b", "x?api-version=1", "#", "ü"])
def test_no_name_of_a_deployment_leads_out_of_its_place(name: str) -> None:
    parts = urlsplit(url(deployment(api_version=DATED, model=name)))
    assert parts.path.startswith("/openai/deployments/") and parts.path.count("/") == 5
    assert (parts.query, parts.fragment) == (f"api-version={DATED}", "")


@pytest.mark.parametrize("version", ["", DATED, "2023-05-15"])
def test_responses_are_asked_for_on_the_v1_surface_whatever_the_version(version: str) -> None:
    outgoing = AzureResponses().chat_request(chat(), {"model": "x", "input": "Hi"}, deployment(api_version=version), passes=True)
    assert outgoing.path == "/openai/v1/responses"
    assert outgoing.headers["api-key"] == "secret-key"
    assert msgspec.json.decode(outgoing.body) == {"model": "my dep", "input": "Hi"}


def test_the_key_goes_into_its_own_header_and_the_deployments_name_into_the_body() -> None:
    (asked,) = Azure().embeddings_requests({"model": "az/x", "input": "Hi", "future": 1}, deployment())
    assert msgspec.json.decode(asked.body) == {"model": "my dep", "input": "Hi", "future": 1}
    assert asked.headers["api-key"] == "secret-key"
    assert "Authorization" not in asked.headers
    assert Azure().models_request(deployment()) is None


def test_an_old_version_is_not_sent_fields_that_it_does_not_know() -> None:
    asked = chat(stream=True, max_completion_tokens=5)
    old = Azure().chat_request(asked, {}, deployment(api_version="2023-05-15"), passes=False)
    body = msgspec.json.decode(old.body)
    assert body["max_tokens"] == 5 and "stream_options" not in body and "max_completion_tokens" not in body
    assert body["messages"][0]["role"] == "system"
    new = msgspec.json.decode(Azure().chat_request(asked, {}, deployment(api_version=DATED), passes=False).body)
    assert new["max_completion_tokens"] == 5 and new["stream_options"] == {"include_usage": True}
    assert new["messages"][0]["role"] == "developer"


def read(*pieces: bytes, usage_asked: bool = True, passes: bool = True) -> list[tuple[object, ...]]:
    asked = chat(stream_options=StreamOptions(include_usage=usage_asked))
    stream = Azure().chat_stream(asked, deployment(), passes=passes)
    assert isinstance(stream, AzureStream)
    chunks = [chunk for piece in pieces for chunk in stream.feed(piece)] + stream.close()
    assert stream.done and stream.is_clean
    return [(chunk.deltas, chunk.usage, chunk.finish, chunk.raw) for chunk in chunks]


@pytest.mark.parametrize("passes", [True, False])
def test_the_answer_reads_the_same_wherever_the_network_cuts_it_and_a_byte_at_a_time(passes: bool) -> None:
    whole = read(RECORDED, passes=passes)
    assert "".join(delta.content or "" for deltas, *_ in whole for delta in deltas) == "Grüße"  # type: ignore[attr-defined]
    for cut in range(len(RECORDED)):
        assert read(RECORDED[:cut], RECORDED[cut:], passes=passes) == whole
    assert read(*(RECORDED[at : at + 1] for at in range(len(RECORDED))), passes=passes) == whole


def test_the_event_without_choices_that_azure_opens_with_is_kept_from_callers_and_the_rest_is_passed_on() -> None:
    shown = b"".join(raw for *_, raw in read(RECORDED) if isinstance(raw, bytes))
    assert shown + b"data: [DONE]\n\n" == RECORDED.removeprefix(PREAMBLE)
    silent = b"".join(raw for *_, raw in read(RECORDED, usage_asked=False) if isinstance(raw, bytes))
    assert b"usage" not in silent and b'"choices":[]' not in silent


FILTERED = {
    "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    "type": None,
    "param": "prompt",
    "status": 400,
    "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}},
}


@pytest.mark.parametrize("code", ["content_filter", None])
def test_a_filtered_prompt_is_the_callers_400_with_the_code_content_filter(code: str | None) -> None:
    error = Azure().error(400, {}, msgspec.json.encode({"error": {**FILTERED, "code": code}}), deployment())
    assert type(error) is errors.UpstreamRefusedRequest
    assert (error.code_shown, error.param) == ("content_filter", "prompt")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment …"}}, errors.UpstreamModelUnknown),
        (404, {"error": {"code": "404", "message": "Resource not found"}}, errors.UpstreamModelUnknown),
        (
            401,
            {"error": {"code": "401", "message": "Access denied due to invalid subscription key"}},
            errors.UpstreamUnauthorized,
        ),
        (401, {"statusCode": 401, "message": "Access denied"}, errors.UpstreamUnauthorized),
        (429, {"error": {"code": "429", "message": "Requests to …"}}, errors.UpstreamRateLimited),
    ],
)
def test_an_error_with_a_code_that_is_a_text_is_read(status: int, body: object, kind: type[errors.GatehouseError]) -> None:
    error = Azure().error(status, {"retry-after-ms": "2500", "retry-after": "3"}, msgspec.json.encode(body), deployment())
    assert type(error) is kind
    if kind is errors.UpstreamRateLimited:
        assert error.retry_after_seconds == 2.5
    if kind is errors.UpstreamModelUnknown:
        assert "api_version" in error.fix
