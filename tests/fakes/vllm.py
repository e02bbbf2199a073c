"""vLLM's server as it is from outside, without the model: a Python that "has vLLM" for `python = …` of a `[[vllm]]` table.

    python = python_with_vllm(folder)     an environment whose package `vllm` is this file

It takes vLLM's flags (and refuses what vLLM has no flag for), says what vLLM says, has an engine in a process of its own, asks
for the key below /v1, and puts the classes of `--middleware` around everything. Below /v1: models, chat/completions (whole and
streamed); and /health, /metrics, /invocations. What a prompt asks for happens:

    "crash"          the server dies at once, as by a fault in native code; its engine lives on
    "engine dies"    the engine is killed; the server notices and ends with status 0, as vLLM does
    "hang"           no answer to anybody any more, its own pages included
    "wait 2"         an answer after two seconds, a word each half second where it is streamed
    anything else    "You said: …"

Flags of its own, for `arguments`: --fake-start-seconds, --fake-deaf (to SIGTERM), --fake-fail TEXT (says it and ends with 1),
--fake-say TEXT (a line of its own before that), --fake-waiting N (so many requests wait), --fake-report FILE (a line of JSON for
each start).
"""

import argparse
import asyncio
import hmac
import importlib
import json
import os
import signal
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENTRY = "vllm/entrypoints/launchers/api_server/entry.py"
EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked", "server": "uvicorn"}
CONTEXT_TOKENS = 2048
# A page as vLLM 0.32 writes it, shortened: comments, labels, counters, a histogram.
METRICS = """# HELP python_gc_objects_collected_total Objects collected during gc
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{{generation="0"}} 21290.0
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{{engine="0",model_name="{name}"}} {running}.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{{engine="0",model_name="{name}"}} {waiting}.0
vllm:num_requests_waiting_by_reason{{engine="0",model_name="{name}",reason="capacity"}} {waiting}.0
# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{{engine="0",model_name="{name}"}} {cache}
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{{engine="0",model_name="{name}"}} 5.0
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{{engine="0",le="0.001",model_name="{name}"}} 0.0
vllm:time_to_first_token_seconds_bucket{{engine="0",le="+Inf",model_name="{name}"}} 1.0
"""


def python_with_vllm(folder: Path) -> Path:
    """A Python whose `vllm` is this file, in an environment of its own as an administrator would make one."""
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "here.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    entry = packages / ENTRY
    entry.parent.mkdir(parents=True)
    for parent in entry.relative_to(packages).parents[:-1]:
        (packages / parent / "__init__.py").touch()
    entry.write_text('if __name__ == "__main__":\n    from tests.fakes.vllm import main\n\n    main()\n')
    return folder / "bin" / "python"


def model_folder(folder: Path) -> Path:
    """A folder that looks like a model's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (folder / "model.safetensors").write_bytes(bytes(1000))
    return folder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()  # abbreviations are taken, as by vLLM
    parser.add_argument("--model", required=True)
    parser.add_argument("--served-model-name", required=True)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--gpu-memory-utilization", type=float)
    parser.add_argument("--max-model-len", type=int, default=CONTEXT_TOKENS)
    parser.add_argument("--middleware", action="append", default=[])
    parser.add_argument("--allowed-media-domains", nargs="+")
    parser.add_argument("--disable-uvicorn-access-log", action="store_true")
    parser.add_argument("--enforce-eager", action="store_true")
    parser.add_argument("--trust-remote-code", action="store_true")
    parser.add_argument("--fake-start-seconds", type=float, default=0.0)
    parser.add_argument("--fake-deaf", action="store_true")
    parser.add_argument("--fake-fail", default="")
    parser.add_argument("--fake-say", action="append", default=[])
    parser.add_argument("--fake-waiting", type=int, default=0)
    parser.add_argument("--fake-report", type=Path)
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    shared = SharedMemory(create=True, size=64)  # as between vLLM's processes; nobody here removes it
    (Path(tempfile.gettempdir()) / "a-socket-of-vllm").touch()
    if arguments.fake_report is not None:
        places = {"shared_memory": shared.name, "folder": tempfile.gettempdir()}
        told = {**places, "pid": os.getpid(), "argv": sys.argv, "environment": dict(os.environ), "python": sys.executable}
        with arguments.fake_report.open("a") as file:
            file.write(json.dumps({**told, "at": time.monotonic(), "orig_argv": sys.orig_argv}) + "\n")
    asyncio.run(_FakeVllm(arguments).run())


def _log(text: str, level: str = "INFO") -> None:
    print(f"(APIServer pid={os.getpid()}) {level} 11-25 20:13:24 [entry.py:140] {text}", flush=True)


class _FakeVllm:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._key = os.environ.get("VLLM_API_KEY", "")
        self._engine: asyncio.subprocess.Process
        self._stop = asyncio.Event()
        self._running = 0
        self._status = 0
        self._around: list[Callable[[Any], Any]] = []

    async def run(self) -> None:
        from tests.fakes.wire import FakeServer  # not at the top: the tests import this file too

        arguments = self._arguments
        _log(f"non-default args: {{'model': {arguments.model!r}, 'port': {arguments.port}}}")
        for middleware in arguments.middleware:
            module, _, name = middleware.rpartition(".")
            self._around.append(getattr(importlib.import_module(module), name))
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        self._engine = await asyncio.create_subprocess_exec(sys.executable, "-c", deaf, "VLLM::EngineCore")
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, (lambda: None) if arguments.fake_deaf else self._stop.set)
        await self._start_up()
        await FakeServer(self._handle).start(arguments.port)
        _log(f"Starting vLLM server on http://{arguments.host}:{arguments.port}")
        watching = asyncio.ensure_future(self._watch_engine())
        await self._stop.wait()
        watching.cancel()
        if self._engine.returncode is None:
            self._engine.kill()
        print('nanobind: leaked 1 instances!\n - leaked function "compose"', flush=True)
        os._exit(self._status)

    async def _start_up(self) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), self._arguments.fake_start_seconds or 0.01)
        except TimeoutError:
            pass
        _log("Current ulimit may be low: it could fail with error like `OSError: [Errno 24] Too many open files`.", "WARNING")
        for text in self._arguments.fake_say:
            print(text, flush=True)
        if self._arguments.fake_fail:
            _log(f"ValueError: {self._arguments.fake_fail}", "ERROR")
            _log("RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}", "ERROR")
            self._status = 1
            self._stop.set()

    async def _watch_engine(self) -> None:
        await self._engine.wait()
        _log("EngineDeadError: EngineCore encountered an issue.", "ERROR")
        self._stop.set()

    async def _handle(self, exchange: Any) -> None:
        if not await self._passes(exchange):
            return
        path = exchange.seen.path.partition("?")[0]
        if path.startswith("/v1") and not hmac.compare_digest(
            exchange.seen.headers.get("authorization", ""), f"Bearer {self._key}"
        ):
            await exchange.whole(401, b'{"error":"Unauthorized"}')
        elif path == "/health":
            await exchange.whole(200, b"", {"content-type": "text/plain"})
        elif path == "/metrics":
            await exchange.whole(200, self._metrics(), {"content-type": "text/plain; version=0.0.4"})
        elif path == "/v1/models":
            card = {"id": self._name, "object": "model", "owned_by": "vllm", "max_model_len": self._arguments.max_model_len}
            await exchange.whole(200, json.dumps({"object": "list", "data": [card]}).encode())
        elif path in ("/v1/chat/completions", "/invocations"):
            self._running += 1
            try:
                await self._chat(exchange)
            finally:
                self._running -= 1
        else:
            await exchange.whole(404, b'{"detail":"Not Found"}')

    @property
    def _name(self) -> str:
        return str(self._arguments.served_model_name)

    def _metrics(self) -> bytes:
        waiting, cache = self._arguments.fake_waiting, 0.25 if self._running else 0.0
        return METRICS.format(name=self._name, running=self._running, waiting=waiting, cache=cache).encode()

    async def _passes(self, exchange: Any) -> bool:
        """Whether the middleware lets a request through; else its own answer was sent."""
        headers = [(name.encode(), value.encode()) for name, value in exchange.seen.headers.items()]
        scope = {"type": "http", "method": exchange.seen.method, "path": exchange.seen.path, "headers": headers}
        passed: list[bool] = []
        answer: dict[str, Any] = {}

        async def inner(*_: Any) -> None:
            passed.append(True)

        async def send(message: dict[str, Any]) -> None:
            answer.update(message)

        for around in self._around:
            passed.clear()
            await around(inner)(scope, None, send)
            if not passed:
                await exchange.whole(answer["status"], answer["body"])
                return False
        return True

    async def _chat(self, exchange: Any) -> None:
        body = exchange.seen.json
        if body.get("model") != self._name:
            error = {
                "message": f"The model `{body.get('model')}` does not exist.",
                "type": "NotFoundError",
                "param": "model",
                "code": 404,
            }
            await exchange.whole(404, json.dumps({"error": error}).encode())
            return
        said = str(body["messages"][-1]["content"])
        if said == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif said == "engine dies":
            self._engine.kill()
            await asyncio.sleep(60)
        elif said == "hang":
            time.sleep(60)  # noqa: ASYNC251 on purpose: nothing else moves meanwhile
        seconds = float(said.removeprefix("wait ")) if said.startswith("wait ") else 0.0
        words = ["You", " said:", *(f" {word}" for word in said.split())]
        usage = {"prompt_tokens": 5, "completion_tokens": len(words), "total_tokens": 5 + len(words)}
        shared = {"id": "chatcmpl-b06ebb832371d286", "created": int(time.time()), "model": self._name}
        if body.get("stream"):
            await self._stream(exchange, {**shared, "object": "chat.completion.chunk"}, words, usage, seconds)
            return
        await exchange.pause(seconds)
        message = {"role": "assistant", "content": "".join(words), "refusal": None, "reasoning": None}
        choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", "stop_reason": None}]
        whole = {**shared, "object": "chat.completion", "choices": choices, "usage": usage, "prompt_token_ids": None}
        await exchange.whole(200, json.dumps(whole).encode(), {"server": "uvicorn"})

    async def _stream(
        self, exchange: Any, shared: dict[str, Any], words: list[str], usage: dict[str, int], seconds: float
    ) -> None:
        async def send(choices: list[dict[str, Any]], **more: Any) -> None:
            await exchange.chunked(b"data: " + json.dumps({**shared, "choices": choices, **more}).encode() + b"\n\n")

        await exchange.head(200, EVENT_STREAM)
        await send([{"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}])
        for number, word in enumerate(words, 1):
            if seconds:
                await exchange.pause(seconds / 4)
            finish = "stop" if number == len(words) else None
            await send([{"index": 0, "delta": {"content": word}, "logprobs": None, "finish_reason": finish, "token_ids": None}])
        if (exchange.seen.json.get("stream_options") or {}).get("include_usage"):
            await send([], usage=usage, system_fingerprint="vllm-0.32.0-b215c815")
        await exchange.chunked(b"data: [DONE]\n\n")
        await exchange.chunked_end()
