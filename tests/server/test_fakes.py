"""The fakes themselves: what no rule of theirs has thought of gets an answer, so that a test fails and doesn't hang."""

import http.client
import json
from typing import Any

import pytest

from tests.running import Fake

SECONDS = 10


def status(port: int, body: dict[str, Any]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-fake-0123456789abcdef"}
    connection.request("POST", "/lenient/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.mark.parametrize("tools", [[7], [{"function": 7}], "x", [None], {"a": 1}, [{"type": "function"}]])
def test_odd_tools_get_an_answer(upstream: Fake, tools: Any) -> None:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "get_time"}], "tools": tools}
    for choice in ("auto", "required", {"type": "function", "function": {"name": "x"}}):
        assert status(upstream.port, {**asked, "tool_choice": choice}) in (200, 400, 500)
