"""The last hour, minute by minute."""

import random
import statistics

import pytest

from appliance.telemetry.activity import MINUTE_MS, MINUTES, Activity, percentile
from tests.fakes.clock import START_MS

NOW = START_MS // MINUTE_MS * MINUTE_MS + 30_000  # in the middle of a minute


def answered(activity: Activity, at_ms: int, latency_ms: int = 100, first_token_ms: int | None = None) -> None:
    activity.finished(at_ms, False, 10, 20, latency_ms, first_token_ms)


def test_an_hour_without_requests_has_sixty_empty_minutes_and_no_times() -> None:
    hour = Activity().last_hour(NOW)
    assert [minute.number for minute in hour.minutes] == [NOW // MINUTE_MS - 59 + number for number in range(60)]
    assert hour.totals.requests == sum(minute.requests for minute in hour.minutes) == 0
    assert (hour.latency_ms_p50, hour.latency_ms_p95, hour.first_token_ms_p50) == (None, None, None)


def test_requests_stand_in_the_minute_in_which_they_ended_and_the_present_one_is_last() -> None:
    activity = Activity()
    answered(activity, NOW)
    answered(activity, NOW - 2 * MINUTE_MS)
    activity.finished(NOW, True, 1, 0, None, None)
    hour = activity.last_hour(NOW)
    assert [minute.requests for minute in hour.minutes[-3:]] == [1, 0, 2]
    assert (hour.minutes[-1].failed, hour.minutes[-1].tokens_in, hour.minutes[-1].tokens_out) == (1, 11, 20)
    totals = hour.totals
    assert (totals.requests, totals.failed, totals.tokens_in, totals.tokens_out) == (3, 1, 21, 40)


def test_what_is_older_than_an_hour_falls_out() -> None:
    activity = Activity()
    answered(activity, NOW)
    assert activity.last_hour(NOW + 59 * MINUTE_MS).minutes[0].requests == 1
    assert activity.last_hour(NOW + 60 * MINUTE_MS).totals.requests == 0
    answered(activity, NOW + MINUTES * MINUTE_MS)  # the same place in the ring
    assert activity.last_hour(NOW + MINUTES * MINUTE_MS).totals.requests == 1


def test_a_clock_that_is_set_back_loses_old_counts_and_nothing_new() -> None:
    activity = Activity()
    answered(activity, NOW)
    back = NOW - 5 * MINUTES * MINUTE_MS
    answered(activity, back)
    assert activity.last_hour(back).totals.requests == 1


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 3, 7, 20, 55, 100, 999, 12_345, 1_800_000])
def test_one_duration_comes_back_within_two_hundredths(milliseconds: int) -> None:
    activity = Activity()
    answered(activity, NOW, milliseconds, milliseconds)
    hour = activity.last_hour(NOW)
    for shown in (hour.latency_ms_p50, hour.latency_ms_p95, hour.first_token_ms_p50):
        assert shown == pytest.approx(milliseconds, rel=0.025, abs=1)


def test_percentiles_are_those_of_the_whole_hour() -> None:
    activity, random_ = Activity(), random.Random(7)
    durations = [int(random_.lognormvariate(6, 1)) for _ in range(5_000)]
    for number, duration in enumerate(durations):
        answered(activity, NOW - number % MINUTES * MINUTE_MS, duration)
    hour = activity.last_hour(NOW)
    cuts = statistics.quantiles(durations, n=100)
    assert hour.latency_ms_p50 == pytest.approx(cuts[49], rel=0.04)
    assert hour.latency_ms_p95 == pytest.approx(cuts[94], rel=0.04)


def test_the_95th_of_a_hundred_is_not_the_slowest() -> None:
    assert percentile({10: 95, 200: 5}, 95) == percentile({10: 1}, 50)
    assert percentile({10: 94, 200: 6}, 95) == percentile({200: 1}, 50)
