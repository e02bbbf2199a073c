"""Verification codes, PINs and track data of cards."""

import pytest

from appliance.guardrails.detectors.card_secrets import PATTERNS
from appliance.guardrails.scanner import Scanner

SCANNER = Scanner(PATTERNS)
TRACK1 = "%B4111111111111111^DOE/JANE^29121011000000000000?"
TRACK2 = ";4111111111111111=29121011000000?"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Card 4111 1111 1111 1111, CVV 123, valid 12/29", "CARD_CVV", "123"),
        ("the cvc2 is 4321.", "CARD_CVV", "4321"),
        ('{"cvv": "907"}', "CARD_CVV", "907"),
        ("card_cvc=123&x=1", "CARD_CVV", "123"),
        ("card security code: 123", "CARD_CVV", "123"),
        ("My ATM PIN is 4821", "CARD_PIN", "4821"),
        ("debit card pin: 123456", "CARD_PIN", "123456"),
        (f"swiped {TRACK1} today", "CARD_TRACK", TRACK1),
        (f"swiped {TRACK2} today", "CARD_TRACK", TRACK2),
    ],
)
def test_they_are_found(text: str, kind: str, value: str) -> None:
    assert [(one.type, text[one.start : one.end]) for one in SCANNER.find(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "What is a CVV?",
        "The CVV has 3 digits on most cards, 4 on others.",
        "cvv 12345",
        "cvv 12",
        "cvv2.5.1 of the library",
        "PIN code 560001",
        "The card pin is 3.25 mm long",
        "card pin 12-34",
        ";4111111111111112=29121011000000?",
        "a;b=1;1234=5",
        "PIN your favourite card, 1234 of them",
    ],
)
def test_what_only_speaks_of_them_passes(text: str) -> None:
    assert SCANNER.find(text) == []
