"""Encrypted DOCX files, opened with their password: agile encryption (since Office 2010) and standard encryption (2007).

Source: [MS-OFFCRYPTO] 2.3.4.5 to 2.3.4.15. The data's own signature isn't checked: what comes out is read without trust anyway.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from appliance.files.document import FileError
from appliance.files.reading.docx_compound import Compound
from appliance.files.reading.docx_xml import get, kind_of, parsed

ROUNDS_MAX = 1_000_000  # Office makes 100,000; a file may claim ten million, a minute's work
_HASHES = {"SHA1": "sha1", "SHA-1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_INPUT, _VALUE, _KEY = (bytes.fromhex(each) for each in ("fea7d2763b4b9e79", "d7aa0f6d3061344e", "146e0be7abacd0d6"))
_SEGMENT = 4_096
_STANDARD_ROUNDS = 50_000


def decrypted(data: bytes, password: str | None) -> bytes:
    """The ZIP inside. Errors: FileError ENCRYPTED (no password, a wrong one, a way that isn't known), MALFORMED."""
    if not password:
        raise FileError("ENCRYPTED", "The document is encrypted.", "Give its password, or save it without one.")
    compound = Compound(data)
    info, package = compound.stream("EncryptionInfo"), compound.stream("EncryptedPackage")
    if len(info) < 8 or len(package) < 8:
        raise _unknown()
    try:
        way = int.from_bytes(info[:2], "little"), int.from_bytes(info[2:4], "little")
        if way == (4, 4):
            return _agile(info[8:], package, password)
        if way[1] == 2 and way[0] in {2, 3, 4}:
            return _standard(info[8:], package, password)
    except (ValueError, KeyError, binascii.Error, IndexError) as error:
        raise FileError("MALFORMED", "The encrypted document is damaged.", "Save it anew and send that.") from error
    raise _unknown()


def _agile(xml: bytes, package: bytes, password: str) -> bytes:
    elements = {kind_of(element).rpartition(":")[2]: element for element in parsed(xml).iter()}
    data, key = elements["keyData"], elements["encryptedKey"]
    for each in (data, key):
        if get(each, "cipherAlgorithm") != "AES" or get(each, "cipherChaining") != "ChainingModeCBC":
            raise _unknown()
    hashing, salt, key_bytes = _HASHES[get(key, "hashAlgorithm")], _value(key, "saltValue"), int(get(key, "keyBits")) // 8
    rounds = int(get(key, "spinCount"))
    if not 0 <= rounds <= ROUNDS_MAX:
        raise _unknown()
    slow = _slow(hashing, salt, password, rounds)

    def opened(name: str, block: bytes) -> bytes:
        derived = hashlib.new(hashing, slow + block).digest()[:key_bytes].ljust(key_bytes, b"\x36")
        return _unlocked(derived, _value(key, name), modes.CBC(salt[:16].ljust(16, b"\x36")))

    expected = hashlib.new(hashing, opened("encryptedVerifierHashInput", _INPUT)[: int(get(key, "saltSize"))]).digest()
    if not hmac.compare_digest(expected, opened("encryptedVerifierHashValue", _VALUE)[: len(expected)]):
        raise _wrong()
    secret = opened("encryptedKeyValue", _KEY)[:key_bytes]
    data_salt, data_hashing = _value(data, "saltValue"), _HASHES[get(data, "hashAlgorithm")]
    parts = []
    for number, at in enumerate(range(8, len(package), _SEGMENT)):
        start = hashlib.new(data_hashing, data_salt + number.to_bytes(4, "little")).digest()[:16].ljust(16, b"\x36")
        parts.append(_unlocked(secret, package[at : at + _SEGMENT], modes.CBC(start)))
    return b"".join(parts)[: int.from_bytes(package[:8], "little")]


def _standard(info: bytes, package: bytes, password: str) -> bytes:
    header = int.from_bytes(info[:4], "little")
    key_bytes = (int.from_bytes(info[20:24], "little") or 128) // 8
    if int.from_bytes(info[12:16], "little") not in {0x660E, 0x660F, 0x6610, 0}:
        raise _unknown()
    verifier = info[4 + header :]
    slow = _slow("sha1", verifier[4:20], password, _STANDARD_ROUNDS)
    last = hashlib.sha1(slow + bytes(4)).digest()
    halves = (hashlib.sha1(bytes(byte ^ fill for byte in last.ljust(64, b"\0"))).digest() for fill in (0x36, 0x5C))
    key = b"".join(halves)[:key_bytes]
    expected = hashlib.sha1(_unlocked(key, verifier[20:36], modes.ECB())).digest()
    if not hmac.compare_digest(expected, _unlocked(key, verifier[40:72], modes.ECB())[:20]):
        raise _wrong()
    return _unlocked(key, package[8:], modes.ECB())[: int.from_bytes(package[:8], "little")]


def _slow(hashing: str, salt: bytes, password: str, rounds: int) -> bytes:
    value = hashlib.new(hashing, salt + password[:255].encode("utf-16-le")).digest()
    for number in range(rounds):
        value = hashlib.new(hashing, number.to_bytes(4, "little") + value).digest()
    return value


def _unlocked(key: bytes, data: bytes, mode: Any) -> bytes:
    decryptor = Cipher(algorithms.AES(key), mode).decryptor()
    return decryptor.update(data[: len(data) // 16 * 16]) + decryptor.finalize()


def _value(element: Any, name: str) -> bytes:
    return base64.b64decode(get(element, name), validate=True)


def _wrong() -> FileError:
    return FileError("ENCRYPTED", "The password is not the document's.", "Give the right one, or save it without one.")


def _unknown() -> FileError:
    return FileError("ENCRYPTED", "The document is encrypted in a way that isn't known.", "Save it without a password.")
