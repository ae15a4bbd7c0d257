"""Sectors that rise and fall together, one before the other: what is unusual here shows there soon.

Of each sector's quarters of an hour what recurs is taken away (the mean of that quarter of the
week) and what all sectors of the partition share at that moment. What is left is compared, sector
with sector, at lags of up to two hours. How much two sectors agree that have nothing to do with
each other is seen by holding one against other days of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.patterns.days import QUARTERS
from sectorwatch.forecast.patterns.pattern import PatternEvidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.patterns.daily import Found
    from sectorwatch.forecast.patterns.days import Days

__all__ = ["MOST_SECTORS", "together"]

LEAST_DAYS = 14
MOST_SECTORS = 150
"""Of a partition the busiest so many are compared: the work grows with the square."""
_LAGS = tuple(range(9))
_SHIFTS = 8
_LEAST_CORRELATION = 0.25
_LEAST_MEAN = 0.5
_EACH = 2


def together(
    days: Days, partitions: Sequence[tuple[str, slice]], names: Sequence[str], seed: int
) -> list[list[Found]]:
    """Of each partition the pairs that agree most, and all other pairs as tests that found less."""
    return [_of_partition(days, where, names, seed) for _, where in partitions]


def residuals(quarters: NDArray[np.float32], weekday: NDArray[np.int64]) -> NDArray[np.float32]:
    """What neither the week nor the whole partition explains, shape (sectors, quarters), of size 1.

    Sectors that are left with nothing are zero.
    """
    left: NDArray[np.float32] = np.array(quarters, np.float32)
    for day in range(7):
        same = weekday == day
        if same.any():
            left[:, same] -= left[:, same].mean(axis=1, keepdims=True)
    flat: NDArray[np.floating] = left.reshape(left.shape[0], -1)
    size = np.sqrt((flat**2).mean(axis=1, keepdims=True))
    flat = flat / np.where(size > 0, size, 1.0)
    shared = flat.mean(axis=0)
    energy = float(shared @ shared)
    if energy > 0 and flat.shape[0] > _FEW:
        flat = flat - (flat @ shared / energy)[:, None] * shared
    size = np.sqrt((flat**2).mean(axis=1, keepdims=True))
    return np.asarray(flat / np.where(size > 0, size, 1.0), np.float32)


# Of so few sectors each is much of what they share.
_FEW = 8


def _of_partition(days: Days, where: slice, names: Sequence[str], seed: int) -> list[Found]:
    rows = np.arange(where.start, where.stop)
    known = days.known[rows]
    # Of one that was drawn a few days ago nothing can be told, and the others are not to wait.
    rows, known = rows[known.sum(axis=1) >= LEAST_DAYS], known[known.sum(axis=1) >= LEAST_DAYS]
    total = np.where(known[:, :, None], days.quarters[rows], 0.0).sum(axis=(1, 2))
    mean = total / np.maximum(QUARTERS * known.sum(axis=1), 1)
    busiest = np.argsort(-mean, kind="stable")[:MOST_SECTORS]
    chosen = rows[np.sort(busiest[mean[busiest] >= _LEAST_MEAN])]
    days = days.of(chosen)
    count = days.number.size
    if chosen.size < 2 or count < LEAST_DAYS:  # noqa: PLR2004 - a pair
        return []
    left = residuals(days.quarters, days.weekday)
    best, lag = _agreement(left, left)
    spread, by_chance = _by_chance(left, count, seed)
    pairs = np.argwhere((lag > 0) | np.triu(np.ones(best.shape, np.bool_), 1))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    # Of a pair the order in which it agrees more.
    a, b = pairs.T
    first = (best[a, b] > best[b, a]) | ((best[a, b] == best[b, a]) & (a < b))
    a, b = a[first], b[first]
    pool = np.sort(by_chance)
    above = pool.size - np.searchsorted(pool, best[a, b] / spread[a, b], side="left")
    # Both orders of a pair were looked at.
    p = np.minimum(2 * (above + 1) / (pool.size + 1), 1.0)
    order = np.argsort(p - 1e-3 * best[a, b], kind="stable")
    used: dict[int, int] = {}
    told: list[Found] = []
    for each in order.tolist():
        one, other, by = int(a[each]), int(b[each]), int(lag[a[each], b[each]])
        agreement = float(best[one, other])
        row, row_other = int(chosen[one]), int(chosen[other])
        if (
            agreement < _LEAST_CORRELATION
            or max(used.get(one, 0), used.get(other, 0)) >= _EACH
            or not np.isfinite(p[each])
        ):
            continue
        used[one], used[other] = used.get(one, 0) + 1, used.get(other, 0) + 1
        by_day = _product(left[one], left[other], by, count)
        held = int((by_day > 0).sum())
        words = _words(names[row_other], by * 15, agreement, held, count)
        evidence = PatternEvidence(
            occasions=count,
            held=held,
            value=agreement,
            usual=0.0,
            p_value=float(p[each]),
            other_sector=names[row_other],
            lag_min=by * 15,
        )
        told.append((row, float(p[each]), words, evidence))
    tests = chosen.size * (chosen.size - 1) // 2
    # The others found less: they count as tests.
    return [*told, *((-1, 1.0, "", _NOTHING) for _ in range(tests - len(told)))]


def _agreement(
    left: NDArray[np.float32], other: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """The greatest correlation of each with each that comes later, and the lag in quarters."""
    width = left.shape[1]
    found = np.stack(
        [left[:, : width - lag] @ other[:, lag:].T / np.float32(width - lag) for lag in _LAGS]
    )
    lag = found.argmax(axis=0)
    return np.take_along_axis(found, lag[None], axis=0)[0], lag


def _by_chance(
    left: NDArray[np.float32], days: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far a pair's agreement spreads on other days, and what chance gives in such spreads."""
    chance = np.random.default_rng(seed)
    shifts = chance.permutation(np.arange(2, days - 1))[:_SHIFTS]
    made = np.stack(
        [_agreement(left, np.roll(left, int(by) * QUARTERS, axis=1))[0] for by in shifts]
    )
    total = (made**2).sum(axis=0)
    rows = ~np.eye(left.shape[0], dtype=np.bool_)
    spread = np.sqrt(total / len(shifts))
    # Each by the spread of the other shifts, as what is found is by that of all of them.
    others = np.sqrt(np.maximum(total - made**2, 1e-12) / max(len(shifts) - 1, 1))
    return np.maximum(spread, 1e-6), (made / np.maximum(others, 1e-6))[:, rows].ravel()


def _product(
    one: NDArray[np.float32], other: NDArray[np.float32], lag: int, days: int
) -> NDArray[np.float32]:
    """How much two agreed on each day."""
    product = np.zeros(one.size, np.float32)
    product[: one.size - lag] = one[: one.size - lag] * other[lag:]
    return np.asarray(product.reshape(days, QUARTERS).sum(axis=1))


def _words(other: str, lag_min: int, agreement: float, held: int, days: int) -> str:
    what = (
        f"When it is busier or quieter than usual, {other} is so at the same time"
        if lag_min == 0
        else f"When it is busier or quieter than usual, {other} follows about {lag_min} min later"
    )
    return f"{what} (correlation {agreement:.2f}); so on {held} of {days} days."


_NOTHING = PatternEvidence(occasions=0, held=0, value=0.0, usual=0.0, p_value=1.0)
