"""What it costs the gateway to translate: the same answer from each vendor, over one that passes through untouched.

The caller speaks Chat Completions and the vendor its own format; where the vendor speaks Chat Completions too, the caller speaks
Anthropic's Messages. The answer that passes is Chat Completions on both sides. All say the same in as many pieces, to the same
load, in the same rounds.
"""

import json
from functools import partial
from typing import Any

from tests.bench.callers import load
from tests.bench.contenders import Contender, Rounds, ratio
from tests.bench.load import Sample, Target
from tests.bench.pacing import Paced
from tests.bench.servers import PROMPT, QUESTION, Gateway, body
from tests.bench.upstream import PACE_SECONDS, TEXT
from tests.bench.vendors import PASSING, VENDORS, Vendor, text

WORDS = TEXT.split()[:49]  # and the end: 50 pieces
PASSING_NAME = "passing"
TASKS = ("whole", "stream")
CONNECTIONS = {"whole": 32, "stream": 48}
REQUESTS_PER_SECOND = {"whole": 7, "stream": 1}  # on each connection, for each second of a round
TURNS = 2  # of each answer in a round: what else the machine does comes and goes, and many short turns are touched alike


def request(vendor: Vendor, provider: str, *, stream: bool) -> bytes:
    """What the caller asks, in its dialect: the same in both."""
    model = f"{provider}/{vendor.model}"
    if vendor.caller == "openai_chat":
        return body(model, stream=stream)
    messages = [{"role": "user", "content": QUESTION}]
    asked = {"model": model, "system": PROMPT, "messages": messages, "temperature": 0.2, "max_tokens": 400}
    return json.dumps({**asked, "stream": True} if stream else asked).encode()


def target(url: str, key: str, vendor: Vendor, provider: str, *, stream: bool) -> Target:
    """What a caller of the gateway at `url` sends."""
    asked = request(vendor, provider, stream=stream)
    if vendor.caller == "openai_chat":
        return Target(f"{url}/v1/chat/completions", asked, {"Authorization": f"Bearer {key}"})
    return Target(f"{url}/v1/messages", asked, {"x-api-key": key, "anthropic-version": "2023-06-01"})


def said(answer: bytes, caller: str, *, stream: bool) -> str:
    """The answer's text as its caller reads it; empty where it wasn't told to the end, usage and all."""
    if stream:
        return _said_in_stream(answer, caller)
    read: dict[str, Any] = json.loads(answer)
    if not read["usage"]:
        return ""
    if caller == "openai_chat":
        (choice,) = read["choices"]
        return str(choice["message"]["content"]) if choice["finish_reason"] == "stop" else ""
    (block,) = read["content"]
    return str(block["text"]) if read["stop_reason"] == "end_turn" else ""


def _said_in_stream(answer: bytes, caller: str) -> str:
    datas = [line.removeprefix(b"data: ") for line in answer.split(b"\n") if line.startswith(b"data: ")]
    if caller == "openai_chat":
        if datas[-1:] != [b"[DONE]"]:
            return ""
        events = [json.loads(data) for data in datas[:-1]]
        choices = [choice for event in events for choice in event["choices"]]
        told = choices[-1]["finish_reason"] == "stop" and events[-1]["usage"]
        return "".join(choice["delta"].get("content") or "" for choice in choices) if told else ""
    events = [json.loads(data) for data in datas]
    told = events[-1]["type"] == "message_stop" and events[-2]["usage"]["output_tokens"]
    return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta") if told else ""


class Translation:
    """The part `translation` of `make bench`: its doors at the upstream, its contenders, its figures."""

    def __init__(self, upstream: Paced) -> None:
        self._contenders: dict[tuple[str, str], Contender] = {}
        self.providers = [
            provider_of(upstream, name, vendor, task)
            for name, vendor in {PASSING_NAME: PASSING, **VENDORS}.items()
            for task in TASKS
        ]

    def measure(self, gateway: Gateway, rounds: Rounds, cores: str, *, count: int, seconds: int) -> list[Contender]:
        assert gateway.process is not None
        for task in TASKS:
            for name, vendor in {PASSING_NAME: PASSING, **VENDORS}.items():
                asked = target(gateway.url, gateway.key, vendor, f"{name}-{task}", stream=task == "stream")
                right = partial(_is_right, vendor.caller, task == "stream")
                self._contenders[name, task] = Contender(name, task, gateway.process, asked, right, gateway.settled)
        contenders = list(self._contenders.values())

        def under_load(contender: Contender, seconds: int) -> Sample:
            task = contender.task
            requests = REQUESTS_PER_SECOND[task] * seconds
            return load(contender.target, contender.process, connections=CONNECTIONS[task], count=requests, cores=cores)

        rounds.run(contenders, under_load, rounds=count * TURNS, seconds=seconds)
        return contenders

    def figures(self) -> dict[str, tuple[float, str]]:
        made = {}
        for task, ending in (("whole", ""), ("stream", "_stream")):
            for name in VENDORS:
                found = ratio(self._contenders[name, task], self._contenders[PASSING_NAME, task])
                assert found is not None
                made[f"translation_over_passthrough_{name}{ending}"] = (found, "x")
        return made


def _is_right(caller: str, stream: bool, answer: bytes) -> bool:
    return said(answer, caller, stream=stream) == text(WORDS)


def provider_of(upstream: Paced, name: str, vendor: Vendor, task: str) -> dict[str, Any]:
    """Adds a door to the upstream; the `[[providers]]` table that leads there."""
    door = f"{name}-{task}"
    if task == "whole":
        address = upstream.add_whole(door, json.dumps(vendor.whole(WORDS), indent=2).encode())
    else:
        address = upstream.add_stream(door, vendor.stream_type, vendor.pieces(WORDS), pace_seconds=PACE_SECONDS)
    return provider(door, vendor, address)


def provider(name: str, vendor: Vendor, address: str) -> dict[str, Any]:
    """A `[[providers]]` table."""
    return {"name": name, "kind": vendor.kind, "base_url": address + vendor.path, "models": [vendor.model], **vendor.settings}
