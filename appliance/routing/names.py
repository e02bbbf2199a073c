"""From the model name that a caller writes to a route: the deployments that may answer, and the rules for choosing.

In this order: an administrator's route; the name of a model that vLLM serves here; the local model's own id;
`provider/model` (`vllm/…` and `local/…` are this machine's own); a name that exactly one provider offers; the demonstration
alias; a bare name at the one provider that doesn't tell what it has. A frozen table: a request keeps the one it began with,
a change makes a new one.
"""

import msgspec

from appliance.errors import BadRequest, LocalModelFailed, LocalModelStarting, ModelUnknown, Unavailable
from appliance.providers.wire import Deployment
from appliance.routing.route import Route, single

LOCAL_PROVIDER = "local"
VLLM_PROVIDER = "vllm"
ROUTE_OWNER = "gatehouse"
NAMES_LISTED_MAX = 20


class LocalOffer(msgspec.Struct, frozen=True):
    """A model that this machine runs: its id, what it is for (chat or embedding), when it was added (ms)."""

    id: str
    kind: str
    added_at: int = 0


class ProviderOffer(msgspec.Struct, frozen=True):
    """A provider and the models it is known to offer; None: it doesn't tell, so any name may be one of its."""

    name: str
    kind: str
    base_url: str
    api_key: str
    models: frozenset[str] | None = None
    api_version: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""

    def deployment(self, model: str) -> Deployment:
        return Deployment(
            f"{self.name}/{model}",
            self.name,
            self.kind,
            model,
            self.base_url,
            self.api_key,
            self.api_version,
            self.region,
            self.access_key_id,
            self.secret_access_key,
        )

    def __repr__(self) -> str:  # a credential must not reach a log through a repr
        return f"ProviderOffer({self.name!r})"


class VllmOffer(msgspec.Struct, frozen=True):
    """A model that vLLM serves here. While it is not ready its name is known all the same: `why` and when to come again."""

    name: str
    base_url: str = ""
    api_key: str = ""
    is_ready: bool = False
    is_starting: bool = False
    why: str = ""
    retry_after_seconds: float | None = None

    def deployment(self) -> Deployment:
        """Errors: LocalModelStarting, LocalModelFailed while it isn't ready."""
        if self.is_ready:
            return Deployment(
                f"{VLLM_PROVIDER}/{self.name}", VLLM_PROVIDER, VLLM_PROVIDER, self.name, self.base_url, self.api_key
            )
        again, wait = self.retry_after_seconds, "Try again after the time that Retry-After says, or ask for another model."
        if self.is_starting:
            raise LocalModelStarting(self.why, fix=wait, param="model", retry_after_seconds=again)
        fix = "Ask for another model; `gatehouse doctor` tells an administrator more."
        raise LocalModelFailed(self.why, fix=fix, param="model", retry_after_seconds=again)

    def __repr__(self) -> str:  # a credential must not reach a log through a repr
        return f"VllmOffer({self.name!r}, is_ready={self.is_ready})"


class Resolution(msgspec.Struct, frozen=True):
    """Where a name leads. `alias` is the name asked for where it is not the model's own; `guessed` the provider that it was
    taken to where nobody here knows it.
    """

    route: Route
    alias: str | None = None
    guessed: str = ""

    @property
    def deployment(self) -> Deployment:
        """The route's first; a fallback's where none of its own can be asked now."""
        return (self.route.targets or self.route.all_targets())[0].deployment


class OfferedModel(msgspec.Struct, frozen=True):
    """A row of GET /v1/models. `deployment`: the full name of what it leads to; empty for a route."""

    id: str
    owned_by: str
    created: int
    deployment: str = ""


class Names:
    """All names that lead somewhere. Resolving takes a dictionary look-up once a name was seen."""

    def __init__(
        self,
        local: tuple[LocalOffer, ...],
        providers: tuple[ProviderOffer, ...],
        alias: tuple[str, str] | None,
        vllm: tuple[VllmOffer, ...] = (),
        routes: tuple[Route, ...] = (),
    ) -> None:
        """`alias` is (name, local model id), left out where it should not be offered. An administrator's route comes before
        everything of the same name.
        """
        self._routes = {route.name: route for route in routes}
        self._local = {offer.id: offer for offer in local}
        self._providers = {provider.name: provider for provider in providers}
        self._vllm = {offer.name: offer for offer in vllm}
        is_free = alias is not None and alias[1] in self._local and alias[0] not in self._vllm and alias[0] not in self._routes
        self._alias = alias if is_free else None
        self._seen: dict[str, Resolution] = {}

    @property
    def providers(self) -> tuple[ProviderOffer, ...]:
        return tuple(self._providers.values())

    def is_route(self, name: str) -> bool:
        """An administrator's, that is."""
        return name in self._routes

    def resolve(self, name: str) -> Resolution:
        """The route behind a name.

        Errors:  ModelUnknown, listing what is offered; BadRequest when several providers offer a bare name;
                 LocalModelStarting, LocalModelFailed where it is a model of vLLM that isn't ready;
                 Unavailable where a route has nothing left to ask.
        """
        found = self._seen.get(name)
        if found is None:
            found = self._resolve(name)
            if len(self._seen) < 4096:  # callers can make names up; memory is bounded
                self._seen[name] = found
        return found

    def _resolve(self, name: str) -> Resolution:
        if name in self._routes:
            return _routed(self._routes[name])
        if name in self._vllm:
            return _only(self._vllm[name].deployment(), is_local=True)
        if name in self._local:
            return _only(self._local_deployment(name), is_local=True)
        provider_name, slash, model = name.partition("/")
        if slash and model:
            if provider_name == VLLM_PROVIDER and model in self._vllm:
                return _only(self._vllm[model].deployment(), is_local=True)
            if provider_name == LOCAL_PROVIDER and model in self._local:
                return _only(self._local_deployment(model), is_local=True)
            if provider_name in self._providers:
                return _only(self._providers[provider_name].deployment(model))
        fitting = [p for p in self._providers.values() if p.models is not None and name in p.models]
        if not fitting and self._alias is not None and name == self._alias[0]:
            return _only(self._local_deployment(self._alias[1]), alias=name, is_local=True)
        guessed = not fitting and not slash
        if guessed:
            fitting = [p for p in self._providers.values() if p.models is None]
        if len(fitting) > 1:
            choices = ", ".join(f"{p.name}/{name}" for p in fitting[:NAMES_LISTED_MAX])
            raise BadRequest(f"several providers may offer {_short(name)}", param="model", fix=f"Write one of: {choices}")
        if fitting:
            found = _only(fitting[0].deployment(name))
            return msgspec.structs.replace(found, guessed=fitting[0].name) if guessed else found
        # The message says it all: the SDKs show nothing else.
        raise ModelUnknown(
            f"no model is called {_short(name)}. {self._what_is_offered()}", param="model", fix="GET /v1/models lists the names."
        )

    def told_of_guess(self, name: str, provider: str) -> str:
        """For whoever wrote a name that nobody here knows, once the provider that it was taken to has refused."""
        told = f"No model is called {_short(name)} here, so {provider} was asked for it, which doesn't tell what it has."
        return f"{told} {self._what_is_offered()}" if self.offered() else told

    def _local_deployment(self, model: str) -> Deployment:
        return Deployment(f"{LOCAL_PROVIDER}/{model}", LOCAL_PROVIDER, "llamacpp", model)

    def _what_is_offered(self) -> str:
        names = [model.id for model in self.offered()]
        if not names:
            return "No model is offered yet: `gatehouse providers add` adds a provider, `gatehouse models get` a local model."
        more = f" and {len(names) - NAMES_LISTED_MAX} more (GET /v1/models)" if len(names) > NAMES_LISTED_MAX else ""
        return f"Offered: {', '.join(names[:NAMES_LISTED_MAX])}{more}."

    def offered(self) -> list[OfferedModel]:
        """What GET /v1/models lists: local models, the alias, what vLLM serves now, and what providers are known to offer."""
        rows = [OfferedModel(route.name, ROUTE_OWNER, 0) for route in self._routes.values()]
        rows += [
            OfferedModel(offer.id, LOCAL_PROVIDER, offer.added_at // 1000, f"{LOCAL_PROVIDER}/{offer.id}")
            for offer in self._local.values()
            if offer.id not in self._vllm and offer.id not in self._routes
        ]
        rows += [
            OfferedModel(offer.name, VLLM_PROVIDER, 0, f"{VLLM_PROVIDER}/{offer.name}")
            for offer in self._vllm.values()
            if offer.is_ready and offer.name not in self._routes
        ]
        if self._alias is not None and self._alias[0] not in self._local and not self._providers_offer(self._alias[0]):
            stands_for = f"{LOCAL_PROVIDER}/{self._alias[1]}"
            rows.append(OfferedModel(self._alias[0], LOCAL_PROVIDER, self._local[self._alias[1]].added_at // 1000, stands_for))
        for provider in self._providers.values():
            names = (f"{provider.name}/{model}" for model in sorted(provider.models or ()))
            rows.extend(OfferedModel(name, provider.name, 0, name) for name in names)
        return rows

    def kinds(self) -> list[tuple[str, str]]:
        """Each name that callers may write, with the kind of provider that it leads to first."""
        rows = [(route.name, route.targets[0].deployment.kind) for route in self._routes.values() if route.targets]
        for provider in self._providers.values():
            rows.extend((f"{provider.name}/{model}", provider.kind) for model in sorted(provider.models or ()))
        return rows

    def deployments(self) -> list[str]:
        """Names of the deployments behind what is offered."""
        found = [f"{LOCAL_PROVIDER}/{model}" for model in self._local]
        found += [f"{VLLM_PROVIDER}/{model}" for model in self._vllm]
        found += [f"{p.name}/{model}" for p in self._providers.values() for model in sorted(p.models or ())]
        return list(dict.fromkeys([*found, *(target.name for route in self._routes.values() for target in route.targets)]))

    def _providers_offer(self, name: str) -> bool:
        return any(p.models is not None and name in p.models for p in self._providers.values())


def _only(deployment: Deployment, *, alias: str | None = None, is_local: bool = False) -> Resolution:
    return Resolution(single(deployment, is_local=is_local), alias)


def _routed(route: Route) -> Resolution:
    if not route.targets and not route.all_targets():
        fix = f"`gatehouse routes show {route.name}` tells an administrator what is missing."
        raise Unavailable(f"the route {route.name} has no deployment that can be asked now", fix=fix, param="model")
    return Resolution(route)


def _short(name: str) -> str:
    """A caller's name as a message may repeat it: quoted, bounded, without control characters."""
    return repr(name[:100])
