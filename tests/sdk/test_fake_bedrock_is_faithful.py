"""The fake Bedrock, judged by AWS's own SDK: what it takes, gives and refuses is what boto3 expects."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError, ParamValidationError

from tests.conftest import MakeFake
from tests.fakes.bedrock import CLAUDE, PROFILE, TITAN
from tests.fakes.bedrock_wire import ACCESS_KEY_ID, BEARER_KEY, REGION, SECRET_ACCESS_KEY
from tests.fakes.certificates import Certificates, made_certificates
from tests.running import Fake

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
USER: list[dict[str, Any]] = [{"role": "user", "content": [{"text": "Hello there"}]}]
WEATHER: dict[str, Any] = {
    "toolSpec": {
        "name": "get_weather",
        "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}},
    }
}


def made(fake: Fake, secret: str = SECRET_ACCESS_KEY, key: str = ACCESS_KEY_ID, region: str = REGION) -> Any:
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)
    config = Config(retries={"total_max_attempts": 1}, read_timeout=10)
    return session.client("bedrock-runtime", endpoint_url=fake.url, config=config)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return made_certificates(tmp_path_factory.mktemp("certificates"), "127.0.0.1")


@pytest.fixture(scope="module")
def bedrock(fake: MakeFake, certificates: Certificates) -> Fake:
    return fake("bedrock", certificates=certificates)


@pytest.fixture(scope="module")
def client(bedrock: Fake) -> Iterator[Any]:
    with closing(made(bedrock)) as one:
        yield one


def refusal(call: Any) -> tuple[str, int, str]:
    """(the code, the status, the message) of what boto3 raises."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


@pytest.mark.parametrize("model", [CLAUDE, PROFILE])
def test_a_whole_answer_is_read_by_the_sdk_also_from_ids_with_colons_and_slashes(client: Any, model: str) -> None:
    answer = client.converse(modelId=model, messages=USER, system=[{"text": "Be brief."}])
    assert answer["output"]["message"]["content"] == [{"text": "You said: Hello there"}]
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"]["totalTokens"] == answer["usage"]["inputTokens"] + answer["usage"]["outputTokens"]


def test_a_stream_is_read_by_the_sdk_with_its_usage_last(client: Any) -> None:
    events = list(client.converse_stream(modelId=CLAUDE, messages=USER)["stream"])
    assert [next(iter(event)) for event in events[:1] + events[-3:]] == [
        "messageStart", "contentBlockStop", "messageStop", "metadata",
    ]  # fmt: skip
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    assert "".join(deltas) == "You said: Hello there" and len(deltas) > 1


def test_tools_are_called_in_parallel_and_their_results_taken(client: Any) -> None:
    time = {"toolSpec": {"name": "get_time", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
    tools = {"tools": [WEATHER, time]}
    asked = [{"role": "user", "content": [{"text": "get_weather and get_time please"}]}]
    first = client.converse(modelId=CLAUDE, messages=asked, toolConfig=tools)
    assert first["stopReason"] == "tool_use"
    said = first["output"]["message"]
    calls = [block["toolUse"] for block in said["content"] if "toolUse" in block]
    assert [(call["name"], call["input"]) for call in calls] == [("get_weather", {"city": "word", "days": 7}), ("get_time", {})]
    results = [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "fine"}]}} for call in calls]
    second = client.converse(modelId=CLAUDE, messages=[*asked, said, {"role": "user", "content": results}], toolConfig=tools)
    assert second["stopReason"] == "end_turn"
    pieces = [
        event["contentBlockDelta"]["delta"]["toolUse"]["input"]
        for event in client.converse_stream(modelId=CLAUDE, messages=asked, toolConfig=tools)["stream"]
        if "toolUse" in event.get("contentBlockDelta", {}).get("delta", {})
    ]
    assert json.loads("".join(pieces)) == {"city": "word", "days": 7} and len(pieces) > 1


def test_thoughts_images_schemas_and_embeddings_are_answered(client: Any) -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    answer = client.converse(modelId=CLAUDE, messages=USER, additionalModelRequestFields=thinking)
    thought = answer["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]
    assert thought["text"] and thought["signature"]
    again = [*USER, answer["output"]["message"], *USER]
    assert client.converse(modelId=CLAUDE, messages=again)["stopReason"] == "end_turn"
    image = [{"role": "user", "content": [{"text": "see"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]}]
    assert "(with 1 image)" in client.converse(modelId=CLAUDE, messages=image)["output"]["message"]["content"][0]["text"]
    schema = json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}})
    wanted = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema, "name": "n"}}}}
    answer = client.converse(modelId=CLAUDE, messages=USER, outputConfig=wanted)
    assert json.loads(answer["output"]["message"]["content"][0]["text"]) == {"n": 7}
    embedded = client.invoke_model(modelId=TITAN, body=json.dumps({"inputText": "two words", "dimensions": 256}))
    found = json.loads(embedded["body"].read())
    assert len(found["embedding"]) == 256 and found["inputTextTokenCount"] == 2


def test_wrong_credentials_are_refused_as_aws_refuses_them(bedrock: Fake) -> None:
    def code(client: Any) -> tuple[str, int]:
        with closing(client):
            return refusal(lambda: client.converse(modelId=CLAUDE, messages=USER))[:2]

    assert code(made(bedrock, secret="another")) == ("InvalidSignatureException", 403)
    assert code(made(bedrock, key="AKIAOTHER")) == ("UnrecognizedClientException", 403)
    assert code(made(bedrock, region="eu-west-1")) == ("InvalidSignatureException", 403)


def test_a_bearer_key_is_taken_and_a_wrong_one_refused(
    bedrock: Fake, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"https://127.0.0.1:{bedrock.tls_port}"  # the SDK sends a bearer key over TLS only

    def bearing(key: str) -> Any:
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
        config = Config(retries={"total_max_attempts": 1})
        session = boto3.Session(region_name=REGION)
        return closing(session.client("bedrock-runtime", endpoint_url=url, config=config, verify=str(certificates.authority)))

    with bearing(BEARER_KEY) as client:
        assert client.converse(modelId=CLAUDE, messages=USER)["stopReason"] == "end_turn"
        assert bedrock.last().headers["authorization"] == f"Bearer {BEARER_KEY}"
    with bearing("wrong") as client:
        assert refusal(lambda: client.converse(modelId=CLAUDE, messages=USER))[:2] == ("AccessDeniedException", 403)


def test_a_signature_of_an_hour_ago_is_refused(bedrock: Fake) -> None:
    headers = {
        "X-Amz-Date": "20261126T000000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20261126/{REGION}/bedrock/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=00",
    }
    answer = bedrock.call("POST", "/model/m/converse", {}, headers=headers)
    assert answer.status == 403 and "Signature expired" in answer.json["message"]


REFUSED: dict[str, dict[str, Any]] = {
    "must start with a user message": {"messages": [{"role": "assistant", "content": [{"text": "Hi"}]}]},
    "must alternate": {"messages": [*USER, *USER]},
    "is blank": {"messages": [{"role": "user", "content": [{"text": " "}]}]},
    "toolConfig field must be defined": {
        "messages": [
            *USER,
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "a", "name": "n", "input": {}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": [{"text": "x"}]}}]},
        ]
    },
    "exceeds the number of toolUse": {
        "messages": [{"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": [{"text": "x"}]}}]}],
        "toolConfig": {"tools": [WEATHER]},
    },
    "Could not process image": {
        "messages": [{"role": "user", "content": [{"image": {"format": "jpeg", "source": {"bytes": PNG}}}]}]
    },
    "must be one of: object": {
        "messages": USER,
        "toolConfig": {"tools": [{"toolSpec": {"name": "n", "inputSchema": {"json": {"type": "string"}}}}]},
    },
    "Extra inputs are not permitted": {"messages": USER, "additionalModelRequestFields": {"min_p": 1}},
    "greater than `thinking.budget_tokens`": {
        "messages": USER,
        "inferenceConfig": {"maxTokens": 500},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    },
    "Invalid `signature`": {
        "messages": [
            *USER,
            {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "t", "signature": "forged"}}}]},
            *USER,
        ]
    },
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_bedrock_refuses_is_refused(client: Any, words: str) -> None:
    code, status, message = refusal(lambda: client.converse(modelId=CLAUDE, **REFUSED[words]))
    assert (code, status) == ("ValidationException", 400)
    assert words in message


def test_unknown_keys_are_refused_by_the_sdk_and_by_the_fake(bedrock: Fake, client: Any) -> None:
    with pytest.raises(ParamValidationError):
        client.converse(modelId=CLAUDE, messages=USER, top_k=3)
    body = {"messages": [{"role": "user", "content": [{"text": "Hi", "cache_control": {}}]}]}
    answer = bedrock.call("POST", "/model/words-3/converse", body, headers={"Authorization": f"Bearer {BEARER_KEY}"})
    assert answer.status == 400 and "cache_control" in answer.json["message"]


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("fault-401", "UnrecognizedClientException", 403),
        ("fault-403", "AccessDeniedException", 403),
        ("fault-404", "ResourceNotFoundException", 404),
        ("fault-408", "ModelTimeoutException", 408),
        ("fault-424", "ModelErrorException", 424),
        ("fault-429", "ThrottlingException", 429),
        ("fault-429-loading", "ModelNotReadyException", 429),
        ("fault-429-quota", "ServiceQuotaExceededException", 400),
        ("fault-500", "InternalServerException", 500),
        ("fault-503", "ServiceUnavailableException", 503),
        ("fault-400-context", "ValidationException", 400),
    ],
)
def test_faults_are_the_errors_that_the_sdk_knows(client: Any, fault: str, code: str, status: int) -> None:
    named = getattr(client.exceptions, code, ClientError)
    with pytest.raises(named):
        client.converse(modelId=fault, messages=USER)
    assert refusal(lambda: client.converse(modelId=fault, messages=USER))[:2] == (code, status)


@pytest.mark.parametrize(
    ("fault", "code"), [("fault-error-event", "internalServerException"), ("fault-throttled-in-stream", "throttlingException")]
)
def test_exceptions_in_mid_stream_are_raised_by_the_sdk_behind_what_came_before(client: Any, fault: str, code: str) -> None:
    came: list[Any] = []
    stream = client.converse_stream(modelId=fault, messages=USER)["stream"]
    with closing(stream), pytest.raises(EventStreamError) as caught:
        came.extend(stream)
    assert "contentBlockDelta" in came[-1]
    assert caught.value.response["Error"]["Code"] == code
