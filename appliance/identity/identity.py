"""Every room of people and keys, opened together: what a server, a command and a test all need."""

from collections.abc import Callable

from appliance.clock import Clock
from appliance.identity.api_keys import ApiKeys
from appliance.identity.changes import Changes
from appliance.identity.invitations import Invitations
from appliance.identity.key_ring import KeyRing
from appliance.identity.key_table import KeyTable
from appliance.identity.passwords import Passwords
from appliance.identity.people import People
from appliance.identity.people_import import PeopleImport
from appliance.identity.second_factor import SecondFactors
from appliance.identity.service_accounts import ServiceAccounts
from appliance.identity.sessions import Sessions
from appliance.identity.setup_code import SetupCode
from appliance.identity.sign_in import SignIn
from appliance.identity.tenants import Tenants
from appliance.identity.tokens import Tokens
from appliance.identity.units import Units
from appliance.identity.users import Users
from appliance.settings import Settings
from appliance.store.engine import Database
from appliance.store.vault import Vault


class Identity:
    """`publish` gets each new table of keys. One `passwords` for all: it bounds how many are hashed at once."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        clock: Clock,
        settings: Settings,
        tokens: Tokens,
        publish: Callable[[KeyTable], None],
        passwords: Passwords,
    ) -> None:
        ring = KeyRing(vault, publish)
        self.changes = Changes(db, clock, ring)
        self.tokens = tokens
        self.setup_code = SetupCode()
        self.sessions = Sessions(self.changes, clock, settings.jwt_expires_in)
        self.second_factors = SecondFactors(self.changes, vault, clock)
        self.sign_in = SignIn(db, tokens, clock, self.sessions, self.second_factors, passwords)
        self.users = Users(db, self.sign_in, clock, settings, self.setup_code, passwords)
        self.api_keys = ApiKeys(db, vault, clock, ring)
        self.service_accounts = ServiceAccounts(db, clock, ring)
        self.invitations = Invitations(db, vault, clock, ring, passwords=passwords)
        self.tenants = Tenants(self.changes, self.invitations)
        self.units = Units(self.changes)
        self.people = People(self.changes, passwords)
        self.people_import = PeopleImport(self.changes, self.invitations)

    @classmethod
    async def open(
        cls,
        db: Database,
        vault: Vault,
        clock: Clock,
        settings: Settings,
        publish: Callable[[KeyTable], None] = lambda table: None,
        passwords: Passwords | None = None,
    ) -> "Identity":
        """Without `publish` nobody else holds a table of keys."""
        tokens = await Tokens.open(settings, db, vault, clock)
        return cls(db, vault, clock, settings, tokens, publish, passwords or Passwords())
