"""One's own page, as it is written."""

from zoneinfo import ZoneInfo

import pytest

from appliance.api.me_page import day_in, own_page
from appliance.identity.own_keys import OwnKey, Person

NEW_YEAR_UTC = 1_798_761_600_000  # 2027-01-01T00:00:00Z
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("hours", "zone", "day"),
    [
        (-1, "UTC", "2026-12-31"),
        (-1, "Asia/Kolkata", "2027-01-01"),
        (1, "America/New_York", "2026-12-31"),
        (0, "UTC", "2027-01-01"),
    ],
)
def test_a_day_is_the_one_that_it_is_where_the_organisation_is(hours: int, zone: str, day: str) -> None:
    assert day_in(NEW_YEAR_UTC + hours * HOUR_MS, ZoneInfo(zone)) == day


def test_the_page_tells_days_in_the_organisations_own_zone() -> None:
    made = NEW_YEAR_UTC - HOUR_MS
    fields = {
        "id": "key_a",
        "name": "Notebook",
        "environment": "development",
        "key_prefix": "gh-dev-a",
        "scopes": [],
        "models": None,
    }
    key = OwnKey(**fields, loopback_only=False, created_at=made, expires_at=made, last_used_at=None)
    for zone, day in (("Asia/Kolkata", "2027-01-01"), ("UTC", "2026-12-31")):
        page = own_page("token", Person("Asha", "asha@example.com", "member", None, [key], zone), [], NEW_YEAR_UTC)
        assert f"made <time>{day}</time>" in page
        assert f"until {day}" in page
