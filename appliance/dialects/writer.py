"""What a dialect's file gives to the door: how a request is read, how its answer is written."""

from typing import Any, Protocol

import msgspec

from appliance.chat import ChatRequest, Chunk, Usage


class Parsed(msgspec.Struct, frozen=True):
    """A caller's request: as it is translated from, and as it came (what pass-through sends, and guardrails read)."""

    chat: ChatRequest
    raw: dict[str, Any]


class Answer(msgspec.Struct):
    """What every rendered answer carries: its id, second of creation and model name as shown to the caller."""

    id: str
    created: int
    model: str


class Writer(Protocol):
    """Writes one answer. One per answer, whole or streamed: it remembers what it has told."""

    def whole(self, chunks: list[Chunk], usage: Usage | None) -> bytes:
        """The body of a whole answer. Chunks that carry the upstream's bytes never come here."""
        ...

    def event(self, chunk: Chunk) -> bytes:
        """A chunk as bytes of the stream: the upstream's own where it has them; empty where there is nothing to tell."""
        ...

    def end(self, usage: Usage | None) -> bytes:
        """What ends a stream that was finished: called once, after the ledger has committed."""
        ...


class ChatDialect(Protocol):
    """A format in which callers ask for a chat.

    name:         as providers know it in Provider.dialect.
    id_prefix:    what ids of answers begin with.
    sign_of_life: bytes that a stream may show while it waits.
    own_headers:  request headers, in small letters, that are part of the format: a body that passes through takes them along.
    """

    @property
    def name(self) -> str: ...
    @property
    def id_prefix(self) -> str: ...
    @property
    def sign_of_life(self) -> bytes: ...
    @property
    def own_headers(self) -> tuple[bytes, ...]: ...

    def parse(self, body: bytes) -> Parsed:
        """Errors: MalformedJson, InvalidField, FeatureUnsupported."""
        ...

    def chat(self, raw: dict[str, Any]) -> ChatRequest:
        """The request anew from a body of which texts were changed. Errors: as `parse`."""
        ...

    def extras(self, raw: dict[str, Any]) -> list[str]:
        """The fields of the body that chat.ChatRequest has no place for: a translation would lose them."""
        ...

    def for_its_vendor(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The body as the vendor whose dialect this is may have it: without what only we gave the caller."""
        ...

    def writer(self, chat: ChatRequest, answer: Answer) -> Writer: ...
