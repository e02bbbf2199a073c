"""What names and e-mail addresses may look like, and when two of them are the same."""

import unicodedata

import msgspec

from appliance.errors import InvalidField

NAME_CHARACTERS_MAX = 200
EMAIL_CHARACTERS_MAX = 254
_LOCAL_CHARACTERS_MAX = 64
# Joiners are part of how names are written in Devanagari, Persian and others; other format characters (bidi controls,
# byte order marks, tags) only serve to make a name look like another.
_JOINERS = "\u200c\u200d"
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Email(msgspec.Struct, frozen=True):
    """`shown` is as it was written; `key` is the same for every spelling of one address."""

    shown: str
    key: str


def clean_name(value: str, param: str = "name") -> str:
    """A name without space around it. Errors: InvalidField."""
    if len(value) > NAME_CHARACTERS_MAX:
        raise InvalidField(f"{param} is longer than {NAME_CHARACTERS_MAX} characters", param=param, fix="Choose a shorter one.")
    _refuse_unprintable(value, param)
    name = unicodedata.normalize("NFC", value).strip()
    if not name.strip(_JOINERS):
        raise InvalidField(f"{param} is empty", param=param, fix="Give it at least one character.")
    return name


def clean_email(value: str, param: str = "email") -> Email:
    """An address and its key: NFKC and casefolded, so that one mailbox is one account. Errors: InvalidField."""
    shown = value.strip() if len(value) <= 2 * EMAIL_CHARACTERS_MAX else value
    if len(shown) > EMAIL_CHARACTERS_MAX:
        raise InvalidField(
            f"{param} is longer than {EMAIL_CHARACTERS_MAX} characters", param=param, fix="Send an e-mail address."
        )
    _refuse_unprintable(shown, param)
    # Casefolding may undo the normal form, so it is made once more.
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    if not _is_address(shown) or not _is_address(key):
        raise InvalidField(f"{param} is not an e-mail address", param=param, fix="Send one such as name@example.com.")
    return Email(shown, key)


def _is_address(text: str) -> bool:
    local, at, domain = text.partition("@")
    if not at or not local or len(local) > _LOCAL_CHARACTERS_MAX or "@" in domain or '"' in text:
        return False
    if any(character.isspace() for character in text) or local.startswith(".") or local.endswith(".") or ".." in text:
        return False
    return all(label and not label.startswith("-") and not label.endswith("-") for label in domain.split("."))


def _refuse_unprintable(text: str, param: str) -> None:
    for character in text:
        if unicodedata.category(character) in _REFUSED_CATEGORIES and character not in _JOINERS:
            raise InvalidField(
                f"{param} holds a character that can't be seen or is not valid (U+{ord(character):04X})",
                param=param,
                fix="Leave it out.",
            )
