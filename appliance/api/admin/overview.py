"""The appliance at a glance: what the tray's first page shows."""

import asyncio
from typing import Any, Literal, Protocol

import msgspec
from litestar import get
from litestar.di import NamedDependency

from appliance import errors
from appliance.api.admin.access import requires
from appliance.api.door import Door
from appliance.api.error_answers import error_answers, success
from appliance.clock import Clock, rfc3339
from appliance.errors import GatehouseError
from appliance.identity.users import Users
from appliance.local.models import LocalModels
from appliance.local.running import ModelStatus
from appliance.metering.ledger import Ledger
from appliance.telemetry.activity import MINUTE_MS, Activity, LastHour, Minute

MODELS_SHOWN_MAX = 200
BUSY_SHARE = 0.8
PROBE_EVERY_SECONDS = 30.0
PROBE_AGAIN_SECONDS = 2.0
PROBE_SECONDS_MAX = 2.0

State = Literal["running", "busy", "degraded"]


class Listening(Protocol):
    """Where callers reach this appliance."""

    def urls(self) -> list[str]:
        """Base URLs as clients want them, this machine's own first."""
        ...

    def lan_on(self) -> bool: ...


class HourShown(msgspec.Struct):
    """The last 60 minutes together. Milliseconds are null where nothing was measured."""

    requests: int
    failed: int
    tokens_in: int
    tokens_out: int
    latency_ms_p50: int | None
    latency_ms_p95: int | None
    first_token_ms_p50: int | None


class MinuteShown(msgspec.Struct):
    at: str
    requests: int
    failed: int
    tokens_in: int
    tokens_out: int


class OverviewShown(msgspec.Struct):
    """`reasons` say in plain words why the state is not `running`. `minutes`: 60, oldest first, the present one last."""

    version: str
    state: State
    reasons: list[str]
    started_at: str
    uptime_seconds: int
    in_flight: int
    endpoints: list[str]
    owner_exists: bool
    lan_on: bool
    models: list[str]
    loaded_models: list[str]
    last_hour: HourShown
    minutes: list[MinuteShown]


class Parts(msgspec.Struct, frozen=True):
    """What the overview looks at."""

    version: str
    clock: Clock
    door: Door
    ledger: Ledger
    local_models: LocalModels
    users: Users
    activity: Activity
    listening: Listening
    requests_in_flight_max: int


class Overview:
    """Looks anew each time it is asked; only whether the ledger can be written is remembered for a while."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started_at = parts.clock.now_ms()
        self._started = parts.clock.monotonic()
        self._owner_exists = False
        self._trouble = ""
        self._probed = self._started

    async def look(self) -> OverviewShown:
        """The present state, with those parts that must be waited for."""
        await self._probe_ledger()
        if not self._owner_exists:
            try:
                self._owner_exists = await self._parts.users.owner_exists()
            except GatehouseError as error:
                self._trouble = self._trouble or error.message
        return self.at_once()

    def at_once(self) -> OverviewShown:
        """The same without waiting."""
        parts = self._parts
        now = parts.clock.now_ms()
        models = parts.local_models.status().models
        hour = parts.activity.last_hour(now)
        state, reasons = self._state(models)
        return OverviewShown(
            version=parts.version,
            state=state,
            reasons=reasons,
            started_at=rfc3339(self._started_at),
            uptime_seconds=int(parts.clock.monotonic() - self._started),
            in_flight=parts.door.content_in_flight,
            endpoints=parts.listening.urls(),
            owner_exists=self._owner_exists,
            lan_on=parts.listening.lan_on(),
            models=[model.id for model in parts.door.holder.current.names.offered()[:MODELS_SHOWN_MAX]],
            loaded_models=[model.id for model in models if model.state == "ready"],
            last_hour=_hour_shown(hour),
            minutes=[_minute_shown(minute) for minute in hour.minutes],
        )

    def _state(self, models: list[ModelStatus]) -> tuple[State, list[str]]:
        if reasons := self._what_is_wrong(models):
            return "degraded", reasons
        reasons = self._what_is_slow(models)
        return ("busy", reasons) if reasons else ("running", [])

    def _what_is_wrong(self, models: list[ModelStatus]) -> list[str]:
        parts = self._parts
        found = []
        if parts.door.draining:
            found.append("the appliance is stopping")
        trouble = parts.ledger.trouble.message if parts.ledger.trouble is not None else self._trouble
        if trouble:
            found.append(trouble)
        names = parts.door.holder.current.names
        if not names.providers and not names.offered():
            found.append(f"no model can answer: no provider is configured, and {parts.local_models.status().reason}")
        found += [f"the local model {model.id} does not run: {model.last_failure}" for model in models if model.state == "failed"]
        return found

    def _what_is_slow(self, models: list[ModelStatus]) -> list[str]:
        parts = self._parts
        found = []
        in_flight, most = parts.door.content_in_flight, parts.requests_in_flight_max
        if in_flight >= max(1, BUSY_SHARE * most):
            found.append(f"requests in flight: {in_flight}, of {most} at most")
        found += [f"requests waiting for the local model {model.id}: {model.waiting}" for model in models if model.waiting]
        return found

    async def _probe_ledger(self) -> None:
        """Requests tell by themselves whether the ledger can be written; while there are none, look now and then."""
        in_trouble = bool(self._trouble) or self._parts.ledger.trouble is not None
        now = self._parts.clock.monotonic()
        if now - self._probed < (PROBE_AGAIN_SECONDS if in_trouble else PROBE_EVERY_SECONDS):
            return
        self._probed = now
        self._trouble = ""
        try:
            async with asyncio.timeout(PROBE_SECONDS_MAX):
                await self._parts.ledger.probe()
        except GatehouseError as error:
            self._trouble = error.message
        except TimeoutError:
            self._trouble = f"the ledger did not answer within {PROBE_SECONDS_MAX:g} seconds"


def _hour_shown(hour: LastHour) -> HourShown:
    totals = hour.totals
    return HourShown(
        totals.requests,
        totals.failed,
        totals.tokens_in,
        totals.tokens_out,
        hour.latency_ms_p50,
        hour.latency_ms_p95,
        hour.first_token_ms_p50,
    )


def _minute_shown(minute: Minute) -> MinuteShown:
    return MinuteShown(rfc3339(minute.number * MINUTE_MS), minute.requests, minute.failed, minute.tokens_in, minute.tokens_out)


EXAMPLE = {
    "version": "1.0.0",
    "state": "running",
    "reasons": [],
    "started_at": "2026-11-25T13:17:08.123Z",
    "uptime_seconds": 12,
    "in_flight": 0,
    "endpoints": ["http://localhost:8000/v1"],
    "owner_exists": True,
    "lan_on": False,
    "models": ["smollm2-135m-instruct"],
    "loaded_models": [],
    "last_hour": {
        "requests": 1,
        "failed": 0,
        "tokens_in": 9,
        "tokens_out": 12,
        "latency_ms_p50": 420,
        "latency_ms_p95": 420,
        "first_token_ms_p50": None,
    },
    "minutes": [{"at": "2026-11-25T13:17:00.000Z", "requests": 1, "failed": 0, "tokens_in": 9, "tokens_out": 12}],
}


@get(
    "/api/v1/admin/overview",
    guards=[requires("overview:read")],
    summary="The appliance at a glance",
    description="State, models and the last hour. `GET /api/v1/admin/events` tells the same as it changes.",
    tags=["Admin"],
    responses={
        200: success(OverviewShown, EXAMPLE, "The present state."),
        **error_answers(errors.TokenInvalid, errors.Forbidden),
    },
)
async def overview(overview: NamedDependency[Overview]) -> OverviewShown:
    return await overview.look()


routes: list[Any] = [overview]
