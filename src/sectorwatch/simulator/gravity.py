"""A schedule made from a seed: who flies from where to where by a gravity model, day by day.

Traffic between two airports goes with the product of their weights and falls with their distance
(the gravity model of trip distribution: Casey, 1955). Each day has its rhythm in local time, each
week its own, and some days have an event: everybody flies to one airport for some hours. A day
depends on the seed and on its date alone, so that it may be made at any time, for ever.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sectorwatch.airspace import Airports
from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.errors import ScheduleError
from sectorwatch.simulator import performance
from sectorwatch.simulator.behaviour import Behaviour, distance_class, drawn_by_distance
from sectorwatch.simulator.regions import airports_of
from sectorwatch.simulator.schedule import Schedule, ScheduleAirports

__all__ = ["DAY_S", "MadeTimetable", "made_schedule"]

Floats = NDArray[np.float64]

DAY_S = 86_400
_HOURLY = (
    18, 10, 6, 4, 4, 6, 12, 22, 34, 44, 52, 58, 62, 66, 72, 78, 84, 92, 100, 102, 98, 84, 60, 36,
)  # fmt: skip
"""How much takes off in each local hour: little at night, most in the evening."""
_DAILY = (0.86, 0.84, 0.86, 0.90, 1.06, 1.26, 1.22)
"""Monday to Sunday: people fly when they are free."""
_MONDAY = 3  # 1970-01-01 was a Thursday
_EVENT_SHARES = (0.08, 0.08, 0.12, 0.2, 0.45, 0.6, 0.4)
"""On which days of the week there is an event, Monday first."""
_EVENT_SIZE = (0.06, 0.16)
"""Its flights, as a share of a usual day's."""
_EVENT_HOURS = (18.0, 22.0)
"""When they arrive, local time."""
_EVENT_ARRIVES = 0.7
_NEAREST_SHARE, _FURTHEST_NM = 1 / 3, 8_000.0
_HOP_NM = 190.0
_WIND_SHARE = 0.07
_IDS_A_DAY = 100_000
_MOST_A_DAY = 90_000
_FILED_STEP_S = 300


class _Event(NamedTuple):
    airport: int
    flights: int


class MadeTimetable:
    """The flights of a region, made day by day for ever; a `Timetable` for a `Network`.

    At the busiest hour of a usual week, about `peak_airborne` are in the air at most. Raises
    ScheduleError for a region that there is not, or a peak that cannot be reached.
    """

    def __init__(self, region: str, *, seed: int = 1, peak_airborne: int | None = None) -> None:
        self._region, codes, self._weights = airports_of(region)
        self.region = region.strip().lower()
        self.seed = seed
        self.peak_airborne = peak_airborne or self._region.peak_airborne
        self.airports = ScheduleAirports.of(codes, Airports.load())
        self._pairs = self._attraction()
        self._flat = np.cumsum(self._pairs.ravel())
        self._day = lru_cache(maxsize=6)(self._make_day)
        self.flights_a_day = self._flights_a_day()
        if not 1 <= self.flights_a_day <= _MOST_A_DAY:
            raise ScheduleError(
                f"{self.peak_airborne} in the air at most makes {self.flights_a_day:.0f} flights a "
                f"day; from 1 to {_MOST_A_DAY:,} can be made: give another number"
            )

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"a made schedule of {self._region.name}"

    def taking_off(self, start_s: int, end_s: int) -> Schedule:
        """The flights that take off at `start_s` <= t < `end_s`."""
        # A local day reaches half a day beyond that of the meridian, an event's flights further.
        days = range(start_s // DAY_S - 2, (end_s - 1) // DAY_S + 2)
        parts = [self._day(day).taking_off(start_s, end_s) for day in days]
        return _together(parts, self.airports, self.name)

    def airport_weights(self) -> Floats:
        """How much is flown at each airport, shape (airports,)."""
        return np.asarray(self._pairs.sum(axis=0) + self._pairs.sum(axis=1))

    def mean_airborne(self) -> float:
        """How many are in the air in the mean of a week, without events."""
        return self.flights_a_day * self._mean_flight_s / DAY_S

    def _attraction(self) -> Floats:
        lat, lon = self.airports.latitude, self.airports.longitude
        apart = distance_nm(lat[:, None], lon[:, None], lat[None, :], lon[None, :])
        region = self._region
        falls = np.exp(-apart / region.decay_nm) + region.hops * np.exp(-apart / _HOP_NM)
        falls *= 1.0 - np.exp(-((apart / region.drive_nm) ** 2))
        falls[(apart < _NEAREST_SHARE * region.drive_nm) | (apart > _FURTHEST_NM)] = 0.0
        return np.asarray(self._weights[:, None] * self._weights[None, :] * falls)

    def _flights_a_day(self) -> float:
        """How many make the peak wanted: what one flight a day gives, scaled."""
        rng = np.random.Generator(np.random.Philox(key=[self.seed % 2**63, 1]))
        sample = self._flown(
            0, rng, rng.choice(len(self._flat), 4_000, p=self._pairs.ravel() / self._flat[-1])
        )
        self._mean_flight_s = float((sample.on_s - sample.off_s).mean())
        # In the air minute by minute of a day, for one flight a day; the week's busiest day on top.
        step = np.zeros(2 * 1_440)
        np.add.at(step, sample.off_s % DAY_S // 60, 1)
        np.add.at(
            step,
            np.minimum(sample.off_s % DAY_S // 60 + (sample.on_s - sample.off_s) // 60, 2_879),
            -1,
        )
        airborne = np.cumsum(step)
        peak = (airborne[:1_440] + airborne[1_440:]).max() / len(sample)
        # An event comes on top, and chance: three deviations of a Poisson number.
        room = (np.sqrt(9.0 / 4.0 + self.peak_airborne) - 1.5) ** 2
        return float(room / (peak * max(_DAILY) * (1.0 + _EVENT_SIZE[1])))

    def _make_day(self, day: int) -> Schedule:
        rng = np.random.Generator(np.random.Philox(key=[self.seed % 2**63, 2**62 + day]))
        weekday = (day + _MONDAY) % 7
        usual = self.flights_a_day
        pairs = np.searchsorted(
            self._flat, rng.random(rng.poisson(usual * _DAILY[weekday])) * self._flat[-1]
        )
        flown = self._flown(day, rng, np.minimum(pairs, len(self._flat) - 1))
        parts = [flown]
        if rng.random() < _EVENT_SHARES[weekday]:
            share = self._weights / self._weights.sum()
            airport = int(rng.choice(len(share), p=share))
            parts.append(
                self._event(
                    day, rng, _Event(airport, rng.poisson(usual * rng.uniform(*_EVENT_SIZE)))
                )
            )
        made = _together(parts, self.airports, self.name)
        made.flight_id[:] = day * _IDS_A_DAY + np.arange(len(made))
        return made

    def _event(self, day: int, rng: np.random.Generator, event: _Event) -> Schedule:
        """Flights to an airport, and some from it, that come together in one evening."""
        count = len(self._weights)
        pull = self._pairs[event.airport] / max(self._pairs[event.airport].sum(), 1e-12)
        others = rng.choice(count, event.flights, p=pull)
        arrives = rng.random(event.flights) < _EVENT_ARRIVES
        origin = np.where(arrives, others, event.airport)
        destination = np.where(arrives, event.airport, others)
        flown = self._flown(day, rng, origin * count + destination)
        # At its hour, by the airport's own clock.
        local_s = rng.uniform(*_EVENT_HOURS, event.flights) * 3_600
        at_s = day * DAY_S + local_s - self.airports.longitude[event.airport] * 240.0
        duration_s = flown.on_s - flown.off_s
        off_s = (at_s - np.where(arrives[: len(flown)], duration_s, 0)).astype(np.int64)
        return Schedule(
            airports=self.airports,
            flight_id=flown.flight_id,
            origin=flown.origin,
            destination=flown.destination,
            # Nobody is delayed here: what people file is drawn by their behaviour.
            filed_off_s=-(-off_s // _FILED_STEP_S) * _FILED_STEP_S,
            off_s=off_s,
            on_s=off_s + duration_s,
            distance_nm=flown.distance_nm,
        )

    def _flown(self, day: int, rng: np.random.Generator, pairs: NDArray[np.int64]) -> Schedule:
        """Flights between these pairs of airports on a day, each at its time, in no order."""
        count, number = len(pairs), len(self._weights)
        origin, destination = np.divmod(pairs, number)
        hours = np.asarray(_HOURLY, dtype=np.float64)
        hour = np.searchsorted(np.cumsum(hours), rng.random(count) * hours.sum(), side="right")
        local_s = (np.minimum(hour, 23) + rng.random(count)) * 3_600
        off_s = (day * DAY_S + local_s - self.airports.longitude[origin] * 240.0).astype(np.int64)
        lat, lon = self.airports.latitude, self.airports.longitude
        apart = distance_nm(lat[origin], lon[origin], lat[destination], lon[destination])
        cruise_ft = drawn_by_distance(
            Behaviour().cruise_ft, rng.random(count), distance_class(apart)
        )
        kinds = performance.draw_class(apart, rng.random(count))
        # Westward takes longer than eastward, and no two winds are the same.
        west = np.sign(((lon[destination] - lon[origin] + 180.0) % 360.0) - 180.0)
        wind = 1.0 + 0.03 * west + _WIND_SHARE * rng.standard_normal(count)
        path_nm = apart * 1.012 + 1.0
        duration_s = performance.flight_time_s(kinds, path_nm, cruise_ft, np.clip(wind, 0.8, 1.2))
        return Schedule(
            airports=self.airports,
            flight_id=np.zeros(count, dtype=np.int64),
            origin=origin.astype(np.int32),
            destination=destination.astype(np.int32),
            # Nobody is delayed here: what people file is drawn by their behaviour.
            filed_off_s=-(-off_s // _FILED_STEP_S) * _FILED_STEP_S,
            off_s=off_s,
            on_s=off_s + np.maximum(duration_s, 300).astype(np.int64),
            distance_nm=apart,
        )


def made_schedule(
    region: str, *, seed: int = 1, start_s: int, days: int, peak_airborne: int | None = None
) -> Schedule:
    """The flights that take off in `days` days from `start_s` on, as one schedule."""
    timetable = MadeTimetable(region, seed=seed, peak_airborne=peak_airborne)
    return timetable.taking_off(start_s, start_s + days * DAY_S)


def _together(parts: list[Schedule], airports: ScheduleAirports, name: str) -> Schedule:
    """All flights of the parts in the order of take-off."""
    columns: dict[str, Any] = {
        column: np.concatenate([getattr(part, column) for part in parts])
        for column in (
            "flight_id", "origin", "destination", "filed_off_s", "off_s", "on_s", "distance_nm",
        )
    }  # fmt: skip
    order = np.lexsort((columns["flight_id"], columns["off_s"]))
    return Schedule(
        airports=airports, name=name, **{key: column[order] for key, column in columns.items()}
    )
