"""Trying connections: to a provider that is there, and to one that somebody thinks of adding."""

from collections.abc import Mapping

from appliance.errors import NotFound
from appliance.routing.building import offer_of_settings
from appliance.routing.catalog import Catalog
from appliance.routing.connection import ConnectionTried, tried
from appliance.routing.route_book import Forms
from appliance.routing.route_checks import House, connection_problems, refusal
from appliance.routing.route_forms import ProviderForm
from appliance.settings import Settings
from appliance.upstream.client import HttpClient


class Connections:
    """One an appliance."""

    def __init__(self, catalog: Catalog, settings: Settings, environ: Mapping[str, str], client: HttpClient) -> None:
        self._catalog = catalog
        self._settings = settings
        self._environ = environ
        self._client = client

    async def try_form(self, form: ProviderForm) -> ConnectionTried:
        """A provider that isn't kept. Errors: InvalidField where it could not be added as it stands."""
        problems = list(connection_problems(form, House(self._settings, self._environ, Forms({}, {})), str))
        if problems:
            raise refusal(problems)
        return await tried(self._client, self._catalog.offer(form))

    async def try_stored(self, id_or_name: str) -> ConnectionTried:
        """One of the database or of the settings. Errors: NotFound."""
        stored = self._catalog.book.provider(id_or_name)
        if stored is not None:
            return await tried(self._client, self._catalog.offer(stored.form))
        found = next((provider for provider in self._settings.providers if provider.name == id_or_name), None)
        if found is None:
            raise NotFound("there is no such provider", fix="GET /api/v1/admin/providers lists them.", param="provider_id")
        return await tried(self._client, offer_of_settings(found))
