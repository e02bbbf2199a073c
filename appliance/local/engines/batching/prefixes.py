"""Beginnings that several prompts have in common. Pure: no native code.

Callers of one tenant share; nobody sees another tenant's, not even by its speed.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

SHARED_TOKENS_MIN = 16  # less is not worth the trouble


class Holder(Protocol):
    """Whoever has computed tokens: a sequence that runs, or one that was kept."""

    @property
    def tenant(self) -> int: ...
    @property
    def tokens(self) -> Sequence[int]: ...
    @property
    def computed(self) -> int: ...


H = TypeVar("H", bound=Holder)


def common_tokens(one: Sequence[int], other: Sequence[int], most: int) -> int:
    """The length of the longest common beginning, `most` at most. By halves, since slices are compared in native code."""
    low, high = 0, min(len(one), len(other), most)
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def longest(holders: Iterable[H], tenant: int, prompt: Sequence[int]) -> tuple[H | None, int]:
    """Whoever has computed the longest beginning of this prompt, and how long it is; (None, 0) where that isn't worth it.

    The prompt's last token is never shared: its logits are what the answer begins with.
    """
    best, length = None, SHARED_TOKENS_MIN - 1
    for holder in holders:
        if holder.tenant == tenant:
            common = common_tokens(holder.tokens, prompt, min(holder.computed, len(prompt) - 1))
            if common > length:
                best, length = holder, common
    return (None, 0) if best is None else (best, length)


def is_worth_waiting(reader: Holder, tenant: int, prompt: Sequence[int], shared: int) -> bool:
    """Whether `reader`, whose prompt is being read, will soon have computed more of this prompt than the `shared` tokens."""
    if reader.tenant != tenant:
        return False
    common = common_tokens(reader.tokens, prompt, len(prompt) - 1)
    return common > reader.computed and common - shared >= SHARED_TOKENS_MIN
