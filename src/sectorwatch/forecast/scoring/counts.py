"""Forecasts of what is counted, such as landings, kept and scored like those for sectors.

Other than sectors, the series change from issue to issue (the busiest airports of the moment), and
what happened is read from the store when it is over.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.errors import StoreError
from sectorwatch.forecast.horizon import BIN_S, LONGEST_S
from sectorwatch.forecast.kept import Readable, keep_issued, kept_issues
from sectorwatch.forecast.scoring.accuracy import Accuracy, accuracy_of
from sectorwatch.forecast.scoring.figures import series_of
from sectorwatch.forecast.scoring.ledger import DAYS, Ledger
from sectorwatch.forecast.scoring.minutes import ENOUGH_OF_BIN, MINUTE_S
from sectorwatch.forecast.scoring.scored import Scored, scored_of, told
from sectorwatch.forecast.scoring.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.scoring.ledger import LocalHours
    from sectorwatch.observe import Telemetry
    from sectorwatch.store import Store
    from sectorwatch.store.forecasts import ForecastKind

    _Due = tuple[int, Issued, int]

__all__ = ["CountScoring"]

_SAVE_EVERY_S = 3_600
_READ_S = 2 * 3_600
_BIN = BIN_S // MINUTE_S


class CountScoring:
    """Keeps and scores forecasts of `kind`, each an `Issued` whose `sector_id` number its series.

    `read(store, series_id, from_s, to_s)` gives what was counted in each minute, shape (series,
    minutes), and which minutes are known; a bin's truth is the sum of its known minutes, scaled to
    all. `issued`, `observe`, `resume` and `save` belong to one thread, the rest to any.
    """

    def __init__(
        self,
        kind: ForecastKind,
        local: LocalHours,
        read: Callable[
            [Store, NDArray[np.int64], int, int], tuple[NDArray[Any], NDArray[np.bool_]]
        ],
        *,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.kind: ForecastKind = kind
        self.scored_to_s: int | None = None
        self._read = read
        self._ledger = Ledger(np.empty(0, np.int64), local)
        self._waiting = Waiting()
        self._saved_to_s: int | None = None
        self._readable = Readable(telemetry)
        self._lock = threading.Lock()

    @property
    def series_id(self) -> NDArray[np.int64]:
        """The series that have figures, in the order of the rows of `accuracy`."""
        return self._ledger.series_id

    def issued(self, issued: Issued, store: Store) -> bool:
        """Keeps an issue and has it wait; False where one of that moment was kept before.

        Raises DatabaseAwayError where it could not be kept: call it again.
        """
        new = keep_issued(store.forecasts, issued, self.kind)
        if new:
            self._waiting.add(issued)
        return new

    def observe(self, final_minute_s: int | None, store: Store) -> Scored | None:
        """Scores what ended with the last minute that is final; None where nothing did.

        Raises StoreError where what happened cannot be read: the next call makes up for it.
        """
        if final_minute_s is None:
            return None
        due = self._waiting.due(final_minute_s + MINUTE_S)
        if not due:
            return None
        try:
            parts = [self._told(each, store) for each in _read_together(due)]
        except StoreError:
            self._waiting.put_back(due)
            raise
        columns = [each for part in parts for each in part]
        with self._lock:
            self._ledger.follow(np.concatenate([each["series_id"] for each in columns]))
            for each in columns:
                each["row"] = self._ledger.rows(each["series_id"])
            scored = scored_of(columns)
            now_s = due[-1][0] + BIN_S
            self._ledger.add(scored, now_s)
        self.scored_to_s = max(now_s, self.scored_to_s or now_s)
        if self._saved_to_s is None:
            self._saved_to_s = self.scored_to_s
        if self.scored_to_s - self._saved_to_s >= _SAVE_EVERY_S:
            self.save(store)
        return scored

    def accuracy(self, series_id: int | None = None, *, days: int = DAYS) -> Accuracy:
        """How the forecasts of the last `days` days fared: of one series, or of all."""
        with self._lock:
            figures, of_days = self._ledger.total(days)
            row = None if series_id is None else int(self._ledger.rows(np.array([series_id]))[0])
        return accuracy_of(figures, of_days, row, self.scored_to_s)

    def standing(self, days: int = DAYS) -> tuple[Accuracy, NDArray[np.int64]]:
        """How the forecasts of all series fared, and which series its rows are, at one moment."""
        with self._lock:
            figures, of_days = self._ledger.total(days)
            series_id = self._ledger.series_id
        return accuracy_of(figures, of_days, None, self.scored_to_s), series_id

    def resume(self, store: Store) -> None:
        """Goes on where another left off. Rows that cannot be read are left out."""
        kept = store.forecasts.scores(self.kind, 0)
        series = [np.empty(0, np.int64)]
        for each in kept:
            # Those that are damaged are told of below.
            with contextlib.suppress(StoreError):
                series.append(series_of(each.figures))
        with self._lock:
            self._ledger.follow(np.concatenate(series))
            self._ledger.load(kept, self._readable)
        scored_to_s = max((each.scored_to_s for each in kept), default=None)
        self.scored_to_s = self._saved_to_s = scored_to_s
        self._waiting = Waiting()
        newest_s = store.forecasts.newest(self.kind)
        if newest_s is None:
            return
        from_s = (newest_s if scored_to_s is None else scored_to_s) - LONGEST_S - BIN_S
        for issued in kept_issues(
            store.forecasts, from_s, newest_s + 1, self.kind, readable=self._readable
        ):
            self._waiting.add(issued, after_s=scored_to_s)

    def save(self, store: Store) -> None:
        """Keeps the figures as they are now. Raises DatabaseAwayError: it may be tried again."""
        if self.scored_to_s is None:
            return
        self._ledger.keep(store.forecasts, self.kind, self.scored_to_s)
        self._saved_to_s = self.scored_to_s

    def _told(self, due: list[_Due], store: Store) -> list[dict[str, NDArray[Any]]]:
        series_id = np.unique(np.concatenate([issued.sector_id for _, issued, _ in due]))
        from_s = due[0][0]
        counts, known = self._read(store, series_id, from_s, due[-1][0] + BIN_S)
        parts = []
        for start_s, issued, lead in due:
            first = (start_s - from_s) // MINUTE_S
            minutes = first + np.flatnonzero(known[first : first + _BIN])
            rows = np.searchsorted(series_id, issued.sector_id)
            truth = np.full(rows.size, np.nan, np.float32)
            if minutes.size >= ENOUGH_OF_BIN * _BIN:
                truth[:] = counts[rows[:, None], minutes].sum(axis=1) * (_BIN / minutes.size)
            parts.append(told(issued, lead, rows, truth))
        return parts


def _read_together(due: list[_Due]) -> list[list[_Due]]:
    """What is due, in the order of its bins, in parts of which each is read at once."""
    parts: list[list[_Due]] = []
    for each in sorted(due, key=lambda one: one[0]):
        if parts and each[0] - parts[-1][0][0] < _READ_S:
            parts[-1].append(each)
        else:
            parts.append([each])
    return parts
