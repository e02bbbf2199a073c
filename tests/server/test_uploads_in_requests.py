"""Uploaded files that requests name by their ids: what a provider gets of them, inspected or not, and what is refused before."""

import base64
import io
from typing import Any

import anthropic
import docx
import openai
import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance, MakeFake
from tests.pictures import PIXEL_PNG
from tests.running import Appliance, Fake
from tests.unit.files.pdf_files import Pdf, shown

SSN, SECRET = "123-45-6789", "AKIAQ3EGUZ7XK4WLMN2P"
PIXEL = base64.b64decode(PIXEL_PNG)
PLAIN = "The committee met again on Tuesday."


def a_pdf(text: str) -> bytes:
    made = Pdf()
    made.page(shown(text))
    return made.data()


def a_docx(text: str) -> bytes:
    document, found = docx.Document(), io.BytesIO()
    document.add_paragraph(text)
    document.save(found)
    return found.getvalue()


@pytest.fixture(scope="module")
def claude(fake: MakeFake) -> Fake:
    return fake("anthropic")


@pytest.fixture(scope="module")
def canned(fake: MakeFake) -> Fake:
    return fake("canned")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake, claude: Fake, canned: Fake) -> Appliance:
    """One provider of each kind; `canned` answers whatever it is sent, so that what it was sent can be looked at."""
    key, url = "sk-fake-0123456789", canned.url
    providers = [
        upstream.provider("fake"),
        {"name": "claude", "kind": "anthropic", "api_key": claude.key, "base_url": claude.url},
        *(
            {"name": name, "kind": name, "base_url": f"{url}/v1" if name != "google" else url, "api_key": key, "models": ["m"]}
            for name in ("openai", "vllm", "google", "anthropic")
        ),
    ]
    return appliances(settings={"providers": providers, "guardrail_policy": "default"})


@pytest.fixture(scope="module")
def unguarded(door: Appliance) -> str:
    """A key under no policy."""
    key = door.make_key("unguarded")
    order = {"subject": {"kind": "key", "id": key["id"]}, "policy": "off", "mode": "replace"}
    assert door.call("POST", "/api/v1/admin/policy-assignments", order, token=door.owner_token).status == 201
    return str(key["key"])


def uploaded(door: Appliance, content: bytes, name: str = "letter.txt", key: str = "") -> str:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=key or door.api_key, max_retries=0) as sdk:
        return sdk.files.create(file=(name, content), purpose="user_data").id


def chat(door: Appliance, part: dict[str, Any], model: str = "fake/gpt-4o", key: str = "") -> Answer:
    content = [{"type": "text", "text": "Look"}, part]
    body = {"model": model, "messages": [{"role": "user", "content": content}]}
    return door.call("POST", "/v1/chat/completions", body, token=key or door.api_key)


def named(file_id: str) -> dict[str, Any]:
    return {"type": "file", "file": {"file_id": file_id}}


def sent_part(upstream: Fake) -> Any:
    return upstream.last().json["messages"][0]["content"][1]


def decoded(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


# Named and put in


def test_a_named_file_goes_out_as_if_it_had_been_sent_and_inspected_alike(door: Appliance, upstream: Fake) -> None:
    answer = chat(door, named(uploaded(door, f"SSN {SSN}".encode())))
    assert answer.status == 200, answer
    part = sent_part(upstream)
    assert part["type"] == "file"
    assert set(part["file"]) == {"filename", "file_data"}
    assert part["file"]["filename"] == "letter.txt"
    assert decoded(part["file"]["file_data"]) == b"SSN [US_SSN]"
    assert answer.headers["x-gatehouse-masked"] == "US_SSN=1"
    before = len(upstream.seen())
    blocked = chat(door, named(uploaded(door, f"the key is {SECRET}".encode())))
    assert (blocked.status, blocked.error["code"]) == (400, "content_blocked")
    assert len(upstream.seen()) == before


def test_without_a_policy_it_is_put_in_all_the_same(door: Appliance, upstream: Fake, unguarded: str) -> None:
    content = f"SSN {SSN}".encode()
    answer = chat(door, named(uploaded(door, content, key=unguarded)), key=unguarded)
    assert answer.status == 200, answer
    assert decoded(sent_part(upstream)["file"]["file_data"]) == content


@pytest.mark.parametrize("policy", ["default", "off"])
def test_an_id_that_is_not_ours_is_refused_before_anything_leaves(
    door: Appliance, upstream: Fake, unguarded: str, policy: str
) -> None:
    before, key = len(upstream.seen()), unguarded if policy == "off" else door.api_key
    answer = chat(door, named("file-abc123"), key=key)
    assert (answer.status, answer.error["code"]) == (404, "file_not_found")
    assert answer.error["param"] == "messages[0].content[1].file_id"
    assert "POST /v1/files" in answer.error["fix"]
    content = [{"type": "input_file", "file_id": "file-abc123"}]
    body = {"model": "fake/gpt-4o", "input": [{"role": "user", "content": content}]}
    answer = door.call("POST", "/v1/responses", body, token=key)
    assert (answer.status, answer.error["code"]) == (404, "file_not_found")
    source = {"type": "file", "file_id": "file-abc123"}
    body = {"model": "claude/claude-sonnet-4-6", "max_tokens": 9, "messages": [message({"type": "document", "source": source})]}
    answer = door.call("POST", "/v1/messages", body, token=key)
    assert (answer.status, answer.json["error"]["type"]) == (404, "not_found_error")
    counted = door.call("POST", "/v1/messages/count_tokens", body, token=key)
    assert counted.status == 404
    assert len(upstream.seen()) == before


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [*parts, {"type": "text", "text": "Look"}]}


def test_files_of_other_people_cannot_be_named(door: Appliance, upstream: Fake) -> None:
    file_id = uploaded(door, PLAIN.encode())
    person = {"name": "Asha", "email": "asha@example.in", "password": "a long enough sentence", "role": "developer"}
    assert door.call("POST", "/api/v1/admin/users", person, token=door.owner_token).status == 201
    signed_in = door.call("POST", "/api/v1/admin/auth/login", {"email": person["email"], "password": person["password"]})
    key = door.call("POST", "/api/v1/admin/api-keys", {"name": "hers"}, token=signed_in.json["access_token"]).json["key"]
    before = len(upstream.seen())
    answer = chat(door, named(file_id), key=key)
    assert (answer.status, answer.error["code"]) == (404, "file_not_found")
    assert len(upstream.seen()) == before


def test_responses_take_files_and_pictures_by_id(door: Appliance, canned: Fake) -> None:
    pdf, picture = uploaded(door, a_pdf(PLAIN), "a.pdf"), uploaded(door, PIXEL, "a.png")
    content: Any = [{"type": "input_file", "file_id": pdf}, {"type": "input_image", "file_id": picture, "detail": "auto"}]
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=door.api_key, max_retries=0) as sdk:
        sdk.responses.create(model="openai/m", input=[{"role": "user", "content": content}], store=False)
    first, second = canned.last().json["input"][0]["content"]
    assert first["filename"] == "a.pdf"
    assert first["file_data"].startswith("data:application/pdf;base64,")
    assert decoded(first["file_data"]) == a_pdf(PLAIN)
    assert second["image_url"].startswith("data:image/png;base64,")
    assert "file_id" not in first | second


def test_messages_take_documents_and_pictures_by_id(door: Appliance, canned: Fake) -> None:
    files = (("document", "a.pdf", a_pdf(PLAIN)), ("image", "a.png", PIXEL), ("document", "a.txt", f"SSN {SSN}".encode()))
    blocks: list[Any] = []
    with anthropic.Anthropic(base_url=door.url, api_key=door.api_key, max_retries=0) as sdk:
        for kind, name, content in files:
            file_id = sdk.beta.files.upload(file=(name, content)).id
            blocks.append({"type": kind, "source": {"type": "file", "file_id": file_id}})
        sdk.messages.create(model="anthropic/m", max_tokens=32, messages=[{"role": "user", "content": blocks}])
    sources = [block["source"] for block in canned.last().json["messages"][0]["content"]]
    assert [(source["type"], source["media_type"]) for source in sources] == [
        ("base64", "application/pdf"),
        ("base64", "image/png"),
        ("text", "text/plain"),
    ]
    assert base64.b64decode(sources[0]["data"]) == a_pdf(PLAIN)
    assert sources[2]["data"] == "SSN [US_SSN]"


def test_what_a_tool_is_called_with_names_no_file(door: Appliance, canned: Fake) -> None:
    given = {"type": "file", "file": {"file_id": "file-abc123"}}
    call = {"type": "tool_use", "id": "toolu_1", "name": "keep", "input": {"what": given}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}
    body = {
        "model": "anthropic/m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": [call]}, message(result)],
    }
    answer = door.call("POST", "/v1/messages", body, token=door.api_key)
    assert answer.status == 200, answer
    assert canned.last().json["messages"][1]["content"][0]["input"] == {"what": given}


def test_more_than_a_request_may_carry_is_refused(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(settings={"providers": [upstream.provider("fake")], "guardrail_policy": "off"})
    file_id = uploaded(box, b"x" * 30_000_000, "big.txt")
    content = [named(file_id)] * 3
    body = {"model": "fake/gpt-4o", "messages": [{"role": "user", "content": content}]}
    answer = box.call("POST", "/v1/chat/completions", body, token=box.api_key)
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")
    body["messages"] = [{"role": "user", "content": [named(file_id)] * 101}]
    answer = box.call("POST", "/v1/chat/completions", body, token=box.api_key)
    assert (answer.status, answer.error["code"]) == (400, "invalid_field")


# Text for whoever takes no files


@pytest.mark.parametrize("model", ["vllm/m", "google/m", "anthropic/m"])
@pytest.mark.parametrize("kind", ["pdf", "docx", "text"])
def test_a_provider_that_takes_no_files_gets_the_inspected_text(door: Appliance, canned: Fake, model: str, kind: str) -> None:
    said = f"{PLAIN} SSN {SSN}"
    content = {"pdf": a_pdf, "docx": a_docx, "text": str.encode}[kind](said)
    answer = chat(door, named(uploaded(door, content, f"letter.{kind}")), model)
    assert answer.status == 200, answer
    body = str(canned.last().body)
    assert PLAIN in body
    assert SSN not in body
    assert "[US_SSN]" in body
    assert f"letter.{kind}" in body
    assert "base64" not in body


def test_openai_gets_a_pdf_as_it_is_and_a_docx_as_text(door: Appliance, canned: Fake) -> None:
    assert chat(door, named(uploaded(door, a_pdf(PLAIN), "a.pdf")), "openai/m").status == 200
    assert sent_part(canned)["type"] == "file"
    assert chat(door, named(uploaded(door, a_docx(PLAIN), "a.docx")), "openai/m").status == 200
    assert sent_part(canned) == {"type": "text", "text": f"[a.docx]\n{PLAIN}"}


@pytest.mark.parametrize("policy", ["default", "off"])
def test_it_is_so_with_files_in_the_request_itself_again_and_again(
    door: Appliance, canned: Fake, unguarded: str, policy: str
) -> None:
    key = unguarded if policy == "off" else door.api_key
    data = f"data:application/pdf;base64,{base64.b64encode(a_pdf(PLAIN)).decode()}"
    for _ in range(2):  # the second time it is known to be clean, and not inspected
        answer = chat(door, {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}, "vllm/m", key)
        assert answer.status == 200, answer
        assert sent_part(canned) == {"type": "text", "text": f"[a.pdf]\n{PLAIN}"}


def test_each_attempt_gets_what_it_takes(door: Appliance, canned: Fake, upstream: Fake) -> None:
    """The first deployment fails, and took the file as it is; the second, which takes none, gets the text."""
    second = {"name": "takes-none", "deployments": [{"provider": "vllm", "model": "m"}]}
    first = {"name": "both", "deployments": [{"provider": "fake", "model": "fault-500"}], "fallbacks": ["takes-none"]}
    for route in (second, first):
        made = door.call("POST", "/api/v1/admin/routes", {**route, "retries": 0}, token=door.owner_token)
        assert made.status == 201, made
    answer = chat(door, named(uploaded(door, a_pdf(PLAIN), "a.pdf")), "both")
    assert answer.status == 200, answer
    assert sent_part(upstream)["type"] == "file"
    assert sent_part(canned) == {"type": "text", "text": f"[a.pdf]\n{PLAIN}"}


def test_a_document_of_anthropics_form_reaches_other_vendors_as_text(door: Appliance, canned: Fake) -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(a_pdf(PLAIN)).decode()}
    text = {"type": "text", "media_type": "text/plain", "data": f"SSN {SSN}"}
    blocks = [{"type": "document", "title": "Minutes", "source": pdf}, {"type": "document", "source": text}]
    body = {"model": "openai/m", "max_tokens": 9, "messages": [message(*blocks)]}
    answer = door.call("POST", "/v1/messages", body, token=door.api_key)
    assert answer.status == 200, answer
    sent = [part["text"] for part in canned.last().json["messages"][0]["content"]]
    assert sent == [f"[Minutes]\n{PLAIN}", "SSN [US_SSN]", "Look"]


def test_a_file_without_a_text_that_can_be_read_is_refused_by_name(door: Appliance, unguarded: str) -> None:
    broken = uploaded(door, b"%PDF-1.7 nonsense", "a.pdf", unguarded)
    answer = chat(door, named(broken), "vllm/m", unguarded)
    assert (answer.status, answer.error["code"]) == (400, "unsupported_feature"), answer
    assert answer.error["param"] == "messages[0].content[1]"


def test_a_model_on_this_machine_gets_the_text(appliances: MakeAppliance) -> None:
    box = appliances(model=True, settings={"guardrail_policy": "default"})
    asked = {"model": "smollm2-135m-instruct", "max_tokens": 4, "messages": [{"role": "user", "content": "Look"}]}
    alone = box.call("POST", "/v1/chat/completions", asked, token=box.api_key, timeout=120)
    file_id = uploaded(box, a_pdf(PLAIN), "a.pdf")
    content = [{"type": "text", "text": "Look"}, named(file_id)]
    asked["messages"] = [{"role": "user", "content": content}]
    answer = box.call("POST", "/v1/chat/completions", asked, token=box.api_key, timeout=120)
    assert answer.status == 200, answer
    assert answer.json["usage"]["prompt_tokens"] > alone.json["usage"]["prompt_tokens"] + 10
