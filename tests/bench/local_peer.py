"""A peer of `make bench-local`, in a process of its own: the same model in xllamacpp bare, or in `Llama` of llama-cpp-python.

    python tests/bench/local_peer.py xllamacpp|llama MODEL CONTEXT_TOKENS PARALLEL

A line of JSON {"callers", "prompts", "tokens"} in, one {"tokens", "cpu_seconds", "seconds"} out.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

Ask = Callable[[str, int], int]  # a prompt, a bound: how many tokens came


def request(prompt: str, tokens: int) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "temperature": 0.0}


def xllamacpp_server(path: str, context_tokens: int, parallel: int) -> Ask:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = context_tokens * parallel
    params.n_parallel = parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.verbosity = 1
    params.api_keys = ["bench"]
    params.n_threads_http = 1
    server = xllamacpp.Server(params)

    def ask(prompt: str, tokens: int) -> int:
        came = 0

        def heard(chunk: dict[str, Any]) -> bool:
            nonlocal came
            came = chunk["usage"]["completion_tokens"] if chunk.get("usage") else came
            return False

        server.handle_chat_completions(
            {**request(prompt, tokens), "stream": True, "stream_options": {"include_usage": True}}, heard
        )
        return came

    return ask


def llama(path: str, context_tokens: int, parallel: int) -> Ask:
    import llama_cpp

    model = llama_cpp.Llama(path, n_ctx=context_tokens, n_threads=1, n_threads_batch=1, verbose=False)
    turn = threading.Lock()

    def ask(prompt: str, tokens: int) -> int:
        with turn:
            answer: Any = model.create_chat_completion(**request(prompt, tokens))
        return int(answer["usage"]["completion_tokens"])

    return ask


def main() -> None:
    kind, path, context_tokens, parallel = sys.argv[1:]
    ask = {"xllamacpp": xllamacpp_server, "llama": llama}[kind](path, int(context_tokens), int(parallel))
    ask("Say hello.", 4)
    print(json.dumps({"ready": True}), flush=True)

    def answer(came: list[int], prompt: str, tokens: int) -> None:
        came.append(ask(prompt, tokens))

    for line in sys.stdin:
        wanted = json.loads(line)
        came: list[int] = []
        began, cpu = time.monotonic(), time.process_time()
        threads = [threading.Thread(target=answer, args=(came, prompt, wanted["tokens"])) for prompt in wanted["prompts"]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken = {"tokens": sum(came), "cpu_seconds": time.process_time() - cpu, "seconds": time.monotonic() - began}
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main()
