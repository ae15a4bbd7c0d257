"""How likely a load is above a level, for one quarter of an hour and for two or more on end.

A forecast gives five quantiles a bin. Between them, and beyond the outer ones, they are joined by
straight lines on the scale of the normal distribution, so that the upper tail goes on as steeply as
the last two quantiles say. Bins that follow each other are wrong together: a breach that lasts is
worked out with the correlation of their errors, by drawing, and held between the bounds that no
correlation whatever can leave.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.issued import QUANTILES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ADJACENT_CORRELATION",
    "SUSTAINED_BINS",
    "ErrorCorrelation",
    "Sustained",
    "breached",
    "by_lead",
    "p_above",
    "sustained",
]

SUSTAINED_BINS = 2
"""So many bins on end above capacity are a sustained breach: half an hour."""
ADJACENT_CORRELATION = 0.6
"""Of the errors of two bins on end, on the normal scale, until enough of one's own are scored."""

_PRIOR_PAIRS = 2_000
_MOST_PAIRS = 5_000_000
_STRONGEST = 0.999
_DRAWS = 2_048
_CHUNK = 32
_NEGLIGIBLE = 0.005
_PAIRS_AN_HOUR = 3


@dataclass(frozen=True, slots=True)
class Sustained:
    """The probability of a sustained breach, shape (s,), NaN where none is known.

    `p` is that of one within all the bins; `lower` and `upper` bound it whatever the correlation of
    the bins is. `pair` is the probability that a bin and the next one are both above, shape
    (s, l - 1). `hour` is that of a breach within the likeliest hour, which begins with bin
    `hour_at`: a chance that is spread over a long time says little of when.
    """

    p: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    pair: NDArray[np.float64]
    hour: NDArray[np.float64]
    hour_at: NDArray[np.intp]


def p_above(quantiles: NDArray[Any], p_zero: NDArray[Any], level: ArrayLike) -> NDArray[np.float64]:
    """The probability that the load is above `level`: strictly more than it.

    `quantiles` has shape (..., q), those of `QUANTILES`; `p_zero` and `level` shape (...). NaN
    where the level or a quantile is.

    >>> at_ten = p_above(np.array([6.0, 8.0, 10.0, 12.0, 14.0]), np.array(0.0), 10.0)
    >>> round(float(at_ten), 3)
    0.5
    """
    from scipy.special import ndtr, ndtri  # noqa: PLC0415 - takes a while, and few ask

    z = ndtri(np.array(QUANTILES))
    level = np.asarray(level, np.float64)
    knots = np.maximum.accumulate(np.asarray(quantiles, np.float64), axis=-1)
    shape = np.broadcast_shapes(knots.shape[:-1], level.shape, np.shape(p_zero))
    level, p_zero = np.broadcast_to(level, shape), np.broadcast_to(p_zero, shape)
    knots = np.broadcast_to(knots, (*shape, z.size))
    # Below the first quantile: evenly from the share of empty bins at zero up to its tenth.
    first = knots[..., 0]
    share = np.clip(_ratio(level, first), 0.0, 1.0)
    below = 1.0 - (p_zero + (QUANTILES[0] - p_zero) * share)
    reached = np.full(shape, z[0])
    for at in range(z.size - 1):
        step = _ratio(level - knots[..., at], knots[..., at + 1] - knots[..., at])
        reached = np.where(
            level >= knots[..., at], z[at] + np.clip(step, 0, 1) * (z[at + 1] - z[at]), reached
        )
    # Beyond the last: as steep as the last two say; where those are one, as the upper half is.
    scale = np.maximum(
        (knots[..., -1] - knots[..., -2]) / (z[-1] - z[-2]),
        0.5 * (knots[..., -1] - knots[..., z.size // 2]) / z[-1],
    )
    beyond = level > knots[..., -1]
    reached = np.where(beyond, z[-1] + _ratio(level - knots[..., -1], scale), reached)
    p = np.where(level < first, below, ndtr(-reached))
    p = np.where(level < 0, 1.0, np.minimum(p, 1.0 - p_zero))
    p[np.isnan(level) | np.isnan(knots).any(axis=-1)] = np.nan
    return p


def sustained(
    p_over: NDArray[Any], correlation: float = ADJACENT_CORRELATION, *, draws: int = _DRAWS
) -> Sustained:
    """How likely two bins on end, or more, are above capacity; `p_over` has shape (s, l).

    Errors of bins k apart are correlated by `correlation` to the power of k on the normal scale.
    The same draws for every sector and every call: what changes is the forecast, not the dice.
    Their error is at most 0.011 (one standard deviation, at one half).
    """
    from scipy.special import ndtri  # noqa: PLC0415 - see above

    unknown = np.isnan(p_over)
    p = np.clip(np.where(unknown, 0.0, p_over), 0.0, 1.0)
    # What no correlation can leave (Fréchet), pair by pair; then any one, and all of them added.
    most = np.minimum(p[:, 1:], p[:, :-1])
    least = np.clip(p[:, 1:] + p[:, :-1] - 1.0, 0.0, most)
    lower = least.max(axis=1, initial=0.0)
    upper = np.minimum(1.0, most.sum(axis=1))
    pair = most.copy()
    whole = upper.copy()
    hours = most[:, : max(1, most.shape[1] - _PAIRS_AN_HOUR + 1)].copy()
    looked_at = np.flatnonzero(upper > _NEGLIGIBLE)
    if looked_at.size:
        chance = _draws(draws, p.shape[1], float(np.clip(correlation, 0.0, _STRONGEST)))
        threshold = -ndtri(p[looked_at])
        for start in range(0, looked_at.size, _CHUNK):
            rows = looked_at[start : start + _CHUNK]
            over = chance[None] > threshold[start : start + _CHUNK, None, :]
            both = over[..., 1:] & over[..., :-1]
            pair[rows] = both.mean(axis=1)
            whole[rows] = both.any(axis=2).mean(axis=1)
            wide = hours.shape[1]
            within = both[..., :wide].copy()
            for step in range(1, min(_PAIRS_AN_HOUR, both.shape[2])):
                within |= both[..., step : step + wide]
            hours[rows] = within.mean(axis=1)
    pair = np.clip(pair, least, most)
    whole = np.clip(whole, pair.max(axis=1, initial=0.0), upper)
    hour_at = hours.argmax(axis=1)
    hour = np.clip(hours.max(axis=1), pair.max(axis=1, initial=0.0), whole)
    nothing = unknown.all(axis=1)
    for each in (whole, lower, upper, pair, hour):
        each[nothing] = np.nan
    return Sustained(whole, lower, upper, pair, hour, hour_at)


def breached(load: NDArray[Any], capacity: NDArray[Any]) -> NDArray[np.bool_]:
    """Which bins belong to a sustained breach: `load` has shape (s, bins), `capacity` (s,).

    Bins on end, each of which is above; one whose load is unknown (NaN) breaks the run.

    >>> breached(np.array([[9.0, 4.0, 9.0, 9.0]]), np.array([8.0])).tolist()
    [[False, False, True, True]]
    """
    over = np.asarray(load) > np.asarray(capacity)[:, None]
    both = over[:, 1:] & over[:, :-1]
    found = np.zeros(over.shape, np.bool_)
    found[:, 1:] |= both
    found[:, :-1] |= both
    return found


class ErrorCorrelation:
    """How strongly errors of bins on end go together, measured as forecasts are scored.

    Taken toward `ADJACENT_CORRELATION` while few are, and the old ones give way to the new.
    """

    def __init__(self) -> None:
        self._sums = np.zeros(4)

    def take(self, pit: NDArray[Any]) -> None:
        """Learn from scored forecasts, shape (n, l): where the truth lay in each distribution.

        0 to 1, randomised where a distribution has steps; NaN where one is not scored.
        """
        from scipy.special import ndtri  # noqa: PLC0415 - see above

        z = ndtri(np.clip(np.asarray(pit, np.float64), 1e-6, 1 - 1e-6))
        pairs = np.isfinite(z[:, :-1]) & np.isfinite(z[:, 1:])
        before, after = z[:, :-1][pairs], z[:, 1:][pairs]
        self._sums += (pairs.sum(), before @ after, before @ before, after @ after)
        if self._sums[0] > _MOST_PAIRS:
            self._sums *= 0.5

    @property
    def value(self) -> float:
        """The correlation of a bin with the next, 0 to 1."""
        count, both, before, after = self._sums.tolist()
        size = math.sqrt(before * after)
        own = both / size if size else ADJACENT_CORRELATION
        mixed = (own * count + ADJACENT_CORRELATION * _PRIOR_PAIRS) / (count + _PRIOR_PAIRS)
        return min(max(mixed, 0.0), _STRONGEST)


def by_lead(
    as_of_s: NDArray[np.int64],
    row: NDArray[np.intp],
    lead_s: NDArray[np.int64],
    pit: NDArray[Any],
    leads_s: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Scored forecasts, arrays of shape (n,), as a row an issue and sector: shape (m, l)."""
    keys, at = np.unique(np.stack([as_of_s, row]), axis=1, return_inverse=True)
    found = np.full((keys.shape[1], leads_s.size), np.nan)
    found[np.ravel(at), np.searchsorted(leads_s, lead_s)] = pit
    return found


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """`above / below`; where `below` is nothing, all of the way: what lies there is a step."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.asarray(above / below, np.float64)
    return np.where(below > 0, ratio, np.where(above < 0, -np.inf, np.inf))


def _draws(count: int, bins: int, correlation: float) -> NDArray[np.float32]:
    """Standard normal draws, shape (count, bins), each correlated with the bin before it."""
    fresh = np.random.default_rng(20_240_301).standard_normal((count // 2, bins))
    chance = np.concatenate([fresh, -fresh])
    rest = np.sqrt(1.0 - correlation**2)
    for at in range(1, bins):
        chance[:, at] = correlation * chance[:, at - 1] + rest * chance[:, at]
    return chance.astype(np.float32)
