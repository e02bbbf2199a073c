"""`make bench-local`: the local engine, one caller and many, beside llama.cpp's own server and `Llama` used plainly.

    python -m tests.bench.local [--rounds 5] [--tokens 128] [--model FILE]

The same GGUF, one thread each, the rounds interleaved; medians. Ours answers through the whole HTTP way of the appliance.
Tokens a second are of the engine process's own CPU time (its template process included), which other programs disturb
least. Speed is compared as ratios.
"""

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from tests.bench.processes import BenchError, Process
from tests.bench.servers import LocalGateway
from tests.fakes.models import fetched_model

CONTEXT_TOKENS = 4096
PARALLEL = 8
CALLERS = (1, 4, 8)
LONG_PROMPT_WORDS = 3900  # a token each, with SmolLM2's vocabulary
SYSTEM_PROMPT_WORDS = 500
SHORT_ANSWER_TOKENS = 8

_numbers = count(1000)


def question() -> str:
    """Another one each time; the model goes on with its answer for as long as it may."""
    return f"Write a long story about the ship number {next(_numbers)} and its crew, in many chapters."


class Taken(NamedTuple):
    """What some answers took: tokens that were written, CPU seconds of the engine, seconds."""

    tokens: int
    cpu_seconds: float
    seconds: float


class Ours:
    """The appliance with its own engine."""

    def __init__(self, gateway: LocalGateway) -> None:
        self._gateway = gateway

    @property
    def engine(self) -> Process:
        return self._gateway.engine

    async def ask(self, *messages: tuple[str, str], tokens: int) -> tuple[int, float]:
        """(tokens that came, seconds to the first)."""
        body = {
            "model": self._gateway.model,
            "messages": [{"role": role, "content": content} for role, content in messages],
            "max_tokens": tokens,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        began, first, came = time.monotonic(), 0.0, 0
        async with self._session.post(f"{self._gateway.url}/v1/chat/completions", json=body) as answer:
            if answer.status != 200:
                raise BenchError(f"answered {answer.status}: {(await answer.text())[:300]}")
            async for line in answer.content:
                if not line.startswith(b"data: {"):
                    continue
                chunk = json.loads(line[6:])
                if not first and any(choice["delta"].get("content") for choice in chunk["choices"]):
                    first = time.monotonic() - began
                came = chunk["usage"]["completion_tokens"] if chunk.get("usage") else came
        return came, first

    async def all_at_once(self, prompts: list[list[tuple[str, str]]], tokens: int) -> Taken:
        began, cpu = time.monotonic(), self.engine.cpu_seconds()
        answers = await asyncio.gather(*(self.ask(*messages, tokens=tokens) for messages in prompts))
        return Taken(sum(came for came, _ in answers), self.engine.cpu_seconds() - cpu, time.monotonic() - began)

    async def __aenter__(self) -> "Ours":
        headers = {"Authorization": f"Bearer {self._gateway.key}"}
        self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(600))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()


class Peer:
    """local_peer.py."""

    def __init__(self, kind: str, model: Path, context_tokens: int) -> None:
        command = [sys.executable, str(Path(__file__).with_name("local_peer.py")), kind, str(model), str(context_tokens), "8"]
        self._popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._line()

    def all_at_once(self, prompts: list[str], tokens: int) -> Taken:
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps({"prompts": prompts, "tokens": tokens}) + "\n")
        self._popen.stdin.flush()
        return Taken(**self._line())

    def _line(self) -> Any:
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        while line and not line.startswith("{"):
            line = self._popen.stdout.readline()
        if not line:
            raise BenchError("a peer ended")
        return json.loads(line)

    def close(self) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._popen.wait(20)


class Bench:
    """One run."""

    def __init__(self, ours: Ours, peers: dict[str, Peer], rounds: int, tokens: int) -> None:
        self._ours = ours
        self._peers = peers
        self._rounds = rounds
        self._tokens = tokens
        self.speeds: dict[tuple[str, int], list[float]] = defaultdict(list)
        self.figures: dict[str, tuple[float, str]] = {}

    async def run(self, scrape: "Scrape") -> None:
        for number in range(self._rounds):
            say(f"round {number + 1} of {self._rounds}")
            await self._speed_round()
        for callers in CALLERS:
            self.figures[f"local_ratio_to_xllamacpp_{callers}"] = (self._ratio("xllamacpp", callers), "x")
        self.figures["local_ratio_to_sequential_8"] = (self._ratio("llama", 8), "x")
        say("shared prefixes")
        self.figures["local_shared_prefix_speedup"] = (await self._shared_prefix(), "x")
        say("a short question while a long prompt is read")
        self.figures["local_ttft_ratio_under_load"] = (await self._first_token_under_load(), "x")
        say("what the appliance adds to the engine's time")
        self.figures["local_gateway_overhead_ms"] = (await self._overhead(scrape), "ms")

    async def _speed_round(self) -> None:
        for callers in CALLERS:
            taken = await self._ours.all_at_once([[("user", question())] for _ in range(callers)], self._tokens)
            self.speeds["ours", callers].append(taken.tokens / taken.cpu_seconds)
            for name, peer in self._peers.items():
                if name == "llama" and callers != 8:
                    continue
                taken = await asyncio.to_thread(peer.all_at_once, [question() for _ in range(callers)], self._tokens)
                self.speeds[name, callers].append(taken.tokens / taken.cpu_seconds)

    def _ratio(self, name: str, callers: int) -> float:
        ours, theirs = self.speeds["ours", callers], self.speeds[name, callers]
        return round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 2)

    async def _shared_prefix(self) -> float:
        """CPU time of eight callers with a system prompt each, over that of eight who have one between them."""
        ratios = []
        for _ in range(max(self._rounds // 2, 1)):
            apart = [[("system", words(SYSTEM_PROMPT_WORDS)), ("user", question())] for _ in range(8)]
            system = words(SYSTEM_PROMPT_WORDS)
            together = [[("system", system), ("user", question())] for _ in range(8)]
            one = await self._ours.all_at_once(apart, SHORT_ANSWER_TOKENS)
            other = await self._ours.all_at_once(together, SHORT_ANSWER_TOKENS)
            ratios.append(one.cpu_seconds / other.cpu_seconds)
        return round(statistics.median(ratios), 1)

    async def _first_token_under_load(self) -> float:
        idle = [await self._first_token() for _ in range(7)]
        loaded: list[float] = []
        while len(loaded) < 10:
            reading = asyncio.ensure_future(self._ours.ask(("user", words(LONG_PROMPT_WORDS)), tokens=1))
            await asyncio.sleep(0.5)
            while len(loaded) < 10:
                seconds = await self._first_token()
                if reading.done():
                    break
                loaded.append(seconds)
            await reading
        return round(statistics.median(loaded) / statistics.median(idle), 2)

    async def _first_token(self) -> float:
        await asyncio.sleep(0.2)
        _, seconds = await self._ours.ask(("user", f"{next(_numbers)}: say hello."), tokens=2)
        return seconds

    async def _overhead(self, scrape: "Scrape") -> float:
        before = scrape.overhead()
        for _ in range(30):
            await self._ours.ask(("user", f"{next(_numbers)}: say hello."), tokens=SHORT_ANSWER_TOKENS)
        after = scrape.overhead()
        return round((after.seconds - before.seconds) / (after.requests - before.requests) * 1000, 2)

    def report(self) -> None:
        print(f"{'tokens a CPU second':24}" + "".join(f"{callers:>4} callers" for callers in CALLERS))
        for name in ("ours", *self._peers):
            cells = [statistics.median(found) if (found := self.speeds[name, callers]) else None for callers in CALLERS]
            print(f"{name:24}" + "".join(f"{'-':>12}" if cell is None else f"{cell:12.1f}" for cell in cells))
        for name, (value, unit) in self.figures.items():
            print(f"figure {name} {value} {unit}")


class Overhead(NamedTuple):
    requests: float
    seconds: float


class Scrape:
    """What the appliance says of itself: the time it took beside the engine's, by timestamps inside."""

    def __init__(self, gateway: LocalGateway) -> None:
        self._gateway = gateway

    def overhead(self) -> Overhead:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"{self._gateway.url}/metrics", timeout=10
        ) as page:
            text = page.read().decode()
        values = [re.search(rf"^gatehouse_local_overhead_seconds_{kind} (\S+)", text, re.MULTILINE) for kind in ("count", "sum")]
        return Overhead(*(float(found[1]) if found else 0.0 for found in values))


def words(number: int) -> str:
    """That many words, different from the first on."""
    return f"{next(_numbers)} " + "sea " * number


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def measure(folder: Path, arguments: argparse.Namespace) -> Bench:
    model = arguments.model.absolute() if arguments.model else fetched_model()
    gateway = LocalGateway(folder / "gateway", model, context_tokens=CONTEXT_TOKENS, parallel=PARALLEL)
    peers = {kind: Peer(kind, model, CONTEXT_TOKENS) for kind in ("xllamacpp", "llama")}
    try:
        gateway.start()
        async with Ours(gateway) as ours:
            await ours.ask(("user", "Say hello."), tokens=2)
            bench = Bench(ours, peers, arguments.rounds, arguments.tokens)
            await bench.run(Scrape(gateway))
            return bench
    finally:
        for peer in peers.values():
            peer.close()
        gateway.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-local", description="Measure the local engine beside its peers.")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of each answer (128)")
    parser.add_argument("--model", type=Path, help="a GGUF file; the demonstration model where left out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as temporary:
        try:
            bench = asyncio.run(measure(Path(temporary), arguments))
        except BenchError as error:
            print(f"bench-local: {error}", file=sys.stderr)
            return 1
    bench.report()
    return 0


if __name__ == "__main__":
    sys.exit(main())
