"""From the schema in the file to the newest one: forward only, in one transaction, a copy of the file before it.

Alembic is imported only when there is something to do: a start must stay short.
"""

import sqlite3
from pathlib import Path

import sqlalchemy as sa

from appliance.store.engine import Database
from appliance.store.refusals import SchemaTooNew

NEWEST = "0007"
SCRIPTS = Path(__file__).resolve().parent / "migrations"
COPIES_KEPT = 3


async def migrate(db: Database, *, newest: str = NEWEST, scripts: Path = SCRIPTS) -> None:
    """Bring the schema up to date.

    Errors:  SchemaTooNew; whatever a migration raises, with nothing changed.
    """
    async with db.read() as connection:
        found = await connection.run_sync(_version)
    if found == newest:
        return
    _refuse_newer(found, newest)
    async with db.transaction() as tx:
        # Read again: another process may have been quicker while we waited for our turn.
        found = await tx.run_sync(_version)
        if found == newest:
            return
        _refuse_newer(found, newest)
        if found is not None:
            _copy_file(db.sqlite_path, newest)
        await tx.run_sync(_upgrade, scripts)


def _version(connection: sa.Connection) -> str | None:
    """The revision in the file; none in a new one."""
    known = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").scalar()
    return None if known is None else connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _refuse_newer(found: str | None, newest: str) -> None:
    if found is not None and found > newest:
        raise SchemaTooNew(
            f"the database was written by a newer Gatehouse (its schema is {found[:40]}, this program knows {newest})",
            fix="Start the newer Gatehouse again, or put back a copy made before the upgrade (gatehouse.db.before-…).",
        )


def _copy_file(path: Path, newest: str) -> None:
    """SQLite's own backup: whole and consistent, WAL included, while we hold the write lock."""
    target = path.with_name(f"{path.name}.before-{newest}")
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    source_connection, target_connection = sqlite3.connect(path), sqlite3.connect(target)
    try:
        source_connection.backup(target_connection)
    finally:
        source_connection.close()
        target_connection.close()
    copies = sorted(path.parent.glob(f"{path.name}.before-*"), key=lambda copy: copy.stat().st_mtime, reverse=True)
    for old in copies[COPIES_KEPT:]:
        old.unlink(missing_ok=True)


def _upgrade(connection: sa.Connection, scripts: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
