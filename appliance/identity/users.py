"""Accounts that make themselves: registering. The first one to register becomes the owner."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock
from appliance.errors import (
    Conflict,
    RegistrationClosed,
    SetupCodeRequired,
)
from appliance.identity.accounts import Origin, Registration, SignedIn, User
from appliance.identity.back_off import BackOff, network
from appliance.identity.caller import DEFAULT_TENANT_NUMBER
from appliance.identity.departed import next_number
from appliance.identity.passwords import Passwords, check
from appliance.identity.roles import Role
from appliance.identity.setup_code import SetupCode
from appliance.identity.sign_in import SignIn
from appliance.identity.text_rules import Email, clean_email, clean_name
from appliance.settings import Settings
from appliance.store.engine import Database, to_the_end
from appliance.store.new_id import new_id
from appliance.store.state import raise_state_version
from appliance.store.tables import tenants, users

ROLE_OF_LATER_USERS: Role = "member"
REGISTRATIONS_FREE_PER_ADDRESS = 10


class Users:
    """Every change is one transaction, with its audit row."""

    def __init__(
        self,
        db: Database,
        sign_in: SignIn,
        clock: Clock,
        settings: Settings,
        setup_code: SetupCode,
        passwords: Passwords,
    ) -> None:
        self._db = db
        self._sign_in = sign_in
        self._clock = clock
        self._registration_open = settings.registration_open
        self._setup_code = setup_code
        self._passwords = passwords
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
        password_hash = await self._passwords.hash(wanted.password, unlike=(email.shown, name))
        return await to_the_end(self._registered(name, email, password_hash, origin, admitted_as_first=is_first))

    def _admit_first(self, wanted: Registration, origin: Origin) -> None:
        """From this machine the first registration is free; from anywhere else the terminal's code proves who it is."""
        if origin.from_this_machine:
            return
        place = network(origin.address)
        self._sign_in.by_address.begin(place)
        if not wanted.setup_code:
            self._sign_in.by_address.forgive(place)
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
        self._sign_in.by_address.forgive(place)

    async def _registered(
        self, name: str, email: Email, password_hash: str, origin: Origin, *, admitted_as_first: bool
    ) -> SignedIn:
        async with self._db.transaction() as tx:
            # Looked at again, now that nobody else can write: of two who register at once, one is the owner.
            is_first = await _count(tx) == 0
            if not (admitted_as_first if is_first else self._registration_open):
                raise _closed()
            role: Role = "owner" if is_first else ROLE_OF_LATER_USERS
            number, user = await self._insert(tx, name, email, password_hash, role)
            await self._record(tx, user.id, "user.register", user.id, {"role": role})
            signed_in = await self._sign_in.begun(tx, number, user, 1, "registration", origin)
        if is_first:
            self._setup_code.spend()
        return signed_in

    async def create_owner(self, name: str, email: str, password: str, *, actor: str) -> User:
        """An owner's account, made on the machine itself. Errors: InvalidField, Conflict."""
        clean, address = clean_name(name), clean_email(email)
        password_hash = await self._passwords.hash(password, unlike=(address.shown, clean))

        async def change() -> User:
            async with self._db.transaction() as tx:
                _, user = await self._insert(tx, clean, address, password_hash, "owner")
                await self._record(tx, actor, "user.create", user.id, {"role": "owner"})
            self._setup_code.spend()
            return user

        return await to_the_end(change())

    async def _insert(self, tx: AsyncConnection, name: str, email: Email, password_hash: str, role: Role) -> tuple[int, User]:
        now = self._clock.now_ms()
        if await _count(tx, users.c.email_key == email.key):
            raise Conflict("an account has this e-mail address already", param="email", fix="Sign in, or use another address.")
        user_id, number = new_id("user"), await next_number(tx, users)
        await tx.execute(
            sa.insert(users).values(
                number=number,
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
        return number, User(user_id, name, email.shown, role, tenant_id, now)

    async def _record(self, tx: AsyncConnection, actor: str, action: str, target: str, detail: audit.Detail) -> None:
        await audit.append(tx, actor=actor, action=action, target=target, detail=detail, at_ms=self._clock.now_ms())
        await raise_state_version(tx)


def _closed() -> RegistrationClosed:
    return RegistrationClosed(
        "registration is closed: this appliance has its owner",
        fix="Ask an administrator; the setting registration_open opens it.",
    )


async def _count(connection: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> int:
    return int((await connection.execute(sa.select(sa.func.count()).select_from(users).where(*conditions))).scalar_one())
