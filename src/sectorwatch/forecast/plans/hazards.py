"""From a hazard of taking off, in steps of 5 min, to when a waiting flight will leave, if ever.

A flight that waits takes off in each step with a probability that depends on how far past its filed
off-block time it then is and for how long it has been there, or gives up; both go on changing while
it waits. What is left after the last step is put down as never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OFF_STEPS", "STEP_S", "Hazard", "take_off"]

STEP_S = 300
OFF_STEPS = 51
"""Steps that a take-off is looked for in: 4 h and the bin that begins then."""
_MINUTES = STEP_S / 60
_EVER_LOGIT = 30.0


@dataclass(frozen=True, slots=True)
class Hazard:
    """Log-odds of taking off within 5 min: `level`, plus what the state adds.

    `by_late` by minutes past the filed off-block time, between `late_min` (one more than edges; the
    last of all where nothing is filed), `by_waited` by minutes since it was first there, between
    `waited_min`. `by_step` is added in the first steps from now: nobody who stands at the gate, or
    is not there yet, is off in a minute. `by_sign` is added for the first `sign_steps` steps to
    those that show a sign of going (they move) or, below zero, of not going. `gives_up` is the
    probability of that in 5 min.
    """

    level: float
    late_min: tuple[float, ...]
    by_late: tuple[float, ...]
    waited_min: tuple[float, ...]
    by_waited: tuple[float, ...]
    by_step: tuple[float, ...]
    by_sign: float
    sign_steps: int
    gives_up: float


def take_off(
    hazard: Hazard,
    late_min: NDArray[np.float64],
    waited_min: NDArray[np.float64],
    sign: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """The probability of taking off in each of the next steps, and last of never: (n, steps + 1).

    `late_min` is NaN where no time is filed.
    """
    step = np.arange(OFF_STEPS)
    middle = (step + 0.5) * _MINUTES
    late = np.searchsorted(hazard.late_min, late_min[:, None] + middle, side="right")
    late = np.where(np.isnan(late_min)[:, None], len(hazard.by_late) - 1, late)
    waited = np.searchsorted(hazard.waited_min, waited_min[:, None] + middle, side="right")
    logit = hazard.level + np.array(hazard.by_late)[late] + np.array(hazard.by_waited)[waited]
    logit[:, : len(hazard.by_step)] += np.array(hazard.by_step)
    logit += hazard.by_sign * (sign[:, None] & (step < hazard.sign_steps))
    leaves = 1.0 / (1.0 + np.exp(-np.clip(logit, -_EVER_LOGIT, _EVER_LOGIT)))
    stays = np.cumprod((1.0 - leaves) * (1.0 - hazard.gives_up), axis=1)
    there = np.concatenate([np.ones((late_min.size, 1)), stays[:, :-1]], axis=1)
    off = there * leaves
    return np.concatenate([off, 1.0 - off.sum(axis=1, keepdims=True)], axis=1)
