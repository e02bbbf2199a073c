"""Everything that this appliance looks for, put together once."""

from collections.abc import Callable

from appliance.data import data_folder
from appliance.guardrails import encoded
from appliance.guardrails.detectors import (
    bank,
    card_secrets,
    contact,
    dates,
    india,
    injection,
    jailbreak,
    medical,
    nations,
    network,
    numbers,
)
from appliance.guardrails.detectors.injection_model import attack_scanner
from appliance.guardrails.detectors.names import Names
from appliance.guardrails.guard import Guard
from appliance.guardrails.pattern import Pattern
from appliance.guardrails.policy_files import shipped
from appliance.guardrails.scanner import Scanner
from appliance.guardrails.secret_patterns import secret_patterns

PII = (contact, numbers, india, nations, network, dates, medical, bank, card_secrets)
ATTACKS = (injection, jailbreak)


def value_patterns(is_own_key: Callable[[str], bool]) -> tuple[Pattern, ...]:
    """Of identifiers and secrets, also where they are encoded. `is_own_key`: the checksum of this appliance's API keys fits."""
    plain = (*(pattern for room in PII for pattern in room.PATTERNS), *secret_patterns(is_own_key))
    types = tuple(sorted({kind for pattern in plain for kind in pattern.types}))
    return (*plain, *encoded.patterns(Scanner(plain), types))


def make_guard(is_own_key: Callable[[str], bool]) -> Guard:
    """Takes half a second, most of it RE2's: on a thread of its own."""
    attacks = attack_scanner([pattern for room in ATTACKS for pattern in room.PATTERNS])
    return Guard(Scanner(value_patterns(is_own_key), [Names()]), attacks, shipped(data_folder("policies")))
