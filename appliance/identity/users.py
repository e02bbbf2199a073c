"""Accounts: registering, signing in, a new password. The first one to register becomes the owner."""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock
from appliance.errors import (
    Conflict,
    CredentialsWrong,
    Forbidden,
    InvalidField,
    NotFound,
    Overloaded,
    RegistrationClosed,
    SetupCodeRequired,
    TooManyAttempts,
)
from appliance.identity.back_off import BackOff, network
from appliance.identity.caller import DEFAULT_TENANT_NUMBER
from appliance.identity.departed import next_number
from appliance.identity.passwords import Passwords, check
from appliance.identity.roles import Role
from appliance.identity.setup_code import SetupCode
from appliance.identity.text_rules import Email, clean_email, clean_name
from appliance.identity.tokens import Tokens
from appliance.settings import Settings
from appliance.store.engine import Database, to_the_end
from appliance.store.new_id import new_id
from appliance.store.state import raise_state_version
from appliance.store.tables import tenants, users

ROLE_OF_LATER_USERS: Role = "member"
SIGN_INS_FREE_PER_EMAIL = 5
SIGN_INS_FREE_PER_ADDRESS = 20
REGISTRATIONS_FREE_PER_ADDRESS = 10


class User(msgspec.Struct, frozen=True):
    """An account, as it may be shown to its holder and to administrators."""

    id: str
    name: str
    email: str
    role: str
    tenant_id: str
    created_at: int


class SignedIn(msgspec.Struct, frozen=True):
    """What registering and signing in give."""

    user: User
    token: str
    expires_in: int

    def __repr__(self) -> str:  # the token must not reach a log through a repr
        return f"SignedIn(user={self.user.id!r})"


class Registration(msgspec.Struct, frozen=True):
    """What somebody who registers says."""

    name: str
    email: str
    password: str
    setup_code: str = ""

    def __repr__(self) -> str:  # nor the password
        return "Registration()"


class Origin(msgspec.Struct, frozen=True):
    """Where a request came from: `from_this_machine` when its sender could read this machine's screen anyway."""

    address: str
    from_this_machine: bool


class Users:
    """Every change is one transaction, with its audit row."""

    def __init__(
        self,
        db: Database,
        tokens: Tokens,
        clock: Clock,
        settings: Settings,
        setup_code: SetupCode,
        *,
        passwords: Passwords | None = None,
    ) -> None:
        self._db = db
        self._tokens = tokens
        self._clock = clock
        self._registration_open = settings.registration_open
        self._setup_code = setup_code
        self._passwords = passwords or Passwords()
        self._by_email = BackOff(clock, free=SIGN_INS_FREE_PER_EMAIL)
        self._by_address = BackOff(clock, free=SIGN_INS_FREE_PER_ADDRESS)
        self._registrations = BackOff(clock, free=REGISTRATIONS_FREE_PER_ADDRESS)

    async def owner_exists(self) -> bool:
        async with self._db.read() as connection:
            return await _count(connection, users.c.role == "owner") > 0

    async def register(self, wanted: Registration, origin: Origin) -> SignedIn:
        """Make an account and sign it in. The first one is the owner's.

        Errors:  InvalidField, RegistrationClosed, SetupCodeRequired, TooManyAttempts, Conflict, Overloaded.
        """
        name, email = clean_name(wanted.name), clean_email(wanted.email)
        check(wanted.password)
        async with self._db.read() as connection:
            is_first = await _count(connection) == 0
        if is_first:
            self._admit_first(wanted, origin)
        elif not self._registration_open:
            raise _closed()
        if not origin.from_this_machine:
            self._registrations.begin(network(origin.address))
        password_hash = await self._passwords.hash(wanted.password)
        return await to_the_end(self._registered(name, email, password_hash, admitted_as_first=is_first))

    def _admit_first(self, wanted: Registration, origin: Origin) -> None:
        """From this machine the first registration is free; from anywhere else the terminal's code proves who it is."""
        if origin.from_this_machine:
            return
        place = network(origin.address)
        self._by_address.begin(place)
        if not wanted.setup_code:
            self._by_address.forgive(place)
            raise SetupCodeRequired(
                "the first registration from another machine needs the setup code",
                param="setup_code",
                fix="It was printed when the appliance started; send it as setup_code. Or run `gatehouse owner create` there.",
            )
        if not self._setup_code.fits(wanted.setup_code):
            raise SetupCodeRequired(
                "this is not the setup code",
                param="setup_code",
                fix="It was printed when the appliance started, and is new at each start.",
            )
        self._by_address.forgive(place)

    async def _registered(self, name: str, email: Email, password_hash: str, *, admitted_as_first: bool) -> SignedIn:
        async with self._db.transaction() as tx:
            # Looked at again, now that nobody else can write: of two who register at once, one is the owner.
            is_first = await _count(tx) == 0
            if not (admitted_as_first if is_first else self._registration_open):
                raise _closed()
            role: Role = "owner" if is_first else ROLE_OF_LATER_USERS
            user = await self._insert(tx, name, email, password_hash, role)
            await self._record(tx, user.id, "user.register", user.id, {"role": role})
        if is_first:
            self._setup_code.spend()
        return self._signed_in(user, token_version=1)

    async def create_owner(self, name: str, email: str, password: str, *, actor: str) -> User:
        """An owner's account, made on the machine itself. Errors: InvalidField, Conflict."""
        clean, address = clean_name(name), clean_email(email)
        password_hash = await self._passwords.hash(password)

        async def change() -> User:
            async with self._db.transaction() as tx:
                user = await self._insert(tx, clean, address, password_hash, "owner")
                await self._record(tx, actor, "user.create", user.id, {"role": "owner"})
            self._setup_code.spend()
            return user

        return await to_the_end(change())

    async def sign_in(self, email: str, password: str, origin: Origin) -> SignedIn:
        """A token for who knows the password. An unknown user takes as long as a wrong password.

        Errors:  CredentialsWrong, Forbidden (suspended), TooManyAttempts, Overloaded.
        """
        address = _known_form(email)
        place, name = network(origin.address), address.key if address is not None else ""
        self._by_address.begin(place)
        try:
            row = await self._tried(name, password)
        except (TooManyAttempts, Overloaded):
            self._by_address.forgive(place)  # nothing was tried, so it tells nothing about this address
            raise
        self._by_email.forget(name)
        self._by_address.forgive(place)
        if row.is_suspended:
            raise Forbidden("this account is suspended", fix="Ask an administrator.")
        return self._signed_in(_user(row), row.token_version)

    async def _tried(self, email_key: str, password: str) -> Any:
        """The account's row, for the right password."""
        self._by_email.begin(email_key)
        async with self._db.read() as connection:
            row = (await connection.execute(_users_query().where(users.c.email_key == email_key))).one_or_none()
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

    async def reset_password(self, email: str, password: str, *, actor: str) -> User:
        """A new password; every token issued before is void. Errors: InvalidField, NotFound."""
        address = clean_email(email)
        password_hash = await self._passwords.hash(password)

        async def change() -> User:
            async with self._db.transaction() as tx:
                row = (await tx.execute(_users_query().where(users.c.email_key == address.key))).one_or_none()
                if row is None:
                    raise NotFound("no account has this e-mail address", fix="Look at its spelling.", param="email")
                await tx.execute(
                    sa.update(users)
                    .where(users.c.number == row.number)
                    .values(
                        password_hash=password_hash,
                        token_version=users.c.token_version + 1,
                        password_changed_at=self._clock.now_ms(),
                    )
                )
                await self._record(tx, actor, "user.reset_password", row.id, {})
            self._by_email.forget(address.key)
            return _user(row)

        return await to_the_end(change())

    async def _insert(self, tx: AsyncConnection, name: str, email: Email, password_hash: str, role: Role) -> User:
        now = self._clock.now_ms()
        if await _count(tx, users.c.email_key == email.key):
            raise Conflict("an account has this e-mail address already", param="email", fix="Sign in, or use another address.")
        user_id = new_id("user")
        await tx.execute(
            sa.insert(users).values(
                number=await next_number(tx, users),
                id=user_id,
                tenant_number=DEFAULT_TENANT_NUMBER,
                name=name,
                email=email.shown,
                email_key=email.key,
                password_hash=password_hash,
                role=role,
                token_version=1,
                created_at=now,
                password_changed_at=now,
            )
        )
        tenant_id = (await tx.execute(sa.select(tenants.c.id).where(tenants.c.number == DEFAULT_TENANT_NUMBER))).scalar_one()
        return User(user_id, name, email.shown, role, tenant_id, now)

    async def _record(self, tx: AsyncConnection, actor: str, action: str, target: str, detail: audit.Detail) -> None:
        await audit.append(tx, actor=actor, action=action, target=target, detail=detail, at_ms=self._clock.now_ms())
        await raise_state_version(tx)

    def _signed_in(self, user: User, token_version: int) -> SignedIn:
        return SignedIn(user, self._tokens.issue(user.id, token_version), self._tokens.expires_in)


def _known_form(email: str) -> Email | None:
    try:
        return clean_email(email)
    except InvalidField:
        return None  # nobody has it; that is said no sooner than of any other unknown address


def _closed() -> RegistrationClosed:
    return RegistrationClosed(
        "registration is closed: this appliance has its owner",
        fix="Ask an administrator; the setting registration_open opens it.",
    )


def _users_query() -> sa.Select[Any]:
    is_suspended = sa.or_(users.c.suspended_at.is_not(None), tenants.c.suspended_at.is_not(None))
    return sa.select(users, tenants.c.id.label("tenant_id"), is_suspended.label("is_suspended")).join(
        tenants, tenants.c.number == users.c.tenant_number
    )


def _user(row: Any) -> User:
    return User(row.id, row.name, row.email, row.role, row.tenant_id, row.created_at)


async def _count(connection: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> int:
    return int((await connection.execute(sa.select(sa.func.count()).select_from(users).where(*conditions))).scalar_one())
