"""Past requests, and those that end now: where each went, why, and what it cost. Never what was said."""

import asyncio
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp

from appliance import errors
from appliance.api.admin.access import CALLER, requires, still_may
from appliance.api.admin.events import EventStream, Feed, last_seen
from appliance.api.error_answers import error_answers, success
from appliance.errors import InvalidField, NotFound
from appliance.gateway.live_requests import LiveRequests
from appliance.gateway.truth import shown as amount_shown
from appliance.identity.caller import Caller
from appliance.metering.prices import CURRENCY, MICRO
from appliance.metering.requests import LIST_MAX, AttemptRecord, RequestRecord, Requests, call_id
from appliance.telemetry.events import Event, Events, Subscription


class Amount(msgspec.Struct):
    """Money: `micro` millionths of the currency's unit, and the same for people."""

    micro: int
    currency: str
    amount: str


class AttemptShown(msgspec.Struct):
    """One try at one deployment. `why` it was asked is null where there was no other."""

    deployment: str
    why: str | None
    outcome: str
    status: int
    error: str | None
    duration_ms: int
    tokens_in: int
    tokens_out: int
    cached_in: int
    reasoning_out: int
    finish: str | None
    usage_estimated: bool
    cost: Amount | None


class FindingShown(msgspec.Struct):
    """How often guardrails found something of a type: never what. `action`: what was done about it (flag, tokenise, mask, block),
    `uninspected` (a kind of content that no detector reads), or `kept_here`. `is_shadow`: what a policy that is only recorded
    would have done."""

    direction: str
    type: str
    action: str
    is_shadow: bool
    count: int


class RequestShown(msgspec.Struct):
    """One request. `cost` goes by the price list of that day, null where it had no price; `policy` names the guardrail policies
    that it was under, with their versions."""

    id: str
    started_at: str
    kind: str
    dialect: str
    state: str
    status: int
    error: str | None
    model: str
    deployment: str | None
    streamed: bool
    user_id: str | None
    key_id: str | None
    duration_ms: int
    first_token_ms: int | None
    attempts: list[AttemptShown]
    cost: Amount | None
    policy: str | None
    findings: list[FindingShown]


class RequestList(msgspec.Struct):
    """One page, the newest first."""

    items: list[RequestShown]
    next_cursor: str | None


class LiveRequestFeed:
    """What one reader of live requests is served from."""

    def __init__(self, events: Events, feed: Feed) -> None:
        self.events = events
        self.send_seconds_max = feed.send_seconds_max
        self.remote: set[asyncio.Future[None]] = feed.remote

    async def greeting(self, subscription: Subscription) -> list[Event]:
        return subscription.unseen()


class LiveRequestFeeds:
    """The feeds of live requests, by tenant."""

    def __init__(self, live: LiveRequests, feed: Feed) -> None:
        self._live = live
        self._feed = feed

    def of(self, caller: Caller) -> LiveRequestFeed:
        return LiveRequestFeed(self._live.bus(_tenant_seen(caller)), self._feed)


_SHOWN: dict[str, Any] = {
    "id": "req_01930b4c1f2a00071b2c3d4e5f607182",
    "started_at": "2026-11-25T13:17:08.123Z",
    "kind": "chat",
    "dialect": "openai",
    "state": "settled",
    "status": 200,
    "error": None,
    "model": "fast",
    "deployment": "azure/gpt-4o-mini",
    "streamed": True,
    "user_id": "user_trcsuj7puruldahodtkjrhgf",
    "key_id": "key_qw4hambglzmnu5i4fubob2da",
    "duration_ms": 1830,
    "first_token_ms": 912,
    "attempts": [
        {
            "deployment": "openai/gpt-4o-mini",
            "why": "drawn with weight 3 of 4",
            "outcome": "failed",
            "status": 503,
            "error": "upstream_overloaded",
            "duration_ms": 240,
            "tokens_in": 0,
            "tokens_out": 0,
            "cached_in": 0,
            "reasoning_out": 0,
            "finish": None,
            "usage_estimated": False,
            "cost": None,
        }
    ],
    "cost": {"micro": 210, "currency": CURRENCY, "amount": "0.00021"},
    "findings": [],
}


@get(
    "/api/v1/admin/requests",
    guards=[requires("requests:read")],
    dependencies=CALLER,
    operation_id="listRequests",
    summary="Past requests",
    description="The newest first, with where each went and what it used; never what was said.",
    tags=["Requests"],
    responses={
        200: success(RequestList, {"items": [_SHOWN], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, errors.TokenInvalid, errors.Forbidden),
    },
)
async def list_requests(
    caller: NamedDependency[Caller],
    requests: NamedDependency[Requests],
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Requests on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> RequestList:
    before = None if cursor is None else call_id(cursor)
    if cursor is not None and before is None:
        raise InvalidField("this is not a cursor from next_cursor", param="cursor", fix="Begin without one.")
    found = await requests.newest(_tenant_seen(caller), limit=limit + 1, before=before)
    items = [request_shown(record) for record in found[:limit]]
    return RequestList(items, items[-1].id if len(found) > limit else None)


@get(
    "/api/v1/admin/requests/live",
    guards=[requires("requests:read")],
    dependencies=CALLER,
    operation_id="watchRequests",
    summary="Requests as they end",
    description="Server-sent events: `request`, each as in the list. `gatehouse tail` shows them.",
    tags=["Requests"],
    responses={
        200: ResponseSpec(
            str, generate_examples=False, media_type="text/event-stream", description="Events, until one side ends."
        ),
        **error_answers(errors.TokenInvalid, errors.Forbidden),
    },
    sync_to_thread=False,
)
def live_requests(
    request: Request[Any, Any, Any], caller: NamedDependency[Caller], live: NamedDependency[LiveRequestFeeds]
) -> ASGIApp:
    return EventStream(live.of(caller), last_seen(request), still_may(request))


@get(
    "/api/v1/admin/requests/{request_id:str}",
    guards=[requires("requests:read")],
    dependencies=CALLER,
    operation_id="getRequest",
    summary="One past request",
    description="By the id in `x-request-id`, or by its answer's own (`chatcmpl-…`, `msg_…`, `resp_…`).",
    tags=["Requests"],
    responses={
        200: success(RequestShown, _SHOWN, "Where it went, why, and what it cost."),
        **error_answers(errors.TokenInvalid, errors.Forbidden, errors.NotFound),
    },
)
async def get_request(
    caller: NamedDependency[Caller],
    requests: NamedDependency[Requests],
    request_id: FromPath[str],
) -> RequestShown:
    wanted = call_id(request_id)
    record = await requests.get(wanted, _tenant_seen(caller)) if wanted is not None else None
    if record is None:
        fix = "Take the id from x-request-id (req_…). A caller's own x-request-id is not kept; an answer's id works too."
        raise NotFound("there is no such request", param="request_id", fix=fix)
    return request_shown(record)


def _tenant_seen(caller: Caller) -> int | None:
    """The machine stands above tenants."""
    return None if caller.kind == "machine" else caller.tenant_number


def request_shown(record: RequestRecord) -> RequestShown:
    """As the list gives it, and the live feed."""
    attempts = [_attempt_shown(attempt) for attempt in record.attempts]
    costs = [attempt.cost.micro for attempt in attempts if attempt.cost is not None]
    answered = next((attempt for attempt in attempts if attempt.outcome == "succeeded"), attempts[-1] if attempts else None)
    return RequestShown(
        id=record.id,
        started_at=record.started_at,
        kind=record.kind,
        dialect=record.dialect,
        state=record.state,
        status=record.status,
        error=record.error,
        model=record.model,
        deployment=answered.deployment if answered is not None else None,
        streamed=record.streamed,
        user_id=record.user_id,
        key_id=record.key_id,
        duration_ms=record.duration_ms,
        first_token_ms=record.first_token_ms,
        attempts=attempts,
        cost=_amount(sum(costs)) if costs else None,
        policy=record.policy,
        findings=[FindingShown(one.direction, one.type, one.action, one.is_shadow, one.count) for one in record.findings],
    )


def _amount(micro: int) -> Amount:
    return Amount(micro, CURRENCY, amount_shown(Decimal(micro) / MICRO))


def _attempt_shown(attempt: AttemptRecord) -> AttemptShown:
    return AttemptShown(
        deployment=attempt.deployment,
        why=attempt.why,
        outcome=attempt.outcome,
        status=attempt.status,
        error=attempt.error,
        duration_ms=attempt.duration_ms,
        tokens_in=attempt.tokens_in,
        tokens_out=attempt.tokens_out,
        cached_in=attempt.cached_in,
        reasoning_out=attempt.reasoning_out,
        finish=attempt.finish,
        usage_estimated=attempt.estimated,
        cost=None if attempt.cost_micro is None else _amount(attempt.cost_micro),
    )


routes: list[Any] = [list_requests, live_requests, get_request]
