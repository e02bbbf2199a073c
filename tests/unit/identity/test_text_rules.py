import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InvalidField
from appliance.identity.text_rules import EMAIL_CHARACTERS_MAX, NAME_CHARACTERS_MAX, clean_email, clean_name

SAME_MAILBOX = [
    "test@example.com",
    "TEST@EXAMPLE.COM",
    "Test@Example.com",
    " test@example.com ",
    "\uff54\uff45\uff53\uff54@example.com",  # full-width letters
    "te\u017ft@example.com",  # the long s
    "test@\u24d4xample.com",  # a circled e
]


def test_every_spelling_of_one_mailbox_has_one_key() -> None:
    assert {clean_email(spelling).key for spelling in SAME_MAILBOX} == {"test@example.com"}


def test_composed_and_decomposed_letters_are_one_mailbox() -> None:
    assert clean_email("zo\u00eb@example.com").key == clean_email("zoe\u0308@example.com").key


def test_an_address_is_shown_as_it_was_written() -> None:
    assert clean_email(" Test+News@Example.COM ").shown == "Test+News@Example.COM"


def test_a_plus_makes_another_mailbox_since_not_every_server_drops_it() -> None:
    assert clean_email("test+a@example.com").key != clean_email("test@example.com").key


@pytest.mark.parametrize("address", ["a@b", "root@localhost", "o'hara@example.com", "日本@例え.jp", "a.b-c_d@x.co"])
def test_unusual_addresses_are_taken(address: str) -> None:
    assert clean_email(address).shown == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "test",
        "@example.com",
        "test@",
        "test@@example.com",
        "a@b@c",
        "te st@example.com",
        "test@exam ple.com",
        "test@example..com",
        "test@.example.com",
        "test@example.com.",
        ".test@example.com",
        "test.@example.com",
        "test@-example.com",
        '"te st"@example.com',
        "test\x00@example.com",
        "test@example.com\u202e",
        "te\ud800st@example.com",
        "\ufeff@example.com",
        "a\uff20b@example.com",  # a full-width @ would make two of them
        "a\u2025b@example.com",  # a two-dot leader is two dots
        f"{'x' * 65}@example.com",
        f"x@{'e' * EMAIL_CHARACTERS_MAX}.com",
        "x" * 1_000_000,
    ],
)
def test_what_is_no_address_is_refused_with_the_field(address: str) -> None:
    with pytest.raises(InvalidField) as refused:
        clean_email(address)
    assert refused.value.param == "email"
    assert len(refused.value.message) < 200


JOINED = ["\u0645\u06cc\u200c\u062e\u0648", "\u0915\u094d\u200d\u0937"]  # Persian and Devanagari, written with joiners


@pytest.mark.parametrize("name", ["Ada", "O'Brien-Łukasz", "<b>Bobby</b>", "'; DROP TABLE users; --", "孫", *JOINED])
def test_names_as_people_have_them_are_taken(name: str) -> None:
    assert clean_name(name) == name


EMPTY = ["", "   ", "\u200d"]
ENDLESS = ["x" * 201, "x" * 1_000_000]
HIDING = [
    *("a\x00b", "a\nb", "a\x1b[31mb", "a\x7fb", "a\u202eb", "a\u2066b", "a\u200eb"),
    *("a\ufeffb", "a\u2028b", "\ud800", "\U000e0041"),
]


@pytest.mark.parametrize("name", [*EMPTY, *ENDLESS, *HIDING])
def test_names_that_are_empty_hide_something_or_never_end_are_refused(name: str) -> None:
    with pytest.raises(InvalidField) as refused:
        clean_name(name)
    assert refused.value.param == "name"
    assert len(refused.value.message) < 200


def test_a_name_is_kept_in_one_form_without_space_around_it() -> None:
    assert clean_name("  Zoe\u0308 ") == "Zo\u00eb"


@given(st.text())
def test_a_name_is_clean_or_refused_and_cleaning_twice_changes_nothing(text: str) -> None:
    try:
        name = clean_name(text)
    except InvalidField:
        return
    assert clean_name(name) == name
    assert 1 <= len(name) <= 3 * NAME_CHARACTERS_MAX
    name.encode()


@given(st.one_of(st.text(max_size=300), st.emails(), st.from_regex(r"\A\w{1,10}@\w{1,10}\Z")))
def test_an_address_is_clean_or_refused_and_its_key_has_one_form(text: str) -> None:
    try:
        email = clean_email(text)
    except InvalidField:
        return
    assert clean_email(email.key).key == email.key
    assert clean_email(email.shown).key == email.key
    assert email.key.count("@") == 1
    email.key.encode()
