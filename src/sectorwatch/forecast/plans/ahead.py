"""Where flights in the air go on from where they are, and what they still pass.

Most are on the way that their plan names, so what is left of it is theirs too, at their own speed.
The others (off their way, or much lower or higher than it is there) go on from here: to the next
corner of the way, else straight to the destination; without one, straight ahead for a while.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sectorwatch.airspace.edges import expand
from sectorwatch.airspace.geodesy import EARTH_RADIUS_NM, destination, unit_vectors
from sectorwatch.forecast.plans.known_ways import cruise_ft, cruise_kt
from sectorwatch.forecast.plans.profile import (
    CLIMBING,
    DESCENDING,
    FASTEST_KT,
    LANDING,
    LEVEL,
    SLOWEST_KT,
)
from sectorwatch.forecast.plans.routes import Point, apart_nm
from sectorwatch.forecast.plans.ways import Way, lay_out
from sectorwatch.forecast.situation import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.known_ways import KnownWays
    from sectorwatch.forecast.plans.ways import Ways
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.traffic.contract import Space

__all__ = ["Ahead", "passages_ahead", "ways_from_here"]

_OFF_WAY_NM = 25.0
_OFF_LEVEL_FT = 3_000.0
_SLOWER, _FASTER = 0.6, 1.6
_STRAIGHT_ON_S = 1_200.0
_NEAR_LEVEL_FT = 2_000.0
_DESCENT_ROOM_NM = 60.0
_DESCENT_FT_NM = 318.0
_LONG_GONE_S = -1e7
# What is seen outside where it is reckoned to be goes in, or out, in a few minutes.
_SOON_S = 180.0
_EARLY_S = 600.0
_JUST_NOW_S = 120.0
_LANDING_S = 900.0


@dataclass(frozen=True, slots=True)
class Ahead:
    """Passages of flights in the air, shape (n,); `row` is the flight's in the situation.

    From `enter_s` to `exit_s` after the moment, before errors are allowed for; those that a flight
    is in now were entered long ago. It is in the phase `now`, and in the others then.
    """

    row: NDArray[np.intp]
    sector: NDArray[np.int32]
    enter_s: NDArray[np.float64]
    exit_s: NDArray[np.float64]
    now: NDArray[np.int8]
    enter_phase: NDArray[np.int8]
    exit_phase: NDArray[np.int8]


class _Left(NamedTuple):
    """Passages left, shape (n,), `whose` counting from 0 among the flights asked about."""

    whose: NDArray[np.intp]
    sector: NDArray[np.int32]
    partition: NDArray[np.int8]
    enter_s: NDArray[np.float64]
    exit_s: NDArray[np.float64]
    enter_phase: NDArray[np.int8]
    exit_phase: NDArray[np.int8]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> _Left:
        """Some of them."""
        columns: tuple[NDArray[Any], ...] = self
        return _Left(*(column[rows] for column in columns))

    @staticmethod
    def joined(parts: Sequence[_Left]) -> _Left:
        """All of them, one after the other."""
        columns: list[tuple[NDArray[Any], ...]] = list(zip(*parts, strict=True))
        return _Left(*(np.concatenate(column) for column in columns))


def passages_ahead(
    situation: Situation,
    rows: NDArray[np.intp],
    known: KnownWays,
    airspace: Space,
    pace: NDArray[np.float64],
) -> Ahead:
    """What the flights in `rows`, all in the air with a position, still pass.

    `pace` (rows,) is how much longer than reckoned flights between their two airports take.
    """
    number = known.numbers(situation, rows)
    place = _place_on_way(known, number, situation.latitude[rows], situation.longitude[rows])
    altitude_ft = situation.altitude_ft[rows].astype(np.float64)
    off_way = (number == UNKNOWN) | (place.away_nm > _OFF_WAY_NM)
    off_way |= np.abs(place.altitude_ft - altitude_ft) > _OFF_LEVEL_FT
    on, off = np.flatnonzero(~off_way), np.flatnonzero(off_way)
    speed_kt = np.clip(situation.groundspeed_kt[rows].astype(np.float64), SLOWEST_KT, FASTEST_KT)
    now = _phase_now(known, number, place, altitude_ft)
    # At its level a flight flies at the speed it has; before that, at the one that is filed.
    planned_kt = _taken(known.cruise_kt, number, len(rows))
    own = np.clip(planned_kt / speed_kt, _SLOWER, _FASTER)
    pace = np.where(now == LEVEL, own, np.where(now == CLIMBING, pace, 1.0))

    on_way = _passages(known.ways, number[on], on, place.elapsed_s[on], pace[on])
    made = _from_here(situation, rows[off], number[off], place.elapsed_s[off], known, airspace)
    climbs = np.where(now[off] == CLIMBING, pace[off], 1.0)
    from_here = _passages(made, np.arange(off.size), off, np.zeros(off.size), climbs)
    left = _Left.joined((on_way, from_here))
    # Positions are some seconds old.
    age_s = np.clip(situation.as_of_s - situation.position_s[rows], 0, 300).astype(np.float64)
    left = left._replace(
        enter_s=left.enter_s - age_s[left.whose], exit_s=left.exit_s - age_s[left.whose]
    )
    left = _as_seen(situation, rows, left)
    return Ahead(
        row=rows[left.whose],
        sector=left.sector,
        enter_s=left.enter_s,
        exit_s=left.exit_s,
        now=now[left.whose],
        enter_phase=left.enter_phase,
        exit_phase=left.exit_phase,
    )


def ways_from_here(
    situation: Situation, known: KnownWays, airspace: Space
) -> tuple[Ways, NDArray[np.int8]]:
    """A way from here for every flight of a situation, all in the air, and their phases now."""
    rows = np.arange(len(situation))
    number = known.numbers(situation, rows)
    place = _place_on_way(known, number, situation.latitude, situation.longitude)
    now = _phase_now(known, number, place, situation.altitude_ft.astype(np.float64))
    return _from_here(situation, rows, number, place.elapsed_s, known, airspace), now


def _phase_now(
    known: KnownWays, number: NDArray[np.intp], place: _OnWay, altitude_ft: NDArray[np.float64]
) -> NDArray[np.int8]:
    level_ft = _taken(known.cruise_ft, number, number.size)
    level_ft = np.where(number == UNKNOWN, altitude_ft, level_ft)
    now = np.where(altitude_ft >= level_ft - _NEAR_LEVEL_FT, LEVEL, CLIMBING).astype(np.int8)
    now[place.descends & (now == CLIMBING)] = DESCENDING
    return now


def _from_here(
    situation: Situation,
    rows: NDArray[np.intp],
    number: NDArray[np.intp],
    elapsed_s: NDArray[np.float64],
    known: KnownWays,
    airspace: Space,
) -> Ways:
    """The ways of flights that are so far along the ways `number`, or on none."""
    places, to = situation.places, situation.destination[rows]
    nowhere = (to == UNKNOWN) | ~np.isfinite(places.latitude[to])
    latitude, longitude = situation.latitude[rows], situation.longitude[rows]
    speed_kt = np.clip(situation.groundspeed_kt[rows].astype(np.float64), SLOWEST_KT, FASTEST_KT)
    altitude_ft = situation.altitude_ft[rows].astype(np.float64)
    ahead = np.full((2, rows.size), np.nan)
    ahead[:, nowhere] = destination(
        latitude[nowhere],
        longitude[nowhere],
        situation.heading_deg[rows[nowhere]],
        speed_kt[nowhere] * _STRAIGHT_ON_S / 3_600,
    )
    columns = zip(
        rows.tolist(),
        number.tolist(),
        elapsed_s.tolist(),
        map(Point, latitude.tolist(), longitude.tolist()),
        altitude_ft.tolist(),
        speed_kt.tolist(),
        map(Point, *ahead.tolist()),
        nowhere.tolist(),
        strict=True,
    )
    return lay_out(
        [
            Way((here, ahead), kt, ft, ft, ft, ft, descends=False)
            if straight_on
            else _way_from_here(situation, row, way, since_s, here, ft, kt, known)
            for row, way, since_s, here, ft, kt, ahead, straight_on in columns
        ],
        airspace,
    )


def _passages(
    ways: Ways,
    number: NDArray[np.intp],
    flight: NDArray[np.intp],
    elapsed_s: NDArray[np.float64],
    pace: NDArray[np.float64],
) -> _Left:
    """The passages of the ways `number`, for flights that are so far along them."""
    which, index = expand(np.diff(ways.passage_first)[number])
    passage = ways.passage_first[number][which] + index
    return _Left(
        whose=flight[which],
        sector=ways.sector[passage],
        partition=ways.partition[passage],
        enter_s=(ways.enter_s[passage] - elapsed_s[which]) * pace[which],
        exit_s=(ways.exit_s[passage] - elapsed_s[which]) * pace[which],
        enter_phase=ways.enter_phase[passage],
        exit_phase=ways.exit_phase[passage],
    )


@dataclass(frozen=True, slots=True)
class _OnWay:
    """Where flights are on their ways, shape (n,)."""

    elapsed_s: NDArray[np.float64]
    altitude_ft: NDArray[np.float64]
    away_nm: NDArray[np.float64]
    descends: NDArray[np.bool_]


def _taken(values: NDArray[np.float64], number: NDArray[np.intp], size: int) -> NDArray[np.float64]:
    """Values by number, 1 where there is none."""
    if not values.size:
        return np.ones(size)
    return np.where(number == UNKNOWN, 1.0, values[np.maximum(number, 0)])


def _place_on_way(
    known: KnownWays,
    number: NDArray[np.intp],
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
) -> _OnWay:
    """The nearest place on each way: the nearest of its points, then along the leg beside it."""
    n = number.size
    elapsed_s, altitude_ft, away_nm = np.zeros(n), np.zeros(n), np.full(n, np.inf)
    descends = np.zeros(n, dtype=bool)
    with_way = np.flatnonzero(number != UNKNOWN)
    if not with_way.size:
        return _OnWay(elapsed_s, altitude_ft, away_nm, descends)
    ways, mine = known.ways, number[with_way]
    count = ways.first[mine + 1] - ways.first[mine]
    which, index = expand(count)
    point = ways.first[mine][which] + index
    here = np.column_stack(unit_vectors(lat[with_way], lon[with_way]))
    close = np.repeat(here.astype(np.float32), count, axis=0)
    cosine = ways.x[point]
    cosine *= close[:, 0]
    for axis, values in enumerate((ways.y, ways.z), start=1):
        along = values[point]
        along *= close[:, axis]
        cosine += along
    starts = np.cumsum(count) - count
    best = np.maximum.reduceat(cosine, starts)
    at_best = np.flatnonzero(cosine == np.repeat(best, count))
    whose = which[at_best]
    nearest = point[at_best[np.diff(whose, prepend=-1) > 0]]
    last = ways.first[mine + 1] - 1
    before = np.maximum(nearest - 1, ways.first[mine])
    after = np.minimum(nearest + 1, last)
    forward = _along(ways, nearest, after, here)
    backward = _along(ways, nearest, before, here)
    other = np.where(forward >= backward, after, before)
    part = np.maximum(forward, backward)
    step_s = ways.elapsed_s[other] - ways.elapsed_s[nearest]
    step_ft = ways.altitude_ft[other] - ways.altitude_ft[nearest]
    elapsed_s[with_way] = ways.elapsed_s[nearest] + part * step_s
    altitude_ft[with_way] = ways.altitude_ft[nearest] + part * step_ft
    on = np.column_stack(
        [axis[nearest] + part * (axis[other] - axis[nearest]) for axis in (ways.x, ways.y, ways.z)]
    )
    away_nm[with_way] = np.linalg.norm(here - on, axis=1) * EARTH_RADIUS_NM
    # Past the top of the descent the way is lower than its level, and lower still after.
    lower = ways.altitude_ft[after] < ways.altitude_ft[before] - 1.0
    descends[with_way] = lower
    return _OnWay(elapsed_s, altitude_ft, away_nm, descends)


def _along(
    ways: Ways, start: NDArray[np.int64], end: NDArray[np.int64], here: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far along the leg from start to end a place is, 0 to 1."""
    leg = np.column_stack(
        [axis[end].astype(np.float64) - axis[start] for axis in (ways.x, ways.y, ways.z)]
    )
    way = here - np.column_stack([axis[start] for axis in (ways.x, ways.y, ways.z)])
    size = np.einsum("ij,ij->i", leg, leg)
    part = np.einsum("ij,ij->i", way, leg) / np.where(size > 0, size, 1.0)
    return np.where(size > 0, np.clip(part, 0.0, 1.0), 0.0)


def _way_from_here(
    situation: Situation,
    row: int,
    number: int,
    elapsed_s: float,
    here: Point,
    altitude_ft: float,
    speed_kt: float,
    known: KnownWays,
) -> Way:
    places, to = situation.places, int(situation.destination[row])
    corners: tuple[Point, ...]
    legs_nm: Sequence[float] = ()
    if number == UNKNOWN:
        corners = (Point(float(places.latitude[to]), float(places.longitude[to])),)
    else:
        # Those that the way comes to after the place on it that is nearest.
        times_s = known.corners_s(number)
        first = min(bisect.bisect_right(times_s, elapsed_s), len(times_s) - 1)
        corners, legs_nm = known.corners[number][first:], known.legs_nm[number][first:]
    left_nm = sum(legs_nm, apart_nm(here, corners[0]))
    field_ft = float(places.elevation_ft[to])
    end_ft = 0.0 if math.isnan(field_ft) else field_ft
    planned_kt = cruise_kt(int(situation.tas_kt[row]), int(situation.enroute_min[row]), left_nm)
    level_ft = cruise_ft(int(situation.cruise_ft[row]), max(left_nm, 300.0))
    # Near the destination, and below the level: on the way down, and it does not go up again.
    down_nm = (level_ft - end_ft) / _DESCENT_FT_NM + _DESCENT_ROOM_NM
    comes_down = altitude_ft < level_ft - _NEAR_LEVEL_FT and left_nm < down_nm
    origin = int(situation.origin[row])
    if comes_down and origin != UNKNOWN and math.isfinite(places.latitude[origin]):
        start = Point(float(places.latitude[origin]), float(places.longitude[origin]))
        comes_down = apart_nm(here, start) > left_nm
    if comes_down or altitude_ft >= level_ft - _NEAR_LEVEL_FT:
        level_ft, planned_kt = altitude_ft, max(speed_kt, SLOWEST_KT)
    return Way(
        (here, *corners), planned_kt, level_ft, altitude_ft, end_ft, min(end_ft, altitude_ft)
    )


def _as_seen(situation: Situation, rows: NDArray[np.intp], left: _Left) -> _Left:
    """The passages that are not over, begun from the sectors that the flights are seen in."""
    # Who is about to land is still in the air.
    lands = left.exit_phase == LANDING
    left = left.take((left.exit_s > 0) | (lands & (left.exit_s > -_LANDING_S)))
    left = left._replace(exit_s=np.maximum(left.exit_s, 1.0))
    parts = []
    for number in range(situation.sector.shape[0]):
        seen = situation.sector[number, rows]
        mine = left.take(left.partition == number)
        who, enter_s = mine.whose, mine.enter_s
        # The next passage through the sector that the flight is in has begun; all before are over.
        here = mine.sector == seen[who]
        begun_s = np.full(rows.size, np.inf)
        np.minimum.at(begun_s, who[here], np.maximum(enter_s[here], 0.0))
        begun_s[begun_s > _EARLY_S] = np.inf
        is_seen = np.isfinite(begun_s)[who]
        over = is_seen & (enter_s < begun_s[who]) & ~here
        begun = is_seen & here & (enter_s <= begun_s[who])
        # Seen elsewhere: where it should have come just now it does, where it should be, soon.
        due = ~is_seen & (enter_s <= 0)
        enter_s = np.where(due, np.where(enter_s > -_JUST_NOW_S, 1.0, _SOON_S), enter_s)
        enter_s = np.where(begun, _LONG_GONE_S, enter_s)
        mine = mine._replace(
            enter_s=enter_s,
            exit_s=np.where(due, np.maximum(mine.exit_s, enter_s + 1.0), mine.exit_s),
        )
        parts.append(mine.take(~over))
        stray = np.flatnonzero(~np.isfinite(begun_s) & (seen != UNKNOWN))
        next_s = np.full(rows.size, 2 * _SOON_S)
        np.minimum.at(next_s, who[~over], np.maximum(enter_s[~over], 1.0))
        level = np.full(stray.size, LEVEL, dtype=np.int8)
        parts.append(
            _Left(
                stray,
                seen[stray],
                np.full(stray.size, number, dtype=np.int8),
                np.full(stray.size, _LONG_GONE_S),
                next_s[stray],
                level,
                level,
            )
        )
    return _Left.joined(parts)
