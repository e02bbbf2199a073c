"""Sign-in tokens: JWTs, HS256 and nothing else, void as soon as the user's token version is raised."""

import contextlib
import hmac
from typing import Any

import jwt
import msgspec
import sqlalchemy as sa

from appliance.clock import Clock
from appliance.errors import TokenInvalid, Unavailable
from appliance.identity.caller import Caller
from appliance.settings import Settings
from appliance.store.engine import Database
from appliance.store.tables import departments, sessions, teams, tenants, users
from appliance.store.vault import Vault

ISSUER = "gatehouse"
AUDIENCE = "gatehouse-admin"
ALGORITHM = "HS256"
SECRET_NAME = "jwt_secret_key"
TOKEN_CHARACTERS_MAX = 4096
SEEN_AGAIN_MS = 60_000  # a sign-in that is used says so once a minute at most
CLOCK_SKEW_SECONDS = 60  # a token from our own past after the machine's clock was set back
_FIX = "Sign in again: POST /api/v1/admin/auth/login."


class _Claims(msgspec.Struct):
    """What a token of ours holds. Checked again by type: the library does not look at types it was told to leave alone."""

    iss: str
    aud: str
    sub: str
    iat: int
    exp: int
    ver: int
    sid: str = ""


class Tokens:
    """Issues and verifies. Make it with `open`."""

    def __init__(self, db: Database, clock: Clock, signing_key: bytes, expires_in: int) -> None:
        self.expires_in = expires_in
        self._db = db
        self._clock = clock
        self._signing_key = signing_key

    @classmethod
    async def open(cls, settings: Settings, db: Database, vault: Vault, clock: Clock) -> "Tokens":
        """The secret comes from the settings, else from the vault. Either way it is mixed with a key of the vault:
        a short secret is then no weaker than a long one, and one that leaks can't sign anything by itself.
        """
        secret = settings.jwt_secret_key.encode() or await vault.get_or_make(SECRET_NAME)
        return cls(db, clock, hmac.digest(vault.derive("sign-in tokens"), secret, "sha256"), settings.jwt_expires_in)

    def issue(self, user_id: str, token_version: int, session_id: str) -> str:
        """A token for `expires_in` seconds, worth something while its session is there."""
        now = self._clock.now_ms() // 1000
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "iat": now, "exp": now + self.expires_in}
        claims |= {"ver": token_version, "sid": session_id}
        return jwt.encode(claims, self._signing_key, algorithm=ALGORITHM)

    async def verify(self, token: str) -> Caller:
        """Who signed in, as they are now: a role that was changed or an account that was suspended counts at once.

        Errors:  TokenInvalid.
        """
        claims = self._claims(token)
        async with self._db.read() as connection:
            row = (await connection.execute(_user_query(claims.sub, claims.sid))).one_or_none()
        if row is None or row.token_version != claims.ver:
            raise signed_out()
        if row.is_suspended:
            raise TokenInvalid("this account is suspended", fix="Ask an administrator.")
        # Either way: a time that lies in the future is from before the clock was set back.
        if abs(self._clock.now_ms() - row.last_seen_at) >= SEEN_AGAIN_MS:
            await self._seen(claims.sid, row.last_seen_at)
        return Caller(
            kind="user",
            tenant_id=row.tenant_id,
            department_id=row.department_id,
            team_id=row.team_id,
            user_id=row.id,
            tenant_number=row.tenant_number,
            department_number=row.department_number,
            team_number=row.team_number,
            user_number=row.number,
            role=row.role,
            name=row.name,
            session_id=claims.sid,
        )

    async def _seen(self, session_id: str, before: int) -> None:
        """For people who look whether a sign-in is theirs. Of many requests at once one says so; and where nothing can be
        written, that keeps nobody from looking what is wrong.
        """
        since = sa.and_(sessions.c.id == session_id, sessions.c.last_seen_at == before)
        with contextlib.suppress(Unavailable):
            async with self._db.transaction() as tx:
                await tx.execute(sa.update(sessions).where(since).values(last_seen_at=self._clock.now_ms()))

    def _claims(self, token: str) -> _Claims:
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise _not_ours()
        try:
            # Time is checked below, by our own clock.
            decoded: dict[str, Any] = jwt.decode(
                token,
                self._signing_key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["exp", "iat", "sub"]},
            )
            claims = msgspec.convert(decoded, _Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError, RecursionError):
            raise _not_ours() from None
        now = self._clock.now_ms() // 1000
        if now >= claims.exp:
            raise TokenInvalid("this sign-in token has expired", fix=_FIX)
        if claims.iat > now + CLOCK_SKEW_SECONDS:
            raise TokenInvalid("this sign-in token is from the future", fix="Look at the appliance's clock, then sign in again.")
        return claims


def signed_out() -> TokenInvalid:
    return TokenInvalid("this sign-in has ended", fix=_FIX)


def _not_ours() -> TokenInvalid:
    # Which part of a forged token was wrong is nobody's business.
    return TokenInvalid("this is not a valid sign-in token of this appliance", fix=_FIX)


def _user_query(user_id: str, session_id: str) -> sa.Select[Any]:
    return (
        sa.select(
            users.c.id,
            users.c.number,
            users.c.name,
            users.c.role,
            users.c.token_version,
            users.c.tenant_number,
            users.c.department_number,
            users.c.team_number,
            sessions.c.last_seen_at,
            tenants.c.id.label("tenant_id"),
            departments.c.id.label("department_id"),
            teams.c.id.label("team_id"),
            sa.or_(*(one.c.suspended_at.is_not(None) for one in (users, tenants, departments, teams))).label("is_suspended"),
        )
        .join(tenants, tenants.c.number == users.c.tenant_number)
        .join(sessions, sa.and_(sessions.c.user_number == users.c.number, sessions.c.id == session_id))
        .outerjoin(departments, departments.c.number == users.c.department_number)
        .outerjoin(teams, teams.c.number == users.c.team_number)
        .where(users.c.id == user_id)
    )
