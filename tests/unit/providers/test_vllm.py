import msgspec
import pytest

from appliance.chat import ChatRequest, Message, Part
from appliance.providers.openai import OpenAI
from appliance.providers.support import fit
from appliance.providers.vllm import Compatible, Vllm
from appliance.providers.wire import Deployment

DEPLOYMENT = Deployment("vllm/m", "vllm", "vllm", "m", "http://127.0.0.1:1/v1")


def chat(**fields: object) -> ChatRequest:
    return ChatRequest("m", [Message("user", "Hello!")], **fields)  # type: ignore[arg-type]  # test sugar


def sent(provider: OpenAI, asked: ChatRequest) -> dict[str, object]:
    fitted = fit(asked, [], provider.support, who="vllm/m", drop=False)
    body: dict[str, object] = msgspec.json.decode(provider.chat_request(fitted.chat, {}, DEPLOYMENT, passes=False).body)
    return body


def test_vllms_own_fields_pass_through_untouched() -> None:
    raw = {
        "model": "vllm/m",
        "messages": [{"role": "user", "content": "Hi", "thinking_blocks": [], "reasoning": "x"}],
        "structured_outputs": {"regex": "a+"},
        "guided_json": {"type": "object"},
        "chat_template_kwargs": {"enable_thinking": False, "model": "kept"},
        "top_k": 5,
        "min_p": 0.1,
        "repetition_penalty": 1.1,
        "logits_processors": [{"qualname": "x", "kwargs": {"a": [1, 2.5, None]}}],
    }
    assert msgspec.json.decode(Vllm().chat_request(chat(), raw, DEPLOYMENT, passes=True).body) == {**raw, "model": "m"}


@pytest.mark.parametrize("provider", [Vllm(), Compatible()])
def test_what_openai_lacks_is_kept_for_those_who_have_it(provider: OpenAI) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": True}}
    body = sent(provider, chat(top_k=5, min_p=0.1, max_completion_tokens=7, response_format=schema))
    assert (body["top_k"], body["min_p"], body["max_tokens"], body["response_format"]) == (5, 0.1, 7, schema)
    assert "max_completion_tokens" not in body


def test_a_role_that_templates_do_not_know_is_the_one_they_do() -> None:
    asked = ChatRequest("m", [Message("developer", "Be brief."), Message("user", [Part("text", "Hi")])])
    messages = sent(Vllm(), asked)["messages"]
    assert messages[0] == {"role": "system", "content": "Be brief."}  # type: ignore[index]  # decoded JSON


@pytest.mark.parametrize(
    ("fields", "thinks", "effort"),
    [
        ({}, None, None),
        ({"thinking": {"type": "disabled"}}, False, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, True, None),
        ({"reasoning_effort": "none"}, False, None),
        ({"reasoning_effort": "minimal"}, True, "low"),
        ({"reasoning_effort": "xhigh"}, True, "high"),
    ],
)
def test_whether_a_model_thinks_is_said_to_its_template(
    fields: dict[str, object], thinks: bool | None, effort: str | None
) -> None:
    body = sent(Vllm(), chat(**fields))
    assert body.get("chat_template_kwargs") == (None if thinks is None else {"enable_thinking": thinks, "thinking": thinks})
    assert body.get("reasoning_effort") == effort


def test_what_was_thought_goes_back_by_both_of_its_names() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}
    asked = ChatRequest("m", [Message("user", "Hi"), Message("assistant", "Yes", thinking_blocks=[block])])
    assert sent(Vllm(), asked)["messages"][1] == {  # type: ignore[index]  # decoded JSON
        "role": "assistant",
        "content": "Yes",
        "reasoning": "hm",
        "reasoning_content": "hm",
    }


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_text_is_read_by_either_name_whole_and_streamed(name: str) -> None:
    answer = {"choices": [{"index": 0, "message": {"content": "4", name: "2+2"}, "finish_reason": "stop"}]}
    (delta,) = Vllm().chat_answer(msgspec.json.encode(answer), DEPLOYMENT, passes=False).deltas
    assert (delta.content, delta.reasoning) == ("4", "2+2")
    stream = Vllm().chat_stream(chat(), DEPLOYMENT, passes=False)
    event = {"choices": [{"index": 0, "delta": {name: "2+2"}}]}
    (chunk,) = stream.feed(b"data: " + msgspec.json.encode(event) + b"\n\n")
    assert chunk.deltas[0].reasoning == "2+2"
