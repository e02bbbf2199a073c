"""Requests to Bedrock: each is checked as the fake checks it, against AWS's service model and what Claude refuses."""

import base64
from typing import Any

import msgspec
import pytest

from appliance import errors
from appliance.chat import ChatRequest, FunctionCall, Message, Part, Tool, ToolCall, ToolFunction
from appliance.providers.bedrock import Bedrock
from appliance.providers.support import fit
from appliance.providers.wire import Deployment
from tests.fakes.bedrock_rules import check_claude, check_converse, check_shape

CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
OBJECT = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Tool("function", ToolFunction("get_weather", "Tells the weather.", OBJECT))
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


def deployment(model: str = CLAUDE, **more: str) -> Deployment:
    url = "https://bedrock-runtime.us-east-1.amazonaws.com"
    return Deployment(f"aws/{model}", "aws", "bedrock", model, url, **{"api_key": "bearer-key", **more})


def request(*messages: Message, model: str = CLAUDE, **fields: Any) -> dict[str, Any]:
    """The body that is sent, found good by the fake's rules."""
    chat = ChatRequest("r", list(messages), **fields)
    body: dict[str, Any] = msgspec.json.decode(Bedrock().chat_request(chat, {}, deployment(model), passes=False).body)
    check_shape(body, "Converse")
    check_converse(body)
    if "anthropic" in model:
        check_claude(body)
    return body


def refused(*messages: Message, **fields: Any) -> errors.GatehouseError:
    chat = ChatRequest("r", list(messages), **fields)
    with pytest.raises(errors.BadRequest) as caught:
        Bedrock().chat_request(chat, {}, deployment(), passes=False)
    assert caught.value.fix
    return caught.value


def user(content: Any = "Hello!") -> Message:
    return Message("user", content)


def calling(*ids: str, name: str = "get_weather", arguments: str = '{"city": "Ulm"}', **more: Any) -> Message:
    calls = [ToolCall(one, "function", FunctionCall(name, arguments)) for one in ids]
    return Message("assistant", tool_calls=calls, **more)


def result(call_id: str, content: Any = "sunny", **more: Any) -> Message:
    return Message("tool", content, tool_call_id=call_id, **more)


def image(url: Any) -> Message:
    return user([Part("text", "Look:"), Part("image_url", image_url={"url": url})])


def test_a_plain_chat_is_sent_with_its_system_apart_and_its_options_in_bedrocks_words() -> None:
    body = request(
        Message("system", "Be brief."),
        user(),
        Message("assistant", "Hi."),
        Message("developer", "In German."),
        user([Part("text", "How"), Part("text", " "), Part("text", "are you?")]),
        max_completion_tokens=50,
        temperature=0.7,
        top_p=0.9,
        stop=["END", ""],
        top_k=5,
    )
    assert body == {
        "system": [{"text": "Be brief."}, {"text": "In German."}],
        "messages": [
            {"role": "user", "content": [{"text": "Hello!"}]},
            {"role": "assistant", "content": [{"text": "Hi."}]},
            {"role": "user", "content": [{"text": "How"}, {"text": "are you?"}]},
        ],
        "inferenceConfig": {"maxTokens": 50, "temperature": 0.7, "topP": 0.9, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"top_k": 5},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    }


@pytest.mark.parametrize(
    ("model", "quoted"),
    [
        (CLAUDE, "anthropic.claude-sonnet-4-5-20250929-v1%3A0"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/x", "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx"),
    ],
)
def test_a_models_id_is_quoted_in_the_path_and_streams_have_a_path_of_their_own(model: str, quoted: str) -> None:
    chat = ChatRequest("r", [user()], stream=True)
    sent = Bedrock().chat_request(chat, {}, deployment(model), passes=False)
    assert sent.path == f"/model/{quoted}/converse-stream"
    assert sent.headers["Authorization"] == "Bearer bearer-key"
    chat.stream = None
    assert Bedrock().chat_request(chat, {}, deployment(model), passes=False).path == f"/model/{quoted}/converse"


def test_a_pair_of_keys_signs_and_without_any_credential_nothing_is_sent() -> None:
    pair = {"api_key": "", "region": "eu-central-1", "access_key_id": "AKIAX", "secret_access_key": "s"}
    chat = ChatRequest("r", [user()])
    sent = Bedrock(now=lambda: 0).chat_request(chat, {}, deployment(**pair), passes=False)
    assert "Credential=AKIAX/19700101/eu-central-1/bedrock/aws4_request" in sent.headers["Authorization"]
    for lacking in ("region", "access_key_id", "secret_access_key"):
        with pytest.raises(errors.UpstreamUnauthorized):
            Bedrock().chat_request(chat, {}, deployment(**{**pair, lacking: ""}), passes=False)


def test_neighbours_become_one_turn_and_the_first_turn_is_the_users() -> None:
    body = request(Message("assistant", "Hi."), Message("assistant", "There."), user("a"), user("b"))
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [len(turn["content"]) for turn in body["messages"]] == [1, 2, 2]


def test_only_a_system_prompt_is_answered_too_and_nothing_at_all_is_refused() -> None:
    assert request(Message("system", "Greet."))["messages"][0]["role"] == "user"
    assert refused(user(" "), user(""), user([])).param == "messages"


def test_calls_go_out_with_all_results_of_a_turn_first_in_one_message() -> None:
    body = request(
        user(),
        calling("call_1", "call_2"),
        result("call_1"),
        user("And?"),
        result(
            "call_2", [Part("text", "no"), Part("image_url", image_url={"url": f"data:image/png;base64,{PNG}"})], is_error=True
        ),
        tools=[WEATHER],
    )
    turn = body["messages"][2]["content"]
    assert turn[0] == {"toolResult": {"toolUseId": "call_1", "content": [{"text": "sunny"}]}}
    assert turn[1]["toolResult"]["status"] == "error"
    assert [next(iter(block)) for block in turn[1]["toolResult"]["content"]] == ["text", "image"]
    assert turn[2] == {"text": "And?"}
    assert body["messages"][1]["content"][0]["toolUse"]["input"] == {"city": "Ulm"}
    spec = {"name": "get_weather", "description": "Tells the weather.", "inputSchema": {"json": OBJECT}}
    assert body["toolConfig"] == {"tools": [{"toolSpec": spec}]}


def test_results_come_first_in_each_turn_anew() -> None:
    rounds = (calling("a", "b"), result("a"), result("b"), calling("c"), user("Wait."), result("c"))
    last = request(user(), *rounds, tools=[WEATHER])["messages"][-1]["content"]
    assert [next(iter(block)) for block in last] == ["toolResult", "text"]


def test_ids_that_bedrock_does_not_take_are_made_safe_in_call_and_result_alike() -> None:
    for odd in ("call.with:colons/" + "x" * 90, "", "call_1-ts-c2lnbmF0dXJl"):
        body = request(user(), calling(odd), result(odd), tools=[WEATHER])
        call, answer = body["messages"][1]["content"][0], body["messages"][2]["content"][0]
        assert call["toolUse"]["toolUseId"] == answer["toolResult"]["toolUseId"]
        assert "-ts-" not in call["toolUse"]["toolUseId"]


def test_blank_arguments_and_results_are_sent_as_something() -> None:
    body = request(user(), calling("a", arguments=" "), result("a", ""), tools=[WEATHER])
    assert body["messages"][1]["content"][0]["toolUse"]["input"] == {}
    assert body["messages"][2]["content"][0]["toolResult"]["content"] == [{"text": "(nothing)"}]


@pytest.mark.parametrize("fields", [{}, {"tools": [], "tool_choice": "auto"}, {"tools": [WEATHER], "tool_choice": "none"}])
def test_history_with_calls_names_its_tools_and_no_tool_is_put_in_words(fields: dict[str, Any]) -> None:
    body = request(user(), calling("a", name="old_tool"), result("a"), **fields)
    assert "old_tool" in [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]]
    assert body["system"] == [{"text": "Answer in words. Don't call any tool."}]


def test_choices_of_tools_are_told_in_bedrocks_words() -> None:
    def choice(wanted: Any) -> Any:
        return request(user(), tools=[WEATHER], tool_choice=wanted).get("toolConfig", {}).get("toolChoice", "none")

    named = {"type": "function", "function": {"name": "get_weather"}}
    assert [choice(wanted) for wanted in ("auto", "required", named)] == ["none", {"any": {}}, {"tool": {"name": "get_weather"}}]
    assert "toolConfig" not in request(user(), tools=[WEATHER], tool_choice="none")
    assert refused(user(), tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "x"}}).param
    assert refused(user(), tools=[WEATHER], tool_choice={"type": "allowed_tools"}).param == "tool_choice"


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "f"}}])
@pytest.mark.parametrize("tools", [None, []])
def test_a_tool_that_must_be_called_is_refused_where_there_are_none(choice: Any, tools: Any) -> None:
    assert refused(user(), tools=tools, tool_choice=choice).param == "tool_choice"
    assert refused(user(), calling("a"), result("a"), tools=tools, tool_choice=choice).param == "tool_choice"


@pytest.mark.parametrize("ids", [("call_1", "call_1"), ("call_1", "call_1-ts-c2ln"), ("", "")])
def test_two_calls_of_one_turn_with_one_id_are_refused_with_the_place(ids: tuple[str, str]) -> None:
    for results in ((), (ids[0],), ids):
        refusal = refused(user(), calling(*ids), *(result(name) for name in results))
        assert refusal.param == "messages[1].tool_calls[1]"
    assert refused(user(), calling(ids[0]), calling(ids[1]), result(ids[0])).param == "messages[2].tool_calls[0]"


def test_a_schema_without_a_type_is_an_objects_and_three_hundred_tools_are_sent() -> None:
    bare = Tool("function", ToolFunction("bare"))
    typeless = Tool("function", ToolFunction("typeless", " ", {"properties": {}}))
    many = [Tool("function", ToolFunction(f"tool_{number}", None, OBJECT)) for number in range(300)]
    specs = [tool["toolSpec"] for tool in request(user(), tools=[bare, typeless, *many])["toolConfig"]["tools"]]
    assert len(specs) == 302
    assert specs[0]["inputSchema"]["json"]["type"] == specs[1]["inputSchema"]["json"]["type"] == "object"
    assert "description" not in specs[1]


def test_an_image_is_sent_as_what_it_is_whatever_it_is_called() -> None:
    body = request(image(f"data:image/jpeg;base64,{PNG}"))
    assert body["messages"][0]["content"][1] == {"image": {"format": "png", "source": {"bytes": PNG}}}
    for beginning, kind in ((b"\xff\xd8\xff\xe0", "jpeg"), (b"GIF89a", "gif"), (b"RIFF\0\0\0\0WEBPVP8 ", "webp")):
        data = base64.b64encode(beginning + b"x" * 20).decode()
        assert request(image(f"data:;base64,{data}"))["messages"][0]["content"][1]["image"]["format"] == kind


BAD: dict[str, tuple[list[Message], dict[str, Any], str]] = {
    "an image that isn't one": ([image("data:image/png;base64,aGVsbG8=")], {}, "messages[0].content[1].image_url.url"),
    "an image that isn't base64": ([image("data:image/png;base64,@@@")], {}, "messages[0].content[1].image_url.url"),
    "an image elsewhere": ([image("https://x.example/a.png")], {}, "messages[0].content[1].image_url.url"),
    "an image without a url": ([image(7)], {}, "messages[0].content[1].image_url.url"),
    "a result without a call": ([user(), result("a")], {}, "messages[1].tool_call_id"),
    "a result twice": ([user(), calling("a"), result("a"), result("a")], {}, "messages[3].tool_call_id"),
    "a result too late": (
        [user(), calling("a"), result("a"), Message("assistant", "x"), result("a")], {}, "messages[4].tool_call_id",
    ),
    "a call without a result": ([user(), calling("a", "b"), result("b")], {}, "messages[1].tool_calls[0]"),
    "a call passed over": (
        [user(), calling("a"), user(), Message("assistant", "x"), user()], {}, "messages[1].tool_calls[0]",
    ),
    "arguments that are no JSON": ([user(), calling("a", arguments="{")], {}, "messages[1].tool_calls[0].function.arguments"),
    "arguments that are a list": ([user(), calling("a", arguments="[]")], {}, "messages[1].tool_calls[0].function.arguments"),
    "arguments nested without end": (
        [user(), calling("a", arguments='{"a":' + "[" * 100_000)], {}, "messages[1].tool_calls[0].function.arguments",
    ),
    "a name with a dot": ([user()], {"tools": [Tool("function", ToolFunction("a.b"))]}, "tools[0].function.name"),
    "a name in history": ([user(), calling("a", name="b c")], {}, "messages[1].tool_calls[0].function.name"),
    "a schema of a text": (
        [user()], {"tools": [Tool("function", ToolFunction("a", None, {"type": "string"}))]}, "tools[0].function.parameters",
    ),
    "properties that are a list": (
        [user()], {"tools": [Tool("function", ToolFunction("a", None, {"properties": [1]}))]}, "tools[0].function.parameters",
    ),
    "a tool of the server": ([user()], {"tools": [Tool("web_search")]}, "tools[0].type"),
    "no tokens": ([user()], {"max_tokens": 0}, "max_tokens"),
    "a schema that is none": (
        [user()], {"response_format": {"type": "json_schema", "json_schema": 1}}, "response_format.json_schema.schema",
    ),
    "a function's message": ([user(), Message("function", "x", name="f")], {}, "messages[1].role"),
    "a file": ([user([Part("file")])], {}, "messages[0].content[0].type"),
    "an image of the system": ([Message("system", image(PNG).content)], {}, "messages[0].content[1].type"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_with_its_place(what: str) -> None:
    messages, fields, place = BAD[what]
    assert refused(*messages, **fields).param == place


def test_half_a_character_is_refused_and_separators_of_lines_go_through() -> None:
    assert "surrogate" in refused(user("\ud800")).message
    assert request(user("a\u2028b"))["messages"][0]["content"] == [{"text": "a\u2028b"}]


def test_a_schema_is_sent_as_text() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": OBJECT}}
    text_format = request(user(), response_format=wanted)["outputConfig"]["textFormat"]
    definition = text_format["structure"]["jsonSchema"]
    assert text_format["type"] == "json_schema" and definition["name"] == "city"
    assert msgspec.json.decode(definition["schema"]) == OBJECT


def test_thinking_is_asked_in_claudes_words_without_what_it_does_not_go_with() -> None:
    body = request(user(), reasoning_effort="medium", temperature=0.2, top_p=0.5, top_k=3, max_tokens=10_000)
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 4096}}
    assert body["inferenceConfig"] == {"maxTokens": 10_000}
    own = {"type": "enabled", "budget_tokens": 2000}
    assert request(user(), thinking=own)["additionalModelRequestFields"] == {"thinking": own}


@pytest.mark.parametrize(("room", "budget"), [(None, 16_384), (20_000, 16_384), (4000, 2000), (1500, 1024), (1024, None)])
def test_thinking_never_takes_all_the_room_of_an_answer(room: int | None, budget: int | None) -> None:
    body = request(user(), reasoning_effort="high", max_tokens=room)
    thinking = body.get("additionalModelRequestFields", {}).get("thinking", {})
    assert thinking.get("budget_tokens") == budget


@pytest.mark.parametrize("fields", [{"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}, {}])
def test_no_thinking_is_asked_where_none_is_wanted(fields: dict[str, Any]) -> None:
    assert "additionalModelRequestFields" not in request(user(), **fields)


def test_thoughts_go_back_unchanged_and_without_them_thinking_is_off_after_calls() -> None:
    redacted = {"type": "redacted_thinking", "data": "aGlkZGVu"}
    kept = calling("a", thinking_blocks=[THOUGHT, redacted, {"type": "thinking", "thinking": "unsigned"}])
    body = request(user(), kept, result("a"), tools=[WEATHER], reasoning_effort="low")
    assert body["messages"][1]["content"][:2] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "aGlkZGVu"}},
    ]
    assert "toolUse" in body["messages"][1]["content"][2]
    assert body["additionalModelRequestFields"]["thinking"]
    lost = request(user(), calling("a"), result("a"), tools=[WEATHER], reasoning_effort="low")
    assert "additionalModelRequestFields" not in lost
    forced = request(user(), tools=[WEATHER], tool_choice="required", reasoning_effort="low")
    assert "additionalModelRequestFields" not in forced


def test_a_thought_alone_is_no_turn() -> None:
    body = request(user("a"), Message("assistant", thinking_blocks=[THOUGHT]), user("b"))
    assert len(body["messages"]) == 1


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("amazon.nova-2-lite-v1:0", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
        ("openai.gpt-oss-120b-1:0", {"reasoning_effort": "high"}),
        ("us.anthropic.claude-x", {"thinking": {"type": "enabled", "budget_tokens": 32_768}}),
    ],
)
def test_thinking_is_asked_in_each_makers_words(model: str, fields: dict[str, Any]) -> None:
    assert request(user(), model=model, reasoning_effort="max")["additionalModelRequestFields"] == fields


def test_top_k_is_asked_in_each_makers_words() -> None:
    assert request(user(), model="amazon.nova-lite-v1:0", top_k=4)["additionalModelRequestFields"] == {
        "inferenceConfig": {"topK": 4}
    }


@pytest.mark.parametrize("feature", ["seed", "n", "logprobs", "presence_penalty"])
def test_what_bedrock_cannot_do_is_refused_by_name(feature: str) -> None:
    chat = ChatRequest("r", [user()], **{feature: 2})  # type: ignore[arg-type]  # one value for all
    with pytest.raises(errors.FeatureUnsupported) as caught:
        fit(chat, [], Bedrock.support, who="aws/m", drop=False)
    assert caught.value.param == feature


def test_texts_are_embedded_one_a_request_and_answered_in_openais_format() -> None:
    raw = {"model": "route", "input": ["two words", "three"], "dimensions": 256, "encoding_format": "base64"}
    sent = Bedrock().embeddings_requests(raw, deployment("amazon.titan-embed-text-v2:0"))
    assert [msgspec.json.decode(one.body) for one in sent] == [
        {"inputText": "two words", "dimensions": 256},
        {"inputText": "three", "dimensions": 256},
    ]
    assert {one.path for one in sent} == {"/model/amazon.titan-embed-text-v2%3A0/invoke"}
    bodies = [b'{"embedding":[0.5,-1],"inputTextTokenCount":2}', b'{"embedding":[1,2],"inputTextTokenCount":1}']
    chunk = Bedrock().embeddings_answer(bodies, raw, deployment())
    answer = msgspec.json.decode(chunk.raw or b"")
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3} and answer["model"] == "route"
    assert answer["data"][0]["embedding"] == base64.b64encode(b"\0\0\0\x3f\0\0\x80\xbf").decode()
    assert chunk.usage is not None and chunk.usage.tokens_in == 3
    plain = msgspec.json.decode(Bedrock().embeddings_answer(bodies, {"model": "m"}, deployment()).raw or b"")
    assert plain["data"][1] == {"object": "embedding", "index": 1, "embedding": [1, 2]}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": [1, 2]}, "input[0]"),
        ({"input": ["a", " "]}, "input[1]"),
        ({"input": ["a"] * 257}, "input"),
        ({"input": "a", "dimensions": "many"}, "dimensions"),
        ({"input": "\ud800"}, None),
    ],
)
def test_what_cannot_be_embedded_is_refused(fields: dict[str, Any], param: str | None) -> None:
    with pytest.raises(errors.BadRequest) as caught:
        Bedrock().embeddings_requests(fields, deployment())
    assert caught.value.param == param


@pytest.mark.parametrize("body", [b"", b"{}", b'{"message":"x"}', b'{"embedding":["a"]}'])
def test_an_answer_without_an_embedding_is_a_failure(body: bytes) -> None:
    with pytest.raises(errors.UpstreamFailed):
        Bedrock().embeddings_answer([body], {}, deployment())


def test_bedrock_does_not_list_its_models_here() -> None:
    assert Bedrock().models_request(deployment("")) is None
    with pytest.raises(ValueError, match="list"):
        Bedrock().models_answer(b"{}")
