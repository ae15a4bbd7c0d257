"""Today's delays: how much later than usual flights from and to an airport are, as far as is seen.

From the situation alone: how late those left that took off in the last two hours from the same
airport, how late those are that are on their way to the same destination, how overdue those are
that still wait at the origin, and how many these are. What that comes to for the next departures
is learned as weights; without any, today is like every day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.situation import Situation

__all__ = ["DELAY_WEIGHTS", "delay_features", "delay_minutes"]

DELAY_WEIGHTS = 5
"""Minutes that are added: always, and for each of the four features."""
_RECENT_S = 7_200
_LEAST_MIN, _MOST_MIN = -60.0, 180.0
# So many flights as usual are taken to have been seen everywhere.
_SHRUNK = 8.0
_CROWD = 3.0


def delay_features(situation: Situation, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """The four features of the flights `rows`, shape (n, 4)."""
    filed = situation.filed_off_s != UNKNOWN
    flying = (situation.stage == Stage.AIRBORNE) & (situation.departed_s != UNKNOWN) & filed
    recent = flying & (situation.departed_s > situation.as_of_s - _RECENT_S)
    late_min = (situation.departed_s - situation.filed_off_s) / 60.0
    late_min = np.clip(late_min, _LEAST_MIN, _MOST_MIN)
    overdue_min = (situation.as_of_s - situation.filed_off_s) / 60.0
    overdue = (situation.stage == Stage.GROUND) & filed & (overdue_min > 0)
    overdue &= overdue_min < _MOST_MIN
    origin, destination = situation.origin[rows], situation.destination[rows]
    left, left_n = _by_place(situation.origin, recent, late_min, origin)
    bound, bound_n = _by_place(situation.destination, flying, late_min, destination)
    wait, wait_n = _by_place(situation.origin, overdue, overdue_min, origin)
    return np.column_stack(
        (
            left / (left_n + _SHRUNK),
            bound / (bound_n + _SHRUNK),
            wait / (wait_n + _SHRUNK),
            wait_n / (left_n + _CROWD),
        )
    )


def delay_minutes(
    situation: Situation, rows: NDArray[np.intp], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How much later than usual each of the flights `rows` is expected to leave, minutes."""
    if not weights.any():
        return np.zeros(rows.size)
    features = delay_features(situation, rows)
    return np.asarray(weights[0] + features @ weights[1:].astype(np.float64))


def _by_place(
    place: NDArray[np.int32],
    which: NDArray[np.bool_],
    value: NDArray[np.float64],
    asked: NDArray[np.int32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sum and number of values at each place that is asked for, 0 at UNKNOWN."""
    rows = np.flatnonzero(which & (place != UNKNOWN))
    places, index = np.unique(place[rows], return_inverse=True)
    total = np.append(np.bincount(index, value[rows], minlength=places.size), 0.0)
    number = np.append(np.bincount(index, minlength=places.size), 0).astype(np.float64)
    at = np.searchsorted(places, asked)
    found = (at < places.size) & (asked != UNKNOWN)
    found[found] = places[at[found]] == asked[found]
    at = np.where(found, at, places.size)
    return total[at], number[at]
