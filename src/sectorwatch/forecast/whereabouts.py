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
        self._order = np.empty(0, np.intp)
        self._flight_id, self._time_s = self._hour.flight_id, self._hour.time_s
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
        flight_id, times_s = self._flight_id, self._time_s
        after_s = min(before_s, time_s - _SILENT_AFTER_S)
        rows = np.flatnonzero((times_s <= time_s) & (times_s > after_s))
        flights = flight_id[rows]
        rows = rows[np.append(flights[1:] != flights[:-1], True)[: rows.size]]
        following = np.minimum(rows + 1, max(times_s.size - 1, 0))
        goes_on = flight_id[following] == flight_id[rows]
        pause_s = times_s[following] - times_s[rows]
        away = goes_on & (pause_s >= _SILENT_AFTER_S + time_s - before_s)
        rows = rows[(times_s[rows] > before_s) | ~away]
        return self._hour.take(self._order[rows]), self._is_whole

    def _read(self, hour_s: int) -> None:
        if hour_s == self._hour_s:
            return
        before = self._before
        if before is None or before[0] != hour_s - HOUR_S:
            earlier, problem = self._store.history.positions(hour_s - HOUR_S)
            before = (hour_s - HOUR_S, _tail(earlier, hour_s), problem is None)
        now, problem = self._store.history.positions(hour_s)
        self._before = (hour_s, _tail(now, hour_s + HOUR_S), problem is None)
        self._hour = whole = StoredPositions.join([before[1], now])
        if _is_in_order(before[1]) and _is_in_order(now):
            # As sealed files are: then it is two runs that are merged.
            self._order = np.argsort(whole.flight_id, kind="stable")
        else:
            self._order = np.lexsort([whole.time_s, whole.flight_id])
        # Few of an hour's are asked for, so only what they are found by is put in order.
        self._flight_id, self._time_s = whole.flight_id[self._order], whole.time_s[self._order]
        self._is_whole = problem is None
        self._hour_s = hour_s


def _is_in_order(positions: StoredPositions) -> bool:
    """Whether they come by flight, and those of each by time."""
    apart = np.diff(positions.flight_id)
    return bool(((apart > 0) | ((apart == 0) & (np.diff(positions.time_s) >= 0))).all())


def _tail(positions: StoredPositions, end_s: int) -> StoredPositions:
    return positions.take(np.flatnonzero(positions.time_s > end_s - _BACK_S))
