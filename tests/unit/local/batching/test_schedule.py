"""What a step computes: everyone's next token first, then prompts within a bound, and nobody starves."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from appliance.local.engines.batching.schedule import READ_TOKENS_MIN, STEP_SECONDS_WANTED, Pace, plan


class Sequence(NamedTuple):
    arrived: int
    to_read: int
    is_reading: bool = True
    is_stalled: bool = False


def answering(arrived: int, *, is_stalled: bool = False) -> Sequence:
    return Sequence(arrived, 1, is_reading=False, is_stalled=is_stalled)


sequences = st.lists(st.builds(Sequence, st.integers(0, 50), st.integers(1, 500), st.booleans(), st.booleans()), max_size=20)


@given(sequences, st.integers(1, 300))
def test_a_plan_keeps_its_bounds(running: list[Sequence], most: int) -> None:
    parts = plan(running, most)
    read = sum(part.tokens for part in parts if part.sequence.is_reading)
    assert read <= most
    assert all(1 <= part.tokens <= part.sequence.to_read for part in parts)
    assert sum(not part.sequence.is_reading for part in parts) == sum(not (s.is_reading or s.is_stalled) for s in running)
    if any(sequence.is_reading for sequence in running):
        assert read > 0
        total = sum(sequence.to_read for sequence in running if sequence.is_reading)
        assert read == min(total, most)  # no time is wasted


def test_a_short_prompt_is_read_at_once_beside_a_long_one_that_came_before() -> None:
    long, short = Sequence(1, 4000), Sequence(2, 20)
    parts = {part.sequence: part.tokens for part in plan([long, short], 100)}
    assert parts == {short: 20, long: 80}


def test_a_long_prompt_gets_on_however_many_short_ones_come() -> None:
    long = Sequence(1, 4000)
    parts = {part.sequence: part.tokens for part in plan([long, *(Sequence(2 + n, 50) for n in range(20))], 100)}
    assert parts[long] == 25


def test_whoever_does_not_read_his_answer_gets_no_more_of_it() -> None:
    assert [part.sequence for part in plan([answering(1, is_stalled=True), answering(2)], 100)] == [answering(2)]


def test_the_pace_follows_the_time_that_steps_take() -> None:
    pace = Pace(256)
    assert 0 < pace.read_tokens_max(0) <= 256
    for _ in range(50):
        pace.took(100, 100 * 0.001)
    assert abs(pace.read_tokens_max(10) - (STEP_SECONDS_WANTED / 0.001 - 10)) <= 1
    assert pace.read_tokens_max(10, 5) == pace.read_tokens_max(10, 10) == pace.read_tokens_max(10)
    assert abs(pace.read_tokens_max(10, 20) - (2 * STEP_SECONDS_WANTED / 0.001 - 10)) <= 1  # more wait than watch
    assert pace.read_tokens_max(0, 8) == pace.read_tokens_max(1, 1) + 1  # nobody watches; whoever comes next waits no longer
    assert pace.read_tokens_max(1, 100) == 255
    for _ in range(50):
        pace.took(100, 100 * 0.1)  # a large model
    assert pace.read_tokens_max(10) == READ_TOKENS_MIN
    for _ in range(50):
        pace.took(100, 100 * 1e-6)
    assert pace.read_tokens_max(10) == 246
