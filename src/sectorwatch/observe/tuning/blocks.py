"""Figures of one operation by steps of time: what it took, how much that varies, its worst."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "Block",
    "Blocks",
    "block_of",
    "joined",
    "possible",
    "quantile",
    "recent",
    "weighted_median",
]

RECENT_S = 90.0
RECENT_LEAST = 5
_RECENT_REACH_S = 900.0
# What comes oftener than this has its windows minute by minute; more windows say no more.
_MOST_WINDOWS = 120
_LONGEST_S = 1e9


class Block(NamedTuple):
    """One step: times in seconds; `upper_s` is what three in four stay below.

    `peak_s` is the highest that the median of a short window (see `recent`) came to in it.
    """

    start_s: float
    calls: float
    total_s: float
    median_s: float
    upper_s: float
    peak_s: float


_WIDTH = len(Block._fields)


class Blocks:
    """The last blocks of one length, oldest first, in 48 bytes each."""

    __slots__ = ("_flat", "_most", "step_s")

    def __init__(self, step_s: int, most: int) -> None:
        self.step_s = step_s
        self._most = most
        self._flat = array("d")

    def __len__(self) -> int:
        return len(self._flat) // _WIDTH

    def add(self, block: Block) -> None:
        """Take a block that is younger than all others; one that is not is left out."""
        if len(self._flat) and block.start_s <= self._flat[-_WIDTH]:
            return
        self._flat.extend(block)
        if len(self) > self._most:
            del self._flat[:_WIDTH]

    def forget_from(self, start_s: float) -> None:
        """Let go of blocks that begin then or later: a clock that ran ahead made them."""
        while len(self._flat) and self._flat[-_WIDTH] >= start_s:
            del self._flat[-_WIDTH:]

    def since(self, start_s: float, until_s: float = float("inf")) -> Floats:
        """Rows (blocks) by columns (fields) of what began in this time; a copy."""
        rows = np.array(self._flat).reshape(-1, _WIDTH)
        return rows[(rows[:, 0] >= start_s) & (rows[:, 0] < until_s)]

    @property
    def end_s(self) -> float:
        """Where the youngest block ends; minus infinity where there is none."""
        return self._flat[-_WIDTH] + self.step_s if len(self._flat) else float("-inf")


def recent(times_s: Floats, values: Floats) -> Floats:
    """The newest values: of the last 90 s, or the last five of a quarter of an hour; else none.

    One slow call is no slow operation; and what comes every 15 s is to be noticed in a minute.
    """
    if len(times_s) < RECENT_LEAST:
        return values[:0]
    first = min(int(np.searchsorted(times_s, times_s[-1] - RECENT_S)), len(times_s) - RECENT_LEAST)
    if times_s[-1] - times_s[first] > _RECENT_REACH_S:
        return values[:0]
    return values[first:]


def block_of(start_s: float, times_s: Floats, values: Floats) -> Block | None:
    """The block of these samples, in the order of their times; None of none."""
    if not len(values):
        return None
    values = possible(values)
    ordered = np.sort(values)
    median, upper = quantile(ordered, 0.5), quantile(ordered, 0.75)
    peak = median
    n = len(values)
    ends = range(RECENT_LEAST, n + 1, max(1, n // _MOST_WINDOWS))
    for end in ends:
        window = recent(times_s[:end], values[:end])
        if len(window):
            peak = max(peak, quantile(np.sort(window), 0.5))
    return Block(start_s, n, float(values.sum()), median, upper, peak)


def possible(times_s: Floats) -> Floats:
    """These durations, none of them below nothing or over thirty years."""
    return np.clip(times_s, 0.0, _LONGEST_S)


def quantile(ordered: Floats, share: float) -> float:
    """The value below which `share` of these, in order, lie; numpy's own takes four times as long.

    >>> quantile(np.array([1.0, 2.0, 4.0]), 0.75)
    3.0
    """
    place = share * (len(ordered) - 1)
    below = int(place)
    low = float(ordered[below])
    if place == below:
        return low
    return low + (place - below) * (float(ordered[below + 1]) - low)


def joined(start_s: float, rows: Floats) -> Block | None:
    """One block of several shorter ones; its quantiles are theirs, each by how many it stands for.

    Only the longest of short windows is remembered of each, so the peak is exact.
    """
    if not len(rows):
        return None
    calls = rows[:, 1]
    return Block(
        start_s,
        float(calls.sum()),
        float(rows[:, 2].sum()),
        weighted_median(rows[:, 3], calls),
        weighted_median(rows[:, 4], calls),
        float(rows[:, 5].max()),
    )


def weighted_median(values: Sequence[float] | Floats, weights: Sequence[float] | Floats) -> float:
    """The value with half of the weight on either side.

    >>> weighted_median([1.0, 2.0, 9.0], [1, 1, 5])
    9.0
    """
    values, weights = np.asarray(values, float), np.asarray(weights, float)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    at = int(np.searchsorted(reached, reached[-1] / 2))
    return float(values[order][min(at, len(values) - 1)])
