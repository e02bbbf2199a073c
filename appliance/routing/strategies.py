"""In which order a route's deployments are tried. Pure: what is known is passed in, chance too."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from appliance.routing.health import HealthBook
from appliance.routing.route import Route, Target

UNKNOWN_PRICE = float("inf")


class Load(msgspec.Struct, frozen=True):
    """How busy a model on this machine is: requests that wait for a place in it."""

    waiting: int


class Facts(Protocol):
    """What other rooms know of deployments."""

    def price(self, target: Target, tokens_in: int, tokens_out: int) -> float | None:
        """What a request costs there, in any one currency; None where nobody knows."""
        ...

    def load(self, target: Target) -> Load | None:
        """None where it isn't a model of this machine."""
        ...

    def window(self, target: Target) -> int | None:
        """How many tokens prompt and answer may have together there; None where nobody knows."""
        ...


class Wanted(msgspec.Struct, frozen=True):
    """What of a request matters for the choice. Tokens are estimates; `tokens_out` is the bound on the answer.

    window_above: a window of so many tokens has proved too small.
    asker:        a number of whoever asks; 0: nobody in particular.
    """

    tokens_in: int
    tokens_out: int
    local_only: bool = False
    window_above: int = 0
    asker: int = 0


class Place(msgspec.Struct, frozen=True):
    """A deployment in the order of trying, and why it stands there."""

    target: Target
    why: str


class Turns:
    """Whose turn it is on routes that go round."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def take(self, route: str, count: int) -> int:
        turn = self._next.get(route, 0)
        self._next[route] = turn + 1
        return turn % count

    def copy(self) -> "Turns":
        """One to look ahead with."""
        other = Turns()
        other._next = dict(self._next)
        return other


def ordered(
    route: Route, targets: Sequence[Target], wanted: Wanted, health: HealthBook, facts: Facts, turns: Turns, chance: random.Random
) -> list[Place]:
    """The targets in the order of trying: by `order`, and within it by the route's strategy."""
    places: list[Place] = []
    for order in sorted({target.order for target in targets}):
        group = [target for target in targets if target.order == order]
        arrange = _STRATEGIES[route.strategy]
        places += arrange(_Choice(route, group, wanted, health, facts, turns, chance)) if len(group) > 1 else _only(group, route)
    return places


class _Choice(msgspec.Struct, frozen=True):
    route: Route
    group: list[Target]
    wanted: Wanted
    health: HealthBook
    facts: Facts
    turns: Turns
    chance: random.Random


def _only(group: list[Target], route: Route) -> list[Place]:
    return [Place(target, "the only one" if len(route.targets) == 1 else f"order {target.order}") for target in group]


def _weighted(choice: _Choice) -> list[Place]:
    """Each first in proportion to its weight: the smallest of exponential times with that rate."""
    total = sum(target.weight for target in choice.group)
    drawn = sorted(choice.group, key=lambda target: choice.chance.expovariate(target.weight))
    return [Place(target, f"drawn with weight {target.weight:g} of {total:g}") for target in drawn]


def _round_robin(choice: _Choice) -> list[Place]:
    turn = choice.turns.take(choice.route.name, len(choice.group))
    return [Place(target, "its turn" if not n else "next in turn") for n, target in enumerate(_turned(choice.group, turn))]


def _turned(group: list[Target], turn: int) -> list[Target]:
    return group[turn:] + group[:turn]


def _least_latency(choice: _Choice) -> list[Place]:
    def seconds(target: Target) -> float:
        return choice.health.of(target.name).first_token_seconds or 0.0  # unknown: to be found out

    return _by(choice, seconds, lambda value: f"first token after {value * 1000:.0f} ms" if value else "not measured yet")


def _least_busy(choice: _Choice) -> list[Place]:
    def running(target: Target) -> float:
        return choice.health.of(target.name).running / target.weight

    return _by(choice, running, lambda value: f"{value:g} running for its weight")


def _cheapest(choice: _Choice) -> list[Place]:
    def price(target: Target) -> float:
        found = choice.facts.price(target, choice.wanted.tokens_in, choice.wanted.tokens_out)
        return UNKNOWN_PRICE if found is None else found

    return _by(choice, price, lambda value: "price unknown" if value == UNKNOWN_PRICE else f"costs about {value:.6f}")


def _local_first(choice: _Choice) -> list[Place]:
    """Models of this machine while their queue is short and the prompt fits, then the others; busy local ones last."""
    free: list[Target] = []
    elsewhere: list[Target] = []
    busy: list[Target] = []
    for target in choice.group:
        if not target.is_local:
            elsewhere.append(target)
            continue
        load = choice.facts.load(target)
        waiting = load.waiting if load is not None else 0
        (busy if waiting > choice.route.local_queue_max else free).append(target)
    cloud = _weighted(msgspec.structs.replace(choice, group=elsewhere)) if elsewhere else []
    return [
        *(Place(target, "local, and its queue is short") for target in free),
        *cloud,
        *(Place(target, "local, but its queue is long") for target in busy),
    ]


def _by(choice: _Choice, value: Callable[[Target], float], tell: Callable[[float], str]) -> list[Place]:
    """Smallest first; those alike in turn, so that one of them doesn't get everything."""
    turned = _turned(choice.group, choice.turns.take(choice.route.name, len(choice.group)))
    valued = sorted(((value(target), target) for target in turned), key=lambda pair: pair[0])
    return [Place(target, tell(number)) for number, target in valued]


_STRATEGIES: dict[str, Callable[[_Choice], list[Place]]] = {
    "weighted": _weighted,
    "round-robin": _round_robin,
    "least-latency": _least_latency,
    "least-busy": _least_busy,
    "cheapest": _cheapest,
    "local-first": _local_first,
}
