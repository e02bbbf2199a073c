"""Trying connections: to a provider that is there, and to one that somebody thinks of adding."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from appliance import audit
from appliance.clock import Clock
from appliance.errors import NotFound
from appliance.routing.building import offer_of_settings
from appliance.routing.catalog import Catalog
from appliance.routing.connection import ConnectionTried, tried
from appliance.routing.names import ProviderOffer
from appliance.routing.route_book import Forms
from appliance.routing.route_checks import House, connection_problems, refusal
from appliance.routing.route_forms import ProviderForm
from appliance.settings import Settings
from appliance.store.engine import Database, to_the_end
from appliance.upstream.client import HttpClient


class Connections:
    """One an appliance. Each attempt is in the audit: who had which machine connected to, and whether it answered."""

    def __init__(
        self, catalog: Catalog, settings: Settings, environ: Mapping[str, str], client: HttpClient, db: Database, clock: Clock
    ) -> None:
        self._catalog = catalog
        self._settings = settings
        self._environ = environ
        self._client = client
        self._db = db
        self._clock = clock

    async def try_form(self, actor: str, form: ProviderForm) -> ConnectionTried:
        """A provider that isn't kept. Errors: InvalidField where it could not be added as it stands."""
        problems = list(connection_problems(form, House(self._settings, self._environ, Forms({}, {})), str))
        if problems:
            raise refusal(problems)
        return await to_the_end(self._tried(actor, form.name, self._catalog.offer(form)))

    async def try_stored(self, actor: str, id_or_name: str) -> ConnectionTried:
        """One of the database or of the settings. Errors: NotFound."""
        stored = self._catalog.book.provider(id_or_name)
        if stored is not None:
            return await to_the_end(self._tried(actor, stored.id, self._catalog.offer(stored.form)))
        found = next((provider for provider in self._settings.providers if provider.name == id_or_name), None)
        if found is None:
            raise NotFound("there is no such provider", fix="GET /api/v1/admin/providers lists them.", param="provider_id")
        return await to_the_end(self._tried(actor, found.name, offer_of_settings(found)))

    async def _tried(self, actor: str, target: str, offer: ProviderOffer) -> ConnectionTried:
        """Also where whoever asked has hung up: the attempt was made."""
        outcome = await tried(self._client, offer)
        host = urlsplit(offer.base_url).netloc.rpartition("@")[2]
        detail: audit.Detail = {"kind": offer.kind, "host": host, "outcome": "answered" if outcome.ok else "failed"}
        async with self._db.transaction() as tx:
            now = self._clock.now_ms()
            await audit.append(tx, actor=actor, action="provider.test", target=target, detail=detail, at_ms=now)
        return outcome
