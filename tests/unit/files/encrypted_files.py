"""Encrypted Office files made for tests, by the steps of [MS-OFFCRYPTO] 2.3.4.

Files that msoffcrypto-tool 6.1.0 encrypts (agile) open in our reader as these do (tried on 2026-11-27).
"""

import base64
import hashlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ROUNDS = 1_000
SALT, DATA_SALT, SECRET, VERIFIER = (bytes([fill]) * size for fill, size in ((1, 16), (2, 16), (3, 32), (4, 16)))


def compound(streams: dict[str, bytes], *, loop: bool = False) -> bytes:
    """A compound file of version 3 with sectors of 512 bytes. loop: its first stream goes round for ever."""
    body, table, entries = b"", [], [_entry("Root Entry", 5, 0xFFFFFFFE, 0)]
    for name, data in streams.items():
        padded = data.ljust(max(4_096, -(-len(data) // 512) * 512), b"\0")
        start, count = len(table), len(padded) // 512
        table += [*range(start + 1, start + count), 0xFFFFFFFE]
        body += padded
        entries.append(_entry(name, 2, start, max(len(data), 4_096)))
    directory = b"".join(entries).ljust(-(-len(entries) // 4) * 512, b"\0")
    first, count = len(table), len(directory) // 512
    table += [*range(first + 1, first + count), 0xFFFFFFFE]
    tables = -(-(len(table) + 1) // 127)
    places = list(range(len(table), len(table) + tables))
    if loop:
        table[0] = 0
    raw = b"".join(struct.pack("<I", each) for each in (*table, *[0xFFFFFFFD] * tables)).ljust(tables * 512, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<IIIIIIIII", tables, first, 0, 4_096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, places[0])
    header += b"".join(struct.pack("<I", each) for each in places[1:])
    return header.ljust(512, b"\xff") + body + directory + raw


def _entry(name: str, kind: int, start: int, size: int) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    return (
        raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), kind, 1) + b"\xff" * 12 + bytes(36) + struct.pack("<IQ", start, size)
    )


def _locked(key: bytes, data: bytes, mode: modes.CBC | modes.ECB) -> bytes:
    encryptor = Cipher(algorithms.AES(key), mode).encryptor()
    return encryptor.update(data.ljust(-(-len(data) // 16) * 16, b"\0")) + encryptor.finalize()


def _slow(hashing: str, password: str, rounds: int) -> bytes:
    value = hashlib.new(hashing, SALT + password.encode("utf-16-le")).digest()
    for number in range(rounds):
        value = hashlib.new(hashing, struct.pack("<I", number) + value).digest()
    return value


def agile(data: bytes, password: str, *, rounds: int = ROUNDS, claimed: int | None = None) -> bytes:
    slow = _slow("sha512", password, rounds)

    def value(block: str, content: bytes) -> str:
        key = hashlib.sha512(slow + bytes.fromhex(block)).digest()[:32]
        return base64.b64encode(_locked(key, content, modes.CBC(SALT))).decode()

    salts = [base64.b64encode(each).decode() for each in (SALT, DATA_SALT)]
    same = (
        "blockSize='16' keyBits='256' hashSize='64' cipherAlgorithm='AES' cipherChaining='ChainingModeCBC' hashAlgorithm='SHA512'"
    )
    xml = (
        "<encryption xmlns='http://schemas.microsoft.com/office/2006/encryption'>"
        f"<keyData saltSize='16' {same} saltValue='{salts[1]}'/><keyEncryptors><keyEncryptor>"
        "<p:encryptedKey xmlns:p='http://schemas.microsoft.com/office/2006/keyEncryptor/password' "
        f"spinCount='{claimed or rounds}' saltSize='16' {same} saltValue='{salts[0]}' "
        f"encryptedVerifierHashInput='{value('fea7d2763b4b9e79', VERIFIER)}' "
        f"encryptedVerifierHashValue='{value('d7aa0f6d3061344e', hashlib.sha512(VERIFIER).digest())}' "
        f"encryptedKeyValue='{value('146e0be7abacd0d6', SECRET)}'/></keyEncryptor></keyEncryptors></encryption>"
    )
    package = struct.pack("<Q", len(data))
    for number, at in enumerate(range(0, len(data), 4_096)):
        start = hashlib.sha512(DATA_SALT + struct.pack("<I", number)).digest()[:16]
        package += _locked(SECRET, data[at : at + 4_096], modes.CBC(start))
    return compound({"EncryptionInfo": struct.pack("<HHI", 4, 4, 0x40) + xml.encode().ljust(4_096), "EncryptedPackage": package})


def standard(data: bytes, password: str) -> bytes:
    last = hashlib.sha1(_slow("sha1", password, 50_000) + bytes(4)).digest()
    key = hashlib.sha1(bytes(byte ^ 0x36 for byte in last.ljust(64, b"\0"))).digest()[:16]
    header = struct.pack("<IIIIIIII", 0x24, 0, 0x660E, 0x8004, 128, 0x18, 0, 0) + "AES\0".encode("utf-16-le")
    verifier = struct.pack("<I", 16) + SALT + _locked(key, VERIFIER, modes.ECB())
    verifier += struct.pack("<I", 20) + _locked(key, hashlib.sha1(VERIFIER).digest(), modes.ECB())
    info = struct.pack("<HHII", 3, 2, 0x24, len(header)) + header + verifier
    return compound({"EncryptionInfo": info, "EncryptedPackage": struct.pack("<Q", len(data)) + _locked(key, data, modes.ECB())})
