"""A small network of our own, tick by tick, for whoever tests what is noticed in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry import box

import made_ticks
from sectorwatch.airspace import Airspace
from sectorwatch.airspace.model import DataSet, Sector, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.traffic.tick import Flight, Tick

WEEK_S = 604_800
MONDAY_S = 1_699_833_600  # 2023-11-13T00:00:00Z
THURSDAY_S = MONDAY_S + 3 * 86_400


def airspace(*names: str) -> Airspace:
    """An airspace of boxes side by side, one a name."""
    sectors = tuple(
        Sector("made", "enroute", name, name, (Volume(box(place, -35, place + 1, -34)),))
        for place, name in enumerate(names)
    )
    return Airspace([DataSet(name="made", spec="", sectors=sectors, prefixes=frozenset())])


class Utc:
    """A division whose clock is UTC."""

    def hour_of_week(self, times_s: NDArray[np.int64]) -> NDArray[np.int64]:
        """0 to 167, 0 the first of a Monday."""
        return np.asarray((times_s - MONDAY_S) // 3_600 % 168)

    def weeks_before(self, times_s: NDArray[np.int64], weeks: int) -> NDArray[np.int64]:
        """The same time of the same day."""
        return times_s - weeks * WEEK_S


class Week:
    """Mean occupancies of the past that a function of (bins (n,)) gives, shape (sectors, n)."""

    def __init__(
        self, of: Callable[[NDArray[np.int64]], NDArray[np.float64]], from_s: int = 0
    ) -> None:
        self._of, self._from_s = of, from_s

    def bin_mean(self, start_s: NDArray[np.int64]) -> NDArray[np.float32]:
        """What the function gives; NaN before `from_s`."""
        found = np.asarray(self._of(start_s), np.float32)
        return np.where(start_s >= self._from_s, found, np.float32(np.nan))


def flights_in(
    occupancy: Sequence[int], *, first_id: int = 1, **plan: Any
) -> list[tuple[int, Flight]]:
    """So many flights in each sector: (sector, flight)."""
    found = []
    for sector, count in enumerate(occupancy):
        for number in range(count):
            flight_id = first_id + 1_000 * sector + number
            filed = made_ticks.plan(**plan) if plan else made_ticks.plan()
            callsign = f"QFA{flight_id}"
            found.append((sector, made_ticks.flight(flight_id, callsign, plan=filed)))
    return found


def tick_of(
    now_s: int,
    flights: Sequence[tuple[int, Flight]],
    sectors: int,
    *,
    age_s: int = 5,
    altitude_ft: int = 34_000,
    latitude: float = -34.5,
) -> Tick:
    """The tick at which these flights are in these sectors, in the air, far from any airport."""
    count = len(flights)
    sector = np.array([[each[0] for each in flights]], np.int32).reshape(1, count)
    occupancy = np.bincount(sector[sector >= 0], minlength=sectors).astype(np.int32)
    live = replace(
        made_ticks.LIVE,
        flights=tuple(each[1] for each in flights),
        time_s=np.full(count, now_s - age_s, np.int64),
        latitude=np.full(count, latitude),
        longitude=sector[0] + 0.5,
        altitude_ft=np.full(count, altitude_ft, np.int32),
        groundspeed_kt=np.full(count, 440, np.int32),
        airborne=np.ones(count, np.bool_),
        sector=sector,
        occupancy=occupancy,
    )
    return made_ticks.tick(1, time_s=now_s, live=live)
