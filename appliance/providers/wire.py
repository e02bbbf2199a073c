"""What a provider file takes and gives: the deployment it speaks to, the request to send, the answer as it comes."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from appliance.chat import ChatRequest, Chunk
from appliance.errors import GatehouseError


class Deployment(msgspec.Struct, frozen=True):
    """One model at one provider with one credential.

    name:     `provider/model`, as the ledger and the metrics know it.
    base_url: without a slash at its end; empty for models that run in our own worker.
    """

    name: str
    provider: str
    kind: str
    model: str
    base_url: str = ""
    api_key: str = ""

    def __repr__(self) -> str:  # a credential must not reach a log through a repr
        return f"Deployment({self.name!r})"


class Outgoing(msgspec.Struct, frozen=True):
    """A request ready to be sent: a path below the deployment's base_url, headers, body."""

    path: str
    headers: dict[str, str]
    body: bytes


class Stream(Protocol):
    """Turns one answer's bytes into chunks. One per attempt; not shared between tasks."""

    @property
    def done(self) -> bool:
        """The provider has said all it will; whatever follows is of no interest."""
        ...

    @property
    def is_clean(self) -> bool:
        """Nothing but the end was said behind the end: the connection can be trusted with another answer."""
        ...

    def feed(self, data: bytes) -> list[Chunk]:
        """Errors: GatehouseError when the provider reports a failure in the middle of its answer."""
        ...

    def close(self) -> list[Chunk]:
        """The connection ended. Errors: UpstreamCut when the answer was not finished."""
        ...


class Provider(Protocol):
    """One vendor's wire format."""

    def chat_request(self, chat: ChatRequest, raw: dict[str, Any], deployment: Deployment) -> Outgoing: ...

    def chat_answer(self, body: bytes, deployment: Deployment) -> Chunk:
        """A whole answer. Errors: UpstreamFailed when it isn't one."""
        ...

    def chat_stream(self, chat: ChatRequest, deployment: Deployment) -> Stream: ...

    def embeddings_request(self, raw: dict[str, Any], deployment: Deployment) -> Outgoing: ...

    def embeddings_answer(self, body: bytes, deployment: Deployment) -> Chunk: ...

    def models_request(self, base_url: str, api_key: str) -> Outgoing: ...

    def models_answer(self, body: bytes) -> list[str]:
        """Names of the models that the provider offers. Errors: ValueError when the body isn't such a list."""
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment) -> GatehouseError:
        """What a status of 400 or more means to our caller."""
        ...
