"""Forecasts made by hand, for whoever tests what is done with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.issued import QUANTILES, Issued

SECTOR_IDS = np.array([5, 6, 2**62 + 1], np.int64)


def issued(as_of_s: int, mean: Any = 3.0, **more: Any) -> Issued:
    """An issue for `SECTOR_IDS` at every lead; what is left out follows from the mean."""
    sector_id = more.pop("sector_id", SECTOR_IDS)
    shape = sector_id.size, LEADS.size
    of_all = np.broadcast_to(np.asarray(mean, np.float32), shape).copy()
    spread = 1.3 * np.sqrt(of_all)[..., None] * np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    content: dict[str, Any] = {
        "as_of_s": as_of_s,
        "seq": 1,
        "model": "m1",
        "sector_id": sector_id,
        "leads_s": LEADS,
        "basis": np.ones(sector_id.size, np.int8),
        "current": np.rint(of_all[:, 0]).astype(np.int32),
        "capacity": np.full(sector_id.size, np.nan, np.float32),
        "mean": of_all,
        "quantiles": np.maximum(0, of_all[..., None] + spread).astype(np.float32),
        "p_zero": np.exp(-of_all),
        "p_over_capacity": np.full(shape, np.nan, np.float32),
        "plan_mean": of_all,
        "naive": of_all,
    }
    assert spread.shape[-1] == len(QUANTILES)
    return Issued(**content | more)


class Utc:
    """A local time that is UTC."""

    def hour_of_week(self, times_s: Any) -> Any:
        """The hour of the week, Monday from 00:00 being 0."""
        return (np.asarray(times_s) // 3_600 + 72) % 168
