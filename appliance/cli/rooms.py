"""The rooms that a command works with while no server runs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.clock import Clock
    from appliance.identity.caller import Caller
    from appliance.identity.identity import Identity
    from appliance.lan.lan import Lan
    from appliance.settings import Settings
    from appliance.store.engine import Database
    from appliance.store.vault import Vault


class Stored:
    """What further rooms are made of, by the commands that need one."""

    def __init__(self, db: "Database", vault: "Vault", clock: "Clock", settings: "Settings", environ: Mapping[str, str]) -> None:
        self.db = db
        self.vault = vault
        self.clock = clock
        self.settings = settings
        self.environ = environ


class Rooms:
    """On whose behalf, and with what."""

    def __init__(self, caller: "Caller", people: "Identity", lan: "Lan", stored: Stored) -> None:
        self.caller = caller
        self.people = people
        self.lan = lan
        self.stored = stored
