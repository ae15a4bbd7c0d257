"""The figures of a back-test, out of what was counted: plain values, as they go into JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.backtest.tally import BLOCKS, DECILES
from sectorwatch.forecast.horizon import HORIZONS_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.backtest.tally import Tally

__all__ = ["method_figures", "scale_of"]

_DRAWS, _SEED = 1_000, 1
_FEWEST_DAYS = 3
_BLOCK_H = 24 // BLOCKS


def scale_of(mean: NDArray[np.float32], week_before: NDArray[np.float32]) -> NDArray[np.float64]:
    """What MASE scales by: each sector's mean absolute error of last week's bin, before the test.

    Both of shape (s, b). NaN where nothing is known, or the sector never changed (Hyndman and
    Koehler, *International Journal of Forecasting* 22, 2006).
    """
    error = np.abs(mean - week_before).astype(np.float64)
    known = np.isfinite(error)
    total = np.where(known, error, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    scale = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.where(scale > 0, scale, np.nan)


def method_figures(
    tally: Tally,
    leads_s: Sequence[int],
    scale: NDArray[np.float64],
    decile_mean: Sequence[float | None],
) -> dict[str, Any]:
    """One method's figures over one set of sectors.

    `leads`: a row a lead. `coverage_by_block` and `coverage_by_size_decile`: of the 80 % interval
    at 1, 2 and 4 h together. `mae` is that of the mean, `mae_median` that of the median, which is
    what is least wrong by absolute error. A figure of which there are no cases is None.
    """
    low, high = _ratio_spread(tally)
    rows = []
    for number, lead_s in enumerate(leads_s):
        cases = int(tally.cases[:, number].sum())
        error, naive = tally.error[:, number].sum(), tally.naive_error[:, number].sum()
        row: dict[str, Any] = {
            "lead_s": int(lead_s),
            "cases": cases,
            "mae": _over(error, cases),
            "ratio_to_weekly_naive": _over(error, naive),
            "ratio_low": low[number],
            "ratio_high": high[number],
            "mase": _mase(tally, number, scale),
            "bias": _over(tally.bias[:, number].sum(), cases),
            "mae_median": None,
            "ratio_median_to_weekly_naive": None,
            "pinball_loss": None,
            "coverage_80": None,
            "pit_histogram": None,
        }
        said = int(tally.quantile_cases[number])
        if said:
            of_median = float(tally.median_error[number])
            row["mae_median"] = _over(of_median, said)
            row["ratio_median_to_weekly_naive"] = _over(
                of_median, float(tally.median_naive_error[number])
            )
            row["pinball_loss"] = _round(float(tally.pinball[number].mean() / said))
            row["coverage_80"] = _over(
                tally.block_held[number].sum(), tally.block_cases[number].sum()
            )
            row["pit_histogram"] = [_round(each / said) for each in tally.pit[number].tolist()]
        rows.append(row)
    which = [number for number, lead_s in enumerate(leads_s) if lead_s in HORIZONS_S]
    return {
        "leads": rows,
        "coverage_by_block": _blocks(tally, which),
        "coverage_by_size_decile": _deciles(tally, which, decile_mean),
    }


def _blocks(tally: Tally, which: Sequence[int]) -> list[dict[str, Any]] | None:
    cases, held = (each[which].sum(axis=0) for each in (tally.block_cases, tally.block_held))
    if not cases.any():
        return None
    return [
        {
            "local_time": f"{_BLOCK_H * block:02d}:00-{_BLOCK_H * (block + 1):02d}:00",
            "cases": int(cases[block]),
            "coverage_80": _over(held[block], cases[block]),
        }
        for block in range(BLOCKS)
    ]


def _deciles(
    tally: Tally, which: Sequence[int], decile_mean: Sequence[float | None]
) -> list[dict[str, Any]] | None:
    cases, held = (each[which].sum(axis=0) for each in (tally.size_cases, tally.size_held))
    if not cases.any():
        return None
    return [
        {
            "decile": decile + 1,
            "mean_demand": None if (mean := decile_mean[decile]) is None else _round(mean),
            "cases": int(cases[decile]),
            "coverage_80": _over(held[decile], cases[decile]),
        }
        for decile in range(DECILES)
        if cases[decile]
    ]


def _mase(tally: Tally, lead: int, scale: NDArray[np.float64]) -> float | None:
    cases = tally.cases[:, lead]
    usable = (cases > 0) & np.isfinite(scale)
    if not usable.any():
        return None
    each = tally.error[usable, lead] / cases[usable] / scale[usable]
    return _round(float(each.mean()))


def _ratio_spread(tally: Tally) -> tuple[list[float | None], list[float | None]]:
    """Between which ratios 95 of 100 lie when whole days are drawn again: days are what differs."""
    nothing: list[float | None] = [None] * tally.leads
    if len(tally.days) < _FEWEST_DAYS:
        return nothing, nothing
    error = np.array([day[0] for day in tally.days])
    naive = np.array([day[1] for day in tally.days])
    drawn = np.random.default_rng(_SEED).integers(0, len(error), (_DRAWS, len(error)))
    summed = naive[drawn].sum(axis=1)
    ratio = np.divide(
        error[drawn].sum(axis=1), summed, out=np.full(summed.shape, np.nan), where=summed > 0
    )
    ends = [
        [
            None if np.isnan(column).any() else _round(float(np.quantile(column, level)))
            for column in ratio.T
        ]
        for level in (0.025, 0.975)
    ]
    return ends[0], ends[1]


def _over(part: float, whole: float) -> float | None:
    return _round(float(part / whole)) if whole > 0 else None


def _round(value: float) -> float:
    return round(value, 4)
