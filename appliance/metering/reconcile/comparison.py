"""A provider's file beside the ledger: what stands in both, in one alone, and how far apart they are. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from appliance.metering.reconcile.bill import Bill, Used
from appliance.metering.reconcile.booked import Booked
from appliance.metering.reconcile.model_names import Key, model_key
from appliance.metering.reconcile.money import LEDGER_CURRENCY, ledger_cost, micro_of

State = Literal["matched", "drift", "missing_in_file", "missing_in_ledger", "not_compared"]
NAMES_MAX = 20


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number in both. `drift`: the file's less the ledger's; `percent`: of the file's. Null: it isn't told there."""

    in_file: int | None
    in_ledger: int | None
    drift: int | None
    percent: float | None


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A model on a day of UTC. `names_in_file`, `names_in_ledger`: what it is called there. `cost_micro`: millionths of the
    reconciliation's currency. `estimated`, `unpriced`: of the ledger's attempts, those whose tokens nobody counted exactly, and
    those without a price (then costs aren't compared)."""

    day: date
    model: str
    state: State
    names_in_file: list[str]
    names_in_ledger: list[str]
    tokens_in: Figure
    tokens_out: Figure
    cached_in: Figure
    requests: Figure
    cost_micro: Figure
    estimated: int
    unpriced: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many days of models there are of each."""

    matched: int
    drift: int
    missing_in_file: int
    missing_in_ledger: int
    not_compared: int


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Over all days and models. A sum of what isn't told everywhere is null."""

    tokens_in: Figure
    tokens_out: Figure
    cost_micro: Figure


class _Side(msgspec.Struct):
    """A model on a day, from both: the file's sums, and the ledger's."""

    used: Used | None = None
    names: set[str] = msgspec.field(default_factory=set)
    booked: list[Booked] = msgspec.field(default_factory=list)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """`models`: names in the file → the ledger's, where they don't look like one; `tolerance_percent`: what is no drift yet;
    `first` to `last`: the days that are compared."""

    first: date
    last: date
    models: Mapping[str, str] = {}
    tolerance_percent: float = 1.0


def compared(bill: Bill, booked: Iterable[Booked], rules: Rules) -> list[Compared]:
    """By day, then model. Shapes: every use in the file and every row of the ledger within the days is in exactly one of them."""
    told = {model_key(name): model_key(ours) for name, ours in rules.models.items()}
    sides: dict[tuple[date, Key], _Side] = {}
    for day, name, used in bill.used():
        if rules.first <= day <= rules.last:
            key = model_key(name)
            side = sides.setdefault((day, told.get(key, key)), _Side())
            side.names.add(name)
            if side.used is None:
                side.used = msgspec.structs.replace(used)
            else:
                side.used.add(used)
    for one in booked:
        if rules.first <= one.day <= rules.last:
            sides.setdefault((one.day, model_key(one.model)), _Side()).booked.append(one)
    found = [_compared(day, side, bill, rules.tolerance_percent) for (day, _), side in sides.items()]
    return sorted(found, key=lambda one: (one.day, one.model))


def counts(items: Iterable[Compared]) -> Counts:
    found = dict.fromkeys(Counts.__struct_fields__, 0)
    for one in items:
        found[one.state] += 1
    return Counts(**found)


def totals(items: list[Compared]) -> Totals:
    def total(name: str) -> Figure:
        figures: list[Figure] = [getattr(one, name) for one in items]
        return _figure(_sum(one.in_file for one in figures), _sum(one.in_ledger for one in figures))

    return Totals(tokens_in=total("tokens_in"), tokens_out=total("tokens_out"), cost_micro=total("cost_micro"))


def _sum(numbers: Iterable[int | None]) -> int | None:
    found = 0
    for number in numbers:
        if number is None:
            return None
        found += number
    return found


def _compared(day: date, side: _Side, bill: Bill, tolerance_percent: float) -> Compared:
    used = side.used if side.used is not None else bill.absent
    ours = side.booked
    unpriced = sum(one.unpriced for one in ours)
    in_ledger = None if unpriced else ledger_cost(sum(one.cost_micro for one in ours), bill.currency or LEDGER_CURRENCY)
    tokens_in = _figure(used.tokens_in, sum(one.tokens_in for one in ours))
    tokens_out = _figure(used.tokens_out, sum(one.tokens_out for one in ours))
    cost = _figure(None if used.cost is None else micro_of(used.cost), in_ledger)
    # Each attempt is rounded to a millionth in the ledger.
    slack = micro_of(used.slack) + sum(one.attempts for one in ours) // 2 + 1
    names_in_file, names_in_ledger = sorted(side.names), sorted({one.model for one in ours})
    return Compared(
        day=day,
        model=min(names_in_ledger or names_in_file, key=lambda name: (len(name), name)),
        state=_state(side, [(tokens_in, 0), (tokens_out, 0), (cost, slack)], tolerance_percent),
        names_in_file=names_in_file[:NAMES_MAX],
        names_in_ledger=names_in_ledger[:NAMES_MAX],
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cached_in=_figure(used.cached_in, sum(one.cached_in for one in ours)),
        requests=_figure(used.requests, sum(one.attempts for one in ours)),
        cost_micro=cost,
        estimated=sum(one.estimated for one in ours),
        unpriced=unpriced,
    )


def _state(side: _Side, figures: list[tuple[Figure, int]], tolerance_percent: float) -> State:
    if side.used is None:
        return "missing_in_file"
    if not side.booked:
        return "missing_in_ledger"
    drifts = [(figure, slack) for figure, slack in figures if figure.drift is not None]
    if not drifts:
        return "not_compared"
    return "matched" if all(_is_near(figure, slack, tolerance_percent) for figure, slack in drifts) else "drift"


def _is_near(figure: Figure, slack: int, tolerance_percent: float) -> bool:
    assert figure.in_file is not None and figure.drift is not None
    return abs(figure.drift) <= figure.in_file * Decimal(str(tolerance_percent)) / 100 + slack


def _figure(in_file: int | None, in_ledger: int | None) -> Figure:
    drift = None if in_file is None or in_ledger is None else in_file - in_ledger
    percent = None if drift is None or not in_file else round(100 * drift / in_file, 3)
    return Figure(in_file=in_file, in_ledger=in_ledger, drift=drift, percent=percent)
