"""What has been learned of how plans are carried out, as plain arrays; first the priors."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.plans import priors
from sectorwatch.forecast.plans.delays import DELAY_WEIGHTS
from sectorwatch.forecast.plans.departures import GROUND, PREFILED, prior_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.hazards import Hazard

__all__ = ["AHEAD_S", "WAITING", "LearnedPlans"]

_TEXT = np.dtype("S8")
_FORMAT = 2
_MOST_PAIRS = 100_000
_DAY_S = 86_400.0
_BOUNDS: dict[str, tuple[float, float]] = {
    "until_s": (0, 1 << 40),
    "ground": (0, 1),
    "prefiled": (0, 1),
    "delay_weights": (-1e4, 1e4),
    "bias_s": (-_DAY_S, _DAY_S),
    "sd_s": (0, _DAY_S),
    "quits_per_h": (0, 100),
    "pair_pace": (0.1, 10),
    "usual_pace": (0.1, 10),
    "usual_weight": (0, 2),
    "usual_spread_s": (1, _DAY_S),
    "usual_late": (0, 1),
    "usual_floor": (1e-9, 1),
}
"""What numbers of a file are believed: far more than was ever learned, and nothing overflows."""
WAITING = 3
"""Beside the phases of a flight in the air: it has not taken off, and times are since it does."""
AHEAD_S = np.array([0, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240, 360], dtype=np.float64) * 60
"""Where errors of time are known, in seconds ahead; between these they go straight."""


@dataclass(frozen=True, slots=True)
class LearnedPlans:
    """Tables that the count is made with; `until_s` is the last moment that they have seen.

    `ground` and `prefiled` as `departures.Cells` says, by a delay that `delay_weights` tell (see
    `delays`). Errors of time, seconds later than reckoned and their standard deviation, have shape
    (4, 4, k): by what the flight does now (`profile.PHASES`, and `WAITING`), by its phase when it
    enters or leaves (`profile.PHASES`), at `AHEAD_S`. `quits_per_h` is how often a flight in the
    air vanishes short of its destination. Flights from `pair_from` to `pair_to` (codes, ordered,
    shape (p,)) take `pair_pace` times as long as reckoned, all others `usual_pace` times. When
    flights took off on the days before counts with `usual_weight`, 0 for not at all, each spread by
    `usual_spread_s` and a share `usual_late` much later, beside `usual_floor` in each step (see
    `usual_off`).
    """

    until_s: int
    ground: NDArray[np.float32]
    prefiled: NDArray[np.float32]
    delay_weights: NDArray[np.float32]
    bias_s: NDArray[np.float32]
    sd_s: NDArray[np.float32]
    quits_per_h: float
    pair_from: NDArray[np.str_]
    pair_to: NDArray[np.str_]
    pair_pace: NDArray[np.float32]
    usual_pace: float
    usual_weight: float
    usual_spread_s: float
    usual_late: float
    usual_floor: float

    @classmethod
    def priors(
        cls, ground: Hazard = priors.GROUND, prefiled: Hazard = priors.PREFILED
    ) -> LearnedPlans:
        """What is taken to be so before anything is learned; measured, as `priors` says."""
        return cls(
            until_s=0,
            ground=prior_table(GROUND, ground),
            prefiled=prior_table(PREFILED, prefiled),
            delay_weights=np.zeros(DELAY_WEIGHTS, dtype=np.float32),
            bias_s=np.array(priors.BIAS_S, dtype=np.float32),
            sd_s=np.array(priors.SD_S, dtype=np.float32),
            quits_per_h=priors.QUITS_PER_H,
            pair_from=np.zeros(0, dtype="U8"),
            pair_to=np.zeros(0, dtype="U8"),
            pair_pace=np.zeros(0, dtype=np.float32),
            usual_pace=1.0,
            usual_weight=0.0,
            usual_spread_s=600.0,
            usual_late=0.4,
            usual_floor=1e-3,
        )

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it as arrays, to be kept in a file."""
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        return {"format": np.asarray(_FORMAT), **{n: _as_numbers(a) for n, a in arrays.items()}}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> LearnedPlans:
        """What `to_arrays` gave. Raises ValueError where that is not what these are."""
        like = cls.priors()
        if not np.array_equal(arrays.get("format", np.asarray(0)), np.asarray(_FORMAT)):
            raise ValueError(
                f"what was learned of plans has format {arrays.get('format')}, this version reads"
                f" {_FORMAT}; it will be learned anew"
            )
        values: dict[str, object] = {}
        for field in fields(cls):
            known = np.asarray(getattr(like, field.name))
            given = arrays.get(field.name)
            if given is not None and known.dtype.kind == "U":
                given = _as_texts(given)
            if given is None or not _is_like(given, known, field.name):
                raise ValueError(
                    f"what was learned of plans has no sound {field.name!r}; learn it anew"
                )
            _check_bounds(given, field.name)
            kind = type(getattr(like, field.name))
            values[field.name] = given.astype(known.dtype) if kind is np.ndarray else kind(given)
        learned = cls(**values)  # type: ignore[arg-type]
        if len({learned.pair_from.size, learned.pair_to.size, learned.pair_pace.size}) > 1:
            raise ValueError("the pairs of what was learned of plans are not of one length")
        if learned.pair_pace.size > _MOST_PAIRS:
            raise ValueError(f"what was learned of plans has more than {_MOST_PAIRS} pairs")
        for name, table in (("ground", learned.ground), ("prefiled", learned.prefiled)):
            summed = table.sum(axis=-1)
            if (np.abs(summed - 1) > 1e-3).any():  # noqa: PLR2004
                raise ValueError(f"{name!r} of what was learned of plans are no probabilities")
        return learned


def _is_like(given: NDArray[np.generic], known: NDArray[np.generic], name: str) -> bool:
    """Whether an array may stand where `known` does; those of pairs are of any length."""
    if (given.dtype.kind == "U") != (known.dtype.kind == "U") or given.dtype.kind not in "fiuU":
        return False
    if name.startswith("pair_"):
        return given.ndim == 1
    return given.shape == known.shape


def _check_bounds(given: NDArray[np.generic], name: str) -> None:
    """Raises ValueError where numbers are outside of what is believed; NaN always is."""
    if given.dtype.kind == "U":
        return
    low, high = _BOUNDS[name]
    numbers = given.astype(np.float64)
    if not ((numbers >= low) & (numbers <= high)).all():
        raise ValueError(f"{name!r} of what was learned of plans is not from {low:g} to {high:g}")


def _as_numbers(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """An array of texts (n,) as their ASCII bytes (n, 8); any other as it is.

    What is kept is plain numbers, which can be checked before they are believed.
    """
    if array.dtype.kind != "U":
        return array
    return array.astype(_TEXT).view(np.uint8).reshape(array.size, _TEXT.itemsize)


def _as_texts(array: NDArray[np.generic]) -> NDArray[np.generic] | None:
    """What `_as_numbers` was given; None where it cannot have been."""
    if array.dtype.kind == "U":
        return array
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != _TEXT.itemsize:  # noqa: PLR2004
        return None
    if (array.view(np.int8) < 0).any():
        # No ASCII.
        return None
    return np.ascontiguousarray(array).view(_TEXT).reshape(-1).astype("U8")
