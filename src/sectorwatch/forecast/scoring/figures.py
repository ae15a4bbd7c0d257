"""Sums of how forecasts fared: by series and lead, by local hour, by size, by what they promised.

They add up: a day's are kept, and those of any days together are their sum. Nothing here grows with
the number of forecasts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sectorwatch.forecast.breach import p_above
from sectorwatch.forecast.horizon import HORIZONS_S, LEADS
from sectorwatch.forecast.issued import BASES
from sectorwatch.forecast.measures import pinball, within_80
from sectorwatch.forecast.scoring.scored import is_hit, is_judged
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from sectorwatch.forecast.scoring.scored import Scored

__all__ = [
    "BY_HOUR",
    "BY_SERIES",
    "BY_SIZE",
    "CHANCES",
    "HOURS",
    "OF_PLANS",
    "PARTS",
    "SIZES",
    "Figures",
    "series_of",
]

BY_SERIES = (
    "count",
    "unscored",
    "truth",
    "error",
    "bias",
    "plan_error",
    "persistence_error",
    "naive_count",
    "naive_error",
    "error_beside_naive",
    "pinball",
    "inside",
    "judged",
    "hits",
)
"""Sums of shape (series, leads). `error` and its like are absolute, in aircraft; `bias` is signed.

`error_beside_naive` is the error of those whose naive forecast is known, `inside` how many truths
the 80 % interval held, `judged` how many count for the confidence, of which `hits` were near.
"""
BY_HOUR = ("count", "error", "inside", "naive_count", "naive_error", "error_beside_naive")
"""Sums of shape (series, horizons, hours of the local day in which the bin began)."""
BY_SIZE = ("count", "error", "inside", "truth", "mean")
"""Sums of shape (sizes of the forecast, leads)."""
CHANCES = ("count", "promised", "happened")
"""Of the probability of more than the capacity: sums of shape (parts of 0..1, leads)."""
OF_PLANS = ("count", "computed", "told", "happened", "computed_loss", "told_loss")
"""The same of forecasts that rest on plans, by what was computed before it was set right: sums of
shape (parts of 0..1, leads). `loss` is the square of what is off, which is Brier's score."""
HOURS = 24
PARTS = 10
SIZES = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
"""Aircraft forecast: where one class of sizes ends and the next begins."""
SIZES.setflags(write=False)

_LEADS = LEADS.size
_HORIZON_OF = np.array([HORIZONS_S.index(each) if each in HORIZONS_S else -1 for each in LEADS])


class Figures:
    """The sums of some time, of `count` series: arrays by name, in four groups."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.by_series = _zeros(BY_SERIES, (count, _LEADS))
        self.by_hour = _zeros(BY_HOUR, (count, len(HORIZONS_S), HOURS))
        self.by_size = _zeros(BY_SIZE, (SIZES.size + 1, _LEADS))
        self.chances = _zeros(CHANCES, (PARTS, _LEADS))
        self.of_plans = _zeros(OF_PLANS, (PARTS, _LEADS))
        self.pit = np.zeros((PARTS, _LEADS), np.float32)
        """How many truths lie in each tenth of their distribution: (parts, leads)."""

    def add(self, scored: Scored, hour: NDArray[np.int64]) -> None:
        """Adds forecasts whose time has come; `hour` is that of the local day in which each began.

        Those whose truth is unknown count as unscored. Leads that are none of `LEADS` do not count.
        """
        ours = np.isin(scored.lead_s, LEADS)
        is_known = np.isfinite(scored.truth)
        self._add_to(self.by_series["unscored"], _cells(scored.where(ours & ~is_known)), None)
        scored, hour = scored.where(ours & is_known), hour[ours & is_known]
        if not len(scored):
            return
        lead = np.searchsorted(LEADS, scored.lead_s)
        values = _values(scored)
        cell = _cells(scored)
        for name in BY_SERIES:
            if name != "unscored":
                self._add_to(self.by_series[name], cell, values[name])
        horizon = _HORIZON_OF[lead]
        of_horizon = horizon >= 0
        cell = ((scored.row * len(HORIZONS_S) + horizon) * HOURS + hour)[of_horizon]
        for name in BY_HOUR:
            self._add_to(self.by_hour[name], cell, values[name][of_horizon])
        cell = np.searchsorted(SIZES, scored.mean, side="right") * _LEADS + lead
        for name in BY_SIZE:
            self._add_to(self.by_size[name], cell, values[name])
        self._add_to(self.pit, _part(scored.pit) * _LEADS + lead, None)
        # A promise can be held against something only where there is a capacity.
        told = np.isfinite(scored.p_over_capacity) & np.isfinite(scored.capacity)
        promised = scored.p_over_capacity[told]
        happened = (scored.truth > scored.capacity)[told]
        cell = _part(promised) * _LEADS + lead[told]
        for name, sums in zip(CHANCES, (None, promised, happened), strict=True):
            self._add_to(self.chances[name], cell, sums)
        self._add_of_plans(scored.where(told & (scored.basis == _PLANS)))

    def _add_of_plans(self, scored: Scored) -> None:
        if not len(scored):
            return
        computed = p_above(scored.quantiles, scored.p_zero, scored.capacity)
        told, happened = scored.p_over_capacity, scored.truth > scored.capacity
        cell = _part(computed) * _LEADS + np.searchsorted(LEADS, scored.lead_s)
        losses = (computed - happened) ** 2, (told - happened) ** 2
        for name, sums in zip(OF_PLANS, (None, computed, told, happened, *losses), strict=True):
            self._add_to(self.of_plans[name], cell, sums)

    @staticmethod
    def _add_to(
        sums: NDArray[np.float32], cell: NDArray[np.intp], values: NDArray[Any] | None
    ) -> None:
        if cell.size:
            sums += np.bincount(cell, values, sums.size).reshape(sums.shape).astype(np.float32)

    @classmethod
    def sum(cls, parts: Iterable[Figures], count: int) -> Self:
        """Those of several times together."""
        whole = cls(count)
        for part in parts:
            for mine, theirs in zip(whole.groups(), part.groups(), strict=True):
                for name in mine:
                    mine[name] += theirs[name]
        return whole

    def groups(self) -> tuple[dict[str, NDArray[np.float32]], ...]:
        """All the sums by name: by series, hour, size, promise, promise of plans, and the PIT."""
        return (
            self.by_series,
            self.by_hour,
            self.by_size,
            self.chances,
            self.of_plans,
            {"pit": self.pit},
        )

    def of_series(self, was: NDArray[np.int64], series_id: NDArray[np.int64]) -> Figures:
        """The same of `series_id` instead of `was`: nothing of those that are new."""
        found = type(self)(series_id.size)
        _, new, old = np.intersect1d(series_id, was, return_indices=True)
        for prefix, mine, theirs in zip(_PREFIXES, found.groups(), self.groups(), strict=True):
            for name, sums in mine.items():
                if prefix in _OF_SERIES:
                    sums[new] = theirs[name][old]
                else:
                    sums[:] = theirs[name]
        return found

    def to_blob(self, series_id: NDArray[np.int64]) -> bytes:
        """The figures as the store keeps them."""
        columns: dict[str, NDArray[Any]] = {"series_id": series_id, "leads_s": LEADS}
        for prefix, group in zip(_PREFIXES, self.groups(), strict=True):
            columns |= {f"{prefix}{name}": sums for name, sums in group.items()}
        return pack_columns(columns)

    @classmethod
    def from_blob(cls, blob: bytes, series_id: NDArray[np.int64]) -> Self:
        """What `to_blob` was given, of the series that are still there, in their order now.

        Nothing is left of series that are gone, nor where leads or classes were others. Raises
        StoreError where it is damaged or of a newer version.
        """
        columns = unpack_columns(blob)
        found = cls(series_id.size)
        was = columns.get("series_id", _NONE)
        if not np.array_equal(columns.get("leads_s", ()), LEADS):
            return found
        _, new, old = np.intersect1d(series_id, was, return_indices=True)
        for prefix, group in zip(_PREFIXES, found.groups(), strict=True):
            for name, sums in group.items():
                kept = columns.get(f"{prefix}{name}")
                if kept is None:
                    continue
                if prefix in _OF_SERIES:
                    if kept.shape == (was.size, *sums.shape[1:]):
                        sums[new] = kept[old]
                elif kept.shape == sums.shape:
                    sums[:] = kept
        return found


_PREFIXES = ("series_", "hour_", "size_", "chance_", "of_plans_", "")
_PLANS = BASES.index("insufficient_history")
_OF_SERIES = _PREFIXES[:2]
_NONE = np.empty(0, np.int64)


def series_of(blob: bytes) -> NDArray[np.int64]:
    """The numbers of the series that some figures kept are of. Raises StoreError if damaged."""
    return np.asarray(unpack_columns(blob).get("series_id", _NONE), np.int64)


def _zeros(names: tuple[str, ...], shape: tuple[int, ...]) -> dict[str, NDArray[np.float32]]:
    return {name: np.zeros(shape, np.float32) for name in names}


def _cells(scored: Scored) -> NDArray[np.intp]:
    cells: NDArray[np.intp] = scored.row * _LEADS + np.searchsorted(LEADS, scored.lead_s)
    return cells


def _part(shares: NDArray[np.floating]) -> NDArray[np.intp]:
    return np.asarray(np.clip(shares * PARTS, 0, PARTS - 1), np.intp)


def _values(scored: Scored) -> Mapping[str, NDArray[Any]]:
    error = np.abs(scored.mean - scored.truth)
    beside = np.isfinite(scored.naive)
    judged = is_judged(scored.mean, scored.truth)
    return {
        "count": np.ones(len(scored)),
        "truth": scored.truth,
        "mean": scored.mean,
        "error": error,
        "bias": scored.mean - scored.truth,
        "plan_error": np.abs(scored.plan_mean - scored.truth),
        "persistence_error": np.abs(scored.current - scored.truth),
        "naive_count": beside,
        "naive_error": np.where(beside, np.abs(scored.naive - scored.truth), 0.0),
        "error_beside_naive": np.where(beside, error, 0.0),
        "pinball": pinball(scored.truth, scored.quantiles).mean(axis=-1),
        "inside": within_80(scored.pit),
        "judged": judged,
        "hits": judged & is_hit(scored.mean, scored.truth),
    }
