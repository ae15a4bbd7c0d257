"""Questions about sectors: visits, occupancy by minute and quarter of an hour, demand by hour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Integer, bindparam, func, literal, literal_column, or_, select

from sectorwatch.store import schema
from sectorwatch.store.catalog import kept_sectors, kept_sectors_named
from sectorwatch.store.lost import lost_times
from sectorwatch.store.queries_flights import visit_of, visits_of
from sectorwatch.store.queries_network import known_times
from sectorwatch.store.segments import DEMAND, HOUR_S, VISITS
from sectorwatch.store.sources import END_OF_TIME_S, Page, merged
from sectorwatch.traffic import known_minutes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from sectorwatch.airspace.model import Sector
    from sectorwatch.store.lost import Lost
    from sectorwatch.store.sources import Sources
    from sectorwatch.traffic.tick import Visit

__all__ = ["HourlyDemand", "Minutes", "Quarters", "SectorQueries"]

MINUTE_S = 60
QUARTER_S = 900
# Written out, for PostgreSQL must see that what is grouped by is what is selected.
_HOUR = literal_column(str(HOUR_S), Integer)
_MOST_MINUTES = 400 * 1_440
_DEMAND = ("minute_s", "occupancy", "entries")


@dataclass(frozen=True, slots=True)
class Minutes:
    """A sector minute by minute, shape (n,): every minute of a period, none left out.

    `occupancy` counts the visits open at hh:mm:00, `entries` those begun in the minute. Where
    `known` is False (before the first snapshot, touched by a gap, not final yet) both are zero and
    mean nothing. `final_minute_s`: every minute up to it is final, whenever that was asked. `lost`
    says of which times nothing is left, which are not known either.
    """

    minute_s: NDArray[np.int64]
    occupancy: NDArray[np.int32]
    entries: NDArray[np.int32]
    known: NDArray[np.bool_]
    final_minute_s: int | None
    lost: Sequence[Lost] = ()

    def within(self, span_s: tuple[int, int] | None) -> Minutes:
        """The same, where nothing is known before or after `span_s`; nothing at all without one."""
        first_s, last_s = span_s or (0, -1)
        known = self.known & (self.minute_s >= first_s) & (self.minute_s <= last_s)
        return replace(self, known=known)

    def quarters(self) -> Quarters:
        """The same in bins of 15 min, by the minutes known in each."""
        start = self.minute_s // QUARTER_S
        bins, index = np.unique(start, return_inverse=True)
        known = np.bincount(index, self.known, len(bins)).astype(np.int32)
        total = np.bincount(index, self.occupancy, len(bins))
        peak = np.zeros(len(bins), np.int32)
        np.maximum.at(peak, index, self.occupancy)
        return Quarters(
            start_s=bins * QUARTER_S,
            mean_occupancy=total / np.maximum(known, 1),
            peak_occupancy=peak,
            entries=np.bincount(index, self.entries, len(bins)).astype(np.int32),
            minutes_known=known,
        )


@dataclass(frozen=True, slots=True)
class Quarters:
    """A sector by bins of 15 min, shape (n,); a bin with no minute known means nothing."""

    start_s: NDArray[np.int64]
    mean_occupancy: NDArray[np.float64]
    peak_occupancy: NDArray[np.int32]
    entries: NDArray[np.int32]
    minutes_known: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class HourlyDemand:
    """Demand of many sectors by hour, shape (n,), ordered by sector and hour; zero rows left out.

    `mean_occupancy` is over the hour's 60 minutes.
    """

    sector_id: NDArray[np.int64]
    hour_s: NDArray[np.int64]
    mean_occupancy: NDArray[np.float64]
    peak_occupancy: NDArray[np.int32]
    entries: NDArray[np.int64]


class SectorQueries:
    """Asks about sectors; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def kept(self, sector_ids: Sequence[int]) -> dict[int, Sector]:
        """What is kept of these sectors, by number, without shapes; by its number if unknown."""
        return kept_sectors(self._sources.database, sector_ids)

    def kept_named(self, name: str) -> list[Sector]:
        """The sectors called `name`, or `partition/name`, that were ever in the airspace."""
        return kept_sectors_named(self._sources.database, name)

    def visits(
        self, sector_id: int, from_s: int, to_s: int, *, limit: int = 1000, offset: int = 0
    ) -> Page[Visit]:
        """Visits to a sector of which some part lies in the period, newest entry first."""
        table = schema.visit.c
        with self._sources.database.read("asking for visits") as connection:
            files = self._sources.manifest.files(connection, VISITS.name, from_s, to_s)
            rows = connection.execute(
                select(schema.visit).where(
                    table.sector_id == sector_id,
                    table.entry_s < to_s,
                    or_(table.exit_s.is_(None), table.exit_s > from_s),
                )
            )
            found = [visit_of(row) for row in rows.mappings()]
        if files:
            columns = self._sources.ask(
                "SELECT * FROM read_parquet($files, hive_partitioning = false) "
                "WHERE sector_id = $sector_id AND entry_s < $to_s AND exit_s > $from_s",
                files,
                {"sector_id": sector_id, "from_s": from_s, "to_s": to_s},
            )
            found += visits_of(columns or {})
        found.sort(key=lambda visit: (-visit.entry_s, visit.flight_id))
        return Page(len(found), found[offset : offset + limit])

    def occupancy(self, sector_id: int, from_s: int, to_s: int) -> Minutes:
        """A sector minute by minute in the period; a period of over 400 days is cut there."""
        first = -(-from_s // MINUTE_S) * MINUTE_S
        last = min(to_s, first + _MOST_MINUTES * MINUTE_S)
        minutes = np.arange(first, max(first, last), MINUTE_S, dtype=np.int64)
        with self._sources.database.read("asking for a sector's occupancy") as connection:
            # The last minute goes on past the period's end, and so may a gap that touches it.
            known = known_times(connection, from_s, to_s + MINUTE_S)
            files = self._sources.manifest.files(connection, DEMAND.name, from_s, to_s)
            open_since = connection.scalar(select(func.min(schema.demand.c.minute_s)))
            # What lies before is sealed.
            begin = max(first, last if open_since is None else open_since)
            parts = [_of_minutes(connection, sector_id, begin, last)] if begin < last else []
        if files:
            sealed = self._sources.ask(
                "SELECT minute_s, occupancy, entries "
                "FROM read_parquet($files, hive_partitioning = false) "
                "WHERE sector_id = $sector_id AND minute_s >= $from_s AND minute_s < $to_s",
                files,
                {"sector_id": sector_id, "from_s": first, "to_s": last},
            )
            parts += [] if sealed is None else [sealed]
        # Asked last: what was found damaged just now is among it.
        with self._sources.database.read("asking what is lost") as connection:
            lost = lost_times(connection, DEMAND.name, first, last)
        rows = merged(parts, _DEMAND, ("int64", "int32", "int32"))
        occupancy, entries = np.zeros((2, len(minutes)), np.int32)
        index = (rows["minute_s"] - first) // MINUTE_S
        occupancy[index], entries[index] = rows["occupancy"], rows["entries"]
        is_known = np.zeros(minutes.shape, np.bool_)
        if known.first_s is not None:
            # By the tracker's own rule: of a minute that a gap touches it gives no rows.
            is_known = known_minutes(
                first,
                last,
                first_s=known.first_s,
                final_minute_s=known.final_minute_s,
                gaps=known.gaps,
            )
        for each in lost:
            is_known &= (minutes + MINUTE_S <= each.start_s) | (minutes >= each.end_s)
        occupancy[~is_known] = 0
        entries[~is_known] = 0
        return Minutes(minutes, occupancy, entries, is_known, known.final_minute_s, lost)

    def span(self, sector_id: int) -> tuple[int, int] | None:
        """The first and the last minute that a sector has demand of; None where it never had."""
        table = schema.demand.c
        with self._sources.database.read("asking when a sector was there") as connection:
            files = self._sources.manifest.files(connection, DEMAND.name, 0, END_OF_TIME_S)
            kept = connection.execute(
                select(func.min(table.minute_s), func.max(table.minute_s)).where(
                    table.sector_id == sector_id
                )
            ).one()
        times = [each for each in kept if each is not None]
        if files:
            sealed = self._sources.ask(
                "SELECT minute_s FROM read_parquet($files, hive_partitioning = false) "
                "WHERE sector_id = $sector_id",
                files,
                {"sector_id": sector_id},
            )
            if sealed is not None and len(sealed["minute_s"]):
                times += [int(sealed["minute_s"].min()), int(sealed["minute_s"].max())]
        return (min(times), max(times)) if times else None

    def hourly_demand(self, from_s: int, to_s: int) -> HourlyDemand:
        """Demand of all sectors by hour in the period."""
        table = schema.demand.c
        with self._sources.database.read("asking for hourly demand", limit_s=20.0) as connection:
            files = self._sources.manifest.files(connection, DEMAND.name, from_s, to_s)
            period = (table.minute_s >= from_s, table.minute_s < to_s)
            minutes = select(func.min(table.minute_s), func.max(table.minute_s)).where(*period)
            first, last = connection.execute(minutes).one()
            # Hour by hour: they lie so, and to sort one takes little; all at once, twice as long.
            hours = [] if first is None else range(first - first % HOUR_S, last + 1, HOUR_S)
            rows = [
                (sector_id, hour_s, *of_hour)
                for hour_s in hours
                for sector_id, *of_hour in connection.execute(
                    _OF_HOUR,
                    {"from_s": max(from_s, hour_s), "to_s": min(to_s, hour_s + HOUR_S)},
                )
            ]
        names = ("sector_id", "hour_s", "total", "peak", "entries")
        columns = list(zip(*rows, strict=True)) or [() for _ in names]
        parts = [{n: np.array(values, np.int64) for n, values in zip(names, columns, strict=True)}]
        if files:
            parts.append(
                self._sources.reader.ask(
                    "SELECT sector_id, minute_s - minute_s % 3600 AS hour_s, "
                    "sum(occupancy)::BIGINT AS total, max(occupancy) AS peak, "
                    "sum(entries)::BIGINT AS entries "
                    "FROM read_parquet($files, hive_partitioning = false) "
                    "WHERE minute_s >= $from_s AND minute_s < $to_s GROUP BY ALL",
                    files,
                    {"from_s": from_s, "to_s": to_s},
                    limit_s=20.0,
                )
            )
        # An hour is in SQL or in a file, never in both: days are sealed whole.
        whole = merged(parts, names, ("int64",) * len(names))
        order = np.lexsort([whole["hour_s"], whole["sector_id"]])
        return HourlyDemand(
            sector_id=whole["sector_id"][order],
            hour_s=whole["hour_s"][order],
            mean_occupancy=whole["total"][order] / 60,
            peak_occupancy=whole["peak"][order].astype(np.int32),
            entries=whole["entries"][order],
        )


_OF_HOUR = (
    select(
        schema.demand.c.sector_id,
        func.sum(schema.demand.c.occupancy),
        func.max(schema.demand.c.occupancy),
        func.sum(schema.demand.c.entries),
    )
    .where(
        schema.demand.c.minute_s >= bindparam("from_s"),
        schema.demand.c.minute_s < bindparam("to_s"),
    )
    .group_by(schema.demand.c.sector_id)
)


def _of_minutes(
    connection: Connection, sector_id: int, from_s: int, to_s: int
) -> dict[str, NDArray[np.int64]]:
    """A sector's rows of `demand`, which lie by minute: each is looked up by its whole key."""
    table = schema.demand
    wanted = select(literal(from_s).label("minute_s")).cte("wanted", recursive=True)
    following = wanted.c.minute_s + MINUTE_S
    wanted = wanted.union_all(select(following).where(following < to_s))
    rows = connection.execute(
        select(*table.c[_DEMAND])
        .select_from(wanted)
        .join(table, (table.c.minute_s == wanted.c.minute_s) & (table.c.sector_id == sector_id))
    ).all()
    columns = list(zip(*rows, strict=True)) or [() for _ in _DEMAND]
    return {n: np.array(values, np.int64) for n, values in zip(_DEMAND, columns, strict=True)}
