"""Sequences whose answer is over, kept in the attention cache for those that begin alike; least recently used out first."""

from collections.abc import Iterator

import msgspec

from appliance.local.engines.batching.cells import Cells
from appliance.local.engines.batching.prefixes import common_tokens

KEPT_MAX = 16


class Kept(msgspec.Struct, eq=False):
    """One of them. All its tokens are computed."""

    place: int
    tenant: int
    tokens: list[int]
    cells: Cells

    @property
    def computed(self) -> int:
        return len(self.tokens)


class KeptSequences:
    """Those that are kept, the least recently used first."""

    def __init__(self) -> None:
        self._kept: list[Kept] = []

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, kept: Kept) -> list[Kept]:
        """Keep one more; those that this made useless, since it begins with all that they hold."""
        useless = [each for each in self._kept if each.tenant == kept.tenant and _begins_with(kept.tokens, each.tokens)]
        for each in useless:
            self._kept.remove(each)
        self._kept.append(kept)
        return useless

    def touch(self, kept: Kept) -> None:
        """It was of use just now."""
        self._kept.remove(kept)
        self._kept.append(kept)

    def oldest(self, *, but: object = None) -> Kept | None:
        """The least recently used, other than `but`; no longer kept."""
        found = next((each for each in self._kept if each is not but), None)
        if found is not None:
            self._kept.remove(found)
        return found


def _begins_with(tokens: list[int], beginning: list[int]) -> bool:
    return len(beginning) <= len(tokens) and common_tokens(tokens, beginning, len(beginning)) == len(beginning)
