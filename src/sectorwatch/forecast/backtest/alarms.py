"""How good warnings of a breach of capacity would have been, method by method.

By the rule that a running program warns by: the probability that a sector is above its capacity in
two bins on end within 4 h, with hysteresis. A method that gives a number alone is sure of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.alert_score import AlertScore, alert_score
from sectorwatch.forecast.breach import breached, p_above, sustained
from sectorwatch.forecast.capacity import learned_capacity
from sectorwatch.forecast.horizon import BIN_S, LONGEST_S
from sectorwatch.forecast.hysteresis import WarningRule, warned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace.model import Sector
    from sectorwatch.forecast.backtest.bins import Bins
    from sectorwatch.forecast.backtest.method import Forecasts, Method

__all__ = ["Alarms", "capacities"]

_DAY_S = 86_400
_QUARTER_MIN = 15
_LEAST_P, _FAST_ENOUGH_S = 1e-3, 1_800


def capacities(
    sectors: Sequence[Sector], bins: Bins, until_s: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How much each sector takes (s,), NaN where unknown, and whether that was configured.

    Else what it was seen to handle before `until_s`, as if it had been staffed all the time: a high
    quantile of its load.
    """
    known = bins.until(until_s).quarters()
    load = known.mean
    age_days = (until_s - known.start_s - BIN_S * np.arange(load.shape[1])) / _DAY_S
    learned = learned_capacity(load, np.full(load.shape, _QUARTER_MIN), age_days).value
    given = np.array([np.nan if s.capacity is None else s.capacity for s in sectors], np.float64)
    # A sector that holds nobody most of the time has no capacity to speak of.
    learned = np.where(learned >= 1, learned, np.nan)
    return np.where(np.isfinite(given), given, learned), np.isfinite(given)


class Alarms:
    """Hears every method's forecasts and keeps how likely a sustained breach is, (moments, s)."""

    def __init__(self, capacity: NDArray[np.float64], every_s: int) -> None:
        self.capacity = capacity
        # Issued less often than in service, one issue on its own raises a warning.
        self._rule = (
            WarningRule()
            if every_s <= _FAST_ENOUGH_S
            else WarningRule(issues=1, most_between_s=2 * every_s)
        )
        self._as_of_s: dict[str, list[NDArray[np.int64]]] = {}
        self._p: dict[str, list[NDArray[np.float32]]] = {}

    def hear(self, method: Method, as_of_s: NDArray[np.int64], said: Forecasts) -> None:
        """A day's forecasts for all leads."""
        p = np.full((as_of_s.size, self.capacity.size), np.nan, np.float32)
        for row in range(as_of_s.size):
            p[row] = self._p_breach(said, row)
        self._as_of_s.setdefault(method.name, []).append(as_of_s)
        self._p.setdefault(method.name, []).append(p)

    def figures(self, name: str, which: NDArray[np.intp], bins: Bins) -> dict[str, Any] | None:
        """Precision and recall of a method's warnings of the sectors at `which`.

        None where it gave no forecast; shares of nothing are None.
        """
        if name not in self._p:
            return None
        as_of_s = np.concatenate(self._as_of_s[name])
        p = np.concatenate(self._p[name])[:, which]
        if np.isnan(p).all():
            return None
        quarters = bins.quarters()
        first = max(0, (int(as_of_s[0]) - quarters.start_s) // BIN_S)
        last = (int(as_of_s[-1]) + LONGEST_S - quarters.start_s) // BIN_S + 1
        load = quarters.mean[which, first:last]
        start_s = quarters.start_s + BIN_S * (first + np.arange(load.shape[1]))
        over = breached(load, self.capacity[which])
        known = np.isfinite(load) & np.isfinite(self.capacity[which])[:, None]
        score = alert_score(warned(p, as_of_s, self._rule), as_of_s, over.T, start_s, known=known.T)
        return _as_figures(score)

    def _p_breach(self, said: Forecasts, row: int) -> NDArray[np.float64]:
        """How likely each sector is above its capacity for two bins on end, (s,)."""
        mean = said.mean[:, row]
        if said.quantiles is None or said.p_zero is None:
            over = mean > self.capacity[:, None]
            found = (over[:, 1:] & over[:, :-1]).any(axis=1).astype(np.float64)
        else:
            level = np.broadcast_to(self.capacity[:, None], mean.shape)
            p_over = p_above(said.quantiles[:, row], said.p_zero[:, row], level)
            found = np.zeros(mean.shape[0])
            # Where no pair of bins is likely at all there is nothing to draw for.
            some = np.flatnonzero(
                np.nanmax(np.where(np.isnan(p_over), 0, p_over), axis=1) > _LEAST_P
            )
            found[some] = sustained(p_over[some]).p
        unknown = np.isnan(mean).all(axis=1) | np.isnan(self.capacity)
        return np.where(unknown, np.nan, found)


def _as_figures(score: AlertScore) -> dict[str, Any]:
    return {
        "warnings": score.warnings,
        "right": score.right,
        "precision": None if score.precision is None else round(score.precision, 4),
        "breaches": score.breaches,
        "foreseen": score.foreseen,
        "recall": None if score.recall is None else round(score.recall, 4),
        "median_lead_s": score.lead_s,
    }
