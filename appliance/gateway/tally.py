"""What guardrails did to one request: counts by type, never a value."""

from collections.abc import Iterable

import msgspec

from appliance.guardrails.finding import Finding
from appliance.guardrails.policy import Direction
from appliance.guardrails.policy_set import PolicySet
from appliance.guardrails.verdict import Judged

Entry = tuple[Direction, str, str]


class Tally(msgspec.Struct):
    """Of one request.

    counts: by direction, type and action; shadow: what policies that are only recorded would have done; unread: kinds of contents
    that weren't inspected; kept_here: types for which it may not leave this machine.
    """

    policy: str = ""
    counts: dict[Entry, int] = msgspec.field(default_factory=dict)
    shadow: dict[Entry, int] = msgspec.field(default_factory=dict)
    unread: dict[str, int] = msgspec.field(default_factory=dict)
    kept_here: list[str] = msgspec.field(default_factory=list)
    restored: int = 0

    def add(self, direction: Direction, findings: Iterable[Judged]) -> None:
        for one in findings:
            entry = (direction, one.type, one.action)
            self.counts[entry] = self.counts.get(entry, 0) + 1

    def record(self, direction: Direction, findings: Iterable[Finding], shadow: PolicySet | None) -> None:
        """What a policy that is only recorded would do about them."""
        for one in findings if shadow is not None else ():
            assert shadow is not None
            action = shadow.action(one, direction)
            if action != "allow":
                entry = (direction, one.type, action)
                self.shadow[entry] = self.shadow.get(entry, 0) + 1

    def shown(self, direction: Direction, *actions: str) -> str:
        """As headers tell it: `EMAIL=2, PHONE=1`."""
        found: dict[str, int] = {}
        for (where, kind, action), count in self.counts.items():
            if where == direction and action in actions:
                found[kind] = found.get(kind, 0) + count
        return ", ".join(f"{kind}={found[kind]}" for kind in sorted(found))
