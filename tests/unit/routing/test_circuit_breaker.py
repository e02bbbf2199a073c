"""When a deployment is left alone, and when it is tried again."""

from appliance.errors import UpstreamFailed
from appliance.routing.circuit_breaker import PROBE_SECONDS_MAX, CircuitBreaker
from appliance.routing.route import BreakerRules

RULES = BreakerRules(failure_rate=0.5, requests_min=4, window_seconds=10, open_seconds=5)


def opened(now: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker()
    assert breaker.failed(now, RULES, UpstreamFailed("401"), at_once=True)
    return breaker


def test_it_opens_on_a_rate_of_failures_and_not_on_a_few() -> None:
    breaker = CircuitBreaker()
    assert not any(breaker.failed(now, RULES, UpstreamFailed("500")) for now in (0, 1, 2))
    assert breaker.allows(2)
    assert breaker.failed(3, RULES, UpstreamFailed("500"))
    assert (breaker.state(3), breaker.allows(3), breaker.why) == ("open", False, "500")


def test_successes_keep_it_closed() -> None:
    breaker = CircuitBreaker()
    for now in range(8):
        breaker.succeeded(now, RULES)
    assert not any(breaker.failed(8, RULES, UpstreamFailed("500")) for _ in range(7))
    assert breaker.failed(8, RULES, UpstreamFailed("500"))


def test_failures_that_left_the_window_no_longer_count() -> None:
    breaker = CircuitBreaker()
    for now in (0, 0, 0):
        breaker.failed(now, RULES, UpstreamFailed("500"))
    assert not breaker.failed(11, RULES, UpstreamFailed("500"))


def test_half_open_lets_one_probe_through_and_a_success_closes_it() -> None:
    breaker = opened()
    assert not breaker.allows(4.9)
    assert breaker.state(5) == "half-open"
    assert breaker.allows(5)
    breaker.take(5)
    assert not breaker.allows(5.1)
    assert breaker.succeeded(5.2, RULES)
    assert breaker.state(5.2) == "closed"


def test_a_failed_probe_opens_it_for_twice_as_long() -> None:
    breaker = opened()
    breaker.take(5)
    assert breaker.failed(5, RULES, UpstreamFailed("500"))
    assert breaker.seconds_left(5) == 10
    assert not breaker.allows(14.9)
    assert breaker.allows(15)


def test_a_probe_without_a_verdict_makes_room_for_the_next() -> None:
    breaker = opened()
    breaker.take(5)
    breaker.let_go()
    assert breaker.allows(5.1)
    breaker.take(5.1)
    assert breaker.allows(5.2 + PROBE_SECONDS_MAX)


def test_a_late_failure_of_a_request_sent_before_changes_nothing_while_open() -> None:
    breaker = opened()
    assert not breaker.failed(1, RULES, UpstreamFailed("500"))
    assert breaker.seconds_left(1) == 4
