"""Operations: is it alive, is it ready, what do the numbers say."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, get, route
from litestar.di import NamedDependency

from appliance.api.admin.access import from_this_machine
from appliance.api.chat_surface import identified
from appliance.api.door import Door
from appliance.errors import Forbidden, GatehouseError
from appliance.gateway.guarding import Guarding
from appliance.local.models import LocalModels
from appliance.metering.ledger import Ledger
from appliance.telemetry.metrics import Metrics

READY_SECONDS_MAX = 5.0


class Health(msgspec.Struct):
    """The process answers; nothing more is promised."""

    status: str
    version: str


class Readiness(msgspec.Struct):
    """Whether requests would be served now, and which part says no."""

    ready: bool
    checks: dict[str, str]


class Operations(msgspec.Struct, frozen=True):
    """What the operations routes look at."""

    ledger: Ledger
    local_models: LocalModels
    metrics: Metrics
    door: Door
    guarding: Guarding
    version: str


@route(
    "/health",
    http_method=["GET", "HEAD"],
    summary="Is the process alive?",
    security=[{}],
    tags=["Operations"],
    sync_to_thread=False,
)
def health(operations: NamedDependency[Operations]) -> Health:
    return Health("ok", operations.version)


@route(
    "/ready",
    http_method=["GET", "HEAD"],
    summary="Would requests be served now?",
    description="503 where they would not.",
    security=[{}],
    tags=["Operations"],
)
async def ready(operations: NamedDependency[Operations]) -> Response[Readiness]:
    """The database must be writable, workers startable, guardrails built where a policy is set; a model that isn't loaded yet is
    ready all the same."""
    checks = {"database": await _database(operations.ledger), "workers": _workers(operations.local_models)}
    checks["guardrails"] = operations.guarding.readiness()
    if operations.door.draining:
        checks["door"] = "the appliance is stopping"
    is_ready = all(answer.startswith(("ok", "off")) for answer in checks.values())
    return Response(Readiness(is_ready, checks), status_code=200 if is_ready else 503)


def _workers(local_models: LocalModels) -> str:
    """Workers are started when they are needed; what can be known before is whether there is anything to start."""
    status = local_models.status()
    return "ok" if status.is_available else f"off: {status.reason}"


async def _database(ledger: Ledger) -> str:
    try:
        async with asyncio.timeout(READY_SECONDS_MAX):
            await ledger.probe()
    except GatehouseError as error:
        return error.message
    except TimeoutError:
        return f"the ledger did not answer within {READY_SECONDS_MAX:g} seconds"
    return "ok"


@get(
    "/metrics",
    summary="Numbers for Prometheus",
    description="From loopback, or with a key of scope `metrics`.",
    tags=["Operations"],
    sync_to_thread=False,
    media_type="text/plain",
)
def metrics(request: Request[Any, Any, Any], operations: NamedDependency[Operations]) -> Response[bytes]:
    scope: Any = request.scope
    if not from_this_machine(request):
        door = operations.door
        caller = identified(scope, dict(scope["headers"]), door.holder.current, door.clock, "metrics")
        if "metrics" not in caller.scopes:
            raise Forbidden("this key may not read metrics", fix="Ask from this machine, or with a key of scope metrics.")
    return Response(operations.metrics.render(), media_type="text/plain; version=0.0.4")


routes: list[Any] = [health, ready, metrics]
