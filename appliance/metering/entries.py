"""The ledger's rows as the gateway hands them over: opened before anything is sent, settled before the last byte."""

from enum import IntEnum

import msgspec


class Kind(IntEnum):
    """What a request asked for. Numbers are stored: never reuse one."""

    CHAT = 1
    EMBEDDINGS = 2
    FILES = 3  # files that were scanned, and sent nowhere


class Dialect(IntEnum):
    """The wire format it came in. Numbers are stored: never reuse one."""

    OPENAI = 1
    ANTHROPIC = 2
    RESPONSES = 3


class RequestState(IntEnum):
    """How a request ended. Numbers are stored: never reuse one."""

    OPEN = 0
    SETTLED = 1
    INTERRUPTED = 2  # the server died while it ran; booked at what was reserved
    CANCELLED = 3  # the caller hung up; booked is what was used until then
    FAILED = 4


class AttemptOutcome(IntEnum):
    """How one attempt at one deployment ended. Numbers are stored: never reuse one."""

    SUCCEEDED = 1
    FAILED = 2
    CANCELLED = 3
    INTERRUPTED = 4


class Direction(IntEnum):
    """Which way a text was going. Numbers are stored: never reuse one."""

    INPUT = 1
    OUTPUT = 2


class FindingAction(IntEnum):
    """What guardrails did about what they found, or that they could not look. Numbers are stored: never reuse one."""

    FLAG = 1
    TOKENISE = 2
    MASK = 3
    BLOCK = 4
    UNINSPECTED = 5
    KEPT_HERE = 6


class FindingEntry(msgspec.Struct, frozen=True, gc=False):
    """How often something was found in a request: a type, never a value. `is_shadow`: what a policy would have done."""

    direction: int
    type: str
    action: int
    is_shadow: bool
    count: int


class OpenEntry(msgspec.Struct, frozen=True, gc=False):
    """A request about to be sent. Numbers are the integer keys of tenant, user, key, …; None where there is none.
    `policy`: of guardrails, with its version."""

    id: bytes
    started_at: int
    kind: int
    dialect: int
    tenant_number: int
    department_number: int | None
    team_number: int | None
    user_number: int | None
    key_number: int | None
    model: str
    deployment: str
    streamed: bool
    reserved_in: int
    reserved_out: int
    policy: str | None = None


class AttemptEntry(msgspec.Struct, frozen=True, gc=False):
    """What one attempt used. Tokens as in chat.Usage; `why` this deployment was asked, None: there was no other;
    `cost_micro` in millionths of a US dollar by the price list named `price`, None: no price is known."""

    deployment: str
    outcome: int
    status: int
    duration_ms: int
    tokens_in: int
    tokens_out: int
    cached_in: int
    reasoning_out: int
    estimated: bool
    finish: str | None
    error: str | None = None
    why: str | None = None
    cost_micro: int | None = None
    price: str | None = None


class SettledEntry(msgspec.Struct, frozen=True):
    """How a request ended, with its attempts in order."""

    id: bytes
    state: int
    status: int
    error: str | None
    duration_ms: int
    first_token_ms: int | None
    attempts: tuple[AttemptEntry, ...]
    findings: tuple[FindingEntry, ...] = ()

    @property
    def estimated(self) -> bool:
        return any(attempt.estimated for attempt in self.attempts)
