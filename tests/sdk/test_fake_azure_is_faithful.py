"""The fake Azure, judged by OpenAI's own SDK, which has a client for it: both forms of address, its first event, its errors."""

import json
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.fakes.azure import AZURE_FAULTS
from tests.running import Fake

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there"}]
VERSION = "2024-10-21"


@pytest.fixture(scope="module")
def azure() -> Iterator[Fake]:
    fake = Fake("azure")
    yield fake
    fake.stop()


@pytest.fixture(scope="module")
def dated(azure: Fake) -> Iterator[openai.OpenAI]:
    with openai.AzureOpenAI(
        azure_endpoint=azure.url, api_key=azure.key, api_version=VERSION, max_retries=0, timeout=10
    ) as client:
        yield client


@pytest.fixture(scope="module")
def v1(azure: Fake) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{azure.url}/openai/v1", api_key=azure.key, max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture(params=["dated", "v1"])
def client(request: pytest.FixtureRequest) -> openai.OpenAI:
    found: openai.OpenAI = request.getfixturevalue(request.param)
    return found


def test_a_whole_answer_has_azures_annotations(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert answer.choices[0].message.content == "You said: Hello there"
    extra = answer.model_extra or {}
    assert extra["prompt_filter_results"][0]["prompt_index"] == 0
    assert (answer.choices[0].model_extra or {})["content_filter_results"]["hate"] == {"filtered": False, "severity": "safe"}


def test_the_client_for_azure_asks_where_the_fake_listens(azure: Fake, dated: openai.OpenAI) -> None:
    dated.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    seen = azure.last()
    assert seen.path == f"/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"
    assert seen.headers["api-key"] == azure.key


def test_a_stream_opens_with_an_event_on_which_readers_of_the_first_choice_break(client: openai.OpenAI) -> None:
    first, *rest = client.chat.completions.create(
        model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    assert (first.choices, first.id, first.model) == ([], "", "")
    assert "".join(chunk.choices[0].delta.content or "" for chunk in rest if chunk.choices) == "You said: Hello there"
    assert rest[-1].usage is not None


def test_embeddings_and_tools_work_by_both_addresses(client: openai.OpenAI) -> None:
    assert len(client.embeddings.create(model="text-embedding-3-small", input="x", dimensions=8).data[0].embedding) == 8
    function = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    answer = client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": "please get_weather"}],
        tools=[{"type": "function", "function": function}],  # type: ignore[list-item]  # a plain dict is what is sent
    )
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "word"}


def test_responses_are_on_the_v1_surface(v1: openai.OpenAI) -> None:
    assert v1.responses.create(model="gpt-4o", input="Hello there").output_text == "You said: Hello there"


STATUS_CLASSES = {
    "fault-401": openai.AuthenticationError,
    "fault-404": openai.NotFoundError,
    "fault-429": openai.RateLimitError,
    "fault-429-later": openai.RateLimitError,
    "fault-429-bare": openai.RateLimitError,
    "fault-500": openai.InternalServerError,
    "fault-503": openai.InternalServerError,
    "fault-refused": openai.BadRequestError,
}


@pytest.mark.parametrize("fault", AZURE_FAULTS)
def test_an_error_raises_the_class_that_the_sdk_has_for_it_and_its_code_is_a_text(client: openai.OpenAI, fault: str) -> None:
    with pytest.raises(STATUS_CLASSES[fault]) as caught:
        client.chat.completions.create(model=fault, messages=MESSAGES)
    assert isinstance(caught.value, openai.APIStatusError)
    assert isinstance(caught.value.code, str)
    assert caught.value.type is None


def test_a_filtered_prompt_says_why(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "violence"}])
    assert caught.value.code == "content_filter"
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["innererror"]["code"] == "ResponsibleAIPolicyViolation"


def test_an_unknown_deployment_a_wrong_key_and_a_missing_version_are_refused(azure: Fake, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="nobody", messages=MESSAGES)
    assert caught.value.code == "DeploymentNotFound"
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="other").chat.completions.create(model="gpt-4o", messages=MESSAGES)
    missing = azure.call("POST", "/openai/deployments/gpt-4o/chat/completions", {"messages": MESSAGES}, token=azure.key)
    assert (missing.status, missing.json["error"]) == (404, {"code": "404", "message": "Resource not found"})
