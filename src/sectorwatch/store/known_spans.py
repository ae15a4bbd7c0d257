"""The times in a period of which something is known, as spans; pure functions of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.store.queries_network import Known

__all__ = ["KnownSpans", "known_spans"]


@dataclass(frozen=True, slots=True)
class KnownSpans:
    """The times in a period of which something is known, as spans that neither touch nor overlap.

    `start_s` and `end_s` of shape (n,), in order, half-open.
    """

    start_s: NDArray[np.int64]
    end_s: NDArray[np.int64]

    def seconds(self, from_s: NDArray[np.int64], to_s: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many seconds of each period `[from_s, to_s)`, shape (m,), are known."""
        return self._before(to_s) - self._before(from_s)

    def parts(
        self, from_s: NDArray[np.int64], to_s: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
        """The known parts of each period `[from_s, to_s)`: (its index, start, end), in order."""
        first = np.searchsorted(self.end_s, from_s, "right")
        count = np.maximum(0, np.searchsorted(self.start_s, to_s, "left") - first)
        at = np.repeat(np.arange(count.size), count)
        # The spans of each period one after another, from its first one on.
        span = np.arange(at.size) + np.repeat(first - (np.cumsum(count) - count), count)
        start_s = np.maximum(from_s[at], self.start_s[span])
        return at, start_s, np.minimum(to_s[at], self.end_s[span])

    def total_s(self) -> int:
        """How many seconds are known, all in all."""
        return int((self.end_s - self.start_s).sum())

    def without(self, start_s: int, end_s: int) -> KnownSpans:
        """These spans less `[start_s, end_s)`."""
        if start_s >= end_s:
            return self
        parts = [(self.start_s, np.minimum(self.end_s, start_s))]
        parts.append((np.maximum(self.start_s, end_s), self.end_s))
        starts, ends = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.argsort(starts, kind="stable")
        kept = order[ends[order] > starts[order]]
        return KnownSpans(starts[kept], ends[kept])

    def _before(self, time_s: NDArray[np.int64]) -> NDArray[np.int64]:
        length = np.concatenate([[0], np.cumsum(self.end_s - self.start_s)])
        place = np.searchsorted(self.start_s, time_s, side="right")
        into = np.zeros(time_s.shape, np.int64)
        some = place > 0
        last = place[some] - 1
        into[some] = np.maximum(0, self.end_s[last] - np.maximum(time_s[some], self.start_s[last]))
        seconds: NDArray[np.int64] = length[place] - into
        return seconds


def known_spans(known: Known, from_s: int, to_s: int) -> KnownSpans:
    """What is known of a period: from the first snapshot to the last, less the gaps."""
    empty = np.empty(0, np.int64)
    if known.first_s is None or known.last_s is None:
        return KnownSpans(empty, empty)
    start_s, end_s = max(from_s, known.first_s), min(to_s, known.last_s)
    if start_s >= end_s:
        return KnownSpans(empty, empty)
    spans = KnownSpans(np.array([start_s], np.int64), np.array([end_s], np.int64))
    for gap in known.gaps:
        spans = spans.without(gap.start_s, gap.end_s)
    return spans
