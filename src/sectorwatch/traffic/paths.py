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

    from sectorwatch.traffic.contract import KnownPlaces
    from sectorwatch.traffic.tick import Flight, Live

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
    ways = []
    for index, flight in enumerate(live.flights):
        here = _Here(
            latitude=float(live.latitude[index]),
            longitude=float(live.longitude[index]),
            altitude_ft=float(live.altitude_ft[index]),
            groundspeed_kt=float(live.groundspeed_kt[index]),
            heading_deg=float(live.heading_deg[index]),
            time_s=int(live.time_s[index]),
        )
        find = _way_in_flight if live.airborne[index] else _way_from_ground
        way = find(index, flight, here, airports, now_s)
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


@dataclass(frozen=True, slots=True)
class _Here:
    """Where a flight is now."""

    latitude: float
    longitude: float
    altitude_ft: float
    groundspeed_kt: float
    heading_deg: float
    time_s: int


def _way_in_flight(
    index: int, flight: Flight, here: _Here, airports: KnownPlaces, now_s: int
) -> _Way | None:
    if not _SLOWEST_KT <= here.groundspeed_kt <= _FASTEST_KT:
        return None
    plan = FlightPlan() if flight.plan is None else flight.plan
    to = airports.get(plan.arrival) if plan.arrival else None
    ahead_s = _AHEAD_S
    if to is not None:
        latitude2, longitude2 = to.latitude, to.longitude
        basis = f"great circle to {plan.arrival} at {here.groundspeed_kt:.0f} kt"
        ground_ft = to.elevation_ft or 0.0
    else:
        ahead_s = _AHEAD_ON_HEADING_S
        way_nm = here.groundspeed_kt * (now_s + ahead_s - here.time_s) / _HOUR_S
        end = destination(here.latitude, here.longitude, here.heading_deg, way_nm)
        latitude2, longitude2 = float(end[0]), float(end[1])
        basis = f"straight ahead at {here.groundspeed_kt:.0f} kt: no known destination is filed"
        # It is going on, not down.
        ground_ft = here.altitude_ft
    level_ft = here.altitude_ft
    if to is not None and plan.cruise_altitude_ft is not None:
        level_ft = max(level_ft, plan.cruise_altitude_ft)
    way_nm = float(distance_nm(here.latitude, here.longitude, latitude2, longitude2))
    arrives_s = here.time_s + int(way_nm / here.groundspeed_kt * _HOUR_S)
    return _Way(
        number=index,
        start_s=here.time_s,
        end_s=min(arrives_s, now_s + ahead_s),
        latitude=here.latitude,
        longitude=here.longitude,
        latitude2=latitude2,
        longitude2=longitude2,
        way_nm=way_nm,
        speed_kt=here.groundspeed_kt,
        altitude_ft=here.altitude_ft,
        level_ft=level_ft,
        ground_ft=ground_ft,
        basis=basis,
    )


def _way_from_ground(
    index: int, flight: Flight, here: _Here, airports: KnownPlaces, now_s: int
) -> _Way | None:
    plan = flight.plan
    if plan is None or plan.departure_minute is None or flight.arrived_s is not None:
        return None
    to = airports.get(plan.arrival) if plan.arrival else None
    start = airports.get(plan.departure) if plan.departure else None
    if to is None or to.index == (start.index if start is not None else None):
        return None
    if start is not None:
        away_nm = distance_nm(here.latitude, here.longitude, start.latitude, start.longitude)
        if float(away_nm) > _AT_AIRPORT_NM:
            return None
    way_nm = float(distance_nm(here.latitude, here.longitude, to.latitude, to.longitude))
    speed_kt = _filed_speed_kt(plan, way_nm)
    filed_s = _filed_departure_s(plan.departure_minute, now_s)
    if speed_kt is None or filed_s < now_s - _OVERDUE_S or filed_s > now_s + _AHEAD_S:
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
