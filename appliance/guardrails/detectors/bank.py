"""IBAN: a country's length, and its check digits."""

from collections.abc import Iterable

from appliance.guardrails.check_digits import mod_97
from appliance.guardrails.context import AFTER, label
from appliance.guardrails.pattern import Found, Match, Pattern

# SWIFT's IBAN registry, release 99.
_LENGTHS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18
FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20
LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24
SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
LENGTHS = {one[:2]: int(one[2:]) for one in _LENGTHS.split()}


def judge(match: Match) -> Iterable[Found]:
    """The candidate may have run on into the next words."""
    code, end = "", match.start
    compact = "".join(one for one in match.value[:8] if one.isalnum()).upper()
    length = LENGTHS.get(compact[:2])
    if length is None or match.before(1).isalnum():
        return
    for place in range(match.start, match.end):
        one = match.text[place]
        if one.isalnum():
            code += one
            end = place + 1
            if len(code) == length:
                break
    if len(code) != length or not code.isascii() or match.text[end : end + 1].isalnum():
        return
    if mod_97(code.upper()):
        yield Found("IBAN", 0.97, (match.start, end))
    elif label(match.text, match.start, end) == "IBAN":
        yield Found("IBAN", 0.45, (match.start, end))


PATTERNS = (
    Pattern(
        name="iban",
        types=("IBAN",),
        regex=r"\b[A-Za-z](?:[A-Za-z][0-9]{2}(?:[A-Za-z0-9]{11,30}"
        r"|(?:[ .\-]{1,3}[A-Za-z0-9]{4}){2,7}(?:[ .\-]{1,3}[A-Za-z0-9]{1,4})?)"
        r"|[ .\-][A-Za-z](?:[ .\-]{1,3}[0-9]){2}(?:[ .\-]{1,3}[A-Za-z0-9]){11,30})\b",
        judge=judge,
        length_max=140,
        looks_after=AFTER,
    ),
)
