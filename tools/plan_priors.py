"""Measure, on pairs of real feeds, when flights take off, give up and land; fit the priors.

`python tools/plan_priors.py FOLDER [--without 2022-06-24]` reads complete v3 feeds (a folder of
`*.json.gz`), takes every two that are 2 min to 4 h apart, and looks what became of each record of
the first in the second. It prints what `forecast/plans/priors.py` holds. Each record counts once a
band of distance in time, however many pairs have it, so that dense runs of feeds do not drown the
others. `observations` and `fit` are used by the back-test to leave a day out.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from scipy.optimize import minimize

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.airspace.geodesy import EARTH_RADIUS_NM, distance_nm, unit_vectors
from sectorwatch.clock import parse_us
from sectorwatch.feed.plans import decode_plan
from sectorwatch.forecast.now import places_of
from sectorwatch.forecast.plans.ahead import ways_from_here
from sectorwatch.forecast.plans.hazards import Hazard, take_off
from sectorwatch.forecast.plans.known_ways import KnownWays
from sectorwatch.forecast.plans.profile import PHASES
from sectorwatch.forecast.situation import UNKNOWN, Situation, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.feed.records import FlightPlan
    from sectorwatch.forecast.plans.ways import Ways

BANDS_MIN = (2, 7, 12, 20, 32, 45, 75, 110, 150, 200, 250)
GROUND_LATE_MIN = (-90, -60, -40, -25, -15, -5, 5, 15, 30, 60, 120, 240)
GROUND_WAITED_MIN = (5, 10, 15, 20, 30, 45, 60, 90, 180)
PREFILE_LATE_MIN = (-240, -120, -60, -30, -15, 0, 15, 30, 60, 120, 240)
PREFILE_WAITED_MIN = (15, 30, 60, 120)
MOVING_KT = 2
_SMOOTH = 2.0
_STEPS = 5
_UNFILED_MIN = 45
"""How long a flight takes at least, that files no time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A record of one feed and what a later one has of it; one of them counts `weight`.

    `what` is "off", "waits", "gone", or "left" where off and gone cannot be told apart (it may have
    flown and landed since).
    """

    day: str
    apart_min: float
    late_min: float
    waited_min: float
    sign: bool
    what: str
    weight: float


@dataclass(frozen=True, slots=True)
class _Record:
    plan: FlightPlan | None
    since_s: float
    groundspeed_kt: float
    airborne: bool
    near: str
    latitude: float
    longitude: float
    altitude_ft: float


@dataclass(frozen=True, slots=True)
class Feed:
    """What is needed of one feed."""

    day: str
    time_s: float
    pilots: dict[tuple[int, str], _Record]
    prefiles: dict[tuple[int, str], tuple[FlightPlan, float]]


def read_feeds(folder: Path, airports: Airports) -> list[Feed]:
    """All feeds of a folder in order of time."""
    feeds = [_read(path, airports) for path in sorted(folder.glob("*.json.gz"))]
    return sorted(feeds, key=lambda feed: feed.time_s)


def _read(path: Path, airports: Airports) -> Feed:
    data = msgspec.json.decode(gzip.decompress(path.read_bytes()))
    pilots: list[dict[str, Any]] = data["pilots"]
    lat = np.array([pilot["latitude"] for pilot in pilots], dtype=np.float64)
    lon = np.array([pilot["longitude"] for pilot in pilots], dtype=np.float64)
    near = airports.nearest(lat, lon, 5.0)
    records = {}
    for pilot, place in zip(pilots, near.tolist(), strict=True):
        field_ft = airports.elevation_ft[place] if place >= 0 else np.nan
        speed_kt, height_ft = pilot["groundspeed"], pilot["altitude"] - field_ft
        known = np.isfinite(height_ft)
        airborne = (speed_kt >= 50 and height_ft >= 200) if known else speed_kt >= 80
        records[pilot["cid"], pilot["callsign"]] = _Record(
            plan=_plan(pilot),
            since_s=parse_us(pilot["logon_time"]) / 1e6,
            groundspeed_kt=speed_kt,
            airborne=bool(airborne),
            near=airports.icao[place] if place >= 0 else "",
            latitude=pilot["latitude"],
            longitude=pilot["longitude"],
            altitude_ft=pilot["altitude"],
        )
    prefiles = {}
    for prefile in data["prefiles"]:
        plan = _plan(prefile)
        if plan is not None:
            since_s = parse_us(prefile["last_updated"]) / 1e6
            prefiles[prefile["cid"], prefile["callsign"]] = (plan, since_s)
    time_us = parse_us(data["general"]["update_timestamp"])
    day = str(np.datetime64(time_us, "us").astype("datetime64[D]"))
    return Feed(day, time_us / 1e6, records, prefiles)


def _plan(record: dict[str, Any]) -> FlightPlan | None:
    plan = record["flight_plan"]
    return decode_plan(msgspec.json.encode(plan)) if plan else None


def pairs(feeds: Sequence[Feed]) -> Iterable[tuple[Feed, Feed, float]]:
    """Every two feeds 2 min to 250 min apart, and how many minutes."""
    for number, first in enumerate(feeds):
        for second in feeds[number + 1 :]:
            apart_min = (second.time_s - first.time_s) / 60
            if apart_min > BANDS_MIN[-1]:
                break
            if apart_min >= BANDS_MIN[0]:
                yield first, second, apart_min


def late_min(plan: FlightPlan | None, time_s: float) -> float:
    """Minutes past the filed off-block time, within half a day; NaN where none is filed."""
    if plan is None or plan.departure_minute is None:
        return np.nan
    return (time_s / 60 - plan.departure_minute + 720) % 1_440 - 720


def ground_observations(feeds: Sequence[Feed]) -> list[Seen]:
    """Of everybody who stands or taxies with a plan and has not arrived."""
    found = []
    for first, second, apart_min in pairs(feeds):
        for key, pilot in first.pilots.items():
            plan = pilot.plan
            if pilot.airborne or plan is None:
                continue
            if plan.arrival == pilot.near != plan.departure:
                continue
            after = second.pilots.get(key)
            what = "gone" if after is None else "off" if after.airborne else "waits"
            landed = (plan.enroute_minutes or _UNFILED_MIN) < apart_min + 15
            elsewhere = after is not None and what == "waits" and after.near != pilot.near
            if (what != "waits" and landed) or elsewhere:
                what = "left"
            waited = (first.time_s - pilot.since_s) / 60
            sign = pilot.groundspeed_kt >= MOVING_KT
            late = late_min(plan, first.time_s)
            found.append((key, Seen(first.day, apart_min, late, waited, sign, what, 1.0)))
    return _weighted(found)


def prefile_observations(feeds: Sequence[Feed]) -> list[Seen]:
    """Of every prefile of somebody who is not online under that callsign."""
    found = []
    for first, second, apart_min in pairs(feeds):
        online = {cid for cid, _ in first.pilots}
        for key, (plan, since_s) in first.prefiles.items():
            if key in first.pilots:
                continue
            after = second.pilots.get(key)
            what = "waits" if after is None or not after.airborne else "off"
            landed = (plan.enroute_minutes or _UNFILED_MIN) < apart_min + 15
            if what == "off" and landed:
                what = "left"
            elif after is None and key not in second.prefiles:
                what = "left" if landed else "gone"
            late, waited = late_min(plan, first.time_s), (first.time_s - since_s) / 60
            sign = key[0] in online
            found.append((key, Seen(first.day, apart_min, late, waited, sign, what, 1.0)))
    return _weighted(found)


def _weighted(found: list[tuple[tuple[int, str], Seen]]) -> list[Seen]:
    groups: dict[tuple[tuple[int, str], str, int], int] = {}
    keys = []
    for key, seen in found:
        group = (key, seen.day, int(np.searchsorted(BANDS_MIN, seen.apart_min, side="right")))
        keys.append(group)
        groups[group] = groups.get(group, 0) + 1
    return [
        Seen(s.day, s.apart_min, s.late_min, s.waited_min, s.sign, s.what, 1.0 / groups[group])
        for group, (_, s) in zip(keys, found, strict=True)
    ]


def fit(
    seen: Sequence[Seen],
    late_edges: tuple[float, ...],
    waited_edges: tuple[float, ...],
    sign_steps: int,
) -> Hazard:
    """The hazard under which what was seen is likeliest, neighbouring classes held together."""
    # States to 5 min: many records share one.
    states = np.array(
        [
            (
                np.nan if np.isnan(s.late_min) else np.clip(round(s.late_min / 5) * 5, -400, 500),
                np.clip(round(s.waited_min / 5) * 5, 0, 300),
                s.sign,
            )
            for s in seen
        ]
    )
    states, state = np.unique(np.nan_to_num(states, nan=9e3), axis=0, return_inverse=True)
    late = np.where(states[:, 0] > 8e3, np.nan, states[:, 0])
    waited, sign = states[:, 1], states[:, 2] > 0
    weight = np.array([each.weight for each in seen])
    steps = np.array([each.apart_min for each in seen]) / 5
    kinds = {what: np.array([s.what == what for s in seen]) for what in ("off", "gone", "left")}
    whole = np.minimum(steps.astype(int), 50)
    part = steps - whole
    n_late, n_waited = len(late_edges) + 2, len(waited_edges) + 1

    def unpack(theta: NDArray[np.float64]) -> Hazard:
        return Hazard(
            level=float(theta[0]),
            late_min=late_edges,
            by_late=tuple(theta[3 : 3 + n_late].tolist()),
            waited_min=waited_edges,
            by_waited=tuple(theta[3 + n_late : -_STEPS].tolist()),
            by_step=tuple(theta[-_STEPS:].tolist()),
            by_sign=float(theta[1]),
            sign_steps=sign_steps,
            gives_up=float(1 / (1 + np.exp(-theta[2]))),
        )

    def cost(theta: NDArray[np.float64]) -> float:
        hazard = unpack(theta)
        off, given_up = _by_steps(hazard, late, waited, sign)
        gone_by = off[state, whole] + part * (off[state, whole + 1] - off[state, whole])
        quit_by = given_up[state, whole]
        quit_by = quit_by + part * (given_up[state, whole + 1] - quit_by)
        waits = 1 - gone_by - quit_by
        chance = np.where(kinds["off"], gone_by, waits)
        chance = np.where(kinds["gone"], 1 - gone_by - waits, chance)
        chance = np.where(kinds["left"], 1 - waits, chance)
        fits = -(weight * np.log(np.maximum(chance, 1e-9))).sum()
        by_late, by_waited = theta[3 : 3 + n_late - 1], theta[3 + n_late : -_STEPS]
        rough = (np.diff(by_late, 2) ** 2).sum() + (np.diff(by_waited, 2) ** 2).sum()
        return float(fits + _SMOOTH * rough + 0.1 * (theta[3:] ** 2).sum())

    start = np.concatenate([[-2.0, 0.5, -4.5], np.zeros(n_late + n_waited + _STEPS)])
    return unpack(minimize(cost, start, method="L-BFGS-B", options={"maxiter": 150}).x)


def _by_steps(
    hazard: Hazard,
    late: NDArray[np.float64],
    waited: NDArray[np.float64],
    sign: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The probabilities of having taken off, and of having given up, after 0, 1, ... steps."""
    off = take_off(hazard, late, waited, sign)[:, :-1]
    there = np.ones(late.size)
    given_up = np.zeros((late.size, off.shape[1] + 1))
    for step in range(off.shape[1]):
        rest = there - off[:, step]
        given_up[:, step + 1] = given_up[:, step] + rest * hazard.gives_up
        there = rest * (1 - hazard.gives_up)
    begun = np.zeros((late.size, 1))
    return np.concatenate([begun, np.cumsum(off, axis=1)], axis=1), given_up


def quits_per_hour(feeds: Sequence[Feed], airports: Airports) -> dict[str, float]:
    """How often somebody in the air vanishes an hour, far from where they are bound, by band."""
    seen: dict[str, list[tuple[bool, float]]] = {}
    for first, second, apart_min in pairs(feeds):
        band = _band(apart_min)
        for key, pilot in first.pilots.items():
            to = airports.get(pilot.plan.arrival) if pilot.plan is not None else None
            if not pilot.airborne or to is None or pilot.groundspeed_kt < 200:
                continue
            left_nm = float(distance_nm(pilot.latitude, pilot.longitude, to.latitude, to.longitude))
            if left_nm / pilot.groundspeed_kt * 60 > 1.3 * apart_min + 10:
                seen.setdefault(band, []).append((key in second.pilots, apart_min / 60))
    # The rate at which as many would be left.
    return {
        band: -float(np.log(np.mean([there for there, _ in rows])) / np.mean([h for _, h in rows]))
        for band, rows in seen.items()
    }


def _band(apart_min: float) -> str:
    at = int(np.searchsorted(BANDS_MIN, apart_min, side="right")) - 1
    at = min(at, len(BANDS_MIN) - 2)
    return f"{BANDS_MIN[at]}-{BANDS_MIN[at + 1]} min"


def time_errors(feeds: Sequence[Feed], airports: Airports) -> None:
    """Print how far along their way flights were, and how many still flew, against what is reckoned.

    Each goes on from where it is in the first feed, as the count has it; the place in the second
    feed that is nearest on that way says how much later it is. Near is 60 NM.
    """
    airspace = load_airspace(["made:australia"])  # ways need one; its sectors do not matter here
    known = KnownWays(airspace, airports, None)
    errors: dict[tuple[str, str], list[float]] = {}
    landings: dict[tuple[str, int], list[bool]] = {}
    made: dict[float, tuple[list[tuple[int, str]], Situation, Ways, NDArray[np.int8]]] = {}
    for first, second, apart_min in pairs(feeds):
        if first.time_s not in made:
            keys, situation = _in_the_air(first, airports)
            made = {first.time_s: (keys, situation, *ways_from_here(situation, known, airspace))}
        keys, situation, ways, phase = made[first.time_s]
        bound = (situation.destination != UNKNOWN) & (situation.groundspeed_kt >= 100)
        for row in np.flatnonzero(bound).tolist():
            after = second.pilots.get(keys[row])
            begin, end = int(ways.first[row]), int(ways.first[row + 1])
            left_s = float(ways.elapsed_s[end - 1]) - apart_min * 60
            flies = after is not None and after.airborne
            landings.setdefault((_band(apart_min), int(left_s // 600) * 10), []).append(flies)
            if after is None or not flies or left_s < 900:
                continue
            late_s, away_nm = _late(ways, begin, end, after, apart_min * 60)
            if away_nm < 60:
                errors.setdefault((PHASES[phase[row]], _band(apart_min)), []).append(late_s)
    _print_errors(errors, landings)


def _print_errors(
    errors: dict[tuple[str, str], list[float]], landings: dict[tuple[str, int], list[bool]]
) -> None:
    for (now, band), late in sorted(errors.items()):
        if len(late) > 15:
            quantiles = np.percentile(late, (5, 25, 50, 75, 95)).round().astype(int).tolist()
            print(f"  {now} {band}: n {len(late)}, later by s, 5 25 50 75 95 %: {quantiles}")
    for (band, left_min), flying in sorted(landings.items()):
        if -60 <= left_min <= 30 and len(flying) > 20:
            print(
                f"  {band}, {left_min} min left of the way: {np.mean(flying):.2f} still in the air"
            )


def _late(ways: Ways, begin: int, end: int, pilot: _Record, apart_s: float) -> tuple[float, float]:
    x, y, z = (float(value) for value in unit_vectors(pilot.latitude, pilot.longitude))
    cosine = ways.x[begin:end] * x + ways.y[begin:end] * y + ways.z[begin:end] * z
    near = int(cosine.argmax())
    away_nm = float(np.arccos(min(float(cosine[near]), 1.0))) * EARTH_RADIUS_NM
    return apart_s - float(ways.elapsed_s[begin + near]), away_nm


def _in_the_air(feed: Feed, airports: Airports) -> tuple[list[tuple[int, str]], Situation]:
    """Everybody in the air, as a situation without sectors."""
    keys = [key for key, pilot in feed.pilots.items() if pilot.airborne]
    pilots = [feed.pilots[key] for key in keys]

    def place(pilot: _Record, name: str) -> int:
        airport = airports.get(getattr(pilot.plan, name)) if pilot.plan is not None else None
        return UNKNOWN if airport is None else airport.index

    def filed(name: str) -> NDArray[np.int32]:
        values = [getattr(pilot.plan, name, None) or UNKNOWN for pilot in pilots]
        return np.array(values, dtype=np.int32)

    n = len(pilots)
    none, now = np.full(n, UNKNOWN, dtype=np.int64), np.full(n, int(feed.time_s), dtype=np.int64)
    altitude_ft = np.array([pilot.altitude_ft for pilot in pilots], dtype=np.int32)
    situation = Situation(
        as_of_s=int(feed.time_s),
        places=places_of(airports),
        stage=np.full(n, Stage.AIRBORNE, dtype=np.int8),
        flight_id=none,
        cid=none,
        callsign=[callsign for _, callsign in keys],
        first_seen_s=none,
        plan_since_s=none,
        origin=np.array([place(pilot, "departure") for pilot in pilots], dtype=np.int32),
        destination=np.array([place(pilot, "arrival") for pilot in pilots], dtype=np.int32),
        route=[pilot.plan.route if pilot.plan is not None else "" for pilot in pilots],
        aircraft=[""] * n,
        filed_off_s=none,
        cruise_ft=filed("cruise_altitude_ft"),
        tas_kt=filed("cruise_tas_kt"),
        enroute_min=filed("enroute_minutes"),
        online_elsewhere=np.zeros(n, dtype=np.bool_),
        departed_s=none,
        position_s=now,
        latitude=np.array([pilot.latitude for pilot in pilots], dtype=np.float64),
        longitude=np.array([pilot.longitude for pilot in pilots], dtype=np.float64),
        altitude_ft=altitude_ft,
        groundspeed_kt=np.array([pilot.groundspeed_kt for pilot in pilots], dtype=np.int32),
        heading_deg=np.zeros(n, dtype=np.int32),
        sector=np.full((1, n), UNKNOWN, dtype=np.int32),
        occupancy=np.zeros(0, dtype=np.int32),
    )
    return keys, situation


def main() -> None:
    """Print the priors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without", default="")
    given = parser.parse_args()
    airports = Airports.load()
    feeds = [feed for feed in read_feeds(given.folder, airports) if feed.day != given.without]
    ground, prefiles = ground_observations(feeds), prefile_observations(feeds)
    print(
        f"{len(feeds)} feeds; ground {len(ground)} pairs, {sum(s.weight for s in ground):.0f} weighed;"
    )
    print(f"prefiles {len(prefiles)} pairs, {sum(s.weight for s in prefiles):.0f} weighed")
    for band, rate in quits_per_hour(feeds, airports).items():
        print(f"quits an hour, feeds {band} apart: {rate:.3f}")
    for name, hazard, seen in (
        ("GROUND", fit(ground, GROUND_LATE_MIN, GROUND_WAITED_MIN, 4), ground),
        ("PREFILE", fit(prefiles, PREFILE_LATE_MIN, PREFILE_WAITED_MIN, 51), prefiles),
    ):
        print(name, _rounded(hazard))
        _compare(hazard, seen)
    time_errors(feeds, airports)


def _rounded(hazard: Hazard) -> str:
    def plain(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(plain(each) for each in value)
        return round(value, 4 if abs(value) < 0.1 else 2) if isinstance(value, float) else value

    return repr({name: plain(getattr(hazard, name)) for name in Hazard.__slots__})


def _compare(hazard: Hazard, seen: Sequence[Seen]) -> None:
    """What share took off, seen and reckoned, by how far apart; where the two can be told."""
    for low, high in itertools.pairwise(BANDS_MIN):
        group = [s for s in seen if low <= s.apart_min < high and s.what != "left"]
        if not group:
            continue
        off = take_off(
            hazard,
            np.array([s.late_min for s in group]),
            np.array([s.waited_min for s in group]),
            np.array([s.sign for s in group]),
        )[:, :-1]
        by = np.concatenate([np.zeros((len(group), 1)), np.cumsum(off, axis=1)], axis=1)
        steps = np.array([s.apart_min / 5 for s in group])
        reckoned = [np.interp(at, np.arange(52), row) for at, row in zip(steps, by, strict=True)]
        weight = np.array([s.weight for s in group])
        was = np.array([s.what == "off" for s in group])
        print(
            f"  {low}-{high} min: n {weight.sum():.0f}, took off {np.average(was, weights=weight):.3f},"
            f" reckoned {np.average(reckoned, weights=weight):.3f}"
        )


if __name__ == "__main__":
    main()
