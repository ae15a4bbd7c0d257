"""Where everybody was at moments of the past, read hour by hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.store.blobs import StoredPositions
from sectorwatch.store.segments import HOUR_S
from sectorwatch.traffic.rules import Rules

if TYPE_CHECKING:
    from sectorwatch.store import Store

__all__ = ["Whereabouts"]

_SILENT_AFTER_S = Rules().final_after_s
# How far back a moment may have to look, into the hour before.
_BACK_S = 400


class Whereabouts:
    """Positions, an hour of them at a time: cheap where moments come in ascending order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hour_s: int | None = None
        self._hour = StoredPositions.join([])
        self._is_whole = True
        self._before: tuple[int, StoredPositions, bool] | None = None

    def at(self, time_s: int, before_s: int) -> tuple[StoredPositions, bool]:
        """Where those were who were in the snapshot at `time_s`, and whether all could be read.

        `before_s` is the time of the snapshot before, 300 s ago at the most. Who has a position
        since then was there. Records sometimes stand still for a minute or two: who has none, but
        has a new one in the first snapshot after the 180 s for which a position counts, or before,
        was there too, and who has not was away. By flight.
        """
        self._read(time_s // HOUR_S * HOUR_S)
        hour = self._hour
        after_s = min(before_s, time_s - _SILENT_AFTER_S)
        rows = np.flatnonzero((hour.time_s <= time_s) & (hour.time_s > after_s))
        flights = hour.flight_id[rows]
        rows = rows[np.append(flights[1:] != flights[:-1], True)[: rows.size]]
        following = np.minimum(rows + 1, max(hour.time_s.size - 1, 0))
        goes_on = hour.flight_id[following] == hour.flight_id[rows]
        pause_s = hour.time_s[following] - hour.time_s[rows]
        away = goes_on & (pause_s >= _SILENT_AFTER_S + time_s - before_s)
        rows = rows[(hour.time_s[rows] > before_s) | ~away]
        return hour.take(rows), self._is_whole

    def _read(self, hour_s: int) -> None:
        if hour_s == self._hour_s:
            return
        before = self._before
        if before is None or before[0] != hour_s - HOUR_S:
            earlier, problem = self._store.history.positions(hour_s - HOUR_S)
            before = (hour_s - HOUR_S, _tail(earlier, hour_s), problem is None)
        now, problem = self._store.history.positions(hour_s)
        self._before = (hour_s, _tail(now, hour_s + HOUR_S), problem is None)
        whole = StoredPositions.join([before[1], now])
        self._hour = whole.take(np.lexsort([whole.time_s, whole.flight_id]))
        self._is_whole = problem is None
        self._hour_s = hour_s


def _tail(positions: StoredPositions, end_s: int) -> StoredPositions:
    return positions.take(np.flatnonzero(positions.time_s > end_s - _BACK_S))
