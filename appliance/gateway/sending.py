"""One attempt at one deployment: the request goes out, the answer comes back as chunks."""

from collections.abc import AsyncGenerator
from typing import Protocol

from appliance.chat import Chunk
from appliance.errors import FeatureUnsupported, GatehouseError, UpstreamFailed
from appliance.gateway.call import Call
from appliance.metering.entries import Kind
from appliance.providers.registry import PROVIDERS
from appliance.providers.wire import Deployment, Outgoing, Provider, Stream
from appliance.upstream.client import Answer, HttpClient

ERROR_BYTES_MAX = 256 * 1024


class LocalEngine(Protocol):
    """What the gateway wants of the room that runs models on this machine."""

    def chat(self, call: Call, deployment: Deployment) -> AsyncGenerator[Chunk, None]: ...

    async def embeddings(self, call: Call, deployment: Deployment) -> Chunk: ...


class Sender:
    """Sends calls to deployments, by HTTP or to the local engine."""

    def __init__(self, client: HttpClient, local: LocalEngine) -> None:
        self._client = client
        self._local = local

    async def send(self, call: Call, deployment: Deployment) -> AsyncGenerator[Chunk, None]:
        """The answer's chunks; the head of the answer has arrived when this returns.

        Errors:  whatever of the tree the provider's answer means. The caller of this closes the iterator.
        """
        if deployment.kind == "llamacpp":
            if call.kind is Kind.EMBEDDINGS:
                return _one(await self._local.embeddings(call, deployment))
            return self._local.chat(call, deployment)
        provider = PROVIDERS[deployment.kind]
        answer = await self._request(_outgoing(provider, call, deployment), provider, deployment)
        if call.kind is Kind.EMBEDDINGS:
            return _one(provider.embeddings_answer(await answer.read(), deployment))
        assert call.chat is not None
        if not call.chat.stream:
            return _one(provider.chat_answer(await answer.read(), deployment))
        if "json" in answer.headers.get("content-type", ""):
            provider.chat_answer(await answer.read(), deployment)  # raises where it is an error told with status 200
            raise UpstreamFailed(f"{deployment.provider} answered a stream with a whole body", fix="Ask without stream.")
        return _streamed(answer, provider.chat_stream(call.chat, deployment))

    async def _request(self, outgoing: Outgoing, provider: Provider, deployment: Deployment) -> Answer:
        url = deployment.base_url + outgoing.path
        answer = await self._client.send("POST", url, outgoing.headers, outgoing.body, deployment.provider)
        if 200 <= answer.status < 300:
            return answer
        raise provider.error(answer.status, answer.headers, await _error_body(answer), deployment)


def _outgoing(provider: Provider, call: Call, deployment: Deployment) -> Outgoing:
    try:
        if call.kind is Kind.EMBEDDINGS:
            return provider.embeddings_request(call.raw, deployment)
        assert call.chat is not None
        return provider.chat_request(call.chat, call.raw, deployment)
    except RecursionError as error:
        raise FeatureUnsupported("the body is nested too deeply to be sent on", fix="Send a flatter JSON body.") from error


async def _error_body(answer: Answer) -> bytes:
    """An error's body; one that can't be read is as good as empty, the status says enough."""
    try:
        return await answer.read(ERROR_BYTES_MAX)
    except GatehouseError:
        return b""


async def _streamed(answer: Answer, stream: Stream) -> AsyncGenerator[Chunk, None]:
    try:
        while data := await answer.piece():
            for chunk in stream.feed(data):
                yield chunk
            if stream.done:
                answer.finished = stream.is_clean
                return
    finally:
        answer.close()
    for chunk in stream.close():
        yield chunk


async def _one(chunk: Chunk) -> AsyncGenerator[Chunk, None]:
    yield chunk
