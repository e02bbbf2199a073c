"""The fake Google, judged by the vendor's own SDK: what it takes, gives and refuses is what google-genai expects."""

from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.fakes.google import CHAT_MODELS, EMBEDDING_MODELS, embedding
from tests.fakes.google_messages import MESSAGES
from tests.running import Fake

PIXEL = bytes.fromhex("89504e470d0a1a0a")
WEATHER = types.FunctionDeclaration(
    name="get_weather",
    description="Weather of a city",
    parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False},
)
TIME = types.FunctionDeclaration(
    name="get_time", parameters=types.Schema(type=types.Type.OBJECT, properties={"zone": types.Schema(type=types.Type.STRING)})
)
TOOLS = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[WEATHER, TIME])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)


@pytest.fixture(scope="module")
def google(fake: Any) -> Fake:
    made = fake("google")
    assert isinstance(made, Fake)
    return made


@pytest.fixture(scope="module")
def client(google: Fake) -> Iterator[genai.Client]:
    made = client_of(google, google.key)
    yield made
    made.close()


def client_of(google: Fake, key: str) -> genai.Client:
    options = types.HttpOptions(base_url=google.url, timeout=10_000, retry_options=types.HttpRetryOptions(attempts=1))
    return genai.Client(api_key=key, vertexai=False, http_options=options)


def test_a_whole_answer_is_read_by_the_sdk(client: genai.Client) -> None:
    answer = client.models.generate_content(model="gemini-2.5-flash", contents="Hello there")
    assert answer.text == "You said: Hello there"
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.candidates_token_count == 4


def test_a_stream_is_read_by_the_sdk_word_by_word_and_tells_its_usage_each_time(client: genai.Client) -> None:
    chunks = list(client.models.generate_content_stream(model="words-5", contents="go"))
    assert "".join(chunk.text or "" for chunk in chunks) == "word0 word1 word2 word3 word4"
    assert len(chunks) == 5
    assert [chunk.usage_metadata.candidates_token_count for chunk in chunks if chunk.usage_metadata] == [1, 2, 3, 4, 5]


def test_thoughts_are_told_apart_from_the_answer(client: genai.Client) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=1024))
    answer = client.models.generate_content(model="gemini-2.5-flash", contents="Hi", config=config)
    assert answer.parts is not None
    assert [part.thought for part in answer.parts] == [True, None]
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.thoughts_token_count == 5


def test_calls_in_parallel_go_there_and_back_with_the_sdks_own_types(client: genai.Client) -> None:
    asked = types.Content(role="user", parts=[types.Part(text="please get_weather and get_time")])
    answer = client.models.generate_content(model="gemini-3-pro-preview", contents=[asked], config=TOOLS)
    assert [call.name for call in answer.function_calls or []] == ["get_weather", "get_time"]
    assert answer.candidates is not None
    turn = answer.candidates[0].content
    assert turn is not None
    assert turn.parts is not None
    assert turn.parts[0].thought_signature is not None
    results = [
        types.Part(function_response=types.FunctionResponse(name=call.name, id=call.id, response={"result": "sunny"}))
        for call in answer.function_calls or []
    ]
    history = [asked, turn, types.Content(role="user", parts=results)]
    after = client.models.generate_content(model="gemini-3-pro-preview", contents=history, config=TOOLS)
    assert "sunny" in (after.text or "")
    history = [asked, turn, types.Content(role="user", parts=results[:1])]
    with pytest.raises(errors.ClientError, match="number of function response parts"):
        client.models.generate_content(model="gemini-3-pro-preview", contents=history, config=TOOLS)
    turn.parts[0].thought_signature = None
    history = [asked, turn, types.Content(role="user", parts=results)]
    with pytest.raises(errors.ClientError, match="missing a thought_signature"):
        client.models.generate_content(model="gemini-3-pro-preview", contents=history, config=TOOLS)


def test_a_schema_is_honoured_and_an_image_seen(client: genai.Client) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_json_schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    )
    assert client.models.generate_content(model="gemini-2.5-flash", contents="x", config=config).text == '{"city": "word"}'
    contents: Any = ["look", types.Part.from_bytes(data=PIXEL, mime_type="image/png")]
    seen = client.models.generate_content(model="gemini-2.5-flash", contents=contents)
    assert (seen.text or "").endswith("(with 1 image)")


def test_embeddings_and_models_are_read_by_the_sdk(client: genai.Client) -> None:
    contents: Any = ["one", "two"]
    answer = client.models.embed_content(
        model="gemini-embedding-001", contents=contents, config=types.EmbedContentConfig(output_dimensionality=8)
    )
    assert [vector.values for vector in answer.embeddings or []] == [embedding("one", 8), embedding("two", 8)]
    names = {(model.name or "").removeprefix("models/") for model in client.models.list()}
    assert names == {*CHAT_MODELS, *EMBEDDING_MODELS}


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("fault-400", 400, "INVALID_ARGUMENT"),
        ("fault-401", 400, "INVALID_ARGUMENT"),
        ("fault-403", 403, "PERMISSION_DENIED"),
        ("fault-404", 404, "NOT_FOUND"),
        ("fault-429", 429, "RESOURCE_EXHAUSTED"),
        ("fault-429-later", 429, "RESOURCE_EXHAUSTED"),
        ("fault-500", 500, "INTERNAL"),
        ("fault-503", 503, "UNAVAILABLE"),
    ],
)
def test_an_error_status_raises_the_class_that_the_sdk_has_for_it(
    client: genai.Client, fault: str, code: int, status: str
) -> None:
    with pytest.raises(errors.ServerError if code >= 500 else errors.ClientError) as caught:
        client.models.generate_content(model=fault, contents="x")
    assert (caught.value.code, caught.value.status) == (code, status)


def test_a_bad_key_is_a_400_and_an_error_in_mid_stream_is_raised(google: Fake, client: genai.Client) -> None:
    stranger = client_of(google, "AIza-nobody")
    with pytest.raises(errors.ClientError, match="API_KEY_INVALID"):
        stranger.models.generate_content(model="gemini-2.5-flash", contents="x")
    stranger.close()
    stream = client.models.generate_content_stream(model="fault-error-event", contents="x")
    assert next(stream).text == "Hello"
    with pytest.raises(errors.APIError, match="overloaded"):
        next(stream)


def test_a_blocked_prompt_has_no_candidates_and_a_blocked_answer_no_content(client: genai.Client) -> None:
    prompt = client.models.generate_content(model="fault-refused", contents="x")
    assert not prompt.candidates
    assert prompt.prompt_feedback is not None
    assert prompt.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT
    answer = client.models.generate_content(model="gemini-2.5-flash", contents="an unsafe answer")
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is types.FinishReason.SAFETY
    assert answer.candidates[0].content is None


SAID: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"messages": []}, 'Unknown name "messages"'),
        ({"generationConfig": {"max_tokens": 5}}, "Unknown name \"max_tokens\" at 'generation_config'"),
        ({"generationConfig": {"responseJsonSchema": {}}}, "requires response_mime_type"),
        ({"generationConfig": {"seed": 2**40}}, "Invalid value"),
        ({"contents": []}, "contents is not specified"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "valid role"),
        ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
        ({"contents": [{"role": "user", "parts": [{"text": ""}]}]}, "empty text"),
        *(
            (
                {
                    "tools": [
                        {"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"x": inner}}}]}
                    ]
                },
                said,
            )
            for inner, said in (
                ({"type": "object", "additionalProperties": False}, 'Unknown name "additionalProperties"'),
                ({"$ref": "#/$defs/X"}, 'Unknown name "$ref"'),
                ({"const": 1}, 'Unknown name "const"'),
                ({"type": ["string", "null"]}, "Invalid value"),
            )
        ),
    ],
)
def test_what_protojson_refuses_is_refused(google: Fake, more: dict[str, Any], said: str) -> None:
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    answer = google.call("POST", path, {**SAID, **more}, headers={"x-goog-api-key": google.key})
    assert (answer.status, answer.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert said.replace("generation_config", "generationConfig") in answer.json["error"]["message"]


def test_every_field_that_the_sdk_sends_of_a_part_is_known_to_the_fake() -> None:
    ours = {"text", "inline_data", "file_data", "function_call", "function_response", "thought", "thought_signature"}
    assert ours <= set(types.Part.model_fields)
    assert {"temperature", "top_p", "top_k", "candidate_count", "max_output_tokens", "stop_sequences", "seed"} <= set(
        types.GenerateContentConfig.model_fields
    )
    assert {"name", "description", "parameters", "parametersJsonSchema"} <= set(MESSAGES["FunctionDeclaration"])
