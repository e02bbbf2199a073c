"""The price list: when it is read, and for whom."""

from appliance.metering.prices import Prices
from tests.running import eventually


def test_the_list_is_read_when_a_provider_is_there_and_not_when_its_first_request_has_ended() -> None:
    prices = Prices()
    prices.expect(["openai-compatible", "openai"])
    assert eventually(lambda: prices._list)
    assert prices.rates("openai", "gpt-4o-mini") is not None


def test_who_has_no_listed_provider_never_reads_it() -> None:
    prices = Prices()
    prices.expect(["llamacpp", "vllm", "openai-compatible"])
    assert prices._reading is None
