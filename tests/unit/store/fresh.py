"""A new database for a test, migrated once a process and copied from then on."""

from pathlib import Path

from appliance.store.engine import Database
from appliance.store.migrate import migrate

_migrated: list[bytes] = []


async def fresh_database(path: Path) -> Database:
    """Open, at its newest schema."""
    _lay_copy(path)
    db = Database(path)
    await db.open()
    if not _migrated:
        await migrate(db)
        await db.close()  # folds the WAL into the file
        _keep_copy(path)
        await db.open()
    return db


def _lay_copy(path: Path) -> None:
    if _migrated:
        path.touch(mode=0o600)
        path.write_bytes(_migrated[0])


def _keep_copy(path: Path) -> None:
    _migrated.append(path.read_bytes())
