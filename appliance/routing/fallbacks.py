"""Fallbacks behind fallbacks: whether they lead in a circle, and how deep they go."""

from collections.abc import Mapping, Sequence

DEPTH_MAX = 10

Fallbacks = Mapping[str, Sequence[str]]


def loop_in(fallbacks: Fallbacks) -> list[str]:
    """The first circle that is found, `["a", "b", "a"]`; empty where there is none."""
    way: dict[str, None] = {}  # in order
    done: set[str] = set()
    turns = [iter(list(fallbacks))]
    while turns:
        step = next(turns[-1], None)
        if step is None:
            turns.pop()
            if way:
                done.add(way.popitem()[0])
        elif step in way:
            names = list(way)
            return [*names[names.index(step) :], step]
        elif step not in done and step in fallbacks:
            way[step] = None
            turns.append(iter(fallbacks[step]))
    return []


def are_too_deep(fallbacks: Fallbacks) -> bool:
    """Is there a chain of more than DEPTH_MAX fallbacks, one behind the other?"""
    reached = set(fallbacks)
    for _ in range(DEPTH_MAX + 1):
        reached = {name for route in reached for name in fallbacks.get(route, ())}
    return bool(reached)
