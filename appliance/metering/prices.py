"""What models cost, from the price list that the package genai-prices ships: nothing is fetched.

Loading the list takes a fifth of a second and 20 MB, so it is read on a thread of its own as soon as there is a provider that it
knows; an appliance that only runs its own models never reads it.
"""

import threading
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from importlib.metadata import version
from typing import Any

import msgspec

from appliance.chat import Usage
from appliance.telemetry.logs import get_logger

CURRENCY = "USD"
MICRO = 1_000_000
KNOWN_MAX = 5_000
SAMPLE_TOKENS = 1_000  # small enough to lie in the first tier of every list

# Our kinds as the list calls them; a compatible server may be anybody's, so its price is nobody's to know.
_LISTED = {"openai": "openai", "azure": "azure", "anthropic": "anthropic", "google": "google", "bedrock": "aws"}

_log = get_logger("metering")


class Rates(msgspec.Struct, frozen=True):
    """US dollars a token."""

    tokens_in: Decimal
    cached_in: Decimal
    tokens_out: Decimal

    def cost(self, usage: Usage) -> Decimal:
        """In US dollars. Tokens read from the vendor's prompt cache are part of `tokens_in`."""
        fresh = usage.tokens_in - usage.cached_in
        return fresh * self.tokens_in + usage.cached_in * self.cached_in + usage.tokens_out * self.tokens_out


def micro(cost: Decimal) -> int:
    """In millionths of a US dollar, rounded once, half upwards."""
    return int((cost * MICRO).to_integral_value(ROUND_HALF_UP))


class Prices:
    """One for an appliance. `rates` answers from memory; until the list is read nobody knows a price."""

    def __init__(self) -> None:
        self._list: Any = None
        self._reading: threading.Thread | None = None
        self._known: dict[tuple[str, str], Rates | None] = {}
        self.name = ""  # of the list, as the ledger keeps it

    def expect(self, kinds: Iterable[str]) -> None:
        """Providers of these kinds are there now: the list is read before the first request to one of them is booked."""
        if any(kind in _LISTED for kind in kinds):
            self._begin_to_read()

    def rates(self, kind: str, model: str) -> Rates | None:
        """Of a model at a provider of this kind; None where the list doesn't have it."""
        if kind not in _LISTED:
            return None
        if self._list is None:
            self._begin_to_read()
            return None
        if (kind, model) not in self._known and len(self._known) < KNOWN_MAX:
            self._known[kind, model] = self._looked_up(_LISTED[kind], model)
        return self._known.get((kind, model))

    def estimate(self, kind: str, model: str, tokens_in: int, tokens_out: int) -> float | None:
        """US dollars that a request would cost."""
        rates = self.rates(kind, model)
        return None if rates is None else float(rates.cost(Usage(tokens_in, tokens_out)))

    def _begin_to_read(self) -> None:
        if self._reading is None:
            self._reading = threading.Thread(target=self._read, name="prices", daemon=True)
            self._reading.start()

    def _read(self) -> None:
        try:
            import genai_prices
        except Exception as error:  # without prices everything else still works
            _log.error("the price list can't be read", exc_info=error)
            return
        self.name = f"genai-prices {version('genai-prices')}, {CURRENCY}"
        self._list = genai_prices

    def _looked_up(self, provider: str, model: str) -> Rates | None:
        def price(**tokens: int) -> Decimal:
            usage = self._list.Usage(**tokens)
            return Decimal(self._list.calc_price(usage, model_ref=model, provider_id=provider).total_price)

        try:
            fresh = price(input_tokens=SAMPLE_TOKENS)
            cached = price(input_tokens=SAMPLE_TOKENS, cache_read_tokens=SAMPLE_TOKENS)
            out = price(output_tokens=SAMPLE_TOKENS)
        except (LookupError, ValueError):
            return None
        return Rates(fresh / SAMPLE_TOKENS, cached / SAMPLE_TOKENS, out / SAMPLE_TOKENS)
