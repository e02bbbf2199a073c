"""Certificates: a small authority of this appliance's own, and the leaf that its HTTPS listener shows.

The authority may only vouch for private addresses, for names of local networks, and for what this machine was called when
it was made (critical name constraints): whoever trusts it need not fear that it speaks for a bank.
Sources: RFC 5280 (4.2.1.9 basic and 4.2.1.10 name constraints), and Apple's rule that a leaf may last 825 days at most.
"""

import datetime
import ipaddress

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.lan.addresses import Whereabouts

AUTHORITY_DAYS = 3650
LEAF_DAYS = 90
RENEW_DAYS = 30  # a leaf with less than this left is replaced
BACKDATED = datetime.timedelta(days=1)  # for colleagues whose clocks are slow
ALWAYS_NAMES = ("localhost",)
ALWAYS_ADDRESSES = ("127.0.0.1", "::1")
LOCAL_DOMAINS = ("localhost", "local", "lan", "internal", "home.arpa")
PRIVATE_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)


class Pair(msgspec.Struct, frozen=True):
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:  # the key must not reach a log through a repr
        return f"Pair({fingerprint(self.certificate)})"


def make_authority(place: Whereabouts, at_ms: int) -> Pair:
    """An authority for this machine, valid ten years."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Gatehouse CA of {place.names[0] if place.names else 'this machine'}, made {_moment(at_ms):%Y-%m-%d}")
    public = key.public_key()
    builder = _builder(name, name, public, at_ms, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(x509.NameConstraints(_permitted(place), None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def make_leaf(authority: Pair, place: Whereabouts, at_ms: int) -> Pair:
    """What the HTTPS listener shows: for every address and name of the machine that the authority may vouch for."""
    ca = x509.load_pem_x509_certificate(authority.certificate)
    ca_key = serialization.load_pem_private_key(authority.key, None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [name for name in dict.fromkeys((*place.names, *ALWAYS_NAMES)) if covers(ca, name)]
    addresses = [address for address in dict.fromkeys((*place.addresses, *ALWAYS_ADDRESSES)) if covers(ca, address)]
    subjects = [x509.DNSName(name) for name in names] + [x509.IPAddress(ipaddress.ip_address(text)) for text in addresses]
    builder = _builder(_name(names[0][:64]), ca.subject, key.public_key(), at_ms, LEAF_DAYS, latest=ca.not_valid_after_utc)
    builder = builder.add_extension(x509.SubjectAlternativeName(subjects), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    ca_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = builder.add_extension(ca_id, critical=False)
    return _pair(builder.sign(ca_key, hashes.SHA256()), key)


def needs_renewal(leaf: bytes, authority: bytes, place: Whereabouts, at_ms: int) -> bool:
    """Is this leaf no longer right: near its end, not valid yet (the clock was set back), of another authority or place?"""
    try:
        certificate, ca = x509.load_pem_x509_certificate(leaf), x509.load_pem_x509_certificate(authority)
        certificate.verify_directly_issued_by(ca)
        subjects = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # whatever is wrong with the file: a new one mends it
        return True
    now, end = _moment(at_ms), certificate.not_valid_after_utc
    if end < ca.not_valid_after_utc:  # else no leaf of this authority can last longer
        end -= datetime.timedelta(days=RENEW_DAYS)
    if not certificate.not_valid_before_utc <= now <= end:
        return True
    shown = {*subjects.get_values_for_type(x509.DNSName), *map(str, subjects.get_values_for_type(x509.IPAddress))}
    wanted = {*place.names, *place.addresses, *ALWAYS_NAMES, *ALWAYS_ADDRESSES}
    return shown != {subject for subject in wanted if covers(ca, subject)}


def belong_together(leaf: bytes, key: bytes) -> bool:
    """Is this the private key of this certificate? A crash may have left files of two different pairs."""
    try:
        certificate = x509.load_pem_x509_certificate(leaf)
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError):
        return False
    return certificate.public_key() == private.public_key()


def covers(ca: x509.Certificate, subject: str) -> bool:
    """May this authority vouch for this name or address?"""
    permitted = ca.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    try:
        address = ipaddress.ip_address(subject)
    except ValueError:
        domains = [entry.value for entry in permitted if isinstance(entry, x509.DNSName)]
        return any(subject == domain or subject.endswith(f".{domain}") for domain in domains)
    networks = [entry.value for entry in permitted if isinstance(entry, x509.IPAddress)]
    return any(
        isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network)
        and network.version == address.version
        and address in network
        for network in networks
    )


def not_covered(authority: bytes, place: Whereabouts) -> list[str]:
    """The addresses and names of the machine that came after the authority was made, and that it can't vouch for."""
    ca = x509.load_pem_x509_certificate(authority)
    return [subject for subject in (*place.addresses, *place.names) if not covers(ca, subject)]


def is_valid_at(certificate: bytes, at_ms: int) -> bool:
    loaded = x509.load_pem_x509_certificate(certificate)
    return loaded.not_valid_before_utc <= _moment(at_ms) <= loaded.not_valid_after_utc


def expires_at_ms(certificate: bytes) -> int:
    """The moment after which it is void, in UTC milliseconds."""
    return int(x509.load_pem_x509_certificate(certificate).not_valid_after_utc.timestamp() * 1000)


def fingerprint(certificate: bytes) -> str:
    """SHA-256 over the DER form, as people compare it: `AB:CD:…`, 32 pairs."""
    return x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def der(certificate: bytes) -> bytes:
    """The same certificate in the binary form that Windows and Android open by a click."""
    return x509.load_pem_x509_certificate(certificate).public_bytes(serialization.Encoding.DER)


def _permitted(place: Whereabouts) -> list[x509.GeneralName]:
    domains = dict.fromkeys((*LOCAL_DOMAINS, *place.names))
    networks = [ipaddress.ip_network(text) for text in PRIVATE_NETWORKS]
    own = [ipaddress.ip_network(address) for address in place.addresses]
    more = [network for network in own if not any(network.version == n.version and n.supernet_of(network) for n in networks)]  # type: ignore[arg-type]  # same version
    return [*(x509.DNSName(domain) for domain in domains), *(x509.IPAddress(network) for network in (*networks, *more))]


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    at_ms: int,
    days: int,
    latest: datetime.datetime | None = None,
) -> x509.CertificateBuilder:
    start = _moment(at_ms) - BACKDATED
    end = start + datetime.timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end if latest is None else min(end, latest))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Gatehouse"), x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])]
    )


def _moment(at_ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at_ms // 1000, datetime.UTC)


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
