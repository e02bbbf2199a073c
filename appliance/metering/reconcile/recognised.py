"""Whose file it is, told by its columns, and what it says."""

from collections.abc import Callable
from datetime import date

from appliance.metering.reconcile import anthropic, aws, openai
from appliance.metering.reconcile.bill import Bill
from appliance.metering.reconcile.table import Table, unreadable

DAYS_MAX = 400

_FORMS: tuple[tuple[Callable[[Table], bool], Callable[[Table], Bill]], ...] = (
    (anthropic.is_usage, anthropic.usage),
    (anthropic.is_cost, anthropic.cost),
    (aws.is_report, aws.report),
    (openai.is_usage, openai.usage),
    (openai.is_costs, openai.costs),
)


def bill_of(data: bytes, newest: date) -> Bill:
    """A provider's file, read. `newest`: the last day that may stand in it.

    Errors:  InvalidField, TooLarge; each says what was wrong, and never quotes the file.
    """
    table = Table(data, newest)
    reader = next((read for matches, read in _FORMS if matches(table)), None)
    if reader is None and openai.is_empty(table):
        raise unreadable("it is an export of OpenAI's for a time without any use", "Choose a time in which there was some.")
    if reader is None:
        raise unreadable(
            "its first line has the columns of no export that is known here",
            "Send an export of usage or costs of OpenAI or Anthropic, or a cost and usage report of AWS, as CSV.",
        )
    bill = reader(table)
    if not bill.days:
        raise unreadable("it has no row of a model's use", "Export a time in which there was some.")
    if (max(bill.days) - min(bill.days)).days >= DAYS_MAX:
        raise unreadable(f"it spans more than {DAYS_MAX} days", "Export a shorter time.")
    return bill
