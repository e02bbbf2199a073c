"""OpenAI's Responses, asked for by its own SDK, where the provider speaks it too: passed through, counted, never cut short."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from appliance.dialects.openai_responses_items import sealed
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake


@pytest.fixture(scope="module")
def azure() -> Iterator[Fake]:
    fake = Fake("azure")
    yield fake
    fake.stop()


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake, azure: Fake) -> Appliance:
    own = {"name": "own", "kind": "openai", "base_url": upstream.base_url, "api_key": upstream.key}
    other = {"name": "az", "kind": "azure", "base_url": azure.url, "api_key": azure.key, "api_version": "2024-10-21"}
    return appliances(settings={"providers": [own, other]})


@pytest.fixture(scope="module")
def client(door: Appliance) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=door.api_key, max_retries=0, timeout=30) as made:
        yield made


@pytest.fixture(params=["own", "az"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_answer_is_the_providers_own_whole_and_streamed(client: openai.OpenAI, provider: str) -> None:
    whole = client.responses.create(model=f"{provider}/o4-mini", input="Hello there")
    assert whole.output_text == "You said: Hello there"
    events: list[Any] = list(client.responses.create(model=f"{provider}/o4-mini", input="Hello there", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1]
    assert (last.type, last.response.output_text) == ("response.completed", whole.output_text)
    assert last.response.output[0].type == "reasoning"


def test_it_goes_to_the_surface_of_the_same_name(client: openai.OpenAI, upstream: Fake, azure: Fake) -> None:
    for provider, fake, path in (("own", upstream, "/v1/responses"), ("az", azure, "/openai/v1/responses")):
        client.responses.create(model=f"{provider}/gpt-4o", input="Hello there")
        assert fake.last().path == path


def test_thoughts_of_other_vendors_never_go_there(client: openai.OpenAI, upstream: Fake, azure: Fake) -> None:
    theirs = sealed([{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}])
    asked: Any = [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": theirs},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Sure?"},
    ]
    for provider, fake in (("own", upstream), ("az", azure)):
        client.responses.create(model=f"{provider}/gpt-4o", input=asked)
        assert fake.last().json["input"] == asked[1:]
        assert fake.last().json["store"] is False


def test_an_answer_of_the_providers_own_is_kept_and_continued(client: openai.OpenAI, upstream: Fake, provider: str) -> None:
    first = client.responses.create(model=f"{provider}/gpt-4o", input="one")
    assert client.responses.retrieve(first.id) == first
    stream = client.responses.create(model=f"{provider}/gpt-4o", input="two", previous_response_id=first.id, stream=True)
    second: Any = list(stream)[-1]
    assert client.responses.retrieve(second.response.id).output_text == second.response.output_text
    client.responses.create(model="own/gpt-4o", input="three", previous_response_id=second.response.id)
    sent = upstream.last().json
    assert [item["role"] for item in sent["input"]] == ["user", "assistant", "user", "assistant", "user"]
    assert "previous_response_id" not in sent


def test_what_was_used_is_booked(client: openai.OpenAI, door: Appliance, provider: str) -> None:
    answer = client.responses.with_raw_response.create(model=f"{provider}/o4-mini", input="Hello there", stream=True)
    list(answer.parse())
    (row,) = door.rows(
        "SELECT tokens_in, tokens_out, cached_in, reasoning_out, estimated FROM attempts WHERE request_id = ?",
        bytes.fromhex(answer.headers["x-request-id"].removeprefix("req_")),
    )
    assert tuple(row.values()) == (6, 12, 1, 8, 0)


@pytest.mark.parametrize("fault", ["fault-failed", "fault-error-event", "fault-cut", "fault-rubbish"])
def test_a_stream_that_fails_raises_and_is_booked_as_failed(
    client: openai.OpenAI, door: Appliance, provider: str, fault: str
) -> None:
    with pytest.raises(openai.APIError):
        list(client.responses.create(model=f"{provider}/{fault}", input="Hello there", stream=True))
    states = door.rows("SELECT status FROM attempts ORDER BY request_id DESC LIMIT 1")
    assert states[0]["status"] >= 400


def test_a_failed_answer_has_the_status_that_it_stands_for(client: openai.OpenAI, provider: str) -> None:
    with pytest.raises(openai.RateLimitError):
        client.responses.create(model=f"{provider}/fault-failed", input="Hello there")
