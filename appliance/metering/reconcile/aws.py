"""AWS Cost and Usage Reports: CUR 2.0 (data exports) and the older CUR, as CSV; of them what Amazon Bedrock's models used.

Source: docs.aws.amazon.com/bedrock/latest/userguide/cost-mgmt-understanding-cur-data.html (the type of tokens by usage type:
`*-input-tokens`, `*-output-tokens`, `*-cache-read-input-token-count`, `*-cache-write-input-token-count`, also behind `-mantle`;
all four count), and docs.aws.amazon.com/cur/latest/userguide/: Lineitem-columns.html and table-dictionary-cur2-line-item.html
(columns, and that they are in UTC). Read 2026-11-27.
Quirks: a usage type is region, the model as it is billed, the type of tokens, and a tier:
`USE1-Claude4.6Sonnet-output-tokens-cross-region-global`.
Quantities are in the unit of the price ("1K tokens"); where the export has no such column, tokens aren't compared.
Credits, taxes and refunds are other types of lines than use, and are left out.
"""

import re
from decimal import ROUND_HALF_UP, Decimal

from appliance.metering.reconcile.bill import Bill, Used
from appliance.metering.reconcile.table import Column, Row, Table, unreadable

_USE = frozenset({"usage", "discountedusage", "savingsplancoveredusage"})
_UNITS = {"1k tokens": 1_000, "1m tokens": 1_000_000, "million tokens": 1_000_000, "tokens": 1, "token": 1}
_USAGE_TYPE = re.compile(
    r"(?:[A-Z]{2,4}\d{1,2}-)?(?P<model>.+?)(?:-mantle)?-(?:(?P<cache>cache-read|cache-write)-)?"
    r"(?P<way>input|output)-token(?:s|-count)(?:-.*)?"
)


def is_report(table: Table) -> bool:
    columns = (_begin(table), table.column("lineItem/UsageType", "line_item_usage_type"))
    return all(column is not None for column in columns)


def report(table: Table) -> Bill:
    """Errors: InvalidField, TooLarge."""
    kind, product = _column(table, "lineItem/LineItemType"), _column(table, "lineItem/ProductCode")
    begin, end, usage_type = _begin(table), _column(table, "lineItem/UsageEndDate"), _column(table, "lineItem/UsageType")
    paid, currency = _column(table, "lineItem/UnblendedCost"), _column(table, "lineItem/CurrencyCode")
    assert begin is not None and usage_type is not None, "it was recognised by them"
    if product is None or paid is None:
        raise unreadable(
            "it lacks the columns of the product or of what it cost",
            "Export it with lineItem/ProductCode and lineItem/UnblendedCost (CUR 2.0: line_item_product_code, …).",
        )
    amount, unit = _column(table, "lineItem/UsageAmount"), _column(table, "pricing/unit")
    bill = Bill("aws", "cost and usage report", _used(None, None if unit is None or amount is None else 0, Decimal(0)))
    for row in table.rows():
        bill.rows += 1
        is_use = kind is None or row.text(kind).lower() in _USE
        if not is_use or "bedrock" not in row.text(product).lower():
            bill.rows_left_out += 1
            continue
        day = row.day(begin, end)
        bill.days.add(day)
        cost = row.amount(paid)
        bill.paid_in(row.text(currency) if currency is not None else "USD")
        found = _USAGE_TYPE.fullmatch(row.text(usage_type))
        if found is None:
            bill.other += cost
        else:
            bill.add(day, found["model"], _used(found, _tokens(row, amount, unit), cost))
    return bill


def _used(found: re.Match[str] | None, tokens: int | None, cost: Decimal) -> Used:
    """One row is one type of tokens; there are none of the others."""
    if tokens is None:
        return Used(cost=cost)
    if found is None or found["way"] == "output":
        return Used(tokens_in=0, tokens_out=tokens, cached_in=0, cost=cost)
    return Used(tokens_in=tokens, tokens_out=0, cached_in=tokens if found["cache"] == "cache-read" else 0, cost=cost)


def _tokens(row: Row, amount: Column | None, unit: Column | None) -> int | None:
    """None where it isn't said what is counted."""
    per = _UNITS.get(row.text(unit).lower()) if unit is not None else None
    if per is None or amount is None:
        return None
    return int((row.quantity(amount) * per).to_integral_value(ROUND_HALF_UP))


def _begin(table: Table) -> Column | None:
    return _column(table, "lineItem/UsageStartDate")


def _column(table: Table, older: str) -> Column | None:
    """By its name in the older report, or as CUR 2.0 writes it: `lineItem/UsageType`, `line_item_usage_type`."""
    room, _, name = older.partition("/")
    return table.column(older, f"{_snake(room)}_{_snake(name)}")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
