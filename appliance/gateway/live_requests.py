"""Requests as they end, for whoever watches: nothing is built while nobody does."""

from collections.abc import Callable
from typing import Any

from appliance.clock import rfc3339
from appliance.gateway.call import Call
from appliance.guardrails.policy_set import shown_policy
from appliance.metering.entries import Dialect, Kind, RequestState, SettledEntry
from appliance.metering.requests import RequestRecord, attempt_record, finding_record, request_id
from appliance.telemetry.events import Events

REQUEST_EVENT = "request"
KEPT = 1_000


class LiveRequests:
    """Buses of their own, one a tenant: a busy hour's requests must not push a model's failure out of the house's.

    The bus of None carries everybody's, for the machine's own command line.
    """

    def __init__(self, first_id: int, shown: Callable[[RequestRecord], Any]) -> None:
        """`first_id`: as for telemetry's Events. `shown`: a record as the list of past requests gives it."""
        self._first_id = first_id
        self._shown = shown
        self._buses: dict[int | None, Events] = {}

    def bus(self, tenant_number: int | None) -> Events:
        """To subscribe to."""
        found = self._buses.get(tenant_number)
        if found is None:
            found = self._buses[tenant_number] = Events(self._first_id, kept_max=KEPT)
        return found

    def publish(self, call: Call, entry: SettledEntry) -> None:
        """One ended."""
        if not self._buses:
            return
        for tenant_number in (None, call.caller.tenant_number):
            bus = self._buses.get(tenant_number)
            if bus is not None and bus.subscribers:
                bus.publish(REQUEST_EVENT, self._shown(_record(call, entry)))

    def end(self) -> None:
        """The appliance stops."""
        for bus in self._buses.values():
            bus.end()


def _record(call: Call, entry: SettledEntry) -> RequestRecord:
    caller = call.caller
    return RequestRecord(
        id=request_id(call.id),
        started_at=rfc3339(call.started_at),
        kind=Kind(call.kind).name.lower(),
        dialect=Dialect(call.dialect).name.lower(),
        state=RequestState(entry.state).name.lower(),
        status=entry.status,
        error=entry.error,
        model=call.model,
        streamed=call.streamed,
        user_id=caller.user_id,
        key_id=caller.key_id,
        duration_ms=entry.duration_ms,
        first_token_ms=entry.first_token_ms,
        policy=shown_policy(call.policy),
        findings=[finding_record(one) for one in entry.findings],
        attempts=[attempt_record(attempt) for attempt in entry.attempts],
    )
