"""How many rows stand under each of the things on a page, counted in one go: asked thing by thing, each goes through all rows."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection


async def counts_under(connection: AsyncConnection, column: sa.ColumnElement[Any], rows: Sequence[Any]) -> dict[int, int]:
    """By their numbers; what has none is left out. `column`: of what is counted, the number of what it stands under."""
    query = sa.select(column, sa.func.count()).where(column.in_([row.number for row in rows])).group_by(column)
    return {row[0]: row[1] for row in await connection.execute(query)}
