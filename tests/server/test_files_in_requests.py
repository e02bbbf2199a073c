"""Files inside requests to the shipped program: what a provider gets of them, by what the policy says."""

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.calls import Answer
from tests.conftest import MakeAppliance, MakeFake
from tests.pictures import PIXEL
from tests.running import Appliance, Fake

EMAIL, SSN, SECRET = "asha.verma@mail.example.in", "123-45-6789", "AKIAQ3EGUZ7XK4WLMN2P"


def data_uri(content: bytes, kind: str = "text/plain") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def picture(text: str) -> bytes:
    drawn = Image.new("RGB", (900, 160), "white")
    ImageDraw.Draw(drawn).text((30, 50), text, fill="black", font=ImageFont.load_default(size=44))
    found = io.BytesIO()
    drawn.save(found, "PNG")
    return found.getvalue()


@pytest.fixture(scope="module")
def claude(fake: MakeFake) -> Fake:
    return fake("anthropic")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake, claude: Fake) -> Appliance:
    anthropic = {"name": "claude", "kind": "anthropic", "api_key": claude.key, "base_url": claude.url}
    return appliances(settings={"providers": [upstream.provider("fake"), anthropic], "guardrail_policy": "default"})


@pytest.fixture(scope="module")
def keys(door: Appliance) -> dict[str, str]:
    """Keys under policies that do something else with files, by what they do."""
    found = {}
    for name, policy in {
        "as_text": {"files": {"found": "as_text"}, "rules": [{"types": ["PII"], "input": "tokenise", "output": "mask"}]},
        "block": {"files": {"found": "block"}, "rules": [{"types": ["PII"], "input": "mask"}]},
        "pass": {"files": {"found": "pass", "unreadable": "pass"}, "rules": [{"types": ["PII"], "input": "mask"}]},
    }.items():
        made = door.call("POST", "/api/v1/admin/policies", {"name": name.replace("_", "-"), **policy}, token=door.owner_token)
        assert made.status == 201, made
        assert made.json["policy"]["files"] == policy["files"], "what was written is told as it was"
        key = door.call("POST", "/api/v1/admin/api-keys", {"name": name}, token=door.owner_token).json
        order = {"subject": {"kind": "key", "id": key["id"]}, "policy": name.replace("_", "-"), "mode": "replace"}
        assert door.call("POST", "/api/v1/admin/policy-assignments", order, token=door.owner_token).status == 201
        found[name] = key["key"]
    return found


def chat(door: Appliance, part: dict[str, Any], key: str = "") -> Answer:
    content = [{"type": "text", "text": "Look"}, part]
    body = {"model": "fake/gpt-4o", "messages": [{"role": "user", "content": content}]}
    return door.call("POST", "/v1/chat/completions", body, token=key or door.api_key)


def file_part(content: bytes, name: str = "letter.txt", kind: str = "text/plain") -> dict[str, Any]:
    return {"type": "file", "file": {"filename": name, "file_data": data_uri(content, kind)}}


def sent_part(upstream: Fake) -> Any:
    return upstream.last().json["messages"][0]["content"][1]


def decoded(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


def test_a_file_goes_on_redacted_in_the_form_in_which_it_came(door: Appliance, upstream: Fake) -> None:
    answer = chat(door, file_part(f"SSN {SSN}, mail {EMAIL}".encode()))
    assert answer.status == 200, answer
    part = sent_part(upstream)
    assert part["type"] == "file" and part["file"]["filename"] == "letter.txt"
    assert part["file"]["file_data"].startswith("data:text/plain;base64,")
    assert decoded(part["file"]["file_data"]) == b"SSN [US_SSN], mail [EMAIL]"
    assert answer.headers["x-gatehouse-masked"] == "EMAIL=1, US_SSN=1"
    assert "x-gatehouse-uninspected" not in answer.headers


def test_a_clean_file_goes_on_untouched_also_when_it_comes_again(door: Appliance, upstream: Fake) -> None:
    for _ in range(2):
        part = file_part(b"The committee met again on Tuesday.")
        assert chat(door, part).status == 200
        assert sent_part(upstream) == part


def test_what_a_policy_stops_is_not_sent_and_the_answer_says_what_and_where(door: Appliance, upstream: Fake) -> None:
    before = len(upstream.seen())
    answer = chat(door, file_part(f"the key is {SECRET}".encode()))
    assert (answer.status, answer.error["code"]) == (400, "content_blocked")
    (finding,) = answer.error["findings"]
    assert (finding["type"], finding["param"]) == ("SECRET_AWS", "messages[0].content[1].file.file_data")
    assert SECRET.encode() not in answer.body
    broken = chat(door, file_part(b"%PDF-1.7 nonsense", "a.pdf", "application/pdf"))
    assert (broken.status, broken.error["code"]) == (400, "content_blocked")
    assert "MALFORMED" in broken.error["message"]
    assert len(upstream.seen()) == before


def test_by_policy_it_is_its_text_or_nothing_or_passes(door: Appliance, upstream: Fake, keys: dict[str, str]) -> None:
    part = file_part(f"Write to {EMAIL} today".encode())
    answer = chat(door, part, keys["as_text"])
    assert answer.status == 200, answer
    assert sent_part(upstream) == {"type": "text", "text": "Write to \u27e8EMAIL_1\u27e9 today"}
    blocked = chat(door, part, keys["block"])
    assert (blocked.status, blocked.error["findings"][0]["type"]) == (400, "EMAIL")
    passed = chat(door, part, keys["pass"])
    assert passed.status == 200
    assert sent_part(upstream) == part
    assert passed.headers["x-gatehouse-flagged"] == "EMAIL=1"
    unread = chat(door, file_part(b"%PDF-1.7 nonsense", "a.pdf", "application/pdf"), keys["pass"])
    assert unread.headers["x-gatehouse-uninspected"] == "file=1"


def test_responses_and_messages_are_read_as_well(door: Appliance, upstream: Fake, claude: Fake) -> None:
    data = data_uri(f"SSN {SSN}".encode())
    content = [{"type": "input_text", "text": "Look"}, {"type": "input_file", "filename": "a.txt", "file_data": data}]
    refused = [{"type": "input_file", "filename": "a.txt", "file_data": data_uri(SECRET.encode())}]
    body = {"model": "fake/gpt-4o", "input": [{"role": "user", "content": content}]}
    door.call("POST", "/v1/responses", body, token=door.api_key)
    assert base64.b64encode(SSN.encode()).decode()[:12] not in json.dumps([seen.json for seen in upstream.seen()])
    body["input"] = [{"role": "user", "content": refused}]
    answer = door.call("POST", "/v1/responses", body, token=door.api_key)
    assert (answer.status, answer.error["code"]) == (400, "content_blocked"), answer
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(picture(f"SSN {SSN}")).decode()}
    asked = {
        "model": "claude/claude-sonnet-4-6",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": "Look"}]}],
    }
    answer = door.call("POST", "/v1/messages", asked, token=door.api_key, timeout=110)
    assert answer.status == 200, answer
    assert answer.headers["x-gatehouse-masked"] == "US_SSN=1"
    got = claude.last().json["messages"][0]["content"][0]["source"]
    assert got["data"] != source["data"]
    with Image.open(io.BytesIO(base64.b64decode(got["data"]))) as redacted:
        assert redacted.format is not None
        assert got["media_type"] == Image.MIME[redacted.format]


def test_a_picture_is_read_and_painted_over(door: Appliance, upstream: Fake) -> None:
    part = {"type": "image_url", "image_url": {"url": data_uri(picture(f"SSN {SSN}"), "image/png"), "detail": "low"}}
    answer = chat(door, part)
    assert answer.status == 200, answer
    got = sent_part(upstream)
    assert got["image_url"]["detail"] == "low"
    with Image.open(io.BytesIO(decoded(got["image_url"]["url"]))) as redacted:
        assert redacted.size == (900, 160)
        assert decoded(got["image_url"]["url"]) != decoded(part["image_url"]["url"])
    untouched = {"type": "image_url", "image_url": {"url": PIXEL}}
    assert chat(door, untouched).status == 200
    assert sent_part(upstream) == untouched


def test_counting_tokens_tells_a_vendor_no_more(door: Appliance, claude: Fake) -> None:
    source = {"type": "base64", "media_type": "text/plain", "data": base64.b64encode(f"{SECRET} is it".encode() * 20).decode()}
    messages = [{"role": "user", "content": [{"type": "document", "source": source}]}]
    before = len(claude.seen())
    body = {"model": "claude/claude-sonnet-4-6", "messages": messages}
    answer = door.call("POST", "/v1/messages/count_tokens", body, token=door.api_key)
    assert answer.status == 400 and b"SECRET" in answer.body
    assert len(claude.seen()) == before


def test_more_files_than_a_request_may_have_are_refused(door: Appliance) -> None:
    content = [file_part(f"nothing {number}".encode()) for number in range(101)]
    body = {"model": "fake/gpt-4o", "messages": [{"role": "user", "content": content}]}
    answer = door.call("POST", "/v1/chat/completions", body, token=door.api_key)
    assert (answer.status, answer.error["code"]) == (400, "invalid_field")
