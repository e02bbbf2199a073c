"""In which order a route's deployments are tried."""

import random
from collections import Counter

from appliance.providers.wire import Deployment
from appliance.routing.health import DEPLOYMENTS_MAX, HealthBook
from appliance.routing.route import Limits, Route, Strategy, Target
from appliance.routing.strategies import Load, Place, Turns, Wanted, ordered

WANTED = Wanted(100, 50)


def target(name: str, **more: object) -> Target:
    return Target(deployment=Deployment(name, name.partition("/")[0], "openai", name), **more)  # type: ignore[arg-type]


class Facts:
    def __init__(self, prices: dict[str, float] | None = None, waiting: int = 0) -> None:
        self.prices = prices or {}
        self.waiting = waiting

    def price(self, target: Target, tokens_in: int, tokens_out: int) -> float | None:
        return self.prices.get(target.name)

    def load(self, target: Target) -> Load | None:
        return Load(self.waiting) if target.is_local else None

    def window(self, target: Target) -> int | None:
        return None


def order_of(
    strategy: Strategy,
    *targets: Target,
    health: HealthBook | None = None,
    facts: Facts | None = None,
    turns: Turns | None = None,
    chance: int = 1,
) -> list[Place]:
    route = Route(name="fast", targets=targets, strategy=strategy)
    known = (health or HealthBook(), facts or Facts(), turns or Turns(), random.Random(chance))
    return ordered(route, targets, WANTED, *known)


def names(places: list[Place]) -> list[str]:
    return [place.target.name for place in places]


def test_weights_are_shares() -> None:
    heavy, light = target("a/heavy", weight=3), target("b/light", weight=1)
    first = Counter(names(order_of("weighted", heavy, light, chance=seed))[0] for seed in range(2_000))
    assert 1_400 < first["a/heavy"] < 1_600


def test_round_robin_goes_round() -> None:
    turns = Turns()
    three = [target(name) for name in "abc"]
    assert [names(order_of("round-robin", *three, turns=turns)) for _ in range(4)] == [
        ["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"],
    ]  # fmt: skip


def test_a_lower_order_comes_first_whatever_the_strategy() -> None:
    assert names(order_of("weighted", target("late", order=1), target("early", weight=0.001))) == ["early", "late"]


def test_the_fastest_first_and_a_failure_counts_as_slow() -> None:
    health = HealthBook()
    health.of("slow").first_token(0.9)
    health.of("quick").first_token(0.2)
    assert names(order_of("least-latency", target("slow"), target("quick"), health=health)) == ["quick", "slow"]
    for _ in range(3):
        health.of("quick").failed()
    assert names(order_of("least-latency", target("slow"), target("quick"), health=health)) == ["slow", "quick"]


def test_who_was_never_measured_is_tried() -> None:
    health = HealthBook()
    health.of("known").first_token(0.1)
    assert names(order_of("least-latency", target("known"), target("new"), health=health)) == ["new", "known"]


def test_the_least_busy_first() -> None:
    health = HealthBook()
    health.of("busy").running = 3
    assert names(order_of("least-busy", target("busy"), target("free"), health=health)) == ["free", "busy"]


def test_the_cheapest_first_and_unknown_prices_last() -> None:
    places = order_of("cheapest", target("unknown"), target("dear"), target("cheap"), facts=Facts({"dear": 2.0, "cheap": 1.0}))
    assert names(places) == ["cheap", "dear", "unknown"]
    assert places[-1].why == "price unknown"


def test_the_local_model_first_while_its_queue_is_short() -> None:
    local, cloud = target("local/m", is_local=True), target("cloud/m")
    assert names(order_of("local-first", cloud, local)) == ["local/m", "cloud/m"]
    assert names(order_of("local-first", local, cloud, facts=Facts(waiting=3))) == ["cloud/m", "local/m"]


def test_a_providers_own_limits_leave_no_room() -> None:
    health = HealthBook().of("a")
    limits = Limits(requests_per_minute=2, tokens_per_minute=1_000, concurrent=2)
    health.began(limits, 400, now=0)
    assert health.has_room(limits, 600, now=1)
    assert not health.has_room(limits, 601, now=1)
    health.began(limits, 10, now=10)
    assert not health.has_room(limits, 1, now=11)
    health.running = 0
    assert not health.has_room(limits, 1, now=11)
    assert health.has_room(limits, 1, now=61)
    assert health.seconds_to_room(61) == 9


def test_what_is_known_stays_bounded_and_keeps_those_that_run() -> None:
    book = HealthBook()
    book.of("running").running = 1
    for number in range(DEPLOYMENTS_MAX + 10):
        book.of(f"made-up/{number}")
    assert len(book.known()) == DEPLOYMENTS_MAX
    assert "running" in book.known()


def test_a_changed_credential_gives_its_deployments_a_new_chance() -> None:
    book = HealthBook()
    book.of("openai/a").first_token(9)
    book.of("other/a").first_token(9)
    book.forget("openai")
    assert (book.of("openai/a").first_token_seconds, book.of("other/a").first_token_seconds) == (None, 9)
