"""Two people who edit one thing: the second is told, where they said which version they saw."""

from typing import Any

import sqlalchemy as sa

from appliance.errors import PreconditionFailed


def expect(row: Any, version: int | None) -> None:
    """`version`: the one that was seen; None: not said. Errors: PreconditionFailed."""
    if version is not None and row.version != version:
        raise PreconditionFailed(
            f"it was changed meanwhile: you saw version {version}, it is version {row.version} now",
            fix="Read it again, look at what is new, and send your change with its new ETag as If-Match.",
        )


def changed(table: sa.Table, at_ms: int) -> dict[str, Any]:
    """What an UPDATE sets beside the change itself."""
    return {"version": table.c.version + 1, "updated_at": at_ms}
