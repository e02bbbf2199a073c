"""Sequences whose answer is over, kept for those that begin alike; least recently used out first.

What was computed of them is copied out of the attention cache: there every cell costs each token of everybody a look,
whether it is theirs or not (2,500 kept cells made steps of eight callers a sixth slower). To copy it back takes a
millisecond for hundreds of tokens, which would take seconds to compute.
"""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.local.engines.batching.prefixes import common_tokens


class Kept(msgspec.Struct, eq=False):
    """One of them. `state`: what llama.cpp has computed of all its tokens, as bytes."""

    tenant: int
    tokens: list[int]
    state: NDArray[np.uint8]

    @property
    def computed(self) -> int:
        return len(self.tokens)


class KeptSequences:
    """Those that are kept, the least recently used first; `bytes_max` of them together."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes_used = 0
        self._kept: list[Kept] = []

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, kept: Kept) -> None:
        """Keep one more, at the cost of those that it makes useless (it begins with all that they hold), and of the oldest."""
        for each in [each for each in self._kept if each.tenant == kept.tenant and _begins_with(kept.tokens, each.tokens)]:
            self._forget(each)
        self._kept.append(kept)
        self.bytes_used += kept.state.nbytes
        while self.bytes_used > self.bytes_max:
            self._forget(self._kept[0])

    def touch(self, kept: Kept) -> None:
        """It was of use just now."""
        self._kept.remove(kept)
        self._kept.append(kept)

    def whole(self, tenant: int, tokens: list[int]) -> Kept | None:
        """One that begins with all these tokens."""
        return next((each for each in self._kept if each.tenant == tenant and _begins_with(each.tokens, tokens)), None)

    def _forget(self, kept: Kept) -> None:
        self._kept.remove(kept)
        self.bytes_used -= kept.state.nbytes


def _begins_with(tokens: list[int], beginning: list[int]) -> bool:
    return len(beginning) <= len(tokens) and common_tokens(tokens, beginning, len(beginning)) == len(beginning)
