"""Issues made by hand, for whoever tests what is done with forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import box

from sectorwatch.airspace.model import PositionRule, Sector, Volume
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.issued import Issued

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from sectorwatch.forecast.capacity import Capacity

__all__ = ["AS_OF_S", "issued", "sector"]

AS_OF_S = 1_700_035_500
"""08:05Z on a Wednesday."""
SPREAD = np.array([0.7, 0.85, 1.0, 1.15, 1.3])


def sector(
    name: str, *positions: str, capacity: int | None = None, dataset: str = "made"
) -> Sector:
    """A sector worked by `positions`, each such as `YSSY_CTR`, the first come first."""
    rules = [each.rpartition("_") for each in positions]
    return Sector(
        dataset,
        "approach" if name.endswith("_APP") else "enroute",
        name,
        name,
        (Volume(box(0, 0, 1, 1)),),
        positions=tuple(PositionRule(p, (s,), None, "as listed") for p, _, s in rules),
        capacity=capacity,
    )


def issued(
    sectors: Sequence[Sector],
    mean: ArrayLike,
    *,
    as_of_s: int = AS_OF_S,
    capacity: Capacity | None = None,
    spread: ArrayLike = SPREAD,
) -> Issued:
    """An issue of these means, shape (s, 17) or what broadcasts to it; quantiles by `spread`."""
    shape = (len(sectors), LEADS.size)
    means = np.broadcast_to(np.asarray(mean, np.float32), shape).copy()
    quantiles = (means[..., None] * np.asarray(spread)).astype(np.float32)
    p_zero = np.exp(-means)
    unknown = np.full(shape, np.nan, np.float32)
    return Issued(
        as_of_s=as_of_s,
        seq=as_of_s // 15,
        model="made",
        sector_id=np.array([each.sector_id for each in sectors], np.int64),
        leads_s=LEADS,
        basis=np.ones(shape[0], np.int8),
        current=np.rint(means[:, 0]).astype(np.int32),
        capacity=unknown[:, 0] if capacity is None else capacity.value,
        mean=means,
        quantiles=quantiles,
        p_zero=p_zero,
        p_over_capacity=unknown if capacity is None else capacity.p_over(quantiles, p_zero),
        plan_mean=means,
        naive=unknown,
    )
