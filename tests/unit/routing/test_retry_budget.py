"""Retries stay a fifth of the requests."""

from appliance.routing.retry_budget import ALWAYS, WINDOW_SECONDS, RetryBudget


def test_a_few_are_always_allowed() -> None:
    budget = RetryBudget()
    assert [budget.take(0) for _ in range(ALWAYS + 1)] == [True] * ALWAYS + [False]


def test_beyond_that_a_fifth_of_the_requests_in_the_window() -> None:
    budget = RetryBudget()
    for _ in range(200):
        budget.request(0)
    assert sum(budget.take(1) for _ in range(200)) == 40


def test_the_window_moves_on() -> None:
    budget = RetryBudget()
    assert all(budget.take(0) for _ in range(ALWAYS))
    assert not budget.take(WINDOW_SECONDS)
    assert budget.take(WINDOW_SECONDS + 0.1)
