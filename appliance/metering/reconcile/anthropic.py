"""Anthropic's exports from the Console: usage (tokens) and cost.

Source: support.claude.com/en/articles/9534590 (both pages have a CSV export; days are those of UTC, by the columns' names); the
columns as they stand in published exports, since Anthropic lists them nowhere; what they mean as in
platform.claude.com/docs/en/build-with-claude/usage-cost-api (uncached, written to the cache for 5 minutes and for an hour, read
from it, output). Read 2026-11-27.
Quirks: usage names models by id (`model_version`), cost by what they are called ("Claude Haiku 4.5"); costs are rounded to cents,
row by row; `token_type` is empty for tools (web search, code execution).
"""

from decimal import Decimal

from appliance.metering.reconcile.bill import Bill, Used
from appliance.metering.reconcile.table import Column, Table, unreadable

DAY = "usage_date_utc"
_CENT = Decimal("0.01")
_FRESH = "usage_input_tokens_no_cache"
# Older exports had one column for tokens that were written to the cache.
_WRITTEN = ("usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h", "usage_input_tokens_cache_write")
_READ = "usage_input_tokens_cache_read"
_OUT = "usage_output_tokens"


def is_usage(table: Table) -> bool:
    return table.has(DAY, "model_version", _FRESH, _OUT)


def is_cost(table: Table) -> bool:
    return table.has(DAY, "model", "cost_usd")


def usage(table: Table) -> Bill:
    """Errors: InvalidField, TooLarge."""
    bill = Bill("anthropic", "usage export", Used(tokens_in=0, tokens_out=0, cached_in=0))
    day_of, model, fresh, out = (_there(table, name) for name in (DAY, "model_version", _FRESH, _OUT))
    read = table.column(_READ)
    written = [column for name in _WRITTEN if (column := table.column(name)) is not None]
    for row in table.rows():
        bill.rows += 1
        day = row.day(day_of)
        bill.days.add(day)
        cached = row.count(read)
        tokens_in = row.count(fresh) + cached + sum(row.count(column) for column in written)
        used = Used(tokens_in=tokens_in, tokens_out=row.count(out), cached_in=cached)
        name = row.text(model)
        if not name and not used.is_nothing:
            raise unreadable(f"line {row.line} names no model")
        if name:
            bill.add(day, name, used)
    return bill


def cost(table: Table) -> Bill:
    """Errors: InvalidField, TooLarge."""
    bill = Bill("anthropic", "cost export", Used(cost=Decimal(0)))
    bill.paid_in("USD")
    day_of, model, amount = (_there(table, name) for name in (DAY, "model", "cost_usd"))
    token_type = table.column("token_type")
    for row in table.rows():
        bill.rows += 1
        day = row.day(day_of)
        bill.days.add(day)
        paid = row.amount(amount)
        name = row.text(model)
        if not name or (token_type is not None and not row.text(token_type)):
            bill.other += paid
            continue
        is_rounded = paid == paid.quantize(_CENT)
        bill.add(day, name, Used(cost=paid, slack=_CENT / 2 if is_rounded else Decimal(0)))
    return bill


def _there(table: Table, name: str) -> Column:
    column = table.column(name)
    assert column is not None, "it was recognised by it"
    return column
