"""Spikes and lulls: traffic that neither the forecast nor the hour of the week explains.

Each minute the mean occupancy of the last 15 min is held against two things: what the forecast of
an hour before said of just this time, and what the same hour of the last weeks had. Both give a
score, the tail of a negative binomial; of the two the less striking counts, for what one of them
explains is not unusual. The scores are smoothed over a quarter of an hour, three quarters and two
hours, for a short change is great and a long one may be small; made p-values by how often they come
in ordinary times (`calibration.py`); told from chance across all sectors at once
(`discoveries.py`); and held against how many alarms a month as much has meant (`rates.py`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.anomalies.calibration import (
    Calibration,
    Dispersion,
    kept,
    size_class,
)
from sectorwatch.forecast.anomalies.rates import ALARMS_A_MONTH, AlarmRate
from sectorwatch.forecast.anomalies.tails import normal_score
from sectorwatch.forecast.discoveries import q_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sectorwatch.forecast.anomalies.usual import Usual

__all__ = ["FALSE_SHARE", "LEAST_CHANGE", "LEAST_FLIGHTS", "LoadLook", "LoadWatch"]

FALSE_SHARE = 0.1
"""Of what is called an anomaly at any time, at most this share may be chance."""
LEAST_FLIGHTS = 3.0
LEAST_CHANGE = 2.0
"""Fewer flights in a spike, or a smaller change, are too few to tell anything by."""
_SCALES_S = (900, 2_700, 6_300)
"""Over so long scores are averaged, each of which is of 15 min itself."""
_STEP_S = 300
_FORGOTTEN_S = 1_800
_P_GOES_ON = 0.05
_WEIGHT_OF_UNUSUAL = 0.1
_SETTLED_EVERY_S = 3_600
_INTERVAL = 1.2816


@dataclass(frozen=True, slots=True)
class LoadLook:
    """What one look found, arrays of shape (2, sectors): rows spike and lull.

    `q` is the share of false ones among all that are as striking; `begins` is unusual enough to be
    told, `goes_on` unusual enough to be told still; NaN and False where nothing is known. `low` and
    `high`, shape (sectors,), are what is usual; `too_few`: not even an empty sector would be
    unusual, nor the least spike; or too few weeks are known to say what is usual.
    """

    p: NDArray[np.float64]
    q: NDArray[np.float64]
    begins: NDArray[np.bool_]
    goes_on: NDArray[np.bool_]
    since_s: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    too_few: NDArray[np.bool_]


class LoadWatch:
    """What is remembered from one look to the next, of a fixed number of sectors; no clock."""

    def __init__(
        self, sectors: int, parts: Mapping[str, NDArray[np.generic]] | None = None
    ) -> None:
        self._sectors = sectors
        self.take_up(parts or {})
        self._both = np.zeros((len(_SCALES_S), 2, sectors))
        self._whole = np.zeros((2, sectors))
        self._before: deque[tuple[int, NDArray[np.float64]]] = deque()
        self._usual = np.zeros((2, sectors))
        self._unusual = np.zeros((2, sectors), np.bool_)
        self._since_s = np.zeros((2, sectors), np.int64)
        self._last_s: int | None = None
        self._settled_s = 0

    def take_up(self, parts: Mapping[str, NDArray[np.generic]]) -> None:
        """Judge from now on by what another one gave with `to_arrays`."""
        self._scatter_usual = Dispersion(kept(parts, "scatter_usual"))
        self._scatter_forecast = Dispersion(kept(parts, "scatter_forecast"))
        self._ordinary = [Calibration(kept(parts, f"ordinary_{scale_s}")) for scale_s in _SCALES_S]
        self._rates = [
            [AlarmRate(self._sectors, f"{name}_{scale_s}", parts) for scale_s in _SCALES_S]
            for name in ("spike", "lull")
        ]
        self._threshold = self._ordinary[0].threshold(_P_GOES_ON)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """What was learned, to be given to another one after a restart."""
        return {
            "scatter_usual": self._scatter_usual.sums,
            "scatter_forecast": self._scatter_forecast.sums,
            **{
                f"ordinary_{scale_s}": each.counts
                for scale_s, each in zip(_SCALES_S, self._ordinary, strict=True)
            },
            **{
                name: array
                for of_type in self._rates
                for rate in of_type
                for name, array in rate.to_arrays().items()
            },
        }

    @property
    def learned_days(self) -> float:
        """How many days of each sector what was learned rests on."""
        return float(self._ordinary[0].counts.sum()) / (2 * 1_440 * max(self._whole.shape[1], 1))

    def look(
        self,
        now_s: int,
        observed: NDArray[np.float64],
        usual: Usual,
        forecast: NDArray[np.float64],
        *,
        is_held: bool = False,
        learns: bool = True,
    ) -> LoadLook:
        """Hold what was `observed` until `now_s` against what is usual and what was forecast.

        Arrays of shape (sectors,), NaN where unknown. `is_held`: nothing is learned of this look
        and no lull begins, for less than the whole network was to be seen. Without `learns` nothing
        is learned either, and all else is as ever.
        """
        elapsed_s = 0 if self._last_s is None else now_s - self._last_s
        is_new = self._last_s is None or not 0 < elapsed_s <= _FORGOTTEN_S
        if is_new:
            # Before a gap is another time: what was unusual then need not be now.
            self._usual[:] = self._whole[:] = 0.0
            self._before.clear()
            self._since_s[:] = now_s
            elapsed_s = 60
        self._last_s = now_s
        classes = size_class(usual.mean)
        by_forecast = size_class(forecast)
        ratio, ratio_forecast = (
            self._scatter_usual.ratio()[classes],
            self._scatter_forecast.ratio()[by_forecast],
        )
        of_usual = np.stack(
            [
                normal_score(observed, usual.upper, ratio),
                -normal_score(observed, usual.lower, ratio),
            ]
        )
        told = normal_score(observed, forecast, ratio_forecast)
        of_forecast = np.stack([told, -told])
        both = np.where(np.isnan(of_forecast), of_usual, np.minimum(of_forecast, of_usual))
        known = ~np.isnan(of_usual)
        if is_held:
            # Nor does it count in the hours that follow, when they are back.
            both[1] = np.minimum(both[1], 0.0)
        # What went on before a gap is judged by what is seen now, not by how long that is seen.
        part = 1.0 if is_new else 1.0 - np.exp(-elapsed_s / _SCALES_S[0])
        self._usual[known] += part * (of_usual - self._usual)[known]
        self._usual[~known] = 0.0
        self._smooth(now_s, elapsed_s, np.where(known, both, 0.0))
        self._since_s[of_usual < 1.0] = now_s
        p = np.where(known, self._p(classes), np.nan)
        change = observed - np.stack([usual.upper, usual.lower])
        enough = np.stack(
            [(change[0] >= LEAST_CHANGE) & (observed >= LEAST_FLIGHTS), change[1] <= -LEAST_CHANGE]
        )
        # The limit for one sector, put as a share of false ones, so that q says it too.
        limited = FALSE_SHARE / ALARMS_A_MONTH * self._a_month(classes)
        q = np.maximum(np.stack([q_values(row) for row in p]), limited)
        q = np.where(known, np.where(enough, np.minimum(q, 1.0), 1.0), np.nan)
        begins = (q <= FALSE_SHARE) & known
        goes_on = known & (self._usual >= self._threshold[classes]) & (change * _SIGN >= 1.0)
        if is_held:
            begins[1] = False
        elif learns:
            for scale, both in enumerate(self._both):
                # What is too little to be told is no alarm, however striking.
                scores = np.where(known, np.where(enough, both, 0.0), np.nan)
                for of_type, row in zip(self._rates, scores, strict=True):
                    of_type[scale].learn(now_s, elapsed_s, classes, row)
            self._learn(now_s, elapsed_s, classes, by_forecast, observed, usual, forecast)
        self._unusual = begins | (self._unusual & goes_on)
        spread = _INTERVAL * np.sqrt(ratio * np.maximum(usual.mean, 0.05))
        least = np.maximum(usual.mean + LEAST_CHANGE, LEAST_FLIGHTS)
        return LoadLook(
            p=p,
            q=q,
            begins=begins,
            goes_on=goes_on,
            since_s=self._since_s.copy(),
            low=np.minimum(np.maximum(usual.mean - spread, 0.0), usual.lower),
            high=np.maximum(usual.mean + spread, usual.upper),
            too_few=np.isnan(usual.mean)
            | (known[0] & (usual.lower < LEAST_CHANGE) & (observed < least)),
        )

    def _smooth(self, now_s: int, elapsed_s: int, score: NDArray[np.float64]) -> None:
        """Means of the scores over the last time, of each scale."""
        if not self._before or now_s - self._before[-1][0] >= _STEP_S:
            self._before.append((now_s - elapsed_s, self._whole.copy()))
        self._whole += score * elapsed_s
        while len(self._before) > 1 and self._before[1][0] <= now_s - _SCALES_S[-1]:
            self._before.popleft()
        for at, scale_s in enumerate(_SCALES_S):
            earlier = [each for each in self._before if each[0] <= now_s - scale_s]
            # What is not known yet of that time counts as ordinary.
            was = earlier[-1] if earlier else self._before[0]
            length_s = max(scale_s, now_s - was[0])
            self._both[at] = (self._whole - was[1]) / length_s

    def _p(self, classes: NDArray[np.intp]) -> NDArray[np.float64]:
        """P-values, shape (2, sectors): that of the most striking scale, for so many looked at."""
        of_scale = [
            [ordinary.p(classes, row) for row in both]
            for ordinary, both in zip(self._ordinary, self._both, strict=True)
        ]
        return np.asarray(np.minimum(np.min(of_scale, axis=0) * len(_SCALES_S), 1.0))

    def _a_month(self, classes: NDArray[np.intp]) -> NDArray[np.float64]:
        """How many alarms a sector-month are as striking on one of the scales, (2, sectors)."""
        of_scale = [
            [
                of_type[scale].a_month(classes, row)
                for of_type, row in zip(self._rates, both, strict=True)
            ]
            for scale, both in enumerate(self._both)
        ]
        return np.asarray(np.min(of_scale, axis=0) * len(_SCALES_S))

    def _learn(
        self,
        now_s: int,
        elapsed_s: int,
        classes: NDArray[np.intp],
        by_forecast: NDArray[np.intp],
        observed: NDArray[np.float64],
        usual: Usual,
        forecast: NDArray[np.float64],
    ) -> None:
        known = ~(np.isnan(usual.mean) | np.isnan(observed))
        plain = known & ~self._unusual.any(axis=0)
        for scatter, by, mean in (
            (self._scatter_usual, classes, usual.mean),
            (self._scatter_forecast, by_forecast, forecast),
        ):
            scatter.learn(by, np.where(plain, observed - mean, np.nan), mean, elapsed_s)
        for row in range(2):
            weight = np.where(self._unusual[row], _WEIGHT_OF_UNUSUAL, 1.0) * elapsed_s / 60
            for ordinary, both in zip(self._ordinary, self._both, strict=True):
                scores = np.where(known, both[row], np.nan)
                ordinary.learn(classes, scores, weight, elapsed_s / 2)
        if now_s - self._settled_s >= _SETTLED_EVERY_S or now_s < self._settled_s:
            self._settled_s = now_s
            for ordinary in self._ordinary:
                ordinary.settle()
            for rate in (*self._rates[0], *self._rates[1]):
                rate.settle()
            self._threshold = self._ordinary[0].threshold(_P_GOES_ON)


_SIGN = np.array([[1.0], [-1.0]])
