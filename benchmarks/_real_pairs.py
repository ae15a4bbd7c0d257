"""Pairs of the 68 real feeds: what was known at the first, and how many were where at the second.

A pair is two feeds of one evening, 12 min to 4 h apart. Of each pair those FIRs of VATSpy count in
which 3 or more were airborne in either feed; the error is of their number at the second feed's
moment. The tracker sees the feeds of a day in order, as a program would that ran then; before the
first of them it knows nothing.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from _steady import data

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.airspace.geodesy import destination, distance_nm, intermediate
from sectorwatch.clock import parse_us
from sectorwatch.feed.decode import decode_feed
from sectorwatch.forecast.situation import UNKNOWN
from sectorwatch.traffic import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airspace
    from sectorwatch.traffic import Tick

BANDS_MIN = ((12, 30), (30, 60), (60, 120), (120, 240))
FEWEST = 3
_DAY_S = 86_400


class _General(msgspec.Struct):
    update_timestamp: str


class _Head(msgspec.Struct):
    general: _General


@dataclass(frozen=True, slots=True)
class Pair:
    """Two moments of a day, indices into `feeds`, and how far apart they are."""

    first: int
    second: int
    gap_s: int
    day: str

    @property
    def band(self) -> int:
        """Which of `BANDS_MIN` it is in."""
        return next(
            number
            for number, (low, high) in enumerate(BANDS_MIN)
            if low * 60 <= self.gap_s < high * 60 or (self.gap_s == high * 60 == 14_400)
        )


@cache
def world() -> tuple[Airspace, Airports]:
    """The FIRs of the world alone, and its airports."""
    return load_airspace([f"vatspy:{data() / 'airspace' / 'vatspy'}"]), Airports.load()


@cache
def ticks() -> tuple[Tick, ...]:
    """Each real feed as the tracker had it, in order of time; a day begins with a new tracker."""
    airspace, airports = world()
    feeds = []
    for path in (data() / "feed").glob("*.json.gz"):
        document = gzip.decompress(path.read_bytes())
        head = msgspec.json.decode(document, type=_Head)
        time_us = parse_us(head.general.update_timestamp)
        feeds.append(decode_feed(document, time_us, time_us))
    feeds.sort(key=lambda feed: feed.time_us)
    found, day, tracker = [], -1, Tracker(airspace, airports)
    for feed in feeds:
        if feed.time_us // 1_000_000 // _DAY_S != day:
            day, tracker = feed.time_us // 1_000_000 // _DAY_S, Tracker(airspace, airports)
        tick = tracker.advance(feed)
        assert tick is not None
        found.append(tick)
    return tuple(found)


def pairs() -> list[Pair]:
    """All pairs of feeds 12 min to 4 h apart."""
    from sectorwatch.clock import format_us  # noqa: PLC0415

    times_s = [tick.time_us // 1_000_000 for tick in ticks()]
    return [
        Pair(first, second, times_s[second] - start_s, format_us(start_s * 1_000_000)[:10])
        for first, start_s in enumerate(times_s)
        for second in range(first + 1, len(times_s))
        if BANDS_MIN[0][0] * 60 <= times_s[second] - start_s <= BANDS_MIN[-1][1] * 60
    ]


@cache
def firs() -> tuple[int, int]:
    """Where the FIRs stand in the airspace: the first, and how many."""
    for partition in world()[0].partitions:
        if partition.kind == "fir":
            return partition.first, partition.count
    raise AssertionError("VATSpy has FIRs")


def occupancy(tick: Tick) -> NDArray[np.int64]:
    """How many are airborne in each FIR, by where each is now."""
    first, count = firs()
    return tick.live.occupancy[first : first + count].astype(np.int64)


def counted(now: NDArray[np.int64], then: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which FIRs of a pair count."""
    return (now >= FEWEST) | (then >= FEWEST)


def persistence(pair: Pair) -> NDArray[np.float64]:
    """As many as now."""
    return occupancy(ticks()[pair.first]).astype(np.float64)


def projection(pair: Pair) -> NDArray[np.float64]:
    """Who is airborne now, carried along the great circle to the filed destination.

    At the groundspeed now; who would have arrived is gone. Without a known destination straight on
    along the heading. Nobody takes off.
    """
    airports = world()[1]
    live = ticks()[pair.first].live
    up = np.flatnonzero(live.airborne)
    lat, lon = live.latitude[up], live.longitude[up]
    plans = [live.flights[row].plan for row in up.tolist()]
    places = [None if plan is None else airports.get(plan.arrival) for plan in plans]
    to = np.array([UNKNOWN if place is None else place.index for place in places])
    gone_nm = live.groundspeed_kt[up] * (pair.gap_s / 3_600)
    on_lat, on_lon = destination(lat, lon, live.heading_deg[up], gone_nm)
    to_lat, to_lon = np.asarray(airports.lat)[to], np.asarray(airports.lon)[to]
    way_nm = distance_nm(lat, lon, to_lat, to_lon)
    part = np.divide(gone_nm, way_nm, out=np.ones_like(way_nm), where=way_nm > gone_nm)
    to_lat, to_lon = intermediate(lat, lon, to_lat, to_lon, part)
    known = to != UNKNOWN
    there = ~known | (part < 1)
    lat, lon = np.where(known, to_lat, on_lat), np.where(known, to_lon, on_lon)
    return count_at(lat[there], lon[there], live.altitude_ft[up][there])


def count_at(
    lat: NDArray[np.float64], lon: NDArray[np.float64], altitude_ft: NDArray[np.int32]
) -> NDArray[np.float64]:
    """How many of these points lie in each FIR."""
    first, count = firs()
    airspace = world()[0]
    number = next(n for n, each in enumerate(airspace.partitions) if each.first == first)
    found = airspace.locate(lon, lat, altitude_ft)[number]
    return np.bincount(found[found >= 0] - first, minlength=count).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Scores:
    """A method's errors: mean absolute error by band, the same by day, how many pairs and cases."""

    by_band: tuple[float, ...]
    pairs: tuple[int, ...]
    cases: tuple[int, ...]
    by_day: dict[tuple[int, str], tuple[float, float, float]]


def score(method: Callable[[Pair], NDArray[np.float64]]) -> Scores:
    """Errors pooled over all FIRs that count and all pairs of a band; by (band, day) as well."""
    sums: dict[tuple[int, str], list[float]] = {}
    for pair in pairs():
        now, then = occupancy(ticks()[pair.first]), occupancy(ticks()[pair.second])
        which = counted(now, then)
        error = np.abs(method(pair) - then)[which]
        row = sums.setdefault((pair.band, pair.day), [0.0, 0, 0])
        row[0] += float(error.sum())
        row[1] += int(which.sum())
        row[2] += 1
    by_day = {key: (total / n, n, count) for key, (total, n, count) in sums.items()}
    whole = [
        [
            sum(column)
            for column in zip(*(v for (b, _), v in sums.items() if b == band), strict=True)
        ]
        for band in range(len(BANDS_MIN))
    ]
    return Scores(
        tuple(total / n for total, n, _ in whole),
        tuple(int(count) for _, _, count in whole),
        tuple(int(n) for _, n, _ in whole),
        by_day,
    )
