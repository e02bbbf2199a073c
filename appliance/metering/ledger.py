"""The ledger's writer: one thread, one connection, one transaction for all that wait.

Measured beside other ways (docs/decisions/0003): sqlite3 on a thread of its own costs a request next to nothing, provided
that the thread is woken once a group and not once a row: rows gather on the event loop while a commit runs, and share the
next one. A future is done only after its row's commit, so whoever awaits it knows that kill -9 can't take the row back.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from appliance import faults
from appliance.errors import LedgerUnavailable
from appliance.metering import key_use
from appliance.metering.entries import (
    AttemptOutcome,
    Dialect,
    Direction,
    FindingAction,
    Kind,
    OpenEntry,
    RequestState,
    SettledEntry,
)
from appliance.metering.rows import Many
from appliance.store.binding import bind_at_once
from appliance.telemetry.logs import get_logger

GROUP_MAX = 512
GATHER_SECONDS = 0.004
WAITING_MAX = 20_000
UNSETTLED_MAX = 10_000
NAMES_MAX = 20_000
OTHER = "other"
STOP_SECONDS_MAX = 10.0
AGAIN_SECONDS = 1.0  # until what could not be settled is tried again, where nobody asks for another commit before
_STOP = None


_OPEN = Many(
    "INSERT INTO requests (id, started_at, kind, dialect, state, status, tenant_number, department_number, team_number,"
    " user_number, key_number, model_name, deployment_name, streamed, reserved_in, reserved_out, policy_name, duration_ms,"
    " estimated) VALUES ",
    "(?,?,?,?,0,0,?,?,?,?,?,?,?,?,?,?,?,0,0)",
)
_SETTLE = Many(
    "WITH new (id, state, status, error_name, duration_ms, first_token_ms, estimated) AS (VALUES ",
    "(?,?,?,?,?,?,?)",
    ") UPDATE requests SET state=new.state, status=new.status, error_name=new.error_name, duration_ms=new.duration_ms,"
    " first_token_ms=new.first_token_ms, estimated=new.estimated FROM new WHERE requests.id = new.id"
    " RETURNING key_number, state, started_at",
)
_ATTEMPT = Many(
    "INSERT OR IGNORE INTO attempts (request_id, ordinal, deployment_name, outcome, status, duration_ms, tokens_in, tokens_out,"
    " cached_in, reasoning_out, finish_name, estimated, error_name, why, cost_micro, price_name) VALUES ",
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
)
_FINDING = Many(
    "INSERT OR IGNORE INTO findings (request_id, direction, type_name, action, is_shadow, count) VALUES ", "(?,?,?,?,?,?)"
)
_INTERRUPT_ATTEMPTS = f"""INSERT INTO attempts (request_id, ordinal, deployment_name, outcome, status, duration_ms, tokens_in,
 tokens_out, cached_in, reasoning_out, finish_name, estimated)
 SELECT id, 0, deployment_name, {AttemptOutcome.INTERRUPTED:d}, 0, 0, reserved_in, reserved_out, 0, 0, NULL, 1
 FROM requests WHERE state = 0 ON CONFLICT DO NOTHING"""
_INTERRUPT_REQUESTS = f"UPDATE requests SET state={RequestState.INTERRUPTED:d}, estimated=1 WHERE state = 0"

# What `names.kind` says a name is of. Numbers are stored: never reuse one.
_MODEL, _DEPLOYMENT, _ERROR, _FINISH, _PRICE, POLICY_NAME, _FOUND = 1, 2, 3, 4, 5, 6, 7

Entry = OpenEntry | SettledEntry
_log = get_logger("metering")


class _Waiting(msgspec.Struct):
    """An entry, who waits for it, and why it could not be committed, where it couldn't."""

    entry: Entry | Callable[[sqlite3.Connection], object]
    done: "asyncio.Future[None]"
    failure: LedgerUnavailable | None = None


class Ledger:
    """Writes requests and attempts. `start` inside the event loop; entries are committed in the order they were given."""

    def __init__(
        self,
        path: Path,
        *,
        synchronous: str,
        on_group: Callable[[int], None] = lambda size: None,
        fault: Callable[[str], None] = faults.point,
    ) -> None:
        """`on_group` hears how many rows shared a commit; `fault` is a test's way to make one fail."""
        self._path = path
        self._synchronous = synchronous
        self._on_group = on_group
        self._fault = fault
        self._groups: queue.SimpleQueue[list[_Waiting] | None] = queue.SimpleQueue()
        self._gathering: list[_Waiting] = []
        self._committing = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._names: dict[tuple[int, str], int] = {}
        self._unsettled: list[SettledEntry] = []
        self._again: asyncio.TimerHandle | None = None
        self.interrupted_at_start = 0
        self.trouble: LedgerUnavailable | None = None  # why the last group could not be committed

    async def start(self) -> None:
        """Open the file and book what a crash left open. Errors: LedgerUnavailable."""
        bind_at_once(Kind, Dialect, RequestState, AttemptOutcome, Direction, FindingAction)
        self._loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="ledger", daemon=True)
        self._thread.start()
        await ready

    async def stop(self) -> None:
        """Commit what waits, then close. Nothing may be given afterwards."""
        if self._again is not None:
            self._again.cancel()
        if self._thread is not None:
            if self._gathering:
                await asyncio.wait([self._gathering[-1].done], timeout=STOP_SECONDS_MAX)
            self._groups.put(_STOP)
            await asyncio.to_thread(self._thread.join, STOP_SECONDS_MAX)
            self._thread = None

    async def open(self, entry: OpenEntry) -> None:
        """Book a request before it is sent. Errors: LedgerUnavailable: then nothing may be sent."""
        await self._write(entry)

    async def settle(self, entry: SettledEntry) -> None:
        """Book how it ended. Errors: LedgerUnavailable; the entry is kept and tried again with the next group."""
        await self._write(entry)

    async def probe(self) -> None:
        """Is the file writable? Errors: LedgerUnavailable."""
        await self._write(_probe)

    def _write(self, entry: Entry | Callable[[sqlite3.Connection], object]) -> "asyncio.Future[None]":
        assert self._loop is not None, "Ledger.start() comes first"
        if len(self._gathering) >= WAITING_MAX and not isinstance(entry, SettledEntry):
            raise LedgerUnavailable(
                "the ledger can't keep up with the requests", fix="Try again in a moment.", retry_after_seconds=1
            )
        done: asyncio.Future[None] = self._loop.create_future()
        self._gathering.append(_Waiting(entry, done))
        if not self._committing:
            self._committing = True
            self._loop.call_soon(self._hand_over)  # soon, not now: whoever else is ready in this round joins the group
        return done

    def _hand_over(self) -> None:
        """Give the thread what has gathered, a bounded group at a time."""
        group, self._gathering = self._gathering[:GROUP_MAX], self._gathering[GROUP_MAX:]
        if group:
            self._groups.put(group)
        else:
            self._committing = False

    def _committed(self, group: list[_Waiting]) -> None:
        assert self._loop is not None
        for waiting in group:
            if not waiting.done.done():
                if waiting.failure is None:
                    waiting.done.set_result(None)
                else:
                    waiting.done.set_exception(waiting.failure)
        if self._unsettled and self._again is None:
            self._again = self._loop.call_later(AGAIN_SECONDS, self._try_again)
        if len(group) > 1:  # busy: a group's commit costs as much as several rows, so let a larger one gather
            self._loop.call_later(GATHER_SECONDS, self._hand_over)
        else:
            self._hand_over()

    def _try_again(self) -> None:
        """Settle what could not be: without this it would stay open until somebody sends the next request."""
        self._again = None
        if not self._committing:  # else the group that is under way does it
            self._committing = True
            self._groups.put([])

    # Everything below runs on the ledger's thread.

    def _run(self, ready: "asyncio.Future[None]") -> None:
        assert self._loop is not None
        try:
            connection = self._connect()
        except sqlite3.Error as error:
            self._loop.call_soon_threadsafe(ready.set_exception, _unavailable(error))
            return
        self._loop.call_soon_threadsafe(ready.set_result, None)
        while (group := self._groups.get()) is not _STOP:
            self._commit(connection, group)
            self._tell(group)
        if self._unsettled:
            self._commit(connection, [])
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        self._read_names(connection)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_INTERRUPT_ATTEMPTS)
        connection.execute(key_use.COUNT_INTERRUPTED)
        self.interrupted_at_start = connection.execute(_INTERRUPT_REQUESTS).rowcount
        connection.execute("COMMIT")
        return connection

    def _commit(self, connection: sqlite3.Connection, group: list[_Waiting]) -> None:
        """One transaction for a group; who can't be helped finds the failure in its _Waiting."""
        retried, self._unsettled = self._unsettled, []
        try:
            self._transaction(connection, retried, group)
        except (sqlite3.OperationalError, OSError) as error:  # the world's: locked, full, gone; it may pass
            self._roll_back(connection)
            lost = [_not_answered(waiting.entry) for waiting in group if isinstance(waiting.entry, SettledEntry)]
            self._unsettled = (retried + lost)[-UNSETTLED_MAX:]
            self.trouble = _unavailable(error)
            for waiting in group:
                waiting.failure = _unavailable(error)
        except Exception as error:  # ours: a row that can't be written. Nobody else may suffer from it
            self._roll_back(connection)
            if len(group) + len(retried) > 1:
                self._one_by_one(connection, retried, group)
            else:
                _log.error("a ledger entry can't be written", exc_info=error)
                for waiting in group:
                    waiting.failure = _unavailable(error)
        else:
            self.trouble = None
            if group:
                self._on_group(len(group))

    def _one_by_one(self, connection: sqlite3.Connection, retried: list[SettledEntry], group: list[_Waiting]) -> None:
        kept: list[SettledEntry] = []
        for entry in retried:
            self._unsettled = [entry]
            self._commit(connection, [])
            kept += self._unsettled
        for waiting in group:
            self._unsettled = []
            self._commit(connection, [waiting])
            kept += self._unsettled
        self._unsettled = kept

    def _transaction(self, connection: sqlite3.Connection, retried: list[SettledEntry], group: list[_Waiting]) -> None:
        self._fault("ledger.commit")
        connection.execute("BEGIN IMMEDIATE")
        if not self._names:
            self._read_names(connection)
        self._write_rows(connection, retried, [waiting.entry for waiting in group])
        self._fault("ledger.commit.rows")
        connection.execute("COMMIT")

    def _write_rows(self, connection: sqlite3.Connection, retried: list[SettledEntry], entries: list[object]) -> None:
        opened = [self._opened_row(connection, entry) for entry in entries if isinstance(entry, OpenEntry)]
        settled = retried + [entry for entry in entries if isinstance(entry, SettledEntry)]
        _OPEN.write(connection, opened)
        changed = _SETTLE.write(connection, [self._settled_row(connection, entry) for entry in settled])
        key_use.count(connection, changed)
        _ATTEMPT.write(connection, [row for entry in settled for row in self._attempt_rows(connection, entry)])
        if found := [row for entry in settled for row in self._finding_rows(connection, entry)]:
            _FINDING.write(connection, found)
        for entry in entries:
            if callable(entry):
                entry(connection)

    def _opened_row(self, connection: sqlite3.Connection, entry: OpenEntry) -> tuple[object, ...]:
        return (
            entry.id,
            entry.started_at,
            entry.kind,
            entry.dialect,
            entry.tenant_number,
            entry.department_number,
            entry.team_number,
            entry.user_number,
            entry.key_number,
            self._name(connection, _MODEL, entry.model),
            self._name(connection, _DEPLOYMENT, entry.deployment),
            entry.streamed,
            entry.reserved_in,
            entry.reserved_out,
            None if entry.policy is None else self._name(connection, POLICY_NAME, entry.policy),
        )

    def _settled_row(self, connection: sqlite3.Connection, entry: SettledEntry) -> tuple[object, ...]:
        error = None if entry.error is None else self._name(connection, _ERROR, entry.error)
        return (entry.id, entry.state, entry.status, error, entry.duration_ms, entry.first_token_ms, entry.estimated)

    def _attempt_rows(self, connection: sqlite3.Connection, entry: SettledEntry) -> list[tuple[object, ...]]:
        return [
            (
                entry.id,
                ordinal,
                self._name(connection, _DEPLOYMENT, attempt.deployment),
                attempt.outcome,
                attempt.status,
                attempt.duration_ms,
                attempt.tokens_in,
                attempt.tokens_out,
                attempt.cached_in,
                attempt.reasoning_out,
                None if attempt.finish is None else self._name(connection, _FINISH, attempt.finish),
                attempt.estimated,
                None if attempt.error is None else self._name(connection, _ERROR, attempt.error),
                attempt.why,
                attempt.cost_micro,
                None if attempt.price is None else self._name(connection, _PRICE, attempt.price),
            )
            for ordinal, attempt in enumerate(entry.attempts)
        ]

    def _finding_rows(self, connection: sqlite3.Connection, entry: SettledEntry) -> list[tuple[object, ...]]:
        return [
            (entry.id, one.direction, self._name(connection, _FOUND, one.type), one.action, one.is_shadow, one.count)
            for one in entry.findings
        ]

    def _read_names(self, connection: sqlite3.Connection) -> None:
        self._fault("ledger.names")
        rows = connection.execute("SELECT id, kind, value FROM names")
        self._names = {(kind, value): number for number, kind, value in rows}

    def _name(self, connection: sqlite3.Connection, kind: int, value: str) -> int:
        if len(self._names) >= NAMES_MAX and (kind, value) not in self._names:
            value = OTHER  # callers and providers can make names up; the table is bounded
        number = self._names.get((kind, value))
        if number is None:
            row = connection.execute("INSERT INTO names (kind, value) VALUES (?, ?) RETURNING id", (kind, value)).fetchone()
            number = self._names[(kind, value)] = int(row[0])
        return number

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # the transaction never began, or SQLite rolled it back itself
        self._names.clear()  # names taken in the lost transaction are not in the file; the next one reads what is

    def _tell(self, group: list[_Waiting]) -> None:
        """Wake whoever waits, all of a group by one hop to the event loop."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._committed, group)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more


def _probe(connection: sqlite3.Connection) -> None:
    """Write a page, so that a full disk is noticed before a caller meets it."""
    connection.execute("UPDATE state SET state_version = state_version")


def _unavailable(error: Exception) -> LedgerUnavailable:
    return LedgerUnavailable(
        f"the ledger can't be written ({type(error).__name__}), so nothing is sent",
        fix="An administrator must look at the disk: `gatehouse doctor` names what is wrong.",
        retry_after_seconds=5,
    )


def _not_answered(entry: SettledEntry) -> SettledEntry:
    """What was used counts, but the caller did not get its answer whole."""
    return msgspec.structs.replace(entry, state=RequestState.FAILED, error=LedgerUnavailable.code)
