"""What recent truth a running program keeps in memory: how busy sectors were in the last weeks.

Five weeks of 350 sectors take 8 MB: sums over 5 min, which 15-min bins are made of, and single
minutes of the last day alone, for a moment sees only those that were final by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.bins import STEP_S, bin_means, mark_before
from sectorwatch.forecast.drawn import drawn_since

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sectorwatch.forecast.history import History
    from sectorwatch.store import Store
    from sectorwatch.traffic.contract import Space

__all__ = ["STEP_S", "Past"]

_MINUTE_S, _DAY_S = 60, 86_400
_STEP_MINUTES = STEP_S // _MINUTE_S
_KEPT_S = 36 * _DAY_S
_MINUTES_KEPT_S = 2 * _DAY_S
_MOST = np.iinfo(np.uint16).max


class Past:
    """Occupancy of `sector_ids` (s,) from `from_s` on, until the last minute that was added.

    It keeps five weeks and a day. `bin_mean` gives the same whether it was filled minute by minute,
    from the store, or `of` a history, of which it keeps all.
    """

    def __init__(self, sector_ids: NDArray[np.int64], from_s: int) -> None:
        self.sector_ids = sector_ids
        self.from_s = from_s // STEP_S * STEP_S
        self.until_s = self.from_s - _MINUTE_S
        """The last minute of which anything was said; those before it are known or never will."""
        steps = (_KEPT_S + _DAY_S) // STEP_S
        self._sums = np.zeros((sector_ids.size, steps), np.uint16)
        self._counts = np.zeros(steps, np.uint8)
        minutes = (_MINUTES_KEPT_S + _DAY_S) // _MINUTE_S
        self._minutes = np.zeros((sector_ids.size, minutes), np.int16)
        self._known = np.zeros(minutes, np.bool_)
        self._minutes_from_s = self.from_s
        self.since_s = np.zeros(sector_ids.size, np.int64)
        """From when on each sector is known to have been there, 0 where all along; (s,)."""

    @classmethod
    def of(cls, history: History) -> Past:
        """All of a history, sharing its minutes."""
        past = cls(history.sector_ids, history.from_s)
        offset = (history.from_s - past.from_s) // _MINUTE_S
        minutes = -(-(offset + history.known.size) // _STEP_MINUTES) * _STEP_MINUTES
        occupancy = np.zeros((history.sector_ids.size, minutes), np.int16)
        known = np.zeros(minutes, np.bool_)
        occupancy[:, offset : offset + history.known.size] = history.occupancy
        known[offset : offset + history.known.size] = history.known
        if not offset and minutes == history.known.size:
            occupancy = history.occupancy
        past._sums, past._counts = _summed(occupancy, known)
        past._minutes, past._known = occupancy, known
        past.since_s = history.since_s
        past.until_s = history.to_s - _MINUTE_S
        return past

    @classmethod
    def load(cls, store: Store, airspace: Space, until_s: int) -> Past:
        """The five weeks before `until_s` as they are kept."""
        past = cls.before(store, airspace, until_s)
        past.catch_up(store, until_s)
        return past

    @classmethod
    def before(cls, store: Store, airspace: Space, until_s: int) -> Past:
        """Of the sectors of `airspace`, and of the five weeks before `until_s` nothing yet."""
        ids = np.array([each.sector_id for each in airspace.sectors], np.int64)
        past = cls(ids, until_s - _KEPT_S)
        past.since_s = drawn_since(store.history, ids, airspace.fingerprint, past.from_s, until_s)
        return past

    def catch_up(self, store: Store, until_s: int, is_stopped: Callable[[], bool] = bool) -> bool:
        """Adds the minutes before `until_s` that have become final, read a day at a time.

        False where it was stopped between two days, or the database was away (DatabaseAwayError):
        what it has it keeps, and the next call goes on from there.
        """
        from_s = self.until_s + _MINUTE_S
        while from_s < until_s:
            if is_stopped():
                return False
            end_s = min(until_s, (from_s // _DAY_S + 1) * _DAY_S)
            demand = store.history.demand(self.sector_ids.tolist(), from_s, end_s)
            known = demand.known
            if end_s == until_s:
                # What is not final yet may still be known; what comes before that never will.
                last = np.flatnonzero(known)
                known = known[: int(last[-1]) + 1 if last.size else 0]
            self.add_minutes(from_s, demand.occupancy[:, : known.size], known)
            from_s = end_s
        return True

    def add(self, minute_s: int, occupancy: NDArray[np.integer]) -> None:
        """A minute that is final: the occupancy of each sector, shape (s,).

        Minutes come in order; those left out are never known. One that came before is let go.
        """
        self.add_minutes(minute_s, occupancy[:, None], np.ones(1, np.bool_))

    def add_minutes(
        self, from_s: int, occupancy: NDArray[np.integer], known: NDArray[np.bool_]
    ) -> None:
        """Minutes from `from_s` on, shapes (s, n) and (n,)."""
        skip = max(0, (self.until_s + _MINUTE_S - from_s) // _MINUTE_S)
        occupancy, known, from_s = occupancy[:, skip:], known[skip:], from_s + skip * _MINUTE_S
        if not known.size:
            return
        self._make_room(from_s + known.size * _MINUTE_S)
        skip = max(0, (self.from_s - from_s) // _MINUTE_S)
        occupancy, known, from_s = occupancy[:, skip:], known[skip:], from_s + skip * _MINUTE_S
        counted = np.where(known, occupancy, 0)
        at = (from_s - self.from_s) // _MINUTE_S + np.arange(known.size)
        steps = at // _STEP_MINUTES
        first = int(steps[0])
        edges = np.flatnonzero(np.diff(steps, prepend=first - 1))
        totals = np.add.reduceat(counted.astype(np.int64), edges, axis=1)
        where = slice(first, first + edges.size)
        self._sums[:, where] = np.minimum(self._sums[:, where] + totals, _MOST)
        self._counts[where] += np.add.reduceat(known, edges, dtype=np.uint8)
        column = (from_s - self._minutes_from_s) // _MINUTE_S
        skip = max(0, -column)
        there = slice(max(0, column), column + known.size)
        self._minutes[:, there] = counted[:, skip:]
        self._known[there] = known[skip:]
        self.until_s = from_s + (known.size - 1) * _MINUTE_S

    def bin_mean(
        self, start_s: NDArray[np.int64], bin_s: int = 900, *, until_s: int | None = None
    ) -> NDArray[np.float32]:
        """The mean occupancy of bins of whole 5 min, shape (s, n), that begin at `start_s` (n,).

        A start between two 5-min marks counts as the one before. NaN where less than half of the
        minutes are known, or the sector was not there yet; minutes after `until_s`, not final yet
        at the moment that asks, are not known.
        """
        starts = mark_before(np.asarray(start_s, np.int64))
        steps = bin_s // STEP_S
        first = (starts - self.from_s) // STEP_S
        at = first[:, None] + np.arange(steps)
        there = (at >= 0) & (at < self._counts.size)
        at = np.where(there, at, 0)
        count = np.where(there, self._counts[at], 0).sum(axis=1)
        total = np.where(there[None], self._sums[:, at], 0).sum(axis=2, dtype=np.int64)
        means = np.full(total.shape, np.nan, np.float32)
        good = 2 * count * _MINUTE_S >= bin_s
        means[:, good] = total[:, good] / count[good]
        if until_s is not None:
            late = np.flatnonzero(starts + bin_s - _MINUTE_S > until_s)
            means[:, late] = bin_means(
                self._minutes,
                self._known,
                (starts[late] - self._minutes_from_s) // _MINUTE_S,
                bin_s // _MINUTE_S,
                (until_s - self._minutes_from_s) // _MINUTE_S,
            )
        means[starts[None, :] < self.since_s[:, None]] = np.nan
        return means

    def known_steps(self, from_s: int, steps: int) -> NDArray[np.bool_]:
        """Of which steps of 5 min, from the mark at or before `from_s` on, most minutes are known.

        None of those outside of what is kept.
        """
        at = (from_s - self.from_s) // STEP_S + np.arange(steps)
        there = (at >= 0) & (at < self._counts.size)
        return there & (2 * self._counts[np.where(there, at, 0)] >= _STEP_MINUTES)

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return sum(each.nbytes for each in (self._sums, self._counts, self._minutes, self._known))

    def _make_room(self, end_s: int) -> None:
        """Let go what is oldest, by whole days, where the arrays would not reach until `end_s`."""
        over_s = end_s - (self.from_s + self._counts.size * STEP_S)
        if over_s > 0:
            shift = -(-over_s // _DAY_S) * _DAY_S
            _shift(self._sums, shift // STEP_S)
            _shift(self._counts[None], shift // STEP_S)
            self.from_s += shift
        over_s = end_s - (self._minutes_from_s + self._known.size * _MINUTE_S)
        if over_s > 0:
            shift = -(-over_s // _DAY_S) * _DAY_S
            _shift(self._minutes, shift // _MINUTE_S)
            _shift(self._known[None], shift // _MINUTE_S)
            self._minutes_from_s += shift


def _shift(columns: NDArray[np.generic], by: int) -> None:
    """Move columns to the left, in place; what comes in is zero."""
    width = columns.shape[1]
    left = max(0, width - by)
    columns[:, :left] = columns[:, width - left :]
    columns[:, left:] = np.zeros((), columns.dtype)


def _summed(
    occupancy: NDArray[np.int16], known: NDArray[np.bool_]
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    steps = known.size // _STEP_MINUTES
    sums = np.empty((occupancy.shape[0], steps), np.uint16)
    for row, values in enumerate(occupancy):
        total = values.reshape(steps, _STEP_MINUTES).sum(axis=1, dtype=np.int64)
        sums[row] = np.minimum(total, _MOST)
    return sums, known.reshape(steps, _STEP_MINUTES).sum(axis=1, dtype=np.uint8)
