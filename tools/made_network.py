"""A small made network: two hours over Australia, as v3 feeds, for the recording and for tests.

It is no simulator: some forty flights on great circles between real airports, with simple climbs
and descents, a few controllers, and one each of what the real network does all the time: a
disconnect that comes back, a plan amended in flight, a prefile, an observer among the controllers,
a visual circuit. The same seed gives the same bytes. Members are invented; every number begins 99.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import airportsdata

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STEP_S", "MadeFeed", "MadeFlight", "made_network"]

START = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
STEP_S = 15
EARTH_NM = 3440.065
PAIRS = (
    "YSSY YMML", "YMML YSSY", "YSSY YBBN", "YBBN YSSY", "YMML YPAD", "YPAD YMML", "YPPH YSSY",
    "YSSY YPPH", "YBBN YMML", "YMML YBBN", "YSCB YSSY", "YSSY YSCB", "YMHB YMML", "YBCS YBBN",
    "YPDN YBBN", "YBCG YSSY", "YPAD YSSY", "YMML YMHB", "YBBN YBCS", "YPPH YMML",
)  # fmt: skip
AIRLINES = ("QFA", "VOZ", "JST", "QLK", "RXA", "FD")
TYPES = (
    ("B738", "B738/M-SDE2FGHIRWXY/LB1", 447, 36000),
    ("A320", "A320/M-SDE2E3FGHIRWY/LB1", 445, 35000),
    ("DH8D", "DH8D/M-SDFGRY/LB1", 355, 24000),
    ("B789", "B789/H-SDE2FGHIRWXYZ/LB1", 480, 39000),
)
STATIONS = (
    ("YSSY_TWR", "120.500", 4, 3), ("YSSY_APP", "124.400", 5, 4), ("SY_GND", "121.700", 3, 2),
    ("YMML_TWR", "120.500", 4, 3), ("YMML_CTR", "128.400", 6, 5), ("YSSY_CTR", "129.800", 6, 5),
    ("YBBN_CTR", "125.700", 6, 7), ("YPAD_TWR", "120.500", 4, 3),
)  # fmt: skip


@dataclass(frozen=True)
class MadeFlight:
    """One made flight: seconds are from the start of the recording."""

    cid: int
    callsign: str
    origin: str
    destination: str
    kind: tuple[str, str, int, int]
    logon_s: int
    off_s: int
    away: tuple[int, int] | None = None
    """From when until when it is disconnected."""
    amended_s: int | None = None
    circuit: bool = False
    squawk: str = "2000"


@dataclass
class MadeFeed:
    """One step of the network: the data feed, once a minute the transceivers too."""

    time: datetime
    data: bytes
    transceivers: bytes | None
    truth: list[dict[str, Any]] = field(default_factory=list)


def made_network(
    *, seed: int = 1, duration_s: int = 7_200, flights: int = 44
) -> Iterator[MadeFeed]:
    """Yield a feed every 15 s for `duration_s` seconds."""
    rng = random.Random(seed)
    airports = airportsdata.load("ICAO")
    fleet = _fleet(rng, flights, duration_s)
    for elapsed_s in range(0, duration_s, STEP_S):
        yield _feed(elapsed_s, fleet, airports)


def _fleet(rng: random.Random, count: int, duration_s: int) -> list[MadeFlight]:
    fleet = []
    for number in range(count):
        origin, destination = PAIRS[number % len(PAIRS)].split()
        # Some are in the air when the recording starts, some leave while it runs.
        off_s = rng.randrange(-5_400, duration_s - 600)
        logon_s = off_s - rng.randrange(600, 1_800)
        fleet.append(
            MadeFlight(
                cid=9_900_001 + number,
                callsign=f"{AIRLINES[number % len(AIRLINES)]}{rng.randrange(10, 1_999)}",
                origin=origin,
                destination=destination,
                kind=TYPES[number % len(TYPES)],
                logon_s=logon_s,
                off_s=off_s,
                away=(off_s + 1_200, off_s + 1_500) if number % 11 == 3 else None,
                amended_s=off_s + 900 if number % 9 == 4 else None,
                squawk=f"{rng.randrange(8)}{rng.randrange(8)}{rng.randrange(8)}{rng.randrange(8)}",
            )
        )
    fleet.append(
        MadeFlight(
            9_900_900,
            "VHSWT",
            "YSBK",
            "YSBK",
            ("C172", "C172/L-SG/C", 105, 1500),
            0,
            600,
            circuit=True,
            squawk="1200",
        )
    )
    return fleet


def _feed(elapsed_s: int, fleet: list[MadeFlight], airports: dict[str, Any]) -> MadeFeed:
    now = START + timedelta(seconds=elapsed_s, microseconds=417_103)
    pilots, truth, radios, prefiles = [], [], [], []
    for flight in fleet:
        state = _state(flight, elapsed_s, airports)
        if state is None:
            if flight.logon_s - 1_200 <= elapsed_s < flight.logon_s:
                prefiles.append(_prefile(flight))
            continue
        pilots.append(_pilot(flight, state, now, elapsed_s))
        truth.append({"callsign": flight.callsign, **state})
        radios.append(_radio(flight.callsign, state, 124_400_000))
    controllers = _controllers(now, elapsed_s)
    atis = [_station("YSSY_ATIS", "126.250", 4, 3, 9_905_900, now) | {
        "atis_code": chr(65 + elapsed_s // 1_800),
        "text_atis": ["YSSY ATIS RWY 34L AND 34R FOR ARRS AND DEPS", "WND 340/10 QNH 1018"],
    }]  # fmt: skip
    total = len(pilots) + len(controllers) + len(atis)
    data = {
        "general": {
            "version": 3,
            "reload": 1,
            "update": now.strftime("%Y%m%d%H%M%S"),
            "update_timestamp": _iso(now),
            "connected_clients": total,
            "unique_users": total,
        },
        "pilots": pilots,
        "controllers": controllers,
        "atis": atis,
        "servers": [],
        "prefiles": prefiles,
        **_reference(),
    }
    transceivers = None
    if elapsed_s % 60 == 0:
        stations = [
            _radio(c["callsign"], {"lat": -33.94, "lon": 151.17, "alt": 150}, 0, c["frequency"])
            for c in controllers
            if c["facility"]
        ]
        transceivers = json.dumps(radios + stations).encode()
    return MadeFeed(now, json.dumps(data).encode(), transceivers, truth)


def _state(flight: MadeFlight, at_s: int, airports: dict[str, Any]) -> dict[str, Any] | None:
    """Where a flight is, or None while it is not online."""
    if at_s < flight.logon_s or (flight.away and flight.away[0] <= at_s < flight.away[1]):
        return None
    start, end = airports[flight.origin], airports[flight.destination]
    field_ft = float(start["elevation"])
    parked = {"lat": start["lat"] + 0.002, "lon": start["lon"] - 0.002, "alt": field_ft,
              "gs": 0, "heading": 90, "airborne": False}  # fmt: skip
    flown_s = at_s - flight.off_s
    if flight.circuit:
        return _circuit(parked, flown_s) if at_s < flight.off_s + 3_000 else None
    if flown_s < 0:
        taxi_kt = 15 if flown_s > -300 else 0
        return {**parked, "gs": taxi_kt}
    _, _, tas_kt, cruise_ft = flight.kind
    if flight.amended_s is not None and at_s >= flight.amended_s:
        cruise_ft += 2_000
    total_nm = _distance(start, end)
    climb_s = (cruise_ft - field_ft) / 2_000 * 60
    mean_climb_kt = 0.62 * tas_kt
    climb_nm = mean_climb_kt * climb_s / 3_600
    top_nm = min(climb_nm, total_nm / 2)
    scale = top_nm / climb_nm
    climb_s, peak_ft = climb_s * scale, field_ft + (cruise_ft - field_ft) * scale
    cruise_s = max(0.0, (total_nm - 2 * top_nm) / tas_kt * 3_600)
    descent_s = climb_s * 1.1
    landing_ft = float(end["elevation"])
    if flown_s < climb_s:
        part = flown_s / climb_s
        speed = 150 + (1.24 * tas_kt - 300) * part
        done_nm = top_nm * (150 * part + (1.24 * tas_kt - 300) * part**2 / 2) / (0.62 * tas_kt)
        altitude = field_ft + (peak_ft - field_ft) * part
    elif flown_s < climb_s + cruise_s:
        speed, altitude = tas_kt, peak_ft
        done_nm = top_nm + tas_kt * (flown_s - climb_s) / 3_600
    elif flown_s < climb_s + cruise_s + descent_s:
        part = (flown_s - climb_s - cruise_s) / descent_s
        speed = tas_kt + (140 - tas_kt) * part
        shape = (tas_kt * part + (140 - tas_kt) * part**2 / 2) / (tas_kt / 2 + 70)
        done_nm = total_nm - top_nm + top_nm * shape
        altitude = peak_ft + (landing_ft - peak_ft) * part
    else:
        after_s = flown_s - climb_s - cruise_s - descent_s
        if after_s > 900:
            return None
        speed = max(0, 140 - 4 * after_s) if after_s < 40 else (12 if after_s < 240 else 0)
        return {"lat": end["lat"], "lon": end["lon"], "alt": landing_ft, "gs": round(speed),
                "heading": 160, "airborne": speed >= 40}  # fmt: skip
    lat, lon, heading = _along(start, end, min(1.0, done_nm / total_nm))
    return {"lat": lat, "lon": lon, "alt": altitude, "gs": round(speed), "heading": heading,
            "airborne": True}  # fmt: skip


def _circuit(parked: dict[str, Any], flown_s: int) -> dict[str, Any]:
    """Six-minute visual circuits with a touch-and-go each, then back at the stand."""
    if not 0 <= flown_s < 1_800:
        return parked
    angle = 2 * math.pi * (flown_s % 360) / 360
    height = max(0.0, 1_000 * math.sin(angle / 2) ** 0.5)
    return {"lat": parked["lat"] + 0.025 * math.sin(angle),
            "lon": parked["lon"] + 0.03 * (1 - math.cos(angle)),
            "alt": parked["alt"] + height, "gs": 85,
            "heading": round(math.degrees(angle)) % 360, "airborne": True}  # fmt: skip


def _pilot(flight: MadeFlight, state: dict[str, Any], now: datetime, at_s: int) -> dict[str, Any]:
    back_s = flight.away[1] if flight.away and at_s >= flight.away[1] else flight.logon_s
    plan = _plan(flight)
    if flight.amended_s is not None and at_s >= flight.amended_s:
        plan |= {"altitude": str(flight.kind[3] + 2_000), "revision_id": 2}
    updated = now - timedelta(seconds=1 + flight.cid % 9)
    return {
        "cid": flight.cid,
        "name": f"Made Member {flight.origin}",
        "callsign": flight.callsign,
        "server": "MADE-SOUTH",
        "pilot_rating": flight.cid % 2,
        "military_rating": 0,
        "latitude": round(state["lat"], 5),
        "longitude": round(state["lon"], 5),
        "altitude": round(state["alt"]),
        "groundspeed": state["gs"],
        "transponder": flight.squawk,
        "heading": state["heading"],
        "qnh_i_hg": 30.06,
        "qnh_mb": 1018,
        "flight_plan": plan,
        "logon_time": _iso(START + timedelta(seconds=back_s, microseconds=flight.cid % 997)),
        "last_updated": _iso(updated),
    }


def _plan(flight: MadeFlight) -> dict[str, Any]:
    short, aircraft, tas_kt, cruise_ft = flight.kind
    off = START + timedelta(seconds=flight.off_s - 420)
    off -= timedelta(minutes=off.minute % 5)
    return {
        "flight_rules": "V" if flight.circuit else "I",
        "aircraft": aircraft,
        "aircraft_faa": f"{short}/L",
        "aircraft_short": short,
        "departure": flight.origin,
        "arrival": flight.destination,
        "alternate": "",
        "cruise_tas": str(tas_kt),
        "altitude": "VFR" if flight.circuit else str(cruise_ft),
        "deptime": off.strftime("%H%M"),
        "enroute_time": "0045" if flight.circuit else "0130",
        "fuel_time": "0330",
        "remarks": "PBN/A1B1C1D1 DOF/261101 /V/",
        "route": "DCT",
        "revision_id": 1,
        "assigned_transponder": flight.squawk,
    }


def _prefile(flight: MadeFlight) -> dict[str, Any]:
    filed = START + timedelta(seconds=flight.logon_s - 1_200)
    return {
        "cid": flight.cid,
        "name": "Made Member",
        "callsign": flight.callsign,
        "flight_plan": _plan(flight),
        "last_updated": _iso(filed),
    }


def _controllers(now: datetime, at_s: int) -> list[dict[str, Any]]:
    online = []
    for number, (callsign, frequency, facility, rating) in enumerate(STATIONS):
        # Each takes a break of its own, so that owners change while one watches.
        if at_s // 900 == number:
            continue
        online.append(_station(callsign, frequency, facility, rating, 9_905_000 + number, now))
    online.append(_station("MADE_OBS", "199.998", 0, 1, 9_905_500, now))
    return online


def _station(
    callsign: str, frequency: str, facility: int, rating: int, cid: int, now: datetime
) -> dict[str, Any]:
    return {
        "cid": cid,
        "name": "Made Controller",
        "callsign": callsign,
        "frequency": frequency,
        "facility": facility,
        "rating": rating,
        "server": "MADE-SOUTH",
        "visual_range": 300 if facility == 6 else 50,
        "text_atis": [f"{callsign} on {frequency}"] if facility else None,
        "last_updated": _iso(now - timedelta(seconds=4)),
        "logon_time": _iso(START - timedelta(seconds=cid % 1_000 * 7)),
    }


def _radio(
    callsign: str, state: dict[str, Any], frequency_hz: int, frequency: str | None = None
) -> dict[str, Any]:
    if frequency is not None:
        frequency_hz = round(float(frequency) * 1_000) * 1_000
    height_m = state["alt"] * 0.3048
    return {
        "callsign": callsign,
        "transceivers": [
            {"id": 1, "frequency": frequency_hz, "latDeg": state["lat"], "lonDeg": state["lon"],
             "heightMslM": height_m, "heightAglM": max(0.0, height_m - 10)}
        ],
    }  # fmt: skip


def _reference() -> dict[str, Any]:
    facilities = ("OBS Observer", "FSS Flight Service Station", "DEL Clearance Delivery",
                  "GND Ground", "TWR Tower", "APP Approach/Departure", "CTR Enroute")  # fmt: skip
    ratings = ("OBS Observer", "S1 Tower Trainee", "S2 Tower Controller", "S3 Senior Student",
               "C1 Enroute Controller", "C2 Controller 2", "C3 Senior Controller")  # fmt: skip
    return {
        "facilities": [
            {"id": n, "short": text.split()[0], "long": text.partition(" ")[2]}
            for n, text in enumerate(facilities)
        ],
        "ratings": [
            {"id": n + 1, "short": text.split()[0], "long": text.partition(" ")[2]}
            for n, text in enumerate(ratings)
        ],
        "pilot_ratings": [
            {"id": 0, "short_name": "NEW", "long_name": "Basic Member"},
            {"id": 1, "short_name": "PPL", "long_name": "Private Pilot License"},
        ],
        "military_ratings": [
            {"id": 0, "short_name": "M0", "long_name": "No Military Rating"},
        ],
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "1Z"


def _distance(start: Any, end: Any) -> float:
    lat1, lat2 = math.radians(start["lat"]), math.radians(end["lat"])
    half = math.radians(end["lon"] - start["lon"]) / 2
    a = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half) ** 2
    return 2 * EARTH_NM * math.asin(math.sqrt(a))


def _along(start: Any, end: Any, part: float) -> tuple[float, float, int]:
    """Give the point a part of the way along the great circle, and the heading there."""
    here, there = _vector(start), _vector(end)
    angle = math.acos(max(-1.0, min(1.0, sum(a * b for a, b in zip(here, there, strict=True)))))
    first, second = math.sin((1 - part) * angle), math.sin(part * angle)
    x, y, z = ((first * a + second * b) / math.sin(angle) for a, b in zip(here, there, strict=True))
    lat, lon = math.degrees(math.asin(z)), math.degrees(math.atan2(y, x))
    east = math.radians(end["lon"] - lon)
    lat2 = math.radians(end["lat"])
    bearing = math.atan2(
        math.sin(east) * math.cos(lat2),
        math.cos(math.radians(lat)) * math.sin(lat2)
        - math.sin(math.radians(lat)) * math.cos(lat2) * math.cos(east),
    )
    return lat, lon, round(math.degrees(bearing)) % 360


def _vector(place: Any) -> tuple[float, float, float]:
    lat, lon = math.radians(place["lat"]), math.radians(place["lon"])
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)
