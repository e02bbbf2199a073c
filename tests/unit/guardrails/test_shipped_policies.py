"""The policies that ship: each rule's own examples, and what the documented one makes of its example."""

from collections.abc import Iterator

import pytest

from appliance.data import data_folder
from appliance.guardrails.guard import Guard
from appliance.guardrails.house import make_guard
from appliance.guardrails.policy_examples import caught
from appliance.guardrails.policy_files import shipped
from appliance.identity.key_format import new_key, well_formed

POLICIES = {policy.name: policy for policy in shipped(data_folder("policies"))}
NAMES = ("default", "dpdp", "gdpr", "hipaa", "off", "pci-dss", "strict")


@pytest.fixture(scope="module")
def guard() -> Guard:
    return make_guard(well_formed)


def examples(kind: str) -> list[tuple[str, int, str]]:
    return list(_examples(kind))


def _examples(kind: str) -> Iterator[tuple[str, int, str]]:
    for policy in POLICIES.values():
        for number, rule in enumerate(policy.form.rules):
            yield from ((policy.name, number, text) for text in getattr(rule, kind))


def test_these_ship() -> None:
    assert tuple(sorted(POLICIES)) == NAMES


@pytest.mark.parametrize(("name", "number", "text"), examples("must_catch"))
def test_a_rule_catches_its_examples(guard: Guard, name: str, number: int, text: str) -> None:
    policy = POLICIES[name]
    assert caught(guard, policy, policy.form.rules[number], text)


@pytest.mark.parametrize(("name", "number", "text"), examples("must_pass"))
def test_a_rule_lets_its_examples_pass(guard: Guard, name: str, number: int, text: str) -> None:
    policy = POLICIES[name]
    assert caught(guard, policy, policy.form.rules[number], text) == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != "off"])
def test_the_documented_example_finds_one_number_in_every_policy_but_off(guard: Guard, name: str) -> None:
    verdict = guard.judged("Test content with PII: 123-45-6789", POLICIES[name], "input")
    assert [(one.type, one.start, one.end) for one in verdict.findings] == [("US_SSN", 23, 34)]
    assert guard.judged("Test content with PII: 123-45-6789", POLICIES["off"], "input").findings == []


def test_a_key_of_this_appliance_is_a_secret_and_one_with_a_wrong_checksum_is_none(guard: Guard) -> None:
    key = new_key("production")
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    for text, blocked in ((f"use {key} for now", True), (f"use {wrong} for now", False)):
        found = [one.type for one in guard.judged(text, POLICIES["default"], "input").findings]
        assert ("SECRET_GATEHOUSE" in found) is blocked


def test_every_type_that_a_policy_names_is_one_that_something_finds(guard: Guard) -> None:
    known = {one.type for one in guard.looked_for()}
    for policy in POLICIES.values():
        for named in {kind for rule in policy.form.rules for kind in rule.types} - {"PII", "SECRETS", "ATTACKS", "CUSTOM"}:
            found = [kind for kind in known if kind == named or (named.endswith("*") and kind.startswith(named[:-1]))]
            assert found, f"{policy.name} names {named}"
