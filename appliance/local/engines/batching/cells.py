"""How many cells of the attention cache are in use. llama.cpp doesn't say; so it is counted beside it.

A cell holds one token of one or more sequences: those that share a beginning share its cells.
"""

Cells = list[int]  # the cells of one sequence, in order; numbers of our own, not llama.cpp's


class CellPool:
    """The cells of one context."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._holders = [0] * total
        self._free = list(range(total))

    @property
    def free(self) -> int:
        return len(self._free)

    @property
    def used(self) -> int:
        return self.total - len(self._free)

    def grow(self, cells: Cells, count: int) -> None:
        """Give a sequence `count` more cells; there must be as many free."""
        assert count <= len(self._free), "cells are made free before they are used"
        for _ in range(count):
            cell = self._free.pop()
            self._holders[cell] = 1
            cells.append(cell)

    def share(self, source: Cells, count: int) -> Cells:
        """The first cells of `source`, held once more."""
        shared = source[:count]
        for cell in shared:
            self._holders[cell] += 1
        return shared

    def release(self, cells: Cells) -> int:
        """Let a sequence's cells go; how many became free, since nobody else holds them."""
        return self.shrink(cells, 0)

    def shrink(self, cells: Cells, count: int) -> int:
        """The same, but for the first so many."""
        before = len(self._free)
        for cell in cells[count:]:
            self._holders[cell] -= 1
            if not self._holders[cell]:
                self._free.append(cell)
        del cells[count:]
        return len(self._free) - before
