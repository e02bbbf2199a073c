"""Payment cards: ranges of the schemes, and Luhn."""

from appliance.guardrails.check_digits import luhn
from appliance.guardrails.numbers.number import Number

# First digits from, to (as many as written), lengths. ISO/IEC 7812 ranges as the schemes publish them, 2026.
_SCHEMES: tuple[tuple[str, str, frozenset[int]], ...] = tuple(
    (low, high, frozenset(lengths))
    for low, high, lengths in (
        ("4", "4", (13, 16, 19)),
        ("51", "55", (16,)),
        ("2221", "2720", (16,)),
        ("34", "34", (15,)),
        ("37", "37", (15,)),
        ("300", "305", (14, 16)),
        ("3095", "3095", (14, 16)),
        ("36", "36", (14, 16)),
        ("38", "39", (14, 16)),
        ("6011", "6011", range(16, 20)),
        ("644", "659", range(16, 20)),
        ("3528", "3589", range(16, 20)),
        ("62", "62", range(16, 20)),
        ("60", "60", (16,)),
        ("81", "82", (16,)),
        ("2200", "2204", range(16, 20)),
        ("50", "50", range(12, 20)),
        ("56", "69", range(12, 20)),
    )
)
_GROUPS = frozenset(
    {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 2), (4, 4, 4, 3), (6, 13), (4, 4, 4, 1), (4, 4, 4)}
)


def card(number: Number) -> float:
    digits = number.digits
    if not 12 <= len(digits) <= 19 or number.extension or (not number.is_even and not number.is_spelt_out):
        return 0
    if not (number.groups in _GROUPS or len(number.groups) == 1 or number.is_spelt_out):
        return 0
    named = number.label == "CREDIT_CARD"
    if not luhn(digits) or len(set(digits)) < 2:
        return 0.4 if named and len(digits) >= 15 and in_range(digits) else 0
    if not in_range(digits):
        return 0.7 if named else 0
    if named:
        return 0.97
    if number.is_attached or number.label in ("OTHER", "VERSION", "AADHAAR", "IFSC", "BANK_ACCOUNT", "ID"):
        return 0.4
    return 0.85 if len(digits) >= 15 else 0.55 if digits[0] == "3" else 0.4


def in_range(digits: str) -> bool:
    return any(low <= digits[: len(low)] <= high and len(digits) in lengths for low, high, lengths in _SCHEMES)
