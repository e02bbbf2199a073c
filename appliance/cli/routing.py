"""How the commands about providers and routes reach them: through the running server, or in the database itself."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from appliance.cli.rooms import Rooms
from appliance.errors import NotFound

if TYPE_CHECKING:
    from appliance.routing.catalog import Catalog
    from appliance.routing.connection import ConnectionTried
    from appliance.routing.route_import import Imported
    from appliance.routing.route_shown import ProviderShown, RouteShown

T = TypeVar("T")
Work = Callable[[Rooms], Coroutine[Any, Any, T]]

A_PAGE = 200
TOML = "application/toml"


class Routing(Protocol):
    """Providers and routes, whether a server runs or not. Errors: those of the tree, and CannotStart."""

    def providers(self) -> "list[ProviderShown]": ...
    def add_provider(self, document: dict[str, Any]) -> "ProviderShown": ...
    def remove_provider(self, name: str) -> None: ...
    def try_provider(self, name: str) -> "ConnectionTried": ...
    def routes(self) -> "list[RouteShown]": ...
    def import_routes(self, data: bytes, *, dry_run: bool) -> "Imported": ...
    def export_routes(self) -> str: ...


class Server(Protocol):
    """What is wanted of the running server."""

    def ask(self, method: str, path: str, body: Any = None) -> Any: ...
    def send(self, method: str, path: str, data: bytes | None = None, kind: str = TOML) -> bytes: ...


class ServerRouting:
    def __init__(self, server: Server) -> None:
        self._server = server

    def providers(self) -> "list[ProviderShown]":
        from appliance.routing.route_shown import ProviderShown

        return msgspec.convert(self._all("providers"), list[ProviderShown])

    def add_provider(self, document: dict[str, Any]) -> "ProviderShown":
        from appliance.routing.route_shown import ProviderShown

        return msgspec.convert(self._server.ask("POST", "providers", document), ProviderShown)

    def remove_provider(self, name: str) -> None:
        self._server.ask("DELETE", f"providers/{self._id_of(name)}")

    def try_provider(self, name: str) -> "ConnectionTried":
        from appliance.routing.connection import ConnectionTried

        return msgspec.convert(self._server.ask("POST", f"providers/{self._id_of(name)}/test"), ConnectionTried)

    def routes(self) -> "list[RouteShown]":
        from appliance.routing.route_shown import RouteShown

        return msgspec.convert(self._all("routes"), list[RouteShown])

    def import_routes(self, data: bytes, *, dry_run: bool) -> "Imported":
        from appliance.routing.route_import import Imported

        path = f"routes/import?dry_run={'true' if dry_run else 'false'}"
        return msgspec.json.decode(self._server.send("POST", path, data, TOML), type=Imported)

    def export_routes(self) -> str:
        return self._server.send("GET", "routes/export").decode()

    def _id_of(self, name: str) -> str:
        """Errors: NotFound."""
        found = self._server.ask("GET", f"providers?name={quote(name, safe='')}")["items"]
        if not found:
            raise NotFound("there is no such provider", fix="`gatehouse providers list` shows them.")
        return quote(found[0]["id"], safe="")

    def _all(self, what: str) -> list[Any]:
        found: list[Any] = []
        cursor = ""
        while True:
            page = self._server.ask("GET", f"{what}?limit={A_PAGE}{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={quote(page['next_cursor'])}"


class RoomsRouting:
    """Importing the rooms takes longer than most commands, so it is done where they are needed."""

    def __init__(self, run: Callable[[Work[Any]], Any]) -> None:
        self._run = run

    def providers(self) -> "list[ProviderShown]":
        from appliance.routing.route_shown import providers_shown

        async def read(rooms: Rooms) -> "list[ProviderShown]":
            return providers_shown(await _catalog(rooms), rooms.stored.settings)

        found: list[ProviderShown] = self._run(read)
        return found

    def add_provider(self, document: dict[str, Any]) -> "ProviderShown":
        from appliance.bodies import read_document
        from appliance.routing.route_forms import ProviderForm
        from appliance.routing.route_shown import provider_shown

        form = read_document(document, ProviderForm)

        async def change(rooms: Rooms) -> "ProviderShown":
            catalog = await _catalog(rooms)
            await catalog.change(rooms.caller.actor, lambda book, changes: changes.provider_made(book, form))
            return provider_shown(catalog.book.providers[form.name], [])

        made: ProviderShown = self._run(change)
        return made

    def remove_provider(self, name: str) -> None:
        async def change(rooms: Rooms) -> None:
            catalog = await _catalog(rooms)
            await catalog.change(rooms.caller.actor, lambda book, changes: changes.provider_removed(book, name))

        self._run(change)

    def try_provider(self, name: str) -> "ConnectionTried":
        async def attempt(rooms: Rooms) -> "ConnectionTried":
            from appliance.routing.connections import Connections
            from appliance.upstream.client import HttpClient
            from appliance.upstream.proxy import Proxies
            from appliance.upstream.reach import Reach

            settings = rooms.stored.settings
            proxies = Proxies.of(settings, rooms.stored.environ)
            client = HttpClient(settings, Reach.for_provider(settings), proxies, ca_file=settings.upstream_ca_file)
            await client.open()
            try:
                catalog = await _catalog(rooms)
                stored = rooms.stored
                connections = Connections(catalog, settings, stored.environ, client, stored.db, stored.clock)
                return await connections.try_stored(rooms.caller.actor, name)
            finally:
                await client.close()

        tried: ConnectionTried = self._run(attempt)
        return tried

    def routes(self) -> "list[RouteShown]":
        from appliance.routing.route_shown import Standing, route_shown

        async def read(rooms: Rooms) -> "list[RouteShown]":
            catalog = await _catalog(rooms)
            return [route_shown(stored, Standing()) for _, stored in sorted(catalog.book.routes.items())]

        found: list[RouteShown] = self._run(read)
        return found

    def import_routes(self, data: bytes, *, dry_run: bool) -> "Imported":
        from appliance.routing.route_toml import read_toml

        document = read_toml(data)

        async def change(rooms: Rooms) -> "Imported":
            return await (await _catalog(rooms)).take_in(rooms.caller.actor, document, dry_run=dry_run)

        told: Imported = self._run(change)
        return told

    def export_routes(self) -> str:
        async def read(rooms: Rooms) -> str:
            return (await _catalog(rooms)).written()

        text: str = self._run(read)
        return text


async def _catalog(rooms: Rooms) -> "Catalog":
    from appliance.routing.catalog import Catalog

    stored = rooms.stored
    catalog = Catalog(stored.db, stored.vault, stored.clock, stored.settings, stored.environ)
    await catalog.open()
    return catalog
