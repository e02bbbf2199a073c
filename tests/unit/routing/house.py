"""A catalog over a database of its own, and forms for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from appliance.home import Home
from appliance.routing.catalog import Catalog
from appliance.routing.route_forms import ProviderForm, RouteForm
from appliance.settings import ProviderSettings, Settings
from appliance.store.engine import Database
from appliance.store.migrate import migrate
from appliance.store.vault import Vault
from appliance.telemetry.events import Events
from tests.fakes.clock import FakeClock

SECRET = "sk-canary-0123456789wxyz"
ENVIRON = {"ACME_API_KEY": "sk-of-the-environment"}
FILED = ProviderSettings(name="filed", base_url="http://filed.example/v1", api_key="sk-filed")


class House:
    """Opened again with the same home, it reads what was kept."""

    def __init__(self, db: Database, vault: Vault, clock: FakeClock, settings: Settings, environ: Mapping[str, str]) -> None:
        self.db = db
        self.events = Events()
        self.settings = settings
        self.catalog = Catalog(db, vault, clock, settings, environ, self.events)

    @classmethod
    async def open(
        cls,
        home: Path,
        clock: FakeClock,
        environ: Mapping[str, str] = ENVIRON,
        providers: Sequence[ProviderSettings] = (FILED,),
    ) -> Self:
        place = Home(home).make()
        db = Database(place.database)
        await db.open()
        await migrate(db)
        settings = Settings(providers=list(providers))
        house = cls(db, await Vault.open(db, place, "file", {}, clock), clock, settings, environ)
        try:
            await house.catalog.open()
        except BaseException:
            await house.close()
            raise
        return house

    async def close(self) -> None:
        await self.db.close()

    async def add_provider(self, name: str = "acme", **more: Any) -> None:
        form = provider(name, **more)
        await self.catalog.change("tester", lambda book, changes: changes.provider_made(book, form))

    async def add_route(self, name: str, *deployments: str, **more: Any) -> None:
        form = route(name, *deployments, **more)
        await self.catalog.change("tester", lambda book, changes: changes.route_made(book, form))


def provider(name: str = "acme", **more: Any) -> ProviderForm:
    document = {"name": name, "kind": "openai-compatible", "base_url": f"http://{name}.example/v1", "api_key": SECRET, **more}
    return msgspec.convert(document, ProviderForm)


def route(name: str, *deployments: str, **more: Any) -> RouteForm:
    """Deployments as `provider/model`."""
    rows = [dict(zip(("provider", "model"), one.split("/", 1), strict=True)) for one in deployments]
    return msgspec.convert({"name": name, "deployments": rows, **more}, RouteForm)
