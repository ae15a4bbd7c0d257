"""Means over bins of minutes, of which some are not known; pure functions of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["STEP_S", "bin_means", "mark_before"]

STEP_S = 300
_AT_ONCE = 256


def mark_before(time_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """The 5-min marks at or before some moments: where bins of the past begin.

    >>> mark_before(np.array([299, 300, 601])).tolist()
    [0, 300, 600]
    """
    return time_s // STEP_S * STEP_S


def bin_means(
    occupancy: NDArray[np.integer],
    known: NDArray[np.bool_],
    first: NDArray[np.integer],
    length: int,
    until: int | None = None,
) -> NDArray[np.float32]:
    """The mean of `length` minutes from each `first` (n,) on, shape (sectors, n), by known minutes.

    `occupancy` has shape (sectors, minutes) and is zero where `known` is False. NaN where fewer
    than half of a bin's minutes are known; what is outside the array, or after the minute `until`,
    is not.

    >>> bin_means(np.array([[1, 2, 3, 0]]), np.array([1, 1, 1, 0], bool), np.array([0, 2, 3]), 2)
    array([[1.5, 3. , nan]], dtype=float32)
    """
    sectors, minutes = occupancy.shape
    means = np.full((sectors, first.size), np.nan, np.float32)
    end = minutes if until is None else max(0, min(minutes, until + 1))
    if not end or not length:
        return means
    for start in range(0, first.size, _AT_ONCE):
        at = first[start : start + _AT_ONCE, None] + np.arange(length)
        there = (at >= 0) & (at < end)
        at = np.where(there, at, 0)
        there &= known[at]
        count = there.sum(axis=1)
        total = np.where(there[None], occupancy[:, at], 0).sum(axis=2, dtype=np.int64)
        good = 2 * count >= length
        means[:, start : start + _AT_ONCE][:, good] = total[:, good] / count[good]
    return means
