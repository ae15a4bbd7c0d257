"""Questions over long periods: how many flew and controlled, and how busy sectors were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import BigInteger, cast, func, literal_column, select

from sectorwatch.store import schema
from sectorwatch.store.known_spans import KnownSpans, known_spans
from sectorwatch.store.queries_network import known_times
from sectorwatch.store.segments import DAY_S, DEMAND, NETWORK
from sectorwatch.store.sources import columns_of, merged
from sectorwatch.store.statistics_load import QUARTER_S, Series, peak_keys
from sectorwatch.traffic import known_minutes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from sectorwatch.store.segments import SegmentKind
    from sectorwatch.store.sources import Sources

__all__ = ["LoadQueries", "NetworkLoad", "SectorLoads", "SectorSums"]

_LIMIT_S = 30.0
_MINUTE_S = 60
_COUNTED = ("pilots", "airborne", "controllers")
# Written out, for PostgreSQL must see that what is grouped by is what is selected.
_PEAK = literal_column("4294967296", BigInteger)
_LAST = literal_column("4294967295", BigInteger)


@dataclass(frozen=True, slots=True)
class NetworkLoad:
    """The whole network by quarters of an hour; `known` says of which times there are counts."""

    known: KnownSpans
    pilots: Series
    airborne: Series
    controllers: Series


@dataclass(frozen=True, slots=True)
class SectorLoads:
    """All sectors of a partition together by quarters of an hour: flights inside, and entries.

    `entries` has shape (n,).
    """

    known: KnownSpans
    airborne: Series
    entries: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SectorSums:
    """Sectors over a whole period, shape (n,), ordered by number.

    `total` is the sum of the occupancies of all minutes, of which `minutes` are known.
    """

    known: KnownSpans
    minutes: int
    sector_id: NDArray[np.int64]
    total: NDArray[np.int64]
    peak: NDArray[np.int64]
    peak_s: NDArray[np.int64]
    entries: NDArray[np.int64]


class LoadQueries:
    """Asks over long periods; times are seconds, periods half-open and in whole quarters."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def network(self, from_s: int, to_s: int) -> NetworkLoad:
        """Pilots, flights in the air and controllers of the whole network."""
        table = schema.network_count.c
        with self._sources.database.read("asking for counts", limit_s=_LIMIT_S) as connection:
            known = _kept(connection, NETWORK, from_s, to_s)
            files = self._sources.manifest.files(connection, NETWORK.name, from_s, to_s)
            rows = connection.execute(
                select(table.time_s, *(table[name] for name in _COUNTED)).where(
                    table.time_s >= from_s, table.time_s < to_s
                )
            ).all()
        time_s, *counts = columns_of(rows, 1 + len(_COUNTED))
        part: dict[str, NDArray[Any]] = {"quarter": time_s // QUARTER_S, "samples": time_s * 0 + 1}
        for name, values in zip(_COUNTED, counts, strict=True):
            part |= {f"{name}_total": values, f"{name}_key": peak_keys(values, time_s)}
        parts = [part]
        if files:
            sums = ", ".join(
                f"sum({name})::BIGINT AS {name}_total, "
                f"max({name}::BIGINT * 4294967296 + 4294967295 - time_s) AS {name}_key"
                for name in _COUNTED
            )
            found = self._sources.ask(
                f"SELECT time_s // 900 AS quarter, count(*) AS samples, {sums} "  # noqa: S608 - our own words
                "FROM read_parquet($files, hive_partitioning = false) "
                "WHERE time_s >= $from_s AND time_s < $to_s GROUP BY quarter",
                files,
                {"from_s": from_s, "to_s": to_s},
                limit_s=_LIMIT_S,
            )
            parts += [] if found is None else [found]
        whole = merged(parts, tuple(part), ("int64",) * len(part))
        quarter = whole["quarter"] - from_s // QUARTER_S
        samples = np.bincount(quarter, whole["samples"], _quarters(from_s, to_s)).astype(np.int64)
        pilots, airborne, controllers = (
            Series.of(quarter, whole[f"{name}_total"], whole[f"{name}_key"], samples)
            for name in _COUNTED
        )
        return NetworkLoad(known, pilots, airborne, controllers)

    def sectors(self, from_s: int, to_s: int, sector_ids: Sequence[int]) -> SectorLoads:
        """All of these sectors together, which should be those of one partition."""
        table = schema.demand.c
        with self._sources.database.read("asking for load", limit_s=_LIMIT_S) as connection:
            known, minutes = _minutes(connection, from_s, to_s)
            files = self._sources.manifest.files(connection, DEMAND.name, from_s, to_s)
            rows = connection.execute(
                select(table.minute_s, func.sum(table.occupancy), func.sum(table.entries))
                .where(
                    table.minute_s >= from_s,
                    table.minute_s < to_s,
                    table.sector_id.in_(sector_ids),
                )
                .group_by(table.minute_s)
            ).all()
        minute_s, total, entries = columns_of(rows, 3)
        part: dict[str, NDArray[Any]] = {
            "quarter": minute_s // QUARTER_S,
            "total": total,
            "key": peak_keys(total, minute_s),
            "entries": entries,
        }
        parts = [part]
        if files:
            found = self._sources.ask(
                "SELECT minute_s // 900 AS quarter, sum(total)::BIGINT AS total, "
                "max(total * 4294967296 + 4294967295 - minute_s) AS key, "
                "sum(entries)::BIGINT AS entries FROM ("
                "SELECT minute_s, sum(occupancy)::BIGINT AS total, sum(entries) AS entries "
                "FROM read_parquet($files, hive_partitioning = false) "
                "WHERE minute_s >= $from_s AND minute_s < $to_s "
                "AND sector_id IN (SELECT unnest($sectors)) GROUP BY minute_s"
                ") GROUP BY quarter",
                files,
                {"from_s": from_s, "to_s": to_s, "sectors": list(sector_ids)},
                limit_s=_LIMIT_S,
            )
            parts += [] if found is None else [found]
        whole = merged(parts, tuple(part), ("int64",) * len(part))
        quarter = whole["quarter"] - from_s // QUARTER_S
        size = _quarters(from_s, to_s)
        samples = minutes.reshape(size, QUARTER_S // _MINUTE_S).sum(axis=1)
        return SectorLoads(
            known,
            Series.of(quarter, whole["total"], whole["key"], samples),
            np.bincount(quarter, whole["entries"], size).astype(np.int64),
        )

    def by_sector(self, from_s: int, to_s: int) -> SectorSums:
        """Each sector that had any demand in the period."""
        table = schema.demand.c
        key = cast(table.occupancy, BigInteger) * _PEAK + (_LAST - table.minute_s)
        with self._sources.database.read("asking for sectors", limit_s=_LIMIT_S) as connection:
            known, minutes = _minutes(connection, from_s, to_s)
            files = self._sources.manifest.files(connection, DEMAND.name, from_s, to_s)
            rows = connection.execute(
                select(
                    table.sector_id,
                    func.sum(table.occupancy),
                    func.max(key),
                    func.sum(table.entries),
                )
                .where(table.minute_s >= from_s, table.minute_s < to_s)
                .group_by(table.sector_id)
            ).all()
        names = ("sector_id", "total", "key", "entries")
        columns = columns_of(rows, len(names))
        parts: list[dict[str, NDArray[Any]]] = [dict(zip(names, columns, strict=True))]
        if files:
            found = self._sources.ask(
                "SELECT sector_id, sum(occupancy)::BIGINT AS total, "
                "max(occupancy::BIGINT * 4294967296 + 4294967295 - minute_s) AS key, "
                "sum(entries)::BIGINT AS entries "
                "FROM read_parquet($files, hive_partitioning = false) "
                "WHERE minute_s >= $from_s AND minute_s < $to_s GROUP BY sector_id",
                files,
                {"from_s": from_s, "to_s": to_s},
                limit_s=_LIMIT_S,
            )
            parts += [] if found is None else [found]
        whole = merged(parts, names, ("int64",) * len(names))
        ids, index = np.unique(whole["sector_id"], return_inverse=True)
        sums = Series.of(index, whole["total"], whole["key"], np.ones(len(ids), np.int64))
        return SectorSums(
            known=known,
            minutes=int(minutes.sum()),
            sector_id=ids,
            total=np.rint(sums.mean).astype(np.int64),
            peak=sums.peak,
            peak_s=sums.peak_s,
            entries=np.bincount(index, whole["entries"], len(ids)).astype(np.int64),
        )

    def sector_names(self) -> dict[int, tuple[str, str]]:
        """Name and partition of every sector that was ever in the airspace, by its number."""
        table = schema.sector.c
        with self._sources.database.read("asking for sectors' names") as connection:
            rows = connection.execute(
                select(table.sector_id, table.name, table.dataset, table.kind)
            ).all()
        return {row.sector_id: (row.name, f"{row.dataset}:{row.kind}") for row in rows}


def _quarters(from_s: int, to_s: int) -> int:
    return (to_s - from_s) // QUARTER_S


def _minutes(
    connection: Connection, from_s: int, to_s: int
) -> tuple[KnownSpans, NDArray[np.bool_]]:
    """Of which minutes demand is known, as spans and one by one."""
    spans = _kept(connection, DEMAND, from_s, to_s)
    known = known_times(connection, from_s, to_s + _MINUTE_S)
    minute_s = np.arange(from_s, to_s, _MINUTE_S, dtype=np.int64)
    if known.first_s is None:
        return spans, np.zeros(minute_s.shape, np.bool_)
    minutes = known_minutes(
        from_s,
        to_s,
        first_s=known.first_s,
        final_minute_s=known.final_minute_s,
        gaps=known.gaps,
    )
    # What was let go of, or is in a file that is not there any more.
    minutes &= spans.seconds(minute_s, minute_s + _MINUTE_S) > 0
    if known.final_minute_s is not None:
        spans = spans.without(known.final_minute_s + _MINUTE_S, to_s)
    return spans, minutes


def _kept(connection: Connection, kind: SegmentKind, from_s: int, to_s: int) -> KnownSpans:
    """The times of which rows of a kind are there: known, not let go of, no file of them missing.

    Where nothing happened there is no demand; counts of the network are there for every snapshot,
    and are never kept for longer. So the older of the two says how far back anything is kept.
    """
    spans = known_spans(known_times(connection, from_s, to_s), from_s, to_s)
    file = schema.segment.c
    kinds = {kind.name, NETWORK.name}
    oldest = [
        connection.scalar(
            select(func.min(file.start_s)).where(
                file.kind.in_(kinds), file.replaced_at_us.is_(None)
            )
        ),
        connection.scalar(select(func.min(schema.network_count.c.time_s))),
    ]
    there = [each // DAY_S * DAY_S for each in oldest if each is not None]
    if there:
        spans = spans.without(from_s, min(there))
    missing = connection.execute(
        select(file.start_s, file.end_s).where(
            file.kind == kind.name,
            file.replaced_at_us.is_(None),
            file.missing.is_(True),
            file.start_s < to_s,
            file.end_s > from_s,
        )
    )
    for start_s, end_s in missing:
        spans = spans.without(start_s, end_s)
    return spans
