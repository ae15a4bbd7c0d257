"""When flights pass, as probabilities: distributions of time, summed up once and looked up often.

Of a time with distribution F, let I(t) be the integral of F up to t. A flight that enters after F1
and leaves after F2 is inside at t with probability F1(t) - F2(t); the share of a bin [t, t + b)
that it is expected to be inside for is (I1(t + b) - I1(t) - I2(t + b) + I2(t)) / b. The tables hold
I at even steps, so that F between two steps is level.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.plans.hazards import OFF_STEPS, STEP_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SPREADS_S", "Crossings", "Shares", "Tables", "off_tables", "shares_of", "spread_class"]

SPREADS_S = (30.0, 150.0, 300.0, 600.0, 1_200.0)
"""How much a time since take-off may be off, in classes that the tables are made for."""
_GRID_S = 150.0
_GRID_FROM_S, _GRID_TO_S = -3_600.0, 21_600.0
_NORMAL_STEP, _NORMAL_TO = 0.02, 8.0
_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class Tables:
    """I of several distributions at `from_t`, `from_t + step`, ...: shape (k, grid)."""

    integral: NDArray[np.float64]
    from_t: float
    step: float


@dataclass(frozen=True, slots=True)
class Crossings:
    """Entries or exits, shape (n,): at `at_s` plus `scale` times what table `which` is of."""

    which: NDArray[np.intp]
    at_s: NDArray[np.float64]
    scale: NDArray[np.float64] | float


@dataclass(frozen=True, slots=True)
class Shares:
    """Of each passage (n,) and bin (l,): the expected share of the bin, and whether at all."""

    share: NDArray[np.float32]
    touch: NDArray[np.float32]


def normal_tables() -> Tables:
    """I of the standard normal distribution."""
    from scipy.special import ndtr  # noqa: PLC0415 - a forecast alone needs it

    z = np.arange(-_NORMAL_TO, _NORMAL_TO + _NORMAL_STEP / 2, _NORMAL_STEP)
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return Tables((z * ndtr(z) + density)[None, :], -_NORMAL_TO, _NORMAL_STEP)


def off_tables(off: NDArray[np.float64]) -> Tables:
    """I of a time after take-offs with the probabilities `off` (k, steps), in each spread.

    Take-off k with spread s is table `k * len(SPREADS_S) + s`.
    """
    integral = np.asarray(off, dtype=np.float64) @ _smear()
    return Tables(integral.reshape(-1, integral.shape[1] // len(SPREADS_S)), _GRID_FROM_S, _GRID_S)


@functools.cache
def _smear() -> NDArray[np.float64]:
    """I of a normal time round the middle of each step, shape (steps, spreads * grid)."""
    from scipy.special import ndtr  # noqa: PLC0415 - a forecast alone needs it

    grid = np.arange(_GRID_FROM_S, _GRID_TO_S + _GRID_S / 2, _GRID_S)
    middle = (np.arange(OFF_STEPS) + 0.5) * STEP_S
    # A step is level from end to end, which widens what is known only to the step.
    sigma = np.sqrt(np.array(SPREADS_S) ** 2 + STEP_S**2 / 12)[None, :, None]
    z = (grid[None, None, :] - middle[:, None, None]) / sigma
    integral = sigma * (z * ndtr(z) + np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))
    return np.asarray(integral.reshape(OFF_STEPS, -1))


def spread_class(sigma_s: NDArray[np.float64]) -> NDArray[np.intp]:
    """The class of `SPREADS_S` that is nearest."""
    between = [(low + high) / 2 for low, high in itertools.pairwise(SPREADS_S)]
    return np.searchsorted(between, sigma_s)


def shares_of(
    tables: Tables,
    enter: Crossings,
    leave: Crossings,
    from_s: NDArray[np.float64],
    bin_s: float,
) -> Shares:
    """The shares of bins that begin at `from_s` (l,) and last `bin_s`, for passages (n,)."""
    edges, place = np.unique(np.concatenate([from_s, from_s + bin_s]), return_inverse=True)
    begin, end = place[: from_s.size], place[from_s.size :]
    flat = tables.integral.ravel()
    share, touch = np.empty((2, enter.at_s.size, from_s.size), dtype=np.float32)
    # Few at a time: what is in between stays in the processor's cache, and takes half as long.
    for first in range(0, enter.at_s.size, _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        in_integral, in_chance = _look_up(tables, flat, enter, rows, edges)
        out_integral, out_chance = _look_up(tables, flat, leave, rows, edges)
        in_integral -= out_integral
        inside = in_integral[:, end]
        inside -= in_integral[:, begin]
        inside /= bin_s
        np.clip(inside, 0.0, 1.0, out=inside)
        chance = in_chance[:, end]
        chance -= out_chance[:, begin]
        np.maximum(chance, inside, out=chance)
        np.clip(chance, 0.0, 1.0, out=chance)
        share[rows], touch[rows] = inside, chance
    return Shares(share, touch)


def _look_up(
    tables: Tables,
    flat: NDArray[np.float64],
    when: Crossings,
    rows: slice,
    edges_s: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """I and F of some crossings (n,) at each edge (e,); `flat` has the tables end to end."""
    at_s, which = when.at_s[rows, None], when.which[rows, None]
    scale = np.broadcast_to(np.asarray(when.scale, dtype=np.float64), when.at_s.shape)[rows, None]
    size = tables.integral.shape[1]
    at = edges_s - at_s
    at /= scale * tables.step
    at -= tables.from_t / tables.step
    cell = np.clip(at, 0, size - 2).astype(np.intp)
    at -= cell
    cell += which * size
    low = flat.take(cell)
    cell += 1
    slope = flat.take(cell)
    slope -= low
    at *= slope
    low += at
    low *= scale
    slope /= tables.step
    return low, slope
