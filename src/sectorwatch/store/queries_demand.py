"""Questions for the demand of many sectors minute by minute, as one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from sectorwatch.store import schema
from sectorwatch.store.queries_statistics_load import demand_known
from sectorwatch.store.segments import DEMAND
from sectorwatch.store.sources import columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.store.sources import Sources

__all__ = ["DemandMinutes", "DemandQueries"]

_LIMIT_S = 30.0
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class DemandMinutes:
    """Sectors minute by minute: `occupancy` of shape (s, m), in the order asked for.

    `minute_s` and `known` have shape (m,). Where a minute is not known (before the first snapshot,
    touched by a gap, not final yet, let go of) its occupancy is 0 and means nothing.
    """

    minute_s: NDArray[np.int64]
    occupancy: NDArray[np.int16]
    known: NDArray[np.bool_]


class DemandQueries:
    """Asks for demand; times are whole minutes in seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def minutes(self, sector_ids: Sequence[int], from_s: int, to_s: int) -> DemandMinutes:
        """Every minute of these sectors; two bytes a sector and minute, so not years at a time.

        Raises DatabaseAwayError, QueryTooLongError.
        """
        table = schema.demand.c
        minute_s = np.arange(from_s, to_s, _MINUTE_S, dtype=np.int64)
        ids = np.array(sector_ids, np.int64)
        order = np.argsort(ids)
        occupancy = np.zeros((ids.size, minute_s.size), np.int16)

        def put(
            sector: NDArray[np.int64], minute: NDArray[np.int64], count: NDArray[np.int64]
        ) -> None:
            at = np.searchsorted(ids, sector, sorter=order)
            row = order[np.minimum(at, ids.size - 1)]
            ours = ids[row] == sector
            column = (minute[ours] - from_s) // _MINUTE_S
            occupancy[row[ours], column] = np.minimum(count[ours], np.iinfo(np.int16).max)

        with self._sources.database.read("asking for demand", limit_s=_LIMIT_S) as connection:
            files = self._sources.manifest.files(connection, DEMAND.name, from_s, to_s)
            rows = connection.execute(
                select(table.sector_id, table.minute_s, table.occupancy).where(
                    table.minute_s >= from_s, table.minute_s < to_s
                )
            ).all()
        if ids.size:
            put(*columns_of(rows, 3))
        # A file at a time: as many rows as a day has.
        for file in files if ids.size else []:
            found = self._sources.ask(
                "SELECT sector_id, minute_s, occupancy "
                "FROM read_parquet($files, hive_partitioning = false) "
                "WHERE minute_s >= $from_s AND minute_s < $to_s",
                [file],
                {"from_s": from_s, "to_s": to_s},
                limit_s=_LIMIT_S,
            )
            if found is not None:
                put(found["sector_id"], found["minute_s"], found["occupancy"])
        # Asked last: what was found damaged just now is among it.
        with self._sources.database.read("asking what is known", limit_s=_LIMIT_S) as connection:
            _, known = demand_known(connection, from_s, to_s)
        occupancy[:, ~known] = 0
        return DemandMinutes(minute_s, occupancy, known)
