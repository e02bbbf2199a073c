"""How values are handed to SQLite: those that it takes as they are, without asking what they might become.

Of every value that isn't a plain int, float or str, Python's sqlite3 looks up whether it adapts itself, and builds two
AttributeErrors to learn that it doesn't: 1 µs for every None, bytes and bool, and a request's rows have twenty of them.
"""

import sqlite3
from collections.abc import Callable
from enum import IntEnum
from typing import Any

_as_it_is: Callable[[Any], Any] = {None: None}.get  # of None, without a Python frame


def bind_at_once(*enums: type[IntEnum]) -> None:
    """Register what these values are bound as, for the whole process: the same as before, found at once."""
    sqlite3.register_adapter(type(None), _as_it_is)
    sqlite3.register_adapter(bytes, bytes)
    sqlite3.register_adapter(bool, int)
    for kind in enums:
        sqlite3.register_adapter(kind, int)
