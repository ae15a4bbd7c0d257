"""Which operations are slower just now than they ever were: the gauge that alerts go by.

An operation is compared with the highest that its own past came to, not with its average: a tick
takes longer by day than by night, and so does everything beside the sealing of an hour. What grows
over hours is no slowdown but a trend (`trends`). Called slow is what

- takes longer in the median of its last short window than in any such window of the past,
- lies above what three in four calls stayed below, in the worst ten minutes, so often that chance
  would not do that once in a hundred times (a sign test),
- and by so many milliseconds that anybody would care.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.observe.tuning.blocks import quantile, recent
from sectorwatch.observe.tuning.stages import stages_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.observe.instruments import Gauge
    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.series import Series
    from sectorwatch.observe.spans import SpanRing
    from sectorwatch.observe.tuning.past import Limits, OperationPast, OperationPasts

    Floats = NDArray[np.float64]

__all__ = ["GAUGE", "Slowdown", "SlowdownWatch", "chance_of_so_many"]

GAUGE = "operation_slowdown"
# How far above the highest short window, by how many minutes of past there are at least: of few
# the highest is soon exceeded, by chance alone.
_ABOVE_PEAK = ((24 * 60, 1.15), (150, 1.4), (0, 1.8))
_MOST_CHANCE = 0.01
_LOOKED_BACK_S = 900.0
_FRESH_S = 120.0
_LEAST_SAMPLES = 12
_LEAST_MINUTES = 2.5
# What just began to be slow must not be among what it is compared with.
_APART_S = 60.0
# No clock tells less apart; a past of no time at all gives a ratio that is a number still.
_SHORTEST_S = 1e-6
# After it got well again this long a 1 is kept each time, for averages over minutes.
_WELL_TOLD_S = 300.0
_REMEMBERED_S = 8 * 86_400.0
_STAGES_S = 120.0
_MOST_OF = 0.5


@dataclass(frozen=True, slots=True)
class Slowdown:
    """An operation that is slower than its past: now, then, and since when; times in seconds."""

    operation: str
    service: str
    ratio: float
    median_s: float
    past_median_s: float
    past_peak_s: float
    probability: float
    samples: int
    since_s: float
    limits: Limits

    @property
    def grown_s(self) -> float:
        """How many seconds longer it takes."""
        return self.median_s - self.past_median_s


class SlowdownWatch:
    """Writes gauge `operation_slowdown{operation,service}` at each `evaluate`.

    Its value is the recent median over the highest median of ten minutes or an hour in the past,
    where the operation is slower (see the module); else 1. `least_s` is how many seconds a
    change must come to at least. An operation that is slow only because a stage of it is (`spans`
    know) has 1 too: the stage is to blame, and its service.
    """

    def __init__(
        self,
        metrics: MetricsCollector,
        pasts: OperationPasts,
        *,
        spans: SpanRing | None = None,
        least_s: float = 0.005,
    ) -> None:
        self._spans = spans
        self._metrics = metrics
        self._pasts = pasts
        self._least_s = least_s
        self._gauges: dict[int, Gauge] = {}
        self._slow: dict[int, Slowdown] = {}
        self._well_since_s: dict[int, float] = {}

    @property
    def slow(self) -> list[Slowdown]:
        """The operations that were slower when last looked at, slowest first."""
        return sorted(self._slow.copy().values(), key=lambda one: -one.ratio)

    def of(self, operation: str, service: str) -> Slowdown | None:
        """How much slower an operation is; None where it is not."""
        for one in self._slow.copy().values():
            if (one.operation, one.service) == (operation, service):
                return one
        return None

    def evaluate(self, now_s: float) -> None:
        """Look at every operation that ran lately."""
        told: list[tuple[int, Slowdown | None]] = []
        for series, past in self._pasts.series():
            id_ = series.id
            was = self._slow.get(id_)
            if was is None and series.latest_s < now_s - _FRESH_S and id_ in self._gauges:
                # Nothing new of it, and it was well.
                continue
            found = self._judge(series, past, now_s)
            if found is not None:
                past.mark_slow(now_s, now_s)
                self._slow[id_] = found
            elif was is not None:
                del self._slow[id_]
                self._well_since_s[id_] = now_s
            if id_ not in self._gauges:
                tags = {"operation": past.operation, "service": past.service}
                self._gauges[id_] = self._metrics.gauge(GAUGE, tags, "ratio")
                self._gauges[id_].set(1.0)
            if found is not None or self._well_since_s.get(id_, -math.inf) > now_s - _WELL_TOLD_S:
                told.append((id_, found))
        explained = self._explained()
        for id_, found in told:
            self._gauges[id_].set(1.0 if found is None or id_ in explained else found.ratio)

    def _explained(self) -> set[int]:
        """Of what is slow, that which a stage of it makes slow that is slow itself."""
        if self._spans is None or len(self._slow) <= 1:
            return set()
        staged = stages_of(self._spans.ended(), _STAGES_S)
        by_key = {(one.operation, one.service): one for one in self._slow.values()}
        explained = set()
        for id_, one in self._slow.items():
            parts = staged.get((one.operation, one.service))
            for stage in () if parts is None else parts.stages:
                inner = by_key.get((stage.operation, stage.service))
                if inner is not None and inner.grown_s * stage.calls >= _MOST_OF * one.grown_s:
                    explained.add(id_)
        return explained

    def _newest(self, series: Series, now_s: float) -> tuple[Floats, float]:
        """The last calls and when the first of them was; none where it does not run any more.

        Nobody waits for what has ended.
        """
        from_s = max(now_s - _LOOKED_BACK_S, self._pasts.warm_until_s)
        times_s, values = series.ring.since(from_s)
        # What a clock that ran ahead put there is not the newest, for all it says.
        known = int(np.searchsorted(times_s, now_s, side="right"))
        times_s, values = times_s[:known], values[:known]
        newest = recent(times_s, values)
        if not len(newest):
            return newest, now_s
        first_s, last_s = float(times_s[-len(newest)]), float(times_s[-1])
        is_over = last_s < now_s - max(_FRESH_S, last_s - first_s)
        return newest[:0] if is_over else newest, first_s

    def _judge(self, series: Series, past: OperationPast, now_s: float) -> Slowdown | None:
        was = self._slow.get(series.id)
        newest, first_s = self._newest(series, now_s)
        if now_s < self._pasts.warm_until_s or not len(newest):
            return None
        median_s = quantile(np.sort(newest), 0.5)
        if not self._is_beyond(median_s, past.limits if was is None else was.limits):
            return None
        limits, begun_s = self._compared_with(series, past, was, now_s, first_s)
        if limits.samples < _LEAST_SAMPLES or limits.minutes < _LEAST_MINUTES:
            return None
        above = int(np.count_nonzero(newest > limits.upper_s))
        chance = chance_of_so_many(above, len(newest))
        if not self._is_beyond(median_s, limits) or chance > _MOST_CHANCE:
            return None
        return Slowdown(
            past.operation,
            past.service,
            median_s / max(limits.median_s, _SHORTEST_S),
            median_s,
            limits.median_s,
            limits.peak_s,
            1 - chance,
            len(newest),
            begun_s,
            limits,
        )

    def _compared_with(
        self,
        series: Series,
        past: OperationPast,
        was: Slowdown | None,
        now_s: float,
        first_s: float,
    ) -> tuple[Limits, float]:
        """What it is compared with, and since when: while it is slow, what it was at first.

        What is slow is no past, so that little would be left of a short one; after eight days the
        past is over.
        """
        if was is not None and now_s - was.since_s < _REMEMBERED_S:
            return was.limits, was.since_s
        until_s = min(now_s, first_s) - _APART_S
        return past.limits.beside(self._pasts.unclosed(series, past, until_s)), now_s

    def _is_beyond(self, median_s: float, limits: Limits) -> bool:
        times = next(times for minutes, times in _ABOVE_PEAK if limits.minutes >= minutes)
        return median_s > times * limits.peak_s and median_s - limits.median_s >= self._least_s


@lru_cache(maxsize=4096)
def chance_of_so_many(above: int, n: int, share: float = 0.25) -> float:
    """How likely `above` or more of `n` are above what is exceeded by a `share` of all.

    >>> round(chance_of_so_many(5, 5), 6)
    0.000977
    """
    return math.fsum(
        math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(above, n + 1)
    )
