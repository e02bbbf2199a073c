"""How the commands about signing in reach sign-ins and passwords: through the running server, or in the database itself."""

from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import msgspec

from appliance.cli.rooms import Rooms
from appliance.cli.views import Account, account_of
from appliance.clock import rfc3339


class ResetPassword(msgspec.Struct):
    """What a reset did. `second_factor`: `kept` where signing in still asks for it."""

    user: Account
    sessions_ended: int
    second_factor: Literal["none", "kept", "dropped"]


class ListedSession(msgspec.Struct):
    """One line of `gatehouse users sessions`."""

    id: str
    method: str
    address: str
    agent: str
    created_at: str
    last_seen_at: str
    expires_at: str


class SignIns(Protocol):
    """Whether a server runs or not. A user is named by address. Errors: those of the tree, and CannotStart."""

    def reset_password(self, email: str, password: str, *, drop_second_factor: bool) -> ResetPassword: ...
    def sessions(self, email: str) -> list[ListedSession]: ...
    def sign_out(self, email: str) -> int: ...


class Server(Protocol):
    """What is wanted of the running server."""

    def ask(self, method: str, path: str, body: Any = None) -> Any: ...


class ServerSignIns:
    def __init__(self, server: Server) -> None:
        self._server = server

    def reset_password(self, email: str, password: str, *, drop_second_factor: bool) -> ResetPassword:
        body = {"email": email, "password": password, "drop_second_factor": drop_second_factor}
        return msgspec.convert(self._server.ask("POST", "machine/password", body), ResetPassword)

    def sessions(self, email: str) -> list[ListedSession]:
        found = self._server.ask("GET", f"machine/sessions?{urlencode({'email': email})}")
        return msgspec.convert(found["items"], list[ListedSession])

    def sign_out(self, email: str) -> int:
        return int(self._server.ask("POST", "machine/sign-out", {"email": email})["sessions_ended"])


class RoomsSignIns:
    def __init__(self, run: Callable[[Callable[[Rooms], Coroutine[Any, Any, Any]]], Any]) -> None:
        self._run = run

    def reset_password(self, email: str, password: str, *, drop_second_factor: bool) -> ResetPassword:
        async def change(rooms: Rooms) -> ResetPassword:
            sign_in, actor = rooms.people.sign_in, rooms.caller.actor
            done = await sign_in.reset_password(email, password, actor=actor, drop_factor=drop_second_factor)
            return ResetPassword(account_of(done.user), done.sessions_ended, done.second_factor)

        done: ResetPassword = self._run(change)
        return done

    def sessions(self, email: str) -> list[ListedSession]:
        async def read(rooms: Rooms) -> list[ListedSession]:
            return [
                ListedSession(
                    id=one.id,
                    method=one.method,
                    address=one.address,
                    agent=one.agent,
                    created_at=rfc3339(one.created_at),
                    last_seen_at=rfc3339(one.last_seen_at),
                    expires_at=rfc3339(one.expires_at),
                )
                for one in await rooms.people.sessions.of_account(rooms.caller, email)
            ]

        found: list[ListedSession] = self._run(read)
        return found

    def sign_out(self, email: str) -> int:
        async def change(rooms: Rooms) -> int:
            return await rooms.people.sessions.end_all_of_account(rooms.caller, email)

        ended: int = self._run(change)
        return ended
