"""All detectors of identifiers together, as policies run them: which of two remains, encoded values, and harmless texts."""

import base64

import pytest

from appliance.guardrails import encoded
from appliance.guardrails.detectors import bank, contact, dates, india, medical, nations, network, numbers
from appliance.guardrails.pattern import Pattern
from appliance.guardrails.scanner import Scanner
from tests.unit.guardrails.samples import scanner_of, told

TABLES: tuple[tuple[Pattern, ...], ...] = tuple(
    room.PATTERNS for room in (contact, numbers, india, nations, network, dates, medical, bank)
)
PLAIN = scanner_of(*TABLES)
SCANNER = Scanner([*PLAIN.patterns, *encoded.patterns(PLAIN, tuple({kind for one in PLAIN.patterns for kind in one.types}))])


def test_the_documented_example_is_one_number() -> None:
    (found,) = SCANNER.find("Test content with PII: 123-45-6789")
    assert (found.type, found.start, found.end) == ("US_SSN", 23, 34)
    assert found.score >= 0.5


@pytest.mark.parametrize(
    "card", ["4111 1111 1111 1111", "4111111111111112", "4111 1111 1111 1112", "1112-3412-3412-3461", "6011 2341 2341 2346"]
)
def test_the_tail_of_a_card_is_no_aadhaar_whether_it_is_a_card_or_not(card: str) -> None:
    assert not [one for one in SCANNER.find(f"paid with {card} today") if one.type == "AADHAAR"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("ada@example.org", "EMAIL"),
        ("219-09-9999", "US_SSN"),
        ("4111111111111111", "CREDIT_CARD"),
        ("2341 2341 2346", "AADHAAR"),
        ("ABCPE1234F", "PAN"),
        ("DE89370400440532013000", "IBAN"),
    ],
)
def test_an_encoded_value_is_found_where_its_code_stands(value: str, kind: str) -> None:
    data = value.encode()
    for code in (
        base64.b64encode(data).decode(),
        data.hex(),
        "".join(f"%{one:02X}" for one in data),
        "".join(f"&#{one};" for one in data),
    ):
        assert told(SCANNER, f"note {code} for the file") == [f"{kind} {code}"]


def test_a_text_of_many_kinds() -> None:
    text = (
        "Ada, born 12/05/1984, SSN 219-09-9999, writes from ada@example.org (203.0.113.7) or +44 20 7946 0958; "
        "pays with 4111-1111-1111-1111 or DE89 3704 0044 0532 0130 00; UPI ada@okaxis, PAN ABCPE1234F."
    )
    assert told(SCANNER, text) == [
        "DATE_OF_BIRTH 12/05/1984",
        "US_SSN 219-09-9999",
        "EMAIL ada@example.org",
        "IP_ADDRESS 203.0.113.7",
        "PHONE +44 20 7946 0958",
        "CREDIT_CARD 4111-1111-1111-1111",
        "IBAN DE89 3704 0044 0532 0130 00",
        "UPI_ID ada@okaxis",
        "PAN ABCPE1234F",
    ]


HARMLESS = """
order number 123-45-6789 shipped
Upgrade from 12.16.40.2 to 1.57.70.9; build 10.53.34.12 is broken
Consignment 2341 2341 2346 was sent
UTR 234123412346 credited
[20/Nov/2025:10:22:11 +0000] "GET /a/b HTTP/1.1" 200 1234567
2025-11-20T10:22:11.123456789Z INFO took 12345678 ns
uuid 550e8400-e29b-41d4-a716-446655440000, sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709
import numpy as np; x = np.array([1234567890, 2876543210, 123456789])
| 1234567 | 7654321 | 9876543 |
const RE = /^[A-Z]{5}[0-9]{4}[A-Z]$/;  // ABCDE1234F
the constant 6.02214076 and 299792458 m/s, 8.31446261815324
EAN 4006381333931, ISBN 978-3-16-148410-0
IMEI 490154203237518
$1,234,567.89 and ₹98,76,54,321
12.971598, 77.594566
The GSTIN format is 15 characters; the PAN is inside it.
data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA
pip install requests==2.31.0 numpy==1.26.4
ssh user@host; git clone git@github.com:ada/x.git
@property def a(self): ...
Tuesday 12 May 2020, then 13 May 2020
the 2019-2020 season ended 3-2
ABC1234567 is a parcel of ours
Windows 10.0.19045.3570 and Chrome/120.0.6099.109
Please dial 911 or 112
Section 12.3.4.5 of the code
Room 101, floor 3, building 12, 2nd street 1234567
""".strip().splitlines()


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_texts_have_no_findings(text: str) -> None:
    assert told(SCANNER, text) == []
