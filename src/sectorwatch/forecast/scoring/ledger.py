"""The figures day by day, of the last four weeks, and what follows from all of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sectorwatch.forecast.scoring.confidence import confidence_of
from sectorwatch.forecast.scoring.drop import Drop
from sectorwatch.forecast.scoring.figures import OF_PLANS, Figures
from sectorwatch.forecast.scoring.promises import Promises
from sectorwatch.store.forecasts import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.kept import Readable
    from sectorwatch.forecast.scoring.scored import Scored
    from sectorwatch.store.forecasts import ForecastKind, ForecastStore

__all__ = ["DAYS", "DAY_S", "Ledger", "LocalHours"]

DAY_S = 86_400
DAYS = 28
"""A day's figures are kept so long; the newest day counts."""


class LocalHours(Protocol):
    """The division's local time, as far as it is asked for here."""

    def hour_of_week(self, times_s: NDArray[np.int64]) -> NDArray[np.int64]:
        """The hour of the local week, 0 to 167; Monday from 00:00 is 0."""


class Ledger:
    """Figures of `series_id` by the day (UTC) on which their bins began; belongs to one thread."""

    def __init__(self, series_id: NDArray[np.int64], local: LocalHours) -> None:
        self.series_id = series_id
        self.days: dict[int, Figures] = {}
        self.drop = Drop()
        self._local = local
        self._before = Figures(series_id.size)
        self._changed: set[int] = set()
        self._confidence: NDArray[np.float64] | None = None

    def add(self, scored: Scored, now_s: int) -> None:
        """Adds forecasts whose time has come by `now_s`."""
        starts_s = scored.as_of_s + scored.lead_s
        hour = self._local.hour_of_week(starts_s) % 24
        known = np.isfinite(scored.truth)
        day_s = starts_s // DAY_S * DAY_S
        for day in np.unique(day_s).tolist():
            of_day = day_s == day
            self._of(day).add(scored.where(of_day), hour[of_day])
            self._changed.add(day)
        self.drop.hear(scored.where(known), hour[known], now_s)
        self._confidence = None

    def confidence(self) -> NDArray[np.float64]:
        """Of each series and lead, of shape (series, leads)."""
        if self._confidence is None:
            newest = self.days.get(max(self.days, default=0))
            parts = [self._before] if newest is None else [self._before, newest]
            self._confidence = confidence_of(Figures.sum(parts, self.series_id.size))
        return self._confidence

    def promises(self) -> Promises | None:
        """How probabilities of more than the capacity are set right, by all days; None before."""
        if not self.days:
            return None
        return Promises.of(
            {
                name: np.sum([day.of_plans[name] for day in self.days.values()], axis=0)
                for name in OF_PLANS
            }
        )

    def total(self, days: int = DAYS) -> tuple[Figures, list[int]]:
        """The figures of the last `days` days together, and which days these are."""
        newest = max(self.days, default=0)
        chosen = sorted(day for day in self.days if day > newest - days * DAY_S)
        parts = [self.days[day] for day in chosen]
        if len(chosen) == len(self.days) > 1:
            # What is asked for most: those of all days but the newest are summed up already.
            parts = [self._before, parts[-1]]
        return Figures.sum(parts, self.series_id.size), chosen

    def follow(self, series_id: NDArray[np.int64]) -> None:
        """Has these series among its own, in the place of those of which nothing is known any more.

        Rows are others afterwards where any of them is new.
        """
        was = self.series_id
        if np.isin(series_id, was).all():
            return
        told = Figures.sum(self.days.values(), was.size).by_series
        has_any = (told["count"] + told["unscored"]).any(axis=1)
        self.series_id = np.unique(np.concatenate([was[has_any], series_id]))
        self.days = {
            day: figures.of_series(was, self.series_id) for day, figures in self.days.items()
        }
        self._turn()

    def rows(self, series_id: NDArray[np.int64]) -> NDArray[np.intp]:
        """The rows of series that are followed, whose numbers are in order; -1 for others."""
        if not self.series_id.size:
            return np.full(series_id.size, -1, np.intp)
        row = np.minimum(np.searchsorted(self.series_id, series_id), self.series_id.size - 1)
        return np.where(self.series_id[row] == series_id, row, -1)

    def load(self, kept: Sequence[Scores], readable: Readable) -> None:
        """Takes the days that were kept, but those that are damaged or newer."""
        read = {
            each.day_s: readable.read(
                "how a day's forecasts fared",
                each.day_s,
                partial(Figures.from_blob, each.figures, self.series_id),
            )
            for each in kept
        }
        self.days = {day_s: each for day_s, each in read.items() if each is not None}
        self._changed.clear()
        self._turn()

    def keep(self, store: ForecastStore, kind: ForecastKind, scored_to_s: int) -> None:
        """Keeps the days that changed since. Raises DatabaseAwayError: it may be tried again."""
        rows = [
            Scores(day, scored_to_s, self.days[day].to_blob(self.series_id))
            for day in sorted(self._changed & self.days.keys())
        ]
        if rows:
            store.keep_scores(kind, rows, from_day_s=self.oldest_s)
            self._changed.clear()

    @property
    def oldest_s(self) -> int:
        """No day before it is wanted."""
        return max(self.days, default=0) - (DAYS - 1) * DAY_S

    def _of(self, day_s: int) -> Figures:
        figures = self.days.get(day_s)
        if figures is None:
            figures = self.days[day_s] = Figures(self.series_id.size)
            self._turn()
        return figures

    def _turn(self) -> None:
        """A day is new: those before it are closed, and what is too old goes."""
        oldest_s, newest_s = self.oldest_s, max(self.days, default=0)
        for day in [each for each in self.days if each < oldest_s]:
            del self.days[day]
        before = [figures for day, figures in self.days.items() if day != newest_s]
        self._before = Figures.sum(before, self.series_id.size)
        self._confidence = None
        scored = sum(bool(each.by_series["count"].any()) for each in before)
        self.drop.learn(self._before, scored)
