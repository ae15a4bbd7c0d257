"""Ways through the airspace: points a minute or so apart, and the sectors passed between which.

A way goes along a chain of great circles, with the heights and speeds of `profile`. Where it is
cut into pieces everything is arrays over all points of all ways, one way after another.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sectorwatch.airspace.geodesy import EARTH_RADIUS_NM, unit_vectors
from sectorwatch.forecast.plans import profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.routes import Point
    from sectorwatch.traffic.contract import Space

    _Place = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

__all__ = ["STEP_NM", "Way", "Ways", "lay_out"]

STEP_NM = 7.5
"""Between two points of a way: a minute at 450 kt."""
_MOST_POINTS = 1_500
_HAIR_NM = 1e-6
_HOUR_S = 3_600.0
_HALVINGS = 5
"""Of a minute: borders are then known to a second."""


class Way(NamedTuple):
    """What one way is laid out of: through `points`, at `cruise_kt` and `cruise_ft`.

    It begins at `start_ft` and has climbed `done_ft` above its field already, and ends on a field
    at `end_ft`. `descends` is False where it goes on level for ever.
    """

    points: Sequence[Point]
    cruise_kt: float
    cruise_ft: float
    start_ft: float
    end_ft: float
    field_ft: float
    descends: bool = True


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways laid out, one after another; those of way i are `first[i]:first[i + 1]`.

    Of each point `x`, `y`, `z` on the unit sphere, `elapsed_s` since the way began and
    `altitude_ft`. Passages likewise, `passage_first[i]:passage_first[i + 1]`: through `sector` from
    `enter_s` to `exit_s`, in order of partition and time, the flight being in
    `enter_phase` and `exit_phase` then: one of `profile.PHASES`.
    """

    first: NDArray[np.int64]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    z: NDArray[np.float32]
    elapsed_s: NDArray[np.float32]
    altitude_ft: NDArray[np.float32]
    passage_first: NDArray[np.int64]
    sector: NDArray[np.int32]
    partition: NDArray[np.int8]
    enter_s: NDArray[np.float32]
    exit_s: NDArray[np.float32]
    enter_phase: NDArray[np.int8]
    exit_phase: NDArray[np.int8]

    def __len__(self) -> int:
        return self.first.size - 1


def lay_out(ways: Sequence[Way], airspace: Space) -> Ways:
    """The ways as points and passages."""
    way, place, along_nm, length_nm = _points(ways)
    first = np.searchsorted(way, np.arange(len(ways) + 1))
    cruise_kt, cruise_ft, start_ft, end_ft, field_ft, descends = (
        np.array([each[number] for each in ways], dtype=np.float64) for number in range(1, 7)
    )
    rate = profile.climb_rate_ft_min(cruise_kt)
    began_nm = profile.climb_from(start_ft - field_ft, rate)
    level_ft = np.maximum(cruise_ft, start_ft)[way]
    cruise_kt, cruise_ft, end_ft, field_ft, descends, rate, began_nm = (
        each[way] for each in (cruise_kt, cruise_ft, end_ft, field_ft, descends, rate, began_nm)
    )
    up_ft = field_ft + profile.climbed_ft(along_nm + began_nm, rate)
    left_nm = length_nm[way] - along_nm
    down_ft = np.where(descends > 0, end_ft + profile.descent_ft(left_nm), np.inf)
    altitude_ft = np.minimum(np.minimum(up_ft, level_ft), down_ft)
    # Slow near either field, whichever is nearer.
    height_ft = np.minimum(
        np.where(up_ft < cruise_ft, up_ft - field_ft, np.inf),
        np.where(down_ft < cruise_ft, down_ft - end_ft, np.inf),
    )
    speed_kt = profile.speed_kt(height_ft, cruise_kt)
    elapsed_s = _elapsed(first, along_nm, speed_kt)
    sector = airspace.locate(*_degrees(*place), altitude_ft)
    borders = _borders(airspace, sector, way, (*place, altitude_ft))
    phase = np.full(way.size, profile.LEVEL, dtype=np.int8)
    phase[up_ft < np.minimum(cruise_ft, down_ft)] = profile.CLIMBING
    phase[down_ft < np.minimum(cruise_ft, up_ft)] = profile.DESCENDING
    passages = _passages(sector, way, first, elapsed_s, borders, phase, descends > 0, len(ways))
    x, y, z = place
    return Ways(
        first.astype(np.int64),
        x.astype(np.float32),
        y.astype(np.float32),
        z.astype(np.float32),
        elapsed_s.astype(np.float32),
        altitude_ft.astype(np.float32),
        *passages,
    )


def _points(
    ways: Sequence[Way],
) -> tuple[NDArray[np.intp], _Place, NDArray[np.float64], NDArray[np.float64]]:
    """Of each point the way, where it is, and miles flown; and how long each way is."""
    legs_of = np.array([len(each.points) - 1 for each in ways], dtype=np.intp)
    flat = itertools.chain.from_iterable(itertools.chain.from_iterable(w.points for w in ways))
    corner = np.fromiter(flat, dtype=np.float64).reshape(-1, 2)
    place = np.column_stack(unit_vectors(corner[:, 0], corner[:, 1]))
    # Legs go from each corner but the last of its way to each but the first.
    last = np.cumsum(legs_of + 1) - 1
    start = np.delete(place, last, axis=0)
    end = np.delete(place, last - legs_of, axis=0)
    level = np.einsum("ij,ij->i", start, end)
    ahead = end - level[:, None] * start
    size = np.sqrt(np.einsum("ij,ij->i", ahead, ahead))
    leg_nm = np.arctan2(size, level) * EARTH_RADIUS_NM
    ahead /= np.maximum(size, 1e-12)[:, None]
    way_of_leg = np.repeat(np.arange(len(ways)), legs_of)
    length_nm = np.bincount(way_of_leg, weights=leg_nm, minlength=len(ways)).astype(np.float64)
    before_nm = np.cumsum(leg_nm) - leg_nm
    first_leg = np.cumsum(legs_of) - legs_of
    before_nm -= before_nm[first_leg][way_of_leg]

    count = np.clip(np.ceil(length_nm / STEP_NM).astype(np.intp) + 1, 2, _MOST_POINTS)
    way = np.repeat(np.arange(len(ways)), count)
    number = np.arange(way.size) - (np.cumsum(count) - count)[way]
    along_nm = length_nm[way] * number / (count[way] - 1)
    # The leg of each point: its place among all legs, ways laid end to end.
    offset_nm = np.cumsum(length_nm + 1.0) - (length_nm + 1.0)
    leg = np.searchsorted(before_nm + offset_nm[way_of_leg], along_nm + offset_nm[way], "right") - 1
    leg = np.clip(leg, first_leg[way], first_leg[way] + legs_of[way] - 1)
    angle = (along_nm - before_nm[leg]) / EARTH_RADIUS_NM
    cosine, sine = np.cos(angle), np.sin(angle)
    # An axis at a time: numpy takes several times as long over the three of each point.
    x, y, z = (
        cosine * start[:, axis].take(leg) + sine * ahead[:, axis].take(leg) for axis in range(3)
    )
    return way, (x, y, z), along_nm, length_nm


def _degrees(
    x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude."""
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def _elapsed(
    first: NDArray[np.intp], along_nm: NDArray[np.float64], speed_kt: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Seconds since the way began at each point, at the mean speed between each two."""
    step_s = np.zeros_like(along_nm)
    step_s[1:] = np.diff(along_nm) * 2 * _HOUR_S / (speed_kt[1:] + speed_kt[:-1])
    step_s[first[:-1]] = 0.0
    summed = np.cumsum(step_s)
    counts = np.diff(first)
    return summed - np.repeat(summed[first[:-1]], counts)


def _borders(
    airspace: Space,
    sector: NDArray[np.int32],
    way: NDArray[np.intp],
    place: tuple[NDArray[np.float64], ...],
) -> NDArray[np.float64]:
    """How far back from each point to the one before it the sector changes, 0..1: by halving.

    Of each partition and point, shape as `sector`; it means something where the two differ.
    """
    border = np.zeros(sector.shape)
    changes = (sector[:, 1:] != sector[:, :-1]) & (way[1:] == way[:-1])
    partition, at = np.nonzero(changes)
    point = at + 1
    here = [axis[point] for axis in place]
    back = [axis[point - 1] - there for axis, there in zip(place, here, strict=True)]
    wanted = sector[partition, point]
    which = np.arange(point.size)
    near, far = np.zeros(point.size), np.ones(point.size)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        x, y, z, altitude_ft = (
            there + middle * way_back for there, way_back in zip(here, back, strict=True)
        )
        after = airspace.locate(*_degrees(x, y, z), altitude_ft)[partition, which] == wanted
        near, far = np.where(after, middle, near), np.where(after, far, middle)
    border[partition, point] = (near + far) / 2
    return border


def _passages(
    sector: NDArray[np.int32],
    way: NDArray[np.intp],
    first: NDArray[np.intp],
    elapsed_s: NDArray[np.float64],
    borders: NDArray[np.float64],
    phase: NDArray[np.int8],
    descends: NDArray[np.bool_],
    ways: int,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.int8],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.int8],
    NDArray[np.int8],
]:
    """Runs of points in one sector, from border to border."""
    last = first[1:] - 1
    parts = []
    for number_of, here in enumerate(sector):
        changes = np.ones(here.size, dtype=bool)
        changes[1:] = (here[1:] != here[:-1]) | (way[1:] != way[:-1])
        begin = np.flatnonzero(changes)
        end = np.append(begin[1:], here.size)
        inside = here[begin] >= 0
        begin, end = begin[inside], end[inside]
        whose = way[begin]
        at_start, at_end = begin == first[whose], end - 1 == last[whose]
        border_s = elapsed_s.copy()
        border_s[1:] -= borders[number_of, 1:] * np.diff(elapsed_s)
        enter_s = np.where(at_start, elapsed_s[begin], border_s[begin])
        after = np.minimum(end, here.size - 1)
        exit_s = np.where(at_end, elapsed_s[end - 1], border_s[after])
        leaves = phase[after]
        leaves[at_end & descends[begin]] = profile.LANDING
        parts.append(
            (
                whose,
                np.full(whose.size, number_of),
                here[begin],
                enter_s,
                exit_s,
                phase[begin],
                leaves,
            )
        )
    whose = np.concatenate([part[0] for part in parts])
    partition = np.concatenate([part[1] for part in parts])
    sector_of = np.concatenate([part[2] for part in parts])
    enter_s = np.concatenate([part[3] for part in parts])
    exit_s = np.concatenate([part[4] for part in parts])
    enter_phase = np.concatenate([part[5] for part in parts])
    exit_phase = np.concatenate([part[6] for part in parts])
    order = np.lexsort((enter_s, partition, whose))
    passage_first = np.searchsorted(whose[order], np.arange(ways + 1))
    return (
        passage_first.astype(np.int64),
        sector_of[order].astype(np.int32),
        partition[order].astype(np.int8),
        enter_s[order].astype(np.float32),
        exit_s[order].astype(np.float32),
        enter_phase[order],
        exit_phase[order],
    )
