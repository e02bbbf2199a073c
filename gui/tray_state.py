"""What the tray shows, decided without Qt: an icon that tells the truth and doesn't flicker."""

from typing import Any

import msgspec

CALM_SECONDS = 2.0  # how long "busy" stays after the last request


class Look(msgspec.Struct, frozen=True):
    """`icon` is running, busy, degraded or stopped."""

    icon: str
    line: str
    tooltip: str
    can_start: bool
    can_stop: bool
    can_use: bool


class Steady:
    """Busy appears at once and leaves late; every other change shows at once."""

    def __init__(self) -> None:
        self._busy_until = 0.0

    def icon(self, wanted: str, now: float) -> str:
        if wanted == "busy":
            self._busy_until = now + CALM_SECONDS
        elif wanted != "running":
            self._busy_until = 0.0
        return "busy" if wanted == "running" and now < self._busy_until else wanted


def wanted_icon(phase: str, overview: dict[str, Any] | None, *, is_silent: bool = False) -> str:
    if phase in ("stopped", "starting"):
        return "stopped"
    if is_silent:
        return "degraded"
    state = str((overview or {}).get("state", "running"))
    return state if state in ("running", "busy", "degraded") else "degraded"


def look(phase: str, overview: dict[str, Any] | None, icon: str, failure: str = "") -> Look:
    line = status_line(phase, overview, icon, failure)
    loaded = [str(name) for name in (overview or {}).get("loaded_models", ())]
    models = "Loaded: " + ", ".join(loaded) if loaded else "No model loaded"
    tooltip = f"Gatehouse: {line}" + (f"\n{models}" if phase == "running" else "")
    return Look(icon, line, tooltip, phase == "stopped", phase == "running", phase == "running")


def status_line(phase: str, overview: dict[str, Any] | None, icon: str, failure: str) -> str:
    if phase != "running":
        return f"Not running: {failure}" if failure else {"starting": "Starting…", "stopping": "Stopping…"}.get(phase, "Stopped")
    body = overview or {}
    if icon == "degraded":
        reasons = [failure] if failure else body.get("reasons") or ["something is wrong"]
        return f"Degraded: {reasons[0]}"
    in_flight = int(body.get("in_flight", 0))
    if in_flight:
        return f"Busy: {in_flight} request{'s' if in_flight != 1 else ''} in flight"
    return "Running"
