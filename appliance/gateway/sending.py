"""One attempt at one deployment: the request goes out, the answer comes back as chunks."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Protocol, TypeVar

import msgspec

from appliance.chat import Chunk, Chunks, OneChunk
from appliance.errors import FeatureUnsupported, GatehouseError, UpstreamFailed
from appliance.gateway.call import Call
from appliance.gateway.files_as_text import fitted
from appliance.gateway.images import Images
from appliance.metering.entries import Kind
from appliance.providers.registry import wire
from appliance.providers.support import fit
from appliance.providers.wire import Deployment, Outgoing, Provider, Stream
from appliance.upstream.client import Answer, HttpClient

T = TypeVar("T")

ERROR_BYTES_MAX = 256 * 1024
ERROR_SECONDS_MAX = 5.0  # another deployment may be asked meanwhile


class LocalEngine(Protocol):
    """What the gateway wants of the room that runs models on this machine."""

    def chat(self, call: Call, deployment: Deployment, *, may_drop: bool) -> Chunks: ...

    async def embeddings(self, call: Call, deployment: Deployment) -> Chunk: ...


class Sender:
    """Sends calls to deployments, by HTTP or to the local engine."""

    def __init__(self, client: HttpClient, local: LocalEngine, images: Images) -> None:
        self._client = client
        self._local = local
        self._images = images

    async def send(self, call: Call, deployment: Deployment, *, may_drop: bool) -> Chunks:
        """The answer's chunks; the head of the answer has arrived when this returns.

        Shapes:  `may_drop`: parameters that can be left out harmlessly may be, where this deployment lacks them.
        Errors:  whatever of the tree the provider's answer means. The caller of this closes the iterator.
        """
        if call.file_texts:
            call = fitted(call, deployment.kind, deployment.name)
        if deployment.kind == "llamacpp":
            if call.kind is Kind.EMBEDDINGS:
                return OneChunk(await self._local.embeddings(call, deployment))
            return self._local.chat(call, deployment, may_drop=may_drop)
        provider = wire(deployment.kind, call.dialect_name)
        if call.kind is Kind.EMBEDDINGS:
            return OneChunk(await self._embeddings(call, provider, deployment))
        return await self._chat(call, provider, deployment, may_drop)

    async def _embeddings(self, call: Call, provider: Provider, deployment: Deployment) -> Chunk:
        answers = []
        for outgoing in _translated(lambda: provider.embeddings_requests(call.raw, deployment)):
            answer = await self._request(outgoing, provider, deployment)
            answers.append(await answer.read())
        return provider.embeddings_answer(answers, call.raw, deployment)

    async def _chat(self, call: Call, provider: Provider, deployment: Deployment, may_drop: bool) -> Chunks:
        assert call.chat is not None
        passes = provider.dialect == call.dialect_name
        chat = call.chat
        if not passes:
            extras = call.form.extras(call.raw) if call.form is not None else []
            fitted = fit(chat, extras, provider.support, who=deployment.name, drop=may_drop)
            chat, call.dropped[deployment.name] = await self._images.inlined(fitted.chat), fitted.dropped
        raw = call.form.for_its_vendor(call.raw) if passes and call.form is not None else call.raw
        outgoing = _translated(lambda: provider.chat_request(chat, raw, deployment, passes=passes))
        if passes and call.own_headers:
            outgoing = with_headers(outgoing, call.own_headers)
        answer = await self._request(outgoing, provider, deployment)
        if not chat.stream:
            return OneChunk(provider.chat_answer(await answer.read(), deployment, passes=passes))
        if "json" in answer.headers.get("content-type", ""):
            provider.chat_answer(await answer.read(), deployment, passes=passes)  # raises where it is an error with status 200
            raise UpstreamFailed(f"{deployment.provider} answered a stream with a whole body", fix="Ask without stream.")
        return _streamed(answer, provider.chat_stream(chat, deployment, passes=passes))

    async def _request(self, outgoing: Outgoing, provider: Provider, deployment: Deployment) -> Answer:
        url = deployment.base_url + outgoing.path
        answer = await self._client.send("POST", url, outgoing.headers, outgoing.body, deployment.provider)
        if 200 <= answer.status < 300:
            return answer
        raise provider.error(answer.status, answer.headers, await _error_body(answer), deployment)


def with_headers(outgoing: Outgoing, more: dict[str, str]) -> Outgoing:
    """The same request with these headers, which win over its own."""
    return msgspec.structs.replace(outgoing, headers={**outgoing.headers, **more})


def _translated(translate: Callable[[], T]) -> T:
    try:
        return translate()
    except RecursionError as error:
        raise FeatureUnsupported("the body is nested too deeply to be sent on", fix="Send a flatter JSON body.") from error


async def _error_body(answer: Answer) -> bytes:
    """An error's body; one that can't be read, or not soon, is as good as empty: the status says enough."""
    try:
        async with asyncio.timeout(ERROR_SECONDS_MAX):
            return await answer.read(ERROR_BYTES_MAX)
    except (GatehouseError, TimeoutError):
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
