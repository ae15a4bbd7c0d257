"""The ways of all plans that were asked for lately, each laid out once.

A plan's way is the same for everybody who files it, and from one issue to the next: what is kept
here is looked up by (origin, destination, speed, level, route). Kept are so many points that a
network of twice the usual size fits; when they are more, all that was not asked for just now is
forgotten.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sectorwatch.airspace.edges import expand
from sectorwatch.forecast.plans.profile import FASTEST_KT, SLOWEST_KT
from sectorwatch.forecast.plans.routes import Course, Point, course_of
from sectorwatch.forecast.plans.ways import Way, Ways, lay_out
from sectorwatch.forecast.situation import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.navigation import Navigation
    from sectorwatch.forecast.situation import Places, Situation
    from sectorwatch.traffic.contract import KnownPlaces, Space

__all__ = ["KnownWays", "Plan", "cruise_ft", "cruise_kt"]

_MOST_POINTS = 600_000
_MOST_ROUTES = 16_000
"""Five times as many as are known at once on a full network: a route is some kilobytes."""
_LATELY = 2
"""Of so many calls before ways are kept: those in the air and those on the ground take turns."""
_MOST_KEPT = 0.75
"""Of what fits: where these were more, there would soon be too many again."""
_TINY_NM = 3.0
_USUAL_KT, _SHORT_KT = 440.0, 130.0
_USUAL_FT_NM = 60.0
_LEAST_FT, _USUAL_FT = 3_000.0, 36_000.0
_NOWHERE = Course([], [])


class Plan(NamedTuple):
    """What a way depends on; places by index, speed and level filed or UNKNOWN."""

    origin: int
    destination: int
    tas_kt: int
    cruise_ft: int
    enroute_min: int
    route: str


def cruise_kt(tas_kt: float, enroute_min: float, way_nm: float) -> float:
    """The speed at its level: filed, else what the filed time comes to, else what is usual."""
    if SLOWEST_KT <= tas_kt <= FASTEST_KT:
        return float(tas_kt)
    if enroute_min > 0:
        # Take-off and landing cost some 10 min that are not flown at speed.
        speed_kt = way_nm / max(enroute_min - 10.0, 0.6 * enroute_min) * 60.0
        if SLOWEST_KT <= speed_kt <= FASTEST_KT:
            return speed_kt
    return min(_SHORT_KT + way_nm * 0.6, _USUAL_KT)


def cruise_ft(filed_ft: float, way_nm: float) -> float:
    """The level filed, else what is usual for so long a way."""
    if filed_ft > 0:
        return float(filed_ft)
    return min(_LEAST_FT + _USUAL_FT_NM * way_nm, _USUAL_FT)


class KnownWays:
    """The ways of plans, laid out through an airspace; `ways` has all of them end to end.

    Of each, `corners` are the points that it was laid through, airports included, and `legs_nm` how
    far it is from each to the next.
    """

    def __init__(
        self, airspace: Space, airports: KnownPlaces, navigation: Navigation | None
    ) -> None:
        self._airspace = airspace
        self._airports = airports
        self._navigation = navigation
        self._icao: Sequence[str] = ()
        self.forget()

    def forget(self) -> None:
        """Forget all ways."""
        self._number: dict[tuple[int, int, int, int, int, str], int] = {}
        self.corners: list[tuple[Point, ...]] = []
        self.legs_nm: list[list[float]] = []
        self.cruise_kt = np.zeros(0)
        self.cruise_ft = np.zeros(0)
        self.length_nm = np.zeros(0)
        self.ways: Ways = lay_out([], self._airspace)
        self._calls = 0
        self._asked_at = np.zeros(0, dtype=np.int64)

    def numbers(self, situation: Situation, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """The way of each flight in `rows`; UNKNOWN where no way can be laid (no two places)."""
        places = situation.places
        self._same_places(places)
        # Of the kind of `Plan`, as equal as if they were of its type, and made in half the time.
        plans = list(
            zip(
                situation.origin[rows].tolist(),
                situation.destination[rows].tolist(),
                situation.tas_kt[rows].tolist(),
                situation.cruise_ft[rows].tolist(),
                situation.enroute_min[rows].tolist(),
                map(situation.route.__getitem__, rows.tolist()),
                strict=True,
            )
        )
        found = list(map(self._number.get, plans))
        if None in found:
            if self._is_crowded():
                self._forget_old()
                found = list(map(self._number.get, plans))
            missing = {plan for plan, number in zip(plans, found, strict=True) if number is None}
            # In one order, whatever the set's: the same situation gives the same numbers.
            self._add([Plan(*each) for each in sorted(missing)], places)
            found = [self._number[plan] for plan in plans]
        numbers = np.array(found, dtype=np.intp)
        self._calls += 1
        self._asked_at[numbers[numbers != UNKNOWN]] = self._calls
        return numbers

    def _is_crowded(self) -> bool:
        return self.ways.x.size > _MOST_POINTS or len(self._number) > _MOST_ROUTES

    def _forget_old(self) -> None:
        """Keep those that were asked for lately, as they are; none where these are too many."""
        kept = np.flatnonzero(self._asked_at > self._calls - _LATELY)
        points = np.diff(self.ways.first)[kept].sum()
        if points > _MOST_KEPT * _MOST_POINTS or kept.size > _MOST_KEPT * _MOST_ROUTES:
            self.forget()
            return
        becomes = dict(zip(kept.tolist(), range(kept.size), strict=True))
        self._number = {
            plan: becomes[number] for plan, number in self._number.items() if number in becomes
        }
        self.corners = [self.corners[number] for number in becomes]
        self.legs_nm = [self.legs_nm[number] for number in becomes]
        self.cruise_kt, self.cruise_ft = self.cruise_kt[kept], self.cruise_ft[kept]
        self.length_nm, self._asked_at = self.length_nm[kept], self._asked_at[kept]
        self.ways = _some(self.ways, kept)

    def _same_places(self, places: Places) -> None:
        """Indices of places mean what they meant, as long as the list only grows."""
        known = len(self._icao)
        if len(places.icao) < known or (
            known and (places.icao[0], places.icao[known - 1]) != (self._icao[0], self._icao[-1])
        ):
            self.forget()
            known = 0
        if len(places.icao) != known:
            self._icao = tuple(places.icao)

    def corners_s(self, number: int) -> list[float]:
        """When a way comes to each of its corners, in seconds since it began."""
        begin, end = self.ways.first[number : number + 2].tolist()
        elapsed_s, legs_nm = self.ways.elapsed_s[begin:end], self.legs_nm[number]
        if len(legs_nm) == 1:  # from airport to airport
            return [0.0, float(elapsed_s[-1])]
        # Its points are evenly apart.
        along = np.append(0.0, np.cumsum(legs_nm)) * ((elapsed_s.size - 1) / sum(legs_nm))
        times_s: list[float] = np.interp(along, np.arange(elapsed_s.size), elapsed_s).tolist()
        return times_s

    def _add(self, plans: Sequence[Plan], places: Places) -> None:
        made: list[Way] = []
        legs: list[list[float]] = []
        lengths_nm: list[float] = []
        fields: dict[int, _Field] = {}
        for plan in plans:
            ends = [
                fields.get(place) or fields.setdefault(place, _field(place, places))
                for place in plan[:2]
            ]
            course = self._course(plan.route, *ends)
            way_nm = sum(course.legs_nm)
            if way_nm < _TINY_NM:
                self._number[plan] = UNKNOWN
                continue
            self._number[plan] = len(self.corners) + len(made)
            made.append(_way(plan, course.corners, way_nm, *ends))
            legs.append(course.legs_nm)
            lengths_nm.append(way_nm)
        if made:
            self.ways = _joined(self.ways, lay_out(made, self._airspace))
            self.corners.extend(tuple(way.points) for way in made)
            self.legs_nm.extend(legs)
            self.cruise_kt = np.append(self.cruise_kt, [way.cruise_kt for way in made])
            self.cruise_ft = np.append(self.cruise_ft, [way.cruise_ft for way in made])
            self.length_nm = np.append(self.length_nm, lengths_nm)
            self._asked_at = np.append(self._asked_at, np.zeros(len(made), dtype=np.int64))

    def _course(self, route: str, start: _Field, end: _Field) -> Course:
        """Where a plan's way goes, nowhere where it has no two places."""
        if start.point is None or end.point is None:
            return _NOWHERE
        return course_of(route, start.point, end.point, self._airports, self._navigation)


class _Field(NamedTuple):
    """An airport that is an end of ways; None where nobody knows where it is."""

    point: Point | None
    elevation_ft: float


def _field(place: int, places: Places) -> _Field:
    if place == UNKNOWN:
        return _Field(None, 0.0)
    point = Point(float(places.latitude[place]), float(places.longitude[place]))
    elevation_ft = float(places.elevation_ft[place])
    return _Field(
        point if all(map(math.isfinite, point)) else None,
        0.0 if math.isnan(elevation_ft) else elevation_ft,
    )


def _way(plan: Plan, corners: Sequence[Point], way_nm: float, start: _Field, end: _Field) -> Way:
    return Way(
        points=corners,
        cruise_kt=cruise_kt(plan.tas_kt, plan.enroute_min, way_nm),
        cruise_ft=cruise_ft(plan.cruise_ft, way_nm),
        start_ft=start.elevation_ft,
        end_ft=end.elevation_ft,
        field_ft=start.elevation_ft,
    )


def _some(ways: Ways, numbers: NDArray[np.intp]) -> Ways:
    """These of them, end to end."""
    counts, point = _within(ways.first, numbers)
    passages, passage = _within(ways.passage_first, numbers)
    return Ways(
        counts,
        ways.x[point],
        ways.y[point],
        ways.z[point],
        ways.elapsed_s[point],
        ways.altitude_ft[point],
        passages,
        ways.sector[passage],
        ways.partition[passage],
        ways.enter_s[passage],
        ways.exit_s[passage],
        ways.enter_phase[passage],
        ways.exit_phase[passage],
    )


def _within(
    first: NDArray[np.int64], numbers: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each of some begins when only these are there, and which of all rows they have."""
    counts = np.diff(first)[numbers]
    which, index = expand(counts)
    return np.append(0, np.cumsum(counts)), first[numbers][which] + index


def _joined(ways: Ways, more: Ways) -> Ways:
    """Both, one after the other."""
    return Ways(
        first=np.concatenate([ways.first, more.first[1:] + ways.first[-1]]),
        x=np.concatenate([ways.x, more.x]),
        y=np.concatenate([ways.y, more.y]),
        z=np.concatenate([ways.z, more.z]),
        elapsed_s=np.concatenate([ways.elapsed_s, more.elapsed_s]),
        altitude_ft=np.concatenate([ways.altitude_ft, more.altitude_ft]),
        passage_first=np.concatenate(
            [ways.passage_first, more.passage_first[1:] + ways.passage_first[-1]]
        ),
        sector=np.concatenate([ways.sector, more.sector]),
        partition=np.concatenate([ways.partition, more.partition]),
        enter_s=np.concatenate([ways.enter_s, more.enter_s]),
        exit_s=np.concatenate([ways.exit_s, more.exit_s]),
        enter_phase=np.concatenate([ways.enter_phase, more.enter_phase]),
        exit_phase=np.concatenate([ways.exit_phase, more.exit_phase]),
    )
