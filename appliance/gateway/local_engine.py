"""The gateway's way to models that run on this machine: translation on this side, the worker on the other."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from appliance.chat import Chunk
from appliance.gateway.call import Call
from appliance.local.models import LocalModels
from appliance.providers import llamacpp
from appliance.providers.wire import Deployment

# So small a model sometimes finds no end. Where the caller names no bound it gets this one, and `finish_reason: "length"`.
DEMONSTRATION_TOKENS_OUT = 512


class LocalChat:
    """Calls to local models as chunks, like any provider's."""

    def __init__(self, models: LocalModels) -> None:
        self._models = models

    async def chat(self, call: Call, deployment: Deployment) -> AsyncGenerator[Chunk, None]:
        assert call.chat is not None
        model = next((model for model in self._models.offered() if model.id == deployment.model), None)
        request = llamacpp.request(call.chat, call.raw, template_knows_tools=model is not None and model.tools)
        if model is not None and model.demonstration:
            request.body.setdefault("max_tokens", DEMONSTRATION_TOKENS_OUT)
        stream = llamacpp.Stream(request)
        async with aclosing(self._models.chat(deployment.model, request.body)) as events:
            async for event in events:
                for chunk in stream.feed(event):
                    yield chunk
        for chunk in stream.close():
            yield chunk

    async def embeddings(self, call: Call, deployment: Deployment) -> Chunk:
        request = llamacpp.embeddings_request(call.raw)
        answer = await self._models.embed(deployment.model, request)
        body, usage = llamacpp.embeddings_answer(answer, deployment.model, call.raw)
        return Chunk(usage=usage, finish="stop", raw=msgspec.json.encode(body))
