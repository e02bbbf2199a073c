"""Is this folder what its publisher signed? Python's standard library alone, since nothing is installed yet.

    python verify.py FOLDER

SHA256SUMS lists every file but itself and its signature; SHA256SUMS.sig signs it with Ed25519 (RFC 8032), and
signing-key.pub is the key. A key that comes with the bundle proves that nothing was damaged or swapped since it was
signed, not who signed it: compare its fingerprint with the publisher's.
"""

import base64
import binascii
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LISTED = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"
KEY = "signing-key.pub"
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._+-]*(?:/[A-Za-z0-9][A-Za-z0-9._+-]*)*)")
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")
_DER_HEAD = bytes.fromhex("302a300506032b6570032100")  # "an Ed25519 key follows" (RFC 8410)


class Refused(Exception):
    """The folder must not be installed. `fix` says what to do."""

    def __init__(self, message: str, fix: str = "Copy the bundle again, from where it was published.") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


# Ed25519: the curve -x² + y² = 1 + d x² y² over the integers modulo P, its points as (X, Y, Z, T), x = X/Z, y = Y/Z, T = XY/Z.
Point = tuple[int, int, int, int]
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL: Point = (0, 1, 1, 0)


def _add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(scalar: int, point: Point) -> Point:
    result = NEUTRAL
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _same(p: Point, q: Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def _point(data: bytes) -> Point | None:
    """The point that 32 bytes stand for, or None where they stand for none (RFC 8032, 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE: Point = _point(bytes.fromhex("58" + "66" * 31)) or NEUTRAL


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Did the key's owner sign the message? (RFC 8032, 5.1.7)"""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, commitment = _point(public_key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    return _same(_times(scalar, BASE), _add(commitment, _times(challenge, key)))


def public_key_of(pem: str) -> bytes:
    """The 32 bytes of a public key in PEM. Errors: Refused."""
    match = _PEM.fullmatch(pem.strip())
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True) if match else b""
    except binascii.Error:
        der = b""
    if len(der) != 44 or not der.startswith(_DER_HEAD):
        raise Refused("that is no Ed25519 public key in PEM form")
    return der[12:]


def fingerprint(public_key: bytes) -> str:
    """What two people compare by telephone."""
    digest = hashlib.sha256(public_key).hexdigest()
    return ":".join(digest[at : at + 4] for at in range(0, 64, 4))


def verified_key(folder: Path) -> bytes:
    """The public key that signed everything in the folder, all of it looked at.

    Errors:  Refused: a file is missing, changed, or not listed; the list is not signed by the key beside it.
    """
    listed = _read(folder, LISTED)
    key = public_key_of(_read(folder, KEY).decode("ascii", "replace"))
    if not is_signed(key, listed, _read(folder, SIGNATURE)):
        raise Refused(f"the signature of {LISTED} is not right: the list was changed, or damaged")
    sums = parsed(listed.decode("ascii", "replace"))
    found = set(_files_below(folder)) - {LISTED, SIGNATURE}
    if extra := sorted(found - set(sums)):
        raise Refused(f"{extra[0]!r} is not part of the bundle", "Unpack the bundle anew, into an empty folder.")
    if missing := sorted(set(sums) - found):
        raise Refused(f"{missing[0]} is missing")
    for name, expected in sums.items():
        if sha256_of(folder / name) != expected:
            raise Refused(f"{name} is not as it was signed: it is damaged, or was changed")
    return key


def _read(folder: Path, name: str) -> bytes:
    try:
        with (folder / name).open("rb") as file:
            return file.read(1_000_000)
    except OSError:
        raise Refused(f"{name} is missing") from None


def parsed(listed: str) -> dict[str, str]:
    """Names and their sums. Errors: Refused where a line is not a sum and a name that stays inside the folder."""
    sums: dict[str, str] = {}
    for line in listed.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match[2] in sums:
            raise Refused(f"{LISTED} has a line that can't be: {line[:100]!r}")
        sums[match[2]] = match[1]
    return sums


def _files_below(folder: Path) -> Iterator[str]:
    def give_up(error: OSError) -> None:
        raise Refused(f"{error.filename} can't be read: {error.strerror}")

    for where, folders, files in os.walk(folder, onerror=give_up):
        for name in [*folders, *files]:
            path = Path(where, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise Refused(f"{path} is a link or something else that a bundle doesn't hold")
        for name in files:
            yield Path(where, name).relative_to(folder).as_posix()


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        print(f"intact; signed by {fingerprint(verified_key(Path(sys.argv[1])))}")
    except Refused as refused:
        sys.exit(f"Refused: {refused.message}\n  Fix: {refused.fix}")
