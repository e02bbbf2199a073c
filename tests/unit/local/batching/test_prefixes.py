"""Which kept or running sequence a prompt shares its beginning with; and whose it never does."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from appliance.local.engines.batching.prefixes import SHARED_TOKENS_MIN, common_tokens, is_worth_waiting, longest

MINE, THEIRS = 1, 2
PROMPT = list(range(100))


class Holder(NamedTuple):
    tenant: int
    tokens: list[int]
    computed: int


tokens = st.lists(st.integers(0, 2), max_size=40)


@given(tokens, tokens, st.integers(0, 50))
def test_the_common_beginning_is_what_counting_one_by_one_gives(one: list[int], other: list[int], most: int) -> None:
    counted = 0
    while counted < min(len(one), len(other), most) and one[counted] == other[counted]:
        counted += 1
    assert common_tokens(one, other, most) == counted


def test_the_longest_is_chosen() -> None:
    short, long = Holder(MINE, PROMPT[:40], 40), Holder(MINE, [*PROMPT[:60], 7, 7], 62)
    assert longest([short, long], MINE, PROMPT) == (long, 60)
    assert longest([long, short], MINE, PROMPT) == (long, 60)


def test_another_tenants_is_never_shared_nor_waited_for() -> None:
    assert longest([Holder(THEIRS, PROMPT, 100)], MINE, PROMPT) == (None, 0)
    assert not is_worth_waiting(Holder(THEIRS, PROMPT, 10), MINE, PROMPT, 0)


def test_only_what_is_computed_can_be_shared() -> None:
    assert longest([Holder(MINE, PROMPT, 30)], MINE, PROMPT)[1] == 30


def test_the_last_token_of_a_prompt_is_computed_anew() -> None:
    assert longest([Holder(MINE, PROMPT, 100)], MINE, PROMPT)[1] == 99


def test_a_few_tokens_are_not_worth_it() -> None:
    few = SHARED_TOKENS_MIN - 1
    assert longest([Holder(MINE, PROMPT[:few], few)], MINE, PROMPT) == (None, 0)
    assert longest([Holder(MINE, PROMPT[: few + 1], few + 1)], MINE, PROMPT)[1] == few + 1


def test_whoever_reads_the_same_beginning_is_waited_for_until_there_is_no_more_to_win() -> None:
    assert is_worth_waiting(Holder(MINE, PROMPT, 10), MINE, PROMPT, 0)
    assert not is_worth_waiting(Holder(MINE, PROMPT, 99), MINE, PROMPT, 0)  # all of it is there: share it now
    assert not is_worth_waiting(Holder(MINE, PROMPT[:20], 10), MINE, PROMPT, 15)  # somebody else has nearly as much
    assert not is_worth_waiting(Holder(MINE, [7, *PROMPT], 10), MINE, PROMPT, 0)
