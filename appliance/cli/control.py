"""How commands reach the appliance: through the running server, or, while none runs, by opening its rooms themselves.

Which of the two is decided by the home's lock, so that no command ever changes a database behind a server's back.
"""

import asyncio
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from appliance.cli.accounts import Accounts, RoomsAccounts, ServerAccounts
from appliance.cli.invitations import InvitationOrder, MadeInvitation, asked, made_here
from appliance.cli.organisation import A_PAGE, Organisation, RoomsOrganisation, ServerOrganisation, all_pages, pages
from appliance.cli.policing import Policing, RoomsPolicing, ServerPolicing
from appliance.cli.reconciling import Reconciling, RoomsReconciling, ServerReconciling
from appliance.cli.rooms import Rooms, Stored
from appliance.cli.routing import RoomsRouting, Routing, ServerRouting
from appliance.cli.sign_ins import RoomsSignIns, ServerSignIns, SignIns
from appliance.cli.views import Account, KeyOrder, KeysWanted, LanView, ListedKey, MadeKey, account_of, lan_view, listed_key
from appliance.clock import SystemClock, rfc3339_or_none
from appliance.errors import GatehouseError
from appliance.home import CannotStart, Control, Home, HomeBusy, HomeLock, home_folder

T = TypeVar("T")

ANSWER_SECONDS_MAX = 60.0
SILENCE_SECONDS_MAX = 30.0  # a stream of events shows life every ten
ANSWER_BYTES_MAX = 16 * 1024 * 1024


class Machine(Protocol):
    """What a command may ask, whether a server runs or not. Errors: those of the tree, and CannotStart."""

    def create_owner(self, name: str, email: str, password: str) -> Account: ...
    def invite(self, order: InvitationOrder) -> MadeInvitation: ...
    def create_key(self, order: KeyOrder) -> MadeKey: ...
    def keys(self, wanted: KeysWanted) -> list[ListedKey]: ...
    def revoke_key(self, key_id: str) -> None: ...
    def revoke_value(self, value: str) -> str: ...
    def rotate_key(self, key_id: str, grace_seconds: int) -> MadeKey: ...
    def lan(self) -> LanView: ...
    def lan_on(self, *, new_ca: bool) -> LanView: ...
    def lan_off(self) -> LanView: ...
    @property
    def routing(self) -> Routing: ...
    @property
    def policing(self) -> Policing: ...
    @property
    def reconciling(self) -> Reconciling: ...
    @property
    def organisation(self) -> Organisation: ...
    @property
    def service_accounts(self) -> Accounts: ...
    @property
    def sign_ins(self) -> SignIns: ...


@contextmanager
def machine(environ: Mapping[str, str] = os.environ) -> Iterator[Machine]:
    """The appliance of this home. While no server runs the home is held, so that none starts meanwhile.

    Errors:  CannotStart.
    """
    home = Home(home_folder(environ)).make()
    lock = HomeLock.acquire(home)
    if lock is not None:
        with lock:
            yield OwnRooms(home, environ)
        return
    control = home.read_control()
    if control is None:
        raise HomeBusy(
            f"the home folder {home.root} is in use, and no server says how to reach it",
            "A server is just starting or stopping, or another command is at work: try again in a moment.",
        )
    yield RunningServer(control)


def running_server(environ: Mapping[str, str] = os.environ) -> "RunningServer | None":
    """The server of this home, or None where none runs. Errors: CannotStart."""
    with machine(environ) as found:
        return found if isinstance(found, RunningServer) else None


class RunningServer:
    """Speaks to the server over HTTP, with the token of run/control.json."""

    def __init__(self, control: Control) -> None:
        self._control = control
        # No proxy: this never leaves the machine, whatever http_proxy says.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def create_owner(self, name: str, email: str, password: str) -> Account:
        body = {"name": name, "email": email, "password": password}
        return msgspec.convert(self.ask("POST", "machine/owner", body), Account)

    def invite(self, order: InvitationOrder) -> MadeInvitation:
        return asked(self.ask, order)

    def create_key(self, order: KeyOrder) -> MadeKey:
        body = {**msgspec.to_builtins(order), "expires_at": rfc3339_or_none(order.expires_at)}
        return msgspec.convert(self.ask("POST", "machine/api-keys", body), MadeKey)

    def keys(self, wanted: KeysWanted) -> list[ListedKey]:
        return msgspec.convert(all_pages(self, "api-keys", wanted.given()), list[ListedKey])

    def revoke_key(self, key_id: str) -> None:
        self.ask("DELETE", f"api-keys/{quote(key_id, safe='')}")

    def revoke_value(self, value: str) -> str:
        return str(self.ask("POST", "api-keys/revoke", {"key": value})["id"])

    def rotate_key(self, key_id: str, grace_seconds: int) -> MadeKey:
        body = {"grace_seconds": grace_seconds}
        return msgspec.convert(self.ask("POST", f"api-keys/{quote(key_id, safe='')}/rotate", body), MadeKey)

    def lan(self) -> LanView:
        return msgspec.convert(self.ask("GET", "lan"), LanView)

    def lan_on(self, *, new_ca: bool) -> LanView:
        return msgspec.convert(self.ask("POST", f"lan/on?new_ca={'true' if new_ca else 'false'}"), LanView)

    def lan_off(self) -> LanView:
        return msgspec.convert(self.ask("POST", "lan/off"), LanView)

    @property
    def routing(self) -> Routing:
        return ServerRouting(self)

    @property
    def policing(self) -> Policing:
        return ServerPolicing(self)

    @property
    def reconciling(self) -> Reconciling:
        return ServerReconciling(self)

    @property
    def organisation(self) -> Organisation:
        return ServerOrganisation(self)

    @property
    def service_accounts(self) -> Accounts:
        return ServerAccounts(self)

    @property
    def sign_ins(self) -> SignIns:
        return ServerSignIns(self)

    def ask(self, method: str, path: str, body: Any = None, seconds: float = ANSWER_SECONDS_MAX) -> Any:
        """What the server answers under /api/v1/admin. Errors: GatehouseError as it refuses; CannotStart when it is silent."""
        data = self.send(method, path, None if body is None else msgspec.json.encode(body), seconds=seconds)
        return msgspec.json.decode(data) if data else None

    def follow(self, path: str) -> Iterator[tuple[str, Any]]:
        """Events of a stream under /api/v1/admin, by name, until the server ends it. Errors: as in `ask`."""
        request = urllib.request.Request(
            f"{self._control.url}/api/v1/admin/{path}", headers={"Authorization": f"Bearer {self._control.token}"}
        )
        name = ""
        with self._opened(request, SILENCE_SECONDS_MAX) as answer:
            try:
                for line in answer:
                    field, _, value = line.decode().rstrip("\n").partition(": ")
                    if field == "event":
                        name = value
                    elif field == "data":
                        yield name, msgspec.json.decode(value)
            except OSError as error:
                raise self._silent(error) from None

    def send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        kind: str = "application/json",
        seconds: float = ANSWER_SECONDS_MAX,
    ) -> bytes:
        """The same in bytes. Errors: as in `ask`."""
        request = urllib.request.Request(
            f"{self._control.url}/api/v1/admin/{path}",
            method=method,
            data=data,
            headers={"Authorization": f"Bearer {self._control.token}", "Content-Type": kind},
        )
        try:
            with self._opened(request, seconds) as answer:
                return bytes(answer.read(ANSWER_BYTES_MAX))
        except OSError as error:
            raise self._silent(error) from None

    def _opened(self, request: urllib.request.Request, seconds: float) -> Any:
        try:
            return self._opener.open(request, timeout=seconds)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error.read(ANSWER_BYTES_MAX)) from None
        except OSError as error:
            raise self._silent(error) from None

    def _silent(self, error: OSError) -> CannotStart:
        return CannotStart(
            f"the server at {self._control.url} (process {self._control.pid}) does not answer: {error}",
            "Look at its log; `gatehouse doctor` says whether it is alive.",
        )


class OwnRooms:
    """Opens database and vault for one command. Importing them takes longer than most commands, so it is done here."""

    def __init__(self, home: Home, environ: Mapping[str, str]) -> None:
        self._home = home
        self._environ = environ

    def create_owner(self, name: str, email: str, password: str) -> Account:
        async def change(rooms: Rooms) -> Account:
            return account_of(await rooms.people.users.create_owner(name, email, password, actor=rooms.caller.actor))

        return self._run(change)

    def invite(self, order: InvitationOrder) -> MadeInvitation:
        return self._run(made_here(order))

    def create_key(self, order: KeyOrder) -> MadeKey:
        async def change(rooms: Rooms) -> MadeKey:
            from appliance.identity.api_keys import For, KeyWanted

            wanted = msgspec.convert(
                {
                    "name": order.name,
                    "environment": order.environment,
                    "expires_at": order.expires_at,
                    "scopes": order.scopes,
                    "models": order.models,
                },
                KeyWanted,
            )
            new = await rooms.people.api_keys.create(
                rooms.caller, wanted, whose=For(email=order.email, service_account=order.service_account_id)
            )
            return MadeKey(new.key.id, new.secret, rfc3339_or_none(new.key.expires_at))

        return self._run(change)

    def keys(self, wanted: KeysWanted) -> list[ListedKey]:
        async def read(rooms: Rooms) -> list[ListedKey]:
            from appliance.identity.api_keys import KeyFilter

            room, only = rooms.people.api_keys, msgspec.convert(wanted.given(), KeyFilter)
            found = await pages(lambda after: room.list(rooms.caller, limit=A_PAGE, after=after, wanted=only))
            return [listed_key(key) for key in found]

        return self._run(read)

    def revoke_key(self, key_id: str) -> None:
        async def change(rooms: Rooms) -> None:
            await rooms.people.api_keys.revoke(rooms.caller, key_id)

        self._run(change)

    def revoke_value(self, value: str) -> str:
        async def change(rooms: Rooms) -> str:
            return (await rooms.people.api_keys.revoke_value(rooms.caller, value)).id

        return self._run(change)

    def rotate_key(self, key_id: str, grace_seconds: int) -> MadeKey:
        async def change(rooms: Rooms) -> MadeKey:
            new = await rooms.people.api_keys.rotate(rooms.caller, key_id, grace_seconds=grace_seconds)
            return MadeKey(new.key.id, new.secret, rfc3339_or_none(new.key.expires_at))

        return self._run(change)

    def lan(self) -> LanView:
        from appliance.settings_sources import load

        if not load(self._home, self._environ).settings.lan:
            return LanView(False, [], [], None, None, None, [])

        async def read(rooms: Rooms) -> LanView:
            await rooms.lan.start()
            return lan_view(await rooms.lan.status())

        return self._run(read)

    def lan_on(self, *, new_ca: bool) -> LanView:
        async def change(rooms: Rooms) -> LanView:
            return lan_view(await rooms.lan.turn_on(actor=rooms.caller.actor, new_authority=new_ca))

        return self._run(change)

    def lan_off(self) -> LanView:
        async def change(rooms: Rooms) -> LanView:
            return lan_view(await rooms.lan.turn_off(actor=rooms.caller.actor))

        return self._run(change)

    @property
    def routing(self) -> Routing:
        return RoomsRouting(self._run)

    @property
    def policing(self) -> Policing:
        return RoomsPolicing(self._run)

    @property
    def reconciling(self) -> Reconciling:
        return RoomsReconciling(self._run)

    @property
    def organisation(self) -> Organisation:
        return RoomsOrganisation(self._run)

    @property
    def service_accounts(self) -> Accounts:
        return RoomsAccounts(self._run)

    @property
    def sign_ins(self) -> SignIns:
        return RoomsSignIns(self._run)

    def _run(self, work: Callable[[Rooms], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run(self._with_rooms(work))

    async def _with_rooms(self, work: Callable[[Rooms], Coroutine[Any, Any, T]]) -> T:
        from appliance.identity.caller import MACHINE
        from appliance.identity.identity import Identity
        from appliance.lan.hosts import Hosts
        from appliance.lan.lan import Lan
        from appliance.settings_sources import load
        from appliance.store.engine import Database
        from appliance.store.migrate import migrate
        from appliance.store.vault import Vault

        settings, clock = load(self._home, self._environ).settings, SystemClock()
        db = Database(settings.database_url or self._home.database)
        await db.open()
        try:
            await migrate(db)
            vault = await Vault.open(db, self._home, settings.master_key_source, self._environ, clock)
            people = await Identity.open(db, vault, clock, settings)
            lan = Lan(settings, self._home, self._environ, db, vault, clock, Hosts())
            return await work(Rooms(MACHINE, people, lan, Stored(db, vault, clock, settings, self._environ)))
        finally:
            await db.close()


def _refusal(data: bytes) -> GatehouseError:
    try:
        error = msgspec.json.decode(data)["error"]
        return GatehouseError(str(error["message"]), fix=str(error.get("fix", "")))
    except (msgspec.DecodeError, KeyError, TypeError):
        return GatehouseError("the server refused, and did not say why", fix="Look at its log.")
