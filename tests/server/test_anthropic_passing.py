"""Callers of Anthropic's format before a provider of it, by the official `anthropic` SDK: bodies and answers pass through."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.anthropic import THOUGHT
from tests.running import Appliance, Fake, eventually, free_port

SONNET = "claude/claude-sonnet-4-6"
HI: list[Any] = [{"role": "user", "content": "Hi there"}]
TOOL: Any = {"name": "get_time", "input_schema": {"type": "object"}}
BUDGET: Any = {"type": "enabled", "budget_tokens": 1024}
COUNT = "/v1/messages/count_tokens"


@pytest.fixture(scope="module")
def vendor(fake: MakeFake) -> Fake:
    return fake("anthropic")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, vendor: Fake, upstream: Fake) -> Appliance:
    table = {"kind": "anthropic", "api_key": vendor.key, "base_url": vendor.url}
    nowhere = f"http://127.0.0.1:{free_port()}"
    providers = [
        {**table, "name": "claude"},
        {**table, "name": "wrongkey", "api_key": "sk-wrong", "models": ["claude-sonnet-4-6"]},
        {**table, "name": "nowhere", "base_url": nowhere, "models": ["claude-sonnet-4-6"]},
        upstream.provider("fake"),
    ]
    return appliances(settings={"providers": providers})


@pytest.fixture(scope="module")
def client(door: Appliance) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=door.url, api_key=door.api_key, max_retries=0, timeout=30) as made:
        yield made


def ask(client: anthropic.Anthropic, messages: list[Any] = HI, **more: Any) -> anthropic.types.Message:
    return client.messages.create(**{"model": SONNET, "max_tokens": 2000, "messages": messages, **more})


def streamed(client: anthropic.Anthropic, messages: list[Any] = HI, **more: Any) -> anthropic.types.Message:
    with client.messages.stream(**{"model": SONNET, "max_tokens": 2000, "messages": messages, **more}) as stream:
        return stream.get_final_message()


BOTH = pytest.mark.parametrize("asked", [ask, streamed])


@BOTH
def test_an_answer_is_the_vendors_own(client: anthropic.Anthropic, vendor: Fake, asked: Any) -> None:
    system = [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]
    answer = asked(client, system=system, model="claude/claude-cached", metadata={"user_id": "u"})
    assert [block.to_dict() for block in answer.content] == [{"type": "text", "text": "You said: Hi there"}]
    assert answer.id == "msg_01XFDUDYJgAACzvnptvVoYEL"
    assert (answer.usage.cache_read_input_tokens, answer.usage.cache_creation_input_tokens) == (3, 2)
    sent = vendor.last().json
    assert (sent["system"], sent["metadata"], sent["model"]) == (system, {"user_id": "u"}, "claude-cached")


@BOTH
def test_thinking_and_calls_go_round(client: anthropic.Anthropic, vendor: Fake, asked: Any) -> None:
    question = {"role": "user", "content": "get_time, please"}
    first = asked(client, [question], tools=[TOOL], thinking=BUDGET)
    kinds = [block.type for block in first.content]
    assert (kinds, first.stop_reason) == (["thinking", "text", "tool_use"], "tool_use")
    assert first.content[0].thinking == THOUGHT
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": first.content[-1].id, "content": "noon"}]}
    history = [question, {"role": "assistant", "content": [block.to_dict() for block in first.content]}, result]
    assert asked(client, history, tools=[TOOL], thinking=BUDGET).content[-1].text == "You said: noon"
    assert vendor.last().json["thinking"] == BUDGET


def test_thinking_that_another_vendors_model_told_is_no_obstacle(client: anthropic.Anthropic, vendor: Fake) -> None:
    foreign = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    call = {"type": "tool_use", "id": "a", "name": "get_time", "input": {}}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "noon"}]}
    answer = ask(client, [*HI, {"role": "assistant", "content": [foreign, call]}, result], tools=[TOOL], thinking=BUDGET)
    assert answer.content[-1].to_dict() == {"type": "text", "text": "You said: noon"}
    assert vendor.last().json["messages"][1]["content"] == [call]


@pytest.mark.parametrize("path", ["/v1/messages", COUNT])
def test_the_headers_of_the_format_go_along_and_no_others(door: Appliance, vendor: Fake, path: str) -> None:
    body = {"model": SONNET, "messages": HI} | ({} if path == COUNT else {"max_tokens": 9})
    ours = {"x-api-key": door.api_key, "x-stainless-os": "Linux", "user-agent": "me", "cookie": "a=b", "openai-beta": "x"}
    more = {"anthropic-version": "2026-10-21", "anthropic-beta": "context-1m-2025-08-07,files-api-2025-04-14"}
    assert door.call("POST", path, body, headers={**ours, **more}).status == 200
    seen = vendor.last().headers
    assert {name: value for name, value in seen.items() if name.startswith("anthropic")} == more
    assert seen["x-api-key"] == vendor.key
    assert not set(seen) & {"x-stainless-os", "cookie", "openai-beta", "authorization"}
    assert door.call("POST", path, body, headers=ours).status == 200
    assert vendor.last().headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in vendor.last().headers


def test_headers_of_another_format_stay_here(door: Appliance, vendor: Fake, upstream: Fake) -> None:
    body = {"model": SONNET, "messages": HI}
    headers = {"anthropic-beta": "files-api-2025-04-14", "Authorization": f"Bearer {door.api_key}"}
    assert door.call("POST", "/v1/chat/completions", body, headers=headers).status == 200
    assert "anthropic-beta" not in vendor.last().headers
    translated = {"model": "fake/gpt-4o", "messages": HI, "max_tokens": 9}
    assert door.call("POST", "/v1/messages", translated, headers=headers).status == 200
    assert not any(name.startswith("anthropic") for name in upstream.last().headers)


@pytest.mark.parametrize("path", ["/v1/messages", COUNT])
@pytest.mark.parametrize("value", ["b" * 1025, "gr\u00fc\u00dfe"])
def test_a_header_that_is_none_is_refused_and_never_sent(door: Appliance, vendor: Fake, path: str, value: str) -> None:
    before = len(vendor.seen())
    headers = {"x-api-key": door.api_key, "anthropic-beta": value}
    answer = door.call("POST", path, {"model": SONNET, "messages": HI, "max_tokens": 9}, headers=headers)
    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")
    assert "anthropic-beta" in answer.json["error"]["message"]
    assert len(vendor.seen()) == before


def test_a_version_that_the_vendor_refuses_is_its_own_400(door: Appliance) -> None:
    headers = {"x-api-key": door.api_key, "anthropic-version": "1999-01-01"}
    answer = door.call("POST", "/v1/messages", {"model": SONNET, "messages": HI, "max_tokens": 9}, headers=headers)
    assert answer.status == 400
    assert "is not a valid version" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fault-400", anthropic.BadRequestError),
        ("fault-401", anthropic.AuthenticationError),
        ("fault-429", anthropic.RateLimitError),
        ("fault-500", anthropic.InternalServerError),
        ("fault-529", anthropic.InternalServerError),
    ],
)
@BOTH
def test_a_failure_raises_its_class(client: anthropic.Anthropic, name: str, kind: type[Exception], asked: Any) -> None:
    with pytest.raises(kind):
        asked(client, model=f"claude/{name}")


def test_a_caller_who_leaves_ends_the_call_at_the_vendor(client: anthropic.Anthropic, vendor: Fake) -> None:
    with client.messages.stream(model="claude/fault-endless", max_tokens=9, messages=HI) as stream:
        assert next(iter(stream)) is not None
    assert eventually(lambda: vendor.last().hung_up)


def counted(client: anthropic.Anthropic, model: str = SONNET, messages: list[Any] = HI, **more: Any) -> tuple[int, bool]:
    """(tokens, whether they are an estimate)."""
    answer = client.messages.with_raw_response.count_tokens(model=model, messages=messages, **more)
    return answer.parse().input_tokens, answer.headers.get("x-gatehouse-estimated") == "true"


def test_tokens_are_counted_by_the_vendor(client: anthropic.Anthropic, vendor: Fake, door: Appliance) -> None:
    booked = len(door.rows("SELECT id FROM requests"))
    assert counted(client, system="Be kind.") == (ask(client, system="Be kind.").usage.input_tokens, False)
    assert counted(client, tools=[TOOL], thinking=BUDGET)[1] is False
    assert vendor.last().path == COUNT
    assert vendor.last().json["thinking"] == BUDGET
    assert len(door.rows("SELECT id FROM requests")) == booked + 1  # the message that was asked for the comparison


@pytest.mark.parametrize("model", ["fake/gpt-4o", "wrongkey/claude-sonnet-4-6", "nowhere/claude-sonnet-4-6", "claude/gone"])
def test_where_the_vendor_tells_no_count_it_is_estimated(client: anthropic.Anthropic, model: str) -> None:
    tokens, is_estimated = counted(client, model)
    assert is_estimated
    assert 1 <= tokens <= 60


def test_a_prompt_that_must_stay_on_this_machine_is_not_counted_elsewhere(client: anthropic.Anthropic, vendor: Fake) -> None:
    before = len(vendor.seen())
    assert counted(client, extra_headers={"X-Gatehouse-Local-Only": "true"})[1] is True
    assert len(vendor.seen()) == before


def test_what_the_vendor_finds_wrong_with_a_request_is_told_when_it_is_counted(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="tool_use"):
        counted(
            client, messages=[*HI, {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]}]
        )
