"""Proving who one is: by password, and by the second factor where the account has one. Guessing leads nowhere: it waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock
from appliance.errors import (
    CredentialsWrong,
    Forbidden,
    InvalidField,
    NotFound,
    Overloaded,
    SecondFactorRequired,
    TooManyAttempts,
)
from appliance.identity.accounts import FactorFate, Origin, PasswordReset, SignedIn, User
from appliance.identity.back_off import BackOff, network
from appliance.identity.caller import Caller
from appliance.identity.passwords import Passwords, check
from appliance.identity.roles import insist
from appliance.identity.second_factor import SecondFactors, drop
from appliance.identity.sessions import Sessions, count_held, end_all, holds
from appliance.identity.text_rules import Email, clean_email
from appliance.identity.tokens import Tokens, signed_out
from appliance.identity.turns import Turns
from appliance.store.engine import Database, to_the_end
from appliance.store.state import raise_state_version
from appliance.store.tables import departments, teams, tenants, users

SIGN_INS_FREE_PER_EMAIL = 5
SIGN_INS_FREE_PER_ADDRESS = 20
SIGN_INS_WAITING_PER_ADDRESS = 200
CODES_FREE_PER_USER = 5


class SignIn:
    """Every change is one transaction, with its audit row."""

    def __init__(
        self, db: Database, tokens: Tokens, clock: Clock, sessions: Sessions, factors: SecondFactors, passwords: Passwords
    ) -> None:
        self._db = db
        self._tokens = tokens
        self._clock = clock
        self._sessions = sessions
        self._factors = factors
        self._passwords = passwords
        self._by_email = BackOff(clock, free=SIGN_INS_FREE_PER_EMAIL)
        self._by_code = BackOff(clock, free=CODES_FREE_PER_USER)
        self.by_address = BackOff(clock, free=SIGN_INS_FREE_PER_ADDRESS)
        # A try counts against its address when it begins. A whole office behind one address comes at nine: fewer at once than
        # are free, so nobody who knows their password is refused for those beside them.
        self._turns = Turns(at_once=SIGN_INS_FREE_PER_ADDRESS // 2, waiting_max=SIGN_INS_WAITING_PER_ADDRESS)

    async def with_password(self, email: str, password: str, origin: Origin, code: str = "") -> SignedIn:
        """A token for who knows the password, and has the second factor's code where there is one. An unknown user takes as
        long as a wrong password.

        Errors:  CredentialsWrong, SecondFactorRequired, Forbidden (suspended), TooManyAttempts, Overloaded.
        """
        address = _known_form(email)
        place, name = network(origin.address), address.key if address is not None else ""
        async with self._turns.of(place):
            self.by_address.begin(place)
            try:
                row = await self._tried(name, password)
            except (TooManyAttempts, Overloaded):
                self.by_address.forgive(place)  # nothing was tried, so it tells nothing about this address
                raise
            self._by_email.forget(name)
            self.by_address.forgive(place)
        if row.is_suspended:
            raise Forbidden("this account is suspended", fix="Ask an administrator.")
        return await to_the_end(self._signed_in(row, origin, code))

    async def _tried(self, email_key: str, password: str) -> Any:
        """The account's row, for the right password."""
        self._by_email.begin(email_key)
        async with self._db.read() as connection:
            row = (await connection.execute(users_query().where(users.c.email_key == email_key))).one_or_none()
        try:
            matches = await self._passwords.match(password, row.password_hash if row is not None else None)
        except Overloaded:
            self._by_email.forgive(email_key)
            raise
        if row is None or not matches:
            raise CredentialsWrong(
                "e-mail address and password don't match", fix="Try again; an administrator can set a new password."
            )
        return row

    async def _signed_in(self, row: Any, origin: Origin, code: str) -> SignedIn:
        method = "password"
        async with self._db.transaction() as tx:
            if await self._factors.is_asked_for(tx, row.number):
                await self._insist_on_code(tx, row, code)
                method = "password+totp"
            # Looked at again: a password that was changed while this one was tried ends what began with the old one.
            still = sa.select(users.c.token_version, users.c.password_hash).where(users.c.number == row.number)
            now = (await tx.execute(still)).one_or_none()
            if now is None or now.password_hash != row.password_hash:
                raise CredentialsWrong("the password was changed just now", fix="Sign in with the new one.")
            return await self.begun(tx, row.number, user_of(row), now.token_version, method, origin)

    async def _insist_on_code(self, tx: AsyncConnection, row: Any, code: str) -> None:
        """Errors: SecondFactorRequired, CredentialsWrong, TooManyAttempts."""
        if not code:
            raise SecondFactorRequired(
                "this account has a second factor", param="code", fix="Send the code of your app, or a recovery code, as `code`."
            )
        self._by_code.begin(row.id)
        if not await self._factors.takes(tx, row.number, code):
            raise CredentialsWrong(
                "this is not the code of now, or it was used already", param="code", fix="Wait for the next one, and try again."
            )
        self._by_code.forget(row.id)

    async def begun(
        self, tx: AsyncConnection, number: int, user: User, token_version: int, method: str, origin: Origin
    ) -> SignedIn:
        """A session, and its token. In the transaction of whoever knows who it is."""
        session_id = await self._sessions.begin(tx, number, method=method, origin=origin)
        return SignedIn(user, self._tokens.issue(user.id, token_version, session_id), self._tokens.expires_in)

    # One's own account

    async def prove(self, caller: Caller, password: str) -> Any:
        """The row of a caller who is signed in, for their right password.

        Errors:  InvalidField, TokenInvalid, TooManyAttempts, Overloaded.
        """
        insist(caller, "account:own")
        async with self._db.read() as connection:
            mine = sa.select(users.c.email_key).where(users.c.id == caller.user_id)
            email_key = (await connection.execute(mine)).scalar_one_or_none()
        if email_key is None:
            raise signed_out()
        try:
            row = await self._tried(email_key, password)
        except CredentialsWrong:
            raise InvalidField("this is not your password", param="password", fix="Try again.") from None
        if row.id != caller.user_id:  # the address went to another account just now
            raise signed_out()
        self._by_email.forget(email_key)
        return row

    @contextmanager
    def guessing(self, caller: Caller) -> Iterator[None]:
        """Around what takes a code of the second factor: wrong ones count, a right one forgives. Errors: TooManyAttempts."""
        name = caller.user_id or ""
        self._by_code.begin(name)
        try:
            yield
        except InvalidField:
            raise
        except BaseException:
            self._by_code.forgive(name)  # it wasn't about the code
            raise
        self._by_code.forget(name)

    async def change_password(self, caller: Caller, current: str, password: str) -> None:
        """One's own. Every other sign-in ends. Errors: InvalidField, TokenInvalid, TooManyAttempts, Overloaded."""
        try:
            row = await self.prove(caller, current)
        except InvalidField as error:
            raise InvalidField(error.message, param="current_password", fix=error.fix) from None
        password_hash = await self._passwords.hash(password, param="new_password", unlike=(row.email, row.name))

        async def change() -> None:
            async with self._db.transaction() as tx:
                # Looked at again: hashing takes its time, and who was put out meanwhile (by a reset, say) changes nothing.
                if not await holds(tx, caller) or await _password_hash(tx, row.number) != row.password_hash:
                    raise signed_out()
                await _set_password(tx, row.number, password_hash, self._clock.now_ms())
                await end_all(tx, row.number, but=caller.session_id)
                await self._record(tx, caller.actor, "user.change_password", row.id, {})

        await to_the_end(change())

    async def reset_password(self, email: str, password: str, *, actor: str, drop_factor: bool = False) -> PasswordReset:
        """A new password; every token issued before is void. Errors: InvalidField, NotFound."""
        address = clean_email(email)
        check(password)
        async with self._db.read() as connection:
            known = await _account(connection, address)
        password_hash = await self._passwords.hash(password, unlike=(known.email, known.name))

        async def change() -> PasswordReset:
            async with self._db.transaction() as tx:
                row = await _account(tx, address)
                held = await count_held(tx, row.number, self._clock.now_ms())
                await _set_password(tx, row.number, password_hash, self._clock.now_ms(), token_version=users.c.token_version + 1)
                await end_all(tx, row.number)
                fate = await self._fate_of_factor(tx, row.number, drop_factor=drop_factor)
                told: audit.Detail = {"second_factor_dropped": fate == "dropped", "sessions_ended": held}
                await self._record(tx, actor, "user.reset_password", row.id, told)
            self._by_email.forget(address.key)
            self._by_code.forget(row.id)
            return PasswordReset(user_of(row), held, fate)

        return await to_the_end(change())

    async def _fate_of_factor(self, tx: AsyncConnection, number: int, *, drop_factor: bool) -> FactorFate:
        was_there = await self._factors.is_asked_for(tx, number)
        if drop_factor:
            await drop(tx, number)  # one that was only begun as well
        return "none" if not was_there else "dropped" if drop_factor else "kept"

    async def _record(self, tx: AsyncConnection, actor: str, action: str, target: str, detail: audit.Detail) -> None:
        await audit.append(tx, actor=actor, action=action, target=target, detail=detail, at_ms=self._clock.now_ms())
        await raise_state_version(tx)


async def _set_password(tx: AsyncConnection, number: int, password_hash: str, now: int, **more: Any) -> None:
    values = {"password_hash": password_hash, "password_changed_at": now, **more}
    await tx.execute(sa.update(users).where(users.c.number == number).values(**values))


async def _password_hash(tx: AsyncConnection, number: int) -> str | None:
    query = sa.select(users.c.password_hash).where(users.c.number == number)
    found: str | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def _account(connection: AsyncConnection, address: Email) -> Any:
    """Errors: NotFound."""
    row = (await connection.execute(users_query().where(users.c.email_key == address.key))).one_or_none()
    if row is None:
        raise NotFound("no account has this e-mail address", fix="Look at its spelling.", param="email")
    return row


def _known_form(email: str) -> Email | None:
    try:
        return clean_email(email)
    except InvalidField:
        return None  # nobody has it; that is said no sooner than of any other unknown address


def users_query() -> sa.Select[Any]:
    """Accounts, and whether they, or what they stand in, are suspended."""
    is_suspended = sa.or_(*(one.c.suspended_at.is_not(None) for one in (users, tenants, departments, teams)))
    return (
        sa.select(users, tenants.c.id.label("tenant_id"), is_suspended.label("is_suspended"))
        .join(tenants, tenants.c.number == users.c.tenant_number)
        .outerjoin(departments, departments.c.number == users.c.department_number)
        .outerjoin(teams, teams.c.number == users.c.team_number)
    )


def user_of(row: Any) -> User:
    return User(row.id, row.name, row.email, row.role, row.tenant_id, row.created_at)
