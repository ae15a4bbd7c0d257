"""When flights on the ground will take off, if ever: by lateness, time online, taxi, delays.

A state is a cell of a table that holds the probability of taking off in each of the next steps of
5 min, and last of never. Before anything is learned it is that of `priors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.plans.hazards import OFF_STEPS, take_off
from sectorwatch.forecast.situation import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.hazards import Hazard
    from sectorwatch.forecast.situation import Situation

__all__ = ["DELAY_MIN", "GROUND", "PREFILED", "Cells", "cells_of", "late_minutes", "prior_table"]

DELAY_MIN = (-5.0, -1.0, 4.0, 10.0)
"""Between the classes of today's delay: how much later than usual flights are, minutes."""
MOVING_KT = 2
_UNFILED = np.nan


class Cells:
    """How states are divided; tables have shape (2, late + 1, waited, delays, steps + 1).

    The first axis is the sign that a flight gives, the last class of lateness is for those that
    filed no time.
    """

    def __init__(self, late_min: tuple[float, ...], waited_min: tuple[float, ...]) -> None:
        self.late_min = late_min
        self.waited_min = waited_min

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the cells."""
        return 2, len(self.late_min) + 2, len(self.waited_min) + 1, len(DELAY_MIN) + 1

    def at(
        self,
        sign: NDArray[np.bool_],
        late_min: NDArray[np.float64],
        waited_min: NDArray[np.float64],
        delay_min: NDArray[np.float64],
    ) -> NDArray[np.intp]:
        """The number of the cell of each state, shape (n,); lateness is NaN where none is filed."""
        late = np.searchsorted(self.late_min, late_min, side="right")
        late = np.where(np.isnan(late_min), len(self.late_min) + 1, late)
        waited = np.searchsorted(self.waited_min, waited_min, side="right")
        delay = self.delay_class(delay_min)
        return np.ravel_multi_index((sign.astype(np.intp), late, waited, delay), self.shape)

    def delay_class(self, delay_min: NDArray[np.floating]) -> NDArray[np.intp]:
        """Which class of the last axis a delay is in; cells are numbered by it last."""
        return np.searchsorted(DELAY_MIN, delay_min, side="right")


GROUND = Cells(
    (
        -90,
        -60,
        -45,
        -30,
        -20,
        -15,
        -10,
        -5,
        0,
        5,
        10,
        15,
        20,
        25,
        30,
        40,
        50,
        60,
        90,
        120,
        180,
        240,
    ),
    (5, 10, 15, 20, 30, 45, 60, 90, 120, 180),
)
PREFILED = Cells(
    (
        -240,
        -180,
        -150,
        -120,
        -90,
        -75,
        -60,
        -45,
        -30,
        -20,
        -10,
        0,
        10,
        20,
        30,
        45,
        60,
        90,
        120,
        240,
    ),
    (5, 15, 30, 60, 120, 240),
)


def late_minutes(situation: Situation, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Minutes past the filed off-block time, NaN where none is filed."""
    filed_s = situation.filed_off_s[rows]
    late = (situation.as_of_s - filed_s) / 60.0
    return np.where(filed_s == UNKNOWN, _UNFILED, late)


def cells_of(
    cells: Cells, situation: Situation, rows: NDArray[np.intp], delay_min: NDArray[np.float64]
) -> NDArray[np.intp]:
    """The cells of flights that wait.

    The sign that they give is that they move, or of prefiles that the member is online elsewhere.
    """
    if cells is GROUND:
        sign = situation.groundspeed_kt[rows] >= MOVING_KT
        since_s = situation.first_seen_s[rows]
    else:
        sign = situation.online_elsewhere[rows]
        since_s = situation.plan_since_s[rows]
        since_s = np.where(since_s == UNKNOWN, situation.first_seen_s[rows], since_s)
    waited_min = np.maximum((situation.as_of_s - since_s) / 60.0, 0.0)
    return cells.at(sign, late_minutes(situation, rows), waited_min, delay_min)


def prior_table(cells: Cells, hazard: Hazard) -> NDArray[np.float32]:
    """The table under a hazard, at the middle of each cell, the same for every delay."""
    sign, late, waited = np.meshgrid(
        [False, True],
        _middles(cells.late_min, unknown=True),
        _middles(cells.waited_min),
        indexing="ij",
    )
    off = take_off(hazard, late.ravel(), waited.ravel(), sign.ravel())
    table = off.reshape(*sign.shape, 1, OFF_STEPS + 1)
    return np.broadcast_to(table, (*cells.shape, OFF_STEPS + 1)).astype(np.float32)


def _middles(edges: tuple[float, ...], *, unknown: bool = False) -> NDArray[np.float64]:
    """The middle of each class; the first and last as wide again as their neighbours."""
    first, last = 2 * edges[0] - edges[1], 2 * edges[-1] - edges[-2]
    if not unknown:
        first = 0.0
    ends = np.array((first, *edges, last), dtype=np.float64)
    middle = (ends[1:] + ends[:-1]) / 2
    return np.append(middle, np.nan) if unknown else middle
