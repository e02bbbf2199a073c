"""Everything that this appliance looks for, put together once."""

from appliance.data import data_folder
from appliance.guardrails.detectors import ATTACK_DETECTORS, ATTACK_PATTERNS, DETECTORS, PATTERNS
from appliance.guardrails.guard import Guard, shipped
from appliance.guardrails.scanner import Scanner
from appliance.home import CannotStart


def check_policy(name: str) -> None:
    """That it is one of those that ship. Errors: CannotStart."""
    names = sorted(path.stem for path in data_folder("policies").glob("*.toml"))
    if name not in names:
        raise CannotStart(f"guardrail_policy is {name!r}, and there is no such policy.", f"Choose one of {', '.join(names)}.")


def make_guard() -> Guard:
    """Takes a second, most of it RE2's: on a thread of its own."""
    return Guard(Scanner(PATTERNS, DETECTORS), Scanner(ATTACK_PATTERNS, ATTACK_DETECTORS), shipped(data_folder("policies")))
