"""SQLite's plans: asked on a connection that cannot write, and indexes tried on a copy."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import time
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.statements import (
    BatchProof,
    Index,
    IndexProof,
    NotProvenError,
    Plan,
    Sample,
    Scan,
)
from sectorwatch.store.files import tree_bytes
from sectorwatch.store.plan_words import aliases_of, batched, candidates_of
from sectorwatch.store.proving import Copy, prove_batch, prove_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sectorwatch.store.directory import DataDirectory

__all__ = ["SqlitePlanner"]

_PLAN_LIMIT_S = 2.0
_LARGE_ROWS = 1_000
_STEP = re.compile(r"(?P<how>SCAN|SEARCH) (?:TABLE )?(?P<name>\S+)(?:.*\((?P<by>[^()]+)\))?")
_MOST_SAMPLES = 3


class SqlitePlanner:
    """Asks the directory's own database; copies lie in `proofs/` and are gone afterwards.

    A copy and its twin take at most `most_bytes` together, and never room that is to stay free
    (`reserve_bytes`) or that is over `budget_bytes`, of the directory as a whole.
    """

    database = "sqlite"

    def __init__(
        self, directory: DataDirectory, *, most_bytes: int, reserve_bytes: int, budget_bytes: int
    ) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._reserve_bytes = reserve_bytes
        self._budget_bytes = budget_bytes

    def plan(self, sample: Sample) -> Plan:
        """How SQLite would go about a statement."""
        with self._asking() as connection:
            try:
                rows = connection.execute(
                    f"EXPLAIN QUERY PLAN {sample.text}", sample.parameters
                ).fetchall()
            except (sqlite3.Error, TypeError) as error:
                raise NotProvenError(f"SQLite gives no plan: {error}") from error
            steps = [str(row[3]) for row in rows]
            others = aliases_of(sample.text)
            scanned = []
            for step in steps:
                found = _STEP.match(step)
                if found is None:
                    continue
                to_an_end = found["how"] == "SEARCH"
                if to_an_end and not _is_half(found["by"] or ""):
                    continue
                table = others.get(found["name"], found["name"])
                rows_of_it = _rows_of(connection, table)
                if rows_of_it >= _LARGE_ROWS:
                    scanned.append(Scan(table, rows_of_it, to_an_end))
        return Plan(tuple(steps), tuple(dict.fromkeys(scanned)))

    def candidates(self, sample: Sample, plan: Plan) -> list[Index]:
        """Indexes that could serve what a scanned table is asked for."""
        found: list[Index] = []
        with self._asking() as connection:
            for scan in plan.scans:
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({scan.table})")]
                found += candidates_of(
                    sample.text, scan.table, columns, _present(connection, scan.table)
                )
        return found

    def has(self, index: Index) -> bool:
        """Whether there is an index that begins with these columns, whatever it is called."""
        with self._asking() as connection:
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
        """The best of the candidates, tried on a copy of the tables that the statement names."""
        asked = _latest(samples)
        with self._copied(asked[0], 2, should_stop) as (copy, folder):
            return prove_index(copy, folder / "twin.db", asked, candidates, should_stop)

    def prove_batch(self, samples: Sequence[Sample], should_stop: Callable[[], bool]) -> BatchProof:
        """What asking for several values at once would save, tried on a copy."""
        values = list(dict.fromkeys(sample.parameters for sample in samples if sample.parameters))
        text = samples[0].text
        at_once = batched(text, len(values))
        if at_once is None or len(values) < 2:  # noqa: PLR2004 - one is no batch
            raise NotProvenError(
                "it asks for more than one value by equality, or for a summary or a first few: how "
                "to ask at once is not for a program to say"
            )
        with self._copied(samples[0], 1, should_stop) as (copy, _):
            return prove_batch(copy, text, at_once, values, should_stop)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[sqlite3.Connection]:
        path = self._directory.database
        try:
            connection = sqlite3.connect(
                f"{path.as_uri()}?mode=ro", uri=True, timeout=1.0, isolation_level=None
            )
        except sqlite3.Error as error:
            raise NotProvenError(f"the database cannot be asked: {error}") from error
        ends_s = time.monotonic() + _PLAN_LIMIT_S
        connection.set_progress_handler(lambda: time.monotonic() > ends_s, 10_000)
        with contextlib.closing(connection):
            yield connection

    @contextlib.contextmanager
    def _copied(
        self, sample: Sample, copies: int, should_stop: Callable[[], bool]
    ) -> Iterator[tuple[Copy, Path]]:
        folder = self._directory.proofs
        shutil.rmtree(folder, ignore_errors=True)
        free = shutil.disk_usage(self._directory.path).free
        room = min(
            self._most_bytes,
            free - self._reserve_bytes,
            self._budget_bytes - tree_bytes(self._directory.path),
        )
        if room < self._most_bytes // 4:
            raise NotProvenError("there is too little room on the disk for a copy")
        folder.mkdir(mode=0o700)
        try:
            copy = Copy.of(
                self._directory.database,
                folder / "copy.db",
                sample,
                # An index may take as much as its table, and the twin has one more.
                most_bytes=room // (2 * copies),
                should_stop=should_stop,
            )
            with contextlib.closing(copy):
                yield copy, folder
        except (sqlite3.Error, OSError) as error:
            raise NotProvenError(f"the copy could not be used: {error}") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _latest(samples: Sequence[Sample]) -> list[Sample]:
    asked: dict[Any, Sample] = {(each.text, each.parameters): each for each in samples}
    return list(asked.values())[-_MOST_SAMPLES:]


def _rows_of(connection: sqlite3.Connection, table: str) -> int:
    """About how many rows a table has; 0 for what is no table. May be as slow as a scan of keys."""
    kind = connection.execute(
        "SELECT type FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
    ).fetchone()
    if kind is None:
        return 0
    try:
        counting = f'SELECT count(*) FROM "{table}"'  # noqa: S608 - a name that was looked up above
        return int(connection.execute(counting).fetchone()[0])
    except sqlite3.OperationalError:
        # It could not be counted in time: large it is.
        return 10_000_000


def _is_half(by: str) -> bool:
    """Whether an index is walked from its beginning to a value, or from one to its end.

    >>> _is_half("first_seen_s<?"), _is_half("a=? AND b<?"), _is_half("a>? AND a<?"), _is_half("")
    (True, False, False, False)
    """
    return "=" not in by and (">" in by) != ("<" in by)


def _present(connection: sqlite3.Connection, table: str) -> list[list[str]]:
    """The columns of each index there is, the primary key's among them."""
    found = []
    for row in connection.execute(f"PRAGMA index_list({table})").fetchall():
        columns = connection.execute(f'PRAGMA index_info("{row[1]}")').fetchall()
        found.append([column[2] for column in columns])
    keys = [(row[5], row[1]) for row in connection.execute(f"PRAGMA table_info({table})") if row[5]]
    found.append([name for _, name in sorted(keys)])
    return found
