"""Ids that callers see: a word that says what it is, and 120 random bits."""

import base64
import re
import secrets

_ID = re.compile(r"[a-z]+_[a-z2-7]{24}")


def new_id(word: str) -> str:
    """`key_…`, `user_…`: lower case, so that one read aloud is one typed in."""
    return f"{word}_{base64.b32encode(secrets.token_bytes(15)).decode().lower()}"


def looks_like_an_id(text: str) -> bool:
    """Of whatever kind."""
    return _ID.fullmatch(text) is not None
