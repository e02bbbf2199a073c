"""What is offered at the moment: local models, and what each provider says that it has."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from appliance.errors import GatehouseError
from appliance.providers.registry import PROVIDERS
from appliance.routing.building import There, built, offer_of_settings
from appliance.routing.catalog import Catalog
from appliance.routing.names import LocalOffer, Names, ProviderOffer, VllmOffer
from appliance.settings import Settings
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
    """Keeps the table of names true. Providers whose models nobody lists are asked: at start, when they change, now and then."""

    def __init__(self, settings: Settings, local: LocalOffers, client: HttpClient, vllm: VllmOffers, catalog: Catalog) -> None:
        """`publish` is told each new table; set it before `start`."""
        self.publish: Callable[[Names], None] = lambda names: None
        self.missing: dict[str, list[str]] = {}  # by route: deployments that have nothing to stand on now
        self._settings = settings
        self._local = local
        self._vllm = vllm
        self._client = client
        self._catalog = catalog
        self._told: dict[str, frozenset[str]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def names(self) -> Names:
        """The table as it stands now."""
        local = tuple(LocalOffer(model.id, model.kind, model.added_at) for model in self._local.offered())
        served = tuple(
            VllmOffer(m.name, m.base_url, m.api_key, m.is_ready, m.is_starting, m.why, m.retry_after_seconds)
            for m in self._vllm.offered()
        )
        providers = self._providers()
        there = There({o.id: o for o in local}, {o.name: o for o in served}, {o.name: o for o in providers})
        routes = built(self._catalog.routes(), there)
        self.missing = routes.missing
        elsewhere = tuple(offer for offer in providers if offer.kind != "llamacpp")
        return Names(local, elsewhere, self._alias(providers), served, routes.routes)

    def refresh(self) -> None:
        """Something that is offered has changed."""
        self.publish(self.names())

    def provider_changed(self, name: str) -> None:
        """What was known of this provider's models may hold no longer: it is asked anew."""
        self._told.pop(name, None)
        if self._tasks:
            task = asyncio.ensure_future(self._ask_these([offer for offer in self._known() if offer.name == name]))
            self._tasks.append(task)
            task.add_done_callback(self._tasks.remove)

    def _known(self) -> list[ProviderOffer]:
        """Providers as they were written: those of the settings, then those of the database, which come second to them."""
        known = {offer.name: offer for offer in self._catalog.offers()}
        known |= {provider.name: offer_of_settings(provider) for provider in self._settings.providers}
        return list(known.values())

    def _providers(self) -> list[ProviderOffer]:
        """The same, with the models that they told."""
        return [
            msgspec.structs.replace(offer, models=self._told.get(offer.name)) if offer.models is None else offer
            for offer in self._known()
        ]

    def _alias(self, providers: list[ProviderOffer]) -> tuple[str, str] | None:
        """The demonstration's name for the local model, as long as nobody has the real thing."""
        alias = self._settings.demonstration_alias
        real = any(offer.kind == "openai" and offer.api_key for offer in providers)
        return (alias, self._settings.local_model) if alias and not real else None

    def start(self) -> None:
        """Begin to watch the local models and to ask providers; inside the event loop."""
        self._tasks = [asyncio.ensure_future(self._local.watch(self.refresh)), asyncio.ensure_future(self._ask_forever())]

    def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    async def _ask_forever(self) -> None:
        while True:
            await self._ask_these(self._known())
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def _ask_these(self, offers: Sequence[ProviderOffer]) -> None:
        untold = [offer for offer in offers if offer.models is None and offer.kind in PROVIDERS]
        await asyncio.gather(*(self._ask(offer) for offer in untold))
        if untold:
            self.refresh()

    async def _ask(self, offer: ProviderOffer) -> None:
        wire = PROVIDERS[offer.kind]
        outgoing = wire.models_request(offer.deployment(""))
        if outgoing is None:
            return
        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                answer = await self._client.send("GET", offer.base_url + outgoing.path, outgoing.headers, b"", offer.name)
                body = await answer.read()
            if answer.status == 200 and offer in self._known():  # it may be another by now
                self._told[offer.name] = frozenset(wire.models_answer(body)[:MODELS_MAX])
        except (GatehouseError, ValueError, TimeoutError) as error:
            # Its models can still be asked for by name; only the list is short.
            _log.warning("a provider did not tell its models", provider=offer.name, kind=type(error).__name__)
