"""What must hold of all secrets detectors on any text: they end in time, never raise, point into the text."""

import base64
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.guardrails.detectors import private_keys
from appliance.guardrails.dummies import is_filled_in, is_placeholder
from appliance.guardrails.entropy import bits, changes, is_random
from appliance.guardrails.grouped_pattern import _ungrouped
from appliance.guardrails.scanner import Scanner
from tests.unit.guardrails.secret_values import SCANNER, drawn, secrets_of, values_of

NOISE = random.Random(7)
REPEATS = {
    "long base64": "".join(NOISE.choice("ABCDEFabcdefghijklmnop0123456789+/") for _ in range(4_000)),
    "long base64url": "".join(NOISE.choice("ABCDEFabcdefghijklmnop0123456789-_") for _ in range(4_000)),
    "long hex": "".join(NOISE.choice("0123456789abcdef") for _ in range(4_000)),
    "base64 lines": "aB3+" * 16 + "\n",
    "password:": "password:",
    "password: ": "password: ",
    'password": "': 'password": "',
    "password = x,": "password = x,",
    "password for ": "password for ",
    "token=": "token=",
    "api_key = '": "api_key = '",
    "keykeykey": "key",
    "secret_": "secret_",
    "BEGIN": "-----BEGIN ",
    "begun keys": "-----BEGIN RSA PRIVATE KEY-----",
    "begun certificates": "-----BEGIN CERTIFICATE-----\n",
    "ended keys": "-----END PRIVATE KEY-----",
    "dashes": "-",
    "putty": "PuTTY-User-Key-File-2: a\n",
    "eyJ": "eyJ",
    "eyJ.": "eyJhbGciOiJIUzI1NiJ9.",
    "eyJ dots": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0",
    "sk-": "sk-",
    "ghp_": "ghp_",
    "AKIA": "AKIA",
    "SG.": "SG.",
    "xoxb-": "xoxb-1",
    "dp.pt.": "dp.pt.",
    "1:": "12345678:",
    "://": "a://",
    "://:": "a://b:",
    "://:@": "a://b:c@",
    "Bearer ": "Bearer ",
    "Authorization: ": "Authorization: Bearer ",
    "curl ": "curl ",
    "curl -u": "curl -u a:",
    "mysql ": "mysql ",
    "docker -p": "docker login ",
    "user password": "user x password ",
    "kty": '"kty":"d":"',
    "quotes": "\"'",
    "backslashes": "\\",
    "ampersands": "&quot;",
    "hindi": "पासवर्ड: ",
    "hindi words": "पासवर्ड ",
    "spaces": " ",
    "newlines": "\n",
    "equals": "=",
    "atlas": "aaaaaaaaaaaaaa.atlasv1.",
    "Q~": "aaa8Q~",
    "sig=": "?sig=aB3",
}


def _seconds(text: str) -> float:
    started = time.thread_time()
    SCANNER.find(text)
    return time.thread_time() - started


@pytest.mark.parametrize("name", REPEATS)
def test_a_text_ten_times_as_long_takes_ten_times_as_long(name: str) -> None:
    unit = REPEATS[name]
    text = unit * (100_000 // len(unit))
    small = min(_seconds(text[:10_000]) for _ in range(3))
    large = min(_seconds(text) for _ in range(2))
    # Quadratic would be a hundredfold; what is short may be mostly the start of an automaton, or nothing at all.
    assert large < 40 * max(small, 0.004), f"{small * 1e3:.1f} ms for 10 kB, {large * 1e3:.1f} ms for 100 kB"


PIECES = st.sampled_from(
    [
        "password",
        "passwort",
        "contraseña",
        "पासवर्ड",
        "api_key",
        "token",
        "secret",
        ": ",
        "=",
        ' = "',
        "'",
        '"',
        "\\",
        "\n",
        "\\n",
        "://",
        "@",
        ":",
        "<",
        ">",
        "Authorization: ",
        "Bearer ",
        "Basic ",
        "curl -u ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9",
        ".",
        "-",
        "sk-",
        "gh" + "p_",
        "AK" + "IA",
        "xox" + "b-",
        "SG.",
        "dp.pt.",
        "aB3" * 12,
        "0123456789abcdef" * 2,
        "é",
        "✓",
        "１２",
        "\u200b",
        "&quot;",
        "${",
        "}",
        "{{",
        "()",
        " is ",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES | st.text(max_size=6), max_size=24).map("".join))
def test_nothing_raises_and_findings_lie_in_the_text(text: str) -> None:
    for one in SCANNER.find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert 0.3 <= one.score <= 1
        assert one.type.startswith("SECRET_")
        assert one.detector in {pattern.name for pattern in SCANNER.patterns}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_judging_a_value_never_raises(value: str) -> None:
    assert is_placeholder(value) in (True, False)
    assert is_filled_in(value) in (True, False)
    assert is_random(value) in (True, False)
    assert 0 <= bits(value) <= 16
    assert 0 <= changes(value) <= 1


def test_every_pattern_says_the_types_that_it_finds_and_names_are_unique() -> None:
    names = [pattern.name for pattern in SCANNER.patterns]
    assert len(names) == len(set(names))
    assert all(one.startswith("SECRET_") for pattern in SCANNER.patterns for one in pattern.types)


def test_groups_are_made_silent_and_classes_are_left_alone() -> None:
    assert _ungrouped(r"(a)\((?:b)[(]([)(])") == r"(?:a)\((?:b)[(](?:[)(])"
    assert _ungrouped(r"[]()](x)[^]()]") == r"[]()](?:x)[^]()]"


KEY_LINES = [drawn("{b64}", line) for line in range(8)]


@pytest.mark.parametrize(
    "kind",
    ["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "DSA PRIVATE KEY"],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\\n", "\\\\n", '\\n" +\n    "', " "])
def test_a_private_key_is_found_as_one_block(kind: str, newline: str) -> None:
    block = newline.join([f"-----BEGIN {kind}-----", *KEY_LINES, f"-----END {kind}-----"])
    assert secrets_of(f'key = "{block}"; next') == [("PRIVATE_KEY", block)]


def test_a_pgp_key_a_putty_key_and_one_that_is_cut_off() -> None:
    pgp = "\n".join(
        [
            "-----BEGIN PGP PRIVATE KEY BLOCK-----",
            "Version: GnuPG v1",
            "",
            *KEY_LINES,
            "=aB3d",
            "-----END PGP PRIVATE KEY BLOCK-----",
        ]
    )
    assert values_of(f"x\n{pgp}\ny") == [pgp]
    putty = (
        "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: x\nPublic-Lines: 1\n"
        + KEY_LINES[0]
        + "\nPrivate-Lines: 2\n"
        + "\n".join(KEY_LINES[1:3])
    )
    assert [kind for kind, _ in secrets_of(putty)] == ["PRIVATE_KEY"]
    cut = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *KEY_LINES[:4]])
    (value,) = values_of(f"{cut}\nand then the rest of my long question about other things.")
    assert value == cut


def test_a_key_in_base64_once_more_and_a_json_web_key() -> None:
    block = "\n".join(["-----BEGIN PRIVATE KEY-----", *KEY_LINES, "-----END PRIVATE KEY-----"])
    coded = base64.b64encode(block.encode()).decode()
    assert any(value[:400] in coded for value in values_of(f"data:\n  tls.key: {coded}\n"))
    certificate = base64.b64encode(block.replace("PRIVATE KEY", "CERTIFICATE").encode()).decode()
    assert values_of(f"data:\n  tls.crt: {certificate}\n") == []
    assert values_of('{"kty": "EC", "crv": "P-256", "x": "' + drawn("{u43}") + '", "d": "' + drawn("{u43}", 1) + '"}') == [
        drawn("{u43}", 1)
    ]
    assert values_of('{"kty": "EC", "crv": "P-256", "x": "' + drawn("{u43}") + '", "y": "' + drawn("{u43}", 1) + '"}') == []


def test_a_signed_token_is_told_by_its_header() -> None:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    payload, signature = part('{"sub":"1","name":"x"}'), drawn("{u43}")
    token = ".".join([part('{"alg":"HS256","typ":"JWT"}'), payload, signature])
    assert secrets_of(f"see {token}.") == [("JWT", token)]
    assert ("JWT", token) in secrets_of(f"Cookie: jwt={token}; a=b")
    other = ".".join([part('{"kind":"page","at":12345678}'), payload, signature])
    assert [kind for kind, _ in secrets_of(f"see {other}.") if kind == "JWT"] == []


def test_a_detector_alone_works_too() -> None:
    line = KEY_LINES[0]
    assert [one.type for one in Scanner(private_keys.PATTERNS).find(f"2026-01-02 03:04:05 {line}\n")] == ["SECRET_PRIVATE_KEY"]
