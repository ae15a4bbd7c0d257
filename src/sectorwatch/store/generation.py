"""A new generation of the database beside the one in use, and the one step that puts it there.

It begins as a copy, from which everything from a moment on is taken out; that is then made again
in it. Sealed files never change, so both generations name files in one folder: what only one of
them names is nobody's once it is gone. The swap is the renaming of one file, after the old one's
log was written back into it: killed at any moment, one of the two is there, whole. What is left of
the other is removed at the next start.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import delete, or_, update

from sectorwatch.clock import SystemClock
from sectorwatch.errors import DataDirectoryError, StoreError
from sectorwatch.store import schema
from sectorwatch.store.files import FILE_MODE, FOLDER_MODE, disk_errors, sync_folder
from sectorwatch.store.migrate import bring_up_to_date
from sectorwatch.store.noted_airspaces import forget_airspaces
from sectorwatch.store.segments import DERIVED
from sectorwatch.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Table

    from sectorwatch.store.directory import DataDirectory

__all__ = ["Generation"]

_PAGES = 2_000
_PATIENCE_S = 10.0
_ANEW = (
    "or move it and the folder segments/ away (other programs can still read the files) and "
    "rebuild again: then all is made anew of what the journal has"
)
# Of each: what says when a row began, and when it ended. Those begun before the cut that go on
# after it end with the last snapshot before it, until whoever makes the rest says otherwise.
_LASTING: tuple[tuple[Table, str, str], ...] = (
    (schema.flight, "first_seen_s", "ended_s"),
    (schema.session, "first_seen_s", "ended_s"),
    (schema.ownership, "start_s", "end_s"),
    (schema.prefile, "first_seen_s", "gone_s"),
)
# These go by their end, as their files do: a row that ends after the cut is made again whole.
_BY_END: tuple[tuple[Table, str], ...] = (
    (schema.visit, "exit_s"),
    (schema.contact, "end_s"),
    (schema.gap, "end_s"),
)
_BY_TIME: tuple[tuple[Table, str, int], ...] = (
    (schema.demand, "minute_s", 1),
    (schema.network_count, "time_s", 1),
    (schema.movement, "time_s", 1),
    (schema.plan_revision, "snapshot_time_us", 1_000_000),
    (schema.tick, "snapshot_time_us", 1_000_000),
)


class Generation:
    """A generation in the making; `store` opens it, `swap` puts it in the place of the old one."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._inside = directory.beside()
        self._store: Store | None = None

    def begin(self, progress: Callable[[float], None] = lambda _: None) -> Store:
        """Copies the database in use, and opens the copy. Raises StoreError, DiskFullError."""
        if not self._directory.is_owner:
            raise DataDirectoryError("a generation is made by who holds the data directory's lock")
        self._directory.remove_scratch()
        target = self._inside.database
        with disk_errors("copying the database"):
            target.parent.mkdir(mode=FOLDER_MODE)
            os.close(os.open(target, os.O_RDWR | os.O_CREAT, FILE_MODE))
            if self._directory.database.exists():
                _copy(self._directory.database, target, progress)
            else:
                _refuse_orphans(self._directory)
        self._store = store = Store.open(self._inside, is_scratch=True)
        # What an earlier version left is brought up to date here first; and a new one is made.
        bring_up_to_date(store.database, self._directory.instance_id, lambda _: None)
        return store

    def cut(self, cut_s: int) -> int | None:
        """Takes out everything from `cut_s` on, a midnight; gives the last tick's number.

        What lasts across it ends with the last snapshot before.
        """
        assert self._store is not None  # noqa: S101 - begun before
        with self._store.database.write("taking out what is made again") as connection:
            for table, name, per_s in _BY_TIME:
                connection.execute(delete(table).where(table.c[name] >= cut_s * per_s))
            for table, name in _BY_END:
                end = table.c[name]
                connection.execute(delete(table).where(or_(end.is_(None), end >= cut_s)))
            last = connection.execute(
                schema.tick.select().order_by(schema.tick.c.seq.desc()).limit(1)
            ).first()
            for table, begun, ended in _LASTING:
                _end_at(connection, table, begun, ended, cut_s, last)
            seq = 0 if last is None else last.seq
            connection.execute(delete(schema.identity).where(schema.identity.c.from_seq > seq))
            connection.execute(delete(schema.checkpoint))
            forget_airspaces(connection, cut_s)
            segment = schema.segment.c
            connection.execute(
                update(schema.segment)
                .where(
                    segment.replaced_at_us.is_(None),
                    segment.start_s >= cut_s,
                    segment.kind.in_([each.name for each in DERIVED]),
                )
                .values(replaced_at_us=SystemClock().now_us())
            )
        return None if last is None else last.seq

    def keep_reconnects(self, count_of: Mapping[int, int]) -> None:
        """Has flights at least as many reconnects as they had, by number."""
        assert self._store is not None  # noqa: S101 - begun before
        table = schema.flight
        with self._store.database.write("keeping reconnects") as connection:
            for number, count in count_of.items():
                connection.execute(
                    update(table)
                    .where(table.c.flight_id == number, table.c.reconnects < count)
                    .values(reconnects=count)
                )

    def swap(self) -> None:
        """Puts it in the place of the one in use. Raises StoreError where somebody holds that."""
        assert self._store is not None  # noqa: S101 - begun before
        new, old = self._inside.database, self._directory.database
        with disk_errors("putting the new database in its place"):
            if old.exists():
                _write_back(old)
            self._store.database.write_log_back()
            self._store.close()
            self._store = None
            if old.exists():
                _take_over_keys(old, new)
            _sync(new)
            # Both are whole files without a log now.
            for path in (old, new):
                for ending in ("-wal", "-shm"):
                    path.with_name(path.name + ending).unlink(missing_ok=True)
            sync_folder(old.parent)
            new.replace(old)
            sync_folder(old.parent)
        self._directory.remove_scratch()

    def close(self) -> None:
        """Lets go of it; what was not swapped in is removed."""
        if self._store is not None:
            self._store.close()
            self._store = None
        self._directory.remove_scratch()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _end_at(connection: Any, table: Table, begun: str, ended: str, cut_s: int, last: Any) -> None:
    columns = table.c
    connection.execute(delete(table).where(columns[begun] >= cut_s))
    if last is None:
        return
    last_s = last.snapshot_time_us // 1_000_000
    lasts = or_(columns[ended].is_(None), columns[ended] >= cut_s)
    connection.execute(update(table).where(lasts).values({ended: last_s}))


def _copy(source: Any, target: Any, progress: Callable[[float], None]) -> None:
    def copied(_status: int, remaining: int, total: int) -> None:
        progress(1 - remaining / max(total, 1))

    try:
        with (
            contextlib.closing(sqlite3.connect(source)) as before,
            contextlib.closing(sqlite3.connect(target)) as after,
        ):
            before.execute("PRAGMA busy_timeout=10000")
            before.backup(after, pages=_PAGES, progress=copied)
            (found,) = after.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        words = " ".join(str(found).split())
        raise StoreError(
            f"the database {source} is damaged ({words}): restore it from a backup, {_ANEW}"
        )


def _refuse_orphans(directory: DataDirectory) -> None:
    """Raise StoreError where there are sealed files that no database names any more."""
    found = next(iter(sorted(directory.segments.glob("*/date=*/*.parquet"))), None)
    if found is not None:
        raise StoreError(
            f"{directory.database} is gone, but {directory.segments} holds files that it named, "
            f"such as {found.name}: restore the database from a backup, {_ANEW}"
        )


def _write_back(path: Any) -> None:
    """Moves all of a database's log into its file. Raises StoreError where a reader is in it."""
    until_s = time.monotonic() + _PATIENCE_S
    with contextlib.closing(sqlite3.connect(path)) as connection:
        while True:
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return
            if time.monotonic() > until_s:
                raise StoreError(
                    f"another command reads {path}: wait for its end, then rebuild again; nothing "
                    "has been changed"
                )
            time.sleep(0.1)


def _take_over_keys(old: Any, new: Any) -> None:
    """Has the new one the keys that the old one has now: some may have been added meanwhile."""
    names = ", ".join(column.name for column in schema.api_key.columns)
    with contextlib.closing(sqlite3.connect(new)) as connection:
        connection.execute("ATTACH DATABASE ? AS old", (str(old),))
        with connection:
            connection.execute("DELETE FROM main.api_key")
            connection.execute(
                f"INSERT INTO main.api_key ({names}) SELECT {names} FROM old.api_key"  # noqa: S608 - names of our own
            )
        connection.execute("DETACH DATABASE old")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sync(path: Any) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
