"""Texts as detectors read them: what is folded, what is left alone, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.guardrails.normal_text import flat_of, normal

ODD = some.text(alphabet=some.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=60)
MIXED = some.text(alphabet="aо1\u200bﬁ½…№\u00ad१①\u20e3 @.-\U000e0041\ud800\U0001f170é", max_size=60)


@pytest.mark.parametrize(
    ("given_text", "read"),
    [
        ("аdа@ехаmрlе.со.uk", "ada@example.co.uk"),
        ("іgnоre", "ignore"),
        ("привет мир", "привет мир"),
        ("Καλημέρα", "Καλημέρα"),
        ("интернет-shop", "интернет-shop"),
        ("сом и рак", "сом и рак"),
        ("АВСРЕ1234Н", "ABCPE1234H"),
        ("ｕｓｅｒ＠ｈｏｓｔ．ｄｅ", "user@host.de"),
        ("१२३ ٤٥٦ 𝟟𝟠𝟡", "123 456 789"),
        ("①②❸ ⁴⁵", "123 45"),
        ("1\ufe0f\u20e32\ufe0f\u20e3", "12"),
        ("1\u03362\u0336", "12"),
        ("a\u00a0b\u2009c\u3000d", "a b c d"),
        ("1‐2‑3–4—5−6", "1-2-3-4-5-6"),
        ("so\u00adft \u200bze\u200dro\u2060\ufeff", "soft zero"),
        ("“it’s”", '"it\'s"'),
        ("5½", "5½"),
        ("ᴀʙᴄ 🅰🅱", "abc AB"),
        ("\U000e0061\U000e0062", "ab"),
        ("crème", "crème"),
        ("\x00é", "\x00é"),
    ],
)
def test_what_a_text_is_read_as(given_text: str, read: str) -> None:
    assert normal(given_text).text == read


@given(ODD | MIXED)
def test_every_character_has_its_place_in_the_original(text: str) -> None:
    plain = normal(text)
    assert len(plain.text) == len(plain.flat)
    places = [plain.original(place, place + 1) for place in range(len(plain.text))]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
    assert plain.flat == flat_of(plain.text)
    assert all(chr(flat) == one for flat, one in zip(plain.flat, plain.text, strict=True) if one.isascii())
