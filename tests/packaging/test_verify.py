"""The verifier that a bundle brings along: Ed25519 in plain Python, and the look at every file."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tests.packaging.bundles import INSTALLER, ROOT, loaded

verify = loaded(INSTALLER / "verify.py")
sign = loaded(ROOT / "packaging/bundle.py").sign

# RFC 8032, 7.1: TEST 1, 2, 3 and SHA(abc): public key, message, signature
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]
# Points of small order, and encodings that stand for no point: as keys they would sign anything.
ODD_POINTS = [bytes(32), b"\x01" + bytes(31), b"\xff" * 32, bytes(31) + b"\x80", (2**255 - 19).to_bytes(32, "little")]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_examples_of_rfc_8032_are_signed(key: str, message: str, signature: str) -> None:
    assert verify.is_signed(*map(bytes.fromhex, (key, message, signature)))


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), at=st.integers(0, 63), mask=st.integers(0, 255))
def test_it_says_what_cryptography_says(seed: bytes, message: bytes, at: int, mask: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    signature = bytearray(private.sign(message))
    signature[at] ^= mask
    key = private.public_key().public_bytes_raw()
    assert verify.is_signed(key, message, bytes(signature)) == _cryptography_says(key, message, bytes(signature)) == (mask == 0)


@given(key=st.binary(min_size=32, max_size=32), signature=st.binary(min_size=64, max_size=64))
def test_noise_is_not_signed(key: bytes, signature: bytes) -> None:
    assert not verify.is_signed(key, b"message", signature)


@pytest.mark.parametrize("point", ODD_POINTS)
def test_a_signature_whose_scalar_is_too_large_is_refused(point: bytes) -> None:
    assert not verify.is_signed(point, b"message", point + verify.ORDER.to_bytes(32, "little"))


def test_a_signature_of_another_length_is_refused() -> None:
    key, message, signature = map(bytes.fromhex, VECTORS[1])
    assert not verify.is_signed(key, message, signature[:-1])
    assert not verify.is_signed(key, message, signature + b"\0")
    assert not verify.is_signed(key[:-1], message, signature)


def _cryptography_says(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.fixture
def folder(tmp_path: Path, strange_key: Ed25519PrivateKey) -> Path:
    """A small bundle."""
    made = tmp_path / "bundle"
    (made / "wheels").mkdir(parents=True)
    (made / "MANIFEST").write_text("name=small\n")
    (made / "wheels/a-1.0+local-py3-none-any.whl").write_bytes(b"a wheel")
    sign(made, strange_key)
    return made


def test_a_whole_folder_tells_whose_key_signed_it(folder: Path, strange_key: Ed25519PrivateKey) -> None:
    assert verify.verified_key(folder) == strange_key.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    "name", ["MANIFEST", "wheels/a-1.0+local-py3-none-any.whl", "SHA256SUMS", "SHA256SUMS.sig", "signing-key.pub"]
)
def test_any_file_that_is_changed_or_missing_is_noticed(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 40)):
        (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(verify.Refused):
            verify.verified_key(folder)
    (folder / name).unlink()
    with pytest.raises(verify.Refused, match="missing"):
        verify.verified_key(folder)


@pytest.mark.parametrize("name", ["evil.py", "wheels/b-1.0-py3-none-any.whl", "wheels/.hidden", "new/file"])
def test_a_file_too_many_is_noticed(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    with pytest.raises(verify.Refused, match="not part of the bundle"):
        verify.verified_key(folder)


@pytest.mark.parametrize("target", ["/etc/hostname", "MANIFEST", "wheels", "nowhere"])
def test_a_link_is_noticed(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    with pytest.raises(verify.Refused, match="link"):
        verify.verified_key(folder)


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", "a//b", "./MANIFEST", "a b", ".hidden", "a\\b", ""])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(verify.Refused, match="can't be"):
        verify.parsed(f"{'0' * 64}  {name}\n")


def test_a_name_that_is_listed_twice_is_refused() -> None:
    with pytest.raises(verify.Refused):
        verify.parsed(f"{'0' * 64}  a\n{'1' * 64}  a\n")


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_refused(pem: str) -> None:
    with pytest.raises(verify.Refused, match="no Ed25519 public key"):
        verify.public_key_of(pem)
