"""Many rows by few statements, for the ledger's writer."""

import sqlite3
from typing import Any

CHUNKS = (64, 16, 4, 1)  # rows a statement: few sizes, so that each stays prepared


class Many:
    """One statement for many rows. sqlite3 lets go of Python's lock around every statement it runs, and under load getting
    it back costs more than the row: 60 µs a request less than with one statement a row."""

    def __init__(self, head: str, row: str, tail: str = "") -> None:
        self._texts = {size: head + ",".join([row] * size) + tail for size in CHUNKS}

    def write(self, connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> list[Any]:
        """What the statement returns, where it returns anything."""
        at = 0
        returned: list[Any] = []
        for size in CHUNKS:
            while len(rows) - at >= size:
                done = connection.execute(self._texts[size], [value for row in rows[at : at + size] for value in row])
                if done.description is not None:
                    returned += done.fetchall()
                at += size
        return returned
