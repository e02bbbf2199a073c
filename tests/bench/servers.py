"""What is measured: Gatehouse as shipped, the bare relay, and the peers, each in front of the same nginx."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import tomlkit

from tests.bench.load import Target
from tests.bench.processes import BenchError, Process, free_port, start, wait_for
from tests.bench.upstream import MODEL, Upstream

PROMPT = (
    "You are the help desk of a mid-sized firm. Answer in two or three sentences, name the form or the person where there is "
    "one, and say so when you do not know. Never promise a date. "
)
QUESTION = (
    "I ordered a new laptop three weeks ago through the portal, request 48213, and since then the page only says 'in review'. "
    "My manager approved it on the same day. Whom can I ask, and can I borrow one until it is here? I travel on Thursday."
)


def body(model: str, *, stream: bool = False) -> bytes:
    """A request as an application sends it, about 700 bytes."""
    chat: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "system", "content": PROMPT}, {"role": "user", "content": QUESTION}],
        "temperature": 0.2,
        "max_tokens": 400,
    }
    if stream:
        chat |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(chat).encode()


def providers(upstream: Upstream) -> list[dict[str, Any]]:
    """One for each of its ports."""
    doors = {"whole": upstream.whole, "stream": upstream.stream, "burst": upstream.burst}
    kind = {"kind": "openai-compatible", "api_key": "sk-benchmark", "models": [MODEL]}
    return [{"name": name, "base_url": base_url, **kind} for name, base_url in doors.items()]


def _environment(folder: Path, **more: str) -> dict[str, str]:
    """A program's environment with nothing of ours in it: a home of its own, no credentials, no settings."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE")}
    return kept | {"HOME": str(folder), "TMPDIR": str(folder), "NO_PROXY": "*", **more}


def _call(url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        read: dict[str, Any] = json.load(answer)
        return read


class Gateway:
    """`gatehouse serve` in a new home: API keys, the ledger committed before an answer's end, metrics and log lines."""

    def __init__(self, folder: Path, providers: list[dict[str, Any]], cores: str, guardrail_policy: str = "off") -> None:
        """`providers`: as `[[providers]]` says them."""
        self.folder = folder
        self.folder.mkdir()
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        self._cores = cores
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        settings = {"port": self._port, "master_key_source": "file", "first_run_key": False, "log_to": "file"}
        settings["guardrail_policy"] = guardrail_policy
        (self.home / "gatehouse.toml").write_text(tomlkit.dumps({**settings, "providers": providers}))
        self.process: Process | None = None
        self.key = ""

    def start(self) -> float:
        """Seconds from spawning it until /ready answers 200."""
        command = [str(Path(sys.executable).with_name("gatehouse")), "serve"]
        env = _environment(self.folder, GATEHOUSE_HOME=str(self.home))
        began = time.monotonic()
        self.process = start("gateway", command, self.folder, cores=self._cores, env=env)
        wait_for(f"{self.url}/ready", self.process, pause=0.005)
        return time.monotonic() - began

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None

    def make_key(self) -> None:
        owner = {"name": "Bench", "email": "bench@example.com", "password": "Benchmark-1234"}
        token = _call(f"{self.url}/api/v1/admin/auth/register", owner)["access_token"]
        wanted = {"name": "bench", "environment": "production"}
        self.key = _call(f"{self.url}/api/v1/admin/api-keys", wanted, token)["key"]

    def target(self, name: str) -> Target:
        """`name`: whole, stream or burst."""
        model = f"{name}/{MODEL}"
        headers = {"Authorization": f"Bearer {self.key}"}
        return Target(f"{self.url}/v1/chat/completions", body(model, stream=name != "whole"), headers)

    def settled(self) -> int:
        """Requests that stand settled in the ledger: answered to the end, committed before it."""
        with sqlite3.connect(f"file:{self.home}/gatehouse.db?mode=ro", uri=True) as connection:
            (count,) = connection.execute("SELECT count(*) FROM requests WHERE state = 1").fetchone()
        connection.close()
        return int(count)


class Relay:
    """relay.py in front of one of the upstreams."""

    def __init__(self, folder: Path, name: str, upstream_url: str, cores: str) -> None:
        port = free_port()
        command = [sys.executable, str(Path(__file__).with_name("relay.py")), str(port), upstream_url]
        self.process = start(f"relay-{name}", command, folder, cores=cores, env=_environment(folder))
        wait_for(f"http://127.0.0.1:{port}/", self.process)
        headers = {"Authorization": "Bearer sk-benchmark"}
        self.target = Target(f"http://127.0.0.1:{port}/v1/chat/completions", body(MODEL, stream=name != "whole"), headers)


class LiteLLM:
    """LiteLLM's proxy, one worker, a master key, no database: it writes no ledger, so the comparison flatters it."""

    def __init__(self, folder: Path, installed: Path, upstream: Upstream, cores: str) -> None:
        folder.mkdir()
        port = free_port()
        entry = {
            "model_name": MODEL,
            "litellm_params": {"model": f"openai/{MODEL}", "api_base": upstream.whole, "api_key": "sk-benchmark"},
        }
        config = {"model_list": [entry], "general_settings": {"master_key": "sk-benchmark"}}
        (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
        command = [str(installed / "python/bin/litellm"), "--config", str(folder / "config.yaml")]
        command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        # Otherwise it fetches a list of prices from the internet at start.
        env = _environment(folder, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_MODE="PRODUCTION", LITELLM_LOG="ERROR")
        self.process = start("litellm", command, folder, cores=cores, env=env)
        wait_for(f"http://127.0.0.1:{port}/health/liveliness", self.process, seconds=180)
        headers = {"Authorization": "Bearer sk-benchmark"}
        self.target = Target(f"http://127.0.0.1:{port}/v1/chat/completions", body(MODEL), headers)
        self.version = _installed_version(installed / "python/bin/python", "litellm")


class Portkey:
    """Portkey's open source gateway on Node: it checks no key and writes no ledger."""

    def __init__(self, folder: Path, installed: Path, upstream: Upstream, cores: str) -> None:
        folder.mkdir()
        port = free_port()
        package = installed / "node/node_modules/@portkey-ai/gateway"
        command = [shutil.which("node") or "node", str(package / "build/start-server.js"), f"--port={port}", "--headless"]
        env = _environment(folder, NODE_ENV="production", TRUSTED_CUSTOM_HOSTS="127.0.0.1")
        self.process = start("portkey", command, folder, cores=cores, env=env)
        wait_for(f"http://127.0.0.1:{port}/", self.process)
        headers = {
            "Authorization": "Bearer sk-benchmark",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": upstream.whole,
        }
        self.target = Target(f"http://127.0.0.1:{port}/v1/chat/completions", body(MODEL), headers)
        self.version = json.loads((package / "package.json").read_text())["version"]


def _installed_version(python: Path, package: str) -> str:
    found = next((python.parent.parent / "lib").glob(f"python3*/site-packages/{package}-*.dist-info"), None)
    match = re.fullmatch(rf"{package}-(.+)\.dist-info", found.name) if found else None
    if match is None:
        raise BenchError(f"{package} is not installed in {python.parent.parent}")
    return match[1]


class LocalGateway:
    """`gatehouse serve` with a model in llama_cpp, one thread."""

    def __init__(self, folder: Path, model_file: Path, *, context_tokens: int, parallel: int) -> None:
        folder.mkdir()
        self.folder = folder
        home = folder / "home"
        home.mkdir(mode=0o700)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.model = "bench"
        self.key = ""
        (home / "gatehouse.toml").write_text(
            f'port = {port}\nmaster_key_source = "file"\nfirst_run_key = false\nlog_to = "file"\nlocal_engine = "llama_cpp"\n'
            f"local_threads = 1\nlocal_parallel = {parallel}\nlocal_context_tokens = {context_tokens}\n"
        )
        self._home = home
        self._gatehouse("models", "add", "--link", "--id", self.model, str(model_file))
        self._process: Process | None = None
        self._engine: Process | None = None

    @property
    def engine(self) -> Process:
        """The worker that runs the model, with what it started itself."""
        if self._engine is None or not Path(f"/proc/{self._engine.pid}").exists():
            assert self._process is not None
            found = [pid for pid in self._process.family() if b"worker\0local-model" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            if len(found) != 1:
                raise BenchError(f"{len(found)} workers run a model instead of one")
            self._engine = _Running(found[0], self._process.log)
        return self._engine

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("gatehouse")), "serve"]
        env = _environment(self.folder, GATEHOUSE_HOME=str(self._home))
        everywhere = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        self._process = start("local-gateway", command, self.folder, cores=everywhere, env=env)
        wait_for(f"{self.url}/ready", self._process)
        owner = {"name": "Bench", "email": "bench@example.com", "password": "Benchmark-1234"}
        token = _call(f"{self.url}/api/v1/admin/auth/register", owner)["access_token"]
        self.key = _call(f"{self.url}/api/v1/admin/api-keys", {"name": "bench", "environment": "production"}, token)["key"]

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def _gatehouse(self, *arguments: str) -> None:
        command = [str(Path(sys.executable).with_name("gatehouse")), *arguments]
        env = _environment(self.folder, GATEHOUSE_HOME=str(self._home))
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"gatehouse {' '.join(arguments)}: {done.stderr.strip()}")


class _Running(Process):
    """A process that something started here has started."""

    def __init__(self, pid: int, log: Path) -> None:
        self.name = "engine"
        self.log = log
        self._pid = pid

    @property
    def pid(self) -> int:
        return self._pid
