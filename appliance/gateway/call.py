"""The record of one request, carried from the door to the last byte. Stages read and write it; nothing else is passed along."""

import itertools
import random
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.chat import ChatRequest, Chunks, Usage
from appliance.dialects.writer import Answer, ChatDialect
from appliance.gateway.state import State
from appliance.gateway.tally import Tally
from appliance.guardrails.placeholders import Placeholders
from appliance.guardrails.policy_set import PolicySet
from appliance.identity.caller import Caller
from appliance.metering.entries import Dialect, Kind
from appliance.providers.wire import Deployment
from appliance.routing.names import Resolution
from appliance.routing.router import Attempt

if TYPE_CHECKING:
    from appliance.files.document import FileError
    from appliance.guardrails.custom import CustomScanner

_sequence = itertools.count(random.getrandbits(16))


def new_id(now_ms: int) -> bytes:
    """16 bytes that sort by time: 48 bits of milliseconds, 16 of a sequence, 64 random. Unique, not secret."""
    return now_ms.to_bytes(6, "big") + (next(_sequence) & 0xFFFF).to_bytes(2, "big") + random.getrandbits(64).to_bytes(8, "big")


class Reservation(msgspec.Struct, frozen=True):
    """What is set aside for a request before it is sent, in tokens."""

    tokens_in: int
    tokens_out: int


class Head(msgspec.Struct):
    """How an answer begins: an HTTP status and headers to add."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = []


class Reply(msgspec.Struct):
    """An answer on its way: a head, then chunks. Whoever iterates closes the iterator."""

    head: Head
    chunks: Chunks


Ending = Callable[["Call", BaseException | None], Awaitable[None]]


class Call(msgspec.Struct):
    """One request.

    raw:      the caller's body, decoded; what pass-through sends.
    form:     the dialect of a chat; None for what only OpenAI's speaks.
    own_headers: those of the caller's request that are part of its format; they go along where the body passes through.
    local_only: it may not leave this machine, whatever the route says.
    dropped:  parameters that were left out of what was sent, by deployment.
    deadline: monotonic seconds at which it must have ended; `limit` moves the caller's own clock along.
    attempts: those that were made, in order; answered: the one whose answer it gets. Its journey itself isn't here: that
              knows the call, and a circle is freed by the garbage collector alone (130 µs a request, measured).
    policy:   what guardrails are to do with it; tally: what they did; placeholders: of the values that its caller gets back;
              custom: looks for the policies' own expressions.
    file_texts: the texts of its documents, by the places of their parts, or why one has none: for whoever takes no files.
    cost:     US dollars, once it has ended; None: no price is known.
    answer:   what its dialect writes on top of the answer, where it has such a thing.
    started:  monotonic seconds of its arrival; started_at is the same moment in UTC milliseconds.
    """

    id: bytes
    kind: Kind
    dialect: Dialect
    caller: Caller
    state: State
    model: str
    raw: dict[str, Any]
    started: float
    started_at: int
    deadline: float
    chat: ChatRequest | None = None
    form: ChatDialect | None = None
    streamed: bool = False
    own_headers: dict[str, str] = {}
    local_only: bool = False
    dropped: dict[str, tuple[str, ...]] = {}
    head: Head = msgspec.field(default_factory=Head)
    resolution: Resolution | None = None
    reservation: Reservation | None = None
    attempts: list[Attempt] = []
    answered: Attempt | None = None
    answer: Answer | None = None
    limit: Callable[[float], None] | None = None
    is_booked: bool = False
    cost: Decimal | None = None
    policy: PolicySet | None = None
    tally: Tally | None = None
    placeholders: Placeholders | None = None
    custom: "CustomScanner | None" = None
    file_texts: dict[tuple[str | int, ...], "str | FileError"] = {}
    usage: Usage | None = None
    finish: str | None = None
    characters_out: int = 0
    first_token: float | None = None
    _endings: list[Ending] = []

    @property
    def dialect_name(self) -> str:
        """As providers know it."""
        return self.form.name if self.form is not None else "openai_chat"

    @property
    def deployment(self) -> Deployment:
        """The one that answers it; until that is known, the one that its route begins with."""
        if self.answered is not None:
            return self.answered.target.deployment
        assert self.resolution is not None
        return self.resolution.deployment

    def end_within(self, seconds: float) -> None:
        """It has so long from its arrival, if it had longer."""
        self.deadline = min(self.deadline, self.started + seconds)
        if self.limit is not None:
            self.limit(seconds)

    def on_end(self, ending: Ending) -> None:
        """Have `ending(call, error)` awaited once when the call ends: error is None on success."""
        self._endings.append(ending)

    async def end(self, error: BaseException | None) -> None:
        """Run the endings, last one first; each runs once however often this is called."""
        while self._endings:
            await self._endings.pop()(self, error)

    def elapsed_ms(self) -> int:
        return int((time.monotonic() - self.started) * 1000)
