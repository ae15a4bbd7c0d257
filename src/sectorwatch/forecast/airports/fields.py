"""When the flights that are known will take off and land, as the plan-based count has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import BIN_S, LEADS
from sectorwatch.forecast.plans.hazards import OFF_STEPS, STEP_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.field_times import FieldTimes
    from sectorwatch.forecast.situation import Situation

__all__ = ["KnownMovements", "known_movements"]

_LEAST_SD_S = 60.0
_EDGES_S = np.append(LEADS, LEADS[-1] + BIN_S).astype(np.float64)


@dataclass(frozen=True, slots=True)
class KnownMovements:
    """Movements of flights that are known, shape (n,): at `place`, of kind 0 (off) or 1 (on).

    `chance` (n, leads) is the probability that it is in each bin.
    """

    place: NDArray[np.int32]
    kind: NDArray[np.int8]
    chance: NDArray[np.float64]


def known_movements(situation: Situation, times: FieldTimes) -> KnownMovements:
    """What the flights of a situation will do, where their airport is known."""
    off = _in_bins(times.off)[times.waiting_state]
    landing = _landings(times)
    return KnownMovements(
        place=np.concatenate(
            [situation.origin[times.waiting_row], situation.destination[times.row]]
        ),
        kind=np.repeat(np.array([0, 1], np.int8), [times.waiting_row.size, times.row.size]),
        chance=np.concatenate([off, landing]),
    )


def _in_bins(off: NDArray[np.floating]) -> NDArray[np.float64]:
    """Take-offs in steps of 5 min, shape (states, steps + 1), in the bins of the leads."""
    ends_s = np.arange(OFF_STEPS + 1) * float(STEP_S)
    by = np.concatenate(
        [np.zeros((off.shape[0], 1)), np.cumsum(off[:, :OFF_STEPS], axis=1, dtype=np.float64)], 1
    )
    at = np.clip(_EDGES_S / STEP_S, 0, ends_s.size - 1).astype(np.intp)
    return np.asarray(np.diff(by[:, at], axis=1))


def _landings(times: FieldTimes) -> NDArray[np.float64]:
    """The chance of a landing in each bin, shape (n, leads)."""
    from scipy.special import ndtr  # noqa: PLC0415 - half a second that nothing else needs

    chance = np.zeros((times.row.size, LEADS.size))
    sd_s = np.maximum(times.land_sd_s, _LEAST_SD_S)
    air = np.flatnonzero(times.state < 0)
    until = (_EDGES_S[None, :] - times.land_s[air, None]) / sd_s[air, None]
    # Who is to have landed already, and has not, lands next.
    until[:, 0] = -np.inf
    chance[air] = np.diff(ndtr(until), axis=1)
    waiting = np.flatnonzero(times.state >= 0)
    if waiting.size:
        middle_s = (np.arange(OFF_STEPS) + 0.5) * STEP_S
        after_s = _EDGES_S[:, None] - middle_s[None, :]
        # A step is level from end to end, which widens what is known only to the step.
        spread_s = np.sqrt(sd_s[waiting] ** 2 + STEP_S**2 / 12)
        for start in range(0, waiting.size, 500):
            some = waiting[start : start + 500]
            wide = spread_s[start : start + 500, None, None]
            by = ndtr((after_s[None] - times.land_s[some, None, None]) / wide)
            off = times.off[times.state[some], :OFF_STEPS]
            chance[some] = np.diff(np.einsum("nes,ns->ne", by, off), axis=1)
    return chance * times.arrives[:, None]
