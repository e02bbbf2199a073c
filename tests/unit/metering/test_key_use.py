"""How much each key was used is exactly what the ledger says."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from appliance.gateway.call import new_id
from appliance.metering.entries import OpenEntry, RequestState
from appliance.metering.ledger import Ledger
from tests.unit.metering.test_ledger import ledger, opened, path, rows, settled

__all__ = ["ledger", "path"]  # fixtures
USE = "SELECT key_number, requests, failures, last_used_at FROM key_use ORDER BY key_number"


def of(key_number: int | None, request_id: bytes, started_at: int = 1) -> OpenEntry:
    return msgspec.structs.replace(opened(request_id), key_number=key_number, started_at=started_at)


async def test_each_key_is_counted_once_a_request_with_the_newest_moment(ledger: Ledger, path: Path) -> None:
    ids = [new_id(number) for number in range(6)]
    for number, request_id in enumerate(ids):
        await ledger.open(of((7, 7, 7, 8, 8, None)[number], request_id, 100 - number))
    assert rows(path, USE) == []
    ends = (RequestState.SETTLED, RequestState.FAILED, RequestState.SETTLED, RequestState.CANCELLED, *[RequestState.SETTLED] * 2)
    await asyncio.gather(*(ledger.settle(settled(one, state)) for one, state in zip(ids, ends, strict=True)))
    assert rows(path, USE) == [(7, 3, 1, 100), (8, 2, 1, 97)]


async def test_what_a_crash_left_open_counts_as_not_answered_once(path: Path) -> None:
    first = Ledger(path, synchronous="NORMAL")
    await first.start()
    one, two = new_id(1), new_id(2)
    await first.open(of(7, one, 5))
    await first.open(of(7, two, 6))
    await first.settle(settled(one))
    await first.stop()
    for _ in range(2):
        again = Ledger(path, synchronous="NORMAL")
        await again.start()
        await again.stop()
    assert rows(path, USE) == [(7, 2, 1, 6)]


@pytest.mark.parametrize("ending", [RequestState.SETTLED, RequestState.FAILED])
async def test_one_whose_row_never_was_is_not_counted(ledger: Ledger, path: Path, ending: RequestState) -> None:
    await ledger.settle(settled(new_id(1), ending))
    assert rows(path, USE) == []
