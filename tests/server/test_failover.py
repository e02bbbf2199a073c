"""Providers fail under load, and no caller notices."""

from collections.abc import Callable

from tests import failover
from tests.conftest import FIGURE, MakeAppliance, MakeFake

REQUESTS = 2_000
PARALLEL = 50


def test_no_request_fails_while_one_provider_dies_one_is_slow_and_one_is_at_its_limit(
    appliance: MakeAppliance, fake: MakeFake, record_property: Callable[[str, object], None]
) -> None:
    fakes = [fake(), fake(), fake()]
    door = appliance(settings={"providers": failover.providers(fakes)})
    failover.add_route(door)
    failed = failover.failed_requests(door, fakes[0], requests=REQUESTS, parallel=PARALLEL)
    record_property(FIGURE, f"failover_failed_requests {len(failed)} requests")
    assert failed == []
    (row,) = door.rows("SELECT count(*) AS settled FROM requests WHERE state = 1")
    assert row["settled"] == REQUESTS
    asked = [fake.call("GET", "/_seen").json for fake in fakes[1:]]
    assert len(asked[0]) > REQUESTS / 3 and asked[1], "the slow one took over, and the one at its limit was asked too"
