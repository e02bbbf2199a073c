"""How the commands about guardrail policies reach them: through the running server, or in the database itself."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from appliance.cli.organisation import all_pages
from appliance.cli.rooms import Rooms

if TYPE_CHECKING:
    from appliance.api.admin.policies import PolicyShown
    from appliance.api.admin.policy_assignments import AssignmentShown
    from appliance.gateway.compliance import ComplianceReport
    from appliance.guardrails.policies import Policies

T = TypeVar("T")
Work = Callable[[Rooms], Coroutine[Any, Any, T]]
Document = dict[str, Any]


class Policing(Protocol):
    """Policies and assignments, whether a server runs or not. Errors: those of the tree, and CannotStart."""

    def policies(self) -> "list[PolicyShown]": ...
    def write(self, document: Document) -> "PolicyShown": ...
    def remove(self, name: str) -> None: ...
    def assignments(self) -> "list[AssignmentShown]": ...
    def assign(self, order: Document) -> "AssignmentShown": ...
    def unassign(self, assignment_id: str) -> None: ...
    def report(self, pack: str, begin_ms: int, end_ms: int) -> "ComplianceReport": ...


class Server(Protocol):
    """What is wanted of the running server."""

    def ask(self, method: str, path: str, body: Any = None) -> Any: ...


class ServerPolicing:
    def __init__(self, server: Server) -> None:
        self._server = server

    def policies(self) -> "list[PolicyShown]":
        from appliance.api.admin.policies import PolicyShown

        return msgspec.convert(all_pages(self._server, "policies", {}), list[PolicyShown])

    def write(self, document: Document) -> "PolicyShown":
        from appliance.api.admin.policies import PolicyShown

        name = document.get("name")
        if any(one.name == name for one in self.policies()):
            return msgspec.convert(self._server.ask("PATCH", f"policies/{quote(str(name), safe='')}", document), PolicyShown)
        return msgspec.convert(self._server.ask("POST", "policies", document), PolicyShown)

    def remove(self, name: str) -> None:
        self._server.ask("DELETE", f"policies/{quote(name, safe='')}")

    def assignments(self) -> "list[AssignmentShown]":
        from appliance.api.admin.policy_assignments import AssignmentShown

        return msgspec.convert(all_pages(self._server, "policy-assignments", {}), list[AssignmentShown])

    def assign(self, order: Document) -> "AssignmentShown":
        from appliance.api.admin.policy_assignments import AssignmentShown

        return msgspec.convert(self._server.ask("POST", "policy-assignments", order), AssignmentShown)

    def unassign(self, assignment_id: str) -> None:
        self._server.ask("DELETE", f"policy-assignments/{quote(assignment_id, safe='')}")

    def report(self, pack: str, begin_ms: int, end_ms: int) -> "ComplianceReport":
        from appliance.clock import rfc3339
        from appliance.gateway.compliance import ComplianceReport

        query = urlencode({"from": rfc3339(begin_ms), "to": rfc3339(end_ms)})
        return msgspec.convert(self._server.ask("GET", f"compliance/{quote(pack, safe='')}/report?{query}"), ComplianceReport)


class RoomsPolicing:
    """Importing the rooms takes longer than most commands, so it is done where they are needed."""

    def __init__(self, run: Callable[[Work[Any]], Any]) -> None:
        self._run = run

    def policies(self) -> "list[PolicyShown]":
        from appliance.api.admin.policies import policy_shown

        async def read(rooms: Rooms) -> "list[PolicyShown]":
            room = await _room(rooms)
            return [policy_shown(room.book.policies[name], room) for name in room.names()]

        found: list[PolicyShown] = self._run(read)
        return found

    def write(self, document: Document) -> "PolicyShown":
        from appliance.api.admin.policies import policy_shown
        from appliance.bodies import read_document
        from appliance.guardrails.policy import PolicyForm

        form = read_document(document, PolicyForm)

        async def change(rooms: Rooms) -> "PolicyShown":
            room = await _room(rooms)
            if form.name in room.book.policies:
                stored = await room.change(rooms.caller.actor, form.name, lambda before: form)
            else:
                stored = await room.make(rooms.caller.actor, form)
            return policy_shown(stored, room)

        made: PolicyShown = self._run(change)
        return made

    def remove(self, name: str) -> None:
        async def change(rooms: Rooms) -> None:
            await (await _room(rooms)).remove(rooms.caller.actor, name)

        self._run(change)

    def assignments(self) -> "list[AssignmentShown]":
        from appliance.api.admin.policy_assignments import assignments_shown

        async def read(rooms: Rooms) -> "list[AssignmentShown]":
            return await assignments_shown((await _room(rooms)).book.assignments, _names(rooms))

        found: list[AssignmentShown] = self._run(read)
        return found

    def assign(self, order: Document) -> "AssignmentShown":
        from appliance.api.admin.policy_assignments import NewAssignment, assigned
        from appliance.bodies import read_document

        wanted = read_document(order, NewAssignment)

        async def change(rooms: Rooms) -> "AssignmentShown":
            return await assigned(rooms.caller.actor, wanted, await _room(rooms), _names(rooms))

        made: AssignmentShown = self._run(change)
        return made

    def unassign(self, assignment_id: str) -> None:
        async def change(rooms: Rooms) -> None:
            await (await _room(rooms)).unassign(rooms.caller.actor, assignment_id)

        self._run(change)

    def report(self, pack: str, begin_ms: int, end_ms: int) -> "ComplianceReport":
        from appliance.gateway.compliance import Compliance

        async def read(rooms: Rooms) -> "ComplianceReport":
            stored = rooms.stored
            return await Compliance(stored.db, stored.clock, await _room(rooms)).report(pack, begin_ms, end_ms)

        found: ComplianceReport = self._run(read)
        return found


def _names(rooms: Rooms) -> Any:
    from functools import partial

    from appliance.identity.subject_names import subject_names

    return partial(subject_names, rooms.stored.db)


async def _room(rooms: Rooms) -> "Policies":
    from appliance.data import data_folder
    from appliance.gateway.guarding import Guarding
    from appliance.guardrails.policies import Policies
    from appliance.identity.key_format import well_formed
    from appliance.routing.catalog import Catalog

    def make_guard() -> Any:
        from appliance.guardrails import house  # where examples are tried, and nowhere else

        return house.make_guard(well_formed)

    stored = rooms.stored
    room = Policies(stored.db, stored.clock, stored.settings.guardrail_policy)
    await room.open(data_folder("policies"))
    room.check = Guarding(make_guard).check
    catalog = Catalog(stored.db, stored.vault, stored.clock, stored.settings, stored.environ)
    await catalog.open()
    room.users = catalog.routes_under
    return room
