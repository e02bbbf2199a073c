"""Failover under load: a route whose three providers each fail in a way of their own, while many ask at the same time.

One gets stuck and is then killed with requests under way, one is slow, one always says that it is at its limit. Whoever asks
must notice nothing. Used by tests/server/test_failover.py and by `make bench`.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.calls import chat
from tests.running import Appliance, Fake

ROUTE = "fast"
DYING, SLOW, LIMITED = "gpt-4o", "words-8-every-15", "fault-429-later"
STUCK_SECONDS = 0.4


def providers(fakes: Sequence[Fake]) -> list[dict[str, Any]]:
    """The `[[providers]]` for these three, in this order: dying, slow, limited."""
    names = ("dying", "slow", "limited")
    models = (DYING, SLOW, LIMITED)
    return [fake.provider(name, models=[model]) for fake, name, model in zip(fakes, names, models, strict=True)]


def add_route(door: Appliance) -> None:
    rows = [
        {"provider": "dying", "model": DYING},
        {"provider": "slow", "model": SLOW},
        {"provider": "limited", "model": LIMITED},
    ]
    answer = door.call("POST", "/api/v1/admin/routes", {"name": ROUTE, "deployments": rows}, token=door.owner_token)
    assert answer.status == 201, answer


def failed_requests(door: Appliance, dying: Fake, *, requests: int, parallel: int) -> list[str]:
    """What went wrong, a line for each request that wasn't answered in full. Every other request is streamed."""
    assert door.api_key
    third = threading.Event()
    done = 0

    def ask(number: int) -> str:
        nonlocal done
        try:
            wrong = _streamed(door) if number % 2 else _whole(door)
        except Exception as error:
            wrong = repr(error)
        done += 1  # good enough for a signal
        if done >= requests / 3:
            third.set()
        return f"request {number}: {wrong}" if wrong else ""

    with ThreadPoolExecutor(parallel + 1) as pool:
        death = pool.submit(_die, dying, third)
        failed = [told for told in pool.map(ask, range(requests)) if told]
        death.result()
    return failed


def _die(fake: Fake, when: threading.Event) -> None:
    """First it answers nobody any more: what it has begun to say it says, since a word once given can't be taken back."""
    assert when.wait(120)
    fake.set_faults({DYING: "fault-hang"})
    time.sleep(STUCK_SECONDS)
    fake.kill()


def _whole(door: Appliance) -> str:
    answer = door.chat(chat(ROUTE))
    return "" if answer.status == 200 and _is_right(answer.content) else f"{answer.status} {answer.body[:300]!r}"


def _streamed(door: Appliance) -> str:
    with door.chat_stream(chat(ROUTE)) as stream:
        if stream.status != 200:
            return f"a stream of {stream.status}: {next(stream.events()).raw[:300]!r}"
        told = stream.collect()
    return "" if told.done and told.error is None and _is_right(told.content) else f"a stream that ends: {told.raw[-300:]!r}"


def _is_right(text: str) -> bool:
    return text in ("You said: Hello!", " ".join(f"word{number}" for number in range(8)))
