"""Is something getting slower: a robust slope, and the probability that it is no chance.

Slope after Theil (1950) and Sen (1968): the median of the slopes of all pairs. Probability after
Mann (1945) and Kendall (1975), for which neither heavy tails nor single outliers matter. Medians
that follow each other resemble each other, which that test takes for a trend; so its variance is
widened after Hamed and Rao ("A modified Mann-Kendall trend test for autocorrelated data", Journal
of Hydrology 204, 1998). A step is found after Pettitt (1979), widened likewise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

__all__ = ["Trend", "Verdict", "free_of_day", "trend_of"]

_HOUR_S = 3_600.0
_DAY_S = 86_400.0
LEAST_POINTS = 10
LEAST_PROBABILITY = 0.99
LEAST_CHANGE = 0.1
"""What changes by less than a tenth over all the time looked at is called steady."""
_LEAST_DAYS = 2
# Of a step the lesser side must be this long, and the line be this much worse a description.
_LEAST_SIDE = 3
_STEP_IS_BETTER = 0.85
_SIGNIFICANT_LAG = 1.96
_MOST_MEMORY = 0.98
# Of what is larger, sums and squares would not be numbers any more.
_LARGEST = 1e100


class Verdict(StrEnum):
    """Where something is going."""

    SLOWER = "slower"
    FASTER = "faster"
    STEADY = "steady"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class Trend:
    """Where a series of medians is going.

    `probability` is that the direction is no chance (one less the two-sided p); `slope_s_per_hour`
    is in the values' own unit an hour, with an interval that holds it with 95 %, and
    `slope_percent_per_hour` the same of the median. `since_s` is when a step happened, seconds
    since 1970, None where it is no step; `before` and `after` are the medians on both sides of it,
    without a step those of the first and the last third. `freed_of_day` says that each value was
    held against the same hour of earlier days, so that the daily cycle is no trend.
    """

    verdict: Verdict
    points: int
    probability: float | None = None
    slope_s_per_hour: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    slope_percent_per_hour: float | None = None
    since_s: float | None = None
    before: float | None = None
    after: float | None = None
    freed_of_day: bool = False


def trend_of(time_s: Floats, values: Floats, *, freed_of_day: bool = False) -> Trend:
    """Where `values` go over `time_s` (seconds, rising); what is no finite number is left out.

    >>> import numpy as np
    >>> hours = np.arange(24.0)
    >>> trend_of(hours * 3600, 0.010 + 0.001 * hours).verdict.value
    'slower'
    """
    good = (np.abs(values) <= _LARGEST) & np.isfinite(time_s)
    time_s, values = time_s[good], values[good]
    n = len(values)
    if n < LEAST_POINTS or time_s[-1] <= time_s[0]:
        return Trend(Verdict.TOO_FEW, n, freed_of_day=freed_of_day)
    hours = (time_s - time_s[0]) / _HOUR_S
    first, second = _pairs(n)
    apart = values[second] - values[first]
    gap = hours[second] - hours[first]
    real = gap > 0
    slopes = np.sort(apart[real] / gap[real])
    slope = float(np.median(slopes))
    total = float(np.sign(apart).sum())
    widened = _widening(hours, values, slope)
    variance = _kendall_variance(values) * widened
    z = (abs(total) - 1) / math.sqrt(variance) if variance > 0 and abs(total) > 1 else 0.0
    probability = _sureness(z, n / widened - 2)
    # Sen's interval: as many ranks from the middle as the test allows for chance.
    reach = 1.96 * math.sqrt(max(variance, 0.0))
    last = len(slopes) - 1
    low = float(slopes[min(max(int((len(slopes) - reach) / 2), 0), last)])
    high = float(slopes[min(max(int((len(slopes) + reach) / 2), 0), last)])
    step = _step(values, hours, slope, widened, freed_of_day=freed_of_day)
    third = max(n // 3, 1)
    before, after = values[:third], values[-third:]
    since_s = None
    if step is not None:
        at, step_probability = step
        before, after, since_s = values[:at], values[at:], float(time_s[at])
        probability = max(probability, step_probability)
    change = float(np.median(after) - np.median(before))
    middle = float(np.median(values))
    verdict = Verdict.STEADY
    is_sure = probability >= LEAST_PROBABILITY
    if is_sure and abs(change) >= LEAST_CHANGE * abs(float(np.median(before))):
        verdict = Verdict.SLOWER if change > 0 else Verdict.FASTER
    return Trend(
        verdict,
        n,
        probability=probability,
        slope_s_per_hour=slope,
        slope_low=low,
        slope_high=high,
        slope_percent_per_hour=100 * slope / middle if middle else None,
        since_s=since_s if verdict is not Verdict.STEADY else None,
        before=float(np.median(before)),
        after=float(np.median(after)),
        freed_of_day=freed_of_day,
    )


def free_of_day(
    time_s: Floats, values: Floats, past_s: Floats, past_values: Floats
) -> tuple[Floats, bool]:
    """`values` without the daily cycle, and whether that was possible.

    Each is divided by the median of what the same hour was on earlier days (`past_s` are the
    beginnings of hours before the first of `time_s`), and multiplied by the median of all of them.
    Possible where four in five of the values have two such days; the others are left as NaN.
    """
    if not len(values):
        return values, False
    earlier = (past_s < time_s[0]) & np.isfinite(past_values) & (past_values > 0)
    hour_of_past = (past_s[earlier] % _DAY_S // _HOUR_S).astype(np.int64)
    past_values = past_values[earlier]
    usual = np.full(24, np.nan)
    for hour in range(24):
        own = past_values[hour_of_past == hour]
        if len(own) >= _LEAST_DAYS:
            usual[hour] = np.median(own)
    reference = usual[(time_s % _DAY_S // _HOUR_S).astype(np.int64)]
    known = np.isfinite(reference)
    if np.count_nonzero(known) < 0.8 * len(values):
        return values, False
    return values / reference * float(np.median(reference[known])), True


@lru_cache(maxsize=64)
def _pairs(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, second = np.triu_indices(n, 1)
    return first, second


def _kendall_variance(values: Floats) -> float:
    """Variance of Kendall's S where there is no trend, less what ties take from it."""
    n = len(values)
    _, ties = np.unique(values, return_counts=True)
    tied = float((ties * (ties - 1) * (2 * ties + 5)).sum())
    return (n * (n - 1) * (2 * n + 5) - tied) / 18


def _widening(hours: Floats, values: Floats, slope: float) -> float:
    """How much more S varies because neighbours resemble each other; at least 1.

    The greater of what Hamed and Rao's sum over all lags gives, and what the nearest neighbours
    alone would (a process that remembers one step): the sum is too small where memory is long,
    for taking the slope out took a part of the memory with it, as the correction undoes
    (Marriott and Pope, Biometrika 41, 1954).
    """
    n = len(values)
    left = values - slope * hours
    if float(np.ptp(left)) <= 1e-9 * float(np.abs(values).max(initial=0.0)):
        # A line drawn with a ruler: what is left is the rounding of its numbers.
        return 1.0
    ranks = np.argsort(np.argsort(left, kind="stable"), kind="stable") + 1.0
    ranks -= ranks.mean()
    power = float(ranks @ ranks)
    if power <= 0:
        return 1.0
    # Beyond a quarter of the length an autocorrelation is mostly noise of its own.
    lags = np.arange(1, max(2, n // 4))
    rho = np.array([float(ranks[:-lag] @ ranks[lag:]) for lag in lags]) / power
    nearest = min((n * float(rho[0]) + 2) / (n - 4), _MOST_MEMORY)
    one_step = (1 + nearest) / (1 - nearest) if nearest > 0 else 1.0
    rho[np.abs(rho) < _SIGNIFICANT_LAG / math.sqrt(n)] = 0.0
    weights = (n - lags) * (n - lags - 1) * (n - lags - 2)
    return max(1.0, one_step, 1 + 2 / (n * (n - 1) * (n - 2)) * float(weights @ rho))


def _sureness(z: float, free: float) -> float:
    """One less the two-sided p of `z`, where its variance is known from so few: Student's t.

    By the approximation of Wallace (Annals of Mathematical Statistics 30, 1959).
    """
    free = max(free, 1.0)
    z = (8 * free + 1) / (8 * free + 3) * math.sqrt(free * math.log1p(z * z / free))
    return math.erf(z / math.sqrt(2))


def _step(
    values: Floats, hours: Floats, slope: float, widened: float, *, freed_of_day: bool
) -> tuple[int, float] | None:
    """Where a step is, and its probability; None where a line says it as well, or nothing does."""
    n = len(values)
    signs = np.sign(values[:, None] - values[None, :])
    # U(t): how often what comes from t on is above what was before it.
    u = np.cumsum(-signs.sum(axis=1))[:-1]
    inner = slice(_LEAST_SIDE - 1, n - _LEAST_SIDE)
    if n < 2 * _LEAST_SIDE + 1:
        return None
    at = int(np.argmax(np.abs(u[inner]))) + _LEAST_SIDE
    k = float(abs(u[at - 1]))
    # Of what is left after the step, not after a line: a step alone looks like memory.
    levelled = values.copy()
    levelled[at:] -= np.median(values[at:]) - np.median(values[:at])
    widened = min(widened, _widening(hours, levelled, 0.0))
    probability = 1 - min(1.0, 2 * math.exp(-6 * k * k / ((n**3 + n**2) * widened)))
    if probability < LEAST_PROBABILITY:
        return None
    off_line = values - slope * hours
    line = float(np.abs(off_line - np.median(off_line)).sum())
    stair = float(
        np.abs(values[:at] - np.median(values[:at])).sum()
        + np.abs(values[at:] - np.median(values[at:])).sum()
    )
    others = [line] if freed_of_day else [line, _off_daily_wave(values, hours)]
    return (at, probability) if stair <= _STEP_IS_BETTER * min(others) else None


def _off_daily_wave(values: Floats, hours: Floats) -> float:
    """How far all values together are off the best wave of a day's length.

    Half a wave looks like a step: where no earlier days say better, what a wave describes as well
    is taken for day and night.
    """
    angle = 2 * np.pi * hours / 24
    wave = np.column_stack([np.ones_like(hours), np.sin(angle), np.cos(angle)])
    fitted, *_ = np.linalg.lstsq(wave, values, rcond=None)
    return float(np.abs(values - wave @ fitted).sum())
