"""Questions about coverage: by sector and hour, by who owned a sector, by flight.

By sector, hour and owner it is counted in minutes of demand, at each hh:mm:00; by flight to the
second, from visits and the union of contacts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sqlalchemy import func, or_, select

from sectorwatch.store import schema
from sectorwatch.store.lost import lost_times
from sectorwatch.store.queries_flights import flights_numbered
from sectorwatch.store.queries_network import known_times
from sectorwatch.store.segments import CONTACTS, DEMAND, HOUR_S, VISITS
from sectorwatch.store.sources import END_OF_TIME_S, Page
from sectorwatch.traffic.coverage import Spans, contact_time_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from numpy.typing import NDArray
    from sqlalchemy import Connection, Table

    from sectorwatch.store.known_spans import KnownSpans
    from sectorwatch.store.lost import Lost
    from sectorwatch.store.segments import SegmentKind
    from sectorwatch.store.sources import Sources
    from sectorwatch.traffic.tick import Flight, Ownership

__all__ = ["CoverageQueries", "FlightCoverage", "Minutes", "SectorCoverage"]

_CHUNK = 20_000
_LIMIT_S = 20.0
_ROWS = ("sector_id", "minute_s", "occupancy", "in_contact")
Columns = dict[str, "NDArray[Any]"]


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes of demand, arrays of any one shape.

    `airborne` counts those of which it is known whether the flight was in contact, `in_contact`
    those in which it was, `unknown` all others.
    """

    airborne: NDArray[np.int64]
    in_contact: NDArray[np.int64]
    unknown: NDArray[np.int64]

    def sum(self, axis: int) -> Minutes:
        """These summed along an axis."""
        columns = (self.airborne, self.in_contact, self.unknown)
        return Minutes(*(column.sum(axis=axis) for column in columns))


@dataclass(frozen=True, slots=True)
class SectorCoverage:
    """Coverage of sectors by hour: `minutes` of shape (sectors, hours), in the order asked for.

    `hour_s` are the hours' beginnings. `owned` has the minutes in which a sector had an owner, by
    his callsign, of shape (owners,).
    """

    hour_s: NDArray[np.int64]
    minutes: Minutes
    owners: Sequence[str]
    owned: Minutes


@dataclass(frozen=True, slots=True)
class FlightCoverage:
    """A flight's time in the sectors asked for.

    Of `known_s` of it is known whether the flight was in contact, and `contact_s` it was.
    """

    flight: Flight
    airborne_s: int
    known_s: int
    contact_s: int


class CoverageQueries:
    """Asks about coverage; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def of_sectors(
        self, from_s: int, to_s: int, sector_ids: Sequence[int], owners: Sequence[Ownership] = ()
    ) -> SectorCoverage:
        """Coverage of these sectors in the period; `owners` are theirs in it."""
        hour_s = np.arange(from_s // HOUR_S * HOUR_S, to_s, HOUR_S, dtype=np.int64)
        names = sorted({each.callsign for each in owners})
        shape = (len(sector_ids), hour_s.size)
        total = [np.zeros(shape, np.int64) for _ in range(3)]
        owned = [np.zeros(len(names), np.int64) for _ in range(3)]
        order = np.argsort(np.array(sector_ids, np.int64))
        ids = np.array(sector_ids, np.int64)[order]
        turns = _Turns(ids, owners, {name: number for number, name in enumerate(names)})
        for rows in self._demand(from_s, to_s, sector_ids):
            at = np.searchsorted(ids, rows["sector_id"])
            hour = (rows["minute_s"] - from_s // HOUR_S * HOUR_S) // HOUR_S
            owner = turns.owner(at, rows["minute_s"])
            known = rows["in_contact"] >= 0
            occupancy = rows["occupancy"]
            for number, count in enumerate(
                (
                    np.where(known, occupancy, 0),
                    np.where(known, rows["in_contact"], 0),
                    np.where(known, 0, occupancy),
                )
            ):
                cell = order[at] * hour_s.size + hour
                total[number] += _counted(cell, count, shape[0] * shape[1]).reshape(shape)
                has_one = owner >= 0
                owned[number] += _counted(owner[has_one], count[has_one], len(names))
        return SectorCoverage(hour_s, Minutes(*total), names, Minutes(*owned))

    def of_flights(
        self,
        from_s: int,
        to_s: int,
        sector_ids: Sequence[int],
        heard: KnownSpans,
        *,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[FlightCoverage]:
        """Flights that were in these sectors, those longest without contact first.

        The sectors are of one partition, in which a flight is in one of them at a time; `heard` is
        when radios were.
        """
        with self._sources.database.read("asking for visits", limit_s=_LIMIT_S) as connection:
            last_s = known_times(connection, from_s, to_s).last_s
            period = _Period(from_s, to_s, to_s if last_s is None else min(to_s, last_s))
            stays = _recent(connection, schema.visit, "entry_s", "exit_s", period)
            rows = _recent(connection, schema.contact, "start_s", "end_s", period)
            files = self._sources.manifest.files(connection, VISITS.name, from_s, to_s)
        here = np.array(sector_ids, np.int64)
        recent = Spans(*rows[:3, rows[3] != 0])
        found = [self._flights(Spans(*stays[:3, np.isin(stays[3], here)]), recent, period, heard)]
        # A file at a time: as many visits as a day has, and the contacts of their time.
        for file in files:
            chosen = "sector_id IN (SELECT unnest($sectors))"
            some = self._sealed(VISITS, [file], chosen, period, {"sectors": list(sector_ids)})
            found.append(self._flights(some, recent, period, heard))
        parts = np.concatenate(found, axis=1)
        flight, at = np.unique(parts[0], return_inverse=True)
        sums = [_counted(at, each, flight.size) for each in parts[1:]]
        whole = np.stack((flight, *sums))
        whole = whole[:, whole[1] > 0]
        order = np.lexsort((whole[0], whole[3] - whole[2]))[offset : offset + limit]
        shown = whole[:, order].T.tolist()
        with self._sources.database.read("asking for flights") as connection:
            flights = flights_numbered(connection, [row[0] for row in shown])
        items = [FlightCoverage(flights[row[0]], *row[1:]) for row in shown if row[0] in flights]
        return Page(whole.shape[1], items)

    def lost(self, from_s: int, to_s: int, *, flights: bool = False) -> list[Lost]:
        """Of which times something that these answers rest on is no longer kept, oldest first.

        To be asked after them, for what they found damaged is among it. By `flights` it is visits
        and contacts, else demand and contacts.
        """
        kinds = (VISITS if flights else DEMAND, CONTACTS)
        with self._sources.database.read("asking what is lost") as connection:
            found = [each for k in kinds for each in lost_times(connection, k.name, from_s, to_s)]
        return sorted(found)

    def _demand(self, from_s: int, to_s: int, sector_ids: Sequence[int]) -> Iterator[Columns]:
        """Rows of demand, `in_contact` -1 where unknown: what is in SQL, then a file at a time."""
        table = schema.demand.c
        within = (table.minute_s >= from_s, table.minute_s < to_s)
        with self._sources.database.read("asking for coverage", limit_s=_LIMIT_S) as connection:
            files = self._sources.manifest.files(connection, DEMAND.name, from_s, to_s)
            rows = connection.execution_options(yield_per=_CHUNK).execute(
                select(
                    table.sector_id,
                    table.minute_s,
                    table.occupancy,
                    func.coalesce(table.in_contact, -1),
                ).where(*within, table.sector_id.in_(list(sector_ids)))
            )
            chunks = [_table(chunk) for chunk in rows.partitions()]
        for chunk in chunks:
            yield dict(zip(_ROWS, chunk, strict=True))
        for file in files:
            sealed = self._sources.ask(
                # Files of earlier versions have no such column: it is then that of the first part.
                "SELECT sector_id, minute_s, occupancy, coalesce(in_contact, -1) AS in_contact "
                "FROM (SELECT NULL::INTEGER AS in_contact WHERE false UNION ALL BY NAME "
                "SELECT * FROM read_parquet($files, hive_partitioning = false)) "
                "WHERE minute_s >= $from_s AND minute_s < $to_s "
                "AND sector_id IN (SELECT unnest($sectors))",
                [file],
                {"from_s": from_s, "to_s": to_s, "sectors": list(sector_ids)},
                limit_s=_LIMIT_S,
            )
            if sealed is not None:
                yield sealed

    def _flights(
        self, stays: Spans, recent: Spans, period: _Period, heard: KnownSpans
    ) -> NDArray[np.int64]:
        """Flights with their seconds in the air, known, and in contact, shape (4, flights).

        `recent` are the contacts that the tables hold; those of sealed files are looked up.
        """
        if not stays.flight_id.size:
            return np.empty((4, 0), np.int64)
        within = _Period(int(stays.start_s.min()), int(stays.end_s.max()), period.now_s)
        near = (recent.start_s < within.to_s) & (recent.end_s > within.from_s)
        with self._sources.database.read("asking for contacts") as connection:
            files = self._sources.manifest.files(
                connection, CONTACTS.name, within.from_s, within.to_s
            )
        sealed = self._sealed(CONTACTS, files, "airborne", within, {})
        contacts = Spans(
            *(
                np.concatenate((one[near], other))
                for one, other in zip(_columns(recent), _columns(sealed), strict=True)
            )
        )
        flight, at = np.unique(stays.flight_id, return_inverse=True)
        of, start_s, end_s = heard.parts(stays.start_s, stays.end_s)
        known = Spans(stays.flight_id[of], start_s, end_s)
        sums = (
            (at, stays.end_s - stays.start_s),
            (at[of], end_s - start_s),
            (at[of], contact_time_s(known, contacts)),
        )
        return np.stack(
            (flight, *(_counted(of_each, seconds, flight.size) for of_each, seconds in sums))
        )

    def _sealed(
        self,
        kind: SegmentKind,
        files: Sequence[str],
        chosen: str,
        period: _Period,
        parameters: dict[str, Any],
    ) -> Spans:
        """The chosen visits or contacts in these files, cut to the period."""
        if not files:
            return Spans(*np.empty((3, 0), np.int64))
        columns = self._sources.ask(
            f"SELECT flight_id, greatest({kind.time}, $from_s) AS start_s, "  # noqa: S608 - names of our own
            f"least({kind.until}, $to_s) AS end_s "
            "FROM read_parquet($files, hive_partitioning = false) "
            f"WHERE {chosen} AND {kind.time} < $to_s AND {kind.until} > $from_s",
            files,
            {"from_s": period.from_s, "to_s": period.to_s, **parameters},
            limit_s=_LIMIT_S,
        )
        if columns is None:
            return Spans(*np.empty((3, 0), np.int64))
        return Spans(*(columns[name] for name in ("flight_id", "start_s", "end_s")))


class _Period(NamedTuple):
    """A period; what lasts, lasts until `now_s`."""

    from_s: int
    to_s: int
    now_s: int


class _Turns:
    """Who owned which sector when, to be asked for many minutes at once."""

    def __init__(
        self, ids: NDArray[np.int64], owners: Sequence[Ownership], number: dict[str, int]
    ) -> None:
        here = set(ids.tolist())
        kept = [each for each in owners if each.sector_id in here]
        kept.sort(key=lambda each: (each.sector_id, each.start_s))
        self._sector = np.searchsorted(ids, np.array([each.sector_id for each in kept], np.int64))
        self._start_s = np.array([each.start_s for each in kept], np.int64)
        ends = [END_OF_TIME_S if each.end_s is None else each.end_s for each in kept]
        self._end_s = np.array(ends, np.int64)
        self._number = np.array([number[each.callsign] for each in kept], np.int64)

    def owner(self, sector: NDArray[np.intp], minute_s: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of who owned each sector at each minute, -1 for nobody."""
        if not self._start_s.size:
            return np.full(sector.size, -1, np.int64)
        first_s = min(int(self._start_s.min()), int(minute_s.min(initial=END_OF_TIME_S)))
        room_s = max(int(self._start_s.max()), int(minute_s.max(initial=0))) - first_s + 1
        key = self._sector * room_s + self._start_s - first_s
        at = np.searchsorted(key, sector * room_s + minute_s - first_s, "right") - 1
        mine = (at >= 0) & (self._sector[at] == sector) & (minute_s < self._end_s[at])
        return np.where(mine, self._number[at], -1)


def _recent(
    connection: Connection, table: Table, start: str, end: str, period: _Period
) -> NDArray[np.int64]:
    """What the tables hold of the period: flight, start, end cut to it, and the fourth column."""
    from_s, to_s, now_s = period
    started, ended = table.c[start], table.c[end]
    fourth = table.c.sector_id if table is schema.visit else table.c.airborne
    rows = connection.execution_options(yield_per=_CHUNK).execute(
        select(table.c.flight_id, started, func.coalesce(ended, now_s), fourth).where(
            started < to_s, or_(ended.is_(None), ended > from_s)
        )
    )
    chunks = [_table(chunk) for chunk in rows.partitions()]
    whole = np.concatenate([np.empty((4, 0), np.int64), *chunks], axis=1)
    whole[1] = np.maximum(whole[1], from_s)
    whole[2] = np.minimum(whole[2], to_s)
    return whole


def _table(rows: Iterable[Sequence[Any]]) -> NDArray[np.int64]:
    # Column by column: numpy asks each row for much that it does not have.
    return np.array(list(zip(*rows, strict=True)), np.int64)


def _columns(spans: Spans) -> tuple[NDArray[np.int64], ...]:
    return spans.flight_id, spans.start_s, spans.end_s


def _counted(at: NDArray[Any], count: NDArray[Any], size: int) -> NDArray[np.int64]:
    return np.rint(np.bincount(at, count, size)).astype(np.int64)
