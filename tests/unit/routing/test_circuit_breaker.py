"""When a deployment is left alone, and when it is tried again."""

from appliance.errors import UpstreamFailed
from appliance.routing.circuit_breaker import PROBE_SECONDS_MAX, CircuitBreaker
from appliance.routing.route import BreakerRules

RULES = BreakerRules(failure_rate=0.5, requests_min=4, window_seconds=10, open_seconds=5)


def failed(
    breaker: CircuitBreaker, now: float, what: str = "500", sent: float | None = None, asker: int = 0, **more: bool
) -> bool:
    return breaker.failed(now, RULES, UpstreamFailed(what), sent=now if sent is None else sent, asker=asker, **more)


def succeeded(breaker: CircuitBreaker, now: float, sent: float | None = None, asker: int = 0) -> bool:
    return breaker.succeeded(now, RULES, sent=now if sent is None else sent, asker=asker)


def opened(now: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker()
    assert failed(breaker, now, "401", at_once=True)
    return breaker


def test_it_opens_on_a_rate_of_failures_and_not_on_a_few() -> None:
    breaker = CircuitBreaker()
    assert not any(failed(breaker, now, "500") for now in (0, 1, 2))
    assert breaker.allows(2)
    assert failed(breaker, 3, "500")
    assert (breaker.state(3), breaker.allows(3), breaker.why) == ("open", False, "500")


def test_successes_keep_it_closed() -> None:
    breaker = CircuitBreaker()
    for now in range(8):
        succeeded(breaker, now)
    assert not any(failed(breaker, 8, "500") for _ in range(7))
    assert failed(breaker, 8, "500")


def test_failures_that_left_the_window_no_longer_count() -> None:
    breaker = CircuitBreaker()
    for now in (0, 0, 0):
        failed(breaker, now, "500")
    assert not failed(breaker, 11, "500")


def test_half_open_lets_one_probe_through_and_a_success_closes_it() -> None:
    breaker = opened()
    assert not breaker.allows(4.9)
    assert breaker.state(5) == "half-open"
    assert breaker.allows(5)
    breaker.take(5)
    assert not breaker.allows(5.1)
    assert succeeded(breaker, 5.2)
    assert breaker.state(5.2) == "closed"


def test_a_failed_probe_opens_it_for_twice_as_long() -> None:
    breaker = opened()
    breaker.take(5)
    assert failed(breaker, 5, "500")
    assert breaker.seconds_left(5) == 10
    assert not breaker.allows(14.9)
    assert breaker.allows(15)


def test_a_probe_without_a_verdict_makes_room_for_the_next() -> None:
    breaker = opened()
    breaker.take(5)
    breaker.let_go(sent=5)
    assert breaker.allows(5.1)
    breaker.take(5.1)
    assert breaker.allows(5.2 + PROBE_SECONDS_MAX)


def test_a_late_failure_of_a_request_sent_before_changes_nothing_while_open() -> None:
    breaker = opened()
    assert not failed(breaker, 1, "500")
    assert breaker.seconds_left(1) == 4


def test_a_late_success_of_a_request_sent_before_does_not_close_it() -> None:
    breaker = opened()
    assert not succeeded(breaker, 1, sent=-1)
    assert (breaker.state(1), breaker.seconds_left(1)) == ("open", 4)
    assert not succeeded(breaker, 6, sent=-1), "nor when the time is up: it isn't the probe's"
    assert breaker.state(6) == "half-open"
    assert succeeded(breaker, 7, sent=6)


def test_a_late_failure_is_neither_the_probes_nor_counted_after_it_has_closed() -> None:
    breaker = opened()
    breaker.take(5)
    assert not failed(breaker, 6, sent=-1)
    assert not breaker.allows(6), "the probe is still on its way"
    breaker.let_go(sent=-1)
    assert not breaker.allows(6)
    assert succeeded(breaker, 7, sent=5)
    assert not any(failed(breaker, 8, sent=4) for _ in range(20))
    assert breaker.state(8) == "closed"


ONE, OTHER = 1, 2


def test_what_one_callers_failures_open_is_open_to_that_caller_alone() -> None:
    breaker = CircuitBreaker()
    assert [failed(breaker, 0, asker=ONE) for _ in range(4)] == [False, False, False, True]
    assert breaker.state(1) == "open"
    assert not breaker.allows(1, ONE)
    assert breaker.allows(1, OTHER)
    assert not succeeded(breaker, 2, asker=OTHER), "which says nothing of that caller's requests"
    assert not breaker.allows(2, ONE)


def test_another_callers_request_takes_nobodys_probe() -> None:
    breaker = CircuitBreaker()
    for _ in range(4):
        failed(breaker, 0, asker=ONE)
    breaker.take(6, OTHER)
    assert breaker.allows(6, ONE)
    breaker.take(6, ONE)
    assert not breaker.allows(6.1, ONE)
    assert succeeded(breaker, 7, sent=6, asker=ONE)
    assert breaker.allows(7, ONE)


def test_the_failure_of_a_second_caller_opens_it_to_everybody() -> None:
    breaker = CircuitBreaker()
    for _ in range(4):
        failed(breaker, 0, asker=ONE)
    assert failed(breaker, 1, asker=OTHER)
    assert not any(breaker.allows(1, asker) for asker in (ONE, OTHER, 3))
    assert breaker.seconds_left(1) == 4


def test_two_callers_within_the_window_open_it_to_everybody() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 0, asker=OTHER)
    for _ in range(3):
        failed(breaker, 1, asker=ONE)
    assert not breaker.allows(1, 3)


def test_a_refused_credential_is_everybodys() -> None:
    breaker = CircuitBreaker()
    assert failed(breaker, 0, "401", asker=ONE, at_once=True)
    assert not breaker.allows(0, OTHER)
