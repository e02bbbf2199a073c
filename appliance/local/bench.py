"""How fast a model is here: tokens a second at one caller, and at several together."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from appliance.local.models import LocalModels

_QUESTION = "Write a long story about a lighthouse keeper and the sea. This is story number {number}."


class BenchRow(msgspec.Struct, frozen=True):
    """One measurement. tokens: of all answers together; first_token_seconds: the median over the callers."""

    callers: int
    tokens: int
    seconds: float
    tokens_per_second: float
    first_token_seconds: float


class _Heard(msgspec.Struct, frozen=True):
    """What one caller saw."""

    tokens: int
    first_token_seconds: float


async def measure(
    models: LocalModels,
    model_id: str,
    *,
    callers: Sequence[int] = (1, 4, 8),
    tokens: int = 64,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[BenchRow]:
    """Ask a chat model for answers of `tokens` tokens (fewer, where the model ends by itself), by so many callers at once.

    Shapes:  loads the model first, and asks once unmeasured. Other requests that run meanwhile count against it.
    Errors:  as LocalModels.chat. A caller that is refused for a full queue fails the measurement.
    """
    await _asked(models, model_id, 0, 8)
    rows = []
    for step, count in enumerate(callers):
        if on_progress is not None:
            on_progress(step, len(callers))
        rows.append(await _row(models, model_id, count, tokens))
    if on_progress is not None:
        on_progress(len(callers), len(callers))
    return rows


async def _row(models: LocalModels, model_id: str, callers: int, tokens: int) -> BenchRow:
    started = time.monotonic()
    asked = [asyncio.ensure_future(_asked(models, model_id, number, tokens)) for number in range(callers)]
    try:
        heard = await asyncio.gather(*asked)
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    seconds = time.monotonic() - started
    total = sum(each.tokens for each in heard)
    return BenchRow(
        callers,
        total,
        round(seconds, 3),
        round(total / seconds, 2),
        round(statistics.median(each.first_token_seconds for each in heard), 3),
    )


async def _asked(models: LocalModels, model_id: str, number: int, tokens: int) -> _Heard:
    request: dict[str, Any] = {
        "messages": [{"role": "user", "content": _QUESTION.format(number=number)}],
        "max_tokens": tokens,
        "temperature": 0.8,
        "seed": number,
        "tenant": 0,  # of nobody: what is read here is shared with no caller
    }
    started, first, count = time.monotonic(), 0.0, 0
    async with aclosing(models.chat(model_id, request, ("bench", number))) as chunks:
        async for chunk in chunks:
            if chunk["choices"] and not first:
                first = time.monotonic() - started
            if usage := chunk.get("usage"):
                count = usage["completion_tokens"]
    return _Heard(count, first)
