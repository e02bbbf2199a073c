import asyncio
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from appliance.store import tables
from appliance.store.engine import Database
from appliance.store.migrate import COPIES_KEPT, NEWEST, SCRIPTS, migrate
from appliance.store.refusals import SchemaTooNew

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {before!r}


def upgrade():
    op.create_table("extra_{revision}", sa.Column("id", sa.Integer, primary_key=True))
    op.add_column("tenants", sa.Column("colour_{revision}", sa.Text))
    op.execute("UPDATE tenants SET name = 'renamed'")
    {more}
"""


def later_program(folder: Path, *revisions: str, more: str = "pass") -> Path:
    """The scripts of a later version of the program, with migrations of its own after ours."""
    scripts = folder / "migrations"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    before = NEWEST
    for revision in revisions:
        text = MIGRATION.format(revision=revision, before=before, more=more)
        (scripts / "versions" / f"v{revision}_later.py").write_text(text)
        before = revision
    return scripts


def tables_in(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return found


def copies(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("gatehouse.db.before-*"))


async def test_the_migrations_build_what_the_tables_say(db: Database) -> None:
    def difference(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, tables.metadata))

    async with db.read() as connection:
        assert await connection.run_sync(difference) == []


async def test_the_tables_built_either_way_are_the_same_sql(db: Database, tmp_path: Path) -> None:
    """What alembic does not compare: WITHOUT ROWID, primary keys, not null."""

    def described(connection: sqlite3.Connection) -> dict[str, object]:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: dict[str, object] = {}
        for name in names:
            if name != "alembic_version":
                columns = connection.execute(f"PRAGMA table_xinfo({name})").fetchall()
                (facts,) = [row for row in connection.execute("PRAGMA table_list") if row[1] == name]
                found[name] = (columns, facts[4])
        return found

    plain = tmp_path / "plain.db"
    engine = sa.create_engine(f"sqlite:///{plain}")
    tables.metadata.create_all(engine)
    engine.dispose()
    ours, theirs = sqlite3.connect(plain), sqlite3.connect(db.sqlite_path)
    try:
        assert described(ours) == described(theirs)
    finally:
        ours.close()
        theirs.close()


def test_the_newest_revision_named_is_the_newest_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST


async def test_the_first_rows_are_there(db: Database) -> None:
    async with db.read() as connection:
        roles = set((await connection.execute(sa.select(tables.roles.c.name))).scalars())
        tenant = (await connection.execute(sa.select(tables.tenants))).one()
        state = (await connection.execute(sa.select(tables.state))).one()
    assert roles == {"owner", "admin", "billing", "auditor", "developer", "member"}
    assert (tenant.number, tenant.id, tenant.is_default) == (1, "tenant_default", True)
    assert (state.id, state.state_version, state.audit_seq) == (1, 1, 0)


async def test_a_second_start_changes_nothing_and_makes_no_copy(db: Database) -> None:
    before = db.sqlite_path.read_bytes()
    await migrate(db)
    assert db.sqlite_path.read_bytes() == before
    assert copies(db.sqlite_path.parent) == []


async def test_an_upgrade_keeps_a_copy_of_the_file_as_it_was(db: Database, tmp_path: Path) -> None:
    await migrate(db, newest="9001", scripts=later_program(tmp_path, "9001"))
    assert "extra_9001" in tables_in(db.sqlite_path)
    assert copies(tmp_path) == ["gatehouse.db.before-9001"]
    copy = tmp_path / "gatehouse.db.before-9001"
    assert copy.stat().st_mode & 0o077 == 0
    old = Database(copy)
    await old.open()
    async with old.read() as connection:
        assert (await connection.execute(sa.select(tables.tenants.c.name))).scalar_one() == "Default"
    await old.close()


async def test_the_newest_three_copies_are_kept(db: Database, tmp_path: Path) -> None:
    revisions = [f"{number:04d}" for number in range(9001, 9007)]
    for count in range(1, len(revisions) + 1):
        scripts = later_program(tmp_path, *revisions[:count])
        await migrate(db, newest=revisions[count - 1], scripts=scripts)
        await asyncio.sleep(0.01)  # copies are told apart by their age
    assert copies(tmp_path) == [f"gatehouse.db.before-{revision}" for revision in revisions[-COPIES_KEPT:]]


async def test_a_migration_that_fails_leaves_nothing_half_done(db: Database, tmp_path: Path) -> None:
    scripts = later_program(tmp_path, "9001", "9002", more="raise RuntimeError('the disk fell off the table')")
    with pytest.raises(RuntimeError, match="fell off"):
        await migrate(db, newest="9002", scripts=scripts)
    assert not any(name.startswith("extra") for name in tables_in(db.sqlite_path))
    async with db.read() as connection:
        assert (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).scalar_one() == NEWEST
        assert (await connection.execute(sa.select(tables.tenants.c.name))).scalar_one() == "Default"
    await migrate(db)  # and the program that wrote it still starts


async def test_a_first_migration_that_fails_leaves_an_empty_file(tmp_path: Path) -> None:
    scripts = later_program(tmp_path, "9001", more="raise RuntimeError('no')")
    fresh = Database(tmp_path / "fresh.db")
    await fresh.open()
    with pytest.raises(RuntimeError, match="no"):
        await migrate(fresh, newest="9001", scripts=scripts)
    assert tables_in(fresh.sqlite_path) == set()
    await fresh.close()


async def test_a_newer_schema_is_refused_and_named(db: Database, tmp_path: Path) -> None:
    await migrate(db, newest="9001", scripts=later_program(tmp_path, "9001"))
    before = db.sqlite_path.read_bytes()
    with pytest.raises(SchemaTooNew, match=f"its schema is 9001, this program knows {NEWEST}"):
        await migrate(db)
    assert db.sqlite_path.read_bytes() == before


OPEN_AND_MIGRATE = """
import asyncio, sys
from pathlib import Path
from appliance.store.engine import Database
from appliance.store.migrate import migrate

async def main():
    db = Database(Path(sys.argv[1]))
    await db.open()
    await migrate(db)
    await db.close()

asyncio.run(main())
"""


def test_processes_that_open_a_new_database_at_once_all_succeed(tmp_path: Path) -> None:
    path = tmp_path / "gatehouse.db"
    command = [sys.executable, "-c", OPEN_AND_MIGRATE, str(path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    errors = [process.communicate()[1] for process in processes]
    assert [(process.returncode, error) for process, error in zip(processes, errors, strict=True)] == [(0, b"")] * 4
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM tenants").fetchone() == (1,)
    connection.close()


def test_a_start_on_an_up_to_date_database_does_not_import_alembic(tmp_path: Path) -> None:
    path = str(tmp_path / "gatehouse.db")
    subprocess.run([sys.executable, "-c", OPEN_AND_MIGRATE, path], check=True)
    subprocess.run([sys.executable, "-c", f"{OPEN_AND_MIGRATE}\nassert 'alembic' not in sys.modules", path], check=True)
