"""Memory for all local models together: who fits, who makes room, and what to say where nothing helps."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from appliance.errors import ModelTooLarge

GB = 1_000_000_000
_AGAIN_SECONDS = 10.0


class Loaded(Protocol):
    """What the budget wants to know of a model that has a worker."""

    @property
    def name(self) -> str: ...

    @property
    def memory_bytes(self) -> int:
        """What it uses: the estimate it was let in with, or what it takes by now where that is more. 0: it has no worker."""
        ...

    @property
    def is_idle(self) -> bool:
        """Nobody uses it, waits for it or loads it."""
        ...

    @property
    def used_at(self) -> float: ...


One = TypeVar("One", bound=Loaded)


def leavers(name: str, need: int, others: Sequence[One], budget: int) -> list[One]:
    """Who has to leave so that `need` bytes fit into the budget beside the others: the least recently used first, no more of
    them than must.

    Errors:  ModelTooLarge, where all who may leave would not be enough.
    """
    free = budget - sum(other.memory_bytes for other in others)
    leave: list[One] = []
    for other in sorted((one for one in others if one.is_idle and one.memory_bytes), key=lambda one: one.used_at):
        if need <= free:
            break
        leave.append(other)
        free += other.memory_bytes
    if need > free:
        raise _too_large(name, need, free, budget, [other.name for other in others if other.memory_bytes and not other.is_idle])
    return leave


def _too_large(name: str, need: int, free: int, budget: int, busy: list[str]) -> ModelTooLarge:
    figures = f"{name} needs about {in_gb(need)}, and {in_gb(max(free, 0))} of the {in_gb(budget)} for local models are free"
    if need <= budget and busy:
        names = ", ".join(busy)
        return ModelTooLarge(
            f"{figures}: the rest is used by models at work ({names})",
            fix="Try again when they have answered, or have an administrator raise local_memory_bytes.",
            retry_after_seconds=_AGAIN_SECONDS,
        )
    return ModelTooLarge(
        figures,
        fix="Choose a smaller model, lower local_context_tokens or local_parallel, or raise local_memory_bytes.",
    )


def in_gb(count: int) -> str:
    """Bytes as people say them."""
    return f"{count / GB:.1f} GB"
