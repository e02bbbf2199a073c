"""The ledger's costs in the currency of a provider's file: the one place that knows in which currency the ledger is kept."""

from decimal import ROUND_HALF_UP, Decimal

from appliance.metering.prices import CURRENCY, MICRO

LEDGER_CURRENCY = CURRENCY


def ledger_cost(cost_micro: int, currency: str) -> int | None:
    """Of millionths of the ledger's currency, millionths of `currency`; None where there is no rate between the two."""
    return cost_micro if currency == LEDGER_CURRENCY else None


def micro_of(amount: Decimal) -> int:
    """Of an amount in a file, in millionths, rounded once."""
    return int((amount * MICRO).to_integral_value(ROUND_HALF_UP))
