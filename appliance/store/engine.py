"""The database: one writer that takes turns, readers beside it.

SQLite in WAL mode. The writer begins each transaction with BEGIN IMMEDIATE, so that what it has read still holds when
it writes and DDL is transactional; readers see one consistent moment and can't write. The ledger's writer has a
connection of its own on `sqlite_path` (metering/ledger.py), so transactions here are kept short.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from appliance.errors import Unavailable
from appliance.store.refusals import DatabaseUnusable

T = TypeVar("T")
Synchronous = Literal["NORMAL", "FULL"]

BUSY_TIMEOUT_MS = 5000
READERS_MAX = 4
_WAL_SECONDS_MAX = 10.0
_OUR_OWN_MISTAKE = ("SQLITE_ERROR", "SQLITE_MISUSE", "SQLITE_RANGE")


class Database:
    """Opened once a process. `synchronous=FULL`, the default here, keeps a committed change over a power cut:
    what people change is rare and must hold (a revoked key stays revoked); the ledger chooses for itself.
    """

    def __init__(self, url_or_path: str | Path, *, synchronous: Synchronous = "FULL") -> None:
        self.sqlite_path = sqlite_path(url_or_path)
        self._synchronous = synchronous
        self._turn = asyncio.Lock()
        self._writer: AsyncEngine | None = None
        self._reader: AsyncEngine | None = None

    async def open(self) -> None:
        """Make the file if there is none, and check that it is ours to use. Errors: DatabaseUnusable."""
        await asyncio.to_thread(_prepare_file, self.sqlite_path)
        self._writer = self._engine("BEGIN IMMEDIATE", connections=1, query_only=False)
        self._reader = self._engine("BEGIN", connections=READERS_MAX, query_only=True)

    async def close(self) -> None:
        """Wait for the writer to end its turn, then let go of the file."""
        async with self._turn:
            for engine in (self._reader, self._writer):
                if engine is not None:
                    await engine.dispose()
            self._reader = self._writer = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """The writer's turn: committed when the block ends, rolled back when it raises. Errors: Unavailable."""
        assert self._writer is not None, "Database.open() comes first"
        async with self._turn:
            with _the_worlds_failures():
                async with self._writer.begin() as connection:
                    yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent moment, to read only. Errors: Unavailable."""
        assert self._reader is not None, "Database.open() comes first"
        with _the_worlds_failures():
            async with self._reader.connect() as connection:
                yield connection

    def _engine(self, begin: str, *, connections: int, query_only: bool) -> AsyncEngine:
        engine = create_async_engine(
            sa.URL.create("sqlite+aiosqlite", database=str(self.sqlite_path)),
            connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000},
            pool_size=connections,
            max_overflow=0,
        )
        pragmas = [
            f"PRAGMA synchronous={self._synchronous}",
            "PRAGMA foreign_keys=ON",
            f"PRAGMA query_only={'ON' if query_only else 'OFF'}",
        ]

        def connected(connection: Any, record: object) -> None:
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(pragma)
            cursor.close()

        def begun(connection: sa.Connection) -> None:
            connection.exec_driver_sql(begin)

        sa.event.listen(engine.sync_engine, "connect", connected)
        sa.event.listen(engine.sync_engine, "begin", begun)
        return engine


_running: set[asyncio.Task[Any]] = set()  # the event loop holds tasks weakly


async def to_the_end(change: Coroutine[Any, Any, T]) -> T:
    """Run a change to its end even where whoever asked for it is cancelled: what was committed must be published too."""
    task = asyncio.ensure_future(change)
    _running.add(task)
    task.add_done_callback(_ended)
    return await asyncio.shield(task)


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled():
        task.exception()  # whoever asked may be gone; a failed change is rolled back, and nobody else need hear of it


def sqlite_path(url_or_path: str | Path) -> Path:
    """The file behind a database address. Errors: DatabaseUnusable."""
    if isinstance(url_or_path, Path):
        return url_or_path
    if "://" not in url_or_path:
        return Path(url_or_path)
    scheme, _, rest = url_or_path.partition("://")
    kind = scheme.partition("+")[0].lower()
    if kind in ("postgresql", "postgres"):
        raise DatabaseUnusable(
            "PostgreSQL is not offered by this version of Gatehouse",
            fix="Leave DATABASE_URL out, or set it to sqlite:////absolute/path/gatehouse.db.",
        )
    name = rest.removeprefix("/").partition("?")[0]
    if kind != "sqlite" or not rest.startswith("/") or name in ("", ":memory:"):
        raise DatabaseUnusable(
            f"the database address is not one that Gatehouse knows (it begins with {scheme[:40]!r})",
            fix="Leave DATABASE_URL out, or set it to sqlite:////absolute/path/gatehouse.db.",
        )
    return Path(name)


def _prepare_file(path: Path) -> None:
    """Only the owner may read it; the journal's kind is kept in the file, so it is set here, once."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
        try:
            journal = _switch_to_wal(connection)
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusable(
            f"the database {path} can't be opened: {error}",
            fix="It must be a SQLite file in a folder that this user may write to; `gatehouse doctor` looks closer.",
        ) from error
    if journal != "wal":
        raise DatabaseUnusable(
            f"the file system of {path} can't hold a database that is read and written at the same time",
            fix="Put the data folder on a local disk (GATEHOUSE_HOME), not on a network share.",
        )


def _switch_to_wal(connection: sqlite3.Connection) -> str:
    """SQLite does not wait for others here as it does elsewhere, so two that start together are made to wait."""
    until = time.monotonic() + _WAL_SECONDS_MAX
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                raise
            time.sleep(0.02)


@contextmanager
def _the_worlds_failures() -> Iterator[None]:
    """A full or broken disk is told to the caller as such; a mistake in our SQL stays a crash."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        name = getattr(error.orig, "sqlite_errorname", "SQLITE_ERROR")
        if name in _OUR_OWN_MISTAKE or name.startswith("SQLITE_CONSTRAINT"):
            raise
        raise Unavailable(
            f"the database can't be used ({name})",
            fix="Try again; an administrator must look at the disk: `gatehouse doctor` names what is wrong.",
            retry_after_seconds=5,
        ) from error
