"""How samples get from where they are recorded into rings and summaries: in batches.

Recording appends to one list. Whoever makes it too long, or asks, takes a head of it, sorts that by
series (any number of threads at once), and then one thread at a time keeps what was sorted. Nobody
who records ever waits for another.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sectorwatch.observe.history import FINE_S
from sectorwatch.observe.summaries import Summaries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.observe.drops import Drops
    from sectorwatch.observe.history import MetricHistory
    from sectorwatch.observe.series import SeriesTable

__all__ = ["Folder", "Sample"]

Sample = tuple[int, float, float]
"""Series id, seconds since 1970, finite value."""
_MOST_BATCHES = 64


class _Batch(NamedTuple):
    """Samples ordered by series, and what they come to by minute."""

    ids: NDArray[np.int64]
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    rows: Summaries


class Folder:
    """The list of samples that wait, and all that is done to empty it.

    At most `most_waiting` samples wait; where folding cannot keep up, the oldest batch is dropped
    and counted.
    """

    def __init__(
        self, series: SeriesTable, history: MetricHistory, drops: Drops, *, most_waiting: int
    ) -> None:
        self._series = series
        self._history = history
        self._drops = drops
        self._most_waiting = most_waiting
        # The list itself never changes hands, so appending needs no lock; whoever folds copies
        # a head of it and deletes that head, which `_taking` makes one step.
        self.waiting: list[Sample] = []
        self._taking = threading.Lock()
        self._sorted: deque[_Batch] = deque()
        self._keeping = threading.Lock()
        self.crowded = threading.Event()
        """Set when samples wait to be folded, for the thread that says it does so in `relieved`."""
        self.relieved = False

    def make_room(self) -> bool:
        """Many samples wait: wake whoever folds them, or fold some here (True); never wait."""
        if self.relieved and len(self.waiting) < self._most_waiting:
            self.crowded.set()
            return False
        # Where another thread is at the same place, it does this for us.
        if self._taking.acquire(blocking=False):
            try:
                head = self._take()
            finally:
                self._taking.release()
            self._sort_samples(head)
        self._keep_without_waiting()
        return True

    def drain(self) -> None:
        """Fold all that waits."""
        while self.waiting:
            with self._taking:
                head = self._take()
            self._sort_samples(head)
        with self._keeping:
            self._keep()

    def keep_arrays(
        self,
        ids: NDArray[np.int64],
        time_s: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> None:
        """Fold samples that come in arrays, in the order of their time."""
        self._sort(ids, time_s, values)
        self._keep_without_waiting()

    def _keep_without_waiting(self) -> None:
        if self._keeping.acquire(blocking=False):
            try:
                self._keep()
            finally:
                self._keeping.release()
        elif len(self._sorted) > _MOST_BATCHES:
            with suppress(IndexError):
                self._drops.count("queue_full", len(self._sorted.popleft().ids))

    def _take(self) -> list[Sample]:
        head = self.waiting[: self._most_waiting]
        del self.waiting[: len(head)]
        return head

    def _sort_samples(self, samples: list[Sample]) -> None:
        if samples:
            flat = np.fromiter(chain.from_iterable(samples), np.float64, 3 * len(samples))
            ids, time_s, values = flat.reshape(-1, 3).T
            self._sort(ids.astype(np.int64), time_s, values)

    def _sort(
        self,
        ids: NDArray[np.int64],
        time_s: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> None:
        if not len(ids):
            return
        order = np.argsort(ids, kind="stable")
        ids, time_s, values = ids[order], time_s[order], values[order]
        rows = Summaries.of_samples(ids, time_s, values, FINE_S)
        self._sorted.append(_Batch(ids, time_s, values, rows))

    def _keep(self) -> None:
        """Keep what is sorted, with `_keeping` held."""
        batches = []
        while self._sorted:
            batches.append(self._sorted.popleft())
        for batch in batches:
            ids, time_s, values, _ = batch
            first = np.flatnonzero(np.diff(ids, prepend=ids[0] - 1))
            with np.errstate(over="ignore"):
                totals = np.add.reduceat(values, first).tolist()
            begins = first.tolist()
            ends = [*begins[1:], len(ids)]
            for begin, end, total in zip(begins, ends, totals, strict=True):
                series = self._series.by_id.get(int(ids[begin]))
                if series is not None:
                    series.keep(time_s[begin:end], values[begin:end], total)
        if batches:
            self._history.add([batch.rows for batch in batches])
