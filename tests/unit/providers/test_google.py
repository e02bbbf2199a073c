"""Gemini: what is sent, and what is read of a whole answer, of errors and of lists."""

import base64
import json
import struct
from typing import Any

import msgspec
import pytest

from appliance import errors
from appliance.chat import ChatRequest, FunctionCall, Message, Part, ToolCall
from appliance.providers import call_ids
from appliance.providers.google import Google
from appliance.providers.google_contents import DUMMY_SIGNATURE
from appliance.providers.wire import Deployment
from tests.fakes.google_rules import check_generate, read_message

google = Google()
BASE = "https://generativelanguage.example"
PIXEL = "data:image/png;base64," + base64.b64encode(bytes.fromhex("89504e470d0a1a0a")).decode()
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"properties": {"city": {"type": "string"}}}}}


def deployment(model: str = "gemini-2.5-flash", base_url: str = BASE) -> Deployment:
    return Deployment(f"g/{model}", "g", "google", model, base_url, "secret")


def asked(messages: list[dict[str, Any]] | None = None, **fields: Any) -> ChatRequest:
    said = [{"role": "user", "content": "Hi"}] if messages is None else messages
    return msgspec.convert({"model": "m", "messages": said, **fields}, ChatRequest)


def sent(messages: list[dict[str, Any]] | None = None, model: str = "gemini-2.5-flash", **fields: Any) -> dict[str, Any]:
    """The body for Google, which the fake's rules take."""
    outgoing = google.chat_request(asked(messages, **fields), {}, deployment(model), passes=False)
    body: dict[str, Any] = json.loads(outgoing.body)
    check_generate(model, read_message(body, "GenerateContentRequest"))
    return body


def refused(
    messages: list[dict[str, Any]] | None = None, model: str = "gemini-2.5-flash", **fields: Any
) -> errors.GatehouseError:
    with pytest.raises(errors.BadRequest) as caught:
        google.chat_request(asked(messages, **fields), {}, deployment(model), passes=False)
    assert caught.value.fix
    return caught.value


def call(call_id: str, name: str = "get_weather", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


@pytest.mark.parametrize("base", ["", "/v1beta", "/v1", "/v1alpha"])
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "models/gemini-2.5-flash"])
def test_a_base_url_and_a_model_are_taken_in_each_of_their_spellings(base: str, model: str) -> None:
    place = deployment(model, BASE + base)
    path = google.chat_request(asked(), {}, place, passes=False).path
    assert base + path == f"{base or '/v1beta'}/models/gemini-2.5-flash:generateContent"
    streamed = google.chat_request(asked(stream=True), {}, place, passes=False)
    assert streamed.path.endswith(":streamGenerateContent?alt=sse")
    assert streamed.headers["x-goog-api-key"] == "secret"
    assert "secret" not in streamed.path


def test_a_models_name_stays_within_its_path() -> None:
    path = google.chat_request(asked(), {}, deployment("gemini?key=x#y z"), passes=False).path
    assert path == "/v1beta/models/gemini%3Fkey%3Dx%23y%20z:generateContent"


def test_system_messages_have_one_place_and_neighbours_are_one_content() -> None:
    body = sent(
        [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "One"},
            {"role": "developer", "content": [{"type": "text", "text": "Be short."}]},
            {"role": "user", "content": "Two"},
            {"role": "assistant", "content": "Yes"},
            {"role": "assistant", "content": "And?"},
            {"role": "user", "content": ""},
            {"role": "user", "content": "Three"},
        ]
    )
    assert body["systemInstruction"] == {"parts": [{"text": "Be kind."}, {"text": "Be short."}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "One"}, {"text": "Two"}]},
        {"role": "model", "parts": [{"text": "Yes"}, {"text": "And?"}]},
        {"role": "user", "parts": [{"text": "Three"}]},
    ]


def test_instructions_alone_are_said() -> None:
    assert sent([{"role": "system", "content": "Count."}]) == {"contents": [{"role": "user", "parts": [{"text": "Count."}]}]}


@pytest.mark.parametrize("content", ["", None, [], [{"type": "text", "text": ""}]])
def test_messages_that_are_all_empty_are_refused(content: Any) -> None:
    assert refused([{"role": "user", "content": content}]).param == "messages"


def test_images_go_inline_or_by_an_address_that_google_fetches() -> None:
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "image_url", "image_url": {"url": "https://images.example/a/cat.JPG?size=1"}},
        {"type": "image_url", "image_url": {"url": "https://images.example/cat"}},
    ]
    assert sent([{"role": "user", "content": parts}])["contents"][0]["parts"] == [
        {"text": "Look"},
        {"inlineData": {"mimeType": "image/png", "data": PIXEL.partition(",")[2]}},
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://images.example/a/cat.JPG?size=1"}},
        {"fileData": {"fileUri": "https://images.example/cat"}},
    ]


@pytest.mark.parametrize(
    "url",
    [
        "", "data:", "data:image/png,AAAA", "data:image/png;base64,", "data:image/png;base64,AAA", "data:image/png;base64,a b!",
        "data:image/gif;base64,AAAA", "data:image/svg+xml;base64,AAAA", "data:text/plain;base64,AAAA", "data:;base64,AAAA",
        "http://images.example/x.png", "file:///etc/passwd", "ftp://x/y.png", "nonsense", None, 5,
    ],
)  # fmt: skip
def test_an_image_that_is_none_is_refused_with_its_place(url: Any) -> None:
    error = refused([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
    assert error.param == "messages[0].content[0].image_url.url"


def test_a_sampling_parameter_has_its_place_in_the_config() -> None:
    body = sent(
        temperature=0.5, top_p=0.9, top_k=40, n=2, max_tokens=7, stop=["a", ""], seed=5, presence_penalty=0.1,
        frequency_penalty=-0.1, logprobs=True, top_logprobs=3,
    )  # fmt: skip
    assert body["generationConfig"] == {
        "temperature": 0.5, "topP": 0.9, "topK": 40, "candidateCount": 2, "maxOutputTokens": 7, "stopSequences": ["a"], "seed": 5,
        "presencePenalty": 0.1, "frequencyPenalty": -0.1, "responseLogprobs": True, "logprobs": 3,
    }  # fmt: skip


def test_a_seed_of_64_bits_is_folded_the_same_way_each_time() -> None:
    seeds = {sent(seed=2**40 + 17)["generationConfig"]["seed"] for _ in range(2)}
    assert len(seeds) == 1


def test_more_stop_texts_than_google_takes_are_refused() -> None:
    assert refused(stop=list("abcdef")).param == "stop"


@pytest.mark.parametrize(
    ("model", "asks", "config"),
    [
        ("gemini-2.5-flash", {"reasoning_effort": "low"}, {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-2.5-flash", {"reasoning_effort": "none"}, {"thinkingBudget": 0}),
        ("gemini-2.5-pro", {"reasoning_effort": "none"}, {"thinkingBudget": 128}),
        ("gemini-2.0-flash", {"reasoning_effort": "none"}, None),
        ("gemini-3-pro-preview", {"reasoning_effort": "minimal"}, {"includeThoughts": True, "thinkingLevel": "low"}),
        ("gemini-3-pro-preview", {"reasoning_effort": "medium"}, {"includeThoughts": True, "thinkingLevel": "high"}),
        ("gemini-3.1-pro", {"reasoning_effort": "medium"}, {"includeThoughts": True, "thinkingLevel": "medium"}),
        ("gemini-3-flash-preview", {"reasoning_effort": "none"}, {"thinkingLevel": "minimal"}),
        (
            "gemini-2.5-flash",
            {"thinking": {"type": "enabled", "budget_tokens": 99_999}},
            {"includeThoughts": True, "thinkingBudget": 24576},
        ),
        (
            "gemini-3-flash-preview",
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            {"includeThoughts": True, "thinkingLevel": "low"},
        ),
        ("gemini-2.5-flash", {"thinking": {"type": "adaptive"}}, {"includeThoughts": True}),
        ("gemini-2.5-flash", {"thinking": {"type": "disabled"}}, {"thinkingBudget": 0}),
    ],
)
def test_how_much_to_think_is_said_as_each_family_takes_it(model: str, asks: Any, config: Any) -> None:
    assert sent(model=model, **asks).get("generationConfig", {}).get("thinkingConfig") == config


def test_an_effort_that_nobody_knows_is_refused() -> None:
    assert refused(reasoning_effort="heroic").param == "reasoning_effort"
    assert refused(thinking={"type": "enabled", "budget_tokens": "many"}).param == "thinking.budget_tokens"


def test_answers_in_json_are_asked_for_with_and_without_a_schema() -> None:
    assert sent(response_format={"type": "json_object"})["generationConfig"] == {"responseMimeType": "application/json"}
    schema = {"type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": False, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    assert sent(response_format=wanted)["generationConfig"]["responseJsonSchema"] == {
        "type": "object",
        "properties": {"a": {"type": "integer", "enum": [1]}},
        "additionalProperties": False,
        "required": ["a"],
    }
    assert refused(response_format={"type": "json_schema"}).param == "response_format.json_schema.schema"
    assert refused(response_format={"type": "grammar"}).param == "response_format.type"


def test_tools_are_declared_and_a_tool_without_parameters_has_none() -> None:
    body = sent(tools=[WEATHER, {"type": "function", "function": {"name": "now", "description": "Time", "parameters": {}}}])
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {"name": "get_weather", "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}}},
                {"name": "now", "description": "Time"},
            ]
        }
    ]
    assert "toolConfig" not in body


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", None),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "get_weather"}}, {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}),
    ],
)
def test_the_choice_of_tools_is_googles_mode(choice: Any, calling: Any) -> None:
    assert (sent(tools=[WEATHER], tool_choice=choice).get("toolConfig") or {}).get("functionCallingConfig") == calling


def test_of_allowed_tools_only_those_are_declared() -> None:
    tools = [WEATHER, {"type": "function", "function": {"name": "now"}}]
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "now"}}]}
    body = sent(tools=tools, tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert body["tools"] == [{"functionDeclarations": [{"name": "now"}]}]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}


@pytest.mark.parametrize(
    "choice", ["maybe", {"type": "function"}, {"type": "function", "function": {"name": "nobody"}}, {"type": "allowed_tools"}, {}]
)
def test_a_choice_that_means_nothing_is_refused(choice: Any) -> None:
    assert str(refused(tools=[WEATHER], tool_choice=choice).param).startswith("tool_choice")


FORCED = ["required", {"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize("choice", FORCED)
@pytest.mark.parametrize("tools", [None, []])
def test_a_tool_that_must_be_called_is_refused_where_there_are_none(choice: Any, tools: Any) -> None:
    assert refused(tools=tools, tool_choice=choice).param == "tool_choice"
    for free in ("auto", "none", None):
        assert "toolConfig" not in sent(tools=tools, tool_choice=free)


def test_two_calls_of_one_turn_with_one_id_are_refused_with_the_place() -> None:
    def history(first: str, second: str) -> list[dict[str, Any]]:
        calls = [{"id": name, "function": {"name": "f", "arguments": "{}"}} for name in (first, second)]
        results = [{"role": "tool", "tool_call_id": name, "content": "x"} for name in (first, second)]
        return [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": calls}, *results]

    assert refused(history("call_1", "call_1")).param == "messages[1].tool_calls[1]"
    assert refused(history("call_1", "call_1-ts-c2ln")).param == "messages[1].tool_calls[1]"
    sent(history("", ""))  # Google goes by their order then, as it does itself where it gives no ids


@pytest.mark.parametrize("name", ["", "1st", "-x", "a b", "ü", "x" * 65])
def test_a_tools_name_that_google_does_not_take_is_refused_with_its_place(name: str) -> None:
    error = refused(tools=[WEATHER, {"type": "function", "function": {"name": name}}])
    assert (type(error), error.param) == (errors.FeatureUnsupported, "tools[1].function.name")


def test_half_a_character_in_a_tool_is_refused_and_not_a_failure_of_ours() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"description": "x"}}}}}
    chat = asked(tools=[tool])
    assert chat.tools is not None
    assert chat.tools[0].function is not None
    chat.tools[0].function.parameters = {"properties": {"a": {"description": "\ud800"}}}
    with pytest.raises(errors.InvalidField, match="lone surrogate"):
        google.chat_request(chat, {}, deployment(), passes=False)


def test_a_wrong_schema_is_told_with_its_place_each_time() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": 5}}}}
    for _ in range(2):
        assert refused(tools=[WEATHER, tool]).param == "tools[1].function.parameters.properties.a"


def test_300_tools_are_declared() -> None:
    tools = [{"type": "function", "function": {"name": f"tool_{number}"}} for number in range(300)]
    assert len(sent(tools=tools)["tools"][0]["functionDeclarations"]) == 300


TWO_CALLS: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [call("call_a", "one"), call("call_b", "two", '{"x": [1]}')],
}


def test_results_are_one_content_by_name_and_in_the_order_of_the_calls() -> None:
    body = sent(
        [
            {"role": "user", "content": "Go"},
            TWO_CALLS,
            {"role": "tool", "tool_call_id": "call_b", "content": '{"temperature": 12345678901234567890}'},
            {"role": "system", "content": "Hurry."},
            {"role": "tool", "tool_call_id": "call_a", "content": [{"type": "text", "text": "done"}]},
            {"role": "user", "content": "Well?"},
        ]
    )
    assert body["contents"][1]["parts"] == [
        {"functionCall": {"name": "one", "args": {}}},
        {"functionCall": {"name": "two", "args": {"x": [1]}}},
    ]
    assert body["contents"][2:] == [
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "one", "response": {"result": "done"}}},
                {"functionResponse": {"name": "two", "response": {"temperature": 12345678901234567890}}},
            ],
        },
        {"role": "user", "parts": [{"text": "Well?"}]},
    ]


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ("[1]", {"result": "[1]"}),
        ("{broken", {"result": "{broken"}),
        ("", {"result": ""}),
        ("null", {"result": "null"}),
        ('{"a":NaN}', {"result": '{"a":NaN}'}),
    ],
)
def test_a_result_is_an_object_whatever_the_tool_said(content: str, response: Any) -> None:
    history: list[dict[str, Any]] = [{"role": "user", "content": "Go"}, {"role": "assistant", "tool_calls": [call("call_a")]}]
    body = sent([*history, {"role": "tool", "tool_call_id": "call_a", "content": content}])
    assert body["contents"][2]["parts"][0]["functionResponse"]["response"] == response


def test_a_failed_tool_and_one_that_gave_a_picture_are_told_as_such() -> None:
    parts = [{"type": "text", "text": "no"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    history: list[dict[str, Any]] = [{"role": "user", "content": "Go"}, {"role": "assistant", "tool_calls": [call("call_a")]}]
    body = sent([*history, {"role": "tool", "tool_call_id": "call_a", "content": parts, "is_error": True}])
    assert body["contents"][2]["parts"] == [{"functionResponse": {"name": "get_weather", "response": {"error": "no"}}}]
    assert "inlineData" in body["contents"][3]["parts"][0]


def result(call_id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "x"}


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([result("call_a")], "messages[0].tool_call_id"),
        ([TWO_CALLS, result("call_a"), result("call_c")], "messages[2].tool_call_id"),
        ([TWO_CALLS, result("call_a"), result("call_a")], "messages[2].tool_call_id"),
        ([TWO_CALLS, result("call_a")], "messages[0].tool_calls[1].id"),
        ([TWO_CALLS, result("call_b"), {"role": "user", "content": "x"}], "messages[0].tool_calls[0].id"),
        ([{"role": "assistant", "tool_calls": [call("a", arguments="[1]")]}], "messages[0].tool_calls[0].function.arguments"),
        ([{"role": "assistant", "tool_calls": [call("a", arguments='{"x": ')]}], "messages[0].tool_calls[0].function.arguments"),
        ([{"role": "assistant", "tool_calls": [{"id": "a", "type": "function"}]}], "messages[0].tool_calls[0].function.name"),
        ([{"role": "function", "name": "f", "content": "x"}], "messages[0].role"),
        ([{"role": "system", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}], "messages[0].content[0].type"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "messages[0].content[0].type"),
    ],
)
def test_a_history_that_does_not_hang_together_is_refused_with_the_place(messages: Any, param: str) -> None:
    assert refused(messages).param == param


def test_two_calls_of_one_id_are_answered_in_their_order() -> None:
    calls = {"role": "assistant", "tool_calls": [call("", "one"), call("", "two")]}
    results = [{"role": "tool", "tool_call_id": "", "content": text} for text in ("first", "second")]
    parts = sent([{"role": "user", "content": "Go"}, calls, *results])["contents"][2]["parts"]
    assert [part["functionResponse"]["response"]["result"] for part in parts] == ["first", "second"]


def test_half_a_character_is_refused_and_not_a_failure_of_ours() -> None:
    chat = ChatRequest("m", [Message("user", [Part("text", "\ud800")])])
    with pytest.raises(errors.InvalidField, match="lone surrogate"):
        google.chat_request(chat, {}, deployment(), passes=False)


def whole(body: Any) -> Any:
    return google.chat_answer(json.dumps(body, indent=2).encode(), deployment(), passes=False)


def candidate(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts), "role": "model"}, "finishReason": finish, **more}


CALL_PARTS: list[dict[str, Any]] = [
    {"functionCall": {"name": "one", "args": {"a": [1, 2.5], "b": "x y"}}, "thoughtSignature": "c2lnbg+/"},
    {"functionCall": {"name": "two"}},
]


def test_an_answer_is_read_with_thoughts_calls_and_usage() -> None:
    usage = {
        "promptTokenCount": 10, "toolUsePromptTokenCount": 2, "candidatesTokenCount": 3, "thoughtsTokenCount": 4,
        "cachedContentTokenCount": 5, "totalTokenCount": 19,
    }  # fmt: skip
    parts: list[dict[str, Any]] = [{"text": "Hm.", "thought": True}, {"text": "Sure"}, {"text": "!"}, *CALL_PARTS]
    chunk = whole({"candidates": [candidate(*parts)], "usageMetadata": usage, "responseId": "aB-1_2"})
    (delta,) = chunk.deltas
    assert (delta.reasoning, delta.content, chunk.finish) == ("Hm.", "Sure!", "tool_calls")
    assert [(one.function.name, one.function.arguments, one.index) for one in delta.tool_calls] == [
        ("one", '{"a":[1,2.5],"b":"x y"}', 0),
        ("two", "{}", 1),
    ]
    assert [call_ids.plain(one.id) for one in delta.tool_calls] == ["call_aB12_0_0", "call_aB12_0_1"]
    assert delta.tool_calls[0].extra_content == {"google": {"thought_signature": "c2lnbg+/"}}
    assert call_ids.signature_in(delta.tool_calls[0].id) == "c2lnbg+/"
    told = chunk.usage
    assert (told.tokens_in, told.tokens_out, told.cached_in, told.reasoning_out) == (12, 7, 5, 4)


def test_counts_that_no_ledger_can_hold_are_cut_to_what_it_can() -> None:
    told = whole(
        {"candidates": [candidate({"text": "x"})], "usageMetadata": {"promptTokenCount": 2**60, "candidatesTokenCount": -5}}
    )
    assert (told.usage.tokens_in, told.usage.tokens_out) == (2**31 - 1, 0)


@pytest.mark.parametrize("kept", ["everything", "id alone", "extra_content alone"])
def test_a_signature_comes_back_in_its_part_whatever_the_client_kept(kept: str) -> None:
    parts = [{"functionCall": {"name": "one", "args": {}, "id": "fc-1"}, "thoughtSignature": "c2lnbg+/"}, CALL_PARTS[1]]
    calls = whole({"candidates": [candidate(*parts)]}).deltas[0].tool_calls
    for one in calls:
        one.index = None
        if kept == "id alone":
            one.extra_content = None
        elif kept == "extra_content alone":
            one.id = call_ids.plain(one.id)
    results = [Message("tool", "ok", tool_call_id=one.id) for one in calls]
    chat = ChatRequest("m", [Message("user", "Go"), Message("assistant", tool_calls=calls), *results])
    body = json.loads(google.chat_request(chat, {}, deployment("gemini-3-pro-preview"), passes=False).body)
    assert body["contents"][1]["parts"] == [
        {"functionCall": {"name": "one", "args": {}, "id": "fc-1"}, "thoughtSignature": "c2lnbg+/"},
        {"functionCall": {"name": "two", "args": {}}},
    ]
    assert body["contents"][2]["parts"][0] == {"functionResponse": {"name": "one", "response": {"result": "ok"}, "id": "fc-1"}}


@pytest.mark.parametrize(
    ("model", "demands"), [("gemini-3-pro-preview", True), ("gemini-flash-latest", True), ("gemini-2.5-pro", False)]
)
def test_the_first_call_of_anothers_history_has_googles_dummy_where_a_signature_is_demanded(model: str, demands: bool) -> None:
    body = sent([{"role": "user", "content": "Go"}, TWO_CALLS, result("call_a"), result("call_b")], model=model)
    signatures = [part.get("thoughtSignature") for part in body["contents"][1]["parts"]]
    assert signatures == [DUMMY_SIGNATURE if demands else None, None]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"), ("PROHIBITED_CONTENT", "content_filter"), ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"), ("LANGUAGE", "content_filter"), ("MODEL_ARMOR", "content_filter"), ("OTHER", "stop"),
        ("A_REASON_OF_NEXT_YEAR", "stop"),
    ],
)  # fmt: skip
def test_a_reason_to_finish_is_openais_word(reason: str, finish: str) -> None:
    assert whole({"candidates": [candidate({"text": "x"}, finish=reason)]}).finish == finish
    blocked = whole({"candidates": [{"finishReason": reason, "index": 0}]})
    assert (blocked.finish, blocked.deltas[0].content) == (finish, None)


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE"])
def test_a_call_that_google_could_not_read_is_the_providers_failure(reason: str) -> None:
    with pytest.raises(errors.UpstreamFailed, match=reason):
        whole({"candidates": [candidate(finish=reason)]})


def test_a_blocked_prompt_is_an_answer_that_finishes_with_content_filter() -> None:
    chunk = whole({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}})
    assert (chunk.finish, chunk.usage.tokens_in, chunk.deltas[0].content) == ("content_filter", 4, "")


def test_several_candidates_are_several_choices_with_logprobs() -> None:
    token = {"token": "é", "logProbability": -0.25, "tokenId": 7}
    told = {"chosenCandidates": [token], "topCandidates": [{"candidates": [token]}]}
    chunk = whole({"candidates": [candidate({"text": "é"}, index=0, logprobsResult=told), candidate({"text": "b"}, index=1)]})
    assert [(delta.index, delta.content) for delta in chunk.deltas] == [(0, "é"), (1, "b")]
    shown = {"token": "é", "logprob": -0.25, "bytes": [195, 169]}
    assert chunk.deltas[0].logprobs == {"content": [{**shown, "top_logprobs": [shown]}], "refusal": None}
    assert chunk.usage is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<html>",
        b"[]",
        b"[{}]",
        b"{}",
        b'{"candidates":[]}',
        b'{"candidates":5}',
        b"\xff{}",
        b'{"candidates":[{"content":{"parts":[{"inlineData":{}}]}}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_is_the_providers_failure(body: bytes) -> None:
    with pytest.raises(errors.UpstreamFailed):
        google.chat_answer(body, deployment(), passes=False)


def failed(status: int, code: str, message: str = "x", details: Any = (), headers: Any = ()) -> errors.GatehouseError:
    body = json.dumps({"error": {"code": status, "message": message, "status": code, "details": list(details)}}).encode()
    return google.error(status, dict(headers), body, deployment())


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_ARGUMENT", errors.UpstreamRefusedRequest),
        (400, "FAILED_PRECONDITION", errors.UpstreamForbidden),
        (401, "UNAUTHENTICATED", errors.UpstreamUnauthorized),
        (403, "PERMISSION_DENIED", errors.UpstreamForbidden),
        (404, "NOT_FOUND", errors.UpstreamModelUnknown),
        (429, "RESOURCE_EXHAUSTED", errors.UpstreamRateLimited),
        (500, "INTERNAL", errors.UpstreamFailed),
        (503, "UNAVAILABLE", errors.UpstreamOverloaded),
        (504, "DEADLINE_EXCEEDED", errors.UpstreamTimeout),
        (529, "", errors.UpstreamOverloaded),
    ],
)
def test_a_status_is_an_error_of_our_tree_in_a_body_and_inside_an_answer(status: int, code: str, kind: type[Exception]) -> None:
    assert type(failed(status, code)) is kind
    with pytest.raises(kind):
        whole({"error": {"code": status, "message": "x", "status": code}})
    with pytest.raises(kind):
        whole([{"error": {"code": status, "message": "x", "status": code}}])


def test_a_bad_key_is_the_appliances_fault_although_google_says_400() -> None:
    error = failed(400, "INVALID_ARGUMENT", "API key not valid.", [{"@type": "…ErrorInfo", "reason": "API_KEY_INVALID"}])
    assert type(error) is errors.UpstreamUnauthorized


@pytest.mark.parametrize(
    ("delay", "headers", "seconds"),
    [
        ("7s", {}, 7),
        ("34.5s", {}, 34.5),
        ("7s", {"retry-after": "3"}, 3),
        ("-1s", {}, None),
        ("soon", {}, None),
        (7, {}, None),
        ("999999s", {}, None),
    ],
)
def test_the_wait_that_google_asks_for_is_handed_on(delay: Any, headers: dict[str, str], seconds: float | None) -> None:
    error = failed(429, "RESOURCE_EXHAUSTED", details=[{"@type": "…RetryInfo", "retryDelay": delay}], headers=headers)
    assert error.retry_after_seconds == seconds


def test_a_prompt_that_is_too_long_has_the_code_that_callers_know() -> None:
    error = failed(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8).")
    assert error.code_shown == "context_length_exceeded"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"error": 5}', b'{"error": null}'])
def test_an_error_without_a_readable_body_is_told_by_its_status(body: bytes) -> None:
    assert type(google.error(503, {}, body, deployment())) is errors.UpstreamOverloaded
    assert type(google.error(302, {}, body, deployment())) is errors.UpstreamFailed


def embedded(raw: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    outgoing = google.embeddings_requests(raw, deployment("gemini-embedding-001"))
    return [(one.path.rpartition(":")[2], json.loads(one.body)) for one in outgoing]


def test_one_text_and_many_are_asked_for_as_google_takes_them() -> None:
    content = {"parts": [{"text": "one"}]}
    model = "models/gemini-embedding-001"
    single = [("embedContent", {"model": model, "content": content, "outputDimensionality": 8})]
    assert embedded({"model": "x", "input": "one", "dimensions": 8}) == single
    many = embedded({"model": "x", "input": ["one"] * 250})
    assert [(verb, len(body["requests"])) for verb, body in many] == [("batchEmbedContents", count) for count in (100, 100, 50)]
    assert many[0][1]["requests"][0] == {"model": model, "content": content}


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        ({"input": [1, 2]}, "input[0]"), ({"input": [[1, 2]]}, "input[0]"), ({"input": []}, "input"), ({}, "input"),
        ({"input": ["a", ""]}, "input[1]"), ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"), ({"input": "a", "future": 1}, "future"),
    ],
)  # fmt: skip
def test_an_input_that_google_can_not_embed_is_refused_with_its_place(raw: dict[str, Any], param: str) -> None:
    with pytest.raises(errors.BadRequest) as caught:
        google.embeddings_requests(raw, deployment())
    assert caught.value.param == param


def test_embeddings_say_the_same_as_numbers_and_as_base64_with_estimated_usage() -> None:
    bodies = [b'{"embeddings": [{"values": [0.5, -1]}, {"values": [2, 3]}]}', b'{"embeddings": [{"values": [4, 5]}]}']
    raw = {"model": "x", "input": ["12345678", "b", "c"]}
    chunk = google.embeddings_answer(bodies, raw, deployment())
    shown = json.loads(chunk.raw or b"")
    assert [item["embedding"] for item in shown["data"]] == [[0.5, -1.0], [2.0, 3.0], [4.0, 5.0]]
    assert [item["index"] for item in shown["data"]] == [0, 1, 2]
    assert shown["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert chunk.usage is not None
    assert (chunk.usage.tokens_in, chunk.usage.estimated) == (4, True)
    packed = json.loads(google.embeddings_answer(bodies, {**raw, "encoding_format": "base64"}, deployment()).raw or b"")
    assert struct.unpack("<2f", base64.b64decode(packed["data"][0]["embedding"])) == (0.5, -1.0)


def test_usage_that_google_tells_is_not_estimated() -> None:
    body = b'{"embedding": {"values": [1]}, "usageMetadata": {"promptTokenCount": 9}}'
    usage = google.embeddings_answer([body], {"input": "x"}, deployment()).usage
    assert usage is not None
    assert (usage.tokens_in, usage.estimated) == (9, False)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embedding": {}}', b'{"embeddings": [{"values": [1]}, {"values": [2]}]}'])
def test_fewer_or_more_embeddings_than_texts_are_the_providers_failure(body: bytes) -> None:
    with pytest.raises(errors.UpstreamFailed):
        google.embeddings_answer([body], {"input": "x"}, deployment())


def test_the_list_of_models_is_read_without_their_prefix() -> None:
    assert google.models_answer(b'{"models": [{"name": "models/gemini-2.5-flash", "version": "1"}]}') == ["gemini-2.5-flash"]
    outgoing = google.models_request(deployment("", BASE + "/v1beta"))
    assert outgoing is not None
    assert outgoing.path == "/models?pageSize=1000"
    for body in (b"", b"{}", b"[]"):
        with pytest.raises(ValueError, match="no list"):
            google.models_answer(body)


def test_a_call_of_another_vendor_keeps_its_id_on_both_sides() -> None:
    calls = [ToolCall("toolu_1", "function", FunctionCall("f", ""))]
    chat = ChatRequest(
        "m", [Message("user", "x"), Message("assistant", tool_calls=calls), Message("tool", "y", tool_call_id="toolu_1")]
    )
    contents = json.loads(google.chat_request(chat, {}, deployment(), passes=False).body)["contents"]
    assert contents[1]["parts"][0]["functionCall"]["id"] == contents[2]["parts"][0]["functionResponse"]["id"] == "toolu_1"
