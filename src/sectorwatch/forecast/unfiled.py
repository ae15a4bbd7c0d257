"""Flights that nobody has filed yet, where there is no history to learn them from.

Without a past all that is known of them is how busy a sector is now, and which share of those who
will be airborne is not known yet: on the network nearly nobody within half an hour, two thirds in
two hours. So many as are there now, times that share, are taken to come on top of those that the
plans bring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import BIN_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["UNFILED_MIN", "UNFILED_SHARE", "unfiled"]

UNFILED_MIN = (0, 30, 60, 90, 120, 180, 240)
"""Minutes ahead at which the share is known; between them it goes straight."""
UNFILED_SHARE = (0.0, 0.03, 0.33, 0.50, 0.66, 0.83, 1.0)
"""How many come unfiled for each that is there now: fitted by least squares to pairs of real feeds
(`benchmarks/real_feeds_forecast.py`, which leaves out the day that it is scored on)."""


def unfiled(
    current: NDArray[np.integer], leads_s: NDArray[np.int64], bin_s: float = BIN_S
) -> NDArray[np.float32]:
    """Expected occupancy by flights not yet filed, (sectors, leads), of those `current` now (s,).

    By the middle of the bins of `bin_s` that begin so long after the moment.

    >>> unfiled(np.array([10, 0]), np.array([0, 3_600]), bin_s=0).round(2).tolist()
    [[0.0, 3.299999952316284], [0.0, 0.0]]
    """
    ahead_min = (np.asarray(leads_s, dtype=np.float64) + bin_s / 2) / 60
    share = np.interp(ahead_min, UNFILED_MIN, UNFILED_SHARE)
    return np.asarray(current[:, None] * share, dtype=np.float32)
