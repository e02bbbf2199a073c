import pytest

from appliance.errors import TooManyAttempts
from appliance.identity.back_off import ENTRIES_MAX, BackOff, network
from tests.fakes.clock import FakeClock


def wait_after(back_off: BackOff, name: str) -> float:
    """Seconds to wait before the next try, which is then counted as made."""
    try:
        back_off.begin(name)
    except TooManyAttempts as refused:
        return refused.retry_after_seconds or -1
    return 0


async def test_free_tries_cost_nothing_then_each_doubles_the_wait(clock: FakeClock) -> None:
    back_off = BackOff(clock, free=3, wait_seconds_max=60)
    waits = []
    for _ in range(12):
        wait = wait_after(back_off, "a")
        if wait:
            await clock.advance(wait)
            back_off.begin("a")
        waits.append(wait)
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_a_refused_try_is_not_counted(clock: FakeClock) -> None:
    back_off = BackOff(clock, free=1)
    back_off.begin("a")
    assert [wait_after(back_off, "a") for _ in range(100)] == [1] * 100


def test_a_hundred_at_the_same_time_are_a_hundred(clock: FakeClock) -> None:
    back_off = BackOff(clock, free=5)
    admitted = [wait_after(back_off, "a") for _ in range(100)].count(0)
    assert admitted == 5


def test_names_do_not_disturb_each_other(clock: FakeClock) -> None:
    back_off = BackOff(clock, free=1)
    back_off.begin("a")
    back_off.begin("b")
    with pytest.raises(TooManyAttempts):
        back_off.begin("a")


async def test_it_is_forgotten_after_an_hour(clock: FakeClock) -> None:
    back_off = BackOff(clock, free=1)
    back_off.begin("a")
    await clock.advance(3601)
    back_off.begin("a")
    assert wait_after(back_off, "a") == 1


def test_forgiving_takes_back_one_try_and_forgetting_all(clock: FakeClock) -> None:
    back_off = BackOff(clock, free=2)
    for _ in range(50):
        back_off.begin("a")
        back_off.forgive("a")
    back_off.begin("a")
    back_off.begin("a")
    with pytest.raises(TooManyAttempts):
        back_off.begin("a")
    back_off.forget("a")
    back_off.begin("a")
    back_off.forgive("never seen")
    back_off.forget("never seen")


def test_memory_is_bounded_however_many_names_are_tried(clock: FakeClock) -> None:
    back_off = BackOff(clock, free=1)
    for number in range(ENTRIES_MAX + 500):
        back_off.begin(f"name {number}")
    assert len(back_off._tries) == ENTRIES_MAX


@pytest.mark.parametrize(
    ("address", "one"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::9", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::1", "::/64"),
        ("", ""),
        ("testclient", "testclient"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_a_network_that_one_machine_owns_counts_as_one_address(address: str, one: str) -> None:
    assert network(address) == one
