"""The connection to the database: SQLite in the data directory, or PostgreSQL by its URL.

Everything is synchronous and called from threads. One thread writes at a time; a write is durable
when it returns (SQLite: WAL with `synchronous=FULL`, so a committed tick survives a power cut).
Reads see one moment and may take only so long.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy import exc as sa_exc
from sqlalchemy.engine import URL, make_url

from sectorwatch.errors import (
    ConfigError,
    DatabaseAwayError,
    DiskFullError,
    QueryTooLongError,
    StoreError,
)
from sectorwatch.observe import Telemetry
from sectorwatch.store.files import FILE_MODE, sync_folder
from sectorwatch.store.meters import Meters, counting_cursors, hear_statements
from sectorwatch.store.own_file import OwnFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sectorwatch.store.directory import DataDirectory

__all__ = ["Database"]

_BUSY_MS = 10_000
_READ_LIMIT_S = 5.0
_PRIMARY_CODE = 0xFF
_KEPT_LATENCIES = 240
_DISK_FULL_STATE = "53100"
_CANCELLED_STATE = "57014"
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_WRITES = "sectorwatch_writes"
_AWAY = (sa_exc.OperationalError, sa_exc.InterfaceError, sqlite3.OperationalError)


class Database:
    """One database, its pool of connections, and the lock by which one thread writes at a time.

    `label` names it without a password. `write_latencies_s` and `read_latencies_s` hold the last
    few durations, oldest first.
    """

    def __init__(self, engine: Engine, meters: Meters, file: OwnFile | None = None) -> None:
        self.engine = engine
        self._file = file
        self.dialect = engine.dialect.name
        self.meters = meters
        meters.watch_pool(engine)
        self.label = engine.url.render_as_string(hide_password=True)
        self.write_latencies_s: deque[float] = deque(maxlen=_KEPT_LATENCIES)
        self.read_latencies_s: deque[float] = deque(maxlen=_KEPT_LATENCIES)
        self._writing = threading.RLock()
        self._reading: dict[str, Any] = (
            {}
            if self.dialect == "sqlite"
            else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )

    @classmethod
    def open(
        cls,
        directory: DataDirectory,
        url: str | None,
        *,
        is_scratch: bool = False,
        telemetry: Telemetry | None = None,
    ) -> Database:
        """The database at `url`, or the directory's own SQLite file; nothing is asked of it yet.

        With `is_scratch` a write need not last: whoever makes it syncs it in the end. `telemetry`
        hears of what is asked of it.

        Raises ConfigError where `url` is no address of a database we can use.
        """
        meters = Meters(telemetry or Telemetry.null(), "sqlite" if url is None else "postgresql")
        if url is None:
            engine = _sqlite(directory, "OFF" if is_scratch else "FULL", meters)
            return cls(engine, meters, OwnFile(directory.database))
        return cls(_postgresql(url, meters), meters)

    @contextlib.contextmanager
    def write(self, doing: str) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, and undone where it raises.

        Raises DatabaseAwayError where it may be tried again, StoreError otherwise; `doing`
        completes "while ...". Only one thread is in here at a time.
        """
        started = time.perf_counter()
        with self._writing, self._errors(doing, writing=True), self._connect() as connection:
            writing = connection.execution_options(**{_WRITES: True})
            # Ours until all is synced.
            with self.meters.holding_the_lock() as held, writing.begin():
                held()
                yield writing
        spent_s = time.perf_counter() - started
        self.write_latencies_s.append(spent_s)
        self.meters.wrote(spent_s)

    @contextlib.contextmanager
    def read(self, doing: str, limit_s: float = _READ_LIMIT_S) -> Iterator[Connection]:
        """A view of one moment of the database; a question in it may take `limit_s` seconds.

        Raises QueryTooLongError where it took longer, else as `write` does.
        """
        started = time.perf_counter()
        with self._errors(doing), self._connect() as connection:
            reading = connection.execution_options(**self._reading)
            with reading.begin(), self._limit(reading, limit_s):
                yield reading
        spent_s = time.perf_counter() - started
        self.read_latencies_s.append(spent_s)
        self.meters.read(spent_s)

    def write_log_back(self) -> None:
        """Moves SQLite's log into its file, and cuts the log to nothing; else there is none.

        Until then what was deleted has not made the file smaller. Waits for readers.
        """
        if self.dialect == "sqlite":
            with (
                self._errors("writing the log back"),
                self._connect() as connection,
                self.meters.holding_the_lock() as held,
            ):
                held()
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()

    def _connect(self) -> Connection:
        """A connection to the database that was opened, and to no other."""
        if self._file is not None:
            try:
                self._file.require(self.label)
            except DatabaseAwayError:
                # Those in the pool are to the file that is gone: put back, it is opened anew.
                self.engine.dispose()
                raise
        return self.engine.connect()

    @contextlib.contextmanager
    def _limit(self, connection: Connection, limit_s: float) -> Iterator[None]:
        if self.dialect != "sqlite":
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(limit_s * 1000)}")
            yield
            return
        raw: Any = connection.connection.dbapi_connection
        end = time.monotonic() + limit_s
        raw.set_progress_handler(lambda: time.monotonic() > end, 20_000)
        try:
            yield
        finally:
            raw.set_progress_handler(None, 0)

    @contextlib.contextmanager
    def _errors(self, doing: str, *, writing: bool = False) -> Iterator[None]:
        try:
            with _translating(self.label, doing):
                yield
        except StoreError as error:
            self.meters.failed(error, writing=writing)
            raise

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()


def _sqlite(directory: DataDirectory, synchronous: str, meters: Meters) -> Engine:
    path = directory.database
    if not path.exists():
        # SQLite would make it readable for all, and its WAL takes its mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
        sync_folder(path.parent)
    connecting: dict[str, Any] = {"timeout": _BUSY_MS / 1000, "cached_statements": 256}
    if meters.statements.is_on:
        connecting["factory"] = counting_cursors(meters)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        # What is in a row is nobody's who reads an error's stack in the log.
        hide_parameters=True,
        pool_size=4,
        max_overflow=36,
        pool_timeout=_BUSY_MS / 1000,
        connect_args=connecting,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: object) -> None:
        # The driver begins a transaction when it thinks one is needed; we say so ourselves.
        connection.isolation_level = None
        for pragma in (
            "auto_vacuum=INCREMENTAL",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            f"busy_timeout={_BUSY_MS}",
            "cache_size=-4000",
            "temp_store=MEMORY",
            "trusted_schema=OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A write takes its lock at once: one that has read first could not wait for it.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(text: str, meters: Meters) -> Engine:
    try:
        url = make_url(text)
    except sa_exc.ArgumentError:
        # Not repeated in the message: it may hold a password.
        raise ConfigError(
            "the database URL cannot be read: write postgresql+psycopg://user@host/name"
        ) from None
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername != "postgresql+psycopg":
        raise ConfigError(
            f"a database of kind {url.drivername!r} is not known: use postgresql+psycopg://..., or "
            "leave the URL out for SQLite in the data directory"
        )
    engine = create_engine(
        url,
        # By position, so that rows go in as they are, without a dict each.
        paramstyle="format",
        hide_parameters=True,
        pool_size=4,
        max_overflow=16,
        pool_timeout=_BUSY_MS / 1000,
        connect_args={
            "connect_timeout": 5,
            "application_name": "sectorwatch",
            # A server that is gone without a word is noticed within seconds, not hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
        },
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        # Nobody waits for ever for another's lock, and nobody who died in a transaction keeps one.
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {_BUSY_MS}")
            cursor.execute("SET idle_in_transaction_session_timeout = '5min'")
        connection.commit()

    if meters.statements.is_on:
        hear_statements(engine, meters.statements)
    return engine


@contextlib.contextmanager
def _translating(label: str, doing: str) -> Iterator[None]:
    try:
        yield
    except sa_exc.TimeoutError as error:
        raise DatabaseAwayError(
            f"no connection to {label} was free in time while {doing}: try again later"
        ) from error
    except (sa_exc.DBAPIError, sqlite3.Error) as error:
        raise _translated(error, label, doing) from error


def _translated(error: sa_exc.DBAPIError | sqlite3.Error, label: str, doing: str) -> StoreError:
    cause: Any = error.orig if isinstance(error, sa_exc.DBAPIError) else error
    code = (getattr(cause, "sqlite_errorcode", None) or 0) & _PRIMARY_CODE
    state = getattr(cause, "sqlstate", None)
    words = " ".join(str(cause).split())
    if code == sqlite3.SQLITE_FULL or state == _DISK_FULL_STATE:
        return DiskFullError(f"no space is left for {label} while {doing}: free some ({words})")
    if code == sqlite3.SQLITE_INTERRUPT or state == _CANCELLED_STATE:
        return QueryTooLongError(f"{doing} took longer than it may: ask for a shorter period")
    if code in _DAMAGED:
        return StoreError(f"{label} is damaged ({words}): restore it from a backup, or rebuild it")
    # SQLite's name for what is wrong in the statement itself, as PostgreSQL's ProgrammingError.
    is_wrong = code == sqlite3.SQLITE_ERROR
    if getattr(error, "connection_invalidated", False) or (
        isinstance(error, _AWAY) and not is_wrong
    ):
        return DatabaseAwayError(f"{label} did not answer while {doing}: {words}")
    return StoreError(f"{label} refused what was asked while {doing}: {words}")
