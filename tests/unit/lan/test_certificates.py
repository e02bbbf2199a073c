"""The authority and its leaves, looked at with the libraries that clients use."""

import datetime
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from appliance.lan import certificates
from appliance.lan.addresses import Whereabouts
from appliance.lan.certificates import Pair

DAY_MS = 86_400_000
NOW = int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
PLACE = Whereabouts(("192.168.1.5", "fd00::5", "203.0.113.9"), ("gateway.example.org", "gateway", "gateway.local"))


@pytest.fixture(scope="module")
def authority() -> Pair:
    return certificates.make_authority(PLACE, NOW)


def handshake(leaf: Pair, authority: bytes, name: str, folder: Path) -> None:
    """A client that trusts `authority` alone calls `name`. Errors: ssl.SSLError."""
    chain, key = folder / "leaf.pem", folder / "leaf.key"
    chain.write_bytes(leaf.certificate)
    key.write_bytes(leaf.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as tls:
                tls.recv(1)
        except (ssl.SSLError, OSError):
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client = ssl.create_default_context(cadata=authority.decode())
        with client.wrap_socket(ours, server_hostname=name):
            pass
    finally:
        ours.close()
        thread.join(10)


@pytest.mark.parametrize("name", [*PLACE.addresses, *PLACE.names, "localhost", "127.0.0.1", "::1"])
def test_clients_accept_every_address_and_name_of_the_machine(authority: Pair, name: str, tmp_path: Path) -> None:
    handshake(certificates.make_leaf(authority, PLACE, NOW), authority.certificate, name, tmp_path)


def test_clients_refuse_another_name(authority: Pair, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificates.make_leaf(authority, PLACE, NOW), authority.certificate, "192.168.1.6", tmp_path)


def test_an_authority_that_was_stolen_cannot_speak_for_a_bank(
    authority: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name constraints are what clients obey, not only we."""
    monkeypatch.setattr(certificates, "covers", lambda ca, subject: True)
    stolen = certificates.make_leaf(authority, Whereabouts(("8.8.8.8",), ("bank.example.com",)), NOW)
    for name in ("bank.example.com", "8.8.8.8", "localhost"):
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
            handshake(stolen, authority.certificate, name, tmp_path)


def test_the_leaf_leaves_out_what_the_authority_cannot_vouch_for_and_says_so(authority: Pair) -> None:
    moved = Whereabouts(("10.1.2.3", "198.51.100.7"), ("gateway", "other"))
    assert certificates.not_covered(authority.certificate, moved) == ["198.51.100.7", "other"]
    leaf = certificates.make_leaf(authority, moved, NOW)
    subjects = x509.load_pem_x509_certificate(leaf.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert set(subjects.value.get_values_for_type(x509.DNSName)) == {"gateway", "localhost"}
    assert not certificates.needs_renewal(leaf.certificate, authority.certificate, moved, NOW)


def test_a_leaf_is_replaced_when_it_is_no_longer_right(authority: Pair) -> None:
    leaf, ca = certificates.make_leaf(authority, PLACE, NOW).certificate, authority.certificate

    def is_due(place: Whereabouts = PLACE, at: int = NOW, by: bytes = ca, shown: bytes = leaf) -> bool:
        return certificates.needs_renewal(shown, by, place, at)

    assert not is_due()
    assert not is_due(at=NOW + 58 * DAY_MS)
    assert is_due(at=NOW + 60 * DAY_MS)  # 30 days are left
    assert is_due(at=NOW - 3 * DAY_MS)  # the clock was set back: not valid yet
    assert is_due(Whereabouts(("192.168.1.6",), PLACE.names))
    assert is_due(Whereabouts(PLACE.addresses, ("renamed.local",)))
    assert is_due(by=certificates.make_authority(PLACE, NOW).certificate)
    for broken in (b"", b"garbage", leaf[:-40], leaf[:300] + b"\x00" + leaf[301:]):
        assert is_due(shown=broken)


def test_a_key_of_another_certificate_is_noticed(authority: Pair) -> None:
    one, other = certificates.make_leaf(authority, PLACE, NOW), certificates.make_leaf(authority, PLACE, NOW)
    assert certificates.belong_together(one.certificate, one.key)
    assert not certificates.belong_together(one.certificate, other.key)
    assert not certificates.belong_together(one.certificate, b"")
    assert not certificates.belong_together(b"", one.key)


def test_a_leaf_outlives_neither_825_days_nor_its_authority(authority: Pair) -> None:
    leaf = x509.load_pem_x509_certificate(certificates.make_leaf(authority, PLACE, NOW).certificate)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= datetime.timedelta(days=825)
    late = certificates.make_leaf(authority, PLACE, NOW + 3600 * DAY_MS)
    assert certificates.expires_at_ms(late.certificate) == certificates.expires_at_ms(authority.certificate)


def test_a_pair_does_not_show_its_key(authority: Pair) -> None:
    assert "PRIVATE" not in repr(authority)
    assert "PRIVATE" not in f"{authority}"


@pytest.mark.parametrize("name", ["x" * 63, "a-b.c-d.local"])
def test_long_names_fit(name: str) -> None:
    place = Whereabouts((), (f"{name}.{'y' * 63}.{'z' * 63}", name))
    authority = certificates.make_authority(place, NOW)
    assert not certificates.not_covered(authority.certificate, place)
    certificates.make_leaf(authority, place, NOW)
