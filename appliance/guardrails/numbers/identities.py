"""Numbers of persons: Aadhaar, the United States' SSN and ITIN, the United Kingdom's NHS; and of accounts and passports, where
the words beside them say so."""

from appliance.guardrails.check_digits import nhs, verhoeff
from appliance.guardrails.numbers.number import Number

_ITIN_GROUPS = frozenset([*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)])
_FOREIGN = frozenset({"OTHER", "VERSION", "MRN", "BANK_ACCOUNT", "PASSPORT"})


def aadhaar(number: Number) -> float:
    """Twelve digits, the first no 0 or 1; or its virtual number, sixteen."""
    digits, named = number.digits, number.label == "AADHAAR"
    if number.extension or number.value[0] in "+(" or not verhoeff(digits) or digits[0] in "01" or digits == digits[::-1]:
        return 0
    if len(digits) == 16:
        return 0.9 if named else 0
    if len(digits) != 12 or not (number.groups in ((12,), (4, 4, 4)) or number.is_spelt_out or named):
        return 0
    if named:
        return 0.97
    if number.label or number.is_attached:
        return 0.4
    return 0.75 if number.groups == (4, 4, 4) and number.is_even else 0.6


def ssn(number: Number) -> float:
    digits, named = number.digits, number.label == "US_SSN"
    if len(digits) != 9 or number.extension or number.value[0] in "+(":
        return 0
    written = number.groups == (3, 2, 4) and number.is_even
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    issued = area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"
    if named:
        return 0.97 if issued else 0.8 if written else 0.6
    if not issued or not (written or number.is_spelt_out):
        return 0
    if number.is_spelt_out and number.separators == {" "} and digits == "123456789":  # counted
        return 0
    if number.label in _FOREIGN or number.is_attached:
        return 0.4
    return 0.75 if "-" in number.separators else 0.55


def itin(number: Number) -> float:
    digits, named = number.digits, number.label == "US_ITIN"
    if len(digits) != 9 or digits[0] != "9" or int(digits[3:5]) not in _ITIN_GROUPS or number.extension:
        return 0
    if named:
        return 0.97
    if number.label == "US_SSN":
        return 0.7
    written = number.groups == (3, 2, 4) and number.separators == {"-"}
    return 0.6 if written and not number.label and not number.is_attached else 0


def uk_nhs(number: Number) -> float:
    if len(number.digits) != 10 or not nhs(number.digits) or number.label != "UK_NHS":
        return 0
    return 0.95


def account(number: Number) -> float:
    fits = 9 <= len(number.digits) <= 18 and number.is_even and not number.extension and number.value[0] not in "+("
    return 0.7 if number.label == "BANK_ACCOUNT" and fits else 0


def passport(number: Number) -> float:
    return 0.75 if number.label == "PASSPORT" and len(number.groups) == 1 and 8 <= len(number.digits) <= 9 else 0
