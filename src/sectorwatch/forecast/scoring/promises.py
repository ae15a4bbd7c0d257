"""Probabilities of more than the capacity, set right by how often it was so.

Where plans alone are forecast from, nothing corrects the quantiles that the probability comes of,
and of flights nobody has filed yet too much is made sure. What was computed is held against what
then happened, apart by how far ahead: isotonic regression over the tenths of the probability, each
drawn to what was computed while few are scored. A model's intervals are corrected already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import LEADS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["Promises"]

FEW = 300.0
"""So many forecasts scored weigh as much as what was computed. Those of a sector come every five
minutes and resemble each other: these are six hours of four leads of one."""
_GROUPS_S = (3_600, 7_200, 10_800)
"""Leads up to before the first of these are one group, and so on."""


class Promises:
    """What is told for what was computed; a pure function of the figures that it was made of."""

    def __init__(self, known: NDArray[np.float64], told: NDArray[np.float64]) -> None:
        self._known, self._told = known, told

    @classmethod
    def of(cls, sums: Mapping[str, NDArray[np.floating]]) -> Promises:
        """From sums by tenth of the computed probability and lead: `count`, `computed`, `happened`.

        Arrays of shape (10, leads), of forecasts that rest on plans.
        """
        group = np.searchsorted(_GROUPS_S, LEADS, side="right")
        count, computed, happened = (
            np.stack([sums[name][:, group == each].sum(axis=1, dtype=np.float64) for each in _ALL])
            for name in ("count", "computed", "happened")
        )
        parts = count.shape[1]
        middle = (np.arange(parts) + 0.5) / parts
        at = np.where(count > 0, computed / np.maximum(count, 1.0), middle)
        weight = count + FEW
        drawn = (happened + FEW * at) / weight
        told = np.stack([_rising(*each) for each in zip(drawn, weight, strict=True)])
        ends = np.zeros((at.shape[0], 1)), np.ones((at.shape[0], 1))
        return cls(
            np.concatenate([ends[0], at, ends[1]], axis=1),
            np.concatenate([ends[0], np.clip(told, 0.0, 1.0), ends[1]], axis=1),
        )

    def told(self, computed: NDArray[np.floating]) -> NDArray[np.float32]:
        """The probabilities (s, leads) to be told; NaN stays NaN, 0 is 0 and 1 is 1."""
        group = np.searchsorted(_GROUPS_S, LEADS, side="right")
        found = np.empty(computed.shape, np.float32)
        for each in _ALL:
            columns = group == each
            found[:, columns] = np.interp(computed[:, columns], self._known[each], self._told[each])
        # A tenth of which all were computed as nothing begins where nothing does.
        found[computed <= 0] = 0.0
        return found


_ALL = range(len(_GROUPS_S) + 1)


def _rising(values: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest values that do not fall: neighbours that do are taken together.

    >>> _rising(np.array([0.1, 0.4, 0.2]), np.array([1.0, 1.0, 3.0])).tolist()
    [0.1, 0.25, 0.25]
    """
    blocks: list[tuple[float, float, int]] = []
    for value, mass in zip(values.tolist(), weight.tolist(), strict=True):
        now = (value, mass, 1)
        while blocks and blocks[-1][0] > now[0]:
            mean, own, length = blocks.pop()
            total = own + now[1]
            now = ((mean * own + now[0] * now[1]) / total, total, length + now[2])
        blocks.append(now)
    return np.concatenate([np.full(length, mean) for mean, _, length in blocks])
