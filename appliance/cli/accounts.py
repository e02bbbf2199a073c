"""How the commands about service accounts reach them: through the running server, or in the database itself."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import msgspec

from appliance.cli.organisation import A_PAGE, Server, all_pages, pages
from appliance.cli.rooms import Rooms

if TYPE_CHECKING:
    from appliance.api.admin.service_accounts import ServiceAccountShown

Change = dict[str, Any]


class Accounts(Protocol):
    """Service accounts, of every organisation, whether a server runs or not. Errors: those of the tree, and CannotStart."""

    def all(self) -> "list[ServiceAccountShown]": ...
    def create(self, wanted: Change) -> "ServiceAccountShown": ...
    def change(self, account_id: str, change: Change) -> "ServiceAccountShown": ...
    def delete(self, account_id: str) -> None: ...


class ServerAccounts:
    def __init__(self, server: Server) -> None:
        self._server = server

    def all(self) -> "list[ServiceAccountShown]":
        from appliance.api.admin.service_accounts import ServiceAccountShown

        return msgspec.convert(all_pages(self._server, "service-accounts", {}), list[ServiceAccountShown])

    def create(self, wanted: Change) -> "ServiceAccountShown":
        return self._account("POST", "service-accounts", wanted)

    def change(self, account_id: str, change: Change) -> "ServiceAccountShown":
        return self._account("PATCH", _path(account_id), change)

    def delete(self, account_id: str) -> None:
        self._server.ask("DELETE", _path(account_id))

    def _account(self, method: str, path: str, body: Change) -> "ServiceAccountShown":
        from appliance.api.admin.service_accounts import ServiceAccountShown

        return msgspec.convert(self._server.ask(method, path, body), ServiceAccountShown)


class RoomsAccounts:
    """Importing the rooms takes longer than most commands, so it is done where they are needed."""

    def __init__(self, run: Callable[[Callable[[Rooms], Coroutine[Any, Any, Any]]], Any]) -> None:
        self._run = run

    def all(self) -> "list[ServiceAccountShown]":
        from appliance.api.admin.service_accounts import account_shown

        async def read(rooms: Rooms) -> "list[ServiceAccountShown]":
            room = rooms.people.service_accounts
            found = await pages(lambda after: room.list(rooms.caller, limit=A_PAGE, after=after))
            return [account_shown(one) for one in found]

        listed: list[ServiceAccountShown] = self._run(read)
        return listed

    def create(self, wanted: Change) -> "ServiceAccountShown":
        from appliance.api.admin.service_accounts import account_shown
        from appliance.identity.service_accounts import ServiceAccountWanted

        async def make(rooms: Rooms) -> "ServiceAccountShown":
            return account_shown(await rooms.people.service_accounts.create(rooms.caller, ServiceAccountWanted(**wanted)))

        made: ServiceAccountShown = self._run(make)
        return made

    def change(self, account_id: str, change: Change) -> "ServiceAccountShown":
        from appliance.api.admin.service_accounts import account_shown
        from appliance.identity.service_accounts import ServiceAccountChange

        async def changed(rooms: Rooms) -> "ServiceAccountShown":
            room = rooms.people.service_accounts
            return account_shown(await room.change(rooms.caller, account_id, ServiceAccountChange(**change)))

        found: ServiceAccountShown = self._run(changed)
        return found

    def delete(self, account_id: str) -> None:
        async def gone(rooms: Rooms) -> None:
            await rooms.people.service_accounts.delete(rooms.caller, account_id)

        self._run(gone)


def _path(account_id: str) -> str:
    return f"service-accounts/{quote(account_id, safe='')}"
