"""Airfields: which way the runways point, where people park, how they taxi.

No data set of runways is at hand, so each airport has one, whose direction is a draw of chance; a
flight lifts off and touches down beside the airport's reference point.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sectorwatch.airspace.geodesy import initial_bearing_deg

if TYPE_CHECKING:
    from sectorwatch.simulator.draws import Draws
    from sectorwatch.simulator.schedule import ScheduleAirports

__all__ = ["ROLL_S", "SLOW_S", "Ground", "Grounds", "ground_at", "lay_out", "runway_axes_deg"]

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

ROLL_S = 34.0
"""Seconds from standing still to lifting off."""
SLOW_S = 42.0
"""Seconds from touching down to the speed of a taxi."""
TAXI_KT = 16.0
FASTEST_TAXI_KT = 26.0

_WIND_S = 21_600
_LIFT_OFF_NM, _TOUCH_DOWN_NM = 0.3, -0.35
_WAITING = 0.22
"""Of the time of a taxi out, the last part, in which it waits at the holding point."""
_TURN = 180.0


@dataclass(frozen=True, eq=False)
class Grounds:
    """Of each flight, where it is on the ground at both ends, arrays of shape (n,), degrees."""

    gate_lat: Floats
    gate_lon: Floats
    gate_deg: Floats
    line_up_lat: Floats
    line_up_lon: Floats
    runway_deg: Floats
    vacate_lat: Floats
    vacate_lon: Floats
    runway2_deg: Floats
    gate2_lat: Floats
    gate2_lon: Floats
    gate2_deg: Floats
    lift_lat: Floats
    lift_lon: Floats
    touch_lat: Floats
    touch_lon: Floats


class Ground(NamedTuple):
    """Where those on the ground are and how they move, arrays of shape (n,)."""

    latitude: Floats
    longitude: Floats
    groundspeed_kt: Floats
    heading_deg: Floats


def runway_axes_deg(airports: ScheduleAirports) -> Floats:
    """The one runway's direction of each airport, 0 <= d < 180, by a hash of its code."""
    draws = [
        int.from_bytes(hashlib.blake2b(code.encode(), digest_size=2).digest(), "big")
        for code in airports.icao
    ]
    return np.array(draws, dtype=np.float64) / 65_536 * _TURN


def lay_out(
    airports: ScheduleAirports,
    axes_deg: Floats,
    ends: tuple[NDArray[np.int32], NDArray[np.int32]],
    times_s: tuple[Floats, Floats],
    speeds_kt: tuple[Floats, Floats],
    draws: Draws,
    members: NDArray[np.int64],
) -> Grounds:
    """The ground of flights between the airports `ends`, that take off and land at `times_s`."""
    origin, destination = ends
    into_wind = _direction(axes_deg, origin, times_s[0], draws)
    into_wind2 = _direction(axes_deg, destination, times_s[1], draws)
    at = airports.latitude[origin], airports.longitude[origin]
    at2 = airports.latitude[destination], airports.longitude[destination]
    lift = moved(*at, into_wind, np.full(len(members), _LIFT_OFF_NM))
    roll_nm = speeds_kt[0] / 2 * ROLL_S / 3_600
    line_up = moved(*lift, into_wind, -roll_nm)
    touch = moved(*at2, into_wind2, np.full(len(members), _TOUCH_DOWN_NM))
    vacate = moved(*touch, into_wind2, (speeds_kt[1] + TAXI_KT) / 2 * SLOW_S / 3_600)
    gates = []
    for where, name in ((at, "gate place"), (at2, "second gate place")):
        bearing = draws.between(members, name, 0.0, 360.0)
        gates.append(moved(*where, bearing, draws.between(members, f"{name} off", 0.25, 0.6)))
    return Grounds(
        gate_lat=gates[0][0],
        gate_lon=gates[0][1],
        gate_deg=draws.between(members, "gate heading", 0.0, 360.0),
        line_up_lat=line_up[0],
        line_up_lon=line_up[1],
        runway_deg=into_wind,
        vacate_lat=vacate[0],
        vacate_lon=vacate[1],
        runway2_deg=into_wind2,
        gate2_lat=gates[1][0],
        gate2_lon=gates[1][1],
        gate2_deg=draws.between(members, "second gate heading", 0.0, 360.0),
        lift_lat=lift[0],
        lift_lon=lift[1],
        touch_lat=touch[0],
        touch_lon=touch[1],
    )


def ground_at(
    ground: Grounds,
    rows: Numbers,
    until_off_s: Floats,
    since_on_s: Floats,
    taxi_s: tuple[Floats, Floats],
    speeds_kt: tuple[Floats, Floats],
) -> Ground:
    """Those on the ground: before take-off where `since_on_s` is below 0, else after landing."""
    after = since_on_s >= 0
    rolling = ~after & (until_off_s <= ROLL_S)
    slowing = after & (since_on_s < SLOW_S)
    from_lat = np.where(after, ground.vacate_lat[rows], ground.gate_lat[rows])
    from_lon = np.where(after, ground.vacate_lon[rows], ground.gate_lon[rows])
    to_lat = np.where(after, ground.gate2_lat[rows], ground.line_up_lat[rows])
    to_lon = np.where(after, ground.gate2_lon[rows], ground.line_up_lon[rows])
    level = np.cos(np.radians(from_lat))
    apart_nm = 60.0 * np.hypot(to_lat - from_lat, (to_lon - from_lon) * level)
    # Of the taxi: from the gate to the line-up, or from where the runway was left to the gate. A
    # short time for a long way is made longer, for nobody taxies as fast as others land.
    wanted_s = np.where(after, taxi_s[1], taxi_s[0] * (1 - _WAITING))
    taxi_time_s = np.maximum(wanted_s, apart_nm / FASTEST_TAXI_KT * 3_600)
    out = (taxi_time_s + _WAITING * taxi_s[0] + ROLL_S - until_off_s) / taxi_time_s
    into = (since_on_s - SLOW_S) / taxi_time_s
    part = np.clip(np.where(after, into, out), 0.0, 1.0)
    latitude = from_lat + (to_lat - from_lat) * part
    longitude = from_lon + (to_lon - from_lon) * part
    moving = (part > 0) & (part < 1)
    speed = np.where(moving, apart_nm / taxi_time_s * 3_600, 0.0)
    course = initial_bearing_deg(from_lat, from_lon, to_lat, to_lon)
    parked = np.where(after, ground.gate2_deg[rows], ground.gate_deg[rows])
    lined_up = np.where(after, ground.runway2_deg[rows], ground.runway_deg[rows])
    at_runway = np.where(after, part <= 0, part >= 1)
    heading = np.where(moving, course, np.where(at_runway, lined_up, parked))
    # On the runway: speed is linear in time, so distance is quadratic.
    faster = np.clip(1.0 - until_off_s / ROLL_S, 0.0, 1.0)
    slower = np.clip(since_on_s / SLOW_S, 0.0, 1.0)
    on_kt = speeds_kt[1]
    rolled_nm = np.where(rolling, speeds_kt[0] / 2 * ROLL_S / 3_600 * faster**2, 0.0)
    slowed_nm = (on_kt * slower - (on_kt - TAXI_KT) / 2 * slower**2) * SLOW_S / 3_600
    start_lat = np.where(rolling, ground.line_up_lat[rows], ground.touch_lat[rows])
    start_lon = np.where(rolling, ground.line_up_lon[rows], ground.touch_lon[rows])
    run = moved(start_lat, start_lon, lined_up, np.where(rolling, rolled_nm, slowed_nm))
    on_runway = rolling | slowing
    run_kt = np.where(rolling, speeds_kt[0] * faster, on_kt - (on_kt - TAXI_KT) * slower)
    return Ground(
        latitude=np.where(on_runway, run[0], latitude),
        longitude=np.where(on_runway, run[1], longitude),
        groundspeed_kt=np.where(on_runway, run_kt, speed),
        heading_deg=np.where(on_runway, lined_up, heading),
    )


def moved(
    latitude: Floats, longitude: Floats, bearing_deg: Floats, distance_nm: Floats
) -> tuple[Floats, Floats]:
    """A place a few miles away, on the plane."""
    angle = np.radians(bearing_deg)
    level = np.maximum(np.cos(np.radians(latitude)), 0.01)
    return (
        latitude + distance_nm * np.cos(angle) / 60.0,
        longitude + distance_nm * np.sin(angle) / 60.0 / level,
    )


def _direction(
    axes_deg: Floats, airport: NDArray[np.int32], time_s: Floats, draws: Draws
) -> Floats:
    """Into the wind, which turns at most every six hours."""
    block = (time_s // _WIND_S).astype(np.int64) * 100_003 + airport
    return axes_deg[airport] + np.where(draws.happens(block, "wind", 0.5), _TURN, 0.0)
