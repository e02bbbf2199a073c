"""Scans that callers ask for: under their own policies, booked in the ledger like any request, counted in the metrics."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from appliance.errors import CallerLeft
from appliance.gateway.booking import known
from appliance.gateway.file_verdict import Scanned
from appliance.gateway.findings import booked, counted
from appliance.gateway.guarding import Guarding
from appliance.gateway.state import State
from appliance.gateway.subjects import subjects_of
from appliance.gateway.tally import Tally
from appliance.guardrails.placeholders import Placeholders
from appliance.guardrails.policy_set import PolicySet, shown_policy
from appliance.identity.caller import Caller
from appliance.metering.entries import Dialect, Kind, OpenEntry, RequestState, SettledEntry
from appliance.metering.ledger import Ledger
from appliance.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from appliance.gateway.file_scan import FileScan, Reads

MODEL = "files"  # what the ledger has in place of a model's name


class ScanOrder(msgspec.Struct, frozen=True):
    """Who asks, and for what. id and started_at: of the request."""

    id: bytes
    started_at: int
    caller: Caller
    state: State
    with_values: bool = False


class FileScans:
    """One an appliance. reads: the workers that read files."""

    def __init__(self, reads: "Reads", guarding: Guarding, ledger: Ledger, metrics: Metrics) -> None:
        self.reads = reads
        self._guarding = guarding
        self._ledger = ledger
        self._metrics = metrics

    async def made(self, policy: PolicySet, placeholders: Placeholders | None = None, *, with_values: bool = False) -> "FileScan":
        """Errors: GuardrailFailed."""
        guard = await self._guarding.guard()
        custom = await self._guarding.custom(policy.custom)
        from appliance.gateway.file_scan import FileScan  # detectors' libraries: only where they are used

        return FileScan(self.reads, guard, policy, custom, placeholders, with_values=with_values)

    @asynccontextmanager
    async def booked(self, order: ScanOrder) -> AsyncIterator["FileScan"]:
        """A scan whose row is in the ledger before it begins, and settled when the block ends.

        Errors:  GuardrailFailed, LedgerUnavailable.
        """
        policy = order.state.policies.in_force(subjects_of(order.caller, ()))
        placeholders = Placeholders() if policy.tokenises else None
        scan = await self.made(policy, placeholders, with_values=order.with_values)
        began = time.monotonic()
        await self._ledger.open(_open_entry(order, policy))
        try:
            yield scan
        except BaseException as error:
            reason = known(error)
            state = RequestState.CANCELLED if isinstance(reason, CallerLeft) else RequestState.FAILED
            settling = asyncio.ensure_future(
                self._ledger.settle(_settled(order, state, reason.status, reason.code, began, scan.tally))
            )
            settling.add_done_callback(_retrieve)  # a ledger that fails now keeps the entry and says so by itself
            raise
        await self._ledger.settle(_settled(order, RequestState.SETTLED, 200, None, began, scan.tally))
        for direction, kind, action, count in counted(scan.tally):
            self._metrics.found(direction, kind, action, count)

    def count(self, scanned: Scanned) -> None:
        self._metrics.file_scanned(scanned.told.verdict)


def _open_entry(order: ScanOrder, policy: PolicySet) -> OpenEntry:
    caller = order.caller
    return OpenEntry(
        id=order.id,
        started_at=order.started_at,
        kind=Kind.FILES,
        dialect=Dialect.OPENAI,
        tenant_number=caller.tenant_number,
        department_number=caller.department_number,
        team_number=caller.team_number,
        user_number=caller.user_number,
        key_number=caller.key_number,
        model=MODEL,
        deployment="",
        streamed=False,
        reserved_in=0,
        reserved_out=0,
        policy=shown_policy(policy),
    )


def _settled(order: ScanOrder, state: RequestState, status: int, error: str | None, began: float, tally: Tally) -> SettledEntry:
    duration = int((time.monotonic() - began) * 1000)
    return SettledEntry(order.id, state, status, error, duration, None, (), booked(tally))


def _retrieve(settling: "asyncio.Future[None]") -> None:
    if not settling.cancelled():
        settling.exception()
