"""Ids of tool calls: with a signature inside, and made safe for any vendor."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.providers import call_ids

SAFE = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@given(st.binary(min_size=1, max_size=200), st.from_regex(r"call_[a-z0-9]{4,20}", fullmatch=True))
def test_a_signature_comes_back_out_of_the_id_it_was_put_in(proof: bytes, call_id: str) -> None:
    signature = base64.b64encode(proof).decode()
    carried = call_ids.with_signature(call_id, signature)
    assert call_ids.signature_in(carried) == signature
    assert call_ids.plain(carried) == call_id
    assert re.fullmatch(r"[A-Za-z0-9_-]+", carried)


@pytest.mark.parametrize("call_id", ["", "call_1", "toolu_01A", "-ts-AAAA", "call_1-ts-", "call_1-ts-not base64", "функция"])
def test_an_id_that_carries_no_signature_stays_as_it_is(call_id: str) -> None:
    assert call_ids.plain(call_id) == call_id
    assert call_ids.signature_in(call_id) is None


@pytest.mark.parametrize("signature", ["", "not base64!", "AAA", "я"])
def test_a_signature_that_could_not_be_read_back_is_left_out(signature: str) -> None:
    assert call_ids.with_signature("call_1", signature) == "call_1"


def test_an_id_whose_tail_no_base64_has_made_loses_its_tail_and_gives_no_signature() -> None:
    assert call_ids.plain("call_1-ts-AAAAA") == "call_1"
    assert call_ids.signature_in("call_1-ts-AAAAA") is None


@given(st.text(st.characters(), max_size=100))
def test_any_id_becomes_safe_the_same_way_each_time(call_id: str) -> None:
    made = call_ids.safe(call_id)
    assert SAFE.fullmatch(made)
    assert call_ids.safe(call_id) == made == call_ids.safe(made)


def test_a_safe_id_is_the_vendors_own_and_without_a_signature() -> None:
    assert call_ids.safe("toolu_01A") == "toolu_01A"
    assert call_ids.safe(call_ids.with_signature("call_1", "c2ln")) == "call_1"


def test_two_ids_that_are_not_safe_stay_two() -> None:
    assert call_ids.safe("a b") != call_ids.safe("a.b")
    assert call_ids.safe("x" * 65) != call_ids.safe("x" * 66)
