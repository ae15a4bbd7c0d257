"""Metrics past their last hour: minute summaries for two days, then ten-minute ones for thirty.

Fresh summaries wait in memory (`_open`), are written once a minute as one small block for all
series, and stay in memory until their hour is over. Then the hour's blocks are turned into one row
a series and hour, so that a question about one series reads a few rows, and writing a minute never
touches more than one page. After two days, a day of minutes becomes one row of ten-minute steps.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.observe.summaries import Summaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from sectorwatch.observe.drops import Drops
    from sectorwatch.observe.series import Key, Kind, SeriesTable
    from sectorwatch.observe.store import ObserveStore

__all__ = ["COARSE_S", "FINE_S", "MetricHistory"]

FINE_S = 60
COARSE_S = 600
_HOUR_S = 3_600
_DAY_S = 86_400
_FINE_KEPT_S = 2 * _DAY_S
_COARSE_KEPT_S = 30 * _DAY_S
_REST_AFTER_S = 25 * _HOUR_S
# Rolling up a day of one series takes about 2 ms: so many a minute leave the writer free for
# what must be written at once.
_ROLL_UPS_A_FLUSH = 200


class MetricHistory:
    """The summaries of all series, in memory and in `observe.db`."""

    tables = """
        CREATE TABLE IF NOT EXISTS metric_series (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, tags TEXT NOT NULL,
            kind TEXT NOT NULL, unit TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS metric_block (
            id INTEGER PRIMARY KEY, data BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS metric_chunk (
            series INTEGER NOT NULL, step_s INTEGER NOT NULL, start_s INTEGER NOT NULL,
            data BLOB NOT NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS metric_chunk_of_series
            ON metric_chunk (series, step_s, start_s);
    """

    def __init__(
        self, store: ObserveStore, series: SeriesTable, drops: Drops, *, recent_rows: int
    ) -> None:
        self._store = store
        self._series = series
        self._drops = drops
        self._recent_rows = recent_rows
        self._lock = threading.Lock()
        self._open = Summaries.empty()
        # Blocks on disk too, and not yet in their series' rows: (id in the database, rows).
        self._recent: list[tuple[int, Summaries]] = []
        self._next_block = 1
        self._rolled_up_until_s = 0
        self.before_save: Callable[[], None] | None = None
        """Called before each save, to hand over what still waits elsewhere."""
        store.attach(self)

    def add(self, parts: list[Summaries]) -> None:
        """Take fresh summaries of minutes, whole or in part."""
        with self._lock:
            rows = Summaries.concat([self._open, *parts]).merged(FINE_S)
            if len(rows) > self._recent_rows:
                # Nothing has been written for long: the oldest minutes make room.
                youngest = np.argsort(rows.start_s, kind="stable")[-self._recent_rows :]
                kept = np.zeros(len(rows), np.bool_)
                kept[youngest] = True
                self._drops.count("history_lost", len(rows) - len(youngest))
                rows = rows.select(kept)
            self._open = rows

    def rows(self, ids: Iterable[int], since_s: float) -> tuple[Summaries, Summaries]:
        """The summaries of these series from `since_s` on: ten-minute ones, then minutes.

        Oldest first, not merged: a minute may stand in several rows. Where the database does not
        answer, what is in memory: the hour at least.
        """
        wanted = np.fromiter(ids, np.int64)
        coarse_data: list[bytes] = []
        fine_data: list[bytes] = []
        try:
            with self._store.read() as reader:
                coarse_data = _chunks(reader, wanted, COARSE_S, since_s - _DAY_S)
                fine_data = _chunks(reader, wanted, FINE_S, since_s - _HOUR_S)
                fresh = self._fresh()
        except sqlite3.Error:
            self._drops.count("history_unreadable")
            fresh = self._fresh()
        # Nobody has to wait while these are unpacked.
        coarse = [self._decoded(data) for data in coarse_data]
        fine = [self._decoded(data) for data in fine_data]
        fine += [rows.of_series(wanted) for rows in fresh]
        tens, minutes = Summaries.concat(coarse), Summaries.concat(fine)
        return (
            tens.select(tens.start_s >= since_s - since_s % COARSE_S),
            minutes.select(minutes.start_s >= since_s),
        )

    def latest_rows(self, since_s: float) -> Summaries:
        """The summaries of all series since a moment of this hour or the last, not merged."""
        fresh = Summaries.concat(self._fresh())
        return fresh.select(fresh.start_s >= since_s)

    # What follows is the store's: `Part`.

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Take up the series and the last blocks of an earlier run."""
        del now_s
        with self._lock:
            # A second load means a new file: what is in memory has to be written again.
            self._open = Summaries.concat([rows for _, rows in self._recent] + [self._open])
            self._open = self._open.merged(FINE_S)
            self._recent = []
        self._series.restore(_read_series(connection))
        blocks = []
        last = 0
        for id_, data in connection.execute("SELECT id, data FROM metric_block ORDER BY id"):
            last = max(last, id_)
            try:
                blocks.append((id_, Summaries.decode(data)))
            except ValueError:
                self._drops.count("damaged_block")
        with self._lock:
            self._recent = blocks
            self._next_block = last + 1

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None]:
        """Write the last minute as a block; at the end of an hour, its rows series by series."""
        if self.before_save is not None:
            self.before_save()
        with self._lock:
            fresh, self._open = self._open, Summaries.empty()
            if len(fresh):
                # From here on it is among the recent; what becomes of it shows in `committed`.
                self._recent.append((-self._next_block, fresh))
                self._next_block += 1
            self._bound_recent()
            recent = list(self._recent)
        unsaved = self._series.unsaved()
        connection.executemany(
            "INSERT OR REPLACE INTO metric_series VALUES (?,?,?,?,?)",
            [(one.id, one.name, json.dumps(one.key[1]), one.kind, one.unit) for one in unsaved],
        )
        # A negative id: not written yet, or the write failed.
        connection.executemany(
            "INSERT OR REPLACE INTO metric_block VALUES (?,?)",
            [(-id_, rows.encode()) for id_, rows in recent if id_ < 0],
        )
        kept = [(abs(id_), rows) for id_, rows in recent]
        hour_s = int(now_s) // _HOUR_S * _HOUR_S
        if any(len(rows) and rows.start_s.min() < hour_s for _, rows in kept):
            kept = self._close_hours(connection, kept, hour_s)
        self._roll_up(connection, now_s)

        def committed() -> None:
            self._series.saved(unsaved)
            with self._lock:
                self._recent = kept

        return committed

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete what is older than thirty days, and series of which nothing is left."""
        connection.execute(
            "DELETE FROM metric_chunk WHERE start_s < ?", (now_s - _COARSE_KEPT_S - _DAY_S,)
        )
        self._series.rest(now_s, _REST_AFTER_S)
        in_use = self._series.in_use()
        with self._lock:
            for _, rows in self._recent:
                in_use.update(np.unique(rows.series).tolist())
        gone = [
            id_
            for (id_,) in connection.execute(
                "SELECT id FROM metric_series WHERE id NOT IN (SELECT series FROM metric_chunk)"
            )
            if id_ not in in_use
        ]
        connection.executemany("DELETE FROM metric_series WHERE id = ?", [(id_,) for id_ in gone])
        self._series.forget(gone)

    def _fresh(self) -> list[Summaries]:
        with self._lock:
            return [rows for _, rows in self._recent] + [self._open]

    def _bound_recent(self) -> None:
        """Keep memory bounded while the database cannot be written."""
        rows = sum(len(block) for _, block in self._recent)
        while rows > self._recent_rows and len(self._recent) > 1:
            _, lost = self._recent.pop(0)
            rows -= len(lost)
            self._drops.count("history_lost", len(lost))

    def _close_hours(
        self, connection: sqlite3.Connection, blocks: list[tuple[int, Summaries]], hour_s: int
    ) -> list[tuple[int, Summaries]]:
        """Move every row of an hour that is over to its series; the blocks that remain."""
        rows = Summaries.concat([rows for _, rows in blocks])
        past = rows.start_s < hour_s
        _add_to_chunks(connection, rows.select(past).merged(FINE_S), FINE_S, _HOUR_S)
        connection.execute("DELETE FROM metric_block")
        left = rows.select(~past).merged(FINE_S)
        if not len(left):
            return []
        id_ = blocks[-1][0]
        connection.execute("INSERT INTO metric_block VALUES (?,?)", (id_, left.encode()))
        return [(id_, left)]

    def _roll_up(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Turn days of minutes that are old enough into ten-minute steps, some series at a time."""
        until_s = int(now_s - _FINE_KEPT_S) // _DAY_S * _DAY_S
        if until_s == self._rolled_up_until_s:
            return
        due = connection.execute(
            "SELECT DISTINCT series, start_s / ? FROM metric_chunk"
            " WHERE step_s = ? AND start_s < ? LIMIT ?",
            (_DAY_S, FINE_S, until_s, _ROLL_UPS_A_FLUSH),
        ).fetchall()
        if len(due) < _ROLL_UPS_A_FLUSH:
            self._rolled_up_until_s = until_s
        for series, day in due:
            where = (series, FINE_S, day * _DAY_S, (day + 1) * _DAY_S)
            chunks = connection.execute(
                "SELECT data FROM metric_chunk WHERE series=? AND step_s=?"
                " AND start_s>=? AND start_s<?",
                where,
            ).fetchall()
            minutes = Summaries.concat([self._decoded(data) for (data,) in chunks])
            _add_to_chunks(connection, minutes.merged(COARSE_S), COARSE_S, _DAY_S)
            connection.execute(
                "DELETE FROM metric_chunk WHERE series=? AND step_s=? AND start_s>=? AND start_s<?",
                where,
            )

    def _decoded(self, data: bytes) -> Summaries:
        try:
            return Summaries.decode(data)
        except ValueError:
            self._drops.count("damaged_block")
            return Summaries.empty()


def _read_series(connection: sqlite3.Connection) -> list[tuple[int, Key, Kind, str]]:
    return [
        (id_, (name, tuple((key, value) for key, value in json.loads(tags))), kind, unit)
        for id_, name, tags, kind, unit in connection.execute(
            "SELECT id, name, tags, kind, unit FROM metric_series"
        )
    ]


def _chunks(
    reader: sqlite3.Connection, wanted: NDArray[np.int64], step_s: int, after_s: float
) -> list[bytes]:
    # One look-up a series: the index then leads straight to its rows.
    return [
        data
        for id_ in wanted.tolist()
        for (data,) in reader.execute(
            "SELECT data FROM metric_chunk WHERE series=? AND step_s=? AND start_s>?"
            " ORDER BY start_s",
            (id_, step_s, after_s),
        )
    ]


def _add_to_chunks(
    connection: sqlite3.Connection, rows: Summaries, step_s: int, span_s: int
) -> None:
    """Write rows, merged to `step_s`, to their series' chunks of `span_s`, beside what is there."""
    if not len(rows):
        return
    span = rows.start_s // span_s * span_s
    fresh = np.empty(len(rows), np.bool_)
    fresh[0] = True
    np.logical_or(rows.series[1:] != rows.series[:-1], span[1:] != span[:-1], out=fresh[1:])
    first = np.flatnonzero(fresh)
    ends = np.append(0, np.cumsum(rows.sizes))
    for begin, end in zip(first, np.append(first[1:], len(rows)), strict=True):
        part = rows.part(int(begin), int(end), ends)
        key = (int(part.series[0]), step_s, int(span[begin]))
        old = connection.execute(
            "SELECT data FROM metric_chunk WHERE series=? AND step_s=? AND start_s=?", key
        ).fetchone()
        if old is not None:
            # Where the old one is damaged, the new one takes its place.
            with suppress(ValueError):
                part = Summaries.concat([Summaries.decode(old[0]), part]).merged(step_s)
        connection.execute(
            "INSERT OR REPLACE INTO metric_chunk VALUES (?,?,?,?)", (*key, part.encode())
        )
