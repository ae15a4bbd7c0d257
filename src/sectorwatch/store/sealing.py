"""Sealing: what lies in the database for the time being becomes Parquet, in one step each.

An hour's positions are sealed when it closes, from the blobs of its ticks; visits, demand and
counts stay in SQL for two days and are sealed by the day. The order never changes: the file is
written and synced, then one transaction names it in the manifest and deletes what it was made of.
Killed in between, the file is nobody's, and the next start removes it and seals again.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sqlalchemy import Column, Integer, Table, and_, delete, func, literal_column, select, update

from sectorwatch.clock import format_s
from sectorwatch.errors import DatabaseAwayError, StoreError
from sectorwatch.store import schema
from sectorwatch.store.blobs import StoredPositions, decode_positions
from sectorwatch.store.forecasts import Kept
from sectorwatch.store.queries_history import HistoryQueries
from sectorwatch.store.sealing_forecasts import first_of_each, forecast_columns
from sectorwatch.store.segments import (
    CONTACTS,
    DAY_S,
    DEMAND,
    FLIGHTS,
    FORECASTS,
    HOUR_S,
    NETWORK,
    POSITIONS,
    VISITS,
    SegmentKind,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement, Connection, UpdateBase

    from sectorwatch.store.segments import SegmentFile
    from sectorwatch.store.sources import Sources

__all__ = ["WINDOW_S", "Sealer", "joined_columns", "table_columns"]

WINDOW_S = 48 * HOUR_S
_READ_LIMIT_S = 120.0
_CHUNK = 20_000
# Written out, for PostgreSQL must see that what is grouped by is what is selected.
_DAY = literal_column(str(DAY_S), Integer)
_OPEN = schema.tick.c.positions.is_not(None)

Columns = dict[str, "NDArray[Any]"]


class _Day(NamedTuple):
    """What is sealed by the day: from which table, and by which of its times."""

    kind: SegmentKind
    table: Table
    time: Column[int]


# A visit or contact belongs to the day in which it ended; those that last stay in SQL.
_BY_DAY = (
    _Day(VISITS, schema.visit, schema.visit.c.exit_s),
    _Day(CONTACTS, schema.contact, schema.contact.c.end_s),
    _Day(DEMAND, schema.demand, schema.demand.c.minute_s),
    _Day(NETWORK, schema.network_count, schema.network_count.c.time_s),
)


class Sealer:
    """Makes segments of what the database holds; one thread at a time may ask it to."""

    def __init__(self, sources: Sources, window_s: int = WINDOW_S) -> None:
        self._database = sources.database
        self._manifest = sources.manifest
        self._history = HistoryQueries(sources)
        self._window_s = window_s
        self._hour_done_s: int | None = None
        self._day_done_s: int | None = None

    def seal_due(self, now_s: int) -> list[SegmentFile]:
        """Seals every hour and day that is over by `now_s`, the last tick's time; oldest first.

        Costs nothing until another hour has closed. Raises as `seal_hour` does, for the first that
        went wrong once all others are sealed; whatever was not is tried again at the next call.
        """
        hour_s = now_s // HOUR_S * HOUR_S
        if hour_s == self._hour_done_s:
            return []
        made: list[SegmentFile | None] = []
        problems: list[StoreError] = []

        def attempt(seal: Callable[[], SegmentFile | None]) -> None:
            try:
                made.append(seal())
            except DatabaseAwayError:
                raise
            except StoreError as error:
                # One hour that cannot be sealed must not keep all that come after it in tables.
                problems.append(error)

        day_s = (now_s - self._window_s) // DAY_S * DAY_S
        for seal in self._due(hour_s, day_s):
            attempt(seal)
        if problems:
            raise problems[0]
        self._day_done_s = day_s
        self._hour_done_s = hour_s
        return [file for file in made if file is not None]

    def _due(self, hour_s: int, day_s: int) -> Iterator[Callable[[], SegmentFile | None]]:
        for each in self._open_hours(hour_s):
            yield partial(self.seal_hour, each)
        if day_s == self._day_done_s:
            return
        for each in self._days_of_forecasts(day_s):
            yield partial(self._seal_forecasts, each)
        yield partial(self._forget_forecasts, day_s)
        for kind in _BY_DAY:
            for each in self._open_days(kind, day_s):
                yield partial(self._seal_day, kind, each)
        for each in self._days_to_copy(day_s):
            yield partial(self._copy_flights, each)

    def seal_hour(self, hour_s: int) -> SegmentFile | None:
        """Seals the positions of the hour that begins at `hour_s`; None where there are none.

        Raises StoreError where the hour is not over, DiskFullError and DatabaseAwayError where it
        may be tried again: the blobs stay until their file is in the manifest.
        """
        if hour_s % HOUR_S:
            raise StoreError(f"{format_s(hour_s)} is no full hour: seal whole hours")
        within = and_(
            schema.tick.c.snapshot_time_us >= hour_s * 1_000_000,
            schema.tick.c.snapshot_time_us < (hour_s + HOUR_S) * 1_000_000,
            _OPEN,
        )
        with self._reading(f"reading the hour of {format_s(hour_s)}") as connection:
            last_us = connection.scalar(select(func.max(schema.tick.c.snapshot_time_us)))
            if last_us is not None and last_us < (hour_s + HOUR_S) * 1_000_000:
                raise StoreError(f"the hour of {format_s(hour_s)} is not over: wait for its end")
            chosen = select(schema.tick.c.seq, schema.tick.c.positions).where(within)
            rows = connection.execute(chosen.order_by(schema.tick.c.seq))
            parts = [(seq, decode_positions(blob)) for seq, blob in rows]
        if not parts:
            return None
        columns = StoredPositions.join([part for _, part in parts]).columns()
        first, last = parts[0][0], parts[-1][0]
        # An hour of 2,000 flights takes 25 MB; sorting it should not find it there twice.
        del parts
        forget = update(schema.tick).where(schema.tick.c.seq.between(first, last))
        return self._seal(POSITIONS, hour_s, columns, forget.values(positions=None))

    def _seal_day(self, day: _Day, day_s: int) -> SegmentFile | None:
        within = day.time.between(day_s, day_s + DAY_S - 1)
        with self._reading(f"reading the {day.kind.name} of {format_s(day_s)}") as connection:
            columns = table_columns(connection, day.kind, day.table, within)
        return self._seal(day.kind, day_s, columns, delete(day.table).where(within))

    def _seal_forecasts(self, day_s: int) -> SegmentFile | None:
        """Seals the forecasts issued on a day with what then was, which is final by now."""
        table = schema.forecast.c
        within = and_(table.as_of_s.between(day_s, day_s + DAY_S - 1), table.kind == "sectors")
        with self._reading(f"reading the forecasts of {format_s(day_s)}") as connection:
            times = connection.scalars(select(table.as_of_s).where(within).order_by(table.as_of_s))
            chosen = first_of_each(times)
            rows = connection.execute(
                select(table.as_of_s, table.seq, table.model, table.content)
                .where(within, table.as_of_s.in_(chosen))
                .order_by(table.as_of_s)
            )
            issues = [Kept(*row) for row in rows]
        columns = forecast_columns(issues, self._history)
        return self._seal(FORECASTS, day_s, columns, delete(schema.forecast).where(within))

    def _forget_forecasts(self, before_s: int) -> None:
        """Lets go of forecasts of other kinds: how they fared is kept, they themselves are not."""
        table = schema.forecast.c
        old = and_(table.as_of_s < before_s, table.kind != "sectors")
        with self._database.write("letting go of old forecasts") as connection:
            connection.execute(delete(schema.forecast).where(old))

    def _days_of_forecasts(self, before_s: int) -> list[int]:
        table = schema.forecast.c
        day = (table.as_of_s - table.as_of_s % _DAY).label("day_s")
        with self._reading("asking for forecasts to seal") as connection:
            days = connection.scalars(
                select(day).where(table.as_of_s < before_s, table.kind == "sectors").distinct()
            )
            return sorted(days)

    def _copy_flights(self, day_s: int) -> SegmentFile | None:
        """Seals the flights that ended on a day; their rows stay, for questions by name."""
        ended = schema.flight.c.ended_s
        within = ended.between(day_s, day_s + DAY_S - 1)
        with self._reading(f"reading the flights of {format_s(day_s)}") as connection:
            columns = table_columns(connection, FLIGHTS, schema.flight, within)
        return self._seal(FLIGHTS, day_s, columns, None)

    def _days_to_copy(self, before_s: int) -> list[int]:
        """The days of which not all flights are sealed: none are, or some came late."""
        ended, file = schema.flight.c.ended_s, schema.segment.c
        day = (ended - ended % _DAY).label("day_s")
        with self._reading("asking for flights to seal") as connection:
            there = connection.execute(
                select(day, func.count()).where(ended < before_s).group_by(day)
            ).all()
            sealed = connection.execute(
                select(file.start_s, file.row_count).where(
                    file.kind == FLIGHTS.name,
                    file.replaced_at_us.is_(None),
                    file.missing.is_(False),
                )
            ).all()
        rows: dict[int, int] = {start_s: count for start_s, count in sealed}  # noqa: C416 - a Row is no pair to mypy
        return sorted(start_s for start_s, count in there if count != rows.get(start_s, 0))

    def _seal(
        self, kind: SegmentKind, start_s: int, columns: Columns, forget: UpdateBase | None
    ) -> SegmentFile | None:
        # What came after its period had been sealed joins it: one file a period, whatever happens.
        with self._reading("reading the manifest") as connection:
            earlier = self._manifest.of_period(connection, kind, start_s)
            edition = self._manifest.free_edition(connection, kind, start_s)
        file = None
        if len(columns[kind.time]):
            # Loaded here, for pyarrow takes a fifth of a second that no start should wait for.
            from sectorwatch.store.parquet import read_segment, write_segment  # noqa: PLC0415

            # Where nothing is forgotten, what the earlier file has is there still.
            joined = earlier if forget is not None else []
            parts = [read_segment(self._manifest.root / each.path, kind) for each in joined]
            whole = {
                name: joined_columns([*(part[name] for part in parts), columns[name]])
                for name in columns
            }
            file = write_segment(self._manifest.root, kind, start_s, whole, edition)
        try:
            with self._database.write(f"sealing {kind.name} of {format_s(start_s)}") as connection:
                if file is not None:
                    self._manifest.add(connection, file)
                    self._manifest.drop(connection, earlier)
                if forget is not None:
                    connection.execute(forget)
        except StoreError:
            if file is not None:
                self._take_back(file)
            raise
        return file

    def _take_back(self, file: SegmentFile) -> None:
        """Removes a file whose naming failed, where it is certain that it did."""
        # A commit whose answer was lost may have happened; while the database cannot say, the file
        # stays, and if it is nobody's the next start removes it.
        with contextlib.suppress(StoreError), self._reading("reading the manifest") as connection:
            if not self._manifest.names(connection, file.path):
                (self._manifest.root / file.path).unlink(missing_ok=True)

    def _open_hours(self, before_s: int) -> list[int]:
        with self._reading("asking for open hours") as connection:
            times = connection.scalars(
                select(schema.tick.c.snapshot_time_us).where(
                    _OPEN, schema.tick.c.snapshot_time_us < before_s * 1_000_000
                )
            )
            return sorted({each // (HOUR_S * 1_000_000) * HOUR_S for each in times})

    def _open_days(self, day: _Day, before_s: int) -> list[int]:
        number = (day.time - day.time % DAY_S) / DAY_S
        with self._reading(f"asking for {day.kind.name} to seal") as connection:
            days = connection.scalars(select(number).where(day.time < before_s).distinct())
            return sorted(int(each) * DAY_S for each in days)

    def _reading(self, doing: str) -> AbstractContextManager[Connection]:
        return self._database.read(doing, limit_s=_READ_LIMIT_S)


def table_columns(
    connection: Connection, kind: SegmentKind, table: Table, within: ColumnElement[bool]
) -> Columns:
    """Rows of a table as columns, read in chunks: as tuples a day of visits takes 400 MB."""
    names = list(kind.columns)
    types = [stored.dtype for stored in kind.columns.values()]
    rows = connection.execution_options(yield_per=_CHUNK).execute(
        select(*table.c[tuple(names)]).where(within)
    )
    chunks = [
        [_array(values, kind) for values, kind in zip(zip(*chunk, strict=True), types, strict=True)]
        for chunk in rows.partitions()
    ]
    if not chunks:
        return {name: np.empty(0, kind) for name, kind in zip(names, types, strict=True)}
    return {name: joined_columns([chunk[i] for chunk in chunks]) for i, name in enumerate(names)}


def joined_columns(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Parts of a column one after another, masked where any of them is."""
    whole = np.concatenate([np.ma.getdata(part) for part in parts])
    if any(np.ma.isMaskedArray(part) for part in parts):
        return np.ma.MaskedArray(
            whole, np.concatenate([np.ma.getmaskarray(part) for part in parts])
        )
    return whole


def _array(values: tuple[Any, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    if None in values and not kind.hasobject:
        mask = [value is None for value in values]
        return np.ma.MaskedArray([value or 0 for value in values], mask, dtype=kind)
    return np.array(values, kind)
