"""The rooms of an appliance that people and keys need, opened in a folder, for tests."""

from pathlib import Path

import sqlalchemy as sa

from appliance.home import Home
from appliance.identity.accounts import Origin, Registration, SignedIn
from appliance.identity.api_keys import KeyWanted, NewKey
from appliance.identity.caller import Caller
from appliance.identity.identity import Identity
from appliance.identity.key_table import KeyTable, load_key_table
from appliance.identity.passwords import Passwords
from appliance.settings import Settings
from appliance.store.tables import users as user_rows
from appliance.store.vault import Vault
from tests.fakes.clock import FakeClock
from tests.unit.store.fresh import fresh_database

HERE = Origin("127.0.0.1", from_this_machine=True)
THERE = Origin("192.0.2.7", from_this_machine=False)
PASSWORD = "Password123!"


class House:
    """Real parts throughout; only bcrypt's cost is lowered, and time stands still."""

    keys: KeyTable

    @classmethod
    async def open(cls, folder: Path, clock: FakeClock, settings: Settings | None = None) -> "House":
        self = cls()
        self.clock = clock
        self.settings = settings or Settings()
        self.home = Home(folder).make()
        self.db = await fresh_database(self.home.database)
        self.vault = await Vault.open(self.db, self.home, "file", {}, clock)
        people = await Identity.open(self.db, self.vault, clock, self.settings, self._publish, Passwords(cost=4))
        self.people, self.tokens, self.setup_code = people, people.tokens, people.setup_code
        self.users, self.sign_in, self.sessions = people.users, people.sign_in, people.sessions
        self.api_keys, self.changes, self.invitations = people.api_keys, people.changes, people.invitations
        self.ring, self.service_accounts = people.changes.ring, people.service_accounts
        async with self.db.read() as connection:
            self.keys = await load_key_table(connection, self.vault)
        return self

    def _publish(self, keys: KeyTable) -> None:
        self.keys = keys

    async def close(self) -> None:
        await self.db.close()

    async def register(self, email: str = "owner@example.com", name: str = "Owner", origin: Origin = HERE) -> SignedIn:
        return await self.users.register(Registration(name, email, PASSWORD), origin)

    async def owner(self) -> Caller:
        return await self.tokens.verify((await self.register()).token)

    async def person(self, role: str, email: str | None = None) -> Caller:
        """A user of this role. Only the first may register, so it is put into its table by hand."""
        user = await self.users.create_owner(role.title(), email or f"{role}@example.com", PASSWORD, actor="test")
        async with self.db.transaction() as tx:
            await tx.exec_driver_sql("UPDATE users SET role = ? WHERE id = ?", (role, user.id))
        signed_in = await self.sign_in.with_password(user.email, PASSWORD, HERE)
        return await self.tokens.verify(signed_in.token)

    async def token(self, caller: Caller) -> str:
        """Of somebody who signs in once more."""
        assert caller.user_number is not None
        async with self.db.transaction() as tx:
            session_id = await self.sessions.begin(tx, caller.user_number, method="password", origin=HERE)
            query = sa.select(user_rows.c.token_version).where(user_rows.c.number == caller.user_number)
            version = (await tx.execute(query)).scalar_one()
        return self.tokens.issue(caller.user_id or "", version, session_id)

    async def key(self, caller: Caller, name: str = "My Key") -> NewKey:
        return await self.api_keys.create(caller, KeyWanted(name=name))

    def identify(self, secret: str, *, from_loopback: bool = True) -> Caller:
        return self.keys.identify(secret, from_loopback=lambda: from_loopback, now_ms=self.clock.now_ms())
