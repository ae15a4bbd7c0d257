"""Into which sectors the flights that are known will come, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.plans.hazards import OFF_STEPS, STEP_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.carried import Carried

__all__ = ["EntryOutlook", "entries_of"]

_HOUR_S = 3_600.0
_QUANTILES = (0.1, 0.5, 0.9)
_NORMAL_QUANTILES = (-1.2815515655446004, 0.0, 1.2815515655446004)


@dataclass(frozen=True, slots=True)
class EntryOutlook:
    """Entries to come, shape (n,): of the flight `row` of the situation into `sector`.

    `probability` that it comes at all, within 4 h; `entry_s` (n, 3) are the moments before which it
    comes with 10, 50 and 90 % if it comes. Flights inside now are not among these.
    """

    row: NDArray[np.intp]
    sector: NDArray[np.int32]
    probability: NDArray[np.float64]
    entry_s: NDArray[np.float64]


def entries_of(carried: Carried) -> EntryOutlook:
    """Into which sectors each flight will come, how likely and when."""
    air, waiting, off = carried.in_air(), carried.waiting(), carried.leaving.off
    to_come = air.enter_s > 0
    alive = np.exp(-carried.learned.quits_per_h * np.maximum(air.enter_s, 0.0) / _HOUR_S)
    spread = np.array(_NORMAL_QUANTILES)[None, :] * air.enter_sd_s[:, None]
    air_s = air.enter_s[:, None] + spread
    ever = off[:, :OFF_STEPS].sum(axis=1)
    by = np.cumsum(off[:, :OFF_STEPS], axis=1) / np.maximum(ever, 1e-12)[:, None]
    ends_s = np.arange(1, OFF_STEPS + 1) * float(STEP_S)
    off_s = np.array([np.interp(_QUANTILES, row, ends_s) for row in by], dtype=np.float64).reshape(
        -1, len(_QUANTILES)
    )
    middle = off_s[waiting.state, 1:2]
    # Both spreads together, each as far from the middle as it is.
    aside = np.hypot(
        off_s[waiting.state] - middle,
        np.array(_NORMAL_QUANTILES)[None, :] * waiting.enter_sd_s[:, None],
    )
    side = np.sign(np.array(_NORMAL_QUANTILES))[None, :]
    waiting_s = waiting.enter_s[:, None] + middle + side * aside
    return EntryOutlook(
        row=np.concatenate([air.row[to_come], waiting.row]),
        sector=np.concatenate([air.sector[to_come], waiting.sector]),
        probability=np.concatenate([alive[to_come], ever[waiting.state]]),
        entry_s=carried.situation.as_of_s
        + np.maximum(np.concatenate([air_s[to_come], waiting_s]), 0.0),
    )
