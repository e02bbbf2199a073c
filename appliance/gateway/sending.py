"""One attempt at one deployment: the request goes out, the answer comes back as chunks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from yarl import URL

from appliance.chat import Chunk
from appliance.errors import FeatureUnsupported, UpstreamFailed
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
        self._urls: dict[str, URL] = {}

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
        url = self._url(deployment.base_url + outgoing.path)
        answer = await self._client.send("POST", url, outgoing.headers, outgoing.body, deployment.provider)
        if 200 <= answer.status < 300:
            return answer
        raise provider.error(answer.status, answer.headers, await _error_body(answer), deployment)

    def _url(self, text: str) -> URL:
        url = self._urls.get(text)
        if url is None:
            url = self._urls[text] = URL(text)  # deployments come from settings: their number is bounded
        return url


def _outgoing(provider: Provider, call: Call, deployment: Deployment) -> Outgoing:
    try:
        if call.kind is Kind.EMBEDDINGS:
            return provider.embeddings_request(call.raw, deployment)
        assert call.chat is not None
        return provider.chat_request(call.chat, call.raw, deployment)
    except RecursionError as error:
        raise FeatureUnsupported("the body is nested too deeply to be sent on", fix="Send a flatter JSON body.") from error


async def _error_body(answer: Answer) -> bytes:
    """The beginning of an error's body; what can't be read is as good as empty, the status says enough."""
    pieces, size = [], 0
    try:
        async with aclosing(answer.pieces()) as body:
            async for piece in body:
                pieces.append(piece)
                size += len(piece)
                if size > ERROR_BYTES_MAX:
                    break
    except Exception:
        return b""
    return b"".join(pieces)


async def _streamed(answer: Answer, stream: Stream) -> AsyncGenerator[Chunk, None]:
    async with aclosing(answer.pieces()) as pieces:
        async for data in pieces:
            for chunk in stream.feed(data):
                yield chunk
            if stream.done:
                answer.finished = stream.is_clean
                return
    for chunk in stream.close():
        yield chunk


async def _one(chunk: Chunk) -> AsyncGenerator[Chunk, None]:
    yield chunk
