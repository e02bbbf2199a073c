"""What guardrails did to one request: counts by type, never a value."""

from collections.abc import Iterable

import msgspec

from appliance.guardrails.policy import Direction
from appliance.guardrails.verdict import Judged

Entry = tuple[Direction, str, str]


class Tally(msgspec.Struct):
    """counts: by direction, type and action; unread: kinds of contents that weren't inspected."""

    policy: str = ""
    counts: dict[Entry, int] = msgspec.field(default_factory=dict)
    unread: dict[str, int] = msgspec.field(default_factory=dict)
    restored: int = 0

    def add(self, direction: Direction, findings: Iterable[Judged]) -> None:
        for one in findings:
            entry = (direction, one.type, one.action)
            self.counts[entry] = self.counts.get(entry, 0) + 1

    def shown(self, direction: Direction, *actions: str) -> str:
        """As headers tell it: `EMAIL=2, PHONE=1`."""
        found: dict[str, int] = {}
        for (where, kind, action), count in self.counts.items():
            if where == direction and action in actions:
                found[kind] = found.get(kind, 0) + count
        return ", ".join(f"{kind}={found[kind]}" for kind in sorted(found))
