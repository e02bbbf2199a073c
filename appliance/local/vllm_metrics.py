"""Reads vLLM's `/metrics`: how many requests run and wait, and how full the attention cache is.

Source: vLLM 0.32, v1/metrics/loggers.py, read 2026-11-25. The page has 50 KB; only the lines wanted are parsed.
"""

import math
from collections.abc import Iterator

import msgspec
from prometheus_client.parser import text_string_to_metric_families

BYTES_MAX = 2 * 1024 * 1024
LINES_MAX = 64  # one a metric and engine
RUNNING = "vllm:num_requests_running"
WAITING = "vllm:num_requests_waiting"
CACHE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")  # the second is its older name
_WANTED = tuple(f"{name}{mark}" for name in (RUNNING, WAITING, *CACHE) for mark in ("{", " "))


class Load(msgspec.Struct, frozen=True):
    """What a vLLM server is busy with. `cache_share`: the used part of its attention cache, 0 to 1."""

    running: int = 0
    waiting: int = 0
    cache_share: float = 0.0


def read_load(page: bytes) -> Load:
    """What the page says; of several engines the sum, and the fullest cache.

    Errors:  ValueError where this is no such page.
    """
    running = waiting = cache = 0.0
    for name, value in _samples(page.decode("utf-8", "replace")):
        if name == RUNNING:
            running += value
        elif name == WAITING:
            waiting += value
        else:
            cache = max(cache, value)
    return Load(round(running), round(waiting), min(cache, 1.0))


def _samples(text: str) -> Iterator[tuple[str, float]]:
    lines = [line for line in text.split("\n") if line.startswith(_WANTED)][:LINES_MAX]
    if not lines:
        raise ValueError("vLLM's metrics are not on this page")
    try:
        for family in text_string_to_metric_families("\n".join(lines) + "\n"):
            yield from ((sample.name, sample.value) for sample in family.samples if 0 <= sample.value < math.inf)
    except (ValueError, IndexError, KeyError) as error:  # the parser's ways to say so
        raise ValueError("vLLM's metrics can't be read") from error
