"""What signing in is told in: accounts, who asks from where, what comes of it."""

from typing import Literal

import msgspec

FactorFate = Literal["none", "kept", "dropped"]


class User(msgspec.Struct, frozen=True):
    """An account, as it may be shown to its holder and to administrators."""

    id: str
    name: str
    email: str
    role: str
    tenant_id: str
    created_at: int


class SignedIn(msgspec.Struct, frozen=True):
    """What registering and signing in give."""

    user: User
    token: str
    expires_in: int

    def __repr__(self) -> str:  # the token must not reach a log through a repr
        return f"SignedIn(user={self.user.id!r})"


class PasswordReset(msgspec.Struct, frozen=True):
    """What a reset did. `second_factor`: `kept` where signing in still asks for it."""

    user: User
    sessions_ended: int
    second_factor: FactorFate


class Registration(msgspec.Struct, frozen=True):
    """What somebody who registers says."""

    name: str
    email: str
    password: str
    setup_code: str = ""

    def __repr__(self) -> str:  # nor the password
        return "Registration()"


class Origin(msgspec.Struct, frozen=True):
    """Where a request came from: `from_this_machine` when its sender could read this machine's screen anyway.

    agent: what the program calls itself; printable, and short.
    """

    address: str
    from_this_machine: bool
    agent: str = ""
