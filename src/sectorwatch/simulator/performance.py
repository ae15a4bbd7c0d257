"""Aircraft: classes, how each climbs, cruises and descends, and the types that fly them.

A flight takes off and lands when the schedule says, so its speed at cruise follows from distance
and time; the class is chosen so that this speed is one that it flies. Altitude and speed have
closed forms: climb is `reference · (1 - (1 - t / climb time)^q)` as far as the level, descent
likewise from the end, both fitted to the altitudes and speeds of the real feeds by the distance
flown and to go (`docs/simulator.md`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sectorwatch.simulator.behaviour import distance_class

if TYPE_CHECKING:
    from sectorwatch.simulator.draws import Draws

__all__ = [
    "CLASSES",
    "FAST",
    "HELICOPTER",
    "PISTON",
    "SHARES",
    "TYPES",
    "AircraftClass",
    "Profile",
    "Type",
    "altitude_ft",
    "choose_class",
    "choose_type",
    "draw_class",
    "flight_time_s",
    "flown_nm",
    "profile_of",
    "speed_kt",
]

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class AircraftClass:
    """How a class of aircraft flies; times are those to the reference altitude and back."""

    name: str
    reference_ft: float
    ceiling_ft: float
    climb_min: float
    climb_power: float
    descent_min: float
    descent_power: float
    off_kt: float
    on_kt: float
    low_kt: float
    """True airspeed at cruise near the ground."""
    cruise_kt: float
    """True airspeed at cruise at the reference altitude and above."""
    accelerate_min: float
    accelerate_power: float
    decelerate_min: float
    decelerate_power: float


CLASSES = (
    AircraftClass("piston", 9_000, 12_000, 16, 1.2, 15, 1.4, 62, 60, 95, 140, 5, 2, 15, 1.5),
    AircraftClass(
        "turboprop", 25_000, 29_000, 19, 1.4, 21, 1.6, 110, 105, 190, 300, 12, 3, 21, 1.2
    ),
    AircraftClass(
        "regional jet", 36_000, 39_000, 21, 1.4, 22, 1.6, 135, 130, 270, 440, 17, 3, 22, 1.1
    ),
    AircraftClass(
        "narrow-body", 36_000, 41_000, 19, 1.4, 21, 1.6, 150, 135, 280, 460, 16, 3, 21, 1.1
    ),
    AircraftClass(
        "wide-body", 36_000, 41_000, 22, 1.4, 23, 1.6, 160, 140, 290, 512, 18, 3, 23, 1.1
    ),
    AircraftClass(
        "business jet", 38_000, 45_000, 19, 1.4, 22, 1.6, 125, 115, 270, 450, 16, 3, 22, 1.2
    ),
    AircraftClass("helicopter", 3_000, 6_000, 4, 1, 4, 1, 1, 1, 110, 125, 2, 2, 2, 2),
    AircraftClass("fast", 60_000, 62_000, 24, 1.6, 26, 1.4, 190, 170, 480, 1_250, 26, 1.6, 26, 1.4),
)
"""In the order that the arrays here use."""

PISTON, HELICOPTER, FAST = 0, 6, 7

SHARES = np.array(
    [
        [0.26, 0.14, 0.06, 0.42, 0.05, 0.06, 0.01, 0.0],
        [0.03, 0.055, 0.05, 0.75, 0.073, 0.04, 0.002, 0.0],
        [0.007, 0.017, 0.032, 0.805, 0.105, 0.034, 0.0, 0.0],
        [0.001, 0.007, 0.017, 0.80, 0.15, 0.025, 0.0, 0.0],
        [0.0, 0.001, 0.001, 0.57, 0.41, 0.018, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.04, 0.95, 0.010, 0.0, 0.0],
    ]
)
"""Who flies how far: shares by class of distance (rows). Types in the plans of the real feeds."""

# How far from its own cruising speed an aircraft is flown, one deviation of the ratio.
_FIT = 0.09
_LOWEST, _BEYOND_FT = 0.22, 3_000.0
SLOWEST = 0.66
"""Cruise is never flown at less than this share of its usual speed: the rest is held."""


class Type(NamedTuple):
    """An aircraft type as it is filed; `share` is within its class."""

    icao: str
    wake: str
    equipment: str
    kind: int
    share: float
    tas_kt: int


_JET = "SDE2E3FGHIRWXY/LB1"
_HEAVY = "SDE2E3FGHIJ2J3J4J5M1RWXYZ/LB1D1"
_OLD = "SRWY/C"
_LIGHT = "SG/C"
TYPES = tuple(
    Type(icao, wake, equipment, kind, share, tas)
    for kind, wake, equipment, tas, types in (
        (0, "L", _LIGHT, 120, "C172 30 C152 5 P28R 8 P28A 7 SR22 8 DA62 9 BE58 9 C310 9 C414 7"),
        (1, "M", "SDFGRY/LB1", 290, "DH8D 30 AT76 20 TBM9 18 B350 14 C208 12 SF34 6"),
        (2, "M", _JET, 440, "CRJ7 28 CRJ9 20 E190 14 E170 10 E145 8 B463 12 RJ85 8"),
        (3, "M", _JET, 452, "A320 29 B738 26 A20N 19 B737 11 A321 9 A319 5 A21N 4 B38M 3 B739 2"),
        (3, "M", _OLD, 445, "MD82 3 B752 2"),
        (
            4,
            "H",
            _HEAVY,
            488,
            "B77W 18 B748 12 A359 11 B77L 10 B789 10 B772 8 B763 8 A333 7 B788 6",
        ),
        (4, "H", _OLD, 482, "B744 9 MD11 5 A346 6"),
        (5, "L", _JET, 440, "C25C 25 CL60 25 E55P 14 C700 14 GLF6 12 C56X 10"),
        (6, "L", _LIGHT, 125, "EC35 35 B06 20 H60 20 R44 25"),
        (7, "H", _OLD, 1150, "CONC 70"),
        (7, "M", _OLD, 900, "F18S 20 F16 10"),
    )
    for icao, share in zip(
        types.split()[::2], (float(each) for each in types.split()[1::2]), strict=True
    )
)
"""Types of the real feeds, by how often they are filed there."""


def _column(name: str) -> Floats:
    return np.array([float(getattr(each, name)) for each in CLASSES])


_OF = {each.name: _column(each.name) for each in fields(AircraftClass) if each.name != "name"}
_TYPES_OF = [
    np.array([number for number, each in enumerate(TYPES) if each.kind == kind])
    for kind in range(len(CLASSES))
]


@dataclass(frozen=True, eq=False)
class Profile:
    """How flights climb, cruise, hold and descend, arrays of shape (n,); seconds, feet, knots.

    `path_nm` is along the route from take-off to landing; `hold_nm` is flown besides, in whole
    circles, `hold_at_nm` along the route.
    """

    duration_s: Floats
    path_nm: Floats
    hold_nm: Floats
    hold_at_nm: Floats
    field_off_ft: Floats
    field_on_ft: Floats
    cruise_ft: Floats
    climb_ft: Floats
    climb_s: Floats
    climb_power: Floats
    descent_ft: Floats
    descent_s: Floats
    descent_power: Floats
    off_kt: Floats
    on_kt: Floats
    cruise_kt: Floats
    accelerate_s: Floats
    accelerate_power: Floats
    decelerate_s: Floats
    decelerate_power: Floats


def choose_type(draws: Draws, members: NDArray[np.int64], kinds: Numbers) -> Numbers:
    """An index into `TYPES` for each of the classes `kinds`."""
    found = np.zeros(len(kinds), dtype=np.intp)
    for kind, types in enumerate(_TYPES_OF):
        mine = kinds == kind
        shares = [TYPES[number].share for number in types]
        found[mine] = types[draws.weighted(members[mine], "type", shares)]
    return found


def choose_class(
    draws: Draws, members: NDArray[np.int64], path_nm: Floats, duration_s: Floats, cruise_ft: Floats
) -> Numbers:
    """Who flies such distances in such times: by distance, of those whose speed it is."""
    count = len(members)
    weights = np.empty((count, len(CLASSES)))
    shares = SHARES[distance_class(path_nm)]
    for kind in range(len(CLASSES)):
        kinds = np.full(count, kind)
        usual = _usual_kt(kinds, np.minimum(cruise_ft, _OF["ceiling_ft"][kind]))
        ratio = _needed_kt(kinds, path_nm, duration_s, usual) / usual
        off = (ratio - 1.0) / _FIT
        # Nobody wants a level far above what the class can, nor one far below what it is for.
        low_ft, ceiling_ft = _LOWEST * _OF["reference_ft"][kind], _OF["ceiling_ft"][kind]
        beyond_ft = np.maximum(cruise_ft - ceiling_ft, 0.0) + np.maximum(low_ft - cruise_ft, 0.0)
        misfit = np.minimum(0.5 * off**2 + beyond_ft / _BEYOND_FT, 300.0)
        # Even the least fit has a hair of a chance, so that somebody flies it.
        weights[:, kind] = shares[:, kind] * np.exp(-misfit)
        weights[:, kind] += 1e-200 * (kind not in {HELICOPTER, FAST}) / (1.0 + np.abs(off))
    edges = np.cumsum(weights, axis=1)
    at = draws.uniform(members, "class") * edges[:, -1]
    return np.asarray(np.minimum((edges <= at[:, None]).sum(axis=1), len(CLASSES) - 1))


def draw_class(distance_nm: Floats, uniform: Floats) -> Numbers:
    """Who flies so far, by share alone; `uniform` is 0 <= u < 1 for each, shape (n,)."""
    edges = np.cumsum(SHARES, axis=1)[distance_class(distance_nm)]
    return np.asarray((edges <= uniform[:, None] * edges[:, -1:]).sum(axis=1))


def flight_time_s(kinds: Numbers, path_nm: Floats, cruise_ft: Floats, wind_share: Floats) -> Floats:
    """How long a class usually flies for such a distance, at `wind_share` of its usual speed."""
    cruise_kt = _usual_kt(kinds, np.minimum(cruise_ft, _OF["ceiling_ft"][kinds])) * wind_share
    accelerate_s, decelerate_s = (
        _OF[f"{each}_min"][kinds] * 60 for each in ("accelerate", "decelerate")
    )
    lost_nm = (
        (cruise_kt - _OF["off_kt"][kinds]) * accelerate_s / (_OF["accelerate_power"][kinds] + 1)
        + (cruise_kt - _OF["on_kt"][kinds]) * decelerate_s / (_OF["decelerate_power"][kinds] + 1)
    ) / 3_600
    straight_s = (path_nm + lost_nm) / cruise_kt * 3_600
    # Short flights never come to cruise: accelerating and slowing down take shares of the time.
    long_enough = straight_s >= (accelerate_s + decelerate_s) / _MOST_OF_FLIGHT
    share = _MOST_OF_FLIGHT * accelerate_s / (accelerate_s + decelerate_s)
    rest = _MOST_OF_FLIGHT - share
    lost = share / (_OF["accelerate_power"][kinds] + 1) * (1 - _OF["off_kt"][kinds] / cruise_kt)
    lost += rest / (_OF["decelerate_power"][kinds] + 1) * (1 - _OF["on_kt"][kinds] / cruise_kt)
    short_s = path_nm / (cruise_kt * (1 - lost)) * 3_600
    return np.where(long_enough, straight_s, short_s)


_MOST_OF_FLIGHT = 0.9
_CLIMB_ROOM_FT = 500.0
_LEAST_PACE = 0.25
_LEAST_HOLD_NM = 0.01
_HOLD_AT = 0.6
"""Where on its way a flight waits that has more time than it can use."""


def profile_of(
    kinds: Numbers,
    path_nm: Floats,
    duration_s: Floats,
    cruise_ft: Floats,
    fields_ft: tuple[Floats, Floats],
) -> Profile:
    """How flights are flown that take exactly `duration_s` for `path_nm`, all of shape (n,).

    `cruise_ft` is what was filed; it is reached where there is room for it. `fields_ft` are the
    elevations of both airports.
    """
    of = {name: column[kinds] for name, column in _OF.items()}
    top = np.minimum(cruise_ft, of["ceiling_ft"])
    reference = np.maximum(of["reference_ft"], top + _CLIMB_ROOM_FT)
    usual = _usual_kt(kinds, top)
    needed = _needed_kt(kinds, path_nm, duration_s, usual)
    # Whoever cruises more slowly is as quick to gain and lose a knot as others.
    pace = np.clip((needed - of["on_kt"]) / (usual - of["on_kt"]), _LEAST_PACE, 1.0)
    accelerate_s, decelerate_s = _speed_times(kinds, duration_s, pace)
    needed = _needed_kt(kinds, path_nm, duration_s, usual, pace)
    cruise_kt = np.maximum(needed, SLOWEST * usual)
    off_kt, on_kt = (np.minimum(of[name], cruise_kt) for name in ("off_kt", "on_kt"))
    possible = _distance_nm(
        cruise_kt,
        duration_s,
        (off_kt, accelerate_s, of["accelerate_power"]),
        (on_kt, decelerate_s, of["decelerate_power"]),
    )
    hold_nm = np.where(possible - path_nm > _LEAST_HOLD_NM, possible - path_nm, 0.0)
    return Profile(
        duration_s=duration_s,
        path_nm=path_nm,
        hold_nm=hold_nm,
        hold_at_nm=_HOLD_AT * path_nm,
        field_off_ft=fields_ft[0],
        field_on_ft=fields_ft[1],
        cruise_ft=np.maximum(top, np.maximum(*fields_ft) + _CLIMB_ROOM_FT),
        climb_ft=reference,
        climb_s=of["climb_min"] * 60 * reference / of["reference_ft"],
        climb_power=of["climb_power"],
        descent_ft=reference,
        descent_s=of["descent_min"] * 60 * reference / of["reference_ft"],
        descent_power=of["descent_power"],
        off_kt=off_kt,
        on_kt=on_kt,
        cruise_kt=cruise_kt,
        accelerate_s=accelerate_s,
        accelerate_power=of["accelerate_power"],
        decelerate_s=decelerate_s,
        decelerate_power=of["decelerate_power"],
    )


def altitude_ft(profile: Profile, rows: Numbers, flown_s: Floats) -> Floats:
    """The altitude of the flights `rows` so long after take-off, shape (n,)."""
    climbing = np.minimum(flown_s / profile.climb_s[rows], 1.0)
    up = profile.field_off_ft[rows] + profile.climb_ft[rows] * (
        1.0 - (1.0 - climbing) ** profile.climb_power[rows]
    )
    left_s = profile.duration_s[rows] - flown_s
    down = profile.field_on_ft[rows] + profile.descent_ft[rows] * (
        (left_s / profile.descent_s[rows]) ** profile.descent_power[rows]
    )
    # Between fields of very different height the straight way is above both curves.
    rise = profile.field_on_ft[rows] - profile.field_off_ft[rows]
    straight = profile.field_off_ft[rows] + rise * flown_s / profile.duration_s[rows]
    return np.maximum(np.minimum(np.minimum(up, down), profile.cruise_ft[rows]), straight)


def speed_kt(profile: Profile, rows: Numbers, flown_s: Floats) -> Floats:
    """Their speed over the ground then."""
    gain = 1.0 - np.minimum(flown_s / profile.accelerate_s[rows], 1.0)
    left_s = profile.duration_s[rows] - flown_s
    loss = 1.0 - np.minimum(left_s / profile.decelerate_s[rows], 1.0)
    cruise = profile.cruise_kt[rows]
    return np.asarray(
        cruise
        - (cruise - profile.off_kt[rows]) * gain ** profile.accelerate_power[rows]
        - (cruise - profile.on_kt[rows]) * loss ** profile.decelerate_power[rows]
    )


def flown_nm(profile: Profile, rows: Numbers, flown_s: Floats) -> Floats:
    """How far they have come, holding included: the integral of `speed_kt`."""
    cruise = profile.cruise_kt[rows]
    power = profile.accelerate_power[rows] + 1
    gain = 1.0 - np.minimum(flown_s / profile.accelerate_s[rows], 1.0)
    slow_s = profile.accelerate_s[rows] / power * (1.0 - gain**power)
    behind = (cruise - profile.off_kt[rows]) * slow_s
    power = profile.decelerate_power[rows] + 1
    left_s = profile.duration_s[rows] - flown_s
    loss = 1.0 - np.minimum(left_s / profile.decelerate_s[rows], 1.0)
    behind += (cruise - profile.on_kt[rows]) * profile.decelerate_s[rows] / power * loss**power
    return np.asarray((cruise * flown_s - behind) / 3_600)


def _usual_kt(kinds: Numbers, top_ft: Floats) -> Floats:
    low, high = _OF["low_kt"][kinds], _OF["cruise_kt"][kinds]
    return low + (high - low) * np.minimum(top_ft / _OF["reference_ft"][kinds], 1.0)


def _speed_times(
    kinds: Numbers, duration_s: Floats, pace: Floats | float = 1.0
) -> tuple[Floats, Floats]:
    """Seconds to accelerate and to slow down, in what there is; `pace` is their share of usual."""
    both = _OF["accelerate_min"][kinds] * 60 * pace, _OF["decelerate_min"][kinds] * 60 * pace
    part = np.minimum(1.0, _MOST_OF_FLIGHT * duration_s / (both[0] + both[1]))
    return both[0] * part, both[1] * part


def _needed_kt(
    kinds: Numbers,
    path_nm: Floats,
    duration_s: Floats,
    usual: Floats,
    pace: Floats | float = 1.0,
) -> Floats:
    """The cruising speed by which the path takes just that time; may be none that can be flown."""
    accelerate_s, decelerate_s = _speed_times(kinds, duration_s, pace)
    slow = accelerate_s / (_OF["accelerate_power"][kinds] + 1)
    slow_end = decelerate_s / (_OF["decelerate_power"][kinds] + 1)
    ends = _OF["off_kt"][kinds] * slow + _OF["on_kt"][kinds] * slow_end
    needed = (path_nm * 3_600 - ends) / (duration_s - slow - slow_end)
    return np.maximum(needed, 0.05 * usual)


def _distance_nm(
    cruise_kt: Floats,
    duration_s: Floats,
    begin: tuple[Floats, Floats, Floats],
    end: tuple[Floats, Floats, Floats],
) -> Floats:
    behind = sum(
        (cruise_kt - speed) * time_s / (power + 1) for speed, time_s, power in (begin, end)
    )
    return np.asarray((cruise_kt * duration_s - behind) / 3_600)
