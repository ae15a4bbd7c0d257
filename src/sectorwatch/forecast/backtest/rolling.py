"""The back-test itself: forecasts as of moment after moment of the past, against what then was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.backtest.figures import method_figures, scale_of
from sectorwatch.forecast.backtest.tally import BLOCKS, DECILES, Case, Tally
from sectorwatch.forecast.horizon import LEADS, LEADS_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.backtest.bins import Bins
    from sectorwatch.forecast.backtest.method import Forecasts, Method
    from sectorwatch.forecast.local_time import LocalTime

__all__ = ["MARK_S", "Period", "SectorSet", "roll"]

MARK_S = 300
"""A forecast is made at a mark of 5 min, as a running program does."""
_DAY_S = 86_400
_QUARTERS_A_BLOCK = 24 // BLOCKS * 4
_QUARTERS_A_DAY = 96


@dataclass(frozen=True, slots=True)
class Period:
    """Forecasts are made every `every_s` from `from_s` until before `to_s`.

    Methods that learn do so first of what was known at `train_until_s`, no later than `from_s`;
    then again every `retrain_s`, of all that was known by then, or never where that is None.
    Moments are marks of `MARK_S`; raises ValueError where one is none.
    """

    from_s: int
    to_s: int
    every_s: int
    train_until_s: int
    retrain_s: int | None

    def __post_init__(self) -> None:
        if self.from_s % MARK_S or self.every_s % MARK_S or self.every_s <= 0:
            raise ValueError(f"forecasts at {self.from_s} every {self.every_s} s meet no bins")
        if not self.train_until_s <= self.from_s < self.to_s:
            raise ValueError(
                f"{self.train_until_s}, {self.from_s}, {self.to_s}: training ends first, then the "
                "period begins, then it ends"
            )

    def days(self) -> Iterator[tuple[bool, NDArray[np.int64]]]:
        """Moments day by day (UTC), and whether methods are to learn anew before them.

        A day on which learning is due is cut there.
        """
        moments = np.arange(self.from_s, self.to_s, self.every_s, dtype=np.int64)
        part = moments // _DAY_S
        if self.retrain_s is None:
            due = np.zeros(moments.size, dtype=np.int64)
        else:
            due = (moments - self.from_s) // self.retrain_s
        begins = np.flatnonzero(np.diff(part, prepend=part[:1] - 1) | np.diff(due, prepend=-1))
        last = -1
        for day in np.split(moments, begins[1:]):
            now = 0 if self.retrain_s is None else int(day[0] - self.from_s) // self.retrain_s
            yield now != last, day
            last = now


@dataclass(frozen=True, slots=True)
class SectorSet:
    """Sectors that are reported together: those of a partition, or those of it that were named."""

    name: str
    kind: str
    sectors: NDArray[np.intp]


@dataclass(slots=True)
class _Counted:
    """A set of sectors with what is known of it beforehand, and every method's sums."""

    of: SectorSet
    size: NDArray[np.intp]
    decile_mean: list[float | None]
    mean: float
    scale: NDArray[np.float64]
    tallies: dict[str, Tally]


def roll(
    bins: Bins,
    methods: Sequence[Method],
    sets: Sequence[SectorSet],
    period: Period,
    local: LocalTime,
    *,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
    heard: Callable[[Method, NDArray[np.int64], Forecasts], None] | None = None,
) -> dict[str, Any]:
    """Forecast by every method at every moment, and count: `sets` with figures, and `remarks`.

    The PIT's chance comes from `seed` and the day alone, the same for all methods. `heard` is given
    each method's forecasts of each day as well. A method that cannot learn is left out from then
    on, which `remarks` say.
    """
    counted = [_prepare(each, bins, period, local) for each in sets]
    active = list(methods)
    remarks: list[str] = []
    days = list(period.days())
    for number, (due, as_of_s) in enumerate(days):
        if due:
            until_s = period.train_until_s if number == 0 else int(as_of_s[0])
            active = _retrain(active, until_s, remarks)
        truth = bins.at(as_of_s[:, None] + LEADS)
        times_s = (as_of_s[:, None] + LEADS).ravel()
        naive = bins.at(local.weeks_before(times_s, 1).reshape(as_of_s.size, LEADS.size))
        quarter = local.quarter_of_week(times_s) % _QUARTERS_A_DAY
        block = (quarter // _QUARTERS_A_BLOCK).reshape(as_of_s.size, LEADS.size).astype(np.intp)
        chance = np.random.default_rng((seed, int(as_of_s[0]))).random(truth.shape, np.float32)
        for method in active:
            if progress is not None:
                progress(method.label, number / len(days))
            said = method.forecast(as_of_s, LEADS)
            if heard is not None:
                heard(method, as_of_s, said)
            for each in counted:
                which = each.of.sectors
                case = Case(truth[which], naive[which], block, each.size, chance[which])
                tally = each.tallies.setdefault(method.name, Tally(which.size, LEADS.size))
                tally.add(case, said.of(which))
    for method in methods:
        tallies = [each.tallies.get(method.name) for each in counted]
        if any(tallies) and not any(tally.cases.any() for tally in tallies if tally is not None):
            remarks.append(f"{method.label}: nothing to score, it said nothing of this period.")
    return {
        "sets": [_set_figures(each, methods) for each in counted],
        "moments": sum(day.size for _, day in days),
        "remarks": remarks,
    }


def _retrain(methods: list[Method], until_s: int, remarks: list[str]) -> list[Method]:
    """The methods that could learn."""
    able = []
    for method in methods:
        why = method.retrain(until_s)
        if why is None:
            able.append(method)
        else:
            remarks.append(f"{method.label}: {why}")
    return able


def _prepare(of: SectorSet, bins: Bins, period: Period, local: LocalTime) -> _Counted:
    """Sizes and scales, by what was known before the first forecast."""
    before = bins.until(period.from_s)
    mean = before.mean[of.sectors]
    known = np.isfinite(mean)
    total = np.where(known, mean, 0.0).sum(axis=1, dtype=np.float64)
    each = total / np.maximum(known.sum(axis=1), 1)
    rank = np.argsort(np.argsort(each, kind="stable"), kind="stable")
    size = (rank * DECILES // each.size).astype(np.intp)
    times_s = bins.start_s + bins.step_s * np.arange(before.mean.shape[1])
    week_before = before.at(local.weeks_before(times_s, 1))[of.sectors]
    return _Counted(
        of=of,
        size=size,
        decile_mean=[
            float(each[size == decile].mean()) if (size == decile).any() else None
            for decile in range(DECILES)
        ],
        mean=float(each.mean()),
        scale=scale_of(mean, week_before),
        tallies={},
    )


def _set_figures(counted: _Counted, methods: Sequence[Method]) -> dict[str, Any]:
    return {
        "name": counted.of.name,
        "kind": counted.of.kind,
        "sectors": int(counted.of.sectors.size),
        "mean_demand": round(counted.mean, 3),
        "methods": [
            {
                "method": method.name,
                "label": method.label,
                **method_figures(
                    counted.tallies[method.name], LEADS_S, counted.scale, counted.decile_mean
                ),
            }
            for method in methods
            if method.name in counted.tallies and counted.tallies[method.name].cases.any()
        ],
    }
