"""Flights that nobody has filed yet: a rate by sector, hour of the local week and lead.

What was there and was not in the plan-based count, on average, as a non-homogeneous Poisson process
whose rate is smooth over the hours of the week, and scaled by how busy today is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.weekly import WeeklyMeans, wall_hours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sectorwatch.forecast.local_time import LocalTime

__all__ = ["Unseen", "level_of"]

_SHRINK = 4.0
"""Aircraft: a sector that small is as its network half, and half as it is itself."""
_LOWEST, _HIGHEST = 0.3, 3.0


class Unseen:
    """What plans do not know, learned as it comes to light; for sectors in one order."""

    def __init__(self, sectors: int, local: LocalTime) -> None:
        self._local = local
        self._surplus = WeeklyMeans(sectors, LEADS.size)
        self._square = WeeklyMeans(sectors, LEADS.size)

    def note(
        self,
        as_of_s: int,
        plan_mean: NDArray[np.float32],
        plan_variance: NDArray[np.float32],
        truth: NDArray[np.float32],
    ) -> None:
        """Learn from the count as of `as_of_s` and what then was, (s, l); NaN is not known yet."""
        hour = self._hours(as_of_s)
        surplus = truth - plan_mean
        usual = self._surplus.mean(hour)
        self._surplus.note(as_of_s, hour, surplus)
        # Of what is left, that which the count's own uncertainty does not account for.
        self._square.note(as_of_s, hour, (surplus - usual) ** 2 - plan_variance)

    def rate(
        self, as_of_s: int, level: NDArray[np.floating[Any]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Aircraft that will be there besides, and their variance, (s, l); 0 where not learned.

        `level` (s,) is how busy today is against the usual, from `level_of`.
        """
        hour = self._hours(as_of_s)
        usual = np.nan_to_num(self._surplus.mean(hour))
        rate = np.maximum(usual, 0) * level[:, None].astype(np.float32)
        return rate, np.maximum(np.nan_to_num(self._square.mean(hour)), rate)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by name."""
        parts = {"surplus": self._surplus, "square": self._square}
        return {f"{n}.{k}": v for n, part in parts.items() for k, v in part.to_arrays().items()}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], rows: NDArray[np.intp], local: LocalTime
    ) -> Unseen:
        """What `to_arrays` gave, of the sectors at `rows` of it, -1 for one it does not know.

        Raises ModelFileError where it is something else.
        """
        made = cls(0, local)
        made._surplus, made._square = (
            WeeklyMeans.from_arrays(within(arrays, name), rows, LEADS.size)
            for name in ("surplus", "square")
        )
        return made

    def _hours(self, as_of_s: int) -> NDArray[np.float64]:
        return wall_hours(self._local, as_of_s + LEADS + 450)


def within(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with `prefix` and a dot, without it."""
    start = prefix + "."
    return {name[len(start) :]: each for name, each in arrays.items() if name.startswith(start)}


def level_of(
    now: NDArray[np.floating[Any]],
    usual: NDArray[np.floating[Any]],
    partition: NDArray[np.integer[Any]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How busy the last hour was against the usual: of each sector, shrunk, and of its partition.

    All (s,), NaN where unknown, which does not count. 1 is as usual.
    """
    known = np.isfinite(now) & np.isfinite(usual)
    now, usual = np.where(known, now, 0.0), np.where(known, usual, 0.0)
    kinds = int(partition.max(initial=-1)) + 1
    all_now, all_usual = (np.bincount(partition, each, kinds) for each in (now, usual))
    network = np.clip((all_now + _SHRINK) / (all_usual + _SHRINK), _LOWEST, _HIGHEST)[partition]
    level = (now + _SHRINK * network) / (usual + _SHRINK)
    return np.clip(level, _LOWEST, _HIGHEST), network
