"""The overview's words and numbers, decided without Qt."""

import datetime
from typing import Any

import msgspec

UNKNOWN = "—"


class LastHour(msgspec.Struct):
    requests: int
    failed: int
    tokens_in: int
    tokens_out: int
    latency_ms_p50: int | None
    latency_ms_p95: int | None


class Minute(msgspec.Struct):
    at: datetime.datetime
    requests: int
    failed: int


class Overview(msgspec.Struct):
    """What this app reads of GET /api/v1/admin/overview; more may stand there."""

    version: str
    state: str
    uptime_seconds: int
    in_flight: int
    owner_exists: bool
    lan_on: bool
    reasons: list[str]
    endpoints: list[str]
    models: list[str]
    loaded_models: list[str]
    last_hour: LastHour
    minutes: list[Minute]


def is_readable(body: Any) -> bool:
    """Does an overview have what this app shows? Another version of the appliance may tell something else."""
    try:
        msgspec.convert(body, Overview)
    except msgspec.ValidationError:
        return False
    return True


class Card(msgspec.Struct, frozen=True):
    title: str
    value: str
    note: str


class Bar(msgspec.Struct, frozen=True):
    at: str
    ok: int
    failed: int


def grouped(number: int) -> str:
    """1234567 as 1,234,567; beyond ten million in millions."""
    return f"{number:,}" if abs(number) < 10_000_000 else f"{number / 1_000_000:,.1f} M"


def milliseconds(value: int | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value} ms" if value < 1000 else f"{value / 1000:.1f} s"


def duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"


def cards(overview: dict[str, Any] | None) -> list[Card]:
    """Four cards; dashes where nothing is known."""
    if overview is None:
        return [Card(title, UNKNOWN, "") for title in ("Requests", "Tokens", "Latency", "In flight")]
    hour = overview["last_hour"]
    failed = int(hour["failed"])
    loaded = len(overview["loaded_models"])
    return [
        Card("Requests", grouped(hour["requests"]), f"last hour, {grouped(failed) if failed else 'none'} failed"),
        Card(
            "Tokens",
            grouped(hour["tokens_in"] + hour["tokens_out"]),
            f"{grouped(hour['tokens_in'])} in · {grouped(hour['tokens_out'])} out",
        ),
        Card("Latency", milliseconds(hour["latency_ms_p50"]), f"p95 {milliseconds(hour['latency_ms_p95'])}"),
        Card("In flight", grouped(overview["in_flight"]), f"{loaded} model{'s' if loaded != 1 else ''} loaded"),
    ]


def local_time(at: str) -> str:
    """The hour and minute on this machine's clock."""
    return datetime.datetime.fromisoformat(at).astimezone().strftime("%H:%M")


def bars(overview: dict[str, Any] | None) -> list[Bar]:
    found = []
    for minute in (overview or {}).get("minutes", ()):
        failed = min(int(minute["failed"]), int(minute["requests"]))
        found.append(Bar(local_time(str(minute["at"])), int(minute["requests"]) - failed, failed))
    return found


def axis_top(bars: list[Bar]) -> int:
    """A round number at or above the tallest bar: 4, 8, 20, 40, 80, 200 …, so that quarters are whole."""
    highest = max((bar.ok + bar.failed for bar in bars), default=0)
    scale = 1
    while True:
        for step in (4, 8, 20):
            if step * scale >= highest:
                return step * scale
        scale *= 10


def note(phase: str, overview: dict[str, Any] | None) -> str:
    """What the chart says in place of bars."""
    if phase == "starting":
        return "The gateway is starting…"
    if phase != "running":
        return "The gateway is stopped. Start it to answer requests."
    if overview is None:
        return "Waiting for the gateway's figures…"
    if not overview["last_hour"]["requests"]:
        return "No requests in the last hour. Send one from the Playground, or copy the endpoint into your program."
    return ""
