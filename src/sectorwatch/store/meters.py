"""What the database's own statements and transactions cost, told to who watches.

SQLite gives rows as they are fetched, so that a question costs more than its first step: the
driver's own cursor is timed, from the execution to its end. PostgreSQL's driver has everything when
the execution returns: there SQLAlchemy's events are enough.
"""

from __future__ import annotations

import contextlib
import sqlite3
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from sectorwatch.errors import DatabaseAwayError, DiskFullError, QueryTooLongError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

    from sectorwatch.errors import StoreError
    from sectorwatch.observe import StatementLog, Telemetry

__all__ = ["Meters", "counting_cursors", "hear_statements"]

# Whoever gets the lock at once has it within this; a longer wait was for somebody else.
_WAITED_S = 0.005
_STARTED = "_sectorwatch_started"


class Meters:
    """The instruments of one database, and since when it has not done what it was asked."""

    def __init__(self, telemetry: Telemetry, dialect: str) -> None:
        self.statements = telemetry.statements
        self.dialect = dialect
        metrics = telemetry.metrics
        self._reads = metrics.timing("database_transaction_seconds", {"kind": "read"})
        self._writes = metrics.timing("database_transaction_seconds", {"kind": "write"})
        self._commits = metrics.timing("database_commit_seconds")
        self._lock_waits = metrics.timing("database_lock_wait_seconds")
        self._locked = metrics.counter("database_locked_total")
        self._errors = {
            kind: metrics.counter("database_errors_total", {"kind": kind})
            for kind in ("away", "full", "too_long", "refused")
        }
        self._metrics = metrics
        self.failing_since_s: float | None = None
        """Monotonic time of the first write in a row that the database did not answer."""
        self.last_failure_s: float | None = None
        self.last_failure = ""
        self.writes = 0
        """How many transactions of ours were written, to see whether the lock was ours."""
        self._held_since_s: dict[object, float] = {}

    def watch_pool(self, engine: Engine) -> None:
        """Sample how many connections are in use."""
        pool: Any = engine.pool
        self._metrics.gauge_callback("database_connections", pool.checkedout)

    def read(self, seconds: float) -> None:
        """A view of the database ended well."""
        self._reads.observe(seconds)

    def wrote(self, seconds: float) -> None:
        """A transaction that wrote is durable."""
        self._writes.observe(seconds)
        self.writes += 1
        self.failing_since_s = None

    def failed(self, error: StoreError, *, writing: bool) -> None:
        """A transaction ended with an error."""
        match error:
            case DiskFullError():
                kind = "full"
            case DatabaseAwayError():
                kind = "away"
            case QueryTooLongError():
                kind = "too_long"
            case _:
                kind = "refused"
        self._errors[kind].inc()
        if "locked" in str(error.__cause__):
            self._locked.inc()
        if kind == "away" and writing:
            now_s = monotonic()
            self.last_failure_s = now_s
            self.last_failure = str(error)
            if self.failing_since_s is None:
                self.failing_since_s = now_s

    @property
    def held_s(self) -> float | None:
        """For how long something of ours holds SQLite's lock; None where nothing does."""
        since_s = min(self._held_since_s.copy().values(), default=None)
        return None if since_s is None else monotonic() - since_s

    @contextlib.contextmanager
    def holding_the_lock(self) -> Iterator[Callable[[], None]]:
        """Say that the lock is ours, from when what this gives is called to the end."""
        this = object()

        def held() -> None:
            self._held_since_s[this] = monotonic()

        try:
            yield held
        finally:
            self._held_since_s.pop(this, None)

    def began(self, seconds: float) -> None:
        """A write has its lock."""
        if seconds >= _WAITED_S:
            self._lock_waits.observe(seconds)

    def committed(self, seconds: float) -> None:
        """SQLite has synced what was written."""
        self._commits.observe(seconds)


def counting_cursors(meters: Meters) -> type[sqlite3.Connection]:
    """SQLite's connection, whose cursors tell `meters` of what they run."""
    cursors = type("CountingCursor", (_Cursor,), {"meters": meters})
    return type("CountingConnection", (_Connection,), {"meters": meters, "cursors": cursors})


class _Cursor(sqlite3.Cursor):
    """Times what it runs, from the execution to the last row that is fetched."""

    meters: Meters
    _text = ""
    _parameters: Any = None
    _spent_s = 0.0
    _fetched = -1
    _executions = 1
    _has_failed = False

    def execute(self, sql: str, parameters: Any = (), /) -> _Cursor:
        return self._run(super().execute, sql, parameters, 1)

    def executemany(self, sql: str, parameters: Any, /) -> _Cursor:
        return self._run(super().executemany, sql, parameters, _length(parameters))

    def fetchone(self) -> Any:
        started = perf_counter()
        try:
            row = super().fetchone()
        except sqlite3.Error:
            self._has_failed = True
            raise
        finally:
            self._spent_s += perf_counter() - started
        if row is not None:
            self._fetched += 1
        return row

    def fetchmany(self, size: int | None = None) -> list[Any]:
        started = perf_counter()
        try:
            rows = super().fetchmany() if size is None else super().fetchmany(size)
        except sqlite3.Error:
            self._has_failed = True
            raise
        finally:
            self._spent_s += perf_counter() - started
        self._fetched += len(rows)
        return rows

    def fetchall(self) -> list[Any]:
        started = perf_counter()
        try:
            rows = super().fetchall()
        except sqlite3.Error:
            self._has_failed = True
            raise
        finally:
            self._spent_s += perf_counter() - started
        self._fetched += len(rows)
        return rows

    def close(self) -> None:
        self._tell()
        super().close()

    def _run(self, run: Any, sql: str, parameters: Any, executions: int) -> _Cursor:
        self._tell()
        started = perf_counter()
        try:
            run(sql, parameters)
        except sqlite3.Error:
            spent_s = perf_counter() - started
            self.meters.statements.record(
                "sqlite", sql, parameters, spent_s, executions=1, failed=True
            )
            raise
        spent_s = perf_counter() - started
        if sql.startswith("BEGIN"):
            connection: Any = self.connection
            connection.is_writing = sql != "BEGIN"
            if connection.is_writing:
                self.meters.began(spent_s)
            return self
        self._text, self._spent_s = sql, spent_s
        self._parameters, self._executions = parameters, executions
        self._fetched = 0 if self.description else self.rowcount
        self._has_failed = False
        return self

    def _tell(self) -> None:
        if self._text:
            text, self._text = self._text, ""
            self.meters.statements.record(
                "sqlite",
                text,
                self._parameters,
                self._spent_s,
                rows=self._fetched,
                executions=self._executions or 1,
                failed=self._has_failed,
            )
            self._parameters = None


def _length(parameters: Any) -> int:
    return len(parameters) if isinstance(parameters, list | tuple) else 1


class _Connection(sqlite3.Connection):
    """Hands out such cursors."""

    meters: Meters
    cursors: type[_Cursor]
    is_writing = False

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or self.cursors)

    def commit(self) -> None:
        if not self.is_writing:
            # The end of a view: nothing is synced.
            super().commit()
            return
        started = perf_counter()
        super().commit()
        self.meters.committed(perf_counter() - started)


def hear_statements(engine: Engine, statements: StatementLog) -> None:
    """Record what runs on PostgreSQL by SQLAlchemy's events."""
    dialect = engine.dialect.name

    @event.listens_for(engine, "before_cursor_execute")
    def _before(
        connection: Connection, cursor: Any, text: str, parameters: Any, context: Any, many: bool
    ) -> None:
        del connection, cursor, text, parameters, many
        setattr(context, _STARTED, perf_counter())

    @event.listens_for(engine, "after_cursor_execute")
    def _after(
        connection: Connection, cursor: Any, text: str, parameters: Any, context: Any, many: bool
    ) -> None:
        del connection
        spent_s = perf_counter() - getattr(context, _STARTED)
        statements.record(
            dialect,
            text,
            None if many else parameters,
            spent_s,
            rows=cursor.rowcount,
            executions=max(len(parameters), 1) if many else 1,
        )

    @event.listens_for(engine, "handle_error")
    def _failed(about: Any) -> None:
        started = getattr(about.execution_context, _STARTED, None)
        if started is not None and about.statement:
            spent_s = perf_counter() - started
            statements.record(dialect, about.statement, None, spent_s, failed=True)
