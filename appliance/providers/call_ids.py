"""Ids of tool calls that outlive a change of vendor: Gemini's signature travels inside one, and any id can be made safe.

    call_4f1c-ts-CiQB…      what callers see: the vendor's id, "-ts-", then the signature as base64url without padding

A client that keeps only the fields it knows still hands the id back, and the signature with it. Every provider takes
the signature off (`plain`) before an id reaches a vendor; only Google reads it (`signature_in`).
"""

import base64
import binascii
import hashlib
import re

MARK = "-ts-"
ID_CHARS_MAX = 64

_SAFE = re.compile(rf"[a-zA-Z0-9_-]{{1,{ID_CHARS_MAX}}}")
_URL_ALPHABET = re.compile(r"[A-Za-z0-9_-]+")


def plain(call_id: str) -> str:
    """The id without a signature: what a vendor is sent."""
    at = _mark_at(call_id)
    return call_id if at < 0 else call_id[:at]


def signature_in(call_id: str) -> str | None:
    """The signature that the id carries, as its vendor wrote it (base64 with padding); None where there is none."""
    at = _mark_at(call_id)
    if at < 0:
        return None
    text = call_id[at + len(MARK) :]
    try:
        return base64.b64encode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).decode()
    except (ValueError, binascii.Error):
        return None


def with_signature(call_id: str, signature: str) -> str:
    """The id with the signature in it. A signature that isn't base64 is left out: it could not be read back."""
    try:
        proof = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return call_id
    return f"{call_id}{MARK}{base64.urlsafe_b64encode(proof).decode().rstrip('=')}" if proof else call_id


def safe(call_id: str) -> str:
    """An id that every vendor takes (`^[a-zA-Z0-9_-]{1,64}$`), the same for the same id each time. Without a signature."""
    call_id = plain(call_id)
    if _SAFE.fullmatch(call_id):
        return call_id
    return "call_" + hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _mark_at(call_id: str) -> int:
    """Where the signature begins, or -1. The first mark: base64url may hold one too, a vendor's id before it doesn't."""
    at = call_id.find(MARK)
    return at if at > 0 and _URL_ALPHABET.fullmatch(call_id, at + len(MARK)) else -1
