from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from made_ticks import tick
from sectorwatch.errors import (
    ConfigError,
    DatabaseAwayError,
    DiskFullError,
    QueryTooLongError,
    StoreError,
)
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.database import Database

if TYPE_CHECKING:
    from pathlib import Path

    from postgres_server import PostgresServer

FOREVER = (
    "WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless) "
    "SELECT count(*) FROM endless"
)


def test_a_committed_write_is_on_the_disk(store: Store) -> None:
    """SQLite syncs its log at each commit, and nobody else may read its files."""
    with store.database.write("asking") as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
    store.commit(tick(1))
    for file in store.directory.path.glob("sectorwatch.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_write_that_fails_leaves_nothing(store: Store) -> None:
    """A transaction in which something raised is undone whole."""

    def write_and_fail() -> None:
        with store.database.write("trying") as connection:
            connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with store.database.read("looking") as connection:
        assert connection.scalar(text("SELECT count(*) FROM meta WHERE name = 'a'")) == 0


def test_reader_sees_one_moment(store: Store) -> None:
    """What is committed while a reader looks is not seen by it."""
    store.commit(tick(1))
    with store.database.read("looking") as connection:
        count = text("SELECT count(*) FROM tick")
        assert connection.scalar(count) == 1
        store.commit(tick(2))
        assert connection.scalar(count) == 1


def test_question_that_takes_too_long_ends(store: Store) -> None:
    """A reader's question is ended at its limit, and the connection serves the next one."""
    with (
        pytest.raises(QueryTooLongError, match="counting took longer"),
        store.database.read("counting", limit_s=0.05) as connection,
    ):
        connection.execute(text(FOREVER))
    assert store.resume() is None


def test_full_disk_is_told_and_overcome(store: Store) -> None:
    """A database that may not grow says so; once it may, the same tick goes in, once."""
    store.commit(tick(1))
    with store.database.engine.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
    raw = store.database.engine.raw_connection()
    raw.driver_connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[union-attr]
    raw.close()
    with pytest.raises(DiskFullError, match=r"no space is left .* while committing tick 2"):
        store.commit(tick(2, count=20_000))
    assert not store.holds(tick(2).time_us)
    raw = store.database.engine.raw_connection()
    raw.driver_connection.execute("PRAGMA max_page_count = 1073741823")  # type: ignore[union-attr]
    raw.close()
    assert store.commit(tick(2, count=20_000))
    assert not store.commit(tick(2, count=20_000))


def commit_until_full(store: Store) -> int:
    """Commits ticks until the disk takes no more, and gives the last one that went in."""
    for seq in range(1, 1_000):
        try:
            store.commit(tick(seq, count=2_000))
        except DiskFullError:
            return seq - 1
    raise AssertionError("the disk never filled up")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_disk_that_is_really_full(tmp_path: Path) -> None:
    """On a disk without a byte left ticks wait, and go on where they stopped once there is room."""
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(tmp_path)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        with DataDirectory.open(tmp_path / "data") as directory:
            with Store.open(directory) as store:
                (tmp_path / "filler").write_bytes(bytes(2_000_000))
                last = commit_until_full(store)
                with pytest.raises(DiskFullError):
                    store.commit(tick(last + 1, count=2_000))
                (tmp_path / "filler").unlink()
                assert store.commit(tick(last + 1, count=2_000))
                assert store.commit(tick(last + 2, count=2_000))
            with Store.open(directory) as store:
                checkpoint = store.resume()
                assert checkpoint is not None
                assert checkpoint.seq == last + 2
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def test_database_held_by_somebody_is_away(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that lasts too long is a database that is away; the commit works once it is back."""
    monkeypatch.setattr("sectorwatch.store.database._BUSY_MS", 50)
    with Store.open(directory) as store:
        other = sqlite3.connect(directory.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseAwayError, match="did not answer while committing tick 1"):
            store.commit(tick(1))
        other.execute("ROLLBACK")
        other.close()
        assert store.commit(tick(1))


def test_pool_that_is_exhausted_is_away(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many readers at a time are told to come later."""
    monkeypatch.setattr("sectorwatch.store.database._BUSY_MS", 50)
    with Store.open(directory) as store:
        held = [store.database.engine.connect() for _ in range(40)]
        with pytest.raises(DatabaseAwayError, match=r"no connection to .* was free"):
            store.holds(1)
        for connection in held:
            connection.close()


def test_damaged_file_is_told(directory: DataDirectory) -> None:
    """A file that is no database says what to do, and is not overwritten."""
    directory.database.write_bytes(b"this is no database" * 500)
    with pytest.raises(StoreError, match=r"is damaged .* restore it from a backup"):
        Store.open(directory)
    assert directory.database.read_bytes().startswith(b"this is no")


def test_refused_statement_is_no_reason_to_retry(store: Store) -> None:
    """What breaks a rule of the tables is an error of ours, not a database that is away."""
    with (
        pytest.raises(StoreError, match="refused what was asked while trying") as caught,
        store.database.write("trying") as connection,
    ):
        connection.execute(text("INSERT INTO meta VALUES ('a', NULL)"))
    assert not isinstance(caught.value, DatabaseAwayError)


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite:///x.db", "postgresql+asyncpg://h/d"])
def test_other_databases_are_refused(directory: DataDirectory, url: str) -> None:
    """A database of another kind is named, with what can be used."""
    with pytest.raises(ConfigError, match="is not known: use postgresql"):
        Database.open(directory, url)


def test_nonsense_url_never_shows_its_password(directory: DataDirectory) -> None:
    """A URL that cannot be read, or a server that cannot be reached, keeps its secret."""
    with pytest.raises(ConfigError) as caught:
        Database.open(directory, "sw:hunter2@nowhere")
    assert "hunter2" not in str(caught.value)
    database = Database.open(directory, "postgres://sw:hunter2@127.0.0.1:1/none")
    assert database.label == "postgresql+psycopg://sw:***@127.0.0.1:1/none"
    with pytest.raises(DatabaseAwayError, match="did not answer") as away, database.read("x"):
        pass
    assert "hunter2" not in str(away.value)


@pytest.mark.postgres
def test_postgresql_bounds_and_translates_alike(
    directory: DataDirectory, postgres: PostgresServer
) -> None:
    """On PostgreSQL too a long question ends, and a reader may not write."""
    with Store.open(directory, postgres.new_database("bounds")) as store:
        with (
            pytest.raises(QueryTooLongError),
            store.database.read("counting", limit_s=0.05) as connection,
        ):
            connection.execute(text(FOREVER))
        with pytest.raises(StoreError, match="read-only"), store.database.read("x") as connection:
            connection.execute(text("DELETE FROM meta"))


@pytest.mark.postgres
def test_lock_of_somebody_else_is_not_waited_for_ever(
    directory: DataDirectory, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that somebody holds makes PostgreSQL a database that is away, until it is let go."""
    monkeypatch.setattr("sectorwatch.store.database._BUSY_MS", 100)
    with Store.open(directory, postgres.new_database("locked")) as store:
        with store.database.engine.connect() as other:
            other.execute(text("LOCK TABLE tick"))
            with pytest.raises(DatabaseAwayError, match="lock timeout"):
                store.commit(tick(1))
        assert store.commit(tick(1))


@pytest.mark.postgres
def test_postgresql_that_went_away_is_waited_for(
    directory: DataDirectory, postgres: PostgresServer
) -> None:
    """While the server is down a commit says so; when it is back the same commit goes in, once."""
    with Store.open(directory, postgres.new_database("away")) as store:
        assert store.commit(tick(1))
        postgres.stop()
        try:
            for _ in range(2):
                with pytest.raises(DatabaseAwayError):
                    store.commit(tick(2))
            assert store.status().away is not None
        finally:
            postgres.start()
        assert store.commit(tick(2))
        assert not store.commit(tick(2))
        assert store.holds(tick(1).time_us)
        assert store.status().away is None


def test_a_file_that_was_moved_away_is_missed_at_once(store: Store) -> None:
    """Nothing is written into a file that is elsewhere; put back, all goes on where it was."""
    store.commit(tick(1))
    path = store.directory.database
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    away = path.parent.parent / "away"
    away.mkdir()
    for file in files:
        file.rename(away / file.name)
    with pytest.raises(DatabaseAwayError, match="moved or deleted while it was in use"):
        store.commit(tick(2))
    with pytest.raises(DatabaseAwayError, match="put the file back"):
        store.resume()
    assert not path.exists()
    for file in away.iterdir():
        file.rename(path.parent / file.name)
    assert store.commit(tick(2))
    assert [store.holds(tick(number).time_us) for number in (1, 2)] == [True, True]


def test_another_file_in_its_place_is_not_taken_for_it(store: Store) -> None:
    """A backup put there while the program runs is not written into."""
    store.commit(tick(1))
    path = store.directory.database
    path.rename(path.with_name("first"))
    path.write_bytes(b"")
    with pytest.raises(DatabaseAwayError, match="another file lies in its place"):
        store.commit(tick(2))
    assert path.read_bytes() == b""
    path.with_name("first").replace(path)
    assert store.commit(tick(2))
