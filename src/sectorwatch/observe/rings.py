"""The last hour of a series as it was recorded, in bounded memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RawBudget", "RawRing"]

_FIRST_CAPACITY = 16
_TAIL = 64


class RawBudget:
    """How many raw samples all rings together may still make room for."""

    def __init__(self, samples: int) -> None:
        self._left = samples
        self._lock = threading.Lock()

    def take(self, samples: int) -> bool:
        """Whether there is room for so many more; if so it is taken."""
        with self._lock:
            if samples > self._left:
                return False
            self._left -= samples
            return True

    def give(self, samples: int) -> None:
        """Give room back."""
        with self._lock:
            self._left += samples


class RawRing:
    """The latest samples of one series; the oldest make room for the newest.

    It grows by doubling up to `limit`, as long as the budget that all rings share allows it.
    """

    __slots__ = ("_budget", "_limit", "_lock", "_next", "_times", "_values", "size")

    def __init__(self, limit: int, budget: RawBudget) -> None:
        self._limit = limit
        self._budget = budget
        self._lock = threading.Lock()
        self._times = np.empty(0)
        self._values = np.empty(0)
        self._next = 0
        self.size = 0

    def extend(self, times_s: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Add samples in the order of their time."""
        with self._lock:
            self._extend(times_s, values)

    def since(self, time_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times and values from `time_s` on, by time; copies."""
        with self._lock:
            times, values = self._in_order()
            kept = np.flatnonzero(times >= time_s)
            times, values = times[kept], values[kept]
        # Several threads fold: a batch may have come in after one that is younger.
        order = np.argsort(times, kind="stable")
        return times[order], values[order]

    def newest(self) -> tuple[float, float] | None:
        """Time and value of the sample that came in last; None where there is none."""
        with self._lock:
            if not self.size:
                return None
            return float(self._times[self._next - 1]), float(self._values[self._next - 1])

    def tail(
        self, since_s: float, until_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times and values from the newest back to the first outside these bounds; copies.

        In the order in which they came in: what lies behind one outside was recorded before a
        clock was set. Takes as long as there are such samples, however many the ring has.
        """
        wanted = _TAIL
        with self._lock:
            while True:
                times, values = self._last(min(wanted, self.size))
                outside = np.flatnonzero((times < since_s) | (times > until_s))
                if len(outside) or wanted >= self.size:
                    begin = int(outside[-1]) + 1 if len(outside) else 0
                    return times[begin:].copy(), values[begin:].copy()
                wanted *= 4

    def free(self) -> None:
        """Give all room back."""
        with self._lock:
            self._budget.give(len(self._times))
            self._times = self._values = np.empty(0)
            self._next = self.size = 0

    def _extend(self, times_s: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        wanted = self.size + len(times_s)
        if wanted > len(self._times):
            self._grow(wanted)
        capacity = len(self._times)
        if not capacity:
            return
        times_s, values = times_s[-capacity:], values[-capacity:]
        until_end = min(capacity - self._next, len(times_s))
        rest = len(times_s) - until_end
        self._times[self._next : self._next + until_end] = times_s[:until_end]
        self._values[self._next : self._next + until_end] = values[:until_end]
        self._times[:rest] = times_s[until_end:]
        self._values[:rest] = values[until_end:]
        self._next = (self._next + len(times_s)) % capacity
        self.size = min(capacity, self.size + len(times_s))

    def _in_order(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self.size < len(self._times):
            return self._times[: self.size], self._values[: self.size]
        return np.roll(self._times, -self._next), np.roll(self._values, -self._next)

    def _last(self, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The `n` samples that came in last, in their order."""
        end = self._next if self.size < len(self._times) else self._next or len(self._times)
        if n <= end:
            return self._times[end - n : end], self._values[end - n : end]
        parts = (slice(len(self._times) - (n - end), None), slice(0, end))
        return (
            np.concatenate([self._times[part] for part in parts]),
            np.concatenate([self._values[part] for part in parts]),
        )

    def _grow(self, wanted: int) -> None:
        have = len(self._times)
        capacity = max(have, _FIRST_CAPACITY)
        while capacity < wanted:
            capacity *= 2
        capacity = min(capacity, self._limit)
        if capacity <= have or not self._budget.take(capacity - have):
            return
        kept_times, kept_values = self._in_order()
        self._times, self._values = np.empty(capacity), np.empty(capacity)
        self._times[: self.size] = kept_times
        self._values[: self.size] = kept_values
        self._next = self.size
