"""PostgreSQL's plans, and indexes tried in a database of their own beside the live one.

Plans are asked for without running anything. A trial needs the right to make a database: it gets
the tables that the statement names, and is dropped afterwards. The live database is only read.
"""

# ruff: noqa: S608 - the names of tables and columns come from the schema itself
from __future__ import annotations

import contextlib
import json
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from sectorwatch.observe.statements import (
    BatchProof,
    Index,
    IndexProof,
    NotProvenError,
    Plan,
    Sample,
    Scan,
)
from sectorwatch.store import schema
from sectorwatch.store.plan_words import batched, candidates_of
from sectorwatch.store.proving import in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import psycopg
    from sqlalchemy.engine import URL

__all__ = ["PostgresPlanner"]

_PLAN_LIMIT_S = 2
_TRIAL_LIMIT_S = 15
_LARGE_ROWS = 1_000
_ROUNDS = 7
_WRITTEN = 1_000
_LEAST_GAIN = 0.2
_MOST_SAMPLES = 3
_OPERATOR = re.compile(r"\s(<=|>=|<|>|=)\s")
_PREFIX = "sectorwatch_trial_"
# Classes of PostgreSQL's errors: of data, and of what must be unique or there.
_QUOTING = frozenset({"22", "23"})


class PostgresPlanner:
    """Asks the database at `url`; trials take at most `most_bytes` of its server's disk.

    `name` makes the trial's database this instance's own.
    """

    database = "postgresql"

    def __init__(self, url: str, *, name: str, most_bytes: int) -> None:
        self._url = make_url(url).set(drivername="postgresql")
        self._most_bytes = most_bytes
        self._trial = _PREFIX + re.sub(r"\W", "", name)[:24].lower()
        self._is_tidy = False

    def plan(self, sample: Sample) -> Plan:
        """How PostgreSQL would go about a statement; no value of it is in the steps."""
        self._tidy()
        with self._connected(self._url, _PLAN_LIMIT_S) as connection:
            rows = connection.execute(
                f"EXPLAIN (FORMAT JSON) {sample.text}".encode(), sample.parameters
            ).fetchone()
            told = rows[0] if rows else []
            nodes = list(_nodes((json.loads(told) if isinstance(told, str) else told)[0]["Plan"]))
            scans = [
                Scan(node["Relation Name"], _rows_of(connection, node["Relation Name"]), half)
                for node in nodes
                for half in (False, True)
                if (_is_half(node) if half else node["Node Type"].endswith("Seq Scan"))
            ]
        large = tuple(dict.fromkeys(each for each in scans if each.rows >= _LARGE_ROWS))
        return Plan(tuple(_step(node) for node in nodes), large)

    def candidates(self, sample: Sample, plan: Plan) -> list[Index]:
        """Indexes that could serve what a scanned table is asked for."""
        found: list[Index] = []
        with self._connected(self._url, _PLAN_LIMIT_S) as connection:
            for scan in plan.scans:
                columns = [
                    row[0]
                    for row in connection.execute(
                        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) "
                        "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                        (scan.table,),
                    )
                ]
                found += candidates_of(
                    sample.text, scan.table, columns, _present(connection, scan.table)
                )
        return found

    def has(self, index: Index) -> bool:
        """Whether there is an index that begins with these columns, whatever it is called."""
        with self._connected(self._url, _PLAN_LIMIT_S) as connection:
            return any(
                tuple(each[: len(index.columns)]) == index.columns
                for each in _present(connection, index.table)
            )

    def prove(
        self,
        samples: Sequence[Sample],
        candidates: Sequence[Index],
        should_stop: Callable[[], bool],
    ) -> IndexProof:
        """The best of the candidates, tried on copies of the tables in a database of their own."""
        asked = list({(each.text, each.parameters): each for each in samples}.values())
        asked = asked[-_MOST_SAMPLES:]
        with self._trial_of(asked[0], should_stop) as (trial, rows, one_in):
            tried = [_tried(trial, asked, index, rows, one_in, should_stop) for index in candidates]
        used = [each for each in tried if each is not None]
        if not used:
            names = ", ".join(index.name for index in candidates)
            raise NotProvenError(f"PostgreSQL would use none of {names}")
        best = min(used, key=lambda each: each.with_s)
        if best.improvement < _LEAST_GAIN:
            raise NotProvenError(
                f"{best.index.name} was tried on a copy: it saves {best.improvement:.0%} of the "
                "time, too little to pay for"
            )
        return best

    def prove_batch(self, samples: Sequence[Sample], should_stop: Callable[[], bool]) -> BatchProof:
        """What asking for several values at once would save, tried on copies of the tables."""
        values = list(dict.fromkeys(each.parameters for each in samples if each.parameters))
        text = samples[0].text
        at_once = batched(text, len(values))
        if at_once is None or len(values) < 2:  # noqa: PLR2004 - one is no batch
            raise NotProvenError(
                "it asks for more than one value by equality, or for a summary or a first few: how "
                "to ask at once is not for a program to say"
            )
        together = [value for each in values for value in each]
        with self._trial_of(samples[0], should_stop) as (trial, _, _):

            def one_by_one() -> int:
                return sum(_run(trial, text, each) for each in values)

            def all_at_once() -> int:
                return _run(trial, at_once, together)

            if one_by_one() != all_at_once():
                raise NotProvenError("asked at once it gives other rows")
            singly, once = in_turns(
                [one_by_one, all_at_once], _ROUNDS, should_stop, clock_s=time.perf_counter
            )
        return BatchProof(len(values), singly, once, _ROUNDS)

    @contextlib.contextmanager
    def _connected(
        self, url: URL, limit_s: int, *, writes: bool = False
    ) -> Iterator[psycopg.Connection[Any]]:
        # Loaded where it is used: SQLite needs no driver.
        import psycopg  # noqa: PLC0415

        try:
            with psycopg.connect(
                url.render_as_string(hide_password=False),
                connect_timeout=2,
                application_name="sectorwatch study",
                autocommit=True,
            ) as connection:
                connection.execute(f"SET statement_timeout = {limit_s * 1000}".encode())
                connection.execute("SET lock_timeout = 1000")
                if not writes:
                    connection.execute("SET default_transaction_read_only = on")
                yield connection
        except psycopg.Error as error:
            raise NotProvenError(f"PostgreSQL gives no answer: {_words(error)}") from error

    def _tidy(self) -> None:
        """Drop what a trial left that was killed, once; a trial of ours is never under way here."""
        if self._is_tidy:
            return
        with self._connected(self._url, _TRIAL_LIMIT_S, writes=True) as live:
            left = live.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (self._trial,)
            ).fetchone()
            if left is not None:
                live.execute(f'DROP DATABASE IF EXISTS "{self._trial}" WITH (FORCE)'.encode())
        self._is_tidy = True

    @contextlib.contextmanager
    def _trial_of(
        self, sample: Sample, should_stop: Callable[[], bool]
    ) -> Iterator[tuple[psycopg.Connection[Any], int, int]]:
        """A database with copies of a statement's tables, dropped in the end."""
        words = set(re.findall(r"\w+", sample.text))
        tables = [table for name, table in schema.metadata.tables.items() if name in words]
        if not tables:
            raise NotProvenError("the statement names no table that could be copied")
        there = self._url.set(database=self._trial)
        with self._connected(self._url, _TRIAL_LIMIT_S, writes=True) as live:
            may = live.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            if not (may and may[0]):
                raise NotProvenError(
                    "the database's user may not make a database to try it in, and it is never "
                    "tried in the live one"
                )
            live.execute(f'DROP DATABASE IF EXISTS "{self._trial}"'.encode())
            live.execute(f'CREATE DATABASE "{self._trial}" TEMPLATE template0'.encode())
            try:
                engine = create_engine(there.set(drivername="postgresql+psycopg"))
                schema.metadata.create_all(engine, tables=tables)
                engine.dispose()
                names = [table.name for table in tables]
                with self._connected(there, _TRIAL_LIMIT_S, writes=True) as trial:
                    rows, one_in = _copied(live, trial, names, self._most_bytes, should_stop)
                    yield trial, rows, one_in
            finally:
                live.execute(f'DROP DATABASE IF EXISTS "{self._trial}" WITH (FORCE)'.encode())


def _words(error: psycopg.Error) -> str:
    """What is wrong, without a value: errors of data quote what was asked for, and it is shown."""
    if (error.sqlstate or "")[:2] in _QUOTING:
        return f"{type(error).__name__} ({error.sqlstate})"
    return " ".join((error.diag.message_primary or str(error)).split())[:200]


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _step(node: dict[str, Any]) -> str:
    """A node in words: its kind, table and index, and no condition, for values are in those."""
    using = f" using {node['Index Name']}" if "Index Name" in node else ""
    on = f" on {node['Relation Name']}" if "Relation Name" in node else ""
    return f"{node['Node Type']}{using}{on}"


def _is_half(node: dict[str, Any]) -> bool:
    operators = {each[0] for each in _OPERATOR.findall(node.get("Index Cond", ""))}
    return len(operators) == 1 and "=" not in operators and "Relation Name" in node


def _rows_of(connection: psycopg.Connection[Any], table: str) -> int:
    found = connection.execute(
        "SELECT greatest(reltuples, 0)::bigint, pg_relation_size(oid) FROM pg_class "
        "WHERE oid = to_regclass(%s)",
        (table,),
    ).fetchone()
    if found is None:
        return 0
    # Never analysed: a row takes some tens of bytes.
    return int(found[0] or found[1] // 100)


def _present(connection: psycopg.Connection[Any], table: str) -> list[list[str]]:
    rows = connection.execute(
        "SELECT array_agg(a.attname::text ORDER BY k.n) FROM pg_index i "
        "CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, n) "
        "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum "
        "WHERE i.indrelid = to_regclass(%s) AND i.indpred IS NULL GROUP BY i.indexrelid",
        (table,),
    ).fetchall()
    return [list(row[0]) for row in rows]


def _copied(
    live: psycopg.Connection[Any],
    trial: psycopg.Connection[Any],
    tables: Sequence[str],
    most_bytes: int,
    should_stop: Callable[[], bool],
) -> tuple[int, int]:
    """Copy all rows, or one in so many; gives the rows of the live tables, and in how many."""
    marks = list(tables)
    found = live.execute(
        "SELECT sum(pg_total_relation_size(to_regclass(t)))::bigint FROM unnest(%s::text[]) AS t",
        (marks,),
    ).fetchone()
    one_in = max(1, -(-int((found and found[0]) or 0) * 2 // most_bytes))
    rows = 0
    for table in tables:
        there = {name for (name,) in live.execute(_INDEXES, (table,))}
        for (name,) in trial.execute(_INDEXES, (table,)).fetchall():
            if name not in there:
                trial.execute(f'DROP INDEX "{name}"'.encode())
        chosen = "" if one_in == 1 else f" TABLESAMPLE BERNOULLI ({100 / one_in:.6f})"
        columns = ", ".join(f'"{c.name}"' for c in schema.metadata.tables[table].columns)
        with (
            live.cursor().copy(
                f'COPY (SELECT {columns} FROM "{table}"{chosen}) TO STDOUT (FORMAT BINARY)'.encode()
            ) as out,
            trial.cursor().copy(
                f'COPY "{table}" ({columns}) FROM STDIN (FORMAT BINARY)'.encode()
            ) as into,
        ):
            for block in out:
                into.write(block)
                if should_stop():
                    raise NotProvenError("it was stopped")
        trial.execute(f'ANALYZE "{table}"'.encode())
        counted = trial.execute(f'SELECT count(*) FROM "{table}"'.encode()).fetchone()
        rows += int(counted[0] if counted else 0) * one_in
    return rows, one_in


_INDEXES = (
    "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = %s "
    "AND indexname NOT LIKE 'pk\\_%%' AND indexname NOT LIKE 'uq\\_%%'"
)


def _tried(
    trial: psycopg.Connection[Any],
    samples: Sequence[Sample],
    index: Index,
    rows: int,
    one_in: int,
    should_stop: Callable[[], bool],
) -> IndexProof | None:
    """One index beside none, in turns: it is dropped for a moment, and the dropping undone."""
    trial.execute(index.ddl.encode())
    trial.execute(f'ANALYZE "{index.table}"'.encode())
    told = trial.execute(
        f"EXPLAIN (FORMAT TEXT) {samples[0].text}".encode(), samples[0].parameters
    ).fetchall()
    dropped = f'DROP INDEX "{index.name}"'.encode()
    if not any(index.name in str(row[0]) for row in told):
        trial.execute(dropped)
        return None
    size = trial.execute("SELECT pg_relation_size(to_regclass(%s))", (index.name,)).fetchone()

    def without(work: Callable[[], float]) -> float:
        with trial.transaction(force_rollback=True):
            trial.execute(dropped)
            return work()

    def having(work: Callable[[], float]) -> float:
        with trial.transaction(force_rollback=True):
            return work()

    def ask() -> float:
        started = time.perf_counter()
        for each in samples:
            _run(trial, each.text, each.parameters)
        return time.perf_counter() - started

    def write() -> float:
        trial.execute(
            f'CREATE TEMP TABLE again ON COMMIT DROP AS SELECT * FROM "{index.table}" '
            f"LIMIT {_WRITTEN}".encode()
        )
        trial.execute(
            f'DELETE FROM "{index.table}" WHERE ctid IN '
            f'(SELECT ctid FROM "{index.table}" LIMIT {_WRITTEN})'.encode()
        )
        started = time.perf_counter()
        trial.execute(f'INSERT INTO "{index.table}" SELECT * FROM again'.encode())
        return time.perf_counter() - started

    sides = [lambda: without(ask), lambda: having(ask)]
    without_s, with_s = in_turns(sides, _ROUNDS, should_stop, times_itself=True)
    proof = IndexProof(
        index, without_s, with_s, _ROUNDS, rows, one_in, 0.0, 0.0, int(size[0] if size else 0)
    )
    sides = [lambda: without(write), lambda: having(write)]
    write_without_s, write_with_s = in_turns(sides, _ROUNDS, should_stop, times_itself=True)
    trial.execute(dropped)
    return replace(proof, write_without_s=write_without_s, write_with_s=write_with_s)


def _run(connection: psycopg.Connection[Any], text: str, parameters: Any) -> int:
    cursor = connection.execute(text.encode(), parameters)
    rows = max(cursor.rowcount, 0)
    cursor.close()
    return rows
