"""Pilots who fly straight between aerodromes, for tests of controllers and radios alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace.geodesy import distance_nm, initial_bearing_deg, intermediate
from sectorwatch.simulator.motion import PilotStates

if TYPE_CHECKING:
    from sectorwatch.simulator.positions import AerodromesLike

SPEED_KT = 420.0
TAXI_S = 600


class MadePilots:
    """`count` pilots who take off within `spread_s` of `begin_s`, 20 min after they came online."""

    def __init__(
        self,
        aerodromes: AerodromesLike,
        *,
        count: int,
        begin_s: int,
        spread_s: int = 10_800,
        seed: int = 1,
    ) -> None:
        rng = np.random.default_rng(seed)
        self._aerodromes = aerodromes
        sites = len(aerodromes.icao)
        self._departure = rng.integers(0, sites, count).astype(np.int32)
        self._arrival = ((self._departure + rng.integers(1, sites, count)) % sites).astype(np.int32)
        self._off_s = begin_s + rng.integers(-spread_s // 3, spread_s, count)
        ends = (self._departure, self._arrival)
        self._lat = [aerodromes.latitude[end] for end in ends]
        self._lon = [aerodromes.longitude[end] for end in ends]
        far_nm = distance_nm(self._lat[0], self._lon[0], self._lat[1], self._lon[1])
        self._flight_s = far_nm / SPEED_KT * 3_600
        self._member = rng.permutation(10 * count)[:count].astype(np.int64) + 1

    def at(self, time_s: int) -> PilotStates:
        """Those who are online, from 20 min before take-off to 15 min after landing."""
        gone = (time_s - self._off_s) / self._flight_s
        online = (time_s > self._off_s - 1_200) & (time_s < self._off_s + self._flight_s + 900)
        rows = np.flatnonzero(online)
        share = np.clip(gone[rows], 0.0, 1.0)
        airborne = (share > 0) & (share < 1)
        lat0, lat1 = (lat[rows] for lat in self._lat)
        lon0, lon1 = (lon[rows] for lon in self._lon)
        lat, lon = intermediate(lat0, lon0, lat1, lon1, share)
        left_s = np.minimum(share, 1 - share) * self._flight_s[rows]
        field = self._aerodromes.elevation_ft[
            np.where(share < 1, self._departure[rows], self._arrival[rows])
        ]
        altitude = np.where(airborne, np.minimum(field + left_s / 60 * 2_000, 35_000), field)
        since_s = time_s - self._off_s[rows] - np.where(share < 1, 0, self._flight_s[rows])
        taxies = ~airborne & (np.abs(since_s) < TAXI_S / 2)
        return PilotStates(
            time_s=time_s,
            member=self._member[rows],
            callsign=[f"QFA{row}" for row in rows.tolist()],
            latitude=lat,
            longitude=lon,
            altitude_ft=altitude.astype(np.int32),
            groundspeed_kt=np.where(airborne, SPEED_KT, np.where(taxies, 15, 0)).astype(np.int32),
            heading_deg=(initial_bearing_deg(lat, lon, lat1, lon1) % 360).astype(np.int32),
            airborne=airborne,
            departure=self._departure[rows],
            arrival=self._arrival[rows],
        )
