"""Providers fail under load, and no request may: the figure `failover_failed_requests`, by the parts of tests/failover.py."""

from contextlib import ExitStack
from pathlib import Path

from tests import failover
from tests.running import Appliance, Fake

REQUESTS = 2_000
PARALLEL = 50


def measure(folder: Path, problems: list[str]) -> dict[str, tuple[float, str]]:
    """Puts what went wrong into `problems`."""
    with ExitStack() as stack:
        fakes = []
        for _ in range(3):
            fakes.append(Fake("openai"))
            stack.callback(fakes[-1].stop)
        door = Appliance(folder / "failover", settings={"providers": failover.providers(fakes)})
        door.start()
        stack.callback(door.stop)
        failover.add_route(door)
        failed = failover.failed_requests(door, fakes[0], requests=REQUESTS, parallel=PARALLEL)
    if failed:
        problems.append(f"{len(failed)} of {REQUESTS} requests failed while providers did; the first: {failed[0]}")
    return {"failover_failed_requests": (len(failed), "requests")}
