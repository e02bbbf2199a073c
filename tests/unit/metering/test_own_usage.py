"""What one person used, out of a real ledger."""

from pathlib import Path

from appliance.gateway.call import new_id
from appliance.metering.entries import AttemptEntry, AttemptOutcome, OpenEntry, RequestState, SettledEntry
from appliance.metering.ledger import Ledger
from appliance.metering.own_usage import DAYS, KEPT_SECONDS, ModelUse, OwnUsage
from tests.fakes.clock import FakeClock
from tests.unit.store.fresh import fresh_database

ME, ANOTHER = 7, 8
DAY_MS = 86_400_000


def attempt(cost_micro: int | None, outcome: AttemptOutcome = AttemptOutcome.SUCCEEDED) -> AttemptEntry:
    return AttemptEntry("up/m", outcome, 200, 5, 20, 100, 0, 0, False, "stop", cost_micro=cost_micro)


async def booked(
    ledger: Ledger, at_ms: int, model: str, *attempts: AttemptEntry, user: int = ME, state: RequestState = RequestState.SETTLED
) -> None:
    one = new_id(at_ms)
    await ledger.open(OpenEntry(one, at_ms, 1, 1, 1, None, None, user, None, model, "up/m", False, 30, 4096))
    await ledger.settle(SettledEntry(one, state, 200, None, 7, 3, attempts))


async def test_it_is_told_by_model_and_counts_tries_once(tmp_path: Path, clock: FakeClock) -> None:
    database = await fresh_database(tmp_path / "gatehouse.db")
    ledger = Ledger(tmp_path / "gatehouse.db", synchronous="NORMAL")
    await ledger.start()
    now = clock.now_ms()
    usage = OwnUsage(database, clock)
    assert await usage.of(ME) == []
    for _ in range(2):
        await booked(ledger, now, "fast", attempt(3, AttemptOutcome.FAILED), attempt(1_000_000))
    await booked(ledger, now - (DAYS - 1) * DAY_MS, "fast", attempt(None), state=RequestState.FAILED)
    await booked(ledger, now, "slow")
    await booked(ledger, now - (DAYS + 1) * DAY_MS, "fast", attempt(9))
    await booked(ledger, now, "fast", attempt(9), user=ANOTHER)
    await clock.advance(KEPT_SECONDS)
    assert await usage.of(ME) == [ModelUse("fast", 3, 1, 100, 500, 2_000_006, 1), ModelUse("slow", 1, 0, 0, 0, 0, 0)]
    await ledger.stop()
    await database.close()
