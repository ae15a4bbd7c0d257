"""When sectors had an owner in the last weeks, and how much traffic there was while they had.

Kept by quarter of an hour, some kilobytes a sector and day, and filled from the store a past day at
a time: capacities are learned from it, and so is when somebody is usually there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sectorwatch.forecast.horizon import BIN_S
from sectorwatch.traffic.demand import MINUTE_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from sectorwatch.store.queries_statistics_staff import Owned

__all__ = ["DAY_S", "Presence", "StaffedDay", "StaffedDays", "staffed_day"]

DAY_S = 86_400
_BINS = DAY_S // BIN_S
_MINUTES = DAY_S // MINUTE_S
_A_BIN = BIN_S // MINUTE_S
_SETTLED_S = 600
"""So long after midnight a day's minutes are final, with time to spare."""


class WeeksBefore(Protocol):
    """The division's clock, as far as it is needed here."""

    def weeks_before(self, times_s: NDArray[np.int64], weeks: int) -> NDArray[np.int64]:
        """The same local wall clock so many weeks earlier."""
        ...


@dataclass(frozen=True, slots=True)
class StaffedDay:
    """A day that begins at `day_s` (UTC), by quarters of an hour.

    Minutes with an owner, of those known, shape (s, 96); the mean occupancy in them, NaN where
    there is none; and how many minutes of each quarter are known at all, shape (96,).
    """

    day_s: int
    staffed_min: NDArray[np.uint8]
    load: NDArray[np.float16]
    known_min: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Presence:
    """On how many of the last weeks a sector had an owner for half a period or more.

    `here` has shape (s, n): of n periods that are to come; `of` (n,) how many weeks are known.
    """

    here: NDArray[np.int16]
    of: NDArray[np.int16]


def staffed_day(
    day_s: int,
    sector_ids: NDArray[np.int64],
    occupancy: NDArray[Any],
    known: NDArray[np.bool_],
    owned: Owned,
) -> StaffedDay:
    """A day out of its minutes: `occupancy` has shape (s, 1440), `known` (1440,).

    A minute counts as staffed where somebody owned the sector at hh:mm:00, which is when occupancy
    is counted.
    """
    staffed = np.zeros((sector_ids.size, _MINUTES + 1), np.int16)
    order = np.argsort(sector_ids)
    at = np.searchsorted(sector_ids[order], owned.sector_id)
    at = np.minimum(at, sector_ids.size - 1)
    ours = sector_ids[order][at] == owned.sector_id
    row = order[at[ours]]
    for edge_s, step in ((owned.start_s[ours], 1), (owned.end_s[ours], -1)):
        minute = np.clip(-((day_s - edge_s) // MINUTE_S), 0, _MINUTES)
        np.add.at(staffed, (row, minute), step)
    there = (np.cumsum(staffed[:, :_MINUTES], axis=1) > 0) & known
    shape = (sector_ids.size, _BINS, _A_BIN)
    count = there.reshape(shape).sum(axis=2)
    total = np.where(there, occupancy, 0).reshape(shape).sum(axis=2)
    with np.errstate(invalid="ignore"):
        load = (total / np.where(count, count, np.nan)).astype(np.float16)
    known_min = known.reshape(shape[1:]).sum(axis=1).astype(np.uint8)
    return StaffedDay(day_s, count.astype(np.uint8), load, known_min)


class StaffedDays:
    """The last `days` days of sectors, filled day by day; about 300 bytes a sector and day."""

    def __init__(self, sector_ids: NDArray[np.int64], days: int) -> None:
        self.sector_ids = sector_ids
        self._days = days
        self._held = np.full(days, -1, np.int64)
        self._staffed = np.zeros((sector_ids.size, days, _BINS), np.uint8)
        self._load = np.full((sector_ids.size, days, _BINS), np.nan, np.float16)
        self._known = np.zeros((days, _BINS), np.uint8)

    @property
    def held(self) -> list[int]:
        """The days that are held, by when they begin, oldest first."""
        return sorted(self._held[self._held >= 0].tolist())

    def wanted(self, now_s: int, first_s: int = 0) -> list[int]:
        """The days that are over at `now_s` and not held yet, newest first.

        None before `first_s`, when the first snapshot of all was.
        """
        newest = (now_s - _SETTLED_S) // DAY_S * DAY_S - DAY_S
        oldest = max(newest - (self._days - 1) * DAY_S, first_s // DAY_S * DAY_S)
        held = set(self._held.tolist())
        return [day for day in range(newest, oldest - 1, -DAY_S) if day not in held]

    def add(self, day: StaffedDay) -> None:
        """Hold a day; it takes the place of the one that is `days` older."""
        at = day.day_s // DAY_S % self._days
        self._held[at] = day.day_s
        self._staffed[:, at] = day.staffed_min
        self._load[:, at] = day.load
        self._known[at] = day.known_min

    def quarters(self) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.float16]]:
        """What is held: when quarters begin (n,), minutes staffed and load then (s, n)."""
        there = np.flatnonzero(self._held >= 0)
        there = there[np.argsort(self._held[there])]
        start_s = (self._held[there][:, None] + np.arange(_BINS) * BIN_S).ravel()
        sectors = self.sector_ids.size
        return (
            start_s,
            self._staffed[:, there].reshape(sectors, -1),
            self._load[:, there].reshape(sectors, -1),
        )

    def presence(
        self, start_s: Sequence[int], length_s: int, clock: WeeksBefore, weeks: int = 8
    ) -> Presence:
        """On how many of the last weeks an owner was there at these periods' local time.

        A week counts where three quarters of the period's minutes are known.
        """
        begin = np.asarray(start_s, np.int64)
        here = np.zeros((self.sector_ids.size, begin.size), np.int16)
        of = np.zeros(begin.size, np.int16)
        steps = np.arange(0, length_s, BIN_S)
        for week in range(1, weeks + 1):
            then = clock.weeks_before(begin, week)
            bins = (then // BIN_S * BIN_S)[:, None] + steps
            day = bins // DAY_S
            at, quarter = day % self._days, bins % DAY_S // BIN_S
            held = self._held[at] == day * DAY_S
            known = np.where(held, self._known[at, quarter], 0).sum(axis=1)
            staffed = np.where(held, self._staffed[:, at, quarter], 0).sum(axis=2, dtype=np.int64)
            counts = known >= 0.75 * length_s / MINUTE_S
            of += counts
            here += counts & (staffed >= 0.5 * known)
        return Presence(here, of)
