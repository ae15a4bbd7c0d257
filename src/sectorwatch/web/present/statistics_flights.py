"""Statistics of flights: airports, routes, flight times, types of aircraft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.web.answers.statistics import (
    AircraftAnswer,
    AircraftRow,
    AirportRow,
    AirportsAnswer,
    FlightTimeRow,
    FlightTimesAnswer,
    FlightTotals,
    RouteRow,
    RoutesAnswer,
)
from sectorwatch.web.present.statistics import envelope, maybe, share_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports
    from sectorwatch.store.known_spans import KnownSpans
    from sectorwatch.store.queries_statistics_flights import Flown
    from sectorwatch.web.present.statistics import Question

__all__ = ["aircraft", "airports", "flight_times", "flights_of", "quantiles", "routes"]

_DAY_S, _HOUR_S = 86_400, 3_600
# Seen at the end of a gap, something may have happened at any time within it.
_BEFORE_S = 300
_SHORTEST_NM = 1.0


@dataclass(frozen=True)
class Flights:
    """The flights that a question is about; `timed`, shape (n,), says whose times are seen."""

    known: KnownSpans
    flown: Flown
    timed: NDArray[np.bool_]

    @property
    def durations_s(self) -> NDArray[np.int64]:
        """From take-off to landing, where that is timed."""
        return self.flown.arrived_s - self.flown.departed_s

    @property
    def totals(self) -> FlightTotals:
        """All of them together."""
        return FlightTotals(
            flights=len(self.timed),
            landed=int(self.flown.landed.sum()),
            timed=int(self.timed.sum()),
        )


def flights_of(question: Question) -> Flights:
    """Find the flights that took off in the period and belong to the scope."""
    queries = question.queries.flights
    flown = queries.flown(question.from_s, question.to_s)
    landed = flown.landed
    if question.scope == "airspace":
        # One more, of which nothing is known: that is -1.
        inside = np.append(question.are_within(flown.airports), False)
        chosen = inside[flown.origin] | (inside[flown.destination] & landed)
        if not chosen.all():
            # Who left in the period may enter after it.
            visitors = queries.visitors(
                question.from_s, question.to_s + _DAY_S, question.sector_ids
            )
            chosen |= np.isin(flown.flight_id, visitors)
        flown = flown.take(chosen)
    if question.airport is not None:
        its = np.array([*(code == question.airport for code in flown.airports), False])
        flown = flown.take(its[flown.origin] | its[flown.destination])
    around = queries.known(question.from_s - _BEFORE_S, question.to_s + 2 * _DAY_S)
    timed = flown.landed & _seen(around, flown.departed_s) & _seen(around, flown.arrived_s)
    return Flights(queries.known(question.from_s, question.to_s), flown, timed)


def _seen(known: KnownSpans, times_s: NDArray[np.int64]) -> NDArray[np.bool_]:
    seen: NDArray[np.bool_] = known.seconds(times_s - _BEFORE_S, times_s) == _BEFORE_S
    return seen


def airports(question: Question) -> AirportsAnswer:
    """Count take-offs and landings by airport."""
    queries = question.queries.flights
    known = queries.known(question.from_s, question.to_s)
    counts = queries.movements(question.from_s, question.to_s)
    if question.scope == "airspace":
        inside = question.are_within(counts)
        counts = {
            code: count for (code, count), its in zip(counts.items(), inside, strict=True) if its
        }
    departures = sum(count[0] for count in counts.values())
    arrivals = sum(count[1] for count in counts.values())
    days = known.total_s() / _DAY_S
    order = sorted(counts.items(), key=lambda item: (-sum(item[1]), item[0]))
    rows = []
    for rank, (code, (off, on)) in enumerate(order, 1):
        place = question.airports.get(code)
        rows.append(
            AirportRow(
                rank=rank,
                airport=code,
                name=None if place is None else place.name,
                departures=off,
                arrivals=on,
                movements=off + on,
                movements_per_day=round((off + on) / days, 2) if days else None,
                share=share_of(off + on, departures + arrivals),
            )
        )
    said = envelope(question, known, "Take-offs and landings seen at airports", len(rows))
    return AirportsAnswer(**said, departures=departures, arrivals=arrivals, rows=rows)


def routes(question: Question) -> RoutesAnswer:
    """Count flights by pair of airports, each direction apart."""
    flights = flights_of(question)
    flown = flights.flown
    pairs = _Pairs(flown.origin, flown.destination, len(flown.airports))
    counts = np.bincount(pairs.number, minlength=pairs.count)
    landed = np.bincount(pairs.number, flown.landed, pairs.count)
    timed = flights.timed
    (median,) = quantiles(pairs.number[timed], flights.durations_s[timed], pairs.count, (0.5,))
    far = _far(question.airports, flown.airports, pairs)
    rows = [
        RouteRow(
            rank=rank,
            origin=flown.airports[pairs.origin[pair]],
            destination=_named(flown.airports, pairs.destination[pair]),
            flights=int(counts[pair]),
            share=share_of(counts[pair], len(timed)),
            landed=int(landed[pair]),
            median_time_s=maybe(median[pair], 1),
            great_circle_nm=maybe(far[pair], 1),
        )
        for rank, pair in enumerate(pairs.order(counts, flown.airports), 1)
    ]
    said = envelope(
        question, flights.known, "Flights that took off, by pair of airports", len(rows)
    )
    return RoutesAnswer(**said, totals=flights.totals, rows=rows)


def flight_times(question: Question) -> FlightTimesAnswer:
    """Give the median and the tenths of flight times by pair of airports."""
    flights = flights_of(question)
    flown = flights.flown.take(flights.timed)
    durations = flown.arrived_s - flown.departed_s
    pairs = _Pairs(flown.origin, flown.destination, len(flown.airports))
    counts = np.bincount(pairs.number, minlength=pairs.count)
    p10, median, p90 = quantiles(pairs.number, durations, pairs.count, (0.1, 0.5, 0.9))
    far = _far(question.airports, flown.airports, pairs)
    speed = np.where((far > _SHORTEST_NM) & (median > 0), far / np.maximum(median, 1), np.nan)
    rows = [
        FlightTimeRow(
            rank=rank,
            origin=flown.airports[pairs.origin[pair]],
            destination=flown.airports[pairs.destination[pair]],
            timed=int(counts[pair]),
            median_time_s=round(float(median[pair]), 1),
            p10_time_s=round(float(p10[pair]), 1),
            p90_time_s=round(float(p90[pair]), 1),
            great_circle_nm=maybe(far[pair], 1),
            direct_speed_kt=maybe(speed[pair] * _HOUR_S, 1),
        )
        for rank, pair in enumerate(pairs.order(counts, flown.airports), 1)
    ]
    said = envelope(question, flights.known, "Times from take-off to landing", len(rows))
    return FlightTimesAnswer(**said, totals=flights.totals, rows=rows)


def aircraft(question: Question) -> AircraftAnswer:
    """Count flights by type of aircraft."""
    flights = flights_of(question)
    flown = flights.flown
    size = len(flown.types) + 1
    counts = np.bincount(flown.aircraft + 1, minlength=size)
    timed = flights.timed
    hours = np.bincount(flown.aircraft[timed] + 1, flights.durations_s[timed], size) / _HOUR_S
    names = [None, *flown.types]
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda n: (-counts[n], names[n] or ""))
    rows = [
        AircraftRow(
            rank=rank,
            aircraft=names[number],
            flights=int(counts[number]),
            share=share_of(counts[number], len(timed)),
            flight_hours=round(float(hours[number]), 2),
        )
        for rank, number in enumerate(order, 1)
    ]
    said = envelope(question, flights.known, "Flights that took off, by type", len(rows))
    return AircraftAnswer(**said, totals=flights.totals, rows=rows)


class _Pairs:
    """The pairs that there are, numbered; `number`, shape (n,), says which each flight flew."""

    def __init__(
        self, origin: NDArray[np.int32], destination: NDArray[np.int32], airports: int
    ) -> None:
        # Unknown is -1, and one more than the last.
        size = airports + 1
        keys, self.number = np.unique(
            origin.astype(np.int64) * size + destination + 1, return_inverse=True
        )
        self.origin = keys // size
        self.destination = keys % size - 1
        self.count = len(keys)

    def order(self, counts: NDArray[np.int64], airports: Sequence[str]) -> list[int]:
        """The pairs by flights, most first, then by name."""
        names = np.array([*airports, ""])
        order: list[int] = np.lexsort(
            [names[self.destination], names[self.origin], -counts]
        ).tolist()
        return order


def _named(airports: Sequence[str], number: int) -> str | None:
    return None if number < 0 else airports[number]


def _far(airports: Airports, codes: Sequence[str], pairs: _Pairs) -> NDArray[np.float64]:
    """The great circle of each pair, NaN where an airport is not known."""
    places = [airports.get(code) for code in codes]
    where = [(np.nan, np.nan) if p is None else (p.latitude, p.longitude) for p in places]
    points = np.array([*where, (np.nan, np.nan)])
    (lat1, lon1), (lat2, lon2) = points[pairs.origin].T, points[pairs.destination].T
    return distance_nm(lat1, lon1, lat2, lon2)


def quantiles(
    group: NDArray[np.intp], values: NDArray[np.int64], size: int, wanted: Sequence[float]
) -> list[NDArray[np.float64]]:
    """Give quantiles of the values of each group, shape (size,), NaN for one without any.

    Between two values it is linear, as `numpy.quantile` does.

    >>> [q.tolist() for q in quantiles(np.array([0, 0, 1]), np.array([10, 20, 5]), 2, (0.5, 1.0))]
    [[15.0, 5.0], [20.0, 5.0]]
    """
    order = np.lexsort([values, group])
    ordered = np.append(values[order], 0).astype(np.float64)
    counts = np.bincount(group, minlength=size)
    first = np.cumsum(counts) - counts
    found = []
    for each in wanted:
        place = np.maximum(counts - 1, 0) * each
        lower = np.floor(place)
        below = ordered[first + lower.astype(np.int64)]
        above = ordered[first + np.ceil(place).astype(np.int64)]
        found.append(np.where(counts > 0, below + (above - below) * (place - lower), np.nan))
    return found
