"""How the commands about organisations and their people reach them: through the running server, or in the database itself."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from appliance.cli.invitations import base_url_here
from appliance.cli.rooms import Rooms
from appliance.errors import NotFound

if TYPE_CHECKING:
    from appliance.api.admin.tenants import TenantCreated, TenantShown
    from appliance.api.admin.users import ImportShown, PersonShown

T = TypeVar("T")
Work = Callable[[Rooms], Coroutine[Any, Any, T]]
Change = dict[str, Any]

A_PAGE = 200


class Organisation(Protocol):
    """Tenants and users, whether a server runs or not. `tenant`: an id; None: the appliance's own. A user is named by address.

    Errors:  those of the tree, and CannotStart.
    """

    def tenants(self) -> "list[TenantShown]": ...
    def create_tenant(self, name: str) -> "TenantShown": ...
    def begin_tenant(self, name: str, owner: Change) -> "TenantCreated": ...
    def change_tenant(self, tenant_id: str, change: Change) -> "TenantShown": ...
    def delete_tenant(self, tenant_id: str, *, forget: bool) -> None: ...
    def users(self, role: str | None) -> "list[PersonShown]": ...
    def create_user(self, wanted: Change) -> "PersonShown": ...
    def change_user(self, email: str, change: Change) -> "PersonShown": ...
    def delete_user(self, email: str, *, forget: bool) -> None: ...
    def user_id(self, email: str) -> str: ...
    def import_users(self, wanted: Change, *, dry_run: bool) -> "ImportShown": ...


class Server(Protocol):
    """What is wanted of the running server."""

    def ask(self, method: str, path: str, body: Any = None) -> Any: ...


class ServerOrganisation:
    def __init__(self, server: Server) -> None:
        self._server = server

    def tenants(self) -> "list[TenantShown]":
        from appliance.api.admin.tenants import TenantShown

        return msgspec.convert(all_pages(self._server, "tenants", {}), list[TenantShown])

    def create_tenant(self, name: str) -> "TenantShown":
        return self._tenant("POST", "tenants", {"name": name})

    def begin_tenant(self, name: str, owner: Change) -> "TenantCreated":
        from appliance.api.admin.tenants import TenantCreated

        return msgspec.convert(self._server.ask("POST", "tenants", {"name": name, "owner": owner}), TenantCreated)

    def change_tenant(self, tenant_id: str, change: Change) -> "TenantShown":
        return self._tenant("PATCH", f"tenants/{quote(tenant_id, safe='')}", change)

    def delete_tenant(self, tenant_id: str, *, forget: bool) -> None:
        self._server.ask("DELETE", f"tenants/{quote(tenant_id, safe='')}?forget={_flag(forget)}")

    def users(self, role: str | None) -> "list[PersonShown]":
        from appliance.api.admin.users import PersonShown

        return msgspec.convert(all_pages(self._server, "users", {} if role is None else {"role": role}), list[PersonShown])

    def create_user(self, wanted: Change) -> "PersonShown":
        return self._user("POST", "users", wanted)

    def change_user(self, email: str, change: Change) -> "PersonShown":
        return self._user("PATCH", f"users/{quote(self.user_id(email), safe='')}", change)

    def delete_user(self, email: str, *, forget: bool) -> None:
        self._server.ask("DELETE", f"users/{quote(self.user_id(email), safe='')}?forget={_flag(forget)}")

    def import_users(self, wanted: Change, *, dry_run: bool) -> "ImportShown":
        from appliance.api.admin.users import ImportShown

        return msgspec.convert(self._server.ask("POST", f"users/import?dry_run={_flag(dry_run)}", wanted), ImportShown)

    def _tenant(self, method: str, path: str, body: Change) -> "TenantShown":
        from appliance.api.admin.tenants import TenantShown

        return msgspec.convert(self._server.ask(method, path, body), TenantShown)

    def _user(self, method: str, path: str, body: Change) -> "PersonShown":
        from appliance.api.admin.users import PersonShown

        return msgspec.convert(self._server.ask(method, path, body), PersonShown)

    def user_id(self, email: str) -> str:
        """Errors: NotFound, InvalidField."""
        return quote(
            _named(email, msgspec.convert(all_pages(self._server, "users", {"q": email.strip()}), list[_Named])), safe=""
        )


class RoomsOrganisation:
    """Importing the rooms takes longer than most commands, so it is done where they are needed."""

    def __init__(self, run: Callable[[Work[Any]], Any]) -> None:
        self._run = run

    def tenants(self) -> "list[TenantShown]":
        from appliance.api.admin.tenants import tenant_shown

        async def read(rooms: Rooms) -> "list[TenantShown]":
            room = rooms.people.tenants
            return [tenant_shown(one) for one in await pages(lambda after: room.list(rooms.caller, limit=A_PAGE, after=after))]

        found: list[TenantShown] = self._run(read)
        return found

    def create_tenant(self, name: str) -> "TenantShown":
        from appliance.api.admin.tenants import tenant_shown
        from appliance.identity.tenant_rules import TenantRules

        async def change(rooms: Rooms) -> "TenantShown":
            return tenant_shown(await rooms.people.tenants.create(rooms.caller, name, TenantRules()))

        made: TenantShown = self._run(change)
        return made

    def begin_tenant(self, name: str, owner: Change) -> "TenantCreated":
        from appliance.api.admin.tenants import tenant_created
        from appliance.identity.invitation_places import InvitationWanted
        from appliance.identity.tenant_rules import TenantRules

        async def change(rooms: Rooms) -> "TenantCreated":
            begun = await rooms.people.tenants.begin(rooms.caller, name, TenantRules(), InvitationWanted(**owner))
            return tenant_created(begun, base_url_here(rooms))

        made: TenantCreated = self._run(change)
        return made

    def change_tenant(self, tenant_id: str, change: Change) -> "TenantShown":
        from appliance.api.admin.tenants import tenant_shown
        from appliance.identity.tenants import TenantChange

        async def changed(rooms: Rooms) -> "TenantShown":
            return tenant_shown(await rooms.people.tenants.change(rooms.caller, tenant_id, TenantChange(**change)))

        found: TenantShown = self._run(changed)
        return found

    def delete_tenant(self, tenant_id: str, *, forget: bool) -> None:

        async def change(rooms: Rooms) -> None:
            await rooms.people.tenants.delete(rooms.caller, tenant_id, forget=forget)

        self._run(change)

    def users(self, role: str | None) -> "list[PersonShown]":
        from appliance.api.admin.users import person_shown
        from appliance.identity.person import Wanted

        async def read(rooms: Rooms) -> "list[PersonShown]":
            return [person_shown(one) for one in await _people(rooms, msgspec.convert({"role": role}, Wanted))]

        found: list[PersonShown] = self._run(read)
        return found

    def create_user(self, wanted: Change) -> "PersonShown":
        from appliance.api.admin.users import person_shown
        from appliance.identity.person import NewPerson

        tenant = wanted.pop("tenant_id", None)
        person = msgspec.convert(wanted, NewPerson)

        async def change(rooms: Rooms) -> "PersonShown":
            return person_shown(await rooms.people.people.create(rooms.caller, person, tenant_id=tenant))

        made: PersonShown = self._run(change)
        return made

    def change_user(self, email: str, change: Change) -> "PersonShown":
        from appliance.api.admin.users import person_shown
        from appliance.identity.person import PersonChange

        async def changed(rooms: Rooms) -> "PersonShown":
            user_id = await _user_id(rooms, email)
            return person_shown(await rooms.people.people.change(rooms.caller, user_id, PersonChange(**change)))

        found: PersonShown = self._run(changed)
        return found

    def delete_user(self, email: str, *, forget: bool) -> None:

        async def change(rooms: Rooms) -> None:
            await rooms.people.people.delete(rooms.caller, await _user_id(rooms, email), forget=forget)

        self._run(change)

    def user_id(self, email: str) -> str:
        """Errors: NotFound, InvalidField."""

        async def read(rooms: Rooms) -> str:
            return await _user_id(rooms, email)

        found: str = self._run(read)
        return found

    def import_users(self, wanted: Change, *, dry_run: bool) -> "ImportShown":
        from appliance.api.admin.users import UserImport, import_shown

        order = msgspec.convert(wanted, UserImport)

        async def change(rooms: Rooms) -> "ImportShown":
            room = rooms.people.people_import
            told = await room.take(rooms.caller, order.users, invite=order.invite, dry_run=dry_run, tenant_id=order.tenant_id)
            return import_shown(told, base_url_here(rooms))

        told: ImportShown = self._run(change)
        return told


class _Named(msgspec.Struct):
    id: str
    email: str


def _named(email: str, found: list[_Named]) -> str:
    """The id of the account with this address. Errors: NotFound, InvalidField."""
    from appliance.identity.text_rules import clean_email

    wanted = clean_email(email).key
    for one in found:
        if clean_email(one.email).key == wanted:
            return one.id
    raise NotFound("no account has this e-mail address", fix="`gatehouse users list` shows them.", param="email")


async def _user_id(rooms: Rooms, email: str) -> str:
    from appliance.identity.person import Wanted

    found = await _people(rooms, Wanted(words=email.strip()))
    return _named(email, [_Named(one.id, one.email) for one in found])


async def _people(rooms: Rooms, wanted: Any) -> list[Any]:

    room = rooms.people.people
    return await pages(lambda after: room.list(rooms.caller, wanted, limit=A_PAGE, after=after))


def all_pages(server: Server, what: str, query: dict[str, str]) -> list[Any]:
    """Everything that the running server lists there."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = server.ask("GET", f"{what}?{urlencode({'limit': A_PAGE, **query, **cursor})}")
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def pages(read: Callable[[str | None], Coroutine[Any, Any, Any]]) -> list[Any]:
    """Everything that a room lists."""
    found: list[Any] = []
    after: str | None = None
    while True:
        page = await read(after)
        found += page.items
        after = page.next_cursor
        if after is None:
            return found


def _flag(value: bool) -> str:
    return "true" if value else "false"
