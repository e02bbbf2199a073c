"""What is offered at the moment: local models, and what each provider says that it has."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from appliance.errors import GatehouseError
from appliance.providers.registry import PROVIDERS
from appliance.routing.names import LocalOffer, Names, ProviderOffer, VllmOffer
from appliance.settings import ProviderSettings, Settings
from appliance.telemetry.logs import get_logger
from appliance.upstream.client import HttpClient

ASK_AGAIN_SECONDS = 600.0
ASK_SECONDS_MAX = 15.0
MODELS_MAX = 5_000

_log = get_logger("gateway")


class LocalOffers(Protocol):
    """What is wanted of the local models."""

    def offered(self) -> Sequence["_Offered"]: ...

    async def watch(self, on_change: Callable[[], None]) -> None: ...


class _Offered(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def added_at(self) -> int: ...


class VllmOffers(Protocol):
    """What is wanted of the models that vLLM serves. Whoever made it tells `Offers.refresh` when one changes."""

    def offered(self) -> Sequence["_Served"]: ...


class _Served(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def base_url(self) -> str: ...
    @property
    def api_key(self) -> str: ...
    @property
    def is_ready(self) -> bool: ...
    @property
    def is_starting(self) -> bool: ...
    @property
    def why(self) -> str: ...
    @property
    def retry_after_seconds(self) -> float | None: ...


class Offers:
    """Keeps the table of names true. Providers whose models the settings don't list are asked, at start and now and then."""

    def __init__(self, settings: Settings, local: LocalOffers, client: HttpClient, vllm: VllmOffers) -> None:
        """`publish` is told each new table; set it before `start`."""
        self.publish: Callable[[Names], None] = lambda names: None
        self._providers = settings.providers
        self._local = local
        self._vllm = vllm
        self._client = client
        self._told: dict[str, frozenset[str]] = {}
        openai_credential = any(p.kind == "openai" and p.api_key for p in settings.providers)
        alias = settings.demonstration_alias
        self._alias = (alias, settings.local_model) if alias and not openai_credential else None
        self._tasks: list[asyncio.Task[None]] = []

    def names(self) -> Names:
        """The table as it stands now."""
        providers = tuple(_offer(provider, self._models(provider)) for provider in self._providers)
        local = tuple(LocalOffer(model.id, model.kind, model.added_at) for model in self._local.offered())
        served = tuple(
            VllmOffer(m.name, m.base_url, m.api_key, m.is_ready, m.is_starting, m.why, m.retry_after_seconds)
            for m in self._vllm.offered()
        )
        return Names(local, providers, self._alias, served)

    def refresh(self) -> None:
        """Something that is offered has changed."""
        self.publish(self.names())

    def _models(self, provider: ProviderSettings) -> frozenset[str] | None:
        return frozenset(provider.models) if provider.models else self._told.get(provider.name)

    def start(self) -> None:
        """Begin to watch the local models and to ask providers; inside the event loop."""
        self._tasks = [asyncio.ensure_future(self._local.watch(self.refresh))]
        if any(not provider.models for provider in self._providers):
            self._tasks.append(asyncio.ensure_future(self._ask_forever()))

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _ask_forever(self) -> None:
        while True:
            await asyncio.gather(*(self._ask(provider) for provider in self._providers if not provider.models))
            self.refresh()
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def _ask(self, provider: ProviderSettings) -> None:
        wire = PROVIDERS[provider.kind]
        deployment = _offer(provider, None).deployment("")
        outgoing = wire.models_request(deployment)
        if outgoing is None:
            return
        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                answer = await self._client.send("GET", deployment.base_url + outgoing.path, outgoing.headers, b"", provider.name)
                body = await answer.read()
            if answer.status == 200:
                self._told[provider.name] = frozenset(wire.models_answer(body)[:MODELS_MAX])
        except (GatehouseError, ValueError, TimeoutError) as error:
            # Its models can still be asked for by name; only the list is short.
            _log.warning("a provider did not tell its models", provider=provider.name, kind=type(error).__name__)


def _offer(provider: ProviderSettings, models: frozenset[str] | None) -> ProviderOffer:
    return ProviderOffer(
        provider.name,
        provider.kind,
        provider.base_url.rstrip("/"),
        provider.api_key,
        models,
        provider.api_version,
        provider.region,
        provider.access_key_id,
        provider.secret_access_key,
    )
