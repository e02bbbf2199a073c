"""Tokens counted by the vendor: whatever goes wrong with the asking, a caller gets an estimate, and soon."""

import asyncio
from typing import Any, cast

import pytest

from appliance.errors import BadRequest, UpstreamCut
from appliance.gateway.counting import Prompt, VendorCounts
from appliance.providers.wire import Deployment
from appliance.routing.route import Route, Target, single
from appliance.upstream.client import HttpClient

CLAUDE = Deployment("c/m", "c", "anthropic", "claude-sonnet-4-6", "https://a.example/v1", "k")
RAW: dict[str, Any] = {"model": "c/m", "messages": [{"role": "user", "content": "Hi"}]}


class Answered:
    """An HttpClient's answer, and the client that gives it after `seconds`."""

    def __init__(self, status: int = 200, body: bytes = b'{"input_tokens":7}', seconds: float = 0.0) -> None:
        self.status = status
        self.headers: dict[str, str] = {}
        self.sent: list[tuple[str, str, dict[str, str], bytes]] = []
        self._body, self._seconds = body, seconds

    async def send(self, method: str, url: str, headers: dict[str, str], body: bytes, provider: str) -> "Answered":
        self.sent.append((method, url, headers, body))
        await asyncio.sleep(self._seconds)
        return self

    async def read(self, bytes_max: int) -> bytes:
        if len(self._body) > bytes_max:
            raise UpstreamCut("too much")
        return self._body


def counted(
    answered: Answered, deployment: Deployment = CLAUDE, *, route: Route | None = None, local_only: bool = False, **headers: str
) -> int | None:
    counts = VendorCounts(cast(HttpClient, answered), seconds_max=0.2)
    return asyncio.run(counts.count(Prompt(RAW, headers, route or single(deployment), local_only)))


def test_the_vendor_is_asked_with_the_headers_of_the_callers_format() -> None:
    answered = Answered()
    assert counted(answered, **{"anthropic-version": "2026-10-21"}) == 7
    ((method, url, headers, body),) = answered.sent
    assert (method, url) == ("POST", "https://a.example/v1/messages/count_tokens")
    assert (headers["anthropic-version"], headers["x-api-key"]) == ("2026-10-21", "k")
    assert b'"model":"claude-sonnet-4-6"' in body


def test_what_must_stay_on_this_machine_is_shown_to_no_vendor() -> None:
    answered = Answered()
    assert counted(answered, local_only=True) is None
    assert counted(answered, route=Route(name="r", targets=(Target(deployment=CLAUDE),), local_only=True)) is None
    assert answered.sent == []
    near = Deployment("near/m", "near", "anthropic", "m", "https://near.example", "k")
    route = Route(name="r", targets=(Target(deployment=CLAUDE), Target(deployment=near, is_local=True)))
    assert counted(answered, route=route, local_only=True) == 7
    assert answered.sent[-1][1] == "https://near.example/v1/messages/count_tokens"


def test_a_route_is_counted_as_the_deployment_that_is_asked_first_counts() -> None:
    first = Deployment("first/m", "first", "anthropic", "m", "https://first.example", "k")
    answered = Answered()
    assert counted(answered, route=Route(name="r", targets=(Target(deployment=CLAUDE, order=1), Target(deployment=first)))) == 7
    assert answered.sent[-1][1] == "https://first.example/v1/messages/count_tokens"


@pytest.mark.parametrize("kind", ["openai", "openai-compatible", "vllm", "llamacpp"])
def test_a_vendor_that_tells_nobody_is_not_asked(kind: str) -> None:
    answered = Answered()
    assert counted(answered, Deployment("c/m", "c", kind, "m", "https://a.example")) is None
    assert answered.sent == []


@pytest.mark.parametrize(
    "answered",
    [
        Answered(seconds=30.0),
        Answered(body=b"<html>"),
        Answered(body=b"{}"),
        Answered(body=b" " * 1_000_000),
        *(Answered(status, b"") for status in (204, 302, 401, 403, 404, 429, 500, 529)),
    ],
)
def test_a_count_that_does_not_come_is_left_to_an_estimate(answered: Answered) -> None:
    assert counted(answered) is None


@pytest.mark.parametrize("status", [400, 413])
def test_a_request_that_is_wrong_is_told_so(status: int) -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens"}}'
    with pytest.raises(BadRequest, match="too long"):
        counted(Answered(status, body))
