"""What a provider file takes and gives: the deployment it speaks to, the request to send, the answer as it comes."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from appliance.chat import ChatRequest, Chunk
from appliance.errors import GatehouseError
from appliance.providers.support import Support


class Deployment(msgspec.Struct, frozen=True):
    """One model at one provider with one credential.

    name:        `provider/model`, as the ledger and the metrics know it.
    base_url:    without a slash at its end; empty for models that run in our own worker.
    api_version: Azure's; empty: its v1 surface.
    region, access_key_id, secret_access_key: Bedrock's; with an api_key instead of the pair of keys that is its bearer key.
    """

    name: str
    provider: str
    kind: str
    model: str
    base_url: str = ""
    api_key: str = ""
    api_version: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""

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


class TokenCounter(Protocol):
    """A vendor that tells how many tokens a request has before it is asked, in a format that callers speak too."""

    def count_request(self, raw: dict[str, Any], deployment: Deployment) -> Outgoing:
        """`raw`: the body of a caller who asks the same in this very format. Errors: InvalidField."""
        ...

    def count_answer(self, body: bytes) -> int:
        """Errors: ValueError when the body is no count."""
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment) -> GatehouseError: ...


class Provider(Protocol):
    """One vendor's wire format.

    `passes`: the caller speaks this very format. Then the body goes out as `raw` has it, with the model exchanged, and
    each chunk of the answer carries the upstream's own bytes in `raw`; counting is all that is read of them. Otherwise
    `chat` is translated, and chunks hold everything in their deltas, with `raw` None.
    """

    @property
    def support(self) -> Support: ...

    @property
    def documents(self) -> frozenset[str]:
        """Kinds of documents (support.DOCUMENTS) that it takes as files where the body passes; of others it gets the text."""
        ...

    @property
    def dialect(self) -> str:
        """The dialect that passes through, by its name in dialects/: openai_chat, anthropic_messages, …; "" for none."""
        ...

    def chat_request(self, chat: ChatRequest, raw: dict[str, Any], deployment: Deployment, *, passes: bool) -> Outgoing:
        """Errors: FeatureUnsupported, InvalidField for what can't be translated."""
        ...

    def chat_answer(self, body: bytes, deployment: Deployment, *, passes: bool) -> Chunk:
        """A whole answer. Errors: UpstreamFailed when it isn't one."""
        ...

    def chat_stream(self, chat: ChatRequest, deployment: Deployment, *, passes: bool) -> Stream: ...

    def embeddings_requests(self, raw: dict[str, Any], deployment: Deployment) -> list[Outgoing]:
        """From OpenAI's body; several where the provider takes one text a request. Errors: FeatureUnsupported."""
        ...

    def embeddings_answer(self, bodies: list[bytes], raw: dict[str, Any], deployment: Deployment) -> Chunk:
        """One Chunk whose `raw` is OpenAI's body. `bodies` are the answers to `embeddings_requests`, in order."""
        ...

    def models_request(self, deployment: Deployment) -> Outgoing | None:
        """How to ask for the models that it offers, and whether the credential is good; None: it doesn't tell.

        The deployment's model is empty.
        """
        ...

    def models_answer(self, body: bytes) -> list[str]:
        """Names of the models that the provider offers. Errors: ValueError when the body isn't such a list."""
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment) -> GatehouseError:
        """What a status of 400 or more means to our caller."""
        ...
