"""How `gatehouse usage` reaches the ledger: through the running server, or in the database itself."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from appliance.cli.rooms import Rooms

if TYPE_CHECKING:
    from appliance.metering.reconcile.reconciliation import Reconciliation, Wanted

T = TypeVar("T")
Work = Callable[[Rooms], Coroutine[Any, Any, T]]
SECONDS_MAX = 300.0


class Reconciling(Protocol):
    """The ledger beside a provider's file, whether a server runs or not. Errors: those of the tree, and CannotStart."""

    def reconcile(self, data: bytes, wanted: "Wanted") -> "Reconciliation": ...


class Server(Protocol):
    """What is wanted of the running server."""

    def send(self, method: str, path: str, data: bytes | None, kind: str, seconds: float) -> bytes: ...


class ServerReconciling:
    def __init__(self, server: Server) -> None:
        self._server = server

    def reconcile(self, data: bytes, wanted: "Wanted") -> "Reconciliation":
        from appliance.metering.reconcile.reconciliation import Reconciliation

        given: list[tuple[str, Any]] = [("provider", name) for name in wanted.providers]
        given += [("model", f"{theirs}={ours}") for theirs, ours in wanted.models.items()]
        given += [("from", wanted.begin.isoformat())] if wanted.begin is not None else []
        given += [("to", wanted.end.isoformat())] if wanted.end is not None else []
        query = urlencode([*given, ("tolerance_percent", wanted.tolerance_percent)])
        answer = self._server.send("POST", f"usage/reconcile?{query}", data, "text/csv", SECONDS_MAX)
        return msgspec.json.decode(answer, type=Reconciliation)


class RoomsReconciling:
    """Importing the rooms takes longer than most commands, so it is done where they are needed."""

    def __init__(self, run: Callable[[Work[Any]], Any]) -> None:
        self._run = run

    def reconcile(self, data: bytes, wanted: "Wanted") -> "Reconciliation":
        from appliance.metering.reconcile.reconciliation import Reconciler

        async def read(rooms: Rooms) -> "Reconciliation":
            kinds = await _kinds(rooms)
            return await Reconciler(rooms.stored.db, rooms.stored.clock, lambda: kinds).reconcile(data, wanted)

        found: Reconciliation = self._run(read)
        return found


async def _kinds(rooms: Rooms) -> dict[str, str]:
    """Of the database's providers and those of the settings."""
    from appliance.routing.catalog import Catalog

    stored = rooms.stored
    catalog = Catalog(stored.db, stored.vault, stored.clock, stored.settings, stored.environ)
    await catalog.open()
    kinds = {provider.name: str(provider.kind) for provider in stored.settings.providers}
    return kinds | {offer.name: offer.kind for offer in catalog.offers()}
