"""Where flights are thought to go in the next hours, by route and speed, without any learning.

A flight in the air goes along the great circle to its filed destination at the groundspeed it has
now; one on the ground leaves at its filed time, or now where that has passed, and goes at its filed
speed. Heights follow a plain profile: up to the filed level, down to the destination on three
degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sectorwatch.airspace.geodesy import destination, distance_nm, intermediate
from sectorwatch.feed.records import FlightPlan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.traffic.contract import KnownPlaces, Place
    from sectorwatch.traffic.tick import Live

__all__ = ["Paths", "paths_ahead"]

_HOUR_S, _DAY_S, _MINUTE_S = 3600, 86_400, 60
# How far ahead anybody plans, and how long a flight without a destination may be thought to go on
# as it does now.
_AHEAD_S = 4 * _HOUR_S
_AHEAD_ON_HEADING_S = 900
_CLIMB_FT_S = 2_000 / 60
_DESCENT_FT_NM = 318.0  # three degrees
_TAXI_S = 600
# A filed time that has passed by more than this says nothing about when the flight will leave.
_OVERDUE_S = 2 * _HOUR_S
_SLOWEST_KT, _FASTEST_KT = 40, 2_500
_AT_AIRPORT_NM = 10.0
_NO_PLAN = FlightPlan()


@dataclass(frozen=True, slots=True)
class Paths:
    """Where flights are thought to go, arrays of shape (n,); `index` is into `Live.flights`.

    From (`latitude`, `longitude`) at `start_s` along a great circle to (`latitude2`, `longitude2`),
    `way_nm` away, at `speed_kt`; between `altitude_ft` and `level_ft`, down to `ground_ft`.
    """

    index: NDArray[np.intp]
    start_s: NDArray[np.int64]
    end_s: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    latitude2: NDArray[np.float64]
    longitude2: NDArray[np.float64]
    way_nm: NDArray[np.float64]
    speed_kt: NDArray[np.float64]
    altitude_ft: NDArray[np.float64]
    level_ft: NDArray[np.float64]
    ground_ft: NDArray[np.float64]
    basis: tuple[str, ...]

    def at(
        self, which: NDArray[np.intp], time_s: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """(longitude, latitude, altitude_ft) of the paths at `which`, at times of that shape."""
        gone_s = (time_s - self.start_s[which]).astype(np.float64)
        gone_nm = gone_s * self.speed_kt[which] / _HOUR_S
        way_nm = self.way_nm[which]
        part = np.clip(np.divide(gone_nm, way_nm, out=np.ones_like(way_nm), where=way_nm > 0), 0, 1)
        latitude, longitude = intermediate(
            self.latitude[which],
            self.longitude[which],
            self.latitude2[which],
            self.longitude2[which],
            part,
        )
        altitude_ft, level_ft = self.altitude_ft[which], self.level_ft[which]
        up_ft = np.minimum(np.maximum(level_ft, altitude_ft), altitude_ft + _CLIMB_FT_S * gone_s)
        left_nm = np.maximum(way_nm - gone_nm, 0.0)
        down_ft = self.ground_ft[which] + _DESCENT_FT_NM * left_nm
        return longitude, latitude, np.minimum(up_ft, down_ft)


class _Way(NamedTuple):
    """One flight's way; the same as a row of `Paths`."""

    number: int
    start_s: int
    end_s: int
    latitude: float
    longitude: float
    latitude2: float
    longitude2: float
    way_nm: float
    speed_kt: float
    altitude_ft: float
    level_ft: float
    ground_ft: float
    basis: str


def paths_ahead(live: Live, airports: KnownPlaces, now_s: int) -> Paths:
    """Where everybody online is thought to go in the next 4 h; made once, good for all sectors.

    Left out are flights of which nothing can be said: those that landed, and on the ground those
    without a filed time and speed, away from where they are to depart, or bound for an airport that
    nobody knows.
    """
    find = _Lookup(airports).find
    plans = [flight.plan or _NO_PLAN for flight in live.flights]
    arrivals = [find(plan.arrival) for plan in plans]
    departures = [find(plan.departure) for plan in plans]
    way_nm = _distances_nm(live, arrivals).tolist()
    from_nm = _distances_nm(live, departures).tolist()
    here = zip(
        live.latitude.tolist(),
        live.longitude.tolist(),
        live.altitude_ft.tolist(),
        live.groundspeed_kt.tolist(),
        live.heading_deg.tolist(),
        live.time_s.tolist(),
        strict=True,
    )
    ways = []
    for index, (place, airborne) in enumerate(zip(here, live.airborne.tolist(), strict=True)):
        to, way = arrivals[index], None
        if airborne and to is not None:
            way = _to_destination(index, plans[index], _Here(*place), to, way_nm[index], now_s)
        elif airborne:
            way = _straight_on(index, _Here(*place), now_s)
        elif to is not None and live.flights[index].arrived_s is None:
            start = departures[index]
            there = start is None or from_nm[index] <= _AT_AIRPORT_NM
            if there and (start is None or start.index != to.index):
                way = _from_ground(index, plans[index], _Here(*place), to, way_nm[index], now_s)
        if way is not None:
            ways.append(way)
    floats = {
        name: np.array([getattr(way, name) for way in ways], dtype=np.float64)
        for name in _Way._fields[3:-1]
    }
    return Paths(
        index=np.array([way.number for way in ways], dtype=np.intp),
        start_s=np.array([way.start_s for way in ways], dtype=np.int64),
        end_s=np.array([way.end_s for way in ways], dtype=np.int64),
        basis=tuple(way.basis for way in ways),
        **floats,
    )


class _Here(NamedTuple):
    """Where a flight is now."""

    latitude: float
    longitude: float
    altitude_ft: float
    groundspeed_kt: float
    heading_deg: float
    time_s: int


class _Lookup:
    """Airports by code, each looked for once."""

    def __init__(self, airports: KnownPlaces) -> None:
        self._airports = airports
        self._found: dict[str, Place | None] = {"": None}

    def find(self, icao: str) -> Place | None:
        """The airport with this code, None where nobody knows it."""
        if icao not in self._found:
            self._found[icao] = self._airports.get(icao)
        return self._found[icao]


def _distances_nm(live: Live, places: list[Place | None]) -> NDArray[np.float64]:
    """How far each flight is from its place, shape (n,); NaN where it has none."""
    ends = [(np.nan, np.nan) if at is None else (at.latitude, at.longitude) for at in places]
    table = np.array(ends, dtype=np.float64).reshape(-1, 2)
    return distance_nm(live.latitude, live.longitude, table[:, 0], table[:, 1])


def _to_destination(
    index: int, plan: FlightPlan, here: _Here, to: Place, way_nm: float, now_s: int
) -> _Way | None:
    if not _SLOWEST_KT <= here.groundspeed_kt <= _FASTEST_KT:
        return None
    arrives_s = here.time_s + int(way_nm / here.groundspeed_kt * _HOUR_S)
    return _Way(
        number=index,
        start_s=here.time_s,
        end_s=min(arrives_s, now_s + _AHEAD_S),
        latitude=here.latitude,
        longitude=here.longitude,
        latitude2=to.latitude,
        longitude2=to.longitude,
        way_nm=way_nm,
        speed_kt=here.groundspeed_kt,
        altitude_ft=here.altitude_ft,
        level_ft=max(here.altitude_ft, plan.cruise_altitude_ft or here.altitude_ft),
        ground_ft=to.elevation_ft or 0.0,
        basis=f"great circle to {plan.arrival} at {here.groundspeed_kt:.0f} kt",
    )


def _straight_on(index: int, here: _Here, now_s: int) -> _Way | None:
    if not _SLOWEST_KT <= here.groundspeed_kt <= _FASTEST_KT:
        return None
    end_s = now_s + _AHEAD_ON_HEADING_S
    way_nm = here.groundspeed_kt * (end_s - here.time_s) / _HOUR_S
    latitude2, longitude2 = destination(here.latitude, here.longitude, here.heading_deg, way_nm)
    return _Way(
        number=index,
        start_s=here.time_s,
        end_s=end_s,
        latitude=here.latitude,
        longitude=here.longitude,
        latitude2=float(latitude2),
        longitude2=float(longitude2),
        way_nm=way_nm,
        speed_kt=here.groundspeed_kt,
        altitude_ft=here.altitude_ft,
        level_ft=here.altitude_ft,
        # It is going on, not down.
        ground_ft=here.altitude_ft,
        basis=f"straight ahead at {here.groundspeed_kt:.0f} kt: no known destination is filed",
    )


def _from_ground(
    index: int, plan: FlightPlan, here: _Here, to: Place, way_nm: float, now_s: int
) -> _Way | None:
    speed_kt = _filed_speed_kt(plan, way_nm)
    if plan.departure_minute is None or speed_kt is None:
        return None
    filed_s = _filed_departure_s(plan.departure_minute, now_s)
    if not now_s - _OVERDUE_S <= filed_s <= now_s + _AHEAD_S:
        return None
    off_s = max(filed_s, now_s) + _TAXI_S
    overdue = ", overdue" if filed_s < now_s else ""
    hour, minute = divmod(plan.departure_minute, 60)
    return _Way(
        number=index,
        start_s=off_s,
        end_s=min(off_s + int(way_nm / speed_kt * _HOUR_S), now_s + _AHEAD_S),
        latitude=here.latitude,
        longitude=here.longitude,
        latitude2=to.latitude,
        longitude2=to.longitude,
        way_nm=way_nm,
        speed_kt=speed_kt,
        altitude_ft=here.altitude_ft,
        level_ft=float(plan.cruise_altitude_ft or here.altitude_ft),
        ground_ft=to.elevation_ft or 0.0,
        basis=(
            f"departure filed for {hour:02d}:{minute:02d}Z{overdue}, {_TAXI_S // 60} min to taxi, "
            f"great circle to {plan.arrival} at {speed_kt:.0f} kt as filed"
        ),
    )


def _filed_speed_kt(plan: FlightPlan, way_nm: float) -> float | None:
    """The filed true airspeed, else what the filed time en route comes to; None without either."""
    if plan.cruise_tas_kt is not None and _SLOWEST_KT <= plan.cruise_tas_kt <= _FASTEST_KT:
        return float(plan.cruise_tas_kt)
    if plan.enroute_minutes:
        speed_kt = way_nm / plan.enroute_minutes * 60
        if _SLOWEST_KT <= speed_kt <= _FASTEST_KT:
            return speed_kt
    return None


def _filed_departure_s(minute: int, now_s: int) -> int:
    """The moment nearest to now that is so many minutes after a midnight."""
    today_s = now_s - now_s % _DAY_S + minute * _MINUTE_S
    return today_s + round((now_s - today_s) / _DAY_S) * _DAY_S
