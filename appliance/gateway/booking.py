"""A call as the ledger's rows: what is set aside when it is opened, and how each of its attempts ended."""

import asyncio
from decimal import Decimal

from appliance.chat import Usage
from appliance.errors import CallerLeft, GatehouseError
from appliance.gateway.call import Call, Reservation
from appliance.gateway.findings import booked
from appliance.guardrails.policy_set import shown_policy
from appliance.metering.entries import AttemptEntry, AttemptOutcome, OpenEntry, RequestState, SettledEntry
from appliance.metering.prices import Prices, micro
from appliance.metering.usage import estimated_usage
from appliance.routing.router import Attempt

WHY_CHARACTERS_MAX = 100


def open_entry(call: Call, reservation: Reservation) -> OpenEntry:
    """The row of a request that is about to be sent."""
    assert call.resolution is not None
    caller = call.caller
    return OpenEntry(
        id=call.id,
        started_at=call.started_at,
        kind=call.kind,
        dialect=call.dialect,
        tenant_number=caller.tenant_number,
        department_number=caller.department_number,
        team_number=caller.team_number,
        user_number=caller.user_number,
        key_number=caller.key_number,
        model=call.model,
        deployment=call.resolution.deployment.name,
        streamed=call.streamed,
        reserved_in=reservation.tokens_in,
        reserved_out=reservation.tokens_out,
        policy=shown_policy(call.policy),
    )


def settled_entry(call: Call, prices: Prices, state: RequestState, status: int, error: str | None) -> SettledEntry:
    """How it ended. Its usage, estimated where nobody told it, is that of the attempt which answered."""
    assert call.reservation is not None
    attempts = call.attempts
    if call.usage is None:
        sent = bool(attempts) and (state is not RequestState.FAILED or call.characters_out > 0)
        call.usage = estimated_usage(call.reservation.tokens_in if sent else 0, call.characters_out)
    first = None if call.first_token is None else int((call.first_token - call.started) * 1000)
    theirs = call.answered or (attempts[-1] if attempts else None)  # whose answer the caller got, or would have got
    entries = tuple(
        [
            _its_entry(call, attempt, prices, state, status, error) if attempt is theirs else _entry(call, attempt, prices)
            for attempt in attempts
        ]
    )
    return SettledEntry(call.id, state, status, error, call.elapsed_ms(), first, entries, booked(call.tally))


def _its_entry(call: Call, attempt: Attempt, prices: Prices, state: RequestState, status: int, error: str | None) -> AttemptEntry:
    usage = call.usage
    assert usage is not None
    call.cost = _cost(attempt, prices, usage)
    return AttemptEntry(
        deployment=attempt.target.name,
        outcome=_OUTCOMES[state],
        status=status,
        duration_ms=_duration_ms(attempt),
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        cached_in=usage.cached_in,
        reasoning_out=usage.reasoning_out,
        estimated=usage.estimated,
        finish=call.finish,
        error=error,
        why=_why(attempt),
        cost_micro=None if call.cost is None else micro(call.cost),
        price=None if call.cost is None else prices.name,
    )


def _entry(call: Call, attempt: Attempt, prices: Prices) -> AttemptEntry:
    """Of one that others followed. One that we cut short was at work: its prompt counts."""
    assert call.reservation is not None
    reason = known(attempt.error) if attempt.error is not None else None
    usage = Usage(call.reservation.tokens_in if attempt.is_cut else 0, estimated=attempt.is_cut)
    cost = _cost(attempt, prices, usage) if attempt.is_cut else None
    return AttemptEntry(
        deployment=attempt.target.name,
        outcome=AttemptOutcome.CANCELLED if reason is None else AttemptOutcome.FAILED,
        status=0 if reason is None else reason.status,
        duration_ms=_duration_ms(attempt),
        tokens_in=usage.tokens_in,
        tokens_out=0,
        cached_in=0,
        reasoning_out=0,
        estimated=attempt.is_cut,
        finish=None,
        error=None if reason is None else reason.code,
        why=_why(attempt),
        cost_micro=None if cost is None else micro(cost),
        price=None if cost is None else prices.name,
    )


def _cost(attempt: Attempt, prices: Prices, usage: Usage) -> Decimal | None:
    """US dollars; models of this machine cost nothing that a list could tell."""
    deployment = attempt.target.deployment
    rates = None if attempt.target.is_local else prices.rates(deployment.kind, deployment.model)
    return None if rates is None else rates.cost(usage)


def _why(attempt: Attempt) -> str | None:
    return None if attempt.why == "the only one" else attempt.why[:WHY_CHARACTERS_MAX]


def _duration_ms(attempt: Attempt) -> int:
    return int(((attempt.ended or attempt.began) - attempt.began) * 1000)


def known(error: BaseException | None) -> GatehouseError:
    """The error of our tree behind whatever ended a call; a cancellation carries the reason of whoever cancelled."""
    if isinstance(error, GatehouseError):
        return error
    if isinstance(error, asyncio.CancelledError):
        reason = error.args[0] if error.args else None
        return reason if isinstance(reason, GatehouseError) else CallerLeft("the caller left")
    return CallerLeft("the caller left") if isinstance(error, GeneratorExit) else GatehouseError("a stage failed")


_OUTCOMES = {
    RequestState.SETTLED: AttemptOutcome.SUCCEEDED,
    RequestState.CANCELLED: AttemptOutcome.CANCELLED,
    RequestState.FAILED: AttemptOutcome.FAILED,
}
