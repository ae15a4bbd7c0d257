"""An hour at 15 s made of real feeds: the densest evidence there is of how positions move.

The real feeds of 2022-06-24 and 2022-05-07 lie 15 s to 85 min apart. Between two real positions of a
flight the path is the cubic that leaves and arrives with the real groundspeed and heading; it is
sampled every 15 s at each flight's own second. What the real feeds do beyond that is added as it was
measured in them: a position's time wanders by 0.06 s (the step of 2023-08-07 23:29:29Z to :44Z), which
moves an airliner by 15 m, an altitude in level flight by 3 ft and a groundspeed by 0.4 kt (20 min of
Australia, 2025-08-15). Cubics over minutes bend more than aircraft do, so this errs upward.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from _steady import data

from sectorwatch.clock import parse_us
from sectorwatch.store.blobs import StoredPositions, to_e5

if TYPE_CHECKING:
    from numpy.typing import NDArray

RUNS = ("20220624", "20220507")
STEP_S = 15
HOUR_S = 3_600
FEWEST = 60_000
_TIME_WANDERS_S, _ALTITUDE_WANDERS_FT, _SPEED_WANDERS_KT = 0.06, 3.0, 0.4
_FAST_KT = 50


def dense_hours(seed: int = 1) -> dict[str, StoredPositions]:
    """Hours with at least 60,000 positions, parked aircraft among them, by name."""
    found = {}
    for run in RUNS:
        parts = [
            _flown(track, np.random.default_rng(seed + n)) for n, track in enumerate(_tracks(run))
        ]
        whole = StoredPositions.join(parts)
        hours = whole.time_s // HOUR_S
        for hour in np.unique(hours):
            rows = np.flatnonzero(hours == hour)
            if len(rows) >= FEWEST:
                found[f"{run[:4]}-{run[4:6]}-{run[6:]} {hour % 24:02d}h"] = whole.take(rows)
    return found


def swiss_day() -> StoredPositions:
    """A day of real ADS-B tracks over Switzerland at 10 s, nothing interpolated, all moving."""
    path = data() / "adsb" / "switzerland.json.gz"
    wanted = ("latitude", "longitude", "altitude", "groundspeed", "track")
    rows = [
        row
        for row in json.loads(gzip.decompress(path.read_bytes()))
        if all(row[name] is not None and np.isfinite(row[name]) for name in wanted)
    ]
    values = {name: np.array([row[name] for row in rows], np.float64) for name in wanted}
    ids = np.array([_flight_id(row["callsign"], row["icao24"]) for row in rows], np.int64)
    return StoredPositions(
        flight_id=ids,
        time_s=np.array([row["timestamp"] // 1000 for row in rows], np.int64),
        latitude_e5=to_e5(values["latitude"]),
        longitude_e5=to_e5(values["longitude"]),
        altitude_ft=_whole(values["altitude"]),
        groundspeed_kt=_whole(values["groundspeed"]),
        heading_deg=_whole(values["track"]) % 360,
        transponder=(ids % 4096).astype(np.int32),
        qnh_mb=np.full(len(ids), 1013, np.int32),
        airborne=np.ones(len(ids), np.bool_),
    )


def _tracks(run: str) -> list[list[tuple[float, dict[str, Any]]]]:
    """Each pilot's real records of a run of feeds, with their times in seconds."""
    tracks: dict[tuple[int, str], list[tuple[float, dict[str, Any]]]] = {}
    for path in sorted((data() / "feed").glob(f"*{run}*")):
        for pilot in json.loads(gzip.decompress(path.read_bytes()))["pilots"]:
            track = tracks.setdefault((pilot["cid"], pilot["callsign"]), [])
            at_s = parse_us(pilot["last_updated"]) / 1e6
            if not track or at_s > track[-1][0] + 1:
                track.append((at_s, pilot))
    return [track for track in tracks.values() if len(track) > 1]


def _flown(
    track: list[tuple[float, dict[str, Any]]], chance: np.random.Generator
) -> StoredPositions:
    known = np.array([at for at, _ in track])
    column = {
        name: np.array([pilot[name] for _, pilot in track], np.float64)
        for name in ("latitude", "longitude", "altitude", "groundspeed", "heading", "qnh_mb")
    }
    squawk = np.array([int(pilot["transponder"]) for _, pilot in track], np.int32)
    first = track[0][1]
    phase = chance.uniform(0, STEP_S)
    at = np.arange(np.ceil((known[0] - phase) / STEP_S) * STEP_S + phase, known[-1], STEP_S)
    at = np.clip(at + chance.normal(0, _TIME_WANDERS_S, len(at)), known[0], known[-1])
    before = np.clip(np.searchsorted(known, at, side="right") - 1, 0, len(known) - 2)
    speed = column["groundspeed"] / 3600 / 60
    course = np.radians(column["heading"])
    narrow = np.maximum(0.05, np.cos(np.radians(column["latitude"])))
    longitudes = np.degrees(np.unwrap(np.radians(column["longitude"])))
    latitude = _cubic(known, column["latitude"], speed * np.cos(course), at, before)
    longitude = _cubic(known, longitudes, speed * np.sin(course) / narrow, at, before)
    gone = (at - known[before]) / (known[before + 1] - known[before])
    altitude = column["altitude"][before] * (1 - gone) + column["altitude"][before + 1] * gone
    north, east = _rates(latitude, at), _rates(longitude, at) * np.cos(np.radians(latitude))
    path_kt = np.hypot(north, east) * 60 * 3600
    still = path_kt <= 1
    groundspeed = np.where(still, 0.0, path_kt)
    heading = np.where(still, column["heading"][before], np.degrees(np.arctan2(east, north)) % 360)
    flies = groundspeed > _FAST_KT
    return StoredPositions(
        flight_id=np.full(len(at), _flight_id(first["cid"], first["callsign"]), np.int64),
        time_s=np.floor(at).astype(np.int64),
        latitude_e5=to_e5(latitude),
        longitude_e5=to_e5((longitude + 180) % 360 - 180),
        altitude_ft=_whole(altitude + flies * chance.normal(0, _ALTITUDE_WANDERS_FT, len(at))),
        groundspeed_kt=_whole(groundspeed + flies * chance.normal(0, _SPEED_WANDERS_KT, len(at))),
        heading_deg=_whole(heading) % 360,
        transponder=squawk[before],
        qnh_mb=_whole(column["qnh_mb"][before]),
        airborne=flies,
    )


def _cubic(
    known: Any, values: Any, rates: Any, at: Any, before: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Values at times `at`, by Hermite's cubic between the known values with their known rates."""
    span = known[before + 1] - known[before]
    s = (at - known[before]) / span
    result: NDArray[np.float64] = (
        (2 * s**3 - 3 * s**2 + 1) * values[before]
        + (s**3 - 2 * s**2 + s) * span * rates[before]
        + (3 * s**2 - 2 * s**3) * values[before + 1]
        + (s**3 - s**2) * span * rates[before + 1]
    )
    return result


def _rates(values: Any, at: Any) -> Any:
    return np.gradient(values, at) if len(at) > 1 else np.zeros(len(at))


def _whole(values: Any) -> NDArray[np.int32]:
    rounded: NDArray[np.int32] = np.rint(values).astype(np.int32)
    return rounded


def _flight_id(*parts: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big") >> 1
