"""How many tokens a request has, as the vendor of its model counts them."""

import asyncio
from typing import Any

import msgspec

from appliance.errors import GatehouseError
from appliance.gateway.sending import ERROR_BYTES_MAX, with_headers
from appliance.providers.registry import TOKEN_COUNTERS
from appliance.providers.wire import Deployment
from appliance.routing.route import Route
from appliance.telemetry.logs import get_logger
from appliance.upstream.client import HttpClient

COUNT_SECONDS_MAX = 10.0
CALLERS_MISTAKES = (400, 413)  # they would be the same when the request itself is sent
NOT_TOLD = "a vendor did not count a request's tokens"

_log = get_logger("gateway")


class Prompt(msgspec.Struct, frozen=True):
    """What is to be counted: a caller's body with the headers of its format, the route that it names, and whether it must
    stay on this machine."""

    raw: dict[str, Any]
    own_headers: dict[str, str]
    route: Route
    local_only: bool

    @property
    def deployment(self) -> Deployment | None:
        """The one that would be asked first, of those that may see it."""
        stays = self.local_only or self.route.local_only
        allowed = [target for target in self.route.targets if target.is_local or not stays]
        return min(allowed, key=lambda target: target.order).deployment if allowed else None


class VendorCounts:
    """Asks the vendor, where it tells, and waits for `seconds_max` at most: an estimate is there at once."""

    def __init__(self, client: HttpClient, *, seconds_max: float = COUNT_SECONDS_MAX) -> None:
        self._client = client
        self._seconds_max = seconds_max

    async def count(self, prompt: Prompt) -> int | None:
        """None where this vendor tells nobody, or can't be asked at the moment: then an estimate must do.

        Errors:  what the vendor says is wrong with the request itself.
        """
        deployment = prompt.deployment
        counter = TOKEN_COUNTERS.get(deployment.kind) if deployment is not None else None
        if deployment is None or counter is None:
            return None
        outgoing = with_headers(counter.count_request(prompt.raw, deployment), prompt.own_headers)
        try:
            async with asyncio.timeout(self._seconds_max):
                url = deployment.base_url + outgoing.path
                answer = await self._client.send("POST", url, outgoing.headers, outgoing.body, deployment.provider)
                body = await answer.read(ERROR_BYTES_MAX)
            if answer.status == 200:
                return counter.count_answer(body)
        except (GatehouseError, ValueError, TimeoutError) as error:
            _log.warning(NOT_TOLD, provider=deployment.provider, kind=type(error).__name__)
            return None
        if answer.status in CALLERS_MISTAKES:
            raise counter.error(answer.status, answer.headers, body, deployment)
        _log.warning(NOT_TOLD, provider=deployment.provider, status=answer.status)
        return None
