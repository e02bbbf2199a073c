"""Errors of providers, which may tell in their own words what they were sent, or anything else."""

from collections.abc import Callable
from typing import Self

from appliance.chat import Chunk, Chunks
from appliance.errors import GatehouseError, UpstreamRefusedRequest
from appliance.guardrails.custom import CustomScanner
from appliance.guardrails.guard import Guard
from appliance.guardrails.policy import Direction
from appliance.guardrails.policy_set import PolicySet

DIRECTIONS: tuple[Direction, ...] = ("input", "output")
WITHHELD = "the message holds what the policy stops, and is not shown"


def clean(error: GatehouseError, guard: Guard, policy: PolicySet, custom: CustomScanner | None = None) -> None:
    """All in it that a provider may have written, as the policy shows answers. Where that fails, nothing of it is shown."""
    error.message = _shown(error.message, guard, policy, custom)
    error.args = (error.message,)
    error.fix = _shown(error.fix, guard, policy, custom) if error.fix else ""
    if error.param is not None and _shown(error.param, guard, policy, custom) != error.param:
        error.param = None
    code = error.upstream_code if isinstance(error, UpstreamRefusedRequest) else None
    if isinstance(error, UpstreamRefusedRequest) and code is not None and _shown(code, guard, policy, custom) != code:
        error.upstream_code = None
    error.__cause__ = None  # what a library said of the provider's bytes


def _shown(text: str, guard: Guard, policy: PolicySet, custom: CustomScanner | None) -> str:
    """Under the policy's rules for both directions: an error may quote what was sent as well as what was answered."""
    try:
        for direction in DIRECTIONS:
            verdict = guard.judged(text, policy, direction, custom)
            if not verdict.allowed:
                return WITHHELD
            text = verdict.text
    except Exception:
        return WITHHELD
    return text


class CleanErrors:
    """An answer's chunks; an error that ends them is cleaned first. No generator, as OneChunk."""

    def __init__(self, chunks: Chunks, clean: Callable[[GatehouseError], None]) -> None:
        self._chunks = chunks
        self._clean = clean

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        try:
            return await self._chunks.__anext__()
        except GatehouseError as error:
            self._clean(error)
            raise

    async def aclose(self) -> None:
        await self._chunks.aclose()
