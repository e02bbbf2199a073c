"""Faults at named points, for tests that break the program on purpose.

`GATEHOUSE_TEST_FAULT=ledger.commit:3` makes the third commit of the ledger fail. Honoured only where
`GATEHOUSE_TEST=1` says that this is a test; otherwise a point costs one look at an empty dictionary.
"""

import os
from collections.abc import Callable


class InjectedFault(OSError):
    """Raised at a point that a test chose."""


def points(chosen: str) -> Callable[[str], None]:
    """A function to call at each point; it raises InjectedFault when it is that point's turn. `chosen` as `name:count,…`."""
    countdown: dict[str, int] = {}
    for item in filter(None, chosen.split(",")):
        name, _, count = item.partition(":")
        countdown[name] = int(count or 1)

    def point(name: str) -> None:
        if name in countdown:
            countdown[name] -= 1
            if countdown[name] == 0:
                raise InjectedFault(f"injected fault at {name}")

    return point


point = points(os.environ.get("GATEHOUSE_TEST_FAULT", "") if os.environ.get("GATEHOUSE_TEST") == "1" else "")
