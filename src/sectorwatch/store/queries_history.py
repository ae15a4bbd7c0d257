"""A past of weeks, read day by day: for forecasts that learn from it, in bounded memory.

Every question is for one day or one hour at most, has an index or a sealed file to go by, and comes
as columns. What a row says of the time at which it was told is left to whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, or_, select

from sectorwatch.clock import format_s
from sectorwatch.errors import StoreError
from sectorwatch.store import schema
from sectorwatch.store.blobs import StoredPositions, decode_positions
from sectorwatch.store.lost import lost_times
from sectorwatch.store.noted_airspaces import airspaces_counted
from sectorwatch.store.queries_network import known_times
from sectorwatch.store.rows import read_plan
from sectorwatch.store.segments import DAY_S, DEMAND, HOUR_S, POSITIONS, VISITS
from sectorwatch.store.sources import chunks_of, columns_of
from sectorwatch.store.steps import first_rows, from_steps
from sectorwatch.traffic import known_minutes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement, Select

    from sectorwatch.feed.records import FlightPlan
    from sectorwatch.store.lost import Lost
    from sectorwatch.store.sources import Sources

__all__ = ["DemandMinutes", "HistoryQueries", "KeptFlight", "KeptPrefile", "KeptRevision", "Ticks"]

MINUTE_S = 60
_SECOND_US = 1_000_000
_SLOW_S = 120.0
# The columns that say where a flight was, as they are called in a sealed file.
_WHERE = tuple(POSITIONS.name_in_file(name) for name in StoredPositions.__dataclass_fields__)
_UNASKED = ("transponder", "qnh_mb")
_ASKED = ", ".join(name for name in _WHERE if name not in _UNASKED)
_POSITIONS = f"SELECT {_ASKED} FROM read_parquet($files, hive_partitioning = false)"  # noqa: S608 - our own names

# (flight_id, cid, callsign, first_seen_s, departed_s, departed_from, arrived_s, arrived_at,
# ended_s), (flight_id, snapshot_time_us, received_at_us, plan) and (prefile_id, cid, callsign,
# first_seen_s, received_at_us, gone_s, plan): plain tuples, for there are a hundred thousand.
KeptFlight = tuple[
    int, int, str, int, "int | None", "str | None", "int | None", "str | None", "int | None"
]
KeptRevision = tuple[int, int, int, "FlightPlan"]
KeptPrefile = tuple[int, int, str, int, int, "int | None", "FlightPlan"]


@dataclass(frozen=True, slots=True)
class Ticks:
    """The snapshots of a period in order, shape (n,): their own time and when each was received.

    `final_minute_s`: every minute up to it was final then; -1 before any was.
    """

    time_us: NDArray[np.int64]
    received_at_us: NDArray[np.int64]
    final_minute_s: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DemandMinutes:
    """Occupancy by minute: shape (sectors, minutes), from `from_s` on.

    Where `known` (minutes,) is False it is zero and means nothing; `lost` says of which of those
    times it was known once.
    """

    from_s: int
    occupancy: NDArray[np.int16]
    known: NDArray[np.bool_]
    lost: Sequence[Lost] = ()


class HistoryQueries:
    """Asks about long pasts; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def ticks(self, from_s: int, to_s: int) -> Ticks:
        """The snapshots whose time lies in the period."""
        tick = schema.tick.c
        rows: list[NDArray[np.int64]] = []
        with self._sources.database.read("reading when snapshots came", _SLOW_S) as connection:
            question = (
                select(tick.snapshot_time_us, tick.received_at_us, tick.final_minute_s)
                .where(
                    tick.snapshot_time_us >= from_s * _SECOND_US,
                    tick.snapshot_time_us < to_s * _SECOND_US,
                )
                .order_by(tick.snapshot_time_us)
            )
            rows += [
                np.array([[-1 if value is None else value for value in row] for row in chunk])
                for chunk in chunks_of(connection, question)
            ]
        table = np.concatenate(rows) if rows else np.empty((0, 3))
        return Ticks(*np.ascontiguousarray(table.astype(np.int64).T))

    def flights(self, from_s: int, to_s: int) -> Iterator[Sequence[KeptFlight]]:
        """Flights first seen in the period, some thousand at a time, by day."""
        for start_s, end_s in _days(from_s, to_s):
            yield from self._rows(_FLIGHTS.where(*_begun(start_s, end_s)))

    def flights_before(
        self, time_s: int, since_s: int, first_s: int
    ) -> Iterator[Sequence[KeptFlight]]:
        """Flights first seen before `time_s` that did not end before `since_s`, as `flights`.

        Of those first seen before `first_s` only the ones that have not ended: a long past would
        be searched for the few that lasted for days.
        """
        for of_flight in _going_on(time_s, since_s, first_s):
            yield from self._rows(_FLIGHTS.where(*of_flight))

    def revisions(self, from_s: int, to_s: int) -> Iterator[Sequence[KeptRevision]]:
        """The plans of flights first seen in the period, by day, then by flight and time."""
        for start_s, end_s in _days(from_s, to_s):
            yield from self._revisions(_REVISIONS.where(*_begun(start_s, end_s)))

    def revisions_before(
        self, time_s: int, since_s: int, first_s: int
    ) -> Iterator[Sequence[KeptRevision]]:
        """The plans of the flights that `flights_before` gives."""
        for of_flight in _going_on(time_s, since_s, first_s):
            yield from self._revisions(_REVISIONS.where(*of_flight))

    def take_offs(self, from_s: int, to_s: int) -> Iterator[tuple[int, FlightPlan]]:
        """When flights took off in the period, and the plan that each filed last; none without.

        Of flights that were first seen within the day before, or later.
        """
        off_s = schema.flight.c.departed_s
        for day in _days(from_s - DAY_S, to_s):
            question = _TAKE_OFFS.where(*_begun(*day), off_s >= from_s, off_s < to_s)
            # By flight, the last plan: what came before it is not taken apart.
            last = {row[0]: row[1:] for rows in self._rows(question) for row in rows}
            yield from ((time_s, read_plan(plan)) for time_s, plan in last.values())

    def prefiles(self, from_s: int, to_s: int) -> Iterator[Sequence[KeptPrefile]]:
        """The prefiles first seen in the period, by day."""
        prefile = schema.prefile.c
        for start_s, end_s in _days(from_s, to_s):
            question = _PREFILES.where(
                prefile.first_seen_s >= start_s, prefile.first_seen_s < end_s
            )
            for chunk in self._rows(question):
                yield [(*row[:-1], read_plan(row[-1])) for row in chunk]

    def movements(self, from_s: int, to_s: int) -> Iterator[Sequence[tuple[int, str, int, str]]]:
        """Take-offs and landings in the period, (flight_id, kind, time_s, airport), by day."""
        moved = schema.movement.c
        for start_s, end_s in _days(from_s, to_s):
            yield from self._rows(
                select(moved.flight_id, moved.kind, moved.time_s, moved.airport)
                .where(moved.time_s >= start_s, moved.time_s < end_s)
                .order_by(moved.time_s, moved.flight_id)
            )

    def movement_minutes(
        self, series: Sequence[tuple[str, str]], from_s: int, to_s: int
    ) -> DemandMinutes:
        """Take-offs or landings by whole minutes: of each (airport, kind) of `series`, in order.

        `occupancy` of what it gives are their numbers in the minute.
        """
        first = -(-from_s // MINUTE_S) * MINUTE_S
        minutes = max(0, -(-(to_s - first) // MINUTE_S))
        counts = np.zeros((len(series), minutes), np.int16)
        row_of = {each: row for row, each in enumerate(series)}
        for rows in self.movements(first, first + minutes * MINUTE_S):
            found = [
                (row, time_s)
                for _, kind, time_s, airport in rows
                if (row := row_of.get((airport, kind))) is not None
            ]
            which, times_s = columns_of(found, 2)
            np.add.at(counts, (which, (times_s - first) // MINUTE_S), 1)
        known = self._known(first, minutes, ())
        counts[:, ~known] = 0
        return DemandMinutes(first, counts, known)

    def first_known(self, from_s: int, to_s: int) -> Iterator[Sequence[tuple[str, int, str, int]]]:
        """Movements in the period, by day: (kind, time_s, airport, when its flight was known).

        A flight is known from when it was first seen, or a plan of the same member and callsign was
        first filed ahead, within the day before.
        """
        moved, flight, prefile = schema.movement.c, schema.flight.c, schema.prefile.c
        for start_s, end_s in _days(from_s, to_s):
            filed: dict[tuple[int, str], int] = {}
            question = select(prefile.cid, prefile.callsign, prefile.first_seen_s).where(
                prefile.first_seen_s >= start_s - DAY_S, prefile.first_seen_s < end_s
            )
            for chunk in self._rows(question):
                for cid, callsign, first_s in chunk:
                    key = (cid, callsign)
                    filed[key] = min(first_s, filed.get(key, first_s))
            moves = (
                select(
                    moved.kind,
                    moved.time_s,
                    moved.airport,
                    flight.first_seen_s,
                    flight.cid,
                    flight.callsign,
                )
                .join(schema.flight, flight.flight_id == moved.flight_id)
                .where(moved.time_s >= start_s, moved.time_s < end_s)
            )
            for chunk in self._rows(moves):
                yield [
                    (kind, time_s, airport, min(first_s, filed.get((cid, callsign), first_s)))
                    for kind, time_s, airport, first_s, cid, callsign in chunk
                ]

    def airspaces(self, to_s: int) -> list[tuple[int, str]]:
        """From when on which airspace is counted for, by its fingerprint: (time_s, fingerprint).

        The one that was flown over; of days that were computed again, that of then.
        """
        identity, tick = schema.identity.c, schema.tick.c
        with self._sources.database.read("asking which airspaces there were") as connection:
            rows = connection.execute(
                select(tick.snapshot_time_us, identity.airspace)
                .join(schema.tick, tick.seq == identity.from_seq)
                .where(tick.snapshot_time_us < to_s * _SECOND_US)
                .order_by(identity.from_seq)
            ).all()
            flown = [(row.snapshot_time_us // _SECOND_US, row.airspace) for row in rows]
            counted = airspaces_counted(connection, flown)
        return [each for each in counted if each[0] < to_s]

    def first_demand(self, sector_ids: Sequence[int], from_s: int, to_s: int) -> NDArray[np.int64]:
        """The first minute of the period in which anybody was in each of these sectors; -1: none.

        Rows of what is lost do not count.
        """
        found = np.full(len(sector_ids), -1, np.int64)
        rows = {number: row for row, number in enumerate(sector_ids)}
        table = schema.demand.c
        with self._sources.database.read("asking since when sectors are used", _SLOW_S) as asked:
            files = self._sources.manifest.files(asked, DEMAND.name, from_s, to_s)
            firsts = [
                tuple(row)
                for row in asked.execute(
                    select(table.sector_id, func.min(table.minute_s))
                    .where(table.minute_s >= from_s, table.minute_s < to_s)
                    .group_by(table.sector_id)
                )
            ]
        if files:
            columns = self._sources.ask(
                "SELECT sector_id, min(minute_s) AS minute_s "
                "FROM read_parquet($files, hive_partitioning = false) "
                "WHERE minute_s >= $from_s AND minute_s < $to_s GROUP BY sector_id",
                files,
                {"from_s": from_s, "to_s": to_s},
                limit_s=_SLOW_S,
            )
            if columns is not None:
                pairs = columns["sector_id"].tolist(), columns["minute_s"].tolist()
                firsts += zip(*pairs, strict=True)
        for sector_id, minute_s in firsts:
            row = rows.get(sector_id)
            if row is not None and (found[row] < 0 or minute_s < found[row]):
                found[row] = minute_s
        return found

    def demand(self, sector_ids: Sequence[int], from_s: int, to_s: int) -> DemandMinutes:
        """The occupancy of these sectors by whole minutes of the period, in their order.

        Rows of other sectors, such as an earlier airspace's, do not count.
        """
        first = -(-from_s // MINUTE_S) * MINUTE_S
        minutes = max(0, -(-(to_s - first) // MINUTE_S))
        occupancy = np.zeros((len(sector_ids), minutes), np.int16)
        ids = np.array(sector_ids, np.int64)
        order = np.argsort(ids)
        for start_s, end_s in _days(first, first + minutes * MINUTE_S):
            for sector_id, minute_s, count in self._demand(start_s, end_s):
                at = np.searchsorted(ids[order], sector_id)
                at[at == ids.size] = 0
                row = order[at] if ids.size else at
                ours = ids[row] == sector_id if ids.size else np.zeros(at.shape, np.bool_)
                column = (minute_s[ours] - first) // MINUTE_S
                occupancy[row[ours], column] = np.minimum(count[ours], np.iinfo(np.int16).max)
        # Asked last: what was found damaged just now is among it.
        with self._sources.database.read("asking what is lost", _SLOW_S) as connection:
            lost = lost_times(connection, DEMAND.name, first, first + minutes * MINUTE_S)
        is_known = self._known(first, minutes, lost)
        occupancy[:, ~is_known] = 0
        return DemandMinutes(first, occupancy, is_known, lost)

    def visits(self, from_s: int, to_s: int) -> Iterator[tuple[NDArray[np.int64], ...]]:
        """Visits begun in the period: (flight_id, sector_id, entry_s, exit_s), columns, by day.

        `exit_s` is -1 where it lasts, or nobody knows.
        """
        table = schema.visit.c
        for start_s, end_s in _days(from_s, to_s):
            within = (table.entry_s >= start_s, table.entry_s < end_s)
            question = select(table.flight_id, table.sector_id, table.entry_s, table.exit_s)
            with self._sources.database.read("reading visits", _SLOW_S) as connection:
                files = self._sources.manifest.files(connection, VISITS.name, start_s, end_s)
                rows = [
                    (*row[:3], -1 if row[3] is None else row[3])
                    for chunk in chunks_of(connection, question.where(*within))
                    for row in chunk
                ]
            yield tuple(columns_of(rows, 4))
            if files:
                found = self._sources.ask(
                    "SELECT flight_id, sector_id, entry_s, exit_s "
                    "FROM read_parquet($files, hive_partitioning = false) "
                    "WHERE entry_s >= $from_s AND entry_s < $to_s",
                    files,
                    {"from_s": start_s, "to_s": end_s},
                    limit_s=_SLOW_S,
                )
                if found is not None:
                    yield (
                        found["flight_id"],
                        found["sector_id"],
                        found["entry_s"],
                        np.ma.filled(found["exit_s"], -1),
                    )

    def positions(self, hour_s: int) -> tuple[StoredPositions, str | None]:
        """The positions that the snapshots of an hour brought, and in words why some are lacking.

        Squawk and pressure are left out (-1).
        """
        tick = schema.tick.c
        with self._sources.database.read("reading an hour", _SLOW_S) as connection:
            ticks = connection.execute(
                select(tick.position_count, tick.positions).where(
                    tick.snapshot_time_us >= hour_s * _SECOND_US,
                    tick.snapshot_time_us < (hour_s + HOUR_S) * _SECOND_US,
                )
            ).all()
            files = self._sources.manifest.of_period(connection, POSITIONS, hour_s)
        words = f"the positions from {format_s(hour_s)} to {format_s(hour_s + HOUR_S)}"
        parts: list[StoredPositions] = []
        problem = None
        try:
            parts += [decode_positions(each.positions) for each in ticks if each.positions]
            parts += [self._sealed(file.path) for file in files]
        except StoreError as error:
            problem = f"{words}: {error}"
        if not files and any(each.positions is None and each.position_count for each in ticks):
            problem = f"{words} were let go, or their file is missing"
        return StoredPositions.join(parts), problem

    def _sealed(self, path: str) -> StoredPositions:
        columns = self._sources.ask(
            _POSITIONS, [str(self._sources.manifest.root / path)], limit_s=_SLOW_S
        )
        if columns is None:
            raise StoreError(f"the sealed file {path} is damaged: restore it from a backup")
        first = first_rows(columns["flight_id"])
        unasked = np.full(len(columns["flight_id"]), -1, np.int32)
        found: list[NDArray[Any]] = []
        for name in _WHERE:
            if name in _UNASKED:
                found.append(unasked)
            elif name.startswith("step_"):
                found.append(from_steps(columns[name], first))
            else:
                found.append(columns[name])
        return StoredPositions(*found)

    def _known(self, first: int, minutes: int, lost: Sequence[Lost]) -> NDArray[np.bool_]:
        """Which of the minutes from `first` on are final, in no gap, and not lost."""
        end_s = first + minutes * MINUTE_S
        with self._sources.database.read("asking what is known", _SLOW_S) as connection:
            # The last minute goes on past the period's end, and so may a gap that touches it.
            known = known_times(connection, first, end_s + MINUTE_S)
        if known.first_s is None:
            return np.zeros(minutes, np.bool_)
        is_known = known_minutes(
            first,
            end_s,
            first_s=known.first_s,
            final_minute_s=known.final_minute_s,
            gaps=known.gaps,
        )
        times = first + np.arange(minutes, dtype=np.int64) * MINUTE_S
        for each in lost:
            is_known &= (times + MINUTE_S <= each.start_s) | (times >= each.end_s)
        return is_known

    def _demand(
        self, from_s: int, to_s: int
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
        table = schema.demand.c
        with self._sources.database.read("reading demand", _SLOW_S) as connection:
            files = self._sources.manifest.files(connection, DEMAND.name, from_s, to_s)
            chunks = chunks_of(
                connection,
                select(table.sector_id, table.minute_s, table.occupancy).where(
                    table.minute_s >= from_s, table.minute_s < to_s
                ),
            )
            for chunk in chunks:
                sector_id, minute_s, count = columns_of(chunk, 3)
                yield sector_id, minute_s, count
        if files:
            found = self._sources.ask(
                "SELECT sector_id, minute_s, occupancy "
                "FROM read_parquet($files, hive_partitioning = false) "
                "WHERE minute_s >= $from_s AND minute_s < $to_s",
                files,
                {"from_s": from_s, "to_s": to_s},
                limit_s=_SLOW_S,
            )
            if found is not None:
                yield found["sector_id"], found["minute_s"], found["occupancy"]

    def _revisions(self, question: Select[Any]) -> Iterator[Sequence[KeptRevision]]:
        for chunk in self._rows(question):
            yield [(*row[:3], read_plan(row[3])) for row in chunk]

    def _rows(self, question: Select[Any]) -> Iterator[Sequence[Any]]:
        with self._sources.database.read("reading a day", _SLOW_S) as connection:
            yield from chunks_of(connection, question)


_FLIGHTS = select(
    schema.flight.c.flight_id,
    schema.flight.c.cid,
    schema.flight.c.callsign,
    schema.flight.c.first_seen_s,
    schema.flight.c.departed_s,
    schema.flight.c.departed_from,
    schema.flight.c.arrived_s,
    schema.flight.c.arrived_at,
    schema.flight.c.ended_s,
)
_REVISIONS = (
    select(
        schema.plan_revision.c.flight_id,
        schema.plan_revision.c.snapshot_time_us,
        schema.plan_revision.c.received_at_us,
        schema.flight_plan.c.plan,
    )
    .join(schema.flight, schema.flight.c.flight_id == schema.plan_revision.c.flight_id)
    .join(schema.flight_plan, schema.flight_plan.c.plan_id == schema.plan_revision.c.plan_id)
    .order_by(schema.plan_revision.c.flight_id, schema.plan_revision.c.snapshot_time_us)
)
_TAKE_OFFS = (
    select(schema.flight.c.flight_id, schema.flight.c.departed_s, schema.flight_plan.c.plan)
    .join(schema.plan_revision, schema.flight.c.flight_id == schema.plan_revision.c.flight_id)
    .join(schema.flight_plan, schema.flight_plan.c.plan_id == schema.plan_revision.c.plan_id)
    .order_by(schema.plan_revision.c.flight_id, schema.plan_revision.c.snapshot_time_us)
)
_PREFILES = select(
    schema.prefile.c.prefile_id,
    schema.prefile.c.cid,
    schema.prefile.c.callsign,
    schema.prefile.c.first_seen_s,
    schema.prefile.c.received_at_us,
    schema.prefile.c.gone_s,
    schema.flight_plan.c.plan,
).join(schema.flight_plan, schema.flight_plan.c.plan_id == schema.prefile.c.plan_id)


def _begun(from_s: int, to_s: int) -> tuple[ColumnElement[bool], ...]:
    """Of a flight: that it was first seen in the period."""
    flight = schema.flight.c
    return flight.first_seen_s >= from_s, flight.first_seen_s < to_s


def _going_on(time_s: int, since_s: int, first_s: int) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """Of a flight, several questions that each have an index: what `flights_before` says."""
    flight = schema.flight.c
    # Nothing is added but what keeps SQLite from going through all that began before.
    yield flight.ended_s.is_(None), flight.first_seen_s + 0 < first_s
    goes_on = or_(flight.ended_s.is_(None), flight.ended_s >= since_s)
    for start_s, end_s in _days(first_s, time_s):
        yield *_begun(start_s, end_s), goes_on


def _days(from_s: int, to_s: int) -> Iterator[tuple[int, int]]:
    """The period cut at midnights."""
    while from_s < to_s:
        end_s = min(to_s, (from_s // DAY_S + 1) * DAY_S)
        yield from_s, end_s
        from_s = end_s
