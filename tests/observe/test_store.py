from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from observe.made import ManualClock
from sectorwatch.observe import MetricsCollector, ObserveStore, PerformanceMetric, Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Notes:
    """A part that keeps texts, and can be told to fail."""

    tables = "CREATE TABLE IF NOT EXISTS note (text TEXT);"

    def __init__(self) -> None:
        self.fresh: list[str] = []
        self.kept: list[str] = []
        self.failure: Exception | None = None
        self.pruned = 0

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Read all."""
        del now_s
        if self.failure:
            raise self.failure
        self.kept = [text for (text,) in connection.execute("SELECT text FROM note")]

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None]:
        """Write what is new."""
        del now_s
        fresh = list(self.fresh)
        connection.executemany("INSERT INTO note VALUES (?)", [(text,) for text in fresh])
        if self.failure:
            raise self.failure

        def committed() -> None:
            self.kept += fresh
            del self.fresh[: len(fresh)]

        return committed

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Count that it was asked."""
        del connection, now_s
        self.pruned += 1


def _notes(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    found = [text for (text,) in connection.execute("SELECT text FROM note")]
    connection.close()
    return found


def test_parts_are_written_at_the_end_and_read_at_the_start(tmp_path: Path) -> None:
    """What a part has is in the file after closing, which its owner alone can read."""
    path = tmp_path / "observe.db"
    store, notes = ObserveStore(path), Notes()
    store.attach(notes)
    notes.fresh.append("one")
    store.close()
    store.close()
    assert _notes(path) == ["one"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again, other = ObserveStore(path), Notes()
    again.attach(other)
    assert other.kept == ["one"]
    assert not again.submit(lambda _: None) or again.state()["queued"] == 0
    again.close()
    assert not again.submit(lambda _: None)
    assert not again.flush()
    assert again.drops.counts() == {"closed": 1}


def test_a_part_that_fails_keeps_what_it_has_until_it_works_again() -> None:
    """A failed save is rolled back whole, counted, and made up for by the next."""
    store, notes = ObserveStore(), Notes()
    store.attach(notes)
    notes.fresh.append("one")
    notes.failure = RuntimeError("no")
    assert not store.flush()
    notes.failure = None
    notes.fresh.append("two")
    assert store.flush()
    assert notes.kept == ["one", "two"]
    with store.read() as reader:
        assert reader.execute("SELECT count(*) FROM note").fetchone() == (2,)
    assert store.drops.counts() == {"write_failed_other": 1}
    store.close()


def test_what_is_due_is_written_without_a_thread_too() -> None:
    """Whoever comes by when a minute is over writes; before that nothing happens."""
    clock = ManualClock()
    store, notes = ObserveStore(clock=clock), Notes()
    store.attach(notes)
    notes.fresh.append("one")
    store.write_if_due()
    assert notes.kept == []
    clock.advance(60)
    store.write_if_due()
    assert notes.kept == ["one"]
    assert notes.pruned == 1
    store.close()


def test_the_thread_writes_jobs_at_once_and_parts_each_period(tmp_path: Path) -> None:
    """A job is committed long before the minute is over; parts when it is, by the thread alone."""
    store, notes = ObserveStore(tmp_path / "observe.db", flush_every_s=0.2), Notes()
    store.attach(notes)
    store.start()
    store.start()
    done = threading.Event()
    writers: list[str] = []

    def job(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO note VALUES ('job')")
        writers.append(threading.current_thread().name)
        done.set()

    assert store.submit(job, synced=True)
    assert done.wait(60)
    notes.fresh.append("part")
    deadline = time.monotonic() + 60
    while not notes.kept and time.monotonic() < deadline:
        time.sleep(0.01)
    assert store.state()["writing"]
    store.close()
    assert notes.kept == ["part"]
    assert sorted(_notes(tmp_path / "observe.db")) == ["job", "part"]
    assert writers == ["observe-writer"]


def test_a_job_that_raises_is_rolled_back_and_counted() -> None:
    """One job's failure takes nothing else with it."""
    store, notes = ObserveStore(), Notes()
    store.attach(notes)

    def job(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO note VALUES ('half')")
        raise RuntimeError("no")

    store.submit(job)
    store.submit(lambda connection: connection.execute("INSERT INTO note VALUES ('whole')"))
    with store.read() as reader:
        assert reader.execute("SELECT text FROM note").fetchall() == [("whole",)]
    assert store.drops.counts() == {"write_failed_other": 1, "job_failed": 1}
    store.close()


def test_a_full_queue_refuses_and_counts_without_waiting(tmp_path: Path) -> None:
    """With the writer held up, jobs past the queue's end are refused at once."""
    store = ObserveStore(tmp_path / "observe.db", queue_size=2)
    store.start()
    entered, leave = threading.Event(), threading.Event()

    def slow(_: sqlite3.Connection) -> None:
        entered.set()
        leave.wait(60)

    store.submit(slow)
    assert entered.wait(60)
    taken = [store.submit(lambda _: None) for _ in range(5)]
    leave.set()
    store.close()
    assert taken == [True, True, False, False, False]
    assert store.drops.counts() == {"queue_full": 3}


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5_000]
)
def test_a_damaged_file_is_put_aside_and_a_new_one_begun(tmp_path: Path, content: bytes) -> None:
    """Opening what is no database keeps it for a look and goes on with a new one."""
    path = tmp_path / "observe.db"
    path.write_bytes(content)
    store, notes = ObserveStore(path), Notes()
    store.attach(notes)
    notes.fresh.append("one")
    store.close()
    assert _notes(path) == ["one"]
    assert (tmp_path / "observe.db.damaged").read_bytes() == content
    assert store.drops.counts()["damaged_file_put_aside"] == 1


def test_damage_while_running_is_survived_with_what_is_in_memory(tmp_path: Path) -> None:
    """A file spoilt under a running program is replaced; the metrics of the hour are written again."""
    clock = ManualClock()
    path = tmp_path / "observe.db"
    store = ObserveStore(path, clock=clock)
    collector = MetricsCollector(clock=clock, store=store)
    for i in range(50):
        collector.record_metric("m", float(i), {"i": str(i)})
    store.flush()
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        file.write(b"\xff" * size)
    collector.record_metric("m", 50.0, {"i": "0"})
    assert collector.get_metric_summary("m")["count"] == 51
    assert collector.dropped == {"history_unreadable": 1}
    for _ in range(3):
        clock.advance(60)
        store.flush()
    store.close()
    assert store.drops.counts()["damaged_file_put_aside"] == 1
    store = ObserveStore(path, clock=clock)
    collector = MetricsCollector(clock=clock, store=store)
    assert collector.get_metric_summary("m")["count"] == 51
    store.close()


def test_the_file_of_a_newer_version_is_never_written_to(tmp_path: Path) -> None:
    """A file with a later format is put aside as it is."""
    path = tmp_path / "observe.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.execute("CREATE TABLE later (x)")
    connection.commit()
    connection.close()
    ObserveStore(path).close()
    connection = sqlite3.connect(tmp_path / "observe.db.damaged")
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


def test_without_a_disk_everything_is_kept_in_memory(tmp_path: Path) -> None:
    """A path that cannot be opened is counted, and observation goes on."""
    store, notes = ObserveStore(tmp_path / "missing" / "observe.db"), Notes()
    store.attach(notes)
    notes.fresh.append("one")
    assert store.flush()
    assert notes.kept == ["one"]
    assert store.state()["path"] is None
    assert store.drops.counts() == {"open_failed": 1}
    store.close()


def test_a_part_that_cannot_load_does_not_stop_the_start(tmp_path: Path) -> None:
    """Bytes of ours that make no sense cost that part its past, and are counted."""
    for failure in (ValueError("bytes"), sqlite3.OperationalError("no such column"), TypeError()):
        store, notes = ObserveStore(tmp_path / "observe.db"), Notes()
        notes.failure = failure
        store.attach(notes)
        assert store.drops.counts() == {"load_failed": 1}
        notes.failure = None
        store.close()


def test_a_full_disk_is_counted_and_recovered_from(tmp_path: Path) -> None:
    """Writes that do not fit are counted as that; once there is room they are made up for."""
    store, notes = ObserveStore(tmp_path / "observe.db"), Notes()
    store.attach(notes)
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count={pages}")
    notes.fresh = ["x" * 1_000 for _ in range(100)]
    assert not store.flush()
    assert store.drops.counts() == {"write_failed_disk_full": 1}
    store._writer.execute("PRAGMA max_page_count=100000")
    assert store.flush()
    assert len(notes.kept) == 100
    store.close()


def test_a_jump_of_the_clock_postpones_deleting() -> None:
    """After the wall clock was set, nothing is deleted by age for an hour."""
    clock = ManualClock()
    store, notes = ObserveStore(clock=clock), Notes()
    store.attach(notes)
    clock.advance(60)
    store.flush()
    assert notes.pruned == 1
    clock.advance(3_600)
    clock.jump(400 * 86_400)
    store.flush()
    assert notes.pruned == 1
    assert store.drops.counts() == {"clock_jumped": 1}
    clock.advance(3_601)
    store.flush()
    assert notes.pruned == 2
    store.close()


_PROGRAM = """
import sys, time
from pathlib import Path
from sectorwatch.observe import Telemetry
telemetry = Telemetry.open(Path(sys.argv[1]), sinks=[], flush_every_s=0.3, sample_every_s=0.1)
telemetry.start()
counter = telemetry.metrics.counter("work")
for number in range(100_000):
    counter.inc()
    with telemetry.timed("step", "worker"):
        telemetry.metrics.record_metric("level", number, {"k": "v"})
    telemetry.log.info("step")
    if number == 200:
        try:
            with telemetry.timed("step", "worker"):
                raise ValueError("once")
        except ValueError:
            pass
    time.sleep(0.002)
    if number == 600:
        # The one under way may have begun before: after the next one all until here is written.
        for _ in range(2):
            last = telemetry.store.state()["last_flush_s"]
            while telemetry.store.state()["last_flush_s"] == last:
                time.sleep(0.01)
        print("kept", flush=True)
"""


def test_killed_at_any_moment_all_but_the_last_period_is_kept(tmp_path: Path) -> None:
    """After kill -9 a new start has metrics, timings, log counts and errors up to the last flush."""
    path = tmp_path / "observe.db"
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "kept\n"
    program.kill()
    program.wait()
    program.stdout.close()
    telemetry = Telemetry.open(path, sinks=[])
    level = telemetry.metrics.get_metric_summary("level")
    assert level["count"] > 600
    assert telemetry.metrics.get_metric_summary("work")["sum"] > 600
    timed = telemetry.performance.get_metric_summary(
        "step", "worker", PerformanceMetric.RESPONSE_TIME
    )
    assert timed["count"] > 600
    assert telemetry.log.get_log_analytics()["total_entries"] > 1_200
    assert telemetry.log.get_error_analytics()["by_type"] == {"ValueError": 1}
    assert telemetry.store is not None
    assert telemetry.store.drops.counts() == {}
    telemetry.close()
