"""What observation keeps on disk: one SQLite file of its own, and one thread that writes it.

Whoever has something to keep is a `Part`: it names its tables, takes up what an earlier run left,
and is asked once a minute, and at the end, to write what is new. Nothing here ever raises into
the program that is watched: a write that fails is counted, and tried again a minute later.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.store_file import is_damage, open_or_replace, open_reader, put_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["ObserveStore", "Part"]

_PRUNE_EVERY_S = 3_600
# A wall clock that moves this far against the monotonic one was set, not adjusted: nothing is
# deleted by age until it has been steady for an hour.
_JUMP_S = 60.0
_CLOSE_S = 3.0


class Part(Protocol):
    """One kind of thing that is kept."""

    tables: str
    """`CREATE TABLE IF NOT EXISTS ...` statements."""

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Take up what an earlier run left.

        Called again with a new file where the old one was damaged: nothing counts as saved then.
        """

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None] | None:
        """Write what is new, in the transaction that is open.

        What is returned is called once it is committed; a write that failed is asked for again.
        """

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete what is too old; once an hour, in a transaction of its own."""


class ObserveStore:
    """The file, its writer thread, and a connection for reading.

    `path` None keeps everything in memory. Until `start` is called there is no thread: what
    is due is then written by whoever calls `write_if_due` or `flush`.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        clock: Clock | None = None,
        flush_every_s: float = 60.0,
        queue_size: int = 1_024,
    ) -> None:
        self._clock = clock or SystemClock()
        self._flush_every_s = flush_every_s
        self._parts: list[Part] = []
        self._jobs: queue.Queue[tuple[Callable[[sqlite3.Connection], object], bool]] = queue.Queue(
            queue_size
        )
        self._writing = threading.RLock()
        # Held around each commit and each read, so that a reader who puts together what is in
        # memory and what is on disk sees each row once.
        self._consistent = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._closed = False
        self._offset_s = self._now_s() - self._clock.monotonic_s()
        self._due_s = self._clock.monotonic_s() + flush_every_s
        self._prune_due_s = self._clock.monotonic_s() + flush_every_s
        self._reader: sqlite3.Connection | None = None
        # What a reader met that only a writer may mend.
        self._suspect: sqlite3.Error | None = None
        self._last_flush_s: float | None = None
        self.drops = Drops()
        self._path, self._writer = open_or_replace(path, self.drops)

    def attach(self, part: Part) -> None:
        """Make a part's tables and let it take up what is there; never raises."""
        with self._writing:
            self._parts.append(part)
            try:
                self._take_up(part)
            except sqlite3.Error as error:
                if not self._repair(error):
                    self.drops.count("load_failed")
            except Exception:  # noqa: BLE001 - bytes of ours that are damaged may do anything
                # The part goes on without them.
                self.drops.count("load_failed")

    def start(self) -> None:
        """Start the writer thread; once."""
        with self._writing:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(
                    target=self._run, name="observe-writer", daemon=True
                )
                self._thread.start()

    def submit(self, job: Callable[[sqlite3.Connection], object], *, synced: bool = False) -> bool:
        """Have `job` done in a transaction soon, fsynced where `synced`; False for no room.

        Without the thread it is done here and now. Never raises, never waits.
        """
        if self._closed:
            self.drops.count("closed")
            return False
        try:
            self._jobs.put_nowait((job, synced))
        except queue.Full:
            self.drops.count("queue_full")
            return False
        if self._thread is None:
            self._do_jobs()
        else:
            self._wake.set()
        return True

    def write_if_due(self) -> None:
        """Write what is due, where no thread does it."""
        if self._thread is None and self._clock.monotonic_s() >= self._due_s:
            self.flush()

    def flush(self) -> bool:
        """Write all that is new, here and now; whether that went well."""
        with self._writing:
            if self._closed:
                return False
            self._due_s = self._clock.monotonic_s() + self._flush_every_s
            if self._suspect is not None:
                self._repair(self._suspect)
            self._do_jobs()
            good = self._transaction(self._save_all)
            if good:
                self._last_flush_s = self._now_s()
                self._checkpoint()
            self._watch_clock()
            if good and self._clock.monotonic_s() >= self._prune_due_s:
                self._prune_due_s = self._clock.monotonic_s() + _PRUNE_EVERY_S
                for part in self._parts:
                    self._transaction(partial(part.prune, now_s=self._now_s()))
            return good

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from while nothing is committed; keep it short.

        Raises `sqlite3.Error` where the file cannot be read.
        """
        # In memory there is one connection alone: what is being written would be seen half done.
        alone = self._writing if self._path is None else contextlib.nullcontext()
        with alone, self._consistent:
            try:
                yield self._writer if self._path is None else self._reading(self._path)
            except sqlite3.Error as error:
                self._suspect = error
                raise

    def close(self) -> None:
        """Write all that is new, stop the thread and close the file; again it does nothing."""
        thread = self._thread
        self._stopping = True
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=_CLOSE_S)
        # A disk that hangs must not keep the program from ending.
        if not self._writing.acquire(timeout=_CLOSE_S):
            self.drops.count("close_failed")
            return
        try:
            if not self._closed:
                self.flush()
                self._closed = True
                with self._consistent:
                    self._disconnect()
        finally:
            self._writing.release()

    def fill(self) -> float:
        """How full the line of jobs is, 0 to 1."""
        return self._jobs.qsize() / self._jobs.maxsize

    def state(self) -> dict[str, Any]:
        """How it is: for a health check."""
        return {
            "path": None if self._path is None else str(self._path),
            "writing": self._thread is not None and self._thread.is_alive(),
            "queued": self._jobs.qsize(),
            "last_flush_s": self._last_flush_s,
            "dropped": self.drops.counts(),
        }

    def _reading(self, path: Path) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.ProgrammingError("the store is closed: nothing more can be read from it")
        if self._reader is None:
            self._reader = open_reader(path)
        return self._reader

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(max(0.0, self._due_s - self._clock.monotonic_s()))
            self._wake.clear()
            try:
                if self._clock.monotonic_s() >= self._due_s:
                    self.flush()
                else:
                    with self._writing:
                        self._do_jobs()
            except Exception:  # noqa: BLE001 - a fault of ours must not end all keeping
                self.drops.count("writer_failed")

    def _now_s(self) -> float:
        return self._clock.now_us() / 1e6

    def _do_jobs(self) -> None:
        with self._writing:
            while not self._closed:
                try:
                    job, synced = self._jobs.get_nowait()
                except queue.Empty:
                    return
                if not self._transaction(job, synced=synced):
                    self.drops.count("job_failed")

    def _save_all(self, writer: sqlite3.Connection) -> list[Callable[[], None] | None]:
        return [part.save(writer, self._now_s()) for part in self._parts]

    def _transaction(
        self, work: Callable[[sqlite3.Connection], object], *, synced: bool = False
    ) -> bool:
        """Do `work` in a transaction; whether it was committed."""
        with self._writing:
            try:
                # In WAL mode NORMAL survives the death of the program, FULL that of the machine.
                self._writer.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
                self._writer.execute("BEGIN IMMEDIATE")
                afterwards = work(self._writer)
                with self._consistent:
                    self._writer.execute("COMMIT")
                    for call in afterwards if isinstance(afterwards, list) else [afterwards]:
                        if callable(call):
                            call()
            except Exception as error:  # noqa: BLE001 - whatever a part does, the others go on
                self._failed(error)
                return False
            return True

    def _failed(self, error: Exception) -> None:
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            self.drops.count("rollback_failed")
        if isinstance(error, sqlite3.Error):
            text = str(error)
            reason = "disk_full" if "full" in text else "locked" if "locked" in text else "database"
            self.drops.count(f"write_failed_{reason}")
            self._repair(error)
        else:
            self.drops.count("write_failed_other")

    def _checkpoint(self) -> None:
        try:
            self._writer.execute("PRAGMA incremental_vacuum(2000)").fetchall()
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            self.drops.count("checkpoint_failed")

    def _watch_clock(self) -> None:
        offset_s = self._now_s() - self._clock.monotonic_s()
        if abs(offset_s - self._offset_s) > _JUMP_S:
            self.drops.count("clock_jumped")
            self._prune_due_s = self._clock.monotonic_s() + _PRUNE_EVERY_S
        self._offset_s = offset_s

    def _disconnect(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._reader = None

    def _take_up(self, part: Part) -> None:
        self._writer.executescript(part.tables)
        part.load(self._writer, self._now_s())

    def _repair(self, error: sqlite3.Error) -> bool:
        """Put a damaged file aside and begin a new one; whether that was needed and went well."""
        self._suspect = None
        if self._path is None or not is_damage(error):
            return False
        with self._consistent:
            self._disconnect()
            put_aside(self._path, self.drops)
            self._path, self._writer = open_or_replace(self._path, self.drops)
            try:
                for part in self._parts:
                    self._take_up(part)
            except sqlite3.Error:
                self.drops.count("load_failed")
                return False
        return True
