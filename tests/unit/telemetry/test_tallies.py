"""Our collectors give what prometheus-client's own give, byte for byte."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest

from appliance.telemetry.tallies import Spread, Tally

BOUNDS = (0.005, 0.25, 1.0, 10.0)
LABEL = st.sampled_from(["a", "b", 'with "quotes"\n'])

disable_created_metrics()  # type: ignore[no-untyped-call]


@given(st.lists(st.tuples(LABEL, st.integers(0, 10**12))))
def test_a_tally_is_shown_as_a_counter_is(counted: list[tuple[str, int]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally, counter = Tally("words", "Words.", ["who"], ours), Counter("words", "Words.", ["who"], registry=theirs)
    for who, number in counted:
        tally.cell(who).count += number
        counter.labels(who).inc(number)
    assert generate_latest(ours) == generate_latest(theirs)


@given(st.lists(st.tuples(LABEL, st.one_of(st.floats(0, 20), st.sampled_from(BOUNDS)))))
def test_a_spread_is_shown_as_a_histogram_is(seen: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spread = Spread("waits", "Waits.", ["who"], ours, BOUNDS)
    histogram = Histogram("waits", "Waits.", ["who"], registry=theirs, buckets=BOUNDS)
    for who, seconds in seen:
        spread.cell(who).observe(seconds)
        histogram.labels(who).observe(seconds)
    assert generate_latest(ours) == generate_latest(theirs)
