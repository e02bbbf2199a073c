"""Gatehouse's own API keys. Their checksum is `identity`'s, a room beside this one: whoever makes the scanner brings it along."""

from collections.abc import Callable, Iterable

from appliance.guardrails.pattern import Found, Match, Pattern
from appliance.guardrails.token_forms import stands_alone


def own_keys(check: Callable[[str], bool]) -> Pattern:
    """check: its checksum fits; a value whose checksum doesn't is a key of nobody."""

    def judge(match: Match) -> Iterable[Found]:
        if not stands_alone(match, match.start, match.end) or not check(match.value):
            return []
        return [Found("SECRET_GATEHOUSE", 1.0)]

    return Pattern(
        name="own_keys",
        types=("SECRET_GATEHOUSE",),
        regex="gh-(?:prod|stag|dev|test)-[0-9A-Za-z]{38}",
        judge=judge,
        length_max=46,
        looks_after=1,
    )
