"""Load from wrk: a fixed number of connections, each sending the next request when its answer has come, for some seconds."""

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path

import msgspec

from tests.bench.processes import BenchError, Process

LUA = Path(__file__).with_name("post.lua")


class Target(msgspec.Struct, frozen=True):
    """Where requests go and as whom."""

    url: str
    body: bytes
    headers: dict[str, str]


class Sample(msgspec.Struct, frozen=True):
    """One round. Times in the unit of their name."""

    requests: int
    seconds: float
    cpu_us: float  # a request
    p50_ms: float
    p99_ms: float


def ask(target: Target) -> bytes:
    """One request, before any load: what would be measured must work."""
    request = urllib.request.Request(target.url, target.body, {"Content-Type": "application/json", **target.headers})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        read: bytes = answer.read()
        return read


def run(target: Target, process: Process, folder: Path, *, connections: int, seconds: float, cores: str) -> Sample:
    """Errors: BenchError when anything but a 2xx came back."""
    body = folder / "body.json"
    body.write_bytes(target.body)
    headers = [word for name, value in target.headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "60s", "-s", str(LUA), *headers, target.url]
    before = process.cpu_seconds()
    done = subprocess.run(
        ["taskset", "--cpu-list", cores, *command],
        env=os.environ | {"BENCH_BODY": str(body)},
        capture_output=True,
        text=True,
        timeout=seconds + 120,
        check=False,
    )
    time.sleep(0.1)  # what the caller left half done ends
    cpu = process.cpu_seconds() - before
    line = next((line for line in done.stdout.splitlines() if line.startswith("BENCH ")), None)
    if line is None:
        raise BenchError(f"wrk gave no result for {process.name}:\n{done.stdout}{done.stderr}")
    seen = json.loads(line.removeprefix("BENCH "))
    if seen["refused"] or seen["broken"] or not seen["requests"]:
        raise BenchError(f"{process.name}: {seen}\n{process.tail()}")
    return Sample(
        seen["requests"], seen["microseconds"] / 1e6, cpu / seen["requests"] * 1e6, seen["p50"] / 1000, seen["p99"] / 1000
    )
