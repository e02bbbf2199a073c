"""Keys without a fixed beginning whose form tells them all the same: bots' tokens, and those with a mark at their end."""

import binascii
from collections.abc import Iterable
from functools import partial

from appliance.guardrails.dummies import is_filled_in
from appliance.guardrails.entropy import bits, classes
from appliance.guardrails.grouped_pattern import grouped
from appliance.guardrails.pattern import Found, Match, Pattern
from appliance.guardrails.token_forms import stands_alone

_EDGE = r"(?:^|[^0-9A-Za-z_.-]|\\[nrt]|%[0-9A-F]{2}|=|\[[0-9;]{1,9}m)"


def _telegram(match: Match) -> Iterable[Found]:
    start, end = match.span(1)
    body = match.text[start:end].partition(":")[2]
    if not stands_alone(match, start, end) or is_filled_in(body) or classes(body) < 2 or bits(body) < 3.0:
        return []
    return [Found("SECRET_TELEGRAM", 0.95 if body.startswith("AA") else 0.6, (start, end))]


def _discord(match: Match) -> Iterable[Found]:
    """The first part is the bot's number, in base64."""
    start, end = match.span(1)
    value = match.text[start:end]
    head = value.partition(".")[0]
    try:
        number = binascii.a2b_base64(head.replace("-", "+").replace("_", "/") + "=" * (-len(head) % 4))
    except binascii.Error:
        return []
    if not number[:16].isdigit() or is_filled_in(value.rpartition(".")[2]) or not stands_alone(match, start, end):
        return []
    return [Found("SECRET_DISCORD", 0.95, (start, end))]


def _ending(kind: str, score: float, match: Match) -> Iterable[Found]:
    start, end = match.span(1)
    value = match.text[start:end]
    if not stands_alone(match, start, end) or is_filled_in(value) or bits(value) < 2.8:
        return []
    return [Found(kind, score, (start, end))]


def _sentry(match: Match) -> Iterable[Found]:
    return [] if is_filled_in(match.group(1)) else [Found("SECRET_SENTRY", 0.7)]


PATTERNS: tuple[Pattern, ...] = (
    grouped(
        name="telegram",
        types=("SECRET_TELEGRAM",),
        regex=_EDGE + r"(?:bot)?([0-9]{8,10}:[0-9A-Za-z_-]{33,36})",
        judge=_telegram,
        length_max=67,
        looks_after=1,
    ),
    grouped(
        name="discord",
        types=("SECRET_DISCORD",),
        regex=_EDGE + r"([MNO][0-9A-Za-z_-]{22,27}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,40})",
        judge=_discord,
        length_max=96,
        looks_after=1,
    ),
    grouped(
        name="mailchimp",
        types=("SECRET_MAILCHIMP",),
        regex=_EDGE + r"([0-9a-f]{32}-us[0-9]{1,2})",
        judge=partial(_ending, "SECRET_MAILCHIMP", 0.9),
        length_max=54,
        looks_after=1,
    ),
    grouped(
        name="mailgun",
        types=("SECRET_MAILGUN",),
        regex=_EDGE + r"([0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})",
        judge=partial(_ending, "SECRET_MAILGUN", 0.85),
        length_max=68,
        looks_after=1,
    ),
    grouped(
        name="new_relic_licence",
        types=("SECRET_NEW_RELIC",),
        regex=_EDGE + r"((?:eu01x)?[0-9a-fx]{30,40}NRAL)",
        judge=partial(_ending, "SECRET_NEW_RELIC", 0.9),
        length_max=68,
        looks_after=1,
    ),
    grouped(
        name="asana",
        types=("SECRET_ASANA",),
        regex=_EDGE + r"([012]/[0-9]{12,20}(?:/[0-9]{12,20})?:[0-9a-f]{32})",
        judge=partial(_ending, "SECRET_ASANA", 0.9),
        length_max=96,
        looks_after=1,
    ),
    grouped(
        name="sentry_dsn",
        types=("SECRET_SENTRY",),
        regex=r"https?://([0-9a-f]{32})(?::[0-9a-f]{32})?@[0-9A-Za-z.-]{4,80}/[0-9]{1,20}",
        judge=_sentry,
        length_max=206,
    ),
)
