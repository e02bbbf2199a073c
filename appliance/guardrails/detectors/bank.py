"""IBAN: a country's length, and its check digits."""

from collections.abc import Iterable

from appliance.guardrails.check_digits import mod_97
from appliance.guardrails.context import AFTER, label
from appliance.guardrails.pattern import Found, Match, Pattern

# SWIFT's IBAN registry, release 99.
LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18,
    "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23,
    "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28,
    "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip


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
        regex=r"\b[A-Za-z](?:[A-Za-z][0-9]{2}(?:[A-Za-z0-9]{11,30}|(?:[ .\-]{1,3}[A-Za-z0-9]{4}){2,7}(?:[ .\-]{1,3}[A-Za-z0-9]{1,4})?)"
        r"|[ .\-][A-Za-z](?:[ .\-]{1,3}[0-9]){2}(?:[ .\-]{1,3}[A-Za-z0-9]){11,30})\b",
        judge=judge,
        length_max=140,
        looks_after=AFTER,
    ),
)
