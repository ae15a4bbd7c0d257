"""Forecasts whose time has come, beside what then was; and what each of them is worth."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.measures import randomised_pit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.issued import Issued

__all__ = ["JUDGED_FROM", "Scored", "is_hit", "is_judged", "scored_of", "told"]

JUDGED_FROM = 5.0
"""A forecast counts for the confidence where it or the truth is as many aircraft."""
_NEAR = 2.0
_NEAR_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Scored:
    """Forecasts, one of a series (a sector, an airport) at a lead each; arrays of shape (n,).

    `row` is the series' index in the order of whoever scores, `series_id` its number. `truth` is
    NaN where nobody knows it: then the forecast is unscored. `quantiles` has shape (n, q). `pit` is
    where in its own distribution the truth lies, 0..1, randomised by the moment and lead, so that
    scoring twice gives the same. All else as in `Issued`.
    """

    as_of_s: NDArray[np.int64]
    lead_s: NDArray[np.int64]
    row: NDArray[np.intp]
    series_id: NDArray[np.int64]
    basis: NDArray[np.int8]
    current: NDArray[np.int32]
    capacity: NDArray[np.float32]
    mean: NDArray[np.float32]
    quantiles: NDArray[np.float32]
    p_zero: NDArray[np.float32]
    p_over_capacity: NDArray[np.float32]
    plan_mean: NDArray[np.float32]
    naive: NDArray[np.float32]
    truth: NDArray[np.float32]
    pit: NDArray[np.float32]

    def __len__(self) -> int:
        return self.truth.size

    def where(self, chosen: NDArray[np.bool_]) -> Scored:
        """Only those chosen, in their order."""
        return Scored(*(getattr(self, each.name)[chosen] for each in fields(self)))

    @property
    def known(self) -> Scored:
        """Those whose truth is known."""
        return self.where(np.isfinite(self.truth))

    @classmethod
    def join(cls, parts: Sequence[Scored]) -> Scored:
        """All of `parts`, at least one, one after another."""
        names = [each.name for each in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def told(
    issued: Issued, lead: int, rows: NDArray[np.intp], truth: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    """What one lead of an issue told, beside what was, by the fields of `Scored` but the PIT.

    `rows` and `truth` have a value a series of the issue.
    """
    count = issued.sector_id.size
    return {
        "as_of_s": np.full(count, issued.as_of_s),
        "lead_s": np.full(count, int(issued.leads_s[lead])),
        "row": rows,
        "series_id": issued.sector_id,
        "basis": issued.basis,
        "current": issued.current,
        "capacity": issued.capacity,
        "mean": issued.mean[:, lead],
        "quantiles": issued.quantiles[:, lead],
        "p_zero": issued.p_zero[:, lead],
        "p_over_capacity": issued.p_over_capacity[:, lead],
        "plan_mean": issued.plan_mean[:, lead],
        "naive": issued.naive[:, lead],
        "truth": truth,
    }


def scored_of(parts: Sequence[dict[str, NDArray[Any]]]) -> Scored:
    """What was `told`, at least once, one after another, with where its truths lie."""
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    chance = _chance(whole["as_of_s"], whole["lead_s"], whole["series_id"])
    pit = randomised_pit(whole["truth"], whole["quantiles"], whole["p_zero"], chance)
    return Scored(**whole, pit=pit.astype(np.float32))


def _chance(*keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers even in 0..1 that the same keys always give again (splitmix64)."""
    mixed = np.zeros(keys[0].size, np.uint64)
    for key in keys:
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + key.astype(np.uint64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def is_judged(mean: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether forecasts count for the confidence: they or the truth are of five aircraft or more.

    >>> is_judged(np.array([4.9, 5.0, 1.0]), np.array([4.9, 0.0, np.nan])).tolist()
    [False, True, False]
    """
    return np.asarray(np.isfinite(truth) & ((mean >= JUDGED_FROM) | (truth >= JUDGED_FROM)))


def is_hit(mean: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether forecasts are within two aircraft or a fifth of the truth, whichever is more.

    >>> is_hit(np.array([7.0, 7.1, 36.0, 36.1]), np.array([5.0, 5.0, 30.0, 30.0])).tolist()
    [True, False, True, False]
    """
    near: NDArray[np.bool_] = np.abs(mean - truth) <= np.maximum(_NEAR, _NEAR_SHARE * truth) + 1e-9
    return near
