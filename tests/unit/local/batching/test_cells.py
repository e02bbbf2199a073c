"""Cells are counted as llama.cpp holds them: shared ones once, free when nobody holds them any more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.local.engines.batching.cells import CellPool


def test_shared_cells_are_counted_once_and_freed_by_the_last_holder() -> None:
    pool = CellPool(10)
    first: list[int] = []
    pool.grow(first, 6)
    second = pool.share(first, 4)
    pool.grow(second, 2)
    assert (pool.used, pool.free) == (8, 2)
    assert pool.shrink(second, 3) == 2  # of the three that go, the first one still holds one
    assert len(second) == 3
    assert pool.release(first) == 3
    assert pool.release(second) == 3
    assert (pool.used, pool.free) == (0, 10)


def test_more_cells_than_there_are_is_a_fault_of_ours() -> None:
    with pytest.raises(AssertionError):
        CellPool(2).grow([], 3)


@given(
    st.lists(
        st.tuples(st.sampled_from(["grow", "share", "shrink", "release"]), st.integers(0, 9), st.integers(0, 12)), max_size=60
    )
)
def test_the_count_is_that_of_sets_of_cells(steps: list[tuple[str, int, int]]) -> None:
    pool, sequences = CellPool(64), [[] for _ in range(10)]  # type: list[list[int]]
    for what, number, count in steps:
        if what == "grow":
            pool.grow(sequences[number], min(count, pool.free))
        elif what == "share":
            other = (number + 1) % 10
            pool.release(sequences[other])
            sequences[other] = pool.share(sequences[number], count)
        elif what == "shrink":
            pool.shrink(sequences[number], count)
        else:
            pool.release(sequences[number])
        assert pool.used == len({cell for cells in sequences for cell in cells})
        assert pool.used + pool.free == 64
