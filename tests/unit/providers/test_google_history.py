"""Any conversation: what is sent on is taken by Google's rules, and nothing that was said is lost."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from appliance.chat import ChatRequest
from appliance.providers.google import Google
from appliance.providers.wire import Deployment
from tests.fakes.google_rules import check_generate, read_message

MODELS = ("gemini-2.5-flash", "gemini-3-pro-preview")
TEXTS = st.text(min_size=1, max_size=6)
CONTENTS = TEXTS | st.just("") | st.lists(TEXTS.map(lambda text: {"type": "text", "text": text}), max_size=2)
ARGUMENTS = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2).map(json.dumps) | st.just("")
CALLS = st.lists(st.tuples(st.sampled_from(["one", "two"]), ARGUMENTS), min_size=1, max_size=3)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Messages as OpenAI takes them: each call is answered, in any order, with instructions anywhere."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(TEXTS)}]
    for turn in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["user", "assistant", "system", "developer", "calls"]))
        if kind != "calls":
            messages.append({"role": kind, "content": draw(CONTENTS)})
            continue
        calls = [
            {
                "id": f"{draw(st.sampled_from(['call_', 'toolu_', 'fc.']))}{turn}{at}",
                "function": {"name": name, "arguments": text},
            }
            for at, (name, text) in enumerate(draw(CALLS))
        ]
        messages.append({"role": "assistant", "content": draw(CONTENTS), "tool_calls": calls})
        answered = draw(st.permutations(calls))
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": draw(CONTENTS)} for call in answered]
    return messages


@given(conversations(), st.sampled_from(MODELS))
def test_any_conversation_is_taken_and_nothing_of_it_is_lost(messages: list[dict[str, Any]], model: str) -> None:
    chat = msgspec.convert({"model": "m", "messages": messages}, ChatRequest)
    outgoing = Google().chat_request(chat, {}, Deployment("g/m", "g", "google", model), passes=False)
    body = json.loads(outgoing.body)
    check_generate(model, read_message(body, "GenerateContentRequest"))
    sent = [part["text"] for part in body.get("systemInstruction", {}).get("parts", [])]
    sent += [part["text"] for content in body["contents"] for part in content["parts"] if "text" in part]
    assert sorted(sent) == sorted(
        text for message in messages if message["role"] != "tool" for text in _texts(message["content"])
    )
    names = [call["function"]["name"] for message in messages for call in message.get("tool_calls", [])]
    parts = [part for content in body["contents"] for part in content["parts"]]
    assert [part["functionCall"]["name"] for part in parts if "functionCall" in part] == names
    assert [part["functionResponse"]["name"] for part in parts if "functionResponse" in part] == names


def _texts(content: Any) -> list[str]:
    return [text for text in ([content] if isinstance(content, str) else [part["text"] for part in content]) if text]
