"""A day's forecasts as they are sealed: beside each what then was, and what was a week before.

Of the issues of each quarter of an hour the first is sealed: the bins that they speak of then
follow one another, and each has one forecast from every lead. The others say nearly the same; they
are kept for two days and scored like all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.errors import StoreError
from sectorwatch.store.columns import unpack_columns
from sectorwatch.store.segments import FORECASTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.store.forecasts import Kept
    from sectorwatch.store.queries_history import HistoryQueries

__all__ = ["EVERY_S", "first_of_each", "forecast_columns"]

EVERY_S = 900
_BIN_S = 900
_MINUTE_S = 60
_ENOUGH = 0.5
"""A bin's mean is known where this share of its minutes is."""
_QUANTILES = ("q10_e2", "q25_e2", "q50_e2", "q75_e2", "q90_e2")


def first_of_each(times_s: Iterable[int], every_s: int = EVERY_S) -> list[int]:
    """The first of the times, which come in order, of each `every_s`.

    >>> first_of_each([0, 300, 600, 1_201, 1_500, 1_800])
    [0, 1201, 1800]
    """
    found: dict[int, int] = {}
    for time_s in times_s:
        found.setdefault(time_s // every_s, time_s)
    return list(found.values())


def forecast_columns(issues: Sequence[Kept], history: HistoryQueries) -> dict[str, NDArray[Any]]:
    """The columns of `FORECASTS` of some issues for sectors, at least one, oldest first.

    Raises StoreError where one is damaged, DatabaseAwayError where what happened cannot be asked.
    """
    opened = [unpack_columns(each.content) for each in issues]
    try:
        sector_ids = np.unique(np.concatenate([each["sector_id"] for each in opened]))
        truth = _Truth(issues, opened, sector_ids, history)
        parts = [_rows(*pair, truth) for pair in zip(issues, opened, strict=True)]
    except (KeyError, IndexError) as error:
        raise StoreError(
            f"a forecast of the day of {issues[0].as_of_s} does not fit together ({error}): "
            "the row is damaged"
        ) from error
    columns: dict[str, NDArray[Any]] = {}
    for name, stored in FORECASTS.columns.items():
        whole = np.concatenate([part.pop(name) for part in parts])
        if stored.type == "string":
            columns[name] = whole
        elif whole.dtype.kind == "f":
            unknown = np.isnan(whole)
            numbers = np.where(unknown, 0, np.rint(whole)).astype(stored.dtype)
            columns[name] = np.ma.MaskedArray(numbers, unknown) if unknown.any() else numbers
        else:
            columns[name] = whole.astype(stored.dtype)
    return columns


class _Truth:
    """The mean of each bin that some issues speak of."""

    def __init__(
        self,
        issues: Sequence[Kept],
        opened: Sequence[dict[str, NDArray[Any]]],
        sector_ids: NDArray[np.int64],
        history: HistoryQueries,
    ) -> None:
        self._sector_ids = sector_ids
        self._from_s = issues[0].as_of_s // _MINUTE_S * _MINUTE_S
        longest_s = max(int(each["leads_s"].max(initial=0)) for each in opened)
        to_s = issues[-1].as_of_s // _MINUTE_S * _MINUTE_S + longest_s + _BIN_S
        minutes = history.demand(sector_ids.tolist(), self._from_s, to_s)
        known = minutes.known
        occupancy = np.where(known, minutes.occupancy, 0)
        self._sums = np.concatenate(
            [np.zeros((sector_ids.size, 1), np.int32), occupancy.cumsum(1, np.int32)], axis=1
        )
        self._known = np.concatenate([[0], known.cumsum()])

    def means(
        self, sector_id: NDArray[np.int64], starts_s: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Of sectors (s,) and bins (l,), shape (s, l); NaN where too little is known."""
        rows = np.searchsorted(self._sector_ids, sector_id)[:, None]
        first = (starts_s // _MINUTE_S * _MINUTE_S - self._from_s) // _MINUTE_S
        last = first + _BIN_S // _MINUTE_S
        known = self._known[last] - self._known[first]
        total = self._sums[rows, last] - self._sums[rows, first]
        enough = known >= _ENOUGH * (_BIN_S // _MINUTE_S)
        means = total / np.maximum(known, 1)
        return np.where(enough, means, np.nan).astype(np.float32)


def _rows(issue: Kept, columns: dict[str, NDArray[Any]], truth: _Truth) -> dict[str, NDArray[Any]]:
    sector_id, leads_s = columns["sector_id"], columns["leads_s"].astype(np.int64)
    shape = sector_id.size, leads_s.size

    def cells(values: NDArray[Any]) -> NDArray[Any]:
        return np.broadcast_to(values, shape).reshape(-1)

    mean, *quantiles = columns["levels"]
    made = {
        "sector_id": cells(sector_id[:, None]),
        "as_of_s": np.full(sector_id.size * leads_s.size, issue.as_of_s, np.int64),
        "lead_s": cells(leads_s),
        "mean_e2": cells(100 * mean),
        "p_zero_e3": cells(1_000 * columns["p_zero"]),
        "p_over_capacity_e3": cells(1_000 * columns["p_over_capacity"]),
        "plan_e2": cells(100 * columns["plan_mean"]),
        "naive_e2": cells(100 * columns["naive"]),
        "current": cells(columns["current"][:, None]),
        "truth_e2": cells(100 * truth.means(sector_id, issue.as_of_s + leads_s)),
        "model": np.full(sector_id.size * leads_s.size, issue.model, object),
    }
    return made | {
        name: cells(100 * each) for name, each in zip(_QUANTILES, quantiles, strict=True)
    }
