"""Situations made by hand: a row of box sectors along the equator, two airports at its ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from sectorwatch.airspace import Airports, Airspace, DataSet
from sectorwatch.airspace.airports import Airport
from sectorwatch.forecast.situation import UNKNOWN, Places, Situation, Stage
from traffic.made import sector

NOW_S = 1_700_006_400
BOXES = 6
AIRPORTS = Airports(
    [
        Airport(0, "WEST", "West", 0.0, 0.5, 0.0),
        Airport(1, "EAST", "East", 0.0, BOXES - 0.5, 0.0),
    ]
)
PLACES = Places(AIRPORTS.icao, AIRPORTS.lat, AIRPORTS.lon, AIRPORTS.elevation_ft)


def boxes() -> Airspace:
    """Six sectors of a degree, B0 from longitude 0 to B5; above FL240 another one, HIGH."""
    low = [sector(f"B{west}", west, -1, west + 1, 1) for west in range(BOXES)]
    high = sector("HIGH", 0, -1, BOXES, 1, 24_000.0, kind="fir")
    return Airspace([DataSet("made", "made", (*low, high))])


def situation(airspace: Airspace, rows: list[dict[str, Any]], as_of_s: int = NOW_S) -> Situation:
    """Flights of which each row says what is not as usual.

    As usual they fly from WEST to EAST at 36,000 ft and 420 kt, filed to leave now, and are on the
    ground, just come.
    """
    usual: dict[str, Any] = {
        "stage": Stage.GROUND,
        "flight_id": 0,
        "cid": 0,
        "callsign": "",
        "first_seen_s": as_of_s,
        "plan_since_s": as_of_s,
        "origin": 0,
        "destination": 1,
        "route": "",
        "aircraft": "A320",
        "filed_off_s": as_of_s,
        "cruise_ft": 36_000,
        "tas_kt": 420,
        "enroute_min": 60,
        "online_elsewhere": False,
        "departed_s": UNKNOWN,
        "position_s": as_of_s,
        "latitude": 0.0,
        "longitude": 0.5,
        "altitude_ft": 0,
        "groundspeed_kt": 0,
        "heading_deg": 90,
    }
    full = [
        {**usual, "flight_id": number, "cid": number, "callsign": f"MADE{number}", **row}
        for number, row in enumerate(rows)
    ]
    kinds = {"latitude": np.float64, "longitude": np.float64, "online_elsewhere": np.bool_}
    small = ("origin", "destination", "cruise_ft", "tas_kt", "enroute_min", "altitude_ft")
    columns: dict[str, Any] = {}
    for name in usual:
        values = [row[name] for row in full]
        if name in ("callsign", "route", "aircraft"):
            columns[name] = values
        else:
            kind = kinds.get(name, np.int32 if name in small else np.int64)
            columns[name] = np.array(values, dtype=kind)
    columns["stage"] = columns["stage"].astype(np.int8)
    airborne = columns["stage"] == Stage.AIRBORNE
    place = airspace.locate(
        columns["longitude"], columns["latitude"], columns["altitude_ft"].astype(np.float64)
    )
    place = np.where(airborne, place, UNKNOWN).astype(np.int32)
    occupancy = np.bincount(place[place >= 0], minlength=len(airspace.sectors)).astype(np.int32)
    return Situation(as_of_s=as_of_s, places=PLACES, sector=place, occupancy=occupancy, **columns)


def in_the_air(longitude: float, **others: Any) -> dict[str, Any]:
    """A flight at its level, so far on its way east."""
    return {
        "stage": Stage.AIRBORNE,
        "longitude": longitude,
        "altitude_ft": 36_000,
        "groundspeed_kt": 420,
        "departed_s": NOW_S - 1_800,
        **others,
    }
