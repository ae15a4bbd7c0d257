from __future__ import annotations

import contextlib
import socket
import sqlite3
import subprocess
import sys
import threading
import uuid
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.engine import make_url

from made_ticks import START_S, demand, tick
from sectorwatch.errors import DatabaseAwayError, QueryTooLongError, StoreError
from sectorwatch.observe import Telemetry
from sectorwatch.store import DatabaseWatch, Store, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

    from postgres_server import PostgresServer
    from sectorwatch.observe import StatementFigures
    from sectorwatch.store import DataDirectory

LOCK = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Everything watched, kept in memory."""
    opened = Telemetry.open(None, sinks=[])
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def watched(
    request: pytest.FixtureRequest, directory: DataDirectory, telemetry: Telemetry
) -> Iterator[Store]:
    """A store whose statements are recorded, on either database."""
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database(f"watched_{uuid.uuid4().hex}")
    with Store.open(directory, url, telemetry=telemetry) as opened:
        yield opened


def of(telemetry: Telemetry, start: str) -> StatementFigures:
    """The statement that begins so."""
    found = [one for one in telemetry.statements.statements() if one.statement.startswith(start)]
    assert len(found) == 1, found
    return found[0]


def test_a_commit_is_seen_statement_by_statement(watched: Store, telemetry: Telemetry) -> None:
    """Each with its rows, by the operation that ran it; transactions and rows by table counted."""
    watched.commit(tick(1, demand=demand(*[(START_S, sector, 5, 1) for sector in range(40)])))
    written = of(telemetry, "INSERT INTO demand")
    assert (written.database, written.count, written.errors) == (watched.database.dialect, 40, 0)
    assert written.rows == 40
    assert [(use.operation, use.service) for use in written.uses] == [("commit", "store")]
    metrics = telemetry.metrics
    assert metrics.counter("store_rows_written_total", {"table": "demand"}).total == 40
    assert metrics.get_metric_summary("database_transaction_seconds", tags={"kind": "write"})[
        "count"
    ]


def test_a_question_is_timed_to_its_last_row(watched: Store, telemetry: Telemetry) -> None:
    """Rows are counted as they are fetched, and fetching is part of what a question costs."""
    minutes = demand(*[(START_S, sector, 5, 1) for sector in range(300)])
    watched.commit(tick(1, demand=minutes))
    with watched.database.read("asking") as connection:
        first = schema.demand.alias("a"), schema.demand.alias("b")
        rows = connection.execute(
            select(first[0].c.sector_id).join(
                first[1], first[0].c.occupancy == first[1].c.occupancy
            )
        ).all()
    asked = of(telemetry, "SELECT a.sector_id")
    assert asked.rows == len(rows) == 90_000
    assert asked.max_s > 0.005
    assert not telemetry.statements.drops.counts()


def test_what_fails_is_counted(watched: Store, telemetry: Telemetry) -> None:
    """An error in a statement is one of its errors, and the transaction's kind of error counted."""
    twice = text("INSERT INTO meta VALUES ('instance_id', 'b')")
    with pytest.raises(StoreError), watched.database.write("trying") as connection:
        connection.execute(twice)
    assert of(telemetry, "INSERT INTO meta VALUES").errors == 1
    assert telemetry.metrics.counter("database_errors_total", {"kind": "refused"}).total == 1


def test_no_value_is_in_what_is_logged_of_a_statement_that_fails(
    watched: Store, telemetry: Telemetry
) -> None:
    """A member's number may be kept by a setting; an error and its stack do not repeat it."""
    twice = schema.meta.insert().values(name="instance_id", value="SECRET77")
    try:
        with watched.database.write("trying") as connection:
            connection.execute(twice)
    except StoreError as error:
        telemetry.log.log_exception("trying", error)
    [line] = telemetry.log.search(text="trying")
    assert "INSERT INTO meta" in line["exception"]["stack"]
    assert "SECRET77" not in repr(line)


def test_no_value_is_in_any_figure(watched: Store, telemetry: Telemetry) -> None:
    """What was asked for stays in memory, and out of everything that can be read."""
    asked = select(schema.flight.c.cid).where(schema.flight.c.callsign == "SECRET77")
    with watched.database.read("asking") as connection:
        connection.execute(asked).all()
    assert "SECRET77" not in repr(telemetry.statements.statements())
    (sample,) = telemetry.statements.samples(of(telemetry, "SELECT flight.cid").id)
    assert sample.parameters == ("SECRET77",)


def test_a_database_locked_by_another_program_is_failing_until_it_is_free(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """A real second process holds the lock: the gauge grows from the first look, then is 0 again."""
    now = [100.0]
    with Store.open(directory, telemetry=telemetry) as store:
        watch = DatabaseWatch(
            directory,
            None,
            telemetry=telemetry,
            current=lambda: store.database,
            clock_s=lambda: now[0],
            limit_s=0.2,
        )
        watch.look()
        assert watch.failing_s() == 0
        with subprocess.Popen(
            [sys.executable, "-c", LOCK, str(directory.database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdin is not None
            try:
                holder.stdout.readline()
                watch.look()
                assert "locked" in watch.explain({})
                now[0] += 20
                assert watch.failing_s() == 20
                assert telemetry.metrics.get_metric_summary("database_failing_seconds")
            finally:
                holder.stdin.close()
                holder.wait(60)
        watch.look()
        assert (watch.last_error, watch.failing_s()) == (None, 0)
    telemetry.metrics.collect()
    assert telemetry.metrics.get_metric_summary("database_failing_seconds")["latest"] == 0


def test_a_long_write_of_our_own_is_no_fault(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """While a transaction of ours holds the lock the database is well."""
    with Store.open(directory, telemetry=telemetry) as store:
        watch = DatabaseWatch(
            directory, None, telemetry=telemetry, current=lambda: store.database, limit_s=0.2
        )
        with store.database.write("sealing for long"):
            watch.look()
        assert watch.failing_s() == 0


def test_a_database_whose_file_is_gone_is_failing(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """Also where no store could be opened; and nothing is made in its place by looking."""
    watch = DatabaseWatch(
        directory, None, telemetry=telemetry, current=lambda: None, clock_s=lambda: 7.0
    )
    watch.look()
    assert "does not answer" in (watch.last_error or "")
    assert not directory.database.exists()


@pytest.mark.postgres
def test_a_server_that_stops_is_failing_until_it_answers(
    directory: DataDirectory, telemetry: Telemetry, postgres: PostgresServer
) -> None:
    """A real PostgreSQL, down and up again; how large the database is is known before and after."""
    now = [100.0]
    url = postgres.new_database("stopped")
    watch = DatabaseWatch(
        directory, url, telemetry=telemetry, current=lambda: None, clock_s=lambda: now[0]
    )
    watch.look()
    assert watch.failing_s() == 0
    assert telemetry.metrics.get_metric_summary("database_bytes")["latest"] > 1e6
    postgres.stop()
    try:
        watch.look()
        now[0] += 30
        watch.look()
        assert watch.failing_s() == 30
    finally:
        postgres.start()
    watch.look()
    assert watch.failing_s() == 0


@pytest.mark.postgres
def test_a_server_that_stands_still_is_failing_too(
    directory: DataDirectory, telemetry: Telemetry, postgres: PostgresServer
) -> None:
    """It takes connections and answers none: given up after two seconds, well again afterwards."""
    now = [100.0]
    url = postgres.new_database("standing_still")
    watch = DatabaseWatch(
        directory, url, telemetry=telemetry, current=lambda: None, clock_s=lambda: now[0]
    )
    postgres.pause()
    try:
        watch.look()
        now[0] += 5
        assert watch.failing_s() == 5
        assert "timeout" in watch.explain({})
    finally:
        postgres.go_on()
    watch.look()
    assert watch.failing_s() == 0


@pytest.mark.postgres
def test_a_server_that_falls_silent_is_given_up(
    directory: DataDirectory, telemetry: Telemetry, postgres: PostgresServer
) -> None:
    """Connected, and the question is lost on the way: the watch does not wait for hours."""
    address = make_url(postgres.new_database("falling_silent"))
    with Swallowing(address, b"SELECT 1") as port:
        url = address.set(host="127.0.0.1", port=port).difference_update_query(["host"])
        watch = DatabaseWatch(
            directory,
            url.render_as_string(hide_password=False),
            telemetry=telemetry,
            current=lambda: None,
            limit_s=0.5,
        )
        looking = threading.Thread(target=watch.look, daemon=True)
        looking.start()
        looking.join(60)
        assert not looking.is_alive()
        assert watch.failing_s() > 0


@pytest.mark.postgres
def test_a_size_that_cannot_be_had_in_time_is_no_database_that_is_away(
    directory: DataDirectory, telemetry: Telemetry, postgres: PostgresServer
) -> None:
    """Counting the files of a large database may take long: it answers all the same."""
    url = postgres.new_database("slow_to_count")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION public.pg_database_size(name) RETURNS bigint LANGUAGE sql "
                "AS 'SELECT 1::bigint FROM pg_sleep(60)'"
            )
        )
    engine.dispose()
    slow = make_url(url).update_query_dict({"options": "-csearch_path=public,pg_catalog"})
    watch = DatabaseWatch(
        directory,
        slow.render_as_string(hide_password=False),
        telemetry=telemetry,
        current=lambda: None,
    )
    watch.look()
    assert (watch.last_error, watch.failing_s()) == (None, 0)


class Swallowing:
    """Stands before a PostgreSQL and passes all on but what has `words` in it."""

    def __init__(self, address: URL, words: bytes) -> None:
        self._words = words
        self._there = address
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []

    def __enter__(self) -> int:
        threading.Thread(target=self._serve, daemon=True).start()
        port: int = self._listening.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        for each in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = reach(self._there)
                self._open += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                if self._words not in data:
                    other.sendall(data)


def reach(address: URL) -> socket.socket:
    """A connection to a server, by its socket in the file system or by TCP."""
    host = str(address.query.get("host") or address.host)
    port = address.port or int(str(address.query.get("port", 5432)))
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    made = socket.socket(socket.AF_UNIX)
    made.connect(f"{host}/.s.PGSQL.{port}")
    return made


def test_a_question_that_hangs_is_failing_while_it_hangs(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """The gauge is read from outside: it does not wait for the answer."""
    now = [100.0]
    seen: list[float] = []

    def current() -> None:
        # Asked in the middle of a look, and again by the reader of the gauge.
        if not seen:
            seen.append(0.0)
            now[0] += 30
            seen.append(watch.failing_s())

    watch = DatabaseWatch(
        directory, None, telemetry=telemetry, current=current, clock_s=lambda: now[0]
    )
    watch.look()
    assert seen[1] == 30


def test_waiting_for_anothers_lock_is_measured(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """A lock that is let go in time delays a write and fails nothing."""
    with Store.open(directory, telemetry=telemetry) as store:
        other = sqlite3.connect(directory.database, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        letting_go = threading.Timer(0.05, other.execute, ("ROLLBACK",))
        letting_go.start()
        with store.database.write("waiting"):
            pass
        letting_go.join()
        other.close()
    waited = telemetry.metrics.get_metric_summary("database_lock_wait_seconds")
    assert waited["count"] == 1
    assert telemetry.metrics.counter("database_locked_total").total == 0


def test_writes_that_are_not_answered_are_failing_whatever_the_probe_says(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """The database answers a question, and refuses what we write: that is failing, too."""
    with Store.open(directory, telemetry=telemetry) as store:
        watch = DatabaseWatch(directory, None, telemetry=telemetry, current=lambda: store.database)

        def fail() -> None:
            with store.database.write("committing"):
                raise sqlite3.OperationalError("disk I/O error")

        with pytest.raises(DatabaseAwayError):
            fail()
        watch.look()
        assert watch.failing_s() > 0
        with store.database.write("committing"):
            pass
        assert watch.failing_s() == 0


def test_a_wrong_statement_is_refused_and_no_database_that_is_away(
    watched: Store, telemetry: Telemetry
) -> None:
    """A fault of ours is no fault of the database: nobody is called for it, nor told to wait."""
    watch = DatabaseWatch(
        watched.directory, None, telemetry=telemetry, current=lambda: watched.database
    )
    for wrong in ("SELECT * FROM nowhere", "SELECT nothing FROM meta", "SELEKT"):
        with (
            pytest.raises(StoreError, match="refused") as raised,
            watched.database.write("asking") as connection,
        ):
            connection.execute(text(wrong))
        assert not isinstance(raised.value, DatabaseAwayError)
    assert watch.failing_s() == 0
    assert telemetry.metrics.counter("database_errors_total", {"kind": "refused"}).total == 3


def test_only_what_is_written_is_synced(directory: DataDirectory, telemetry: Telemetry) -> None:
    """The end of a question is no commit, and does not make commits look quicker than they are."""
    with Store.open(directory, telemetry=telemetry) as store:
        store.commit(tick(1))
        committed = telemetry.metrics.get_metric_summary("database_commit_seconds")["count"]
        for _ in range(5):
            with store.database.read("asking") as connection:
                connection.execute(select(schema.meta)).all()
        store.commit(tick(2))
    after = telemetry.metrics.get_metric_summary("database_commit_seconds")["count"]
    assert after == committed + 1


def test_a_log_that_we_write_back_is_no_fault(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """It takes the lock for as long as it waits for readers: that is our own doing."""
    with Store.open(directory, telemetry=telemetry) as store:
        watch = DatabaseWatch(
            directory, None, telemetry=telemetry, current=lambda: store.database, limit_s=0.2
        )
        with store.database.read("asking for long") as connection:
            connection.execute(select(schema.meta)).all()
            store.commit(tick(1))
            back = threading.Thread(target=store.database.write_log_back)
            back.start()
            other = sqlite3.connect(directory.database, timeout=0, isolation_level=None)
            while not is_locked(other):
                pass
            watch.look()
            is_well = watch.failing_s() == 0
        back.join()
        other.close()
    assert is_well


def test_a_commit_of_ours_that_takes_long_is_no_fault(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """Until it is synced the lock is still ours."""
    with Store.open(directory, telemetry=telemetry) as store:
        watch = DatabaseWatch(
            directory, None, telemetry=telemetry, current=lambda: store.database, limit_s=0.1
        )
        looked = []

        @event.listens_for(store.database.engine, "commit")
        def _syncing(connection: object) -> None:
            # As long as the disk takes.
            del connection
            watch.look()
            looked.append(watch.failing_s())

        with store.database.write("committing") as connection:
            connection.execute(text("UPDATE meta SET value = value"))
    assert looked == [0]


def test_a_write_of_ours_that_hangs_is_failing(
    directory: DataDirectory, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that never answers keeps the lock ours for ever: after a minute that is a fault."""
    monkeypatch.setattr("sectorwatch.store.watch._HANGS_S", 0.0)
    with Store.open(directory, telemetry=telemetry) as store:
        watch = DatabaseWatch(
            directory, None, telemetry=telemetry, current=lambda: store.database, limit_s=0.1
        )
        with store.database.write("committing"):
            watch.look()
            assert watch.failing_s() > 0


def test_a_fault_in_asking_is_none_of_the_database_and_does_not_end_the_watch(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """It is counted, and the next question is asked as if nothing had been."""
    faults = [RuntimeError("whatever")]

    def current() -> None:
        if faults:
            raise faults.pop()

    watch = DatabaseWatch(directory, None, telemetry=telemetry, current=current)
    watch.look()
    assert watch.drops.counts() == {"look_failed": 1}
    assert watch.failing_s() == 0
    watch.look()
    assert watch.failing_s() > 0


def is_locked(connection: sqlite3.Connection) -> bool:
    """Whether somebody else may write now."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    connection.execute("ROLLBACK")
    return False


def test_a_question_that_is_cut_off_while_it_is_read_is_an_error_of_its(
    directory: DataDirectory, telemetry: Telemetry
) -> None:
    """Its first row came in time, the others did not."""
    endless = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    )
    with (
        Store.open(directory, telemetry=telemetry) as store,
        pytest.raises(QueryTooLongError),
        store.database.read("asking for ever", limit_s=0.05) as connection,
    ):
        connection.execute(endless).all()
    asked = of(telemetry, "WITH RECURSIVE")
    assert (asked.errors, asked.max_s >= 0.05) == (1, True)
