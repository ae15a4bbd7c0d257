"""Where and when straight steps between two positions pass from sector to sector.

A step is straight in longitude, latitude and feet, and even in time; longitude goes the short way
round, across the antimeridian where that is shorter. It is looked at on every whole second, so that
a sector clipped at a corner or crossed wholly between two positions is found, and a crossing is the
first second on the other side: intervals are half-open. Steps of which the airspace itself says
that nothing happens on them (`settled`) are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.traffic.contract import Space

__all__ = ["Crossings", "Steps", "find_crossings"]

_HALF_TURN, _FULL_TURN = 180.0, 360.0


@dataclass(frozen=True, slots=True)
class Steps:
    """Straight steps of flights, arrays of shape (n,); `time2_s` is later than `time_s`.

    Where `lands`, the flight is in the air until the step's end and not at it, so the end itself is
    not looked at.
    """

    time_s: NDArray[np.int64]
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    altitude_ft: NDArray[np.float64]
    time2_s: NDArray[np.int64]
    longitude2: NDArray[np.float64]
    latitude2: NDArray[np.float64]
    altitude2_ft: NDArray[np.float64]
    lands: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Crossings:
    """Changes of sector, arrays of shape (m,), in the order of step, time and partition.

    `sector` and `previous` are indices into the airspace's sectors, -1 for none. `after` has shape
    (partitions, n): the sector at each step's end.
    """

    step: NDArray[np.intp]
    partition: NDArray[np.intp]
    time_s: NDArray[np.int64]
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    altitude_ft: NDArray[np.float64]
    previous: NDArray[np.int32]
    sector: NDArray[np.int32]
    after: NDArray[np.int32]


def find_crossings(airspace: Space, steps: Steps, sector: NDArray[np.int32]) -> Crossings:
    """Every change of sector on `steps`, to the second.

    `sector`, shape (partitions, n), says where each step begins: what `locate` gave for it.
    """
    settled = airspace.settled(
        steps.longitude,
        steps.latitude,
        steps.altitude_ft,
        steps.longitude2,
        steps.latitude2,
        steps.altitude2_ft,
    )
    seconds = steps.time2_s - steps.time_s
    count = np.where(settled, 0, seconds - steps.lands)
    flat_end = np.cumsum(count)
    flat_start = flat_end - count
    step = np.repeat(np.arange(count.size), count)
    second = np.arange(1, step.size + 1) - flat_start[step]
    longitude, latitude, altitude_ft = _points(steps, step, second, seconds)
    found = airspace.locate(longitude, latitude, altitude_ft)
    before = np.empty_like(found)
    before[:, 1:] = found[:, :-1]
    looked_at = count > 0
    before[:, flat_start[looked_at]] = sector[:, looked_at]
    flat, partition = np.nonzero((found != before).T)
    after = sector.copy()
    after[:, looked_at] = found[:, flat_end[looked_at] - 1]
    at = step[flat]
    return Crossings(
        step=at,
        partition=partition,
        time_s=steps.time_s[at] + second[flat],
        longitude=longitude[flat],
        latitude=latitude[flat],
        altitude_ft=altitude_ft[flat],
        previous=before[partition, flat],
        sector=found[partition, flat],
        after=after,
    )


def _points(
    steps: Steps,
    step: NDArray[np.intp],
    second: NDArray[np.int64],
    seconds: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    part = second / seconds[step]
    # The end must be the very position, not one a rounding away: the next step begins there.
    at_end = second == seconds[step]
    turn = steps.longitude2 - steps.longitude
    turn -= _FULL_TURN * np.round(turn / _FULL_TURN)
    start, end = steps.longitude[step], steps.longitude2[step]
    longitude = np.where(at_end, end, _wrapped(start + part * turn[step]))
    start, end = steps.latitude[step], steps.latitude2[step]
    latitude = np.where(at_end, end, start + part * (end - start))
    start, end = steps.altitude_ft[step], steps.altitude2_ft[step]
    return longitude, latitude, np.where(at_end, end, start + part * (end - start))


def _wrapped(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same meridians within -180..180, never 180 itself; those within stay as they are."""
    down = np.where(longitude >= _HALF_TURN, longitude - _FULL_TURN, longitude)
    up = np.where(down < -_HALF_TURN, down + _FULL_TURN, down)
    # Just west of the antimeridian, adding a whole turn can round up to 180.
    return np.where(up >= _HALF_TURN, -_HALF_TURN, up)
