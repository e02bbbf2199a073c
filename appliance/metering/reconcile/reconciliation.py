"""A provider's usage file against the ledger: the one thing that others ask of this room."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

import msgspec

from appliance.clock import Clock
from appliance.errors import InvalidField
from appliance.metering.reconcile.bill import Bill, Vendor
from appliance.metering.reconcile.booked import booked
from appliance.metering.reconcile.comparison import Compared, Counts, Rules, Totals, compared, counts, totals
from appliance.metering.reconcile.money import LEDGER_CURRENCY, micro_of
from appliance.metering.reconcile.recognised import DAYS_MAX, bill_of
from appliance.store.engine import Database

# The kinds of providers that a vendor's file is about. A compatible server may be anybody's: it is named by whoever asks.
KINDS: dict[Vendor, str] = {"openai": "openai", "anthropic": "anthropic", "aws": "bedrock"}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """`providers`: names; none: those of the file's vendor. `models`: the file's names → the ledger's. `begin`, `end` (itself
    excluded): None: the file's own first and last day."""

    providers: tuple[str, ...] = ()
    models: dict[str, str] = {}
    begin: date | None = None
    end: date | None = None
    tolerance_percent: float = 1.0


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """`is_matched`: nothing is missing, and nothing drifts by more than the tolerance. Days are those of UTC, `to` excluded.
    `other_micro`: what the file has of no model (tools, storage), in millionths of `currency`."""

    is_matched: bool
    vendor: Vendor
    form: str
    providers: list[str]
    begin: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    currency: str
    tolerance_percent: float
    rows: int
    rows_left_out: int
    other_micro: int
    counts: Counts
    totals: Totals
    items: list[Compared]


class Reconciler:
    """`kinds`: providers' names → their kinds, as they are now."""

    def __init__(self, db: Database, clock: Clock, kinds: Callable[[], Mapping[str, str]]) -> None:
        self._db = db
        self._clock = clock
        self._kinds = kinds
        self._turn = asyncio.Lock()  # a file takes a processor for some seconds, and memory

    async def reconcile(self, data: bytes, wanted: Wanted) -> Reconciliation:
        """Errors: InvalidField and TooLarge, where the file or what is wanted of it isn't as it must be; Unavailable."""
        async with self._turn:
            today = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).date()
            bill = await asyncio.to_thread(bill_of, data, today + timedelta(days=1))
            providers = self._providers(bill.vendor, wanted.providers)
            rules = _rules(bill, wanted)
            rows = await booked(self._db, providers, bill.kinds, rules.first, rules.last)
            items = await asyncio.to_thread(compared, bill, rows, rules)
        found = counts(items)
        return Reconciliation(
            is_matched=found.matched == len(items),
            vendor=bill.vendor,
            form=bill.form,
            providers=providers,
            begin=rules.first,
            end=rules.last + timedelta(days=1),
            currency=bill.currency or LEDGER_CURRENCY,
            tolerance_percent=wanted.tolerance_percent,
            rows=bill.rows,
            rows_left_out=bill.rows_left_out,
            other_micro=micro_of(bill.other),
            counts=found,
            totals=totals(items),
            items=items,
        )

    def _providers(self, vendor: Vendor, named: tuple[str, ...]) -> list[str]:
        """Errors: InvalidField."""
        if named:
            return sorted(set(named))
        found = sorted(name for name, kind in self._kinds().items() if kind == KINDS[vendor])
        if not found:
            raise InvalidField(
                f"no provider of the kind {KINDS[vendor]!r} is set up, and the file is one of {vendor}'s",
                param="provider",
                fix="Say whose requests are in it: provider=NAME (`gatehouse usage reconcile FILE --provider NAME`).",
            )
        return found


def _rules(bill: Bill, wanted: Wanted) -> Rules:
    """Errors: InvalidField."""
    first = min(bill.days) if wanted.begin is None else wanted.begin
    last = max(bill.days) if wanted.end is None else wanted.end - timedelta(days=1)
    if not first <= last:
        raise InvalidField("from is not before to", param="from", fix="Send an earlier from, or a later to.")
    if (last - first).days >= DAYS_MAX:
        raise InvalidField(f"these are more than {DAYS_MAX} days", param="from", fix="Compare a shorter time.")
    return Rules(first=first, last=last, models=wanted.models, tolerance_percent=wanted.tolerance_percent)
