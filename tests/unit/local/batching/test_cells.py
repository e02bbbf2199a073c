"""Cells are counted as llama.cpp holds them: shared ones once, free when nobody holds them any more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.local.engines.batching.cells import CellPool
from appliance.local.engines.batching.kept import Kept, KeptSequences


def test_shared_cells_are_counted_once_and_freed_by_the_last_holder() -> None:
    pool = CellPool(10)
    first: list[int] = []
    pool.grow(first, 6)
    second = pool.share(first, 4)
    pool.grow(second, 2)
    assert (pool.used, pool.free) == (8, 2)
    assert pool.release(first) == 2
    assert pool.release(second) == 6
    assert (pool.used, pool.free) == (0, 10)


def test_more_cells_than_there_are_is_a_fault_of_ours() -> None:
    with pytest.raises(AssertionError):
        CellPool(2).grow([], 3)


@given(st.lists(st.tuples(st.sampled_from(["grow", "share", "release"]), st.integers(0, 9), st.integers(0, 12)), max_size=60))
def test_the_count_is_that_of_sets_of_cells(steps: list[tuple[str, int, int]]) -> None:
    pool, sequences = CellPool(64), [[] for _ in range(10)]  # type: list[list[int]]
    for what, number, count in steps:
        if what == "grow":
            pool.grow(sequences[number], min(count, pool.free))
        elif what == "share":
            other = (number + 1) % 10
            pool.release(sequences[other])
            sequences[other] = pool.share(sequences[number], count)
        else:
            pool.release(sequences[number])
        assert pool.used == len({cell for cells in sequences for cell in cells})
        assert pool.used + pool.free == 64


def kept(tenant: int, tokens: list[int]) -> Kept:
    return Kept(0, tenant, tokens, list(tokens))


def test_the_least_recently_used_goes_first() -> None:
    sequences = KeptSequences()
    first, second, third = kept(1, [1]), kept(1, [2]), kept(1, [3])
    for each in (first, second, third):
        assert sequences.add(each) == []
    sequences.touch(first)
    assert sequences.oldest(but=second) is third
    assert sequences.oldest() is second
    assert list(sequences) == [first]


def test_what_a_longer_one_begins_with_is_useless_but_not_another_tenants() -> None:
    sequences = KeptSequences()
    mine, theirs, other = kept(1, [1, 2]), kept(2, [1, 2]), kept(1, [1, 3])
    for each in (mine, theirs, other):
        sequences.add(each)
    assert sequences.add(kept(1, [1, 2, 3])) == [mine]
    assert theirs in list(sequences)
    assert other in list(sequences)
