"""Tokens that lie, before the shipped program. Most are signed with its own key, so that each lie is told by itself."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.clock import SystemClock
from appliance.home import Home
from appliance.identity.tokens import Tokens
from appliance.settings import Settings
from appliance.store.engine import Database
from appliance.store.vault import Vault
from tests.conftest import MakeAppliance
from tests.pages import Visitor
from tests.running import PASSWORD, Appliance

AUTH = "/api/v1/admin/auth"
SESSIONS = f"{AUTH}/sessions"
Part = dict[str, Any]


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance) -> Appliance:
    return appliances(settings={"local_models": False})


def coded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def signed(header: Part, claims: Any, key: bytes, digest: str = "sha256") -> str:
    content = coded(json.dumps(header).encode()) + b"." + coded(json.dumps(claims).encode())
    return (content + b"." + coded(hmac.digest(key, content, digest))).decode()


async def signing_key(folder: Path) -> bytes:
    """What nobody but the appliance has: with it every other lie of a token can be told by itself."""
    home, db, clock = Home(folder), Database(folder / "gatehouse.db"), SystemClock()
    await db.open()
    try:
        vault = await Vault.open(db, home, "file", {}, clock)
        return (await Tokens.open(Settings(), db, vault, clock))._signing_key
    finally:
        await db.close()


class Forger(msgspec.Struct):
    """Has the signing key, a right token's claims, and keys of its own."""

    key: bytes
    claims: Part
    another: Part
    rsa_key: Any
    ec_key: Any

    def token(self, header: Part | None = None, *, without: str = "", key: bytes | None = None, **claims: Any) -> str:
        content = {name: value for name, value in {**self.claims, **claims}.items() if name != without}
        return signed({"alg": "HS256", "typ": "JWT", **(header or {})}, content, self.key if key is None else key)

    @property
    def public(self) -> bytes:
        return bytes(self.rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    @property
    def jwk(self) -> Part:
        secret = coded(b"k" * 32).decode()
        return {"kty": "oct", "k": secret, "kid": "mine"}


def claims_in(token: str) -> Part:
    return dict(jwt.decode(token, options={"verify_signature": False}))


@pytest.fixture(scope="module")
def forger(door: Appliance) -> Forger:
    mine = claims_in(door.owner_token)
    who = {"email": "another@example.com", "password": PASSWORD}
    assert door.call("POST", "/api/v1/admin/users", {"name": "Another", **who}, token=door.owner_token).status == 201
    another = claims_in(door.call("POST", f"{AUTH}/login", who).json["access_token"])
    rsa_key = rsa.generate_private_key(65537, 2048)
    return Forger(asyncio.run(signing_key(door.home)), mine, another, rsa_key, ec.generate_private_key(ec.SECP256R1()))


def unsigned(it: Forger, name: str) -> str:
    return f"{signed({'alg': name}, it.claims, b'').rpartition('.')[0]}."


def other_claims(it: Forger) -> str:
    head, _, signature = it.token().split(".")
    return f"{head}.{coded(json.dumps(it.another).encode()).decode()}.{signature}"


now = round(time.time())
LIES: dict[str, Callable[[Forger], str]] = {
    "expired": lambda it: it.token(exp=now - 1),
    "expired long ago": lambda it: it.token(iat=0, exp=1),
    "from the future": lambda it: it.token(iat=now + 7200, exp=now + 9000),
    "another issuer": lambda it: it.token(iss="https://accounts.example.com"),
    "issuers": lambda it: it.token(iss=["gatehouse"]),
    "another audience": lambda it: it.token(aud="gatehouse"),
    "audiences": lambda it: it.token(aud=["gatehouse-admin", "x"]),
    "an audience's beginning": lambda it: it.token(aud="gatehouse-adm"),
    **{f"without {name}": lambda it, name=name: it.token(without=name) for name in ("iss", "aud", "sub", "iat", "exp", "ver")},
    "from before there were sessions": lambda it: it.token(without="sid"),
    "no session": lambda it: it.token(sid=""),
    "an unknown session": lambda it: it.token(sid="sess_aaaaaaaaaaaaaaaaaaaaaaaa"),
    "another's session": lambda it: it.token(sid=it.another["sid"]),
    "another's subject": lambda it: it.token(sub=it.another["sub"]),
    "any session": lambda it: it.token(sid="%"),
    "a session's SQL": lambda it: it.token(sid="' OR '1'='1"),
    "a list of sessions": lambda it: it.token(sid=[it.claims["sid"]]),
    "a session of null": lambda it: it.token(sid=None),
    "an unknown subject": lambda it: it.token(sub="user_aaaaaaaaaaaaaaaaaaaaaaaa"),
    "a subject of another type": lambda it: it.token(sub=1),
    "the machine as subject": lambda it: it.token(sub="machine"),
    "a later version": lambda it: it.token(ver=2),
    "a version as text": lambda it: it.token(ver="1"),
    "a version that is true": lambda it: it.token(ver=True),
    "a huge version": lambda it: it.token(ver=2**70),
    "an end as text": lambda it: it.token(exp=str(now + 3600)),
    "an end that is no number": lambda it: it.token(exp=float("nan")),
    "an end that never comes": lambda it: it.token(exp=float("inf")),
    "a list as claims": lambda it: signed({"alg": "HS256"}, [it.claims], it.key),
    "text as claims": lambda it: signed({"alg": "HS256"}, "owner", it.key),
    "alg none": lambda it: unsigned(it, "none"),
    "alg None": lambda it: unsigned(it, "None"),
    "alg nOnE with a right signature": lambda it: it.token({"alg": "nOnE"}),
    "no alg": lambda it: signed({"typ": "JWT"}, it.claims, it.key),
    "alg of another type": lambda it: it.token({"alg": ["HS256"]}),
    "HS384": lambda it: signed({"alg": "HS384"}, it.claims, it.key, "sha384"),
    "HS512": lambda it: signed({"alg": "HS512"}, it.claims, it.key, "sha512"),
    "HS512 signed as HS256": lambda it: it.token({"alg": "HS512"}),
    "HS256 signed as HS512": lambda it: signed({"alg": "HS256"}, it.claims, it.key, "sha512"),
    "RS256": lambda it: jwt.encode(it.claims, it.rsa_key, algorithm="RS256"),
    "ES256": lambda it: jwt.encode(it.claims, it.ec_key, algorithm="ES256"),
    "RS256 with the secret's signature": lambda it: it.token({"alg": "RS256"}),
    "a public key as secret": lambda it: it.token(key=it.public),
    "a public key as secret, stripped": lambda it: it.token(key=it.public.strip()),
    "an empty secret": lambda it: it.token(key=b""),
    "a secret of zeros": lambda it: it.token(key=bytes(32)),
    "the issuer as secret": lambda it: it.token(key=b"gatehouse"),
    "the name of the secret": lambda it: it.token(key=b"jwt_secret_key"),
    "one's own session as secret": lambda it: it.token(key=it.claims["sid"].encode()),
    "a key that it brings along": lambda it: it.token({"jwk": it.jwk}, key=b"k" * 32),
    "a key by its id": lambda it: it.token({"kid": "../../../../dev/null"}, key=b""),
    "a key by its id in a database": lambda it: it.token({"kid": "x' UNION SELECT 'k"}, key=b"k"),
    "a key from an address": lambda it: it.token({"jku": "http://127.0.0.1:9/jwks.json", "kid": "1"}, key=b"k" * 32),
    "a certificate from an address": lambda it: it.token({"x5u": "http://127.0.0.1:9/cert.pem"}, key=b"k" * 32),
    "what must be understood": lambda it: it.token({"crit": ["b64", "owner"], "owner": True}),
    "claims that are not coded": lambda it: it.token({"b64": False, "crit": ["b64"]}),
    "one sign less": lambda it: it.token()[:-1],
    "without its signature": lambda it: it.token().rpartition(".")[0] + ".",
    "two in one": lambda it: f"{it.token()}.{it.token()}",
    "signed for other claims": other_claims,
}


def test_the_forger_can_make_a_right_one(door: Appliance, forger: Forger) -> None:
    """Else the lies below would prove nothing."""
    for token in (forger.token(), forger.token({"kid": "of no meaning"}), forger.token(more="of no meaning")):
        assert door.call("GET", SESSIONS, token=token).status == 200


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_lies_is_refused_and_told_to_sign_in(door: Appliance, forger: Forger, lie: str) -> None:
    token = LIES[lie](forger)
    answer = door.call("GET", SESSIONS, token=token)
    assert (answer.status, answer.error["code"]) == (401, "invalid_token"), answer
    assert answer.error["fix"]
    assert token not in door.output_tail(50)


def test_a_token_counts_nowhere_but_in_its_header(door: Appliance, forger: Forger) -> None:
    """A cookie or an address is sent by other people's pages too."""
    visitor, token = Visitor(door), forger.token()
    visitor.open("/me")
    assert visitor.send("/me/sign-in", {"email": "owner@example.com", "password": PASSWORD}).status == 303
    assert b"Sign out" in visitor.open("/me").body
    for path, headers in (
        (SESSIONS, {"Cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}),
        (SESSIONS, {"Cookie": f"session={token}; access_token={token}"}),
        (SESSIONS, {"X-Api-Key": token}),
        (SESSIONS, {"Authorization": f"Basic {token}"}),
        (f"{SESSIONS}?access_token={token}", {}),
    ):
        assert door.call("GET", path, headers=headers).status == 401, (path, headers)
    assert door.call("GET", "/v1/models", token=token).status == 401, "a sign-in is no API key"
