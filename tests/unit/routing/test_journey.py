"""The way of one request through a route, deployment by deployment."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec
import pytest

from appliance import errors
from appliance.chat import Chunk, Delta
from appliance.errors import GatehouseError
from appliance.providers.wire import Deployment
from appliance.routing.journey import ATTEMPTS_MAX, Ask, Journey, back_off_seconds
from appliance.routing.route import BreakerRules, Limits, Route, Target, Timeouts
from appliance.routing.router import Router
from appliance.routing.strategies import Load, Wanted

WANTED = Wanted(100, 50)
WORD = Chunk(deltas=[Delta(content="Hello")])
END = Chunk(finish="stop")


class Facts:
    def price(self, target: Target, tokens_in: int, tokens_out: int) -> float | None:
        return None

    def load(self, target: Target) -> Load | None:
        return None

    def window(self, target: Target) -> int | None:
        return None


def target(name: str, **more: Any) -> Target:
    return Target(deployment=Deployment(name, name.partition("/")[0], "openai", name), **more)


Doing = Callable[[], Any]


class World:
    """Deployments by what they do, one thing a request: an error to raise, or chunks; the last one is done for ever."""

    def __init__(self, **does: list[Any]) -> None:
        self.does = does
        self.asked: list[str] = []
        self.closed: dict[str, int] = defaultdict(int)
        self.router = Router(Facts(), random.Random(4))

    async def send(self, route: Route, at: Target) -> AsyncGenerator[Chunk, None]:
        self.asked.append(at.name)
        does = self.does[at.name]
        what = does.pop(0) if len(does) > 1 else does[0]
        if isinstance(what, GatehouseError):
            raise what
        return self._said(at.name, what)

    async def _said(self, name: str, what: list[Any]) -> AsyncGenerator[Chunk, None]:
        try:
            for step in what:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif isinstance(step, GatehouseError):
                    raise step
                else:
                    yield step
        finally:
            self.closed[name] += 1

    def journey(self, route: Route, **more: Any) -> Journey:
        ask = {"wanted": WANTED, "deadline": time.monotonic() + 30, "streamed": True, **more}
        return Journey(self.router, route, Ask(**ask), self.send)

    async def answered(self, route: Route, **more: Any) -> Journey:
        journey = self.journey(route, **more)
        try:
            self.comments = [sign.comment for sign in await signs(journey)]
        except GatehouseError as error:
            await journey.broken_off(error)
            raise
        assert journey.chunks is not None
        self.said = journey.ahead + [chunk async for chunk in journey.chunks]
        journey.over(None)
        return journey

    async def fails(self, route: Route, **more: Any) -> GatehouseError:
        with pytest.raises(GatehouseError) as failed:
            await self.answered(route, **more)
        return failed.value


async def signs(journey: Journey) -> list[Chunk]:
    """All of them, until an answer has begun."""
    found = []
    while (sign := await journey.sign()) is not None:
        found.append(sign)
    return found


def route(*names: str | Target, **more: Any) -> Route:
    targets = tuple(target(name) if isinstance(name, str) else name for name in names)
    ordered = tuple(msgspec.structs.replace(each, order=n) for n, each in enumerate(targets))
    return Route(**{"name": "fast", "targets": ordered, **more})


DOWN = errors.UpstreamFailed("it is down")


async def test_the_first_deployment_answers_and_nobody_else_is_asked() -> None:
    world = World(a=[[Chunk(deltas=[Delta(role="assistant")]), WORD, END]], b=[DOWN])
    journey = await world.answered(route("a", "b"))
    assert (world.asked, [attempt.error for attempt in journey.attempts]) == (["a"], [None])
    assert len(world.said) == 3


@pytest.mark.parametrize(
    "error",
    [
        errors.UpstreamFailed("x"),
        errors.UpstreamOverloaded("x"),
        errors.UpstreamTimeout("x"),
        errors.UpstreamUnauthorized("x"),
        errors.UpstreamForbidden("x"),
        errors.UpstreamRateLimited("x", retry_after_seconds=60),
        errors.UpstreamModelUnknown("x"),
        errors.FeatureUnsupported("x", param="images"),
        errors.ContextLengthExceeded("x"),
        errors.LocalModelFailed("x"),
        errors.QueueFull("x"),
    ],
)
async def test_what_another_may_do_better_goes_to_another(error: GatehouseError) -> None:
    world = World(a=[error], b=[[WORD, END]])
    journey = await world.answered(route("a", "b"))
    assert world.asked == ["a", "b"]
    assert journey.attempts[0].error is error


@pytest.mark.parametrize(
    "error", [errors.BadRequest("x"), errors.UpstreamRefusedRequest("x"), errors.InvalidField("x"), errors.CallerLeft("x")]
)
async def test_a_callers_own_mistake_goes_to_nobody_else_and_never_counts(error: GatehouseError) -> None:
    world = World(a=[error], b=[[WORD, END]])
    for _ in range(20):
        assert await world.fails(route("a", "b")) is error
    assert set(world.asked) == {"a"}
    assert world.router.health.of("a").breaker.state(time.monotonic()) == "closed"


async def test_nothing_is_sent_again_after_the_first_words() -> None:
    world = World(a=[[WORD, errors.UpstreamCut("cut")]], b=[[WORD, END]])
    journey = world.journey(route("a", "b"))
    assert await signs(journey) == []
    assert journey.chunks is not None
    with pytest.raises(errors.UpstreamCut) as cut:
        [chunk async for chunk in journey.chunks]
    journey.over(cut.value)
    assert world.asked == ["a"]
    assert world.router.health.of("a").running == 0


async def test_an_answer_cut_before_its_first_word_is_asked_for_elsewhere() -> None:
    world = World(a=[[Chunk(deltas=[Delta(role="assistant")]), errors.UpstreamCut("cut")]], b=[[WORD, END]])
    await world.answered(route("a", "b"))
    assert (world.asked, world.said[0]) == (["a", "b"], WORD)
    assert world.closed == {"a": 1, "b": 1}


async def test_an_answer_without_any_word_is_a_failure() -> None:
    world = World(a=[[]])
    assert isinstance(await world.fails(route("a", retries=0)), errors.UpstreamCut)


async def test_signs_of_life_are_passed_on_while_an_answer_is_waited_for() -> None:
    world = World(a=[[Chunk(comment="1 before you"), errors.LocalModelFailed("died")]], b=[[Chunk(comment="hm"), WORD, END]])
    await world.answered(route("a", "b"))
    assert world.comments == ["1 before you", "hm"]


async def test_a_failure_of_the_moment_is_tried_again_where_there_is_no_other() -> None:
    world = World(a=[DOWN, DOWN, [WORD, END]])
    journey = await world.answered(route("a", retries=2))
    assert world.asked == ["a"] * 3
    assert journey.attempts[2].why == "the only one, tried again"
    assert isinstance(await World(a=[DOWN]).fails(route("a", retries=2)), errors.UpstreamFailed)


async def test_retry_after_is_kept_to() -> None:
    world = World(a=[errors.UpstreamOverloaded("busy", retry_after_seconds=0.4), [WORD, END]])
    before = time.monotonic()
    await world.answered(route("a"))
    assert time.monotonic() - before >= 0.4


async def test_no_wait_begins_that_would_end_after_the_deadline() -> None:
    world = World(a=[errors.UpstreamOverloaded("busy", retry_after_seconds=5)])
    before = time.monotonic()
    error = await world.fails(route("a"), deadline=time.monotonic() + 1)
    assert (time.monotonic() - before < 1, error.retry_after_seconds) == (True, 5)


async def test_at_a_limit_of_seconds_we_wait_once_and_at_a_longer_one_the_caller_hears_of_it() -> None:
    world = World(a=[errors.UpstreamRateLimited("limit", retry_after_seconds=0.2), [WORD, END]])
    await world.answered(route("a"))
    assert world.asked == ["a", "a"]
    world = World(a=[errors.UpstreamRateLimited("limit", retry_after_seconds=30)])
    error = await world.fails(route("a"))
    assert (error.status, error.retry_after_seconds, world.asked) == (429, 30, ["a"])
    world = World(a=[errors.UpstreamRateLimited("limit", retry_after_seconds=0.1)])
    await world.fails(route("a", retries=5))
    assert world.asked == ["a", "a"], "once is enough"


async def test_a_deployment_at_its_limit_comes_last_until_it_is_over() -> None:
    world = World(a=[errors.UpstreamRateLimited("limit", retry_after_seconds=0.3), [WORD, END]], b=[[WORD, END]])
    way = route("a", "b")
    for _ in range(3):
        await world.answered(way)
    assert world.asked == ["a", "b", "b", "b"]
    await asyncio.sleep(0.3)
    await world.answered(way)
    assert world.asked[-1] == "a"


@pytest.mark.parametrize("error", [errors.UpstreamFailed("x"), errors.UpstreamTimeout("x"), errors.UpstreamOverloaded("x")])
async def test_what_may_have_been_done_is_not_done_twice(error: GatehouseError) -> None:
    world = World(a=[error], b=[[WORD, END]])
    assert await world.fails(route("a", "b"), may_repeat=False) is error
    assert world.asked == ["a"]
    world = World(a=[errors.UpstreamRateLimited("x", retry_after_seconds=60)], b=[[WORD, END]])
    await world.answered(route("a", "b"), may_repeat=False)  # it said that it did nothing


async def test_fallbacks_follow_in_their_order_and_no_loop_goes_round() -> None:
    world = World(a=[DOWN], b=[DOWN], c=[[WORD, END]])
    last = Route(name="last", targets=(target("c"),))
    between = Route(name="between", targets=(target("b"), target("a")), retries=0, fallbacks=(last,))
    journey = await world.answered(route("a", retries=0, fallbacks=(between, last)))
    assert world.asked == ["a", "b", "c"]
    assert journey.answered is not None
    assert journey.answered.target.name == "c"


async def test_the_caller_is_told_the_failure_rather_than_the_limit() -> None:
    world = World(
        a=[errors.UpstreamRateLimited("limit", retry_after_seconds=60)], b=[DOWN], c=[errors.UpstreamUnauthorized("key")]
    )
    assert isinstance(await world.fails(route("a", "b", "c", retries=0)), errors.UpstreamFailed)
    world = World(a=[errors.UpstreamRateLimited("limit", retry_after_seconds=60)], c=[errors.UpstreamUnauthorized("key")])
    assert isinstance(await world.fails(route("c", "a", retries=0)), errors.UpstreamRateLimited)


async def test_a_refused_credential_leaves_a_deployment_alone_at_once() -> None:
    world = World(a=[errors.UpstreamUnauthorized("refused our key")], b=[[WORD, END]])
    for _ in range(3):
        await world.answered(route("a", "b"))
    assert world.asked == ["a", "b", "b", "b"]


async def test_a_rate_of_failures_leaves_it_alone_and_a_probe_brings_it_back() -> None:
    rules = BreakerRules(failure_rate=0.5, requests_min=4, window_seconds=10, open_seconds=0.2)
    heard: list[tuple[str, str, str]] = []
    world = World(a=[DOWN, DOWN, DOWN, DOWN, [WORD, END]], b=[[WORD, END]])
    world.router.on_breaker = lambda *what: heard.append(what)
    way = route("a", "b", breaker=rules, retries=0)
    for _ in range(8):
        await world.answered(way)
    assert world.asked.count("a") == 4
    await asyncio.sleep(0.25)
    await world.answered(way)
    await world.answered(way)
    assert world.asked.count("a") == 6
    assert heard == [("a", "open", "it is down"), ("a", "closed", "")]


async def test_only_one_probe_is_sent() -> None:
    rules = BreakerRules(open_seconds=0.1)
    world = World(a=[errors.UpstreamForbidden("no"), [0.3, WORD, END]], b=[[WORD, END]])
    way = route("a", "b", breaker=rules, retries=0)
    await world.answered(way)
    await asyncio.sleep(0.12)
    await asyncio.gather(*(world.answered(way) for _ in range(10)))
    assert world.asked.count("a") == 2


async def test_when_all_are_left_alone_each_is_named_with_the_time_to_come_again() -> None:
    world = World(a=[errors.UpstreamForbidden("no a")], b=[errors.UpstreamForbidden("no b")])
    way = route("a", "b", retries=0)
    await world.fails(way)
    error = await world.fails(way)
    assert (error.status, error.code) == (503, "deployments_unavailable")
    assert all(text in error.message for text in ("a: left alone", "no a", "b: left alone", "no b"))
    assert 0 < (error.retry_after_seconds or 0) <= 15
    assert world.asked == ["a", "b"]


async def test_the_only_deployment_keeps_its_meaning_while_it_is_left_alone() -> None:
    world = World(a=[errors.UpstreamUnauthorized("refused our key", fix="Check it.")])
    await world.fails(route("a"))
    error = await world.fails(route("a"))
    assert (error.status, error.fix, world.asked) == (401, "Check it.", ["a"])
    assert error.retry_after_seconds is not None


async def test_a_local_only_request_never_leaves_whatever_fails() -> None:
    world = World(a=[DOWN], here=[DOWN])
    elsewhere = Route(name="cloud", targets=(target("a"),))
    way = route(target("here", is_local=True), "a", fallbacks=(elsewhere,))
    error = await world.fails(way, wanted=Wanted(1, 1, local_only=True))
    assert set(world.asked) == {"here"}
    assert error is DOWN
    world = World(a=[[WORD, END]])
    error = await world.fails(route("a", local_only=True, fallbacks=(elsewhere,)))
    assert (error.status, world.asked) == (503, [])
    assert "may not leave the machine" in error.message


async def test_a_prompt_too_long_goes_only_where_the_window_is_larger() -> None:
    small, alike, large = (target(n, context_tokens=size) for n, size in (("a", 8_000), ("b", 8_000), ("c", 32_000)))
    world = World(a=[errors.ContextLengthExceeded("too long")], b=[[WORD, END]], c=[[WORD, END]])
    await world.answered(route(small, alike, large))
    assert world.asked == ["a", "c"]
    assert world.router.health.of("a").breaker.state(time.monotonic()) == "closed"
    world = World(a=[[WORD, END]], b=[[WORD, END]], c=[[WORD, END]])
    await world.answered(route(small, alike, large), wanted=Wanted(9_000, 10))
    assert world.asked == ["c"], "what can't fit isn't tried"
    world = World(a=[[WORD, END]], b=[[WORD, END]])
    await world.answered(route(small, alike), wanted=Wanted(9_000, 10))
    assert len(world.asked) == 1, "but an estimate alone turns nobody away"


async def test_a_late_first_token_sends_the_request_elsewhere() -> None:
    world = World(a=[[5.0, WORD, END]], b=[[WORD, END]])
    before = time.monotonic()
    journey = await world.answered(route("a", "b", timeouts=Timeouts(first_token_seconds=0.1), retries=0))
    assert time.monotonic() - before < 2
    assert world.asked == ["a", "b"]
    assert (journey.attempts[0].is_cut, world.closed["a"]) == (True, 1)


async def test_a_whole_answer_has_no_first_token_to_be_late() -> None:
    world = World(a=[[0.3, Chunk(deltas=[Delta(content="all")], finish="stop")]])
    await world.answered(route("a", timeouts=Timeouts(first_token_seconds=0.1)), streamed=False)


async def test_a_refusal_is_asked_elsewhere_only_where_the_route_says_so() -> None:
    refusal = [Chunk(deltas=[Delta(refusal="I won't")]), END]
    world = World(a=[refusal], b=[[WORD, END]])
    await world.answered(route("a", "b"))
    assert world.asked == ["a"]
    world = World(a=[refusal], b=[[WORD, END]])
    await world.answered(route("a", "b", fallback_on_refusal=True))
    assert (world.asked, world.said[0], world.closed["a"]) == (["a", "b"], WORD, 1)
    world = World(a=[refusal], b=[DOWN])
    journey = await world.answered(route("a", "b", fallback_on_refusal=True, retries=0))
    assert world.said == refusal, "where nobody else answers the refusal is the answer"
    assert journey.answered is journey.attempts[0]
    assert [world.router.health.of(name).running for name in ("a", "b")] == [0, 0]


async def test_a_drained_deployment_gets_nothing_and_weight_nowhere_is_said() -> None:
    drained = Target(deployment=Deployment("a", "a", "openai", "a"), weight=0)
    world = World(a=[[WORD, END]])
    error = await world.fails(Route(name="fast", targets=(drained,)))
    assert "drained" in error.message
    assert error.retry_after_seconds is None


async def test_our_own_limits_send_the_next_request_elsewhere() -> None:
    limited = target("a", limits=Limits(requests_per_minute=1))
    world = World(a=[[WORD, END]], b=[[WORD, END]])
    way = route(limited, "b")
    await world.answered(way)
    await world.answered(way)
    assert world.asked == ["a", "b"]
    error = None
    world = World(a=[[WORD, END]])
    await world.answered(route(limited))
    error = await world.fails(route(limited))
    assert (error.status, 50 < (error.retry_after_seconds or 0) <= 60) == (429, True)


async def test_retries_end_with_the_budget() -> None:
    world = World(a=[DOWN])
    way = route("a", retries=1, breaker=None)
    for _ in range(60):
        await world.fails(way)
    retries = len(world.asked) - 60
    assert 10 <= retries <= 12


async def test_the_number_of_attempts_is_bounded() -> None:
    names = [f"d{n}" for n in range(50)]
    world = World(**{name: [DOWN] for name in names})
    await world.fails(route(*names, retries=0))
    assert len(world.asked) == ATTEMPTS_MAX


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_who_leaves_while_waiting_leaves_nothing_behind(after: int) -> None:
    world = World(a=[[Chunk(comment="x"), Chunk(comment="y"), 10.0, WORD]])
    journey = world.journey(route("a"))
    for _ in range(after):
        assert await journey.sign() is not None
    if after == 2:
        waiting = asyncio.ensure_future(journey.sign())
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await journey.broken_off(GeneratorExit())
    assert world.closed["a"] == (after > 0)
    assert world.router.health.of("a").running == 0
    assert world.closed["a"] == (1 if after else 0)
    assert world.router.health.of("a").breaker.state(time.monotonic()) == "closed"


async def warmed(world: World, name: str) -> None:
    """Enough answers for it to be known how long it takes: a moment."""
    for _ in range(25):
        await world.answered(route(name))
    world.asked.clear()
    world.closed.clear()


async def test_a_hedged_request_is_answered_by_whoever_speaks_first() -> None:
    slow = [20.0, WORD, END]
    world = World(a=[*([[WORD, END]] * 25), slow], b=[[WORD, END]])
    await warmed(world, "a")
    before = time.monotonic()
    journey = await world.answered(route("a", "b", hedge=True))
    assert time.monotonic() - before < 10
    assert world.asked == ["a", "b"]
    assert journey.answered is journey.attempts[1]
    assert (journey.attempts[0].is_cut, world.closed["a"]) == (True, 1)
    assert "took longer than 95 of 100" in journey.attempts[1].why
    assert [world.router.health.of(name).running for name in "ab"] == [0, 0]


async def test_the_first_one_wins_where_it_is_faster_after_all_and_the_other_is_ended() -> None:
    world = World(a=[*([[WORD, END]] * 25), [0.1, WORD, END]], b=[[5.0, WORD, END]])
    await warmed(world, "a")
    journey = await world.answered(route("a", "b", hedge=True))
    assert world.asked == ["a", "b"]
    assert journey.answered is journey.attempts[0]
    assert journey.attempts[1].is_cut
    assert world.closed["b"] == 1


async def test_a_fast_answer_is_not_hedged_nor_is_what_must_not_be_done_twice() -> None:
    world = World(a=[[WORD, END]], b=[[WORD, END]])
    await warmed(world, "a")
    world.router.health.of("a")._times.extend([0.2] * 30)
    await world.answered(route("a", "b", hedge=True))
    assert world.asked == ["a"]
    world = World(a=[*([[WORD, END]] * 25), [0.2, WORD, END]], b=[[WORD, END]])
    await warmed(world, "a")
    await world.answered(route("a", "b", hedge=True), may_repeat=False)
    assert world.asked == ["a"]


async def test_where_one_of_a_race_fails_the_other_still_answers() -> None:
    world = World(a=[*([[WORD, END]] * 25), [0.1, DOWN]], b=[[0.2, WORD, END]])
    await warmed(world, "a")
    journey = await world.answered(route("a", "b", hedge=True))
    assert journey.answered is journey.attempts[1]
    world = World(a=[*([[WORD, END]] * 25), [0.1, DOWN]], b=[[0.05, DOWN]], c=[[WORD, END]])
    await warmed(world, "a")
    await world.answered(route("a", "b", "c", hedge=True))
    assert world.asked == ["a", "b", "c"]


async def test_who_leaves_a_race_leaves_nothing_behind() -> None:
    world = World(a=[*([[WORD, END]] * 25), [5.0, WORD]], b=[[5.0, WORD]])
    await warmed(world, "a")
    journey = world.journey(route("a", "b", hedge=True))
    waiting = asyncio.ensure_future(journey.sign())
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert world.asked == ["a", "b"]
    assert world.closed == {"a": 1, "b": 1}
    assert [world.router.health.of(name).running for name in "ab"] == [0, 0]


def test_the_wait_is_jittered_fully_and_never_shorter_than_retry_after() -> None:
    chance = random.Random(1)
    waits = [back_off_seconds(1, DOWN, chance) for _ in range(500)]
    assert min(waits) < 0.05
    assert 0.45 < max(waits) <= 0.5
    assert back_off_seconds(0, errors.UpstreamOverloaded("x", retry_after_seconds=3), chance) == 3
