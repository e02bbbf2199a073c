"""Providers and routes as the app knows them, without Qt: the last lists, what tests found, and the circuits."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gui.plain_text import one_line

MODELS_KEPT_MAX = 500


class Provider(msgspec.Struct, frozen=True):
    """What this app reads of a provider; more may stand there. `source` is database, file or environment."""

    id: str
    name: str
    kind: str
    base_url: str = ""
    api_version: str = ""
    region: str = ""
    models: list[str] = []
    api_key_env: str = ""
    api_key_end: str | None = None
    access_key_id_end: str | None = None
    secret_access_key_end: str | None = None
    has_credential: bool = False
    source: str = "database"
    used_by: list[str] = []
    updated_at: str | None = None

    @property
    def can_change(self) -> bool:
        return self.source == "database"


class Standing(msgspec.Struct, frozen=True):
    """A circuit as the list of routes tells it."""

    state: str
    why: str | None = None


class Deployment(msgspec.Struct, frozen=True):
    """`order`, `limits`, `context_tokens` and `local` are not edited here, but a change keeps them."""

    provider: str
    model: str
    weight: float = 1.0
    order: int = 0
    limits: Any = None
    context_tokens: int | None = None
    local: bool = False
    problem: str | None = None
    circuit: Standing | None = None

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"


class Route(msgspec.Struct, frozen=True):
    id: str
    name: str
    strategy: str
    fallbacks: list[str] = []
    local_only: bool = False
    drop_unsupported: bool = False
    deployments: list[Deployment] = []


class Problem(msgspec.Struct, frozen=True):
    message: str
    fix: str = ""


class Tried(msgspec.Struct, frozen=True):
    """How a test of a connection went."""

    ok: bool
    seconds: float = 0.0
    models: list[str] = []
    error: Problem | None = None


class Circuit(msgspec.Struct, frozen=True):
    """Whether a deployment is asked: closed (yes), open (left alone), half-open (one request tries it)."""

    deployment: str
    state: str
    why: str = ""


class Step(msgspec.Struct, frozen=True):
    """A deployment in the order of trying, or left out, and why."""

    deployment: str
    route: str
    why: str
    circuit: str = ""
    lacks: list[str] = []


class Explanation(msgspec.Struct, frozen=True):
    model: str
    strategy: str
    tried: list[Step]
    left_out: list[Step]
    route: str = ""
    retries: int = 0
    local_only: bool = False


class Taken(msgspec.Struct, frozen=True):
    """What became, or would become, of the providers or the routes of a file."""

    created: list[str] = []
    changed: list[str] = []
    unchanged: list[str] = []


class Imported(msgspec.Struct, frozen=True):
    providers: Taken
    routes: Taken


def tried_of(body: Any) -> Tried | None:
    """None where it can't be read."""
    try:
        found = msgspec.convert(body, Tried)
    except msgspec.ValidationError:
        return None
    return msgspec.structs.replace(found, models=[one_line(model) for model in found.models[:MODELS_KEPT_MAX]])


def explanation_of(body: Any) -> Explanation | None:
    try:
        return msgspec.convert(body, Explanation)
    except msgspec.ValidationError:
        return None


def imported_of(body: Any) -> Imported | None:
    try:
        return msgspec.convert(body, Imported)
    except msgspec.ValidationError:
        return None


class Providers:
    """`told`: both lists have come. `tried`: the last test by provider's id; `asked`: what is under way, by id."""

    def __init__(self) -> None:
        self.told = False
        self.tried: dict[str, Tried] = {}
        self.asked: dict[str, str] = {}
        self._providers: dict[str, Provider] = {}
        self._routes: dict[str, Route] = {}
        self._circuits: dict[str, Circuit] = {}

    def take_lists(self, providers: Sequence[Any], routes: Sequence[Any]) -> bool:
        """Whether they could be read. A provider that has been changed since is not what was tested."""
        try:
            found = {one.id: one for one in msgspec.convert(providers, list[Provider])}
            self._routes = {one.id: one for one in msgspec.convert(routes, list[Route])}
        except msgspec.ValidationError:
            return False
        for known in list(self.tried):
            before, now = self._providers.get(known), found.get(known)
            if now is None or before is None or before.updated_at != now.updated_at:
                del self.tried[known]
        self._providers = found
        self._take_circuits()
        self.told = True
        return True

    def take_event(self, name: str, body: Any) -> bool:
        """Whether the lists should be asked for anew."""
        if name == "circuit":
            try:
                self.take_circuit(msgspec.convert(body, Circuit))
            except msgspec.ValidationError:
                return True
        return name in ("routes", "dropped")

    def take_circuit(self, circuit: Circuit) -> None:
        self._circuits[circuit.deployment] = msgspec.structs.replace(circuit, why=one_line(circuit.why))

    def _take_circuits(self) -> None:
        """Of the lists: what was open before the app looked is known as well."""
        for route in self._routes.values():
            for one in route.deployments:
                if one.circuit is not None:
                    self.take_circuit(Circuit(one.name, one.circuit.state, one.circuit.why or ""))

    def take_explanation(self, found: Explanation) -> None:
        """What it says of circuits. Why one is open an event has told better, if one came."""
        for step in (*found.tried, *found.left_out):
            known = self._circuits.get(step.deployment)
            if step.circuit and (known is None or known.state != step.circuit):
                self.take_circuit(Circuit(step.deployment, step.circuit, step.why if step.circuit != "closed" else ""))

    def take_tried(self, provider_id: str, tried: Tried) -> None:
        if provider_id in self._providers:
            self.tried[provider_id] = tried

    def provider(self, provider_id: str) -> Provider | None:
        return self._providers.get(provider_id)

    def named(self, name: str) -> Provider | None:
        return next((one for one in self._providers.values() if one.name == name), None)

    def route(self, route_id: str) -> Route | None:
        return self._routes.get(route_id)

    def providers(self, words: str = "") -> list[Provider]:
        """By name; only those in which every word stands somewhere."""
        return [one for one in sorted(self._providers.values(), key=lambda one: one.name) if _has(words, _told_of(one))]

    def routes(self, words: str = "") -> list[Route]:
        found = sorted(self._routes.values(), key=lambda one: (one.name.casefold(), one.name))
        return [one for one in found if _has(words, [one.name, one.strategy, *(target.name for target in one.deployments)])]

    def circuit(self, deployment: str) -> Circuit | None:
        """None where nobody has told."""
        return self._circuits.get(deployment)

    def left_alone(self, provider: str) -> list[Circuit]:
        """The open circuits of deployments at a provider."""
        beginning = f"{provider}/"
        return [one for one in self._circuits.values() if one.state == "open" and one.deployment.startswith(beginning)]

    def routes_with_open_circuits(self) -> list[Route]:
        """Those that lead to something that is left alone, or is being tried again."""
        restless = {one.deployment for one in self._circuits.values() if one.state != "closed"}
        return [route for route in self.routes() if any(one.name in restless for one in route.deployments)]

    def models_of(self, name: str) -> list[str]:
        """What a provider offers, as far as it is known."""
        provider = self.named(name)
        if provider is None:
            return []
        tried = self.tried.get(provider.id)
        return list(dict.fromkeys([*provider.models[:MODELS_KEPT_MAX], *(tried.models if tried is not None else [])]))


def _told_of(one: Provider) -> list[str]:
    return [one.name, one.kind, one.base_url, one.source, *one.used_by]


def _has(words: str, texts: Iterable[str]) -> bool:
    told = " ".join(texts).casefold()
    return all(word in told for word in words.casefold().split())
