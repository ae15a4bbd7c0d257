"""A copy of a few tables, and what a statement takes on it: without an index, and with it.

The live database is read once, in one view of it, on a connection that cannot write; all else
happens on the copy. Both sides are run in turns, so that what else the machine does falls on both.
"""

# ruff: noqa: S608 - the names of tables and columns come from the schema itself
from __future__ import annotations

import shutil
import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sectorwatch.observe.statements import BatchProof, IndexProof, NotProvenError
from sectorwatch.observe.statements.normal import verb_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sectorwatch.observe.statements import Index, Sample

__all__ = ["Copy", "in_turns", "prove_batch", "prove_index"]

_PRAGMAS = ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-8000")
_ROUNDS = 7
_FEW_ROUNDS = 3
_LONG_S = 1.0
_RUN_LIMIT_S = 15.0
_PROOF_LIMIT_S = 120.0
_WRITTEN = 1_000
_PROBED_ROWS = 2_000
_CHECK_EVERY = 20_000
_LEAST_GAIN = 0.2
_WIDEST_BATCH = 200


@dataclass
class Copy:
    """Some tables of a database in a file of their own, indexes and statistics included."""

    path: Path
    connection: sqlite3.Connection
    tables: tuple[str, ...]
    rows: int
    one_in: int
    ends_s: float

    @classmethod
    def of(
        cls,
        live: Path,
        path: Path,
        sample: Sample,
        *,
        most_bytes: int,
        should_stop: Callable[[], bool],
    ) -> Self:
        """A copy of the tables that a statement names, or of every n-th of their rows.

        Raises NotProvenError where there is none, or it takes too long.
        """
        connection = sqlite3.connect(
            path.as_uri(), uri=True, isolation_level=None, check_same_thread=False
        )
        copy = cls(path, connection, (), 0, 1, time.monotonic() + _PROOF_LIMIT_S)
        try:
            copy.bound(should_stop)
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("ATTACH ? AS live", (f"{live.as_uri()}?mode=ro",))
            connection.execute("BEGIN")
            copy._take(sample, most_bytes)
            connection.execute("COMMIT")
            connection.execute("DETACH live")
        except sqlite3.OperationalError as error:
            connection.close()
            raise NotProvenError(f"the copy was not made in time: {error}") from error
        except BaseException:
            connection.close()
            raise
        return copy

    def bound(self, should_stop: Callable[[], bool]) -> None:
        """Let nothing on the copy go on for too long."""
        ends_s = min(self.ends_s, time.monotonic() + _PROOF_LIMIT_S)
        self.connection.set_progress_handler(
            lambda: time.monotonic() > ends_s or should_stop(), _CHECK_EVERY
        )

    def close(self) -> None:
        """Let go of it; the file is its owner's."""
        self.connection.close()

    def _take(self, sample: Sample, most_bytes: int) -> None:
        ask = self.connection.execute
        made = ask("SELECT name, sql FROM live.sqlite_master WHERE type = 'table'").fetchall()
        words = set(sample.text.replace('"', " ").replace(".", " ").replace(",", " ").split())
        wanted = {name: sql for name, sql in made if name in words and sql}
        if not wanted:
            raise NotProvenError("the statement names no table that could be copied")
        self.tables = tuple(wanted)
        counts = {t: int(ask(f'SELECT count(*) FROM live."{t}"').fetchone()[0]) for t in wanted}
        self.rows = sum(counts.values())
        for sql in wanted.values():
            ask(sql)
        self.one_in = max(1, -(-self._bytes_needed(counts) // most_bytes))
        chosen = "" if self.one_in == 1 else f" WHERE abs(random() % {self.one_in}) = 0"
        for table in wanted:
            ask(f'INSERT INTO main."{table}" SELECT * FROM live."{table}"{chosen}')
        for table in wanted:
            for (sql,) in ask(
                "SELECT sql FROM live.sqlite_master WHERE type = 'index' AND tbl_name = ? "
                "AND sql IS NOT NULL",
                (table,),
            ).fetchall():
                ask(sql)
        if ask("SELECT 1 FROM live.sqlite_master WHERE name = 'sqlite_stat1'").fetchone():
            ask("ANALYZE main.sqlite_master")
            ask("DELETE FROM main.sqlite_stat1")
            marks = ", ".join("?" * len(wanted))
            ask(
                "INSERT INTO main.sqlite_stat1 SELECT * FROM live.sqlite_stat1 "
                f"WHERE tbl IN ({marks})",
                tuple(wanted),
            )
            ask("ANALYZE main.sqlite_master")

    def _bytes_needed(self, counts: dict[str, int]) -> int:
        """How large all rows would be, from a few thousand, drawn from all over the table."""
        ask = self.connection.execute
        needed = 0
        for table, count in counts.items():
            before = ask("PRAGMA main.page_count").fetchone()[0]
            one_in = max(1, count // _PROBED_ROWS)
            ask(
                f'INSERT INTO main."{table}" SELECT * FROM live."{table}" '
                f"WHERE abs(random() % {one_in}) = 0"
            )
            probed = ask(f'SELECT count(*) FROM main."{table}"').fetchone()[0]
            pages = ask("PRAGMA main.page_count").fetchone()[0] - before
            size = ask("PRAGMA main.page_size").fetchone()[0]
            ask(f'DELETE FROM main."{table}"')
            needed += (pages + 1) * size * count // max(probed, 1)
        return needed


def prove_index(
    copy: Copy,
    twin_path: Path,
    samples: Sequence[Sample],
    candidates: Sequence[Index],
    should_stop: Callable[[], bool],
) -> IndexProof:
    """The best candidate by what the statement takes; NotProvenError where none helps."""
    without_s = _once(copy, samples, should_stop)
    rounds = _ROUNDS if without_s < _LONG_S else _FEW_ROUNDS
    best: IndexProof | None = None
    unused = []
    for index in candidates:
        twin_path.unlink(missing_ok=True)
        shutil.copyfile(copy.path, twin_path)
        connection = sqlite3.connect(twin_path, isolation_level=None, check_same_thread=False)
        twin = Copy(twin_path, connection, copy.tables, copy.rows, copy.one_in, copy.ends_s)
        with closing(twin):
            twin.bound(should_stop)
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            before = _size(connection)
            connection.execute(index.ddl)
            index_bytes = _size(connection) - before
            if not _uses(connection, samples[0], index.name):
                unused.append(index.name)
                continue
            proof = _compared(copy, twin, samples, index, rounds, index_bytes, should_stop)
        if best is None or proof.with_s < best.with_s:
            best = proof
    if best is None:
        raise NotProvenError(f"SQLite would use none of {', '.join(unused)}")
    if best.improvement < _LEAST_GAIN:
        raise NotProvenError(
            f"{best.index.name} was tried on a copy: it saves {best.improvement:.0%} of the time, "
            "too little to pay for"
        )
    return best


def prove_batch(
    copy: Copy,
    text: str,
    at_once: str,
    values: Sequence[Any],
    should_stop: Callable[[], bool],
) -> BatchProof:
    """One statement for all values beside one for each; they have to give as many rows."""
    values = values[:_WIDEST_BATCH]
    together = tuple(value for each in values for value in each)
    copy.bound(should_stop)

    def singly() -> int:
        return sum(_run(copy.connection, text, each) for each in values)

    def all_at_once() -> int:
        return _run(copy.connection, at_once, together)

    if singly() != all_at_once():
        raise NotProvenError("asked at once it gives other rows")
    one, other = in_turns([singly, all_at_once], _ROUNDS, should_stop)
    return BatchProof(len(values), one, other, _ROUNDS)


def _compared(
    copy: Copy,
    twin: Copy,
    samples: Sequence[Sample],
    index: Index,
    rounds: int,
    index_bytes: int,
    should_stop: Callable[[], bool],
) -> IndexProof:
    without_s, with_s = in_turns(
        [lambda: _all(copy, samples), lambda: _all(twin, samples)], rounds, should_stop
    )
    write_without_s, write_with_s = in_turns(
        [lambda: _write(copy, index.table), lambda: _write(twin, index.table)],
        rounds,
        should_stop,
        times_itself=True,
    )
    return IndexProof(
        index,
        without_s,
        with_s,
        rounds,
        copy.rows,
        copy.one_in,
        write_without_s,
        write_with_s,
        index_bytes,
    )


def in_turns(
    sides: Sequence[Callable[[], float]],
    rounds: int,
    should_stop: Callable[[], bool],
    *,
    times_itself: bool = False,
    clock_s: Callable[[], float] = time.thread_time,
) -> list[float]:
    """The median seconds of each side; the first round warms up and does not count.

    Of the processor: SQLite runs in this thread, and what else the machine does is not its doing.
    """
    spent: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + 1):
        for side, kept in zip(sides, spent, strict=True):
            if should_stop():
                raise NotProvenError("it was stopped")
            started = clock_s()
            result = side()
            took_s = result if times_itself else clock_s() - started
            if number:
                kept.append(took_s)
    return [statistics.median(kept) for kept in spent]


def _once(copy: Copy, samples: Sequence[Sample], should_stop: Callable[[], bool]) -> float:
    copy.bound(should_stop)
    started = time.perf_counter()
    try:
        _all(copy, samples)
    except sqlite3.OperationalError as error:
        raise NotProvenError(f"the statement cannot be run on a copy: {error}") from error
    spent_s = time.perf_counter() - started
    if spent_s > _RUN_LIMIT_S:
        raise NotProvenError(f"a single run on the copy takes {spent_s:.0f} s")
    return spent_s


def _all(copy: Copy, samples: Sequence[Sample]) -> int:
    return sum(_run(copy.connection, each.text, each.parameters) for each in samples)


def _run(connection: sqlite3.Connection, text: str, parameters: Any) -> int:
    """Run a statement to its last row, and undo what it changed; gives how many rows it had."""
    is_question = verb_of(text.lstrip()) == "select"
    if not is_question:
        connection.execute("SAVEPOINT tried")
    try:
        cursor = connection.execute(text, parameters)
        rows = max(cursor.rowcount, 0)
        while some := cursor.fetchmany(1_000):
            rows += len(some)
    finally:
        if not is_question:
            connection.execute("ROLLBACK TO tried")
            connection.execute("RELEASE tried")
    return rows


def _uses(connection: sqlite3.Connection, sample: Sample, index: str) -> bool:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sample.text}", sample.parameters).fetchall()
    return any(index in str(row[3]).split() for row in rows)


def _size(connection: sqlite3.Connection) -> int:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    pages -= connection.execute("PRAGMA freelist_count").fetchone()[0]
    return int(pages * connection.execute("PRAGMA page_size").fetchone()[0])


def _write(copy: Copy, table: str) -> float:
    """Seconds that the table's last thousand rows take to go in again; per thousand."""
    ask = copy.connection.execute
    columns = copy.connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    keys = [f'"{name}"' for _, _, name in sorted((c[5], c[0], c[1]) for c in columns if c[5])]
    order = ", ".join(f"{key} DESC" for key in keys) if keys else "rowid DESC"
    chosen = ", ".join(keys) if keys else "rowid"
    ask(f'CREATE TEMP TABLE again AS SELECT * FROM "{table}" ORDER BY {order} LIMIT {_WRITTEN}')
    (count,) = ask("SELECT count(*) FROM again").fetchone()
    ask("BEGIN")
    try:
        ask(
            f'DELETE FROM "{table}" WHERE ({chosen}) IN '
            f'(SELECT {chosen} FROM "{table}" ORDER BY {order} LIMIT {_WRITTEN})'
        )
        started = time.thread_time()
        ask(f'INSERT INTO "{table}" SELECT * FROM again')
        spent_s = time.thread_time() - started
    finally:
        ask("ROLLBACK")
        ask("DROP TABLE temp.again")
    return float(spent_s * _WRITTEN / max(count, 1))
