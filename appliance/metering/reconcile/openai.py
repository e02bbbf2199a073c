"""OpenAI's exports from the usage dashboard: usage of a capability, and costs.

Source: their columns are the fields of the usage and costs APIs (platform.openai.com/docs/api-reference/usage, and the OpenAPI
document 2.3.0: `input_tokens` holds text, audio and image tokens, cached and cache-written ones too; `line_item` is such as
"gpt-4o-mini-2024-07-18, cached input"), flattened (`amount_value`, `amount_currency`), with `start_time` in seconds;
help.openai.com/en/articles/10478918 (exports; the dashboard's days are those of UTC). Read 2026-11-27.
Quirks: a bucket without use is a row without a model. Completions and embeddings are files of their own; the latter has no
`output_tokens`. A line item may say a tier before the model ("priority | gpt-…") and a modality behind it ("… audio, input").
"""

from decimal import Decimal

from appliance.metering.entries import Kind
from appliance.metering.reconcile.bill import Bill, Used
from appliance.metering.reconcile.table import Column, Table, unreadable

_MODALITIES = frozenset({"text", "audio", "image", "video", "cached"})
_BEGIN = ("start_time_iso", "start_time")
_END = ("end_time_iso", "end_time")


def is_usage(table: Table) -> bool:
    return table.column(*_BEGIN) is not None and table.has("input_tokens")


def is_costs(table: Table) -> bool:
    return table.column(*_BEGIN) is not None and table.has("amount_value")


def is_empty(table: Table) -> bool:
    """What the dashboard gives for a time without any use."""
    return {name.lower() for name in table.names} == {*_BEGIN, *_END}


def usage(table: Table) -> Bill:
    """Errors: InvalidField, TooLarge."""
    tokens_out = table.column("output_tokens")
    begin, end, tokens_in = _times(table, "input_tokens")
    model, cached = table.column("model"), table.column("input_cached_tokens")
    requests = table.column("num_model_requests")
    absent = Used(tokens_in=0, tokens_out=0, cached_in=None if cached is None else 0, requests=None if requests is None else 0)
    if tokens_out is None:
        bill = Bill("openai", "usage export of embeddings", absent, (Kind.EMBEDDINGS,))
    else:
        bill = Bill("openai", "usage export of completions", absent, (Kind.CHAT,))
    for row in table.rows():
        bill.rows += 1
        day = row.day(begin, end)
        bill.days.add(day)
        used = Used(
            tokens_in=row.count(tokens_in),
            tokens_out=row.count(tokens_out),
            cached_in=None if cached is None else row.count(cached),
            requests=None if requests is None else row.count(requests),
        )
        name = "" if model is None else row.text(model)
        if not name and not used.is_nothing:
            raise unreadable(
                f"line {row.line} names no model", "In the usage dashboard, group by model before you export, and send that file."
            )
        if name:
            bill.add(day, name, used)
    return bill


def costs(table: Table) -> Bill:
    """Errors: InvalidField, TooLarge."""
    bill = Bill("openai", "costs export", Used(cost=Decimal(0)))
    begin, end, amount = _times(table, "amount_value")
    item, currency = table.column("line_item"), table.column("amount_currency")
    for row in table.rows():
        bill.rows += 1
        day = row.day(begin, end)
        bill.days.add(day)
        cost = row.amount(amount)
        if not cost:
            continue
        bill.paid_in(row.text(currency) if currency is not None else "usd")
        name = "" if item is None else row.text(item)
        if not name:
            raise unreadable(
                f"line {row.line} says of no line item what was paid for",
                "In the usage dashboard, group costs by line item before you export, and send that file.",
            )
        model = model_of(name)
        if model is None:
            bill.other += cost
        else:
            bill.add(day, model, Used(cost=cost))
    return bill


def model_of(line_item: str) -> str | None:
    """None for what is no model's: "web search tool calls"."""
    head, comma, _ = line_item.rpartition("|")[2].strip().partition(",")
    words = head.split()
    if not comma or not words or (len(words) > 1 and words[1].lower() not in _MODALITIES):
        return None
    return words[0]


def _times(table: Table, wanted: str) -> tuple[Column, Column | None, Column]:
    begin, column = table.column(*_BEGIN), table.column(wanted)
    assert begin is not None and column is not None, "it was recognised by them"
    return begin, table.column(*_END), column
