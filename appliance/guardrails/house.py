"""Everything that this appliance looks for, put together once."""

from appliance.data import data_folder
from appliance.guardrails.detectors import ATTACK_DETECTORS, ATTACK_PATTERNS, DETECTORS, PATTERNS
from appliance.guardrails.guard import Guard, shipped
from appliance.guardrails.scanner import Scanner


def make_guard() -> Guard:
    """Takes a second, most of it RE2's: on a thread of its own."""
    return Guard(Scanner(PATTERNS, DETECTORS), Scanner(ATTACK_PATTERNS, ATTACK_DETECTORS), shipped(data_folder("policies")))
