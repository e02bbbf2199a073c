"""An nginx that answers like a provider: the same completion to everyone, whole, as a stream, or as a stream in one burst.

Three ports, one for each, since nginx doesn't look into a request's body. The stream comes as a model's does, piece by
piece: 50 chunks, each flushed by itself, PACE_SECONDS apart (nginx's echo module). The burst is the same bytes at once.
"""

import json
import shutil
from pathlib import Path

from tests.bench.processes import Process, free_port, start, wait_for

CHUNKS = 50
PACE_SECONDS = 0.002
MODEL = "gpt-4o-mini"
TEXT = (
    "A gateway stands between the people of an organisation and the models that answer them. It knows who asks, keeps count "
    "of what each answer used, and holds back what must not leave the house. When a provider is slow or fails, it turns to "
    "the next one, and nobody has to change a line. It should cost next to nothing itself, which is what this run measures."
)
WORDS = TEXT.split()

_CONFIG = """
daemon off;
master_process off;
{modules}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_body_buffer_size 64k;
    keepalive_timeout 300;
    keepalive_requests 100000000;
    keepalive_time 1d;
    types {{ application/json json; text/event-stream sse; }}
    root {folder};
    server {{
        listen 127.0.0.1:{whole} backlog=4096;
        location = /v1/chat/completions {{ error_page 404 405 =200 /whole.json; }}
        location = /v1/models {{ error_page 404 405 =200 /models.json; try_files /models.json =404; }}
    }}
    server {{
        listen 127.0.0.1:{burst} backlog=4096;
        location = /v1/chat/completions {{ error_page 404 405 =200 /burst.sse; }}
    }}
    server {{
        listen 127.0.0.1:{stream} backlog=4096;
        location = /v1/chat/completions {{
            default_type text/event-stream;
            {echoes}
        }}
    }}
}}
"""


def _whole() -> bytes:
    answer = {
        "id": "chatcmpl-BenchmarkBenchmarkBenchmark",
        "object": "chat.completion",
        "created": 1795000000,
        "model": f"{MODEL}-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 187,
            "completion_tokens": 96,
            "total_tokens": 283,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }
    return json.dumps(answer, indent=2).encode()


def _events() -> list[str]:
    """50 chunks (role, words, finish), one with the usage, and the end."""

    def chunk(choices: list[dict[str, object]], usage: dict[str, int] | None = None) -> str:
        body = {
            "id": "chatcmpl-BenchmarkBenchmarkBenchmark",
            "object": "chat.completion.chunk",
            "created": 1795000000,
            "model": f"{MODEL}-2024-07-18",
            "service_tier": "default",
            "system_fingerprint": "fp_0123456789",
            "choices": choices,
            "usage": usage,
        }
        return f"data: {json.dumps(body, separators=(',', ':'))}\n\n"

    def choice(delta: dict[str, str], finish: str | None = None) -> list[dict[str, object]]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]

    words = [chunk(choice({"content": f" {word}"})) for word in WORDS[: CHUNKS - 2]]
    usage = {"prompt_tokens": 187, "completion_tokens": CHUNKS - 2, "total_tokens": 187 + CHUNKS - 2}
    return [
        chunk(choice({"role": "assistant", "content": ""})),
        *words,
        chunk(choice({}, "stop")),
        chunk([], usage),
        "data: [DONE]\n\n",
    ]


def _echo(event: str) -> str:
    quoted = event.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"echo -n '{quoted}'; echo_flush; echo_sleep {PACE_SECONDS};"


class Upstream:
    """The running nginx: `whole`, `stream` and `burst` are base URLs up to and including /v1."""

    def __init__(self, folder: Path, cores: str) -> None:
        folder.mkdir()
        ports = {name: free_port() for name in ("whole", "stream", "burst")}
        self.whole, self.stream, self.burst = (f"http://127.0.0.1:{ports[name]}/v1" for name in ("whole", "stream", "burst"))
        events = _events()
        (folder / "whole.json").write_bytes(_whole())
        (folder / "burst.sse").write_text("".join(events))
        (folder / "models.json").write_text(json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
        module = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
        modules = f"load_module {module};" if module.exists() else ""
        config = _CONFIG.format(folder=folder, modules=modules, echoes="\n            ".join(map(_echo, events)), **ports)
        (folder / "nginx.conf").write_text(config)
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin") or "nginx"
        command = [program, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
        self.process: Process = start("nginx", command, folder, cores=cores)
        wait_for(f"http://127.0.0.1:{ports['whole']}/v1/models", self.process)

    def stop(self) -> None:
        self.process.stop()
