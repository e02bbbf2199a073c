"""Telephone numbers: with a country's code as libphonenumber knows them; of India and North America as they are written there;
any other where the words beside it say so."""

import re
from functools import lru_cache

from appliance.guardrails.numbers.number import Number

_DATES = re.compile(
    r"[0-9]{4}[-.][0-9]{1,2}[-.][0-9]{1,2}(?: [0-9]{1,2})?|[0-9]{1,2}[-.][0-9]{1,2}[-.](?:19|20)[0-9]{2}(?: [0-9]{1,2})?"
)
_FOUR_OCTETS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_NORTH_AMERICA = re.compile(r"(?:1[-. ]?)?(?:\([2-9][0-9]{2}\)[-. ]{0,2}|[2-9][0-9]{2}[-. ])[2-9][0-9]{2}[-. ][0-9]{4}")
_INDIA = re.compile(
    r"\(?(?:91|0)?\)?[-. ]?[6-9](?:[0-9]{4}[-. ]?[0-9]{5}|[0-9]{2}[-. ][0-9]{3}[-. ][0-9]{4}|[0-9]{3}[-.][0-9]{4}[-.][0-9]{2,3})"
)
_TRUNK = re.compile(r"0[6-9][0-9]{2}[-. ][0-9]{4}[-. ][0-9]{3}")
_FRANCE = re.compile(r"0[1-9](?:[-. ][0-9]{2}){4}")
_SPACED_TRUNK = re.compile(r"\(?0[1-9][0-9]{1,4}\)?[- ][0-9]{3,4}[- ]?[0-9]{3,4}")
GAP_MAX = 24  # from a word such as `phone` to what does not look like one
_FOREIGN = frozenset(
    {"OTHER", "VERSION", "ID", "MRN", "US_SSN", "BANK_ACCOUNT", "AADHAAR", "CREDIT_CARD", "PASSPORT", "US_ITIN", "UK_NHS"}
)


def phone(number: Number) -> float:
    digits, value = number.digits, number.value[: len(number.value) - number.extension]
    if not 7 <= len(digits) <= 16 or len(set(digits)) < 3 or _DATES.fullmatch(value) or _FOUR_OCTETS.fullmatch(value):
        return 0
    named = number.label == "PHONE"
    if value.lstrip("(")[0] == "+":
        return _international(number, value)
    if number.label in _FOREIGN or (number.is_attached and not named):
        return 0.3 if _shape(number, value) else 0
    shape = _shape(number, value)
    if named:
        return 0.9 if shape else 0.7 if len(digits) <= 15 and number.label_gap <= GAP_MAX and _regular(number) else 0
    return shape


def _regular(number: Number) -> bool:
    """1.000.000 and 2024 2025 are no telephone's."""
    return number.separators != {"."} or number.groups[-1] > 3 or len(number.groups) == 2


def _international(number: Number, value: str) -> float:
    digits = number.digits
    if (value.startswith("+ ") and not number.is_spelt_out) or not 8 <= len(digits) <= 16 or digits[0] == "0":
        return 0
    if number.label == "PHONE":
        return 0.95
    national = "".join(one for one in value.replace("(0)", "") if one.isdigit())
    return 0.9 if _valid(national) else 0.6


def _shape(number: Number, value: str) -> float:
    """How much it looks like one by itself."""
    digits = number.digits
    if _NORTH_AMERICA.fullmatch(value):
        return 0.75 if value[0] == "(" else 0.7
    if _INDIA.fullmatch(value) or _TRUNK.fullmatch(value):
        return 0.7 if len(number.groups) > 1 else 0.55 if len(digits) < 12 else 0.5
    if _FRANCE.fullmatch(value):
        return 0.65
    if number.is_spelt_out and len(digits) in (10, 11, 12) and not number.label:
        mobile = digits[-10] in "6789" and digits[:-10] in ("", "0", "91")
        american = digits[-10] in "23456789" and digits[-7] in "23456789" and digits[:-10] in ("", "1")
        return 0.55 if mobile or american else 0
    if digits.startswith("00") and len(digits) >= 10 and _valid(digits[2:]):
        return 0.65
    return 0.5 if _SPACED_TRUNK.fullmatch(value) and 9 <= len(digits) <= 12 and len(number.groups) > 1 else 0


def _valid(digits: str) -> bool:
    """Whether a country's plan has such a number: its code first, no plus."""
    for length in (1, 2, 3):
        plans = _plans(int(digits[:length]))
        if plans:
            national = digits[length:]
            return any(plan.fullmatch(national) for plan in plans)
    return False


@lru_cache(maxsize=1024)
def _plans(code: int) -> tuple[re.Pattern[str], ...]:
    """Of the countries with this code; the library takes a while to load, and each country's numbers a little."""
    import phonenumbers

    found = []
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ()):
        if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
            data = phonenumbers.PhoneMetadata.metadata_for_nongeo_region(code)
        else:
            data = phonenumbers.PhoneMetadata.metadata_for_region(region)
        pattern = data.general_desc.national_number_pattern if data and data.general_desc else None
        if pattern:
            found.append(re.compile(pattern))
    return tuple(found)
