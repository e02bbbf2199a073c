"""Numbers that engines misread: put right where a sum or form proves it, left alone where none does; places are carried along."""

import pytest

from appliance.files.document import Piece, Span
from appliance.gateway.file_misread import mended


def read(text: str) -> Piece:
    """As an engine gives it: each word has a place, the third of its page for its third character and so on."""
    spans, place = [], 0
    for word in text.replace("\n", " \n ").split(" "):
        if word == "\n":
            continue
        start = text.index(word, place)
        spans.append(Span(start, start + len(word), start / 1000, 0.1, (start + len(word)) / 1000, 0.2))
        place = start + len(word)
    return Piece(text, engine="tesseract", spans=spans)


@pytest.mark.parametrize(
    ("was_read", "right"),
    [
        ("IBAN NL59ABNA 3303 5317 96 today", "IBAN NL59ABNA3303531796 today"),
        ("IBAN DE89 37 0400440 532013 000", "IBAN DE89370400440532013000"),
        ("Pay to DE89 3704 OO44 0532 0l30 00.", "Pay to DE89370400440532013000."),
        ("IBAN FR14 2004 1010 0505 0001 3MO2 606", "IBAN FR1420041010050500013M02606"),
        ("Credit card 5555 5555 5555 4 444 09/27", "Credit card 5555555555554444 09/27"),
        ("Visa 4111 111111111111", "Visa 4111111111111111"),
        ("Card no. 4l11 1111 1111 1111", "Card no. 4111111111111111"),
        ("Aadhaar: 2341 23412 346", "Aadhaar: 234123412346"),
        ("PAN IOCPU9O84C", "PAN IOCPU9084C"),
        ("PAN: YPNCF29980", "PAN: YPNCF2998O"),
        ("SSN 5l9-28-4O73", "SSN 519-28-4073"),
        ("SSN: 519 -28- 4073", "SSN: 519-28-4073"),
        ("key AKIAWT5XFXN03QXBRDVX", "key AKIAWT5XFXNO3QXBRDVX"),
        ("Visa\n5555 5555\n5555 4444", "Visa\n5555555555554444"),
        ("Aadhaar no.\n2341 2341\n2346 is his", "Aadhaar no.\n234123412346 is his"),
        ("to DE89 3704 0044\n0532 0130 00", "to DE89370400440532013000"),
    ],
)
def test_what_check_digits_and_forms_prove_is_put_right(was_read: str, right: str) -> None:
    assert mended(read(was_read)).text == right


@pytest.mark.parametrize(
    "text",
    [
        "IBAN DE89 3704 0044 0532 0130 00",  # reads well
        "IBAN DE89 3704 0044 0532 0130 01",  # no IBAN
        "Visa 4111 1111 1111 1111",
        "Visa 4111 1111 1111 1112",
        "4111 11 111111 1 11 1 11",  # no card by its groups, and no word says so
        "order 4111 1111\n1111 1111 of today",  # a card's sum, in a table maybe
        "Totals 2341 23412 346",
        "model IOCPU9O84C",
        "part 5l9-28-4O73",
        "SSN 519-28-4073",
        "key AKIA9T5XFXN03QXBRDVX",  # a nine: not in base32, so its zero may be one
        "IOIOIOIOIOIOIO SOS SOS SOS BOO BOO",
        "12 345\n67 890\n11 222",
        "Order 6110481 42282018 of 2013-07 total 89773.51",  # an IBAN of Gibraltar, if one wants to see it
        "IBAN GB82 west 1234 5698 7654 33 and DE89 f704 0044 0532 0130 00",  # small letters, where none stand in one
    ],
)
def test_what_nothing_proves_stays_as_it_was_read(text: str) -> None:
    assert mended(read(text)).text == text


def test_places_stay_those_of_the_characters() -> None:
    piece = mended(read("Pay IBAN NL59ABNA 3303 5317 96 today, Visa 4111 111111111111"))
    assert piece.text == "Pay IBAN NL59ABNA3303531796 today, Visa 4111111111111111"
    told = {piece.text[span.start : span.end]: round(span.left * 1000) for span in piece.spans}
    assert told == {
        "Pay": 0, "IBAN": 4, "NL59ABNA": 9, "3303": 18, "5317": 23, "96": 28, "today,": 31, "Visa": 38, "4111": 43,
        "111111111111": 48,
    }  # fmt: skip
