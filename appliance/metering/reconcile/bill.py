"""What a provider's file says was used, summed by day and model."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from appliance.errors import TooLarge
from appliance.metering.entries import Kind
from appliance.metering.reconcile.table import unreadable

PAIRS_MAX = 10_000
Vendor = Literal["openai", "anthropic", "aws"]


class Used(msgspec.Struct):
    """Of one row, or the sum of several. `slack`: by how much `cost` may be off, since the file rounds it.

    Shapes:  as in chat.Usage (`cached_in` is part of `tokens_in`, and so is what was written to a cache); None: it isn't told.
    """

    tokens_in: int | None = None
    tokens_out: int | None = None
    cached_in: int | None = None
    requests: int | None = None
    cost: Decimal | None = None
    slack: Decimal = Decimal(0)

    @property
    def is_nothing(self) -> bool:
        return not (self.tokens_in or self.tokens_out or self.requests or self.cost)

    def add(self, other: "Used") -> None:
        self.tokens_in = _sum(self.tokens_in, other.tokens_in)
        self.tokens_out = _sum(self.tokens_out, other.tokens_out)
        self.cached_in = _sum(self.cached_in, other.cached_in)
        self.requests = _sum(self.requests, other.requests)
        self.cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        self.slack += other.slack


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


class Bill:
    """One file. `absent`: what it says of a model that doesn't stand in it; `kinds`: what the ledger's requests that belong to it
    asked for; `other`: money that is no model's (tools, storage), which the ledger knows nothing of; `rows_left_out`: of other
    services, credits, taxes."""

    def __init__(self, vendor: Vendor, form: str, absent: Used, kinds: tuple[Kind, ...] = (Kind.CHAT, Kind.EMBEDDINGS)) -> None:
        self.vendor = vendor
        self.form = form
        self.absent = absent
        self.kinds = kinds
        self.currency: str | None = None
        self.other = Decimal(0)
        self.rows = 0
        self.rows_left_out = 0
        self.days: set[date] = set()
        self._used: dict[tuple[date, str], Used] = {}

    def add(self, day: date, model: str, used: Used) -> None:
        """Errors: TooLarge."""
        found = self._used.get((day, model))
        if found is not None:
            found.add(used)
            return
        if len(self._used) >= PAIRS_MAX:
            raise TooLarge(f"the file has more than {PAIRS_MAX:,} days of models", fix="Export a shorter time.")
        self._used[day, model] = used

    def paid_in(self, currency: str) -> None:
        """Errors: InvalidField where it is another than before."""
        currency = currency.upper()
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            raise unreadable("a currency in it is no code of three letters")
        if self.currency not in (None, currency):
            raise unreadable("it has amounts in several currencies", "Export each currency by itself.")
        self.currency = currency

    def used(self) -> Iterator[tuple[date, str, Used]]:
        for (day, model), used in self._used.items():
            if not used.is_nothing:
                yield day, model, used
