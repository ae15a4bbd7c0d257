"""Whether the database answers, asked from outside: on a connection of its own, with a time limit.

Ingestion may wait, the pool be empty and the store closed: this goes on. SQLite is asked for its
write lock, which it gives back at once, for one that another program holds stops us as surely as a
file that is gone; PostgreSQL is asked for an answer.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from sectorwatch.errors import DatabaseAwayError
from sectorwatch.observe.drops import Drops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    import psycopg

    from sectorwatch.observe import Telemetry
    from sectorwatch.store.database import Database
    from sectorwatch.store.directory import DataDirectory

__all__ = ["DatabaseWatch"]

_LIMIT_S = 2.0
_EVERY_S = {"sqlite": 5.0, "postgresql": 10.0}
_SIZE_EVERY_S = 300.0
# A write that failed longer ago than this, while the database answers, is over.
_FORGET_S = 60.0
# Whatever of ours has held the lock for so long hangs: nothing else was written in that time.
_HANGS_S = 60.0


class DatabaseWatch:
    """Keeps the gauge `database_failing_seconds`, and how large the database is.

    `current` gives the database that is open now, None where there is none. Failing begins with the
    first question, or the first write of ours, that was not answered, and ends when both are.
    """

    def __init__(
        self,
        directory: DataDirectory,
        url: str | None,
        *,
        telemetry: Telemetry,
        current: Callable[[], Database | None],
        clock_s: Callable[[], float] = time.monotonic,
        limit_s: float = _LIMIT_S,
    ) -> None:
        self._limit_s = limit_s
        self._directory = directory
        self._url = url
        self._current = current
        self._clock_s = clock_s
        self.every_s = _EVERY_S["sqlite" if url is None else "postgresql"]
        self._asked_since_s: float | None = None
        self._unanswered_since_s: float | None = None
        self._sized_s: float | None = None
        self.last_error: str | None = None
        self.drops = Drops()
        metrics = telemetry.metrics
        metrics.drop_sources["database_watch"] = self.drops
        self._failing = metrics.gauge("database_failing_seconds", unit="seconds")
        # Also read whenever samples are taken: a question may hang longer than it may.
        metrics.gauge_callback("database_failing_seconds", self.failing_s, unit="seconds")
        self._bytes = {
            part: metrics.gauge("database_bytes", {"part": part}, "bytes")
            for part in (("file", "log") if url is None else ("database",))
        }

    def work(self, stop: threading.Event) -> None:
        """Look again and again until told to stop."""
        while True:
            self.look()
            if stop.wait(self.every_s):
                return

    def look(self) -> None:
        """Ask once; never raises."""
        self._asked_since_s = started_s = self._clock_s()
        try:
            if self._url is None:
                self._ask_sqlite(self._directory.database)
            else:
                self._ask_postgresql(self._url)
        except DatabaseAwayError as error:
            self.last_error = str(error)
            if self._unanswered_since_s is None:
                self._unanswered_since_s = started_s
        except Exception:  # noqa: BLE001 - a fault of ours says nothing of the database
            self.drops.count("look_failed")
        else:
            self.last_error = None
            self._unanswered_since_s = None
        self._asked_since_s = None
        self._failing.set(self.failing_s())

    def failing_s(self) -> float:
        """Seconds since the database stopped answering, 0 while it does."""
        now_s = self._clock_s()
        since = [now_s]
        unanswered_s = self._unanswered_since_s
        if unanswered_s is not None:
            since.append(unanswered_s)
        asked_s = self._asked_since_s
        if asked_s is not None and now_s - asked_s > 2 * self._limit_s:
            since.append(asked_s)
        database = self._current()
        if database is not None:
            meters = database.meters
            failing_s, last_s = meters.failing_since_s, meters.last_failure_s
            if failing_s is not None and last_s is not None and now_s - last_s < _FORGET_S:
                since.append(failing_s)
        return now_s - min(since)

    def explain(self, labels: Mapping[str, str]) -> str:
        """Why the database does not answer, in words; what it told us who wrote comes first."""
        del labels
        database = self._current()
        meters = None if database is None else database.meters
        if meters is not None and meters.failing_since_s is not None and meters.last_failure:
            return meters.last_failure
        return self.last_error or ""

    def _ask_sqlite(self, path: Path) -> None:
        database = self._current()
        before = 0 if database is None else database.meters.writes
        try:
            connection = sqlite3.connect(
                f"{path.as_uri()}?mode=rw", uri=True, timeout=self._limit_s, isolation_level=None
            )
            with contextlib.closing(connection):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            if not ("locked" in str(error) and _is_ours(database, before)):
                raise DatabaseAwayError(f"{path} does not answer: {error}") from error
        for part, file in (("file", path), ("log", path.with_name(f"{path.name}-wal"))):
            # The log is gone once whoever has the database open closes it.
            try:
                self._bytes[part].set(file.stat().st_size)
            except OSError:
                self._bytes[part].set(0)

    def _ask_postgresql(self, text: str) -> None:
        # Loaded where it is used: SQLite needs no driver.
        import psycopg  # noqa: PLC0415

        url = make_url(text).set(drivername="postgresql")
        try:
            with psycopg.connect(
                url.render_as_string(hide_password=False),
                connect_timeout=int(_LIMIT_S),
                application_name="sectorwatch watch",
                autocommit=True,
            ) as connection:
                self._ask_connected(connection)
        except psycopg.Error as error:
            words = " ".join(str(error).split())
            raise DatabaseAwayError(f"PostgreSQL does not answer: {words}") from error

    def _ask_connected(self, connection: psycopg.Connection[Any]) -> None:
        limit_ms = int(_LIMIT_S * 1000)
        # Its own limit first, which leaves words; the other is for a line that is cut.
        with _given_up_after(connection, 2 * self._limit_s):
            connection.execute(f"SET statement_timeout = {limit_ms}".encode())
            connection.execute("SELECT 1").fetchone()
            now_s = self._clock_s()
            if self._sized_s is None or now_s - self._sized_s >= _SIZE_EVERY_S:
                self._sized_s = now_s
                self._measure(connection)

    def _measure(self, connection: psycopg.Connection[Any]) -> None:
        """Note how large the database is; where that takes too long nothing is known, or wrong."""
        import psycopg  # noqa: PLC0415 - as above

        with contextlib.suppress(psycopg.Error):
            found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            self._bytes["database"].set(float((found or (0,))[0]))


def _is_ours(database: Database | None, writes_before: int) -> bool:
    """Whether the lock was held by a long write of our own, which is no fault, or many in a row."""
    if database is None:
        return False
    held_s = database.meters.held_s
    return database.meters.writes > writes_before or (held_s is not None and held_s < _HANGS_S)


@contextlib.contextmanager
def _given_up_after(connection: psycopg.Connection[Any], limit_s: float) -> Iterator[None]:
    """End a connection from outside: a server that says nothing more is waited for, for hours."""
    with socket.socket(fileno=os.dup(connection.fileno())) as line:

        def give_up() -> None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(limit_s, give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
