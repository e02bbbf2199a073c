"""A small gateway with only what the Models page asks: for screens that a real one shows seldom (200 models, a slow answer,
a model that doesn't fit, a broken answer). A process of its own, since a thread beside Qt's may free Qt's objects: Python's
collector runs on whichever thread comes by, and the next painting then dies in native code.
"""

import contextlib
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]
GB = 1_000_000_000
NOW = "2026-11-25T12:00:00Z"
MODELS, JOBS, BACKSTAGE = "/api/v1/admin/models", "/api/v1/admin/jobs", "/backstage"
OVERVIEW: Json = {
    "version": "0.1.0", "state": "running", "uptime_seconds": 60, "in_flight": 0, "owner_exists": True, "lan_on": False,
    "reasons": [], "endpoints": ["http://localhost:8000/v1"], "models": [], "loaded_models": [], "minutes": [],
    "last_hour": {"requests": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0, "latency_ms_p50": None, "latency_ms_p95": None},
}  # fmt: skip


def model(model_id: str, title: str = "", **more: Any) -> Json:
    """A ModelShown."""
    return {
        "id": model_id, "title": title or model_id, "kind": "chat", "state": "unloaded", "origin": "catalogue",
        "licence": "Apache-2.0", "bytes": GB, "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "context_tokens": 8192, "memory_bytes": 2 * GB, "fits": True, "rss_bytes": None, "running": 0, "waiting": 0,
        "engine": None, "demonstration": False, "good_for": "Short answers.", "last_failure": None, "added_at": NOW,
        "is_default": False, **more,
    }  # fmt: skip


def job(job_id: str, kind: str, model_id: str, **more: Any) -> Json:
    return {
        "id": job_id, "kind": kind, "model": model_id, "state": "running", "done": 0, "total": 0, "unit": "bytes", "message": "",
        "fix": "", "result": None, "started_at": NOW, "ended_at": None, **more,
    }  # fmt: skip


class Hold:
    """The tests' hold on a stand-in's process, which is a module of its own and is told by `document` what to begin with."""

    def __init__(self, home: Path, module: str, document: Json) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(document).encode() + b"\n")
        self._process.stdin.flush()
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.control = home / "run" / "control.json"
        self.control.parent.mkdir(parents=True)
        self.control.write_text(json.dumps({"pid": self._process.pid, "url": self.url, "token": "machine"}))

    def close(self) -> None:
        """It ends with its standard input."""
        self._process.communicate(timeout=10)

    def _do(self, what: str, **how: Any) -> Any:
        body = json.dumps({"what": what, **how}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + BACKSTAGE, body, method="POST"), timeout=10) as answer:
            return json.load(answer)

    def tell(self, name: str, body: Json) -> None:
        """An event; a model or a job is what it says from now on."""
        self._do("tell", name=name, body=body)

    def answer(self, method: str, path: str, status: int, body: Any) -> None:
        """What it says to this from now on, whatever it would say."""
        self._do("answer", key=f"{method} {path}", say=[status, body])

    def answer_as_ever(self, method: str, path: str) -> None:
        self._do("answer", key=f"{method} {path}", say=None)

    def be_slow(self, on: bool) -> None:
        """Whether changes wait until it isn't."""
        self._do("slow", on=on)

    @property
    def calls(self) -> list[tuple[str, str, Any]]:
        """Those that change something: method, path, body."""
        return [tuple(call) for call in self._do("calls")["calls"]]

    @property
    def lists_asked(self) -> int:
        return int(self._do("calls")["lists_asked"])


class StandIn(Hold):
    """With models."""

    def __init__(self, home: Path, models: list[Json]) -> None:
        super().__init__(home, "tests.gui.models_stand_in", {"models": models, "path": str(home / "models" / "x.gguf")})

    def have(self, **what: Json) -> None:
        """More in `memory`, `engine` or `details`."""
        self._do("have", more=what)


class Stage:
    """What any stand-in does, in its own process. Handlers run on threads of their own; what they share is small."""

    def __init__(self) -> None:
        self.said: dict[str, Any] = {}
        self.calls: list[tuple[str, str, Any]] = []
        self.lists_asked = 0
        self.is_quick = threading.Event()
        self.is_quick.set()
        self.readers: list[Queue[bytes]] = []
        self.untold: list[bytes] = []  # before the first reader came: the app shows a page before it reads events

    def backstage(self, body: Json) -> Json:
        match body["what"]:
            case "tell":
                self.tell(body["name"], body["body"])
            case "answer":
                self.said[body["key"]] = body["say"]
            case "slow":
                self.is_quick.clear() if body["on"] else self.is_quick.set()
        return {"calls": self.calls, "lists_asked": self.lists_asked}

    def tell(self, name: str, body: Json) -> None:
        event = f"event: {name}\ndata: {json.dumps(body)}\n\n".encode()
        if not self.readers:
            self.untold.append(event)
        for reader in self.readers:
            reader.put(event)

    def read(self, first: bytes) -> Queue[bytes]:
        """A reader of events: the first one, then those that nobody has read yet."""
        reader: Queue[bytes] = Queue()
        for event in (first, *self.untold):
            reader.put(event)
        self.untold.clear()
        self.readers.append(reader)
        return reader

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method != "GET":
            self.calls.append((method, path, body))
            self.is_quick.wait(30)
        if (said := self.said.get(f"{method} {path}")) is not None:
            return said[0], said[1]
        return self.about(method, path, body)

    def about(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """What it says by itself."""
        raise NotImplementedError


class Gateway(Stage):
    def __init__(self, models: list[Json], path: str) -> None:
        super().__init__()
        self.models = {one["id"]: one for one in models}
        self.jobs: list[Json] = []
        self.known: dict[str, Json] = {
            "memory": {"budget_bytes": 12 * GB, "machine_bytes": 16 * GB},
            "engine": {"name": "llama_cpp", "version": "0.3.36", "threads": 3, "reason": ""},
            "details": {
                "architecture": "llama", "name": "Model", "tensors": 272, "tools": True, "embedding_length": 576, "path": path,
                "chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}",
                "memory": {"weights": GB, "cache": GB // 2, "compute": GB // 2, "total": 2 * GB},
            },
        }  # fmt: skip

    def backstage(self, body: Json) -> Json:
        if body["what"] == "have":
            for name, more in body["more"].items():
                self.known[name].update(more)
        return super().backstage(body)

    def tell(self, name: str, body: Json) -> None:
        if name == "model":
            self.models[body["id"]] = body
        if name == "job":
            self.jobs = [body, *(one for one in self.jobs if one["id"] != body["id"])]
        super().tell(name, body)

    def about(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == JOBS:
            return 200, {"items": self.jobs, "next_cursor": None}
        if path.startswith(JOBS):
            ended = {**next(one for one in self.jobs if path.endswith(one["id"])), "state": "cancelled", "ended_at": NOW}
            self.tell("job", ended)
            return 200, ended
        if not path.startswith(MODELS):
            return 200, {}
        model_id, _, verb = path.removeprefix(MODELS).removeprefix("/").partition("/")
        return self._about(method, model_id, verb, body)

    def _about(self, method: str, model_id: str, verb: str, body: Any) -> tuple[int, Any]:
        if method == "GET" and not model_id:
            self.lists_asked += 1
            loaded = [one for one in self.models.values() if one["state"] == "ready"]
            used = sum(max(one["rss_bytes"] or 0, one["memory_bytes"]) for one in loaded)
            known = {"memory": {**self.known["memory"], "used_bytes": used}, "engine": self.known["engine"]}
            return 200, {"items": list(self.models.values()), "next_cursor": None, **known}
        if method == "GET":
            return 200, {**self.models[model_id], **self.known["details"]}
        if method == "DELETE":
            del self.models[model_id]
            return 204, None
        if verb in ("load", "unload"):
            return 200, self._turned(model_id, is_load=verb == "load")
        if model_id == "import":
            return 202, self._begun("import", body["from"])
        return 202, self._begun(verb, model_id) if model_id else self._begun("add", body["id"] or Path(body["path"]).stem)

    def _turned(self, model_id: str, *, is_load: bool) -> Json:
        now = {"state": "ready", "rss_bytes": 2 * GB} if is_load else {"state": "unloaded", "rss_bytes": None}
        self.tell("model", {**self.models[model_id], **now})
        return self.models[model_id]

    def _begun(self, kind: str, model_id: str) -> Json:
        made = job(f"job_{len(self.jobs) + 1}", kind, model_id, total=GB)
        self.tell("job", made)
        return made


class Handler(BaseHTTPRequestHandler):
    gateway: Stage

    def _handle(self) -> None:
        path = unquote(self.path)
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        kind = self.headers.get("content-type", "")
        is_text = "toml" in kind or "multipart" in kind
        body = raw.decode(errors="replace") if is_text else json.loads(raw or b"null")
        if path == "/api/v1/admin/events":
            with contextlib.suppress(OSError):  # the reader has gone
                self._stream()
            return
        status, answer = (
            (200, self.gateway.backstage(body)) if path == BACKSTAGE else self.gateway.answer(self.command, path, body)
        )
        data = (
            answer if isinstance(answer, bytes) else answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        )
        data = b"" if answer is None else data
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 (the base class's names)

    def _stream(self) -> None:
        mine = self.gateway.read(f"event: overview\ndata: {json.dumps(OVERVIEW)}\n\n".encode())
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        while True:
            try:
                data = mine.get(timeout=5)
            except Empty:
                data = b": still here\n\n"
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests' output is for the tests."""


def serve(made: Callable[..., Stage]) -> None:
    """Until standard input ends. `made` from the document that its first line is."""
    Handler.gateway = made(**json.loads(sys.stdin.readline()))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve(Gateway)
