"""Forecasts of airports as a program has them: learned from what is kept, issued, kept, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace.model import stable_id
from sectorwatch.errors import StoreError
from sectorwatch.forecast.airports.fields import known_movements
from sectorwatch.forecast.airports.outlook import outlook_of
from sectorwatch.forecast.airports.rates import KINDS, MovementRates
from sectorwatch.forecast.horizon import BIN_S, LEADS, LONGEST_S
from sectorwatch.forecast.issued import BASES, Issued
from sectorwatch.store.segments import DAY_S
from sectorwatch.traffic.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports
    from sectorwatch.forecast.airports.outlook import AirportOutlook
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.plans.field_times import FieldTimes
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.store import Store

__all__ = ["MOST_KEPT", "AirportForecaster", "series_id"]

MOST_KEPT = 100
"""So many airports, the busiest, are kept and scored; all others are forecast all the same."""
_LEVEL_OF = 200
_LEARNED_DAYS = 28
_FINAL_S = 900
_LEVEL_S = 3 * 3_600
_LEAST_LEVEL, _MOST_LEVEL = 0.5, 2.0
_LEVEL_BESIDE = 20.0
_MINUTE_S = 60
_ENOUGH = 0.5
_STATE = "airports"
_FINAL_AFTER_S = Rules().final_after_s + _MINUTE_S


def series_id(icao: str, kind: str) -> int:
    """The number of an airport's departures or arrivals, as forecasts of them are kept."""
    return stable_id("airport", icao, kind)


class AirportForecaster:
    """Forecasts movements at all airports; written by one thread, `latest` read by any."""

    def __init__(self, airports: Airports, local: LocalTime) -> None:
        self._airports = airports
        self._local = local
        self.rates = MovementRates(local)
        self.latest: AirportOutlook | None = None
        self._level = 1.0

    def resume(self, store: Store) -> None:
        """Goes on with what another learned. Raises DatabaseAwayError."""
        state = store.forecasts.state(_STATE)
        if state is None:
            return
        try:
            self.rates.load(state[1])
        except StoreError:
            # Damaged, or of another version: it is learned anew, a day at each issue.
            self.rates = MovementRates(self._local)

    def learn(self, store: Store, now_s: int) -> int | None:
        """Learns the next day that is over, one a call; its number of movements, None for no day.

        Raises DatabaseAwayError.
        """
        over_s = (now_s - _FINAL_S) // DAY_S * DAY_S
        known = store.network.known(over_s - DAY_S, over_s)
        if known.first_s is None:
            return None
        first_s = max(known.first_s // DAY_S * DAY_S, over_s - _LEARNED_DAYS * DAY_S)
        day_s = max(self.rates.learned_to_s, first_s)
        if day_s + DAY_S > over_s:
            return None
        seen = store.history.movement_minutes((), day_s, day_s + DAY_S).known
        count = self.rates.add_day(store.history, day_s, seen)
        store.forecasts.keep_state(_STATE, now_s, self.rates.to_blob())
        return count

    def look_at_level(self, store: Store, until_s: int) -> float:
        """How busy the last hours were beside what is usual then, all airports together."""
        from_s = (until_s - _LEVEL_S) // BIN_S * BIN_S
        series = [(icao, kind) for icao in self.rates.busiest(_LEVEL_OF) for kind in KINDS]
        seen = store.history.movement_minutes(series, from_s, until_s)
        if not series or not seen.known.any():
            self._level = 1.0
            return self._level
        times_s = from_s + np.flatnonzero(seen.known) * _MINUTE_S
        rows = self.rates.rows_of(self.rates.busiest(_LEVEL_OF))
        bins, which = np.unique(times_s // BIN_S, return_counts=True)
        usual = self.rates.total(rows, bins * BIN_S).sum(axis=(0, 1))
        expected = float((usual * which * _MINUTE_S / BIN_S).sum())
        ratio = (float(seen.occupancy.sum()) + _LEVEL_BESIDE) / (expected + _LEVEL_BESIDE)
        self._level = float(np.clip(ratio, _LEAST_LEVEL, _MOST_LEVEL))
        return self._level

    def issue(self, situation: Situation, times: FieldTimes) -> AirportOutlook:
        """The forecast of a moment, kept as `latest`."""
        names = self.rates.icao
        found = [self._airports.get(each) for each in names]
        rows = np.array([row for row, each in enumerate(found) if each is not None], np.int64)
        places = np.array([each.index for each in found if each is not None], np.int64)
        starts_s = situation.as_of_s + LEADS
        unseen = self.rates.total(rows, starts_s) * self.rates.unseen_share(rows) * self._level
        self.latest = outlook_of(
            situation.as_of_s,
            known_movements(situation, times),
            places,
            unseen,
            self._level,
        )
        return self.latest

    def issued(
        self, store: Store, outlook: AirportOutlook, *, model: str = "", seq: int = 0
    ) -> Issued:
        """An outlook for the busiest airports in the form in which forecasts are kept and scored.

        `sector_id` are `series_id`; numbers are movements in a quarter of an hour. Beside it stand
        what was in the last quarter of an hour and in the same ones a week before.
        """
        rows = self._kept(outlook)
        mean, quantiles, none = outlook.quantiles(rows)
        shape = rows.size * len(KINDS), LEADS.size
        series = self.series(outlook)
        return Issued(
            as_of_s=outlook.as_of_s,
            seq=seq,
            model=model,
            sector_id=np.array([series_id(*each) for each in series], np.int64),
            leads_s=LEADS,
            basis=np.full(shape[0], BASES.index("insufficient_history"), np.int8),
            current=self._last_bin(store, series, outlook.as_of_s),
            capacity=np.full(shape[0], np.nan, np.float32),
            mean=mean.reshape(shape),
            quantiles=quantiles.reshape(*shape, quantiles.shape[-1]),
            p_zero=none.reshape(shape),
            p_over_capacity=np.full(shape, np.nan, np.float32),
            plan_mean=outlook.known[rows].reshape(shape),
            naive=self._naive(store, series, outlook.as_of_s),
        )

    def series(self, outlook: AirportOutlook) -> list[tuple[str, str]]:
        """The (airport, kind) that `issued` tells of, in its order."""
        rows = self._kept(outlook)
        icao = [self._airports.icao[at] for at in outlook.place[rows].tolist()]
        return [(each, kind) for each in icao for kind in KINDS]

    def last_week(
        self, store: Store, icao: str, as_of_s: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """An airport's (departures, arrivals) in the same bins a week before; NaN where unknown."""
        departures, arrivals = self._naive(store, [(icao, kind) for kind in KINDS], as_of_s)
        return departures, arrivals

    def _kept(self, outlook: AirportOutlook) -> NDArray[np.int64]:
        busy = (outlook.known + outlook.unseen).sum(axis=(1, 2))
        return np.sort(np.argsort(-busy, kind="stable")[:MOST_KEPT])

    def _last_bin(
        self, store: Store, series: Sequence[tuple[str, str]], as_of_s: int
    ) -> NDArray[np.int32]:
        """What was in the quarter of an hour that is final last; 0 where nobody knows."""
        start_s = np.array([as_of_s - BIN_S - _FINAL_AFTER_S], np.int64)
        return np.nan_to_num(self._counts(store, series, start_s)[:, 0]).astype(np.int32)

    def _naive(
        self, store: Store, series: Sequence[tuple[str, str]], as_of_s: int
    ) -> NDArray[np.float32]:
        return self._counts(store, series, self._local.weeks_before(as_of_s + LEADS, 1))

    def _counts(
        self, store: Store, series: Sequence[tuple[str, str]], starts_s: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Movements in the bins that begin then, shape (series, n); NaN where unknown."""
        from_s = int(starts_s.min()) // _MINUTE_S * _MINUTE_S
        to_s = min(int(starts_s.max()), from_s + 2 * LONGEST_S) + BIN_S
        seen = store.history.movement_minutes(series, from_s, to_s)
        first = (starts_s - from_s) // _MINUTE_S
        at = first[:, None] + np.arange(BIN_S // _MINUTE_S)
        there = (at >= 0) & (at < seen.known.size)
        at = np.where(there, at, 0)
        there &= seen.known[at]
        count = there.sum(axis=1)
        total = np.where(there[None], seen.occupancy[:, at], 0).sum(axis=2)
        found = np.full(total.shape, np.nan, np.float32)
        good = count >= _ENOUGH * at.shape[1]
        found[:, good] = total[:, good] * at.shape[1] / count[good]
        return found
