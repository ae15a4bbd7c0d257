"""How much there was of something over time, by quarters of an hour, and those taken together.

A quarter of an hour lies wholly in one hour and one day of any time zone in use, so hours of the
week and local days are made of quarters. Pure functions of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["QUARTER_S", "Series", "online", "peak_keys"]

QUARTER_S = 900
_TIMES = 2**32
_NOTHING = -1


def peak_keys(values: NDArray[np.int64], times_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of which the greatest tells the greatest value and, of those, the earliest time.

    Databases work the same numbers out for themselves: `value * 2^32 + 2^32 - 1 - time`.
    """
    keys: NDArray[np.int64] = values * _TIMES + (_TIMES - 1 - times_s)
    return keys


@dataclass(frozen=True, slots=True)
class Series:
    """Quarters of an hour, or groups of them, shape (n,): the mean in each, the peak and when.

    `mean` is NaN where nothing is known; `peak_s` is -1 where there is no peak.
    """

    mean: NDArray[np.float64]
    peak: NDArray[np.int64]
    peak_s: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        quarter: NDArray[np.int64],
        total: NDArray[np.int64],
        key: NDArray[np.int64],
        samples: NDArray[np.int64],
    ) -> Series:
        """From sums and peak keys of quarters, shape (m,), of which each may come several times.

        `samples`, shape (n,), says over how many samples each quarter's sum is spread.
        """
        size = len(samples)
        sums = np.bincount(quarter, total, size)
        keys = np.full(size, _NOTHING, np.int64)
        np.maximum.at(keys, quarter, key)
        mean = np.where(samples > 0, sums / np.maximum(samples, 1), np.nan)
        return cls(mean, *_peaks(keys))

    def grouped(self, group: NDArray[np.int64], size: int, known_s: NDArray[np.int64]) -> Series:
        """Quarters taken together: `group` says where each belongs, below `size`.

        Means are weighted by how much of each quarter is known.
        """
        weight = np.where(np.isnan(self.mean), 0, known_s)
        sums = np.bincount(group, np.nan_to_num(self.mean) * weight, size)
        weights = np.bincount(group, weight, size)
        keys = np.full(size, _NOTHING, np.int64)
        some = self.peak_s >= 0
        np.maximum.at(keys, group[some], peak_keys(self.peak[some], self.peak_s[some]))
        mean = np.where(weights > 0, sums / np.maximum(weights, 1), np.nan)
        return Series(mean, *_peaks(keys))


def _peaks(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    some = keys >= 0
    peak = np.where(some, keys // _TIMES, 0)
    return peak, np.where(some, _TIMES - 1 - keys % _TIMES, _NOTHING)


def online(start_s: NDArray[np.int64], end_s: NDArray[np.int64], from_s: int, to_s: int) -> Series:
    """How many intervals `[start_s, end_s)` were open at a time, by quarters of the period.

    The period is in whole quarters; an interval without length was open at its start.
    """
    quarters = np.arange(from_s, to_s, QUARTER_S, dtype=np.int64)
    edges = np.append(quarters, to_s)
    starts, ends = np.sort(start_s), np.sort(np.maximum(end_s, start_s))
    spent = _spent(edges, starts) - _spent(edges, ends)
    # How many are open changes at starts and at ends; in between it stays.
    moments = np.unique(np.concatenate([quarters, starts[(starts >= from_s) & (starts < to_s)]]))
    begun = np.searchsorted(starts, moments, side="right")
    over = np.searchsorted(ends, moments, side="right")
    # One that ends where it starts counts at that moment.
    instant = np.sort(start_s[end_s <= start_s])
    now = np.searchsorted(instant, moments, side="right") - np.searchsorted(instant, moments)
    keys = peak_keys(begun - over + now, moments)
    greatest = np.maximum.reduceat(keys, np.searchsorted(moments, quarters))
    return Series(np.diff(spent) / QUARTER_S, *_peaks(greatest))


def _spent(edges: NDArray[np.int64], moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Seconds that lie between each of `moments` that is past and each edge, summed."""
    before = np.searchsorted(moments, edges)
    sums = np.concatenate([[0], np.cumsum(moments)])
    spent: NDArray[np.int64] = edges * before - sums[before]
    return spent
