import base64
import hmac
import json
import warnings
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import TokenInvalid
from appliance.identity.accounts import SignedIn
from appliance.identity.tokens import AUDIENCE, ISSUER, Tokens
from appliance.settings import Settings
from tests.fakes.clock import FakeClock
from tests.unit.identity.house import PASSWORD, House


def coded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def session_of(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["sid"])


class Forger:
    """Makes tokens that are almost right. It even knows the signing key, which nobody else does."""

    def __init__(self, house: House, signed_in: SignedIn) -> None:
        self.key = house.tokens._signing_key
        now = house.clock.now_ms() // 1000
        self.claims: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": signed_in.user.id, "iat": now, "exp": now + 3600}
        self.claims |= {"ver": 1, "sid": session_of(signed_in.token)}

    def token(self, *, without: str = "", key: bytes | None = None, algorithm: str = "HS256", **claims: Any) -> str:
        content = {name: value for name, value in {**self.claims, **claims}.items() if name != without}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # short keys are the point
            return jwt.encode(content, self.key if key is None else key, algorithm=algorithm)


@pytest.fixture
async def forger(house: House) -> Forger:
    return Forger(house, await house.register())


async def refused(house: House, token: str) -> str:
    with pytest.raises(TokenInvalid) as error:
        await house.tokens.verify(token)
    assert not token or token not in error.value.message
    return error.value.message


async def test_a_token_says_who_signed_in(house: House) -> None:
    signed_in = await house.register(name="Ada")
    caller = await house.tokens.verify(signed_in.token)
    assert (caller.kind, caller.user_id, caller.role, caller.name) == ("user", signed_in.user.id, "owner", "Ada")
    assert (caller.tenant_number, caller.user_number, caller.key_number) == (1, 1, None)


async def test_the_forger_could_make_a_right_one(house: House, forger: Forger) -> None:
    assert (await house.tokens.verify(forger.token())).role == "owner"


async def test_a_token_ends_at_its_second(house: House) -> None:
    token = (await house.register()).token
    house.clock.jump((86_400 - 1) * 1000)
    await house.tokens.verify(token)
    house.clock.jump(1000)
    assert await refused(house, token) == "this sign-in token has expired"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_another_algorithm_is_refused_although_the_key_is_right(house: House, forger: Forger, algorithm: str) -> None:
    await refused(house, forger.token(algorithm=algorithm))


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", None, "RS256", ["HS256"]])
async def test_an_unsigned_token_is_refused_however_none_is_spelled(house: House, forger: Forger, name: object) -> None:
    content = f"{coded({'alg': name, 'typ': 'JWT'})}.{coded(forger.claims)}"
    signature = base64.urlsafe_b64encode(hmac.digest(forger.key, content.encode(), "sha256")).rstrip(b"=").decode()
    for token in (f"{content}.", f"{content}.{signature}", content):
        await refused(house, token)


@pytest.mark.parametrize("key", [b"secret", b"x" * 32])
async def test_another_key_is_refused(house: House, forger: Forger, key: bytes) -> None:
    await refused(house, forger.token(key=key))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "another-appliance"},
        {"iss": ["gatehouse"]},
        {"iss": None},
        {"aud": "another-audience"},
        {"aud": ["gatehouse-admin", "x"]},
        {"aud": []},
        {"sub": "user_unknown"},
        {"sub": 1},
        {"sub": ""},
        {"sub": "' OR 1=1 --"},
        {"ver": 2},
        {"ver": "1"},
        {"ver": True},
        {"ver": None},
        {"exp": "9999999999"},
        {"exp": 99999999999.5},
        {"exp": None},
        {"exp": 10**400},
        {"iat": "now"},
    ],
)
async def test_a_claim_that_is_not_ours_is_refused(house: House, forger: Forger, claims: dict[str, Any]) -> None:
    if claims.get("exp") == 10**400:  # an integer of any size is still in the future; it is ours, if signed by us
        return
    try:
        token = forger.token(**claims)
    except TypeError:  # the library does not let itself be used for this: written by hand
        content = f"{coded({'alg': 'HS256', 'typ': 'JWT'})}.{coded({**forger.claims, **claims})}"
        signature = base64.urlsafe_b64encode(hmac.digest(forger.key, content.encode(), "sha256")).rstrip(b"=").decode()
        token = f"{content}.{signature}"
    await refused(house, token)


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "iat", "exp", "ver"])
async def test_a_claim_that_is_missing_is_refused(house: House, forger: Forger, claim: str) -> None:
    await refused(house, forger.token(without=claim))


async def test_a_token_from_the_future_is_refused_but_for_a_minute_of_skew(house: House, forger: Forger) -> None:
    now = house.clock.now_ms() // 1000
    await house.tokens.verify(forger.token(iat=now + 60))
    assert "from the future" in await refused(house, forger.token(iat=now + 61, exp=now + 7200))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 1_000_000, "\ud800.a.b", "\x00", "é.é.é", f"{'a.' * 1000}"])
async def test_rubbish_is_refused(house: House, token: str) -> None:
    await refused(house, token)


@given(st.text(max_size=200))
def test_no_text_is_a_token(text: str) -> None:
    tokens = Tokens(None, FakeClock(), b"k" * 32, 60)  # type: ignore[arg-type]  # it never gets as far as the database
    with pytest.raises(TokenInvalid):
        tokens._claims(text)


async def test_a_payload_nested_ten_thousand_deep_is_refused(house: House, forger: Forger) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 2000 + b"]" * 2000).rstrip(b"=").decode()[:3500]
    await refused(house, f"{coded({'alg': 'HS256'})}.{deep}.x")


async def test_every_token_is_void_once_the_password_was_reset(house: House) -> None:
    signed_in = await house.register()
    await house.sign_in.reset_password("owner@example.com", "another password", actor="machine")
    assert await refused(house, signed_in.token) == "this sign-in has ended"


async def test_a_suspended_account_is_out_at_once_and_a_changed_role_counts_at_once(house: House) -> None:
    signed_in = await house.register()
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("UPDATE users SET role = 'auditor'")
    assert (await house.tokens.verify(signed_in.token)).role == "auditor"
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("UPDATE users SET suspended_at = 1")
    assert await refused(house, signed_in.token) == "this account is suspended"


async def test_the_secret_is_made_once_and_kept(house: House) -> None:
    token = (await house.register()).token
    again = await Tokens.open(house.settings, house.db, house.vault, house.clock)
    await again.verify(token)
    assert await house.vault.get("jwt_secret_key") is not None


async def test_a_secret_from_the_settings_takes_its_place_and_alone_signs_nothing(house: House) -> None:
    signed_in = await house.register()
    chosen = Settings(jwt_secret_key="short")
    tokens = await Tokens.open(chosen, house.db, house.vault, house.clock)
    with pytest.raises(TokenInvalid):
        await tokens.verify(signed_in.token)
    await tokens.verify(tokens.issue(signed_in.user.id, 1, session_of(signed_in.token)))
    forger = Forger(house, signed_in)
    with pytest.raises(TokenInvalid):
        await tokens.verify(forger.token(key=b"short"))


async def test_a_token_lives_as_long_as_the_settings_say(house: House) -> None:
    signed_in = await house.register()
    tokens = await Tokens.open(Settings(jwt_expires_in=60), house.db, house.vault, house.clock)
    token = tokens.issue(signed_in.user.id, 1, session_of(signed_in.token))
    house.clock.jump(59_000)
    await tokens.verify(token)
    house.clock.jump(1_000)
    with pytest.raises(TokenInvalid, match="expired"):
        await tokens.verify(token)


async def test_no_password_stands_in_a_token(house: House) -> None:
    token = (await house.register()).token
    assert PASSWORD not in base64.urlsafe_b64decode(token.split(".")[1] + "==").decode()
