"""What applying a recommendation did: a measure before and after, over like load, with doubt."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.observe.summaries import Summaries
from sectorwatch.observe.tuning.findings import Effect, Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.observe.metrics import MetricsCollector

    Floats = NDArray[np.floating]

__all__ = ["STEP_S", "Steps", "effect_of", "fell_probability", "steps_of"]

STEP_S = 600
LEAST_STEPS = 3
_RESAMPLED = 400
_LIKE_LOAD = 2.0
_ENUMERATED = 3_000


class Steps:
    """A measure in steps of ten minutes: when each began, how many samples, their statistic."""

    def __init__(self, start_s: Floats, calls: Floats, values: Floats) -> None:
        self.start_s = start_s
        self.calls = calls
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def between(self, from_s: float, until_s: float) -> Steps:
        """The steps that lie wholly within this time."""
        kept = (self.start_s >= from_s) & (self.start_s + STEP_S <= until_s)
        return Steps(self.start_s[kept], self.calls[kept], self.values[kept])


def steps_of(metrics: MetricsCollector, measure: Measure, since_s: float) -> Steps:
    """A measure from then on; all series together that have its tags."""
    wanted = dict(measure.tags).items()
    ids = [
        id_
        for id_, (tags, _) in metrics.series.ids_of(measure.metric).items()
        if wanted <= tags.items()
    ]
    rows = Summaries.concat(metrics.history.rows(ids, since_s)).as_one_series().merged(STEP_S)
    if measure.statistic == "mean":
        values = rows.total / np.maximum(rows.count, 1)
    else:
        ends = np.append(0, np.cumsum(rows.sizes))
        values = np.array(
            [rows.part(row, row + 1, ends).quantiles((0.5,))[0] for row in range(len(rows))]
        )
    return Steps(rows.start_s.astype(np.float64), rows.count.astype(np.float64), values)


def effect_of(before: Steps, after: Steps, unit: str) -> Effect | None:
    """What became of a measure; None where there is too little of either, or it was 0 before.

    Of the steps before, those with about as many calls as after, where there are enough.
    """
    basis = "all of the time before"
    if len(before) >= LEAST_STEPS and len(after) >= LEAST_STEPS:
        usual = float(np.median(after.calls))
        alike = (before.calls >= usual / _LIKE_LOAD) & (before.calls <= usual * _LIKE_LOAD)
        if np.count_nonzero(alike) >= LEAST_STEPS:
            basis = "the time before with about as many calls"
            before = Steps(before.start_s[alike], before.calls[alike], before.values[alike])
    if len(before) < LEAST_STEPS or len(after) < LEAST_STEPS:
        return None
    was, is_now = float(np.median(before.values)), float(np.median(after.values))
    if was <= 0 or not math.isfinite(was) or not math.isfinite(is_now):
        return None
    # The same figures give the same interval: what is shown must not flicker.
    random = np.random.default_rng(len(before) * 1_000 + len(after))
    old = np.median(random.choice(before.values, (_RESAMPLED, len(before))), axis=1)
    new = np.median(random.choice(after.values, (_RESAMPLED, len(after))), axis=1)
    low, high = np.quantile(1 - new / np.maximum(old, 1e-300), (0.025, 0.975))
    return Effect(
        unit=unit,
        before=was,
        after=is_now,
        improvement=1 - is_now / was,
        low=float(low),
        high=float(high),
        n_before=len(before),
        n_after=len(after),
        basis=basis,
        probability=fell_probability(before.values, after.values),
    )


def fell_probability(before: Floats, after: Floats) -> float:
    """The probability that it fell: one less the p of the rank-sum test of Wilcoxon and Mann.

    Of few steps exactly, by going through all ways of dividing them; else by the normal curve.

    >>> round(fell_probability(np.array([5.0, 6, 7]), np.array([1.0, 2, 3])), 3)
    0.95
    """
    n, m = len(before), len(after)
    pooled = np.concatenate([before, after])
    ranks = np.array([np.mean(np.flatnonzero(np.sort(pooled) == each)) for each in pooled])
    found = float(ranks[n:].sum())
    if math.comb(n + m, m) <= _ENUMERATED:
        sums = [float(ranks[list(chosen)].sum()) for chosen in combinations(range(n + m), m)]
        return 1 - sum(each <= found + 1e-9 for each in sums) / len(sums)
    mean = m * (n + m - 1) / 2
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    return 1 - 0.5 * math.erfc((mean - found) / spread / math.sqrt(2))
