"""When something was or will be, as one says it, without Qt."""

from datetime import UTC, datetime, timedelta

MINUTE, HOUR, DAY = 60, 3_600, 86_400
DAYS_TOLD_MAX = 60  # further away than this, the date says more


def now() -> datetime:
    return datetime.now(UTC)


def moment(text: str | None) -> datetime | None:
    """None where there is none, or it can't be read."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def ago(text: str | None, at: datetime) -> str:
    """Empty where there is no such moment."""
    found = moment(text)
    if found is None:
        return ""
    seconds = (at - found).total_seconds()
    if seconds < MINUTE:
        return "just now"
    if seconds < DAY:
        return f"{_long(seconds)} ago"
    days = int(seconds // DAY)
    return "yesterday" if days == 1 else f"{days} days ago" if days <= DAYS_TOLD_MAX else day(found)


def ahead(text: str | None, at: datetime) -> str:
    """How long there is left; what is over is told as `ago` does."""
    found = moment(text)
    if found is None:
        return ""
    seconds = (found - at).total_seconds()
    if seconds <= 0:
        return ago(text, at)
    if seconds < 2 * DAY:
        return f"in {_long(seconds)}"
    days = round(seconds / DAY)
    return f"in {days} days" if days <= DAYS_TOLD_MAX else day(found)


def _long(seconds: float) -> str:
    if seconds < HOUR:
        return f"{max(1, int(seconds // MINUTE))} min"
    return f"{int(seconds // HOUR)} h"


def day(found: datetime) -> str:
    there = found.astimezone()
    return f"{there.day} {there:%b %Y}"


def exactly(text: str | None) -> str:
    """In this machine's own time."""
    found = moment(text)
    return f"{found.astimezone():%Y-%m-%d %H:%M}" if found is not None else ""


def after_days(days: int, at: datetime) -> str:
    """As the gateway takes a moment."""
    return (at + timedelta(days=days)).isoformat(timespec="seconds")
