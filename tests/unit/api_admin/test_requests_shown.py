"""A past request as it is shown."""

import pytest

from appliance.api.admin.requests import request_shown
from appliance.metering.requests import AttemptRecord, RequestRecord


def attempt(deployment: str, outcome: str) -> AttemptRecord:
    return AttemptRecord(
        deployment=deployment,
        why=None,
        outcome=outcome,
        status=200 if outcome == "succeeded" else 0,
        error=None,
        duration_ms=5,
        tokens_in=1,
        tokens_out=1,
        cached_in=0,
        reasoning_out=0,
        finish=None,
        estimated=False,
        cost_micro=None,
    )


def record(*attempts: AttemptRecord) -> RequestRecord:
    return RequestRecord(
        id="req_1",
        started_at="2026-11-26T00:00:00Z",
        kind="chat",
        dialect="openai",
        state="settled",
        status=200,
        error=None,
        model="fast",
        streamed=False,
        user_id=None,
        key_id=None,
        duration_ms=5,
        first_token_ms=None,
        policy=None,
        findings=[],
        attempts=list(attempts),
    )


@pytest.mark.parametrize(
    ("attempts", "shown"),
    [
        ((), None),
        ((("a/m", "failed"), ("b/m", "succeeded")), "b/m"),
        ((("a/m", "succeeded"), ("b/m", "cancelled")), "a/m"),  # hedged: the first was faster after all
        ((("a/m", "failed"), ("b/m", "failed")), "b/m"),
    ],
)
def test_its_deployment_is_the_one_that_answered(attempts: tuple[tuple[str, str], ...], shown: str | None) -> None:
    assert request_shown(record(*(attempt(*one) for one in attempts))).deployment == shown
