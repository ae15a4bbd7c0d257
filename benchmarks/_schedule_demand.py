"""Four months of us2001 as demand, counted straight from the schedule: quick to have, and real.

Each flight follows the great circle from take-off to landing, climbs for 20 min and descends for
20. Every 5 min it is looked up where it is. Nothing of the tracker or the simulator is in it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import airportsdata
import numpy as np
import pyarrow.parquet as pq
from _network import at_s, load
from _steady import data

if TYPE_CHECKING:
    from sectorwatch.airspace import Airspace

__all__ = ["END", "START", "STEP_S", "ScheduleDemand", "schedule_demand"]

START, END = "2001-01-01T05:00:00Z", "2001-05-01T05:00:00Z"
STEP_S = 300
_CLIMB_S, _CRUISE_FT = 1_200, 35_000
_LONGEST_S = 10 * 3_600
_AT_ONCE = 20_000

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ScheduleDemand:
    """Occupancy (sectors, steps) at each step of 5 min, and the visits it is made of.

    `visits` has columns sector, first step, step after the last, origin, destination, flight; the
    airports are places in `airports`.
    """

    airspace: Airspace
    start_s: int
    occupancy: Array
    visits: Array
    airports: list[str]

    @cached_property
    def bins(self) -> Array:
        """Means over the three looks of 15 min, by the look at which the bin begins."""
        total = np.cumsum(self.occupancy, axis=1, dtype=np.float64)
        total = np.hstack([np.zeros((total.shape[0], 1)), total])
        means = np.full(self.occupancy.shape, np.nan, np.float32)
        means[:, :-2] = (total[:, 3:] - total[:, :-3]) / 3
        return means

    def bin_mean(self, start_s: Array) -> Array:
        """As `forecast.past.Past`."""
        step = (start_s - self.start_s) // STEP_S
        there = (step >= 0) & (step < self.bins.shape[1])
        found = np.full((self.bins.shape[0], step.size), np.nan, np.float32)
        found[:, there] = self.bins[:, step[there]]
        return found


def schedule_demand() -> ScheduleDemand:
    """All four months, over the 20 ARTCCs and their high sectors; about half a minute of CPU."""
    with tempfile.TemporaryDirectory() as folder:
        _, airspace = load(Path(folder))
    start_s, end_s = at_s(START), at_s(END)
    steps = (end_s - start_s) // STEP_S
    occupancy = np.zeros((len(airspace.sectors), steps), np.int16)
    known = airportsdata.load("ICAO")
    place: dict[str, int] = {}
    visits = []
    flown = 0
    for path in sorted((data() / "schedules").glob("us2001-2001-*.parquet")):
        table = pq.read_table(path, columns=["origin", "destination", "off_at", "on_at"])
        ends = [
            [str(each) for each in table[name].to_pylist()] for name in ("origin", "destination")
        ]
        for each in sorted({*ends[0], *ends[1]}):
            place.setdefault(each, len(place))
        from_, to = (np.array([place[each] for each in names], np.int64) for names in ends)
        off, on = (
            np.array(table[name].to_pylist(), "datetime64[s]").astype(np.int64)
            for name in ("off_at", "on_at")
        )
        at = np.array(
            [(known[a]["lat"], known[a]["lon"]) if a in known else (np.nan,) * 2 for a in place]
        )
        good = ~np.isnan(at[from_, 0]) & ~np.isnan(at[to, 0]) & (on > off) & (from_ != to)
        good &= on < off + _LONGEST_S
        from_, to, off, on = from_[good], to[good], off[good], on[good]
        vectors = _vectors(at)
        for first in range(0, off.size, _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            flights = (from_[part], to[part], off[part], on[part])
            found = _fly(airspace, vectors, *flights, occupancy, start_s)
            found[5] += flown + first
            visits.append(found)
        flown += off.size
    return ScheduleDemand(airspace, start_s, occupancy, np.concatenate(visits, axis=1), [*place])


def _vectors(at: Array) -> Array:
    lat, lon = np.radians(at).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _fly(
    airspace: Airspace,
    vectors: Array,
    from_: Array,
    to: Array,
    off: Array,
    on: Array,
    occupancy: Array,
    start_s: int,
) -> Array:
    first, last = -(-off // STEP_S), (on - 1) // STEP_S
    count = np.maximum(last - first + 1, 0)
    row = np.repeat(np.arange(count.size), count)
    step = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count) + first[row]
    part = (step * STEP_S - off[row]) / (on - off)[row]
    one, other = vectors[from_][row], vectors[to][row]
    angle = np.arccos(np.clip((one * other).sum(axis=1), -1, 1))
    where = (np.sin((1 - part) * angle) / np.sin(angle))[:, None] * one
    where += (np.sin(part * angle) / np.sin(angle))[:, None] * other
    lat, lon = np.degrees(np.arcsin(where[:, 2])), np.degrees(np.arctan2(where[:, 1], where[:, 0]))
    from_end_s = np.minimum(part, 1 - part) * (on - off)[row]
    altitude_ft = np.minimum(_CRUISE_FT, from_end_s * _CRUISE_FT / _CLIMB_S)
    column = step - start_s // STEP_S
    found = []
    for sector in airspace.locate(lon, lat, altitude_ft):
        inside = (sector >= 0) & (column >= 0) & (column < occupancy.shape[1])
        rows, sectors, columns = row[inside], sector[inside], column[inside]
        np.add.at(occupancy, (sectors, columns), 1)
        new = np.ones(rows.size, np.bool_)
        new[1:] = (rows[1:] != rows[:-1]) | (sectors[1:] != sectors[:-1])
        new[1:] |= columns[1:] != columns[:-1] + 1
        begin = np.flatnonzero(new)
        end = np.append(begin[1:], rows.size) - 1
        flight = rows[begin]
        each = [sectors[begin], columns[begin], columns[end] + 1, from_[flight], to[flight], flight]
        found.append(np.stack(each).astype(np.int32))
    return np.concatenate(found, axis=1)
