"""Who should be working whom: the simulator's own view of sectors, towers and grounds.

It goes by where a flight is and what position works that place. It knows nothing of radio range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sectorwatch.simulator.control import ControlRoom, Staffing
    from sectorwatch.simulator.motion import PilotStates

__all__ = ["Desks", "View", "desks_of", "within_nm"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Positions = NDArray[np.int32]

TAXI_KT, RUNWAY_KT = 3, 35
_FIRST_KINDS = {"approach": 0, "enroute": 1, "fir": 2}
_NM_PER_DEG = 60.0
_POLE = 89.9
_NEVER_S = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Desks:
    """Who works each position, arrays of shape (positions + 1,); the last entry is nobody.

    `session` is 0 where nobody works it. So an index of -1 is answered with nobody.
    """

    session: Ints
    channel_khz: Ints
    hf_khz: Ints
    until_s: Ints
    active_s: Ints
    is_announced: Bools
    is_relieved: Bools

    @property
    def working(self) -> Bools:
        """Whether anybody works it."""
        working: Bools = self.session != 0
        return working


def desks_of(staffing: Staffing) -> Desks:
    """The same as `staffing` has, position by position."""
    count = len(staffing.worked_by)
    worked = np.flatnonzero(staffing.worked_by >= 0)
    stations = [staffing.controllers[index] for index in staffing.worked_by[worked].tolist()]

    def column(values: list[int], otherwise: int) -> Ints:
        filled = np.full(count + 1, otherwise, dtype=np.int64)
        filled[worked] = values
        return filled

    return Desks(
        session=column([station.session for station in stations], 0),
        channel_khz=column([station.channel_khz for station in stations], 0),
        hf_khz=column([station.hf_khz for station in stations], 0),
        until_s=column([station.until_s for station in stations], _NEVER_S),
        active_s=column([station.active_s for station in stations], 0),
        is_announced=column([station.is_announced for station in stations], 0).astype(np.bool_),
        is_relieved=column([station.is_relieved for station in stations], 0).astype(np.bool_),
    )


class View:
    """Where everybody is at a moment, ready to be asked who should work them."""

    def __init__(
        self, room: ControlRoom, states: PilotStates, flown: Bools, ahead_s: Floats
    ) -> None:
        self._room = room
        airborne = states.airborne
        ahead_deg = np.where(airborne, states.groundspeed_kt * ahead_s / 3_600.0, 0.0) / _NM_PER_DEG
        heading = np.radians(states.heading_deg.astype(np.float64))
        lat = np.clip(states.latitude + ahead_deg * np.cos(heading), -_POLE, _POLE)
        lon = states.longitude + ahead_deg * np.sin(heading) / np.cos(np.radians(lat))
        altitude_ft = states.altitude_ft.astype(np.float64)
        self._inside = room.airspace.locate(lon, lat, altitude_ft)
        own = np.where(flown, states.arrival, states.departure)
        moving = states.groundspeed_kt >= TAXI_KT
        rolling = states.groundspeed_kt >= RUNWAY_KT
        posts = room.positions
        tower, ground, delivery = (
            np.append(column, np.int32(-1))
            for column in (posts.tower, posts.ground, posts.delivery)
        )
        # What is asked last counts: delivery before ground before tower before the airspace above.
        self._choices = [
            (~airborne, tower[own]),
            (~airborne & ~rolling, ground[own]),
            (~airborne & ~moving & ~flown, delivery[own]),
        ]
        elevation = np.append(room.aerodromes.elevation_ft, np.inf)
        for end in (states.departure, states.arrival):
            near = within_nm(room, states, end, room.numbers.tower_radius_nm)
            low = altitude_ft - elevation[end] < room.numbers.tower_ceiling_ft
            self._choices.append((airborne & near & low, tower[end]))

    def positions(self, working: Bools) -> Positions:
        """The position that should work each pilot, shape (n,), -1 where none does.

        `working` has shape (positions + 1,), its last entry False. In the air: the tower near an
        aerodrome, else who works the sector in which the flight will be in `ahead_s` seconds. On
        the ground: delivery at the gate, then ground, then tower, and where none of them is online
        who works the airspace above (top-down).
        """
        airspace = self._room.airspace
        worker = np.append(self._room.workers(working[:-1]), np.int32(-1))
        order = sorted(
            range(len(airspace.partitions)),
            key=lambda row: _FIRST_KINDS[airspace.partitions[row].kind],
        )
        found = np.full(self._inside.shape[1], -1, dtype=np.int32)
        for row in order:
            found = np.where(found >= 0, found, worker[self._inside[row]])
        for applies, choice in self._choices:
            found = np.where(applies & working[choice], choice, found)
        return found.astype(np.int32)


def within_nm(
    room: ControlRoom, states: PilotStates, aerodrome: NDArray[np.int32], radius_nm: float
) -> Bools:
    """Whether each pilot is so near an aerodrome, by index; False for -1."""
    latitude = np.append(room.aerodromes.latitude, np.nan)[aerodrome]
    longitude = np.append(room.aerodromes.longitude, np.nan)[aerodrome]
    east = (states.longitude - longitude + 180.0) % 360.0 - 180.0
    east = east * np.cos(np.radians(states.latitude))
    near: Bools = np.hypot(states.latitude - latitude, east) * _NM_PER_DEG < radius_nm
    return near
