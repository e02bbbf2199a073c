"""Signed and sealed tokens of the web: JWT, PASETO, and keys written as JSON (JWK)."""

import binascii
from collections.abc import Iterable

from appliance.guardrails.dummies import is_filled_in
from appliance.guardrails.grouped_pattern import grouped
from appliance.guardrails.pattern import Found, Match, Pattern

_HEADER_MAX = 2_000


def decoded(part: str) -> bytes:
    """Base64 of either alphabet, as far as it goes; empty where it is none."""
    plain = part.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return binascii.a2b_base64(plain[: len(plain) // 4 * 4 if len(plain) % 4 == 1 else None] + "=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _jwt(match: Match) -> Iterable[Found]:
    head, payload = match.group(1), match.group(2)
    header = decoded(head[:_HEADER_MAX])
    if not (header.startswith(b"{") and (b'"alg"' in header or b'"enc"' in header or b'"typ"' in header)):
        return []
    if payload and is_filled_in(payload):
        return []
    return [Found("SECRET_JWT", 0.95 if match.group(3) else 0.6)]


def _paseto(match: Match) -> Iterable[Found]:
    return [] if is_filled_in(match.group(1)) else [Found("SECRET_JWT", 0.85)]


def _jwk(match: Match) -> Iterable[Found]:
    """The private part of a key: its other fields stand close by."""
    around = match.before(400) + match.after(400)
    if '"kty"' not in around and '\\"kty\\"' not in around:
        return []
    start, end = match.span(1)
    return [Found("SECRET_PRIVATE_KEY", 0.9, (start, end))]


PATTERNS: tuple[Pattern, ...] = (
    grouped(
        name="jwt",
        types=("SECRET_JWT",),
        regex=r"(e[yw][0-9A-Za-z_=-]{14,})\.(e[yw][0-9A-Za-z_=-]{8,})"
        r"(\.[0-9A-Za-z_=-]{8,})?",
        judge=_jwt,
        length_max=4_500,
    ),
    grouped(
        name="jwe",
        types=("SECRET_JWT",),
        regex=r"(eyJ[0-9A-Za-z_=-]{14,})\.([0-9A-Za-z_=-]*)\.([0-9A-Za-z_=-]{8,}\.[0-9A-Za-z_=-]{8,}\.[0-9A-Za-z_=-]{16,})",
        judge=_jwt,
        length_max=2_900,
    ),
    grouped(
        name="paseto",
        types=("SECRET_JWT",),
        regex=r"\b(?:v[1-4]\.(?:local|public)|k[1-4]\.(?:local|secret)(?:-pw)?)\.([0-9A-Za-z_-]{32,})(?:\.[0-9A-Za-z_-]+)?",
        judge=_paseto,
        length_max=1_350,
    ),
    grouped(
        name="jwk",
        types=("SECRET_PRIVATE_KEY",),
        regex=r"""["']\s{0,2}[dk]\\?["']\s{0,4}:\s{0,4}\\?["']([0-9A-Za-z_-]{22,})""",
        judge=_jwk,
        length_max=920,
        looks_after=400,
    ),
)
