"""What became of the flights that were known at a moment: the truth that learning counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.history import History
    from sectorwatch.forecast.situation import Situation

__all__ = ["Outcomes", "VisitsAfter"]

_HOUR_S = 3_600
_BEFORE_S, _AFTER_S = 3 * _HOUR_S, 6 * _HOUR_S
_LAG_S = 300
_TIMES = 3
"""A flight that comes into one sector more often is looked for no further."""


class Outcomes:
    """What happened to flights, as far as it was known at `until_s`."""

    def __init__(self, history: History, until_s: int) -> None:
        self._history = history
        self._flights = history.flights
        self._until_s = until_s
        self._rows_of: dict[tuple[int, str], list[int]] | None = None

    def flights_of(self, situation: Situation) -> NDArray[np.int64]:
        """The row of `History.flights` that each flight of a situation is, or became.

        Of a prefile that of the next flight of that member and callsign to take off; UNKNOWN where
        there is none.
        """
        flight = self._flights.row_of(situation.flight_id).astype(np.int64)
        rows_of = self._by_member()
        departed_s = self._flights.departed_s
        for row in np.flatnonzero(situation.stage == Stage.PREFILED).tolist():
            rows = rows_of.get((int(situation.cid[row]), situation.callsign[row]), ())
            later = [each for each in rows if departed_s[each] > situation.as_of_s - _LAG_S]
            flight[row] = min(later, key=lambda each: departed_s[each], default=UNKNOWN)
        return flight

    def off_s(self, flight: NDArray[np.int64], as_of_s: int) -> NDArray[np.int64]:
        """When flights took off that had not yet at a moment, UNKNOWN for those that did not.

        That may be before it: the last snapshot is older than the moment.
        """
        departed_s = self._flights.departed_s[flight] if len(self._flights) else flight * 0
        known = (flight != UNKNOWN) & (departed_s > as_of_s - _LAG_S)
        known &= departed_s <= self._until_s
        return np.where(known, departed_s, UNKNOWN)

    def took_s(self, flight: NDArray[np.int64], as_of_s: int) -> NDArray[np.float64]:
        """How long flights that took off after a moment were in the air; NaN where unknown."""
        off_s = self.off_s(flight, as_of_s)
        arrived_s = self._flights.arrived_s[flight] if len(self._flights) else flight * 0
        known = (off_s != UNKNOWN) & (arrived_s > off_s) & (arrived_s <= self._until_s)
        return np.where(known, arrived_s - off_s, np.nan)

    def quits(self, situation: Situation, flight: NDArray[np.int64]) -> tuple[float, float]:
        """How many in the air vanished within an hour, and how long they all flew, in hours."""
        rows = flight[(situation.stage == Stage.AIRBORNE) & (flight != UNKNOWN)]
        if not rows.size or situation.as_of_s + _HOUR_S > self._until_s:
            return 0.0, 0.0
        ended_s, arrived_s = self._flights.ended_s[rows], self._flights.arrived_s[rows]
        end_s = situation.as_of_s + _HOUR_S
        landed = (arrived_s > situation.as_of_s) & (arrived_s <= end_s)
        gone = ~landed & (ended_s != UNKNOWN) & (ended_s < end_s)
        until_s = np.where(landed, arrived_s, np.where(gone, ended_s, end_s))
        hours = np.maximum(until_s - situation.as_of_s, 0).sum() / _HOUR_S
        return float(gone.sum()), float(hours)

    def visits_after(self, as_of_s: int) -> VisitsAfter:
        """The visits of the hours round a moment."""
        until_s = min(as_of_s + _AFTER_S, self._until_s)
        visits = self._history.visits(as_of_s - _BEFORE_S, until_s)
        exit_s = np.where(visits.exit_s <= self._until_s, visits.exit_s, UNKNOWN)
        return VisitsAfter(visits.flight, visits.sector, visits.entry_s, exit_s)

    def _by_member(self) -> dict[tuple[int, str], list[int]]:
        if self._rows_of is None:
            self._rows_of = {}
            flights = self._flights
            rows = np.flatnonzero(flights.departed_s != UNKNOWN)
            members = zip(flights.cid[rows].tolist(), flights.callsign.take(rows), strict=True)
            for member, row in zip(members, rows.tolist(), strict=True):
                self._rows_of.setdefault(member, []).append(row)
        return self._rows_of


class VisitsAfter:
    """Visits that are found by flight and sector."""

    def __init__(
        self,
        flight: NDArray[np.int64],
        sector: NDArray[np.int32],
        entry_s: NDArray[np.int64],
        exit_s: NDArray[np.int64],
    ) -> None:
        self._sectors = int(sector.max(initial=0)) + 1
        key = flight * self._sectors + sector
        order = np.lexsort((entry_s, key))
        self._key, self._entry_s, self._exit_s = key[order], entry_s[order], exit_s[order]

    def find(
        self, flight: NDArray[np.int64], sector: NDArray[np.int32], as_of_s: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(entry, exit) of the first visit of each flight and sector that was not over by then.

        NaN where there is none, or it has not ended.
        """
        key = flight * self._sectors + sector
        entry_s, exit_s = np.full(key.size, np.nan), np.full(key.size, np.nan)
        if not self._key.size:
            return entry_s, exit_s
        at, end = np.searchsorted(self._key, key), np.searchsorted(self._key, key, side="right")
        known = (flight != UNKNOWN) & (sector < self._sectors)
        for _ in range(_TIMES):
            here = np.minimum(at, self._key.size - 1)
            over = (self._exit_s[here] != UNKNOWN) & (self._exit_s[here] <= as_of_s)
            found = known & (at < end) & ~over & np.isnan(entry_s)
            entry_s[found] = self._entry_s[here[found]]
            ended = found & (self._exit_s[here] != UNKNOWN)
            exit_s[ended] = self._exit_s[here[ended]]
            at = at + 1
        return entry_s, exit_s
