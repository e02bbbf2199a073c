"""The gateway's way to models that run on this machine: translation on this side, the worker on the other."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import msgspec

from appliance.chat import Chunk
from appliance.gateway.call import Call
from appliance.identity.caller import Caller
from appliance.local.models import LocalModels
from appliance.providers import llamacpp
from appliance.providers.openai_body import Manners, body_of
from appliance.providers.support import Support, extras_dropped
from appliance.providers.wire import Deployment

# So small a model sometimes finds no end. Where the caller names no bound it gets this one, and `finish_reason: "length"`.
DEMONSTRATION_TOKENS_OUT = 512
_MANNERS = Manners("max_tokens", knows_developer=False, takes_top_k=True)
_NO_EXTRAS = Support(frozenset())


class OverheadMetrics(Protocol):
    def local_overhead(self, seconds: float) -> None: ...


class LocalChat:
    """Calls to local models as chunks, like any provider's."""

    def __init__(self, models: LocalModels, metrics: OverheadMetrics) -> None:
        self._models = models
        self._metrics = metrics

    async def chat(self, call: Call, deployment: Deployment, *, may_drop: bool) -> AsyncGenerator[Chunk, None]:
        assert call.chat is not None
        model = next((model for model in self._models.offered() if model.id == deployment.model), None)
        raw = call.raw
        if call.form is not None and call.form.name != "openai_chat":
            extras = call.form.extras(call.raw)
            call.dropped[deployment.name] = extras_dropped(extras, _NO_EXTRAS, who=deployment.name, drop=may_drop)
            raw = body_of(call.chat, deployment.model, _MANNERS)
        request = llamacpp.request(call.chat, raw, template_knows_tools=model is not None and model.tools)
        if model is not None and model.demonstration:
            request.body.setdefault("max_tokens", DEMONSTRATION_TOKENS_OUT)
        request.body["tenant"] = call.caller.tenant_number  # what an engine remembers of prompts stays within a tenant
        stream = llamacpp.Stream(request)
        at_once = self._models.is_loaded(deployment.model)
        async with aclosing(self._models.chat(deployment.model, request.body, _whose_turn(call.caller))) as events:
            async for event in events:
                at_once = at_once and "queue_position" not in event
                if at_once and (seconds := event.get("engine_seconds")) is not None:
                    self._measure(call, seconds)
                for chunk in stream.feed(event):
                    yield chunk
        for chunk in stream.close():
            yield chunk

    def _measure(self, call: Call, engine_seconds: float) -> None:
        """Once the call has ended: what we took of its time ourselves. Waiting for a place or for a model isn't work of ours."""

        async def measured(call: Call, error: BaseException | None) -> None:
            if error is None:
                self._metrics.local_overhead(max(time.monotonic() - call.started - engine_seconds, 0.0))

        call.on_end(measured)

    async def embeddings(self, call: Call, deployment: Deployment) -> Chunk:
        request = llamacpp.embeddings_request(call.raw)
        answer = await self._models.embed(deployment.model, request, _whose_turn(call.caller))
        body, usage = llamacpp.embeddings_answer(answer, deployment.model, call.raw)
        return Chunk(usage=usage, finish="stop", raw=msgspec.json.encode(body))


def _whose_turn(caller: Caller) -> tuple[str, int | None]:
    """Those who wait take turns by person; keys that belong to nobody, each for itself. More keys give nobody more turns."""
    return ("user", caller.user_number) if caller.user_number is not None else ("key", caller.key_number)
