"""The comparison of a provider's file with the ledger: nothing is lost, nothing is counted twice."""

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.metering.reconcile.bill import Bill, Used
from appliance.metering.reconcile.booked import Booked
from appliance.metering.reconcile.comparison import Compared, Rules, compared, counts, totals
from appliance.metering.reconcile.model_names import model_key

FIRST = date(2026, 11, 1)
RULES = Rules(first=FIRST, last=date(2026, 11, 5))
MODELS = ["gpt-4o", "gpt-4o-mini", "claude-haiku-4-5"]
Use = tuple[int, str, int, int]  # day, model, tokens in, tokens out

uses = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(MODELS), st.integers(1, 10**9), st.integers(0, 10**6)), max_size=12)


def billed(found: list[Use], micro: int = 2) -> Bill:
    bill = Bill("openai", "usage export", Used(tokens_in=0, tokens_out=0, cached_in=0, requests=0, cost=Decimal(0)))
    bill.paid_in("USD")
    for day, model, ins, outs in found:
        cost = Decimal(micro * (ins + outs)) / 1_000_000
        bill.add(FIRST + timedelta(days=day), model, Used(tokens_in=ins, tokens_out=outs, cached_in=0, requests=1, cost=cost))
    return bill


def ledger(found: list[Use], micro: int = 2) -> list[Booked]:
    return [
        Booked(FIRST + timedelta(days=day), model, ins, outs, 0, 1, micro * (ins + outs), 0, 0) for day, model, ins, outs in found
    ]


@settings(deadline=None)
@given(uses)
def test_what_was_used_matches_itself(found: list[Use]) -> None:
    items = compared(billed(found), ledger(found), msgspec.structs.replace(RULES, tolerance_percent=0))
    assert {one.state for one in items} <= {"matched"}
    assert all(one.tokens_in.drift == 0 and one.cost_micro.drift == 0 for one in items)


@settings(deadline=None)
@given(uses, uses)
def test_every_token_of_both_is_in_exactly_one_line(theirs: list[Use], ours: list[Use]) -> None:
    items = compared(billed(theirs), ledger(ours), RULES)
    assert len({(one.day, one.model) for one in items}) == len(items)
    assert items == sorted(items, key=lambda one: (one.day, one.model))
    assert sum(one.tokens_in.in_file or 0 for one in items) == sum(use[2] for use in theirs)
    assert sum(one.tokens_out.in_ledger or 0 for one in items) == sum(use[3] for use in ours)
    assert sum(one.tokens_in.drift or 0 for one in items) == sum(use[2] for use in theirs) - sum(use[2] for use in ours)
    told = totals(items).tokens_in
    assert (told.in_file, told.in_ledger) == (sum(use[2] for use in theirs), sum(use[2] for use in ours))
    assert sum(msgspec.to_builtins(counts(items)).values()) == len(items)
    there, here = ({(day, model) for day, model, _, _ in one} for one in (theirs, ours))
    of = {
        state: {(one.day, one.model) for one in items if one.state == state} for state in ("missing_in_file", "missing_in_ledger")
    }
    assert of["missing_in_file"] == {(FIRST + timedelta(days=day), model) for day, model in here - there}
    assert of["missing_in_ledger"] == {(FIRST + timedelta(days=day), model) for day, model in there - here}


@settings(deadline=None)
@given(uses, st.randoms())
def test_the_order_of_rows_and_how_they_are_cut_says_nothing(found: list[Use], random: object) -> None:
    halves = [(day, model, ins // 2, outs) for day, model, ins, outs in found]
    halves += [(day, model, ins - ins // 2, 0) for day, model, ins, outs in found]
    random.shuffle(halves)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    whole, cut = compared(billed(found), ledger(found), RULES), compared(billed(halves), ledger(halves), RULES)
    assert [_without_requests(one) for one in whole] == [_without_requests(one) for one in cut]


def _without_requests(one: Compared) -> Compared:
    return msgspec.structs.replace(one, requests=one.tokens_in)


@settings(deadline=None)
@given(uses.filter(bool), st.integers(1, 1000))
def test_what_is_added_to_one_model_drifts_there_and_nowhere_else(found: list[Use], more: int) -> None:
    day, model, _, _ = found[0]
    extra = [*found, (day, model, more, 0)]
    items = compared(billed(extra), ledger(found), msgspec.structs.replace(RULES, tolerance_percent=0))
    drifted = [one for one in items if one.state != "matched"]
    assert [(one.day, one.model, one.state, one.tokens_in.drift) for one in drifted] == [
        (FIRST + timedelta(days=day), model, "drift", more)
    ]


def test_days_outside_are_not_looked_at() -> None:
    assert compared(billed([(7, "gpt-4o", 1, 1)]), ledger([(8, "gpt-4o", 1, 1)]), RULES) == []


def test_a_tolerance_is_of_the_files_figure() -> None:
    for ours, state in ((99, "matched"), (98, "drift"), (101, "matched")):
        [one] = compared(billed([(0, "gpt-4o", 100, 0)], 0), ledger([(0, "gpt-4o", ours, 0)], 0), RULES)
        assert (one.state, one.tokens_in.percent) == (state, float(100 - ours))


def test_a_cost_without_a_price_or_a_rate_is_not_compared() -> None:
    only_costs = Bill("anthropic", "cost export", Used(cost=Decimal(0)))
    only_costs.paid_in("USD")
    only_costs.add(FIRST, "Claude Haiku 4.5", Used(cost=Decimal("0.01"), slack=Decimal("0.005")))
    [ours] = ledger([(0, "claude-haiku-4-5-20251001", 5_000, 5)])
    [matched] = compared(only_costs, [ours], RULES)
    assert (matched.state, matched.tokens_in.in_file, matched.cost_micro.drift) == ("matched", None, -10)
    [unpriced] = compared(only_costs, [msgspec.structs.replace(ours, unpriced=1)], RULES)
    assert (unpriced.state, unpriced.unpriced, unpriced.cost_micro.in_ledger) == ("not_compared", 1, None)
    elsewhere = Bill("openai", "costs export", Used(cost=Decimal(0)))
    elsewhere.paid_in("EUR")
    elsewhere.add(FIRST, "claude-haiku-4.5", Used(cost=Decimal("0.01")))
    assert compared(elsewhere, [ours], RULES)[0].state == "not_compared"


def test_what_is_missing_in_a_file_of_costs_says_nothing_of_tokens() -> None:
    bill = Bill("openai", "costs export", Used(cost=Decimal(0)))
    bill.paid_in("USD")
    bill.add(FIRST, "gpt-4o", Used(cost=Decimal(1)))
    [_, one] = compared(bill, ledger([(0, "gpt-4o", 5, 5), (0, "o3", 5, 5)]), RULES)
    assert (one.model, one.state, one.tokens_in.in_file, one.cost_micro.drift) == ("o3", "missing_in_file", None, -20)


def test_a_name_that_does_not_look_like_ours_is_told() -> None:
    rules = msgspec.structs.replace(RULES, models={"Claude3.5SonnetV2": "anthropic.claude-3-5-sonnet-20241022-v2:0"})
    bill, ours = billed([(0, "Claude3.5SonnetV2", 5, 5)]), ledger([(0, "anthropic.claude-3-5-sonnet-20241022-v2:0", 5, 5)])
    assert [one.state for one in compared(bill, ours, RULES)] == ["missing_in_ledger", "missing_in_file"]
    [one] = compared(bill, ours, rules)
    assert (one.state, one.names_in_file) == ("matched", ["Claude3.5SonnetV2"])


@pytest.mark.parametrize(
    "names",
    [
        ("gpt-4o", "gpt-4o-2024-08-06", "GPT-4o", "gpt-4o-latest"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", "Claude Haiku 4.5", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("claude-haiku-4-5", "Claude4.5Haiku", "claude-haiku-4-5@20251001"),
        ("claude-3-5-sonnet-20241022", "Claude 3.5 Sonnet 2024-10-22", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("amazon.nova-pro-v1:0", "NovaPro", "eu.amazon.nova-pro-v1:0:24k"),
        ("amazon.nova-2-lite-v1:0", "Nova2.0Lite"),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-8", "Claude4.8Opus"),
        ("openai.gpt-oss-120b-1:0", "openai.gpt-oss-120b-1:0"),
    ],
)
def test_these_names_are_one_model(names: tuple[str, ...]) -> None:
    assert len({model_key(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4o", "gpt-4"),
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4.1", "gpt-4"),
        ("gpt-4-0613", "gpt-4-1106"),
        ("claude-haiku-4-5", "claude-haiku-5-4"),
        ("Claude Opus 4", "Claude Opus 4.5"),
        ("claude-sonnet-4-5", "claude-haiku-4-5"),
        ("deepseek.v3-v1:0", "deepseek.r1-v1:0"),
        ("meta.llama3-70b-instruct-v1:0", "meta.llama3-8b-instruct-v1:0"),
        ("text-embedding-3-small", "text-embedding-3-large"),
    ],
)
def test_these_names_are_two(one: str, other: str) -> None:
    assert model_key(one) != model_key(other)
