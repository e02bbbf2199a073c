"""The version of everything that is kept in memory: raised by each change, so that others can see that there was one."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.tables import state


async def raise_state_version(tx: AsyncConnection) -> None:
    """Say, in the change's own transaction, that keys, users or settings are no longer what they were."""
    await tx.execute(sa.update(state).values(state_version=state.c.state_version + 1))


async def state_version(connection: AsyncConnection) -> int:
    return int((await connection.execute(sa.select(state.c.state_version))).scalar_one())
