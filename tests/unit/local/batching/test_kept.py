"""What is kept of sequences that are over: within a bound, the least recently used out first, each tenant's for itself."""

import numpy as np

from appliance.local.engines.batching.kept import Kept, KeptSequences


def kept(tenant: int, tokens: list[int], size: int = 10) -> Kept:
    return Kept(tenant, tokens, np.zeros(size, np.uint8))


def test_the_least_recently_used_goes_first() -> None:
    sequences = KeptSequences(30)
    first, second, third, fourth = (kept(1, [number]) for number in range(4))
    for each in (first, second, third):
        sequences.add(each)
    sequences.touch(first)
    sequences.add(fourth)
    assert list(sequences) == [third, first, fourth]
    assert sequences.bytes_used == 30


def test_a_large_one_costs_several_small_ones() -> None:
    sequences = KeptSequences(30)
    for number in range(3):
        sequences.add(kept(1, [number]))
    large = kept(1, [9], 25)
    sequences.add(large)
    assert list(sequences) == [large]
    assert sequences.bytes_used == 25


def test_what_a_longer_one_begins_with_is_useless_but_not_another_tenants() -> None:
    sequences = KeptSequences(1000)
    mine, theirs, other = kept(1, [1, 2]), kept(2, [1, 2]), kept(1, [1, 3])
    for each in (mine, theirs, other):
        sequences.add(each)
    longer = kept(1, [1, 2, 3])
    sequences.add(longer)
    assert list(sequences) == [theirs, other, longer]
    assert sequences.bytes_used == 30


def test_one_that_begins_with_all_of_it_is_found_within_the_tenant() -> None:
    sequences = KeptSequences(1000)
    longer = kept(1, [1, 2, 3])
    sequences.add(longer)
    assert sequences.whole(1, [1, 2]) is longer
    assert sequences.whole(2, [1, 2]) is None
    assert sequences.whole(1, [1, 3]) is None
