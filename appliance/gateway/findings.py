"""What guardrails did to a request, as the ledger's rows: counts by type, never a value."""

from collections.abc import Iterator

from appliance.gateway.tally import Entry, Tally
from appliance.guardrails.policy import CUSTOM
from appliance.metering.entries import Direction, FindingAction, FindingEntry

ENTRIES_MAX = 200  # types are few, save where somebody writes hundreds of expressions of their own
_DIRECTIONS = {"input": Direction.INPUT, "output": Direction.OUTPUT}
_ACTIONS = {
    "flag": FindingAction.FLAG,
    "tokenise": FindingAction.TOKENISE,
    "mask": FindingAction.MASK,
    "block": FindingAction.BLOCK,
}


def booked(tally: Tally | None) -> tuple[FindingEntry, ...]:
    """Of a request that ends. None: it was not inspected."""
    if tally is None:
        return ()
    found = [_entry(entry, count, is_shadow=False) for entry, count in tally.counts.items()]
    found += [_entry(entry, count, is_shadow=True) for entry, count in tally.shadow.items()]
    found += [_at_all(kind, FindingAction.UNINSPECTED, count) for kind, count in tally.unread.items()]
    found += [_at_all(kind, FindingAction.KEPT_HERE, 1) for kind in tally.kept_here]
    return tuple(found[:ENTRIES_MAX])


def counted(tally: Tally | None) -> Iterator[tuple[str, str, str, int]]:
    """For metrics: direction, type, action, how often. Shadows did nothing, and don't count."""
    for (direction, kind, action), count in tally.counts.items() if tally is not None else ():
        yield direction, "CUSTOM" if kind.startswith(CUSTOM) else kind, action, count


def _entry(entry: Entry, count: int, *, is_shadow: bool) -> FindingEntry:
    direction, kind, action = entry
    return FindingEntry(_DIRECTIONS[direction], kind, _ACTIONS[action], is_shadow, count)


def _at_all(kind: str, action: FindingAction, count: int) -> FindingEntry:
    return FindingEntry(Direction.INPUT, kind, action, False, count)
