"""Flight plans as people file them: the fields of the v3 feed, and all that is odd in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.clock import format_s
from sectorwatch.simulator.behaviour import distance_class
from sectorwatch.simulator.members import Members, Sort
from sectorwatch.simulator.performance import HELICOPTER, PISTON, TYPES, Type
from sectorwatch.simulator.routes import route_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.simulator.behaviour import Behaviour
    from sectorwatch.simulator.draws import Draws
    from sectorwatch.simulator.motion import Flights
    from sectorwatch.simulator.schedule import ScheduleAirports

__all__ = ["PlanWriter"]

_ALTITUDES = (
    *("FL{level}",) * 7, *("F{level}",) * 2, *("{level}",) * 3,
    "VFR", "VFR/065", "", "{feet}0", "0",
)  # fmt: skip
_DEPARTURES = ("7000", "5772193", "2460", "", "0")
_ENROUTES = ("0060", "01224292762", "9999", "")
_AIRPORTS = ("ZZZZ", "AFIL", "6N7", "")
_REMARKS = ("RMK/TCAS SIMBRIEF /V/", "RMK/TCAS /V/", "PER/C /V/", "/T/", "RMK/NEW PILOT /V/", "/R/")


class _Odd(NamedTuple):
    altitude: bool
    departure: bool
    enroute: bool
    airport: bool
    absent: bool
    times_zero: bool
    no_speed: bool
    no_fuel: bool
    no_alternate: bool
    no_route: bool


class PlanWriter:
    """Writes the plan of any session of some tables, before or after it was amended, as JSON."""

    def __init__(
        self,
        members: Members,
        flights: Flights,
        airports: ScheduleAirports,
        draws: Draws,
        behaviour: Behaviour,
    ) -> None:
        self._members = members
        self._flights = flights
        self._airports = airports
        self._encode = msgspec.json.Encoder().encode
        self._chance = draws.bits(members.member, "plan")
        origin, destination = members.origin, members.destination
        lat, lon = airports.latitude, airports.longitude
        classes = distance_class(
            distance_nm(lat[origin], lon[origin], lat[destination], lon[destination])
        )
        shares: tuple[float | NDArray[np.float64], ...] = (
            behaviour.altitude_text_odd_share,
            behaviour.deptime_odd_share,
            behaviour.enroute_odd_share,
            behaviour.airport_odd_share,
            behaviour.absent_keys_share,
            np.asarray(behaviour.times_zero_share)[classes],
            behaviour.no_speed_share,
            np.asarray(behaviour.no_fuel_share)[classes],
            np.asarray(behaviour.no_alternate_share)[classes],
            np.asarray(behaviour.no_route_share)[classes],
        )
        self._odd = [
            draws.happens(members.member, f"odd {name}", share)
            for name, share in zip(_Odd._fields, shares, strict=True)
        ]

    def write(self, row: int, *, is_amended: bool, callsign: str) -> bytes:
        """The plan of a session as the feed has it."""
        members, flights = self._members, self._flights
        chance = int(self._chance[row])
        odd = _Odd(*(bool(column[row]) for column in self._odd))
        kind = TYPES[int(flights.type[row])]
        feet = int((flights.amended_ft if is_amended else flights.filed_ft)[row])
        origin = self._airports.icao[int(members.origin[row])]
        destination = self._airports.icao[int(members.destination[row])]
        if odd.airport:
            destination = _AIRPORTS[chance % len(_AIRPORTS)]
        by_eye = members.sort[row] in (Sort.CIRCUIT, Sort.WANDERER)
        filed_off_s = int(members.filed_off_s[row])
        enroute_min = int(flights.enroute_min[row])
        points = int(flights.waypoint_count[row])
        squawk = f"{chance >> 8 & 7}{chance >> 11 & 7}{chance >> 14 & 7}{chance >> 17 & 7}"
        plan: dict[str, Any] = {
            "flight_rules": "V" if by_eye or kind.kind in {PISTON, HELICOPTER} else "I",
            "aircraft": f"{kind.icao}/{kind.wake}-{kind.equipment}",
            "aircraft_faa": _faa(kind),
            "aircraft_short": kind.icao,
            "departure": origin,
            "arrival": destination,
            "alternate": "" if odd.no_alternate else origin,
            "cruise_tas": "0" if odd.times_zero and odd.no_speed else str(kind.tas_kt),
            "altitude": _altitude(feet, chance, odd=odd.altitude),
            "deptime": self._departure(filed_off_s, chance, odd),
            "enroute_time": self._enroute(enroute_min, chance, odd),
            "fuel_time": "0000"
            if odd.times_zero or odd.no_fuel
            else _hours_minutes(enroute_min + 60 + chance % 90),
            "remarks": _remarks(kind, filed_off_s, callsign, chance),
            "route": ""
            if odd.no_route
            else route_text(flights.waypoint_lat[row, :points], flights.waypoint_lon[row, :points]),
            "revision_id": 1 + (chance >> 24) % 3 + is_amended,
            "assigned_transponder": squawk if (chance >> 28) % 3 else "0000",
        }
        if odd.absent:
            for name in ("aircraft_faa", "aircraft_short", "revision_id"):
                del plan[name]
        return self._encode(plan)

    @staticmethod
    def _departure(filed_off_s: int, chance: int, odd: _Odd) -> str:
        if odd.departure:
            return _DEPARTURES[chance % len(_DEPARTURES)]
        return "0000" if odd.times_zero else _hours_minutes(filed_off_s // 60 % 1_440)

    @staticmethod
    def _enroute(minutes: int, chance: int, odd: _Odd) -> str:
        if odd.enroute:
            return _ENROUTES[chance % len(_ENROUTES)]
        return "0000" if odd.times_zero else _hours_minutes(minutes)


def _altitude(feet: int, chance: int, *, odd: bool) -> str:
    if not odd:
        return str(feet)
    return _ALTITUDES[chance % len(_ALTITUDES)].format(level=f"{feet // 100:03d}", feet=feet)


def _faa(kind: Type) -> str:
    return f"H/{kind.icao}/L" if kind.wake == "H" else f"{kind.icao}/L"


def _hours_minutes(minutes: int) -> str:
    return f"{minutes // 60:02d}{minutes % 60:02d}"


def _remarks(kind: Type, filed_off_s: int, callsign: str, chance: int) -> str:
    day = format_s(filed_off_s)[2:10].replace("-", "")
    performance = "PBN/A1B1C1D1S1S2 " if kind.kind not in {PISTON, HELICOPTER} else ""
    operator = f"OPR/{callsign[:3]} " if callsign[:3].isalpha() else ""
    return f"{performance}DOF/{day} {operator}{_REMARKS[chance % len(_REMARKS)]}"
