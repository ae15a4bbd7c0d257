"""What has been learned of how plans are carried out, as plain arrays; first the priors."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.plans import priors
from sectorwatch.forecast.plans.departures import GROUND, PREFILED, prior_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.hazards import Hazard

__all__ = ["AHEAD_S", "LearnedPlans"]

_FORMAT = 1
AHEAD_S = np.array([0, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240, 360], dtype=np.float64) * 60
"""Where errors of time are known, in seconds ahead; between these they go straight."""


@dataclass(frozen=True, slots=True)
class LearnedPlans:
    """Tables that the count is made with; `until_s` is the last moment that they have seen.

    `ground` and `prefiled` as `departures.Cells` says. Errors of time are at `AHEAD_S`, for flights
    in the air by phase (climbing, level, descending): seconds later than reckoned, and their
    standard deviation; `way_bias_s` and `way_sd_s` likewise by seconds since take-off; a landing is
    `landing_bias_s` later than that, give or take `landing_sd_s`.
    `quits_per_h` is how often a flight in the air vanishes short of its destination.
    """

    until_s: int
    ground: NDArray[np.float32]
    prefiled: NDArray[np.float32]
    air_bias_s: NDArray[np.float32]
    air_sd_s: NDArray[np.float32]
    way_bias_s: NDArray[np.float32]
    way_sd_s: NDArray[np.float32]
    landing_bias_s: float
    landing_sd_s: float
    quits_per_h: float

    @classmethod
    def priors(
        cls, ground: Hazard = priors.GROUND, prefiled: Hazard = priors.PREFILED
    ) -> LearnedPlans:
        """What is taken to be so before anything is learned; measured, as `priors` says."""
        return cls(
            until_s=0,
            ground=prior_table(GROUND, ground),
            prefiled=prior_table(PREFILED, prefiled),
            air_bias_s=np.array(priors.AIR_BIAS_S, dtype=np.float32),
            air_sd_s=np.array(priors.AIR_SD_S, dtype=np.float32),
            way_bias_s=np.array(priors.WAY_BIAS_S, dtype=np.float32),
            way_sd_s=np.array(priors.WAY_SD_S, dtype=np.float32),
            landing_bias_s=priors.LANDING_BIAS_S,
            landing_sd_s=priors.LANDING_SD_S,
            quits_per_h=priors.QUITS_PER_H,
        )

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it as arrays, to be kept in a file."""
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        return {"format": np.asarray(_FORMAT), **arrays}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> LearnedPlans:
        """What `to_arrays` gave. Raises ValueError where that is not what these are."""
        like = cls.priors()
        if int(arrays.get("format", np.asarray(0))) != _FORMAT:
            raise ValueError(
                f"what was learned of plans has format {arrays.get('format')}, this version reads"
                f" {_FORMAT}; it will be learned anew"
            )
        values: dict[str, object] = {}
        for field in fields(cls):
            known = np.asarray(getattr(like, field.name))
            given = arrays.get(field.name)
            if given is None or given.shape != known.shape or given.dtype.kind not in "fiu":
                raise ValueError(
                    f"what was learned of plans has no sound {field.name!r}; learn it anew"
                )
            if not np.isfinite(given).all():
                raise ValueError(f"{field.name!r} of what was learned of plans is not finite")
            kind = type(getattr(like, field.name))
            values[field.name] = given.astype(known.dtype) if kind is np.ndarray else kind(given)
        learned = cls(**values)  # type: ignore[arg-type]
        for name, table in (("ground", learned.ground), ("prefiled", learned.prefiled)):
            summed = table.sum(axis=-1)
            if (table < 0).any() or (np.abs(summed - 1) > 1e-3).any():  # noqa: PLR2004
                raise ValueError(f"{name!r} of what was learned of plans are no probabilities")
        return learned
