"""Providers' files: what they say, and what is refused with a sentence that helps."""

import contextlib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import InvalidField, TooLarge
from appliance.metering.entries import Kind
from appliance.metering.reconcile import bill, table
from appliance.metering.reconcile.bill import Used
from appliance.metering.reconcile.openai import model_of
from appliance.metering.reconcile.recognised import bill_of
from tests.unit.metering import reconcile_files as files

DAY = date(2026, 11, 25)


def test_openais_usage_is_summed_over_buckets_keys_and_projects() -> None:
    data = files.csv_file(
        files.OPENAI_USAGE,
        [
            "1764028800,1764028860,2026-11-25T00:00:00+00:00,2026-11-25T00:01:00+00:00,p,2.0,,k1,gpt-4o,False,7162,9,1280,5882,d",
            "1764028800,1764028860,2026-11-25T00:00:00+00:00,2026-11-25T00:01:00+00:00,p,1.0,,k2,gpt-4o,False,10,1,0,10,d",
            ",,2026-11-26T00:00:00+00:00,2026-11-27T00:00:00+00:00,,,,,,,,,,,",
        ],
    )
    found = bill_of(data, files.NEWEST)
    assert (found.vendor, found.kinds, found.days) == ("openai", (Kind.CHAT,), {DAY, date(2026, 11, 26)})
    assert list(found.used()) == [(DAY, "gpt-4o", Used(tokens_in=7172, tokens_out=10, cached_in=1280, requests=3))]


def test_openais_usage_of_embeddings_is_a_file_of_its_own_and_has_seconds_where_it_has_no_moments() -> None:
    data = b"start_time,end_time,model,input_tokens,num_model_requests\n1795564800,1795651200,text-embedding-3-small,12,1\n"
    found = bill_of(data, files.NEWEST)
    assert found.kinds == (Kind.EMBEDDINGS,)
    assert [(day, model, used.tokens_in) for day, model, used in found.used()] == [(DAY, "text-embedding-3-small", 12)]


def test_openais_costs_are_a_models_or_nobodys() -> None:
    found = bill_of(
        files.openai_costs(
            ("2026-11-25", "gpt-4o-2024-08-06, input", "0.003835980000000000000000000000"),
            ("2026-11-25", "gpt-4o-2024-08-06, cached input", "5E-07"),
            ("2026-11-25", "web search tool calls", "0.02"),
            ("2026-11-26", "", ""),
        ),
        files.NEWEST,
    )
    assert [(model, used.cost, used.tokens_in) for _, model, used in found.used()] == [
        ("gpt-4o-2024-08-06", Decimal("0.00383648"), None)
    ]
    assert (found.other, found.currency, len(found.days)) == (Decimal("0.02"), "USD", 2)


@pytest.mark.parametrize(
    ("item", "model"),
    [
        ("priority | gpt-5.6-sol, output, long context", "gpt-5.6-sol"),
        ("gpt-audio-mini-2025-12-15 audio, input", "gpt-audio-mini-2025-12-15"),
        ("ft:gpt-4o-mini:acme, input", "ft:gpt-4o-mini:acme"),
        ("web search tool calls", None),
        ("code interpreter sessions, storage", None),
        (",", None),
    ],
)
def test_a_line_item_names_its_model(item: str, model: str | None) -> None:
    assert model_of(item) == model


def test_anthropics_usage_counts_what_was_written_to_the_cache_and_read_from_it() -> None:
    found = bill_of(files.anthropic_usage(("2026-11-25", "claude-haiku-4-5-20251001", 1000, 50)), files.NEWEST)
    assert list(found.used()) == [(DAY, "claude-haiku-4-5-20251001", Used(tokens_in=1000, tokens_out=50, cached_in=3))]


def test_anthropics_costs_are_rounded_row_by_row_and_tools_are_no_models() -> None:
    found = bill_of(
        files.anthropic_cost(
            ("2026-11-25", "Claude Haiku 4.5", "input_no_cache", "0.19"),
            ("2026-11-25", "Claude Haiku 4.5", "output", "0.1"),
            ("2026-11-25", "", "", "0.30"),
        ),
        files.NEWEST,
    )
    assert [(model, used.cost, used.slack) for _, model, used in found.used()] == [
        ("Claude Haiku 4.5", Decimal("0.29"), Decimal("0.010"))
    ]
    assert found.other == Decimal("0.30")


@pytest.mark.parametrize("header", [files.AWS_OLDER, files.AWS_NEWER])
def test_awss_four_types_of_tokens_count_in_thousands(header: str) -> None:
    name = "USE1-Claude4.6Sonnet"
    data = files.aws(
        ("2026-11-25", f"{name}-input-tokens", "1.5", "0.0045"),
        ("2026-11-25", f"{name}-output-tokens-cross-region-global", "0.25", "0.00375"),
        ("2026-11-25", f"{name}-cache-read-input-token-count", "2", "0.0006"),
        ("2026-11-25", f"{name}-cache-write-input-token-count-cross-region-global", "1", "0.00375"),
        ("2026-11-25", "USE1-Guardrail-ContentPolicyUnitsConsumed", "1", "0.5"),
        header=header,
    )
    found = bill_of(data, files.NEWEST)
    cost = Decimal("0.0126")
    assert list(found.used()) == [(DAY, "Claude4.6Sonnet", Used(tokens_in=4500, tokens_out=250, cached_in=2000, cost=cost))]
    assert found.other == Decimal("0.5")


def test_awss_tokens_are_not_guessed_where_the_unit_is_unknown_and_other_lines_are_left_out() -> None:
    row = ("2026-11-25", "USE1-NovaPro-input-tokens", "1.5", "0.1")
    [(_, model, used)] = bill_of(files.aws(row, unit="Units"), files.NEWEST).used()
    assert (model, used.tokens_in, used.cost) == ("NovaPro", None, Decimal("0.1"))
    elsewhere = files.aws(row) + files.aws(row, kind="Credit").split(b"\n")[1] + b"\n"
    elsewhere += files.aws(row).split(b"\n")[1].replace(b"AmazonBedrock", b"AmazonEC2") + b"\n"
    found = bill_of(elsewhere, files.NEWEST)
    assert (found.rows, found.rows_left_out, [used.tokens_in for _, _, used in found.used()]) == (3, 2, [1500])


GOOD = files.openai_usage(("2026-11-25", "gpt-4o", 10, 2)).decode()
COSTS = files.openai_costs(("2026-11-25", "gpt-4o, input", "1.00")).decode()
GARBAGE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "blanks": (b"\n \n", "is empty"),
    "zip": (b"PK\x03\x04rest", "ZIP archive"),
    "gzip": (b"\x1f\x8b\x08rest", "gzip"),
    "parquet": (b"PAR1rest", "Parquet"),
    "utf-16": (GOOD.encode("utf-16"), "UTF-16"),
    "latin-1": (GOOD.replace("gpt-4o", "gpt-\xe9").encode("latin-1"), "no UTF-8"),
    "zero bytes": (GOOD.replace("gpt-4o", "gpt\0").encode(), "zero bytes"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "no UTF-8"),
    "prose": (b"Dear Sir or Madam,\nplease find attached", "no export that is known"),
    "json": (b'{"data": []}', "no export that is known"),
    "semicolons": (GOOD.replace(",", ";").encode(), "no export that is known"),
    "an empty export": (b"start_time,end_time,start_time_iso,end_time_iso\n1,2,3,4\n", "without any use"),
    "a header alone": (files.OPENAI_USAGE.encode(), "no row"),
    "a quotation mark": (GOOD.replace("gpt-4o", 'gp"t').replace("gp", '"gp').encode(), "no CSV"),
    "too few cells": (GOOD.encode() + b"1,2,3\n", "has 3 cells under 15 columns"),
    "a column twice": (GOOD.replace("service_tier", "model").encode(), "more than once"),
    "too many columns": ((",".join(f"c{number}" for number in range(1001))).encode(), "more than 1000 columns"),
    "a long cell": (GOOD.replace("default", "x" * 20_000).encode(), "16,384 characters"),
    "an endless cell": (GOOD.replace("default", "x" * 200_000).encode(), "no CSV"),
    "a long name": (GOOD.replace("gpt-4o", "g" * 201).encode(), "longer than 200"),
    "a formula for a name": (GOOD.replace("gpt-4o", "=HYPERLINK(1)").encode(), "model holds a formula"),
    "a formula for a number": (GOOD.replace(",10,2,", ",=1+1,2,").encode(), "input_tokens holds a formula"),
    "not a number": (GOOD.replace(",10,2,", ",NaN,2,").encode(), "input_tokens is no plain number"),
    "infinity": (GOOD.replace(",10,2,", ",inf,2,").encode(), "no plain number"),
    "thousands": (GOOD.replace(",10,2,", ',"1,000",2,').encode(), "no plain number"),
    "other digits": (GOOD.replace(",10,2,", ",\u0661\u0660,2,").encode(), "no plain number"),
    "a fraction": (GOOD.replace(",10,2,", ",10.5,2,").encode(), "no whole number"),
    "negative tokens": (GOOD.replace(",10,2,", ",-10,2,").encode(), "is negative"),
    "absurd tokens": (GOOD.replace(",10,2,", ",9e15,2,").encode(), "larger than anybody"),
    "vast tokens": (GOOD.replace(",10,2,", ",1e99,2,").encode(), "larger than anybody"),
    "negative money": (COSTS.replace(",1.00,", ",-1.00,").encode(), "amount_value is negative"),
    "absurd money": (COSTS.replace(",1.00,", ",1e9,").encode(), "larger than anybody"),
    "no currency": (COSTS.replace(",usd,", ",$,").encode(), "no code of three letters"),
    "two currencies": ((COSTS + COSTS.splitlines()[1].replace(",usd,", ",eur,") + "\n").encode(), "several currencies"),
    "costs by nothing": (COSTS.replace("gpt-4o, input", "").encode(), "no line item"),
    "usage by nothing": (GOOD.replace("gpt-4o", "").encode(), "names no model"),
    "no day": (GOOD.replace("2026-11-25T00:00:00", "yesterday").encode(), "no day and no moment"),
    "last century": (GOOD.replace("2026-11-25", "1999-11-25").encode(), "before 2020 or in the future"),
    "the future": (GOOD.replace("2026-11-25", "2126-11-25").encode(), "before 2020 or in the future"),
    "year ten thousand": (GOOD.replace("2026-11-25T", "10000-01-01T").encode(), "no day and no moment"),
    "months": (GOOD.replace("2026-11-25T23", "2026-11-27T23").encode(), "more than one day"),
    "days of India": (GOOD.replace("00:00:00+00:00", "00:00:00+05:30").encode(), "more than one day"),
    "a decade": ((GOOD + GOOD.splitlines()[1].replace("2026", "2021") + "\n").encode(), "more than 400 days"),
    "aws without money": (b"lineItem/UsageStartDate,lineItem/UsageType\n2026-11-25,x\n", "lacks the columns"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_with_what_was_wrong_and_what_to_do(name: str) -> None:
    data, words = GARBAGE[name]
    with pytest.raises(InvalidField) as refused:
        bill_of(data, files.NEWEST)
    assert words in refused.value.message
    assert refused.value.fix
    assert refused.value.param == "file"


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for where, name, most in ((table, "FILE_BYTES_MAX", 100), (table, "ROWS_MAX", 1), (bill, "PAIRS_MAX", 1)):
        with monkeypatch.context() as patched:
            patched.setattr(where, name, most)
            with pytest.raises(TooLarge) as refused:
                bill_of(files.openai_usage(("2026-11-25", "a", 1, 1), ("2026-11-25", "b", 1, 1)), files.NEWEST)
            assert refused.value.fix


def test_a_byte_order_mark_and_a_last_line_without_an_end_are_fine() -> None:
    found = bill_of(b"\xef\xbb\xbf" + GOOD.encode().rstrip(), files.NEWEST)
    assert [model for _, model, _ in found.used()] == ["gpt-4o"]


WHOLE = files.openai_usage(("2026-11-25", "gpt-4o", 10, 2)) + files.openai_costs(("2026-11-25", "x, input", "1"))


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=300), st.tuples(st.integers(0, 700), st.binary(max_size=4))))
def test_whatever_is_sent_is_read_or_refused(sent: bytes | tuple[int, bytes]) -> None:
    data = sent if isinstance(sent, bytes) else WHOLE[: sent[0]] + sent[1] + WHOLE[sent[0] + len(sent[1]) :]
    with contextlib.suppress(InvalidField, TooLarge):
        bill_of(data, files.NEWEST)
