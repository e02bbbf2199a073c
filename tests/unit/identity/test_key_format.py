import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity.key_format import (
    KEY_CHARACTERS_MAX,
    PATTERN,
    Environment,
    looks_like_a_key,
    new_key,
    shown_prefix,
    well_formed,
)

ENVIRONMENTS: list[Environment] = ["production", "staging", "development", "test"]
LETTERS = string.ascii_letters + string.digits


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_new_key_has_its_environment_in_it_and_a_checksum_that_fits(environment: Environment) -> None:
    keys = {new_key(environment) for _ in range(200)}
    assert len(keys) == 200
    for key in keys:
        assert key.startswith(("gh-prod-", "gh-stag-", "gh-dev-", "gh-test-"))
        assert well_formed(key)
        assert looks_like_a_key(key)
        assert len(key) <= KEY_CHARACTERS_MAX
        assert re.fullmatch(PATTERN, key)


def test_a_scanner_finds_keys_in_text_and_not_their_look_alikes() -> None:
    key = new_key("production")
    text = f'OPENAI_API_KEY="{key}" gh-prod-short x{key} {key}y gh-pages-deploy-{"a" * 38}'
    assert re.findall(PATTERN, text) == [key]


@given(st.integers(0, 45), st.sampled_from(LETTERS))
def test_one_wrong_character_anywhere_is_noticed(at: int, wrong: str) -> None:
    key = new_key("development")
    at %= len(key)
    typo = key[:at] + wrong + key[at + 1 :]
    assert well_formed(typo) == (typo == key)


@given(st.integers(7, 43))
def test_two_neighbours_swapped_are_noticed(at: int) -> None:
    key = new_key("development")
    swapped = key[:at] + key[at + 1] + key[at] + key[at + 2 :]
    assert well_formed(swapped) == (swapped == key)


@given(st.integers(0, 44))
def test_a_key_cut_anywhere_is_noticed(length: int) -> None:
    assert not well_formed(new_key("development")[:length])


@given(st.text())
def test_no_text_is_a_key_by_chance_and_none_is_a_crash(text: str) -> None:
    assert not well_formed(text)
    assert not well_formed(f"gh-dev-{text}")


def test_digits_of_other_scripts_are_no_digits() -> None:
    assert not well_formed("gh-dev-" + "\u0661" * 38)


def test_the_shown_prefix_tells_keys_apart_and_gives_little_away() -> None:
    key = new_key("test")
    assert shown_prefix(key) == key[:12]
    assert key.startswith("gh-test-")
