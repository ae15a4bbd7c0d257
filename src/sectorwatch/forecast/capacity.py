"""How many aircraft a sector takes: as configured, else learned from what was handled there.

What is learned is the load that was exceeded in a twentieth of the time in which the sector had an
owner: busier than that, a controller there rarely was. It is no limit of anybody's, and it is not
said at all while too little staffed time is known, or while it was never busy enough to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from sectorwatch.forecast.breach import p_above
from sectorwatch.forecast.horizon import BIN_S
from sectorwatch.forecast.staffing import DAY_S, StaffedDays, staffed_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from sectorwatch.airspace.model import Sector
    from sectorwatch.store import Store

__all__ = ["Capacity", "CapacityBook", "CapacityRule", "Learned", "learned_capacity"]

Source = Literal["configured", "learned"]
_SOURCES: tuple[Source | None, ...] = (None, "configured", "learned")
_CONFIGURED, _LEARNED = 1, 2
_QUIETEST = 3.0
"""A sector that was hardly ever busier than this while staffed says nothing of what it takes."""
_QUANTILE = 0.95
_MOSTLY_MIN = 10
_A_LOOK_MIN = 60.0
_TENTH = 1.2816
"""Normal deviate of the tenth: of an 80 % interval."""
_HALF_LIFE_DAYS = 28.0
_LOOK_EVERY_DAYS = 8


@dataclass(frozen=True, slots=True)
class CapacityRule:
    """What a capacity is learned by.

    `quantile` of the load of staffed quarters of an hour, once `least_staffed_h` of them are known;
    so many hours that the greatest load seen lies above the true quantile in nine cases of ten.
    """

    days: int = 56
    quantile: float = _QUANTILE
    least_staffed_h: float = 45.0


@dataclass(frozen=True, slots=True)
class Learned:
    """A high quantile of the load handled, with its 80 % interval, shape (s,); aircraft.

    NaN where nothing is known. `staffed_h` is how long the sector was staffed in time that counts.
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    staffed_h: NDArray[np.float64]


def learned_capacity(
    load: NDArray[Any],
    staffed_min: NDArray[Any],
    age_days: NDArray[Any],
    quantile: float = _QUANTILE,
) -> Learned:
    """The load that was exceeded in the rest of the time in which sectors were staffed.

    `load` and `staffed_min` have shape (s, n) and are of quarters of an hour, `age_days` (n,) says
    how long ago each was. A quarter counts where it was staffed for 10 min or more, by its minutes,
    and half as much every 28 days: teams and traffic change. The interval takes an hour for one
    look, as quarters on end are alike: it is that of an order statistic of as many looks as the
    weights are worth.
    """
    counts = (staffed_min >= _MOSTLY_MIN) & ~np.isnan(load)
    weight = np.where(counts, staffed_min, 0).astype(np.float64)
    staffed_h = weight.sum(axis=1) / 60
    weight *= 0.5 ** (np.asarray(age_days, np.float64) / _HALF_LIFE_DAYS)
    values = np.where(counts, load, np.inf).astype(np.float32)
    order = np.argsort(values, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    weight = np.take_along_axis(weight, order, axis=1)
    upto = np.cumsum(weight, axis=1)
    total = upto[:, -1] if upto.shape[1] else np.zeros(len(upto))
    with np.errstate(invalid="ignore", divide="ignore"):
        looks = total**2 / (weight**2).sum(axis=1) * (BIN_S / 60 / _A_LOOK_MIN)
        error = _TENTH * np.sqrt(quantile * (1 - quantile) / looks)
    value, low, high = (
        _weighted(values, upto, total, np.clip(quantile + side * error, 0.0, 1.0))
        for side in (0, -1, 1)
    )
    return Learned(value, low, high, staffed_h)


def _weighted(
    values: NDArray[np.float32],
    upto: NDArray[np.float64],
    total: NDArray[np.float64],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The value at a share of the weight, row by row; NaN where there is no weight."""
    found = np.full(total.shape, np.nan)
    for row in np.flatnonzero(total > 0):
        # A little less, so that all of the weight is reached in spite of rounding.
        wanted = share[row] * total[row] * (1 - 1e-12)
        found[row] = values[row, np.searchsorted(upto[row], wanted)]
    return found


@dataclass(frozen=True, slots=True)
class Capacity:
    """What each sector takes, in the airspace's order, shape (s,); aircraft, NaN where unknown.

    `low` and `high` are the 80 % interval of what was learned, NaN where it is configured.
    """

    sector_id: NDArray[np.int64]
    value: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    source: Sequence[Source | None]
    words: Sequence[str]

    def capacity(self, sector_id: int) -> tuple[float | None, Source | None]:
        """A sector's capacity and where it comes from; (None, None) where nothing is known."""
        at = np.flatnonzero(self.sector_id == sector_id)
        if not at.size or self.source[at[0]] is None:
            return None, None
        return float(self.value[at[0]]), self.source[at[0]]

    def p_over(self, quantiles: NDArray[Any], p_zero: NDArray[Any]) -> NDArray[np.float32]:
        """The probability of each bin's mean above capacity, shape (s, l); NaN where unknown.

        `quantiles` has shape (s, l, q), `p_zero` (s, l), both in this order of sectors.
        """
        return p_above(quantiles, p_zero, self.value[:, None]).astype(np.float32)


class CapacityBook:
    """The capacities of now; what is learned comes from the store, one past day a call.

    Belongs to one thread; `now` may be read from any. Nothing is kept on disk: after a start it is
    learned again, newest day first, and configured capacities are there at once.
    """

    def __init__(self, sectors: Sequence[Sector], rule: CapacityRule | None = None) -> None:
        self.rule = rule or CapacityRule()
        self.days = StaffedDays(
            np.array([each.sector_id for each in sectors], np.int64), self.rule.days
        )
        self._configured = np.array(
            [np.nan if each.capacity is None else each.capacity for each in sectors], np.float32
        )
        self._first_s: tuple[int, int] | None = None
        self.now = self._work_out(0)

    def refresh(self, store: Store, now_s: int) -> bool:
        """Take in one day that is over at `now_s` and not known yet; whether there was one.

        Where there is none it costs next to nothing. Raises DatabaseAwayError, QueryTooLongError:
        it may be called again.
        """
        if not self.days.wanted(now_s):
            return False
        wanted = self.days.wanted(now_s, self._first_of(store, now_s))
        if not wanted:
            return False
        day_s = wanted[0]
        ids = self.days.sector_ids
        found = store.history.demand(ids.tolist(), day_s, day_s + DAY_S)
        owned = store.statistics.staff.owned(day_s, day_s + DAY_S)
        self.days.add(staffed_day(day_s, ids, found.occupancy, found.known, owned))
        # Many days on end come after a start; a look at all of them costs more than one of them.
        if len(wanted) == 1 or len(self.days.held) % _LOOK_EVERY_DAYS == 0:
            self.now = self._work_out(now_s)
        return True

    def _first_of(self, store: Store, now_s: int) -> int:
        """When the first snapshot of all was; asked once a day, for it changes with a rebuild."""
        today = now_s // DAY_S
        if self._first_s is None or self._first_s[0] != today:
            first_s = store.network.known(now_s - self.rule.days * DAY_S, now_s).first_s
            if first_s is None:
                return now_s
            self._first_s = today, first_s
        return self._first_s[1]

    def _work_out(self, now_s: int) -> Capacity:
        start_s, staffed_min, load = self.days.quarters()
        found = learned_capacity(load, staffed_min, (now_s - start_s) / DAY_S, self.rule.quantile)
        configured = ~np.isnan(self._configured)
        known = (found.staffed_h >= self.rule.least_staffed_h) & (found.value >= _QUIETEST)
        learned = ~configured & known
        source = np.where(configured, _CONFIGURED, np.where(learned, _LEARNED, 0))
        return Capacity(
            sector_id=self.days.sector_ids,
            value=np.where(configured, self._configured, np.where(learned, found.value, np.nan)),
            low=np.where(learned, found.low, np.nan).astype(np.float32),
            high=np.where(learned, found.high, np.nan).astype(np.float32),
            source=[_SOURCES[each] for each in source.tolist()],
            words=[self._words(int(source[row]), found, row) for row in range(source.size)],
        )

    def _words(self, source: int, found: Learned, row: int) -> str:
        if source == _CONFIGURED:
            return "as configured"
        hours, value = found.staffed_h[row], found.value[row]
        if source == _LEARNED:
            return (
                f"learned: in {1 - self.rule.quantile:.0%} of {hours:.0f} h with a controller the "
                f"load was above {value:.1f} (80 % interval {found.low[row]:.1f} to "
                f"{found.high[row]:.1f}); nobody has said how much it takes"
            )
        if hours < self.rule.least_staffed_h:
            return (
                f"unknown: {hours:.0f} h with a controller are known of the "
                f"{self.rule.least_staffed_h:g} h that it takes to tell"
            )
        return (
            f"unknown: in {hours:.0f} h with a controller it was hardly ever busier than "
            f"{value:.1f}, too quiet to tell"
        )
