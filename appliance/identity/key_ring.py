"""The table of keys that is in force, and how a change replaces it: made within the transaction, put in its place after the
commit and before the answer, so that the very next request goes by it.

    async with db.transaction() as tx:
        ...
        table = await ring.rebuilt(tx)
    ring.swap(table)  # no await between: whoever changes next begins with this one
"""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.identity.key_table import KeyTable, load_key_table
from appliance.store.vault import Vault


class KeyRing:
    """One per process. `publish` gets each new table."""

    def __init__(self, vault: Vault, publish: Callable[[KeyTable], None]) -> None:
        self._vault = vault
        self._publish = publish
        self._table: KeyTable | None = None

    async def current(self, tx: AsyncConnection) -> KeyTable:
        """The table that a change of one key is added to: read whole once, kept from then on."""
        return self._table if self._table is not None else await load_key_table(tx, self._vault)

    async def rebuilt(self, tx: AsyncConnection) -> KeyTable:
        """Read whole: where holders change (suspended, moved, deleted, another role), many keys may."""
        return await load_key_table(tx, self._vault)

    def swap(self, table: KeyTable) -> None:
        self._table = table
        self._publish(table)
