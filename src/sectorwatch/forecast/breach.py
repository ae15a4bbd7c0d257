"""How likely a load is above a level, for one quarter of an hour and for two or more on end.

A forecast gives five quantiles a bin. Between them, and beyond the outer ones, they are joined by
straight lines on the scale of the normal distribution, so that the upper tail goes on as steeply as
the last two quantiles say. Bins that follow each other are wrong together: a breach that lasts is
worked out with the correlation of their errors, by drawing, and held between the bounds that no
correlation whatever can leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.issued import QUANTILES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ADJACENT_CORRELATION",
    "SUSTAINED_BINS",
    "Sustained",
    "adjacent_correlation",
    "breached",
    "p_above",
    "sustained",
]

SUSTAINED_BINS = 2
"""So many bins on end above capacity are a sustained breach: half an hour."""
ADJACENT_CORRELATION = 0.75
"""Of the errors of two bins on end, on the normal scale, until enough of one's own are scored."""

_PRIOR_PAIRS = 2_000
_STRONGEST = 0.999
_DRAWS = 2_048
_CHUNK = 32
_NEGLIGIBLE = 0.005


@dataclass(frozen=True, slots=True)
class Sustained:
    """The probability of a sustained breach within the bins, shape (s,), NaN where none is known.

    `lower` and `upper` hold whatever the correlation of the bins is. `pair` is the probability that
    a bin and the next one are both above, shape (s, l - 1).
    """

    p: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    pair: NDArray[np.float64]


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
    least = np.maximum(0.0, p[:, 1:] + p[:, :-1] - 1.0)
    most = np.minimum(p[:, 1:], p[:, :-1])
    lower = least.max(axis=1, initial=0.0)
    upper = np.minimum(1.0, most.sum(axis=1))
    pair = most.copy()
    whole = upper.copy()
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
    pair = np.clip(pair, least, most)
    whole = np.clip(whole, np.maximum(lower, pair.max(axis=1, initial=0.0)), upper)
    nothing = unknown.all(axis=1)
    for each in (whole, lower, upper, pair):
        each[nothing] = np.nan
    return Sustained(whole, lower, upper, pair)


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


def adjacent_correlation(
    pit: NDArray[Any], prior: float = ADJACENT_CORRELATION, prior_pairs: int = _PRIOR_PAIRS
) -> float:
    """How strongly the errors of bins on end go together, measured on scored forecasts.

    `pit` has shape (n, l): where the truth lay in each forecast's distribution, 0 to 1 (randomised
    where it has steps), NaN where not scored. Taken toward `prior` while there are few.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - see above

    z = ndtri(np.clip(np.asarray(pit, np.float64), 1e-6, 1 - 1e-6))
    before, after = z[:, :-1], z[:, 1:]
    pairs = np.isfinite(before) & np.isfinite(after)
    count = int(pairs.sum())
    if not count:
        return prior
    both = before[pairs] @ after[pairs]
    size = np.sqrt((before[pairs] ** 2).sum() * (after[pairs] ** 2).sum())
    own = float(both / size) if size else prior
    mixed = (own * count + prior * prior_pairs) / (count + prior_pairs)
    return float(np.clip(mixed, 0.0, _STRONGEST))


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
