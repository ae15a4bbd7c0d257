"""What happened in a period, as columns: flights, their plans as they changed, prefiles, movements.

Rows are read from the store some thousand at a time and go at once into arrays, so that months of a
busy network fit into a few hundred megabytes.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.now import place_of
from sectorwatch.forecast.situation import UNKNOWN
from sectorwatch.forecast.texts import Texts, TextsMade
from sectorwatch.store.segments import DAY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports
    from sectorwatch.feed.records import FlightPlan
    from sectorwatch.store.queries_history import HistoryQueries, KeptFlight

__all__ = [
    "ARRIVAL",
    "DEPARTURE",
    "FlightRows",
    "HistoryRows",
    "MovementRows",
    "PlanRows",
    "PrefileRows",
    "RevisionRows",
    "read_rows",
]

DEPARTURE, ARRIVAL = 0, 1
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class PlanRows:
    """Plans as they were filed, of shape (p,): as `now.Plans`, numbers UNKNOWN where none is."""

    origin: NDArray[np.int32]
    destination: NDArray[np.int32]
    off_minute: NDArray[np.int32]
    cruise_ft: NDArray[np.int32]
    tas_kt: NDArray[np.int32]
    enroute_min: NDArray[np.int32]
    route: Texts
    aircraft: Texts


@dataclass(frozen=True, slots=True)
class FlightRows:
    """Flights by `flight_id`, of shape (n,); moments and places UNKNOWN where there are none.

    `first_moved_s` is the first take-off or landing. `follower` is the flight that began where this
    one ended, on another plan.
    """

    flight_id: NDArray[np.int64]
    cid: NDArray[np.int64]
    callsign: Texts
    first_seen_s: NDArray[np.int64]
    departed_s: NDArray[np.int64]
    departed_from: NDArray[np.int32]
    arrived_s: NDArray[np.int64]
    arrived_at: NDArray[np.int32]
    ended_s: NDArray[np.int64]
    first_moved_s: NDArray[np.int64]
    follower: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.flight_id.size)

    def row_of(self, flight_id: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each flight, UNKNOWN for those that are not here."""
        return _row_of(self.flight_id, flight_id)


@dataclass(frozen=True, slots=True)
class RevisionRows:
    """Plans as they became known, by flight and time, of shape (r,); `flight` and `plan` are rows.

    `starts` (n + 1,) has where each flight's begin.
    """

    flight: NDArray[np.int32]
    time_us: NDArray[np.int64]
    received_s: NDArray[np.int64]
    plan: NDArray[np.int32]
    starts: NDArray[np.int64]

    def at(
        self, flight: NDArray[np.int64], time_s: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(plan, when it was received) of each flight at the snapshot of `time_s`, else UNKNOWN."""
        first, end = self.starts[flight], self.starts[flight + 1]
        until_us = (time_s + 1) * _SECOND_US
        found = np.full(flight.size, UNKNOWN, np.int64)
        # Few have more than three, so this takes few rounds.
        left = np.flatnonzero(first < end)
        at = first[left]
        while left.size:
            known = self.time_us[at] < until_us
            left, at = left[known], at[known]
            found[left] = at
            at = at + 1
            more = at < end[left]
            left, at = left[more], at[more]
        some = found >= 0
        plan, since_s = np.full((2, flight.size), UNKNOWN, np.int64)
        plan[some], since_s[some] = self.plan[found[some]], self.received_s[found[some]]
        return plan, since_s


@dataclass(frozen=True, slots=True)
class PrefileRows:
    """Plans filed ahead by when they were first seen, of shape (m,); `gone_s` UNKNOWN: still there.

    `plan` is a row of `PlanRows`.
    """

    prefile_id: NDArray[np.int64]
    cid: NDArray[np.int64]
    callsign: Texts
    first_seen_s: NDArray[np.int64]
    received_s: NDArray[np.int64]
    gone_s: NDArray[np.int64]
    plan: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.prefile_id.size)

    def at(self, time_s: int) -> NDArray[np.int64]:
        """The rows of those that the snapshot of `time_s` had."""
        end = int(np.searchsorted(self.first_seen_s, time_s, side="right"))
        gone_s = self.gone_s[:end]
        return np.flatnonzero((gone_s == UNKNOWN) | (gone_s > time_s))


@dataclass(frozen=True, slots=True)
class MovementRows:
    """Take-offs and landings by time, of shape (k,).

    `flight` is a row of `FlightRows`, `place` an airport, `kind` DEPARTURE or ARRIVAL.
    """

    flight: NDArray[np.int64]
    place: NDArray[np.int32]
    kind: NDArray[np.int8]
    time_s: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HistoryRows:
    """All of it."""

    flights: FlightRows
    revisions: RevisionRows
    plans: PlanRows
    prefiles: PrefileRows
    movements: MovementRows


def read_rows(
    queries: HistoryQueries,
    airports: Airports,
    from_s: int,
    to_s: int,
    before_s: int,
    tell: Callable[[float, str], None],
) -> HistoryRows:
    """All rows that the period needs, `tell` being told how far it is.

    Flights that were under way at its start are among them, and prefiles and movements from
    `before_s` before it.
    """
    places: dict[str, int] = {}
    plans = _PlansMade(airports, places)
    tell(0.2, "reading flights")
    flights = _FlightsMade(airports, places)
    for chunk in queries.flights_before(from_s, from_s - DAY_S, from_s - before_s):
        flights.add(chunk)
    for chunk in queries.flights(from_s, to_s):
        flights.add(chunk)
    order = np.argsort(_whole(flights.numbers[0]))
    flight_id = _whole(flights.numbers[0])[order]
    tell(0.4, "reading plans")
    revision_of: tuple[array[int], ...] = tuple(array("q") for _ in range(4))
    for source in (
        queries.revisions_before(from_s, from_s - DAY_S, from_s - before_s),
        queries.revisions(from_s, to_s),
    ):
        for rows in source:
            number, time_us, received_us, said = zip(*rows, strict=True)
            received_s = [-(-each // _SECOND_US) for each in received_us]
            _extend(revision_of, (number, time_us, received_s, plans.add(said)))
    revisions = _revisions(revision_of, flight_id)
    tell(0.7, "reading prefiles")
    prefiles = _prefiles(queries, from_s - before_s, to_s, plans)
    tell(0.85, "reading movements")
    movements = _movements(queries, (from_s - before_s, to_s), airports, places, flight_id)
    return HistoryRows(flights.done(order, movements), revisions, plans.done(), prefiles, movements)


class _PlansMade:
    """Plans to which more may be added."""

    def __init__(self, airports: Airports, places: dict[str, int]) -> None:
        self._airports = airports
        self._places = places
        self._numbers = tuple(array("i") for _ in range(6))
        self._route, self._aircraft = TextsMade(), TextsMade()
        self._count = 0

    def add(self, plans: Sequence[FlightPlan]) -> range:
        """The rows that `plans` will have."""
        airports, places = self._airports, self._places
        columns = (
            _places_of([each.departure for each in plans], airports, places),
            _places_of([each.arrival for each in plans], airports, places),
            _or_unknown([each.departure_minute for each in plans]),
            _or_unknown([each.cruise_altitude_ft for each in plans]),
            _or_unknown([each.cruise_tas_kt for each in plans]),
            _or_unknown([each.enroute_minutes for each in plans]),
        )
        _extend(self._numbers, columns)
        self._route.extend([each.route for each in plans])
        self._aircraft.extend([each.aircraft_short for each in plans])
        first, self._count = self._count, self._count + len(plans)
        return range(first, self._count)

    def done(self) -> PlanRows:
        """All of them."""
        numbers = [
            np.frombuffer(column, np.int32) if column else np.empty(0, np.int32)
            for column in self._numbers
        ]
        origin, destination, off_minute, cruise_ft, tas_kt, enroute_min = numbers
        return PlanRows(
            origin=origin,
            destination=destination,
            off_minute=off_minute,
            cruise_ft=cruise_ft,
            tas_kt=tas_kt,
            enroute_min=enroute_min,
            route=self._route.done(),
            aircraft=self._aircraft.done(),
        )


class _FlightsMade:
    """Flights to which more may be added."""

    def __init__(self, airports: Airports, places: dict[str, int]) -> None:
        self._airports = airports
        self._places = places
        # flight_id, cid, first_seen_s, departed_s, departed_from, arrived_s, arrived_at, ended_s
        self.numbers = tuple(array("q") for _ in range(8))
        self._callsign = TextsMade()

    def add(self, rows: Sequence[KeptFlight]) -> None:
        number, cid, callsign, first_seen_s, departed_s, place, arrived_s, at, ended_s = zip(
            *rows, strict=True
        )
        columns = (
            number,
            cid,
            first_seen_s,
            _or_unknown(departed_s),
            _places_of(place, self._airports, self._places),
            _or_unknown(arrived_s),
            _places_of(at, self._airports, self._places),
            _or_unknown(ended_s),
        )
        _extend(self.numbers, columns)
        self._callsign.extend(callsign)

    def done(self, order: NDArray[np.intp], movements: MovementRows) -> FlightRows:
        columns = [_whole(column)[order] for column in self.numbers]
        number, cid, first_seen_s, departed_s, departed_from, arrived_s, arrived_at, ended_s = (
            columns
        )
        first_moved_s = np.full(number.size, UNKNOWN, np.int64)
        known = np.flatnonzero(movements.flight >= 0)[::-1]
        # In order of time, the first last.
        first_moved_s[movements.flight[known]] = movements.time_s[known]
        # What came before the movements that were read.
        first_moved_s = np.where(first_moved_s == UNKNOWN, departed_s, first_moved_s)
        first_moved_s = np.where(first_moved_s == UNKNOWN, arrived_s, first_moved_s)
        callsign = self._callsign.done().reordered(order)
        return FlightRows(
            flight_id=number,
            cid=cid,
            callsign=callsign,
            first_seen_s=first_seen_s,
            departed_s=departed_s,
            departed_from=departed_from.astype(np.int32),
            arrived_s=arrived_s,
            arrived_at=arrived_at.astype(np.int32),
            ended_s=ended_s,
            first_moved_s=first_moved_s,
            follower=_followers(cid, callsign, first_seen_s, ended_s),
        )


def _followers(
    cid: NDArray[np.int64],
    callsign: Texts,
    first_seen_s: NDArray[np.int64],
    ended_s: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The flight that its member began, on the same callsign, a second after this one's end."""
    follower = np.full(cid.size, UNKNOWN, np.int64)
    order = np.lexsort([first_seen_s, cid])
    before, after = order[:-1], order[1:]
    maybe = np.flatnonzero(
        (cid[before] == cid[after]) & (first_seen_s[after] == ended_s[before] + 1)
    )
    for one, other in zip(before[maybe].tolist(), after[maybe].tolist(), strict=True):
        if callsign[one] == callsign[other]:
            follower[one] = other
    return follower


def _revisions(columns: tuple[array[int], ...], flight_id: NDArray[np.int64]) -> RevisionRows:
    number, time_us, received_s, plan = (_whole(column) for column in columns)
    flight = _row_of(flight_id, number)
    order = np.lexsort([time_us, flight])
    order = order[flight[order] >= 0]
    flight = flight[order]
    return RevisionRows(
        flight=flight.astype(np.int32),
        time_us=time_us[order],
        received_s=received_s[order],
        plan=plan[order].astype(np.int32),
        starts=np.searchsorted(flight, np.arange(flight_id.size + 1)),
    )


def _prefiles(queries: HistoryQueries, from_s: int, to_s: int, plans: _PlansMade) -> PrefileRows:
    columns = tuple(array("q") for _ in range(6))
    callsigns = TextsMade()
    for rows in queries.prefiles(from_s, to_s):
        number, cid, callsign, first_seen_s, received_us, gone_s, said = zip(*rows, strict=True)
        received_s = [-(-each // _SECOND_US) for each in received_us]
        known = (number, cid, first_seen_s, received_s, _or_unknown(gone_s), plans.add(said))
        _extend(columns, known)
        callsigns.extend(callsign)
    order = np.argsort(_whole(columns[2]), kind="stable")
    prefile_id, members, since_s, known_s, until_s, plan_row = (
        _whole(column)[order] for column in columns
    )
    return PrefileRows(
        prefile_id=prefile_id,
        cid=members,
        callsign=callsigns.done().reordered(order),
        first_seen_s=since_s,
        received_s=known_s,
        gone_s=until_s,
        plan=plan_row,
    )


def _movements(
    queries: HistoryQueries,
    period: tuple[int, int],
    airports: Airports,
    places: dict[str, int],
    flight_id: NDArray[np.int64],
) -> MovementRows:
    columns = tuple(array("q") for _ in range(4))
    for rows in queries.movements(*period):
        number, kind, time_s, airport = zip(*rows, strict=True)
        kinds_of = [ARRIVAL if each == "arrival" else DEPARTURE for each in kind]
        _extend(columns, (number, _places_of(airport, airports, places), kinds_of, time_s))
    numbers, at, kinds, times_s = (_whole(column) for column in columns)
    return MovementRows(
        flight=_row_of(flight_id, numbers),
        place=at.astype(np.int32),
        kind=kinds.astype(np.int8),
        time_s=times_s,
    )


def _extend(columns: Sequence[array[int]], more: Sequence[Iterable[int]]) -> None:
    """Add rows that come as columns."""
    for column, values in zip(columns, more, strict=True):
        column.extend(values)


def _or_unknown(values: Iterable[int | None]) -> list[int]:
    return [UNKNOWN if value is None else value for value in values]


def _places_of(codes: Iterable[str | None], airports: Airports, known: dict[str, int]) -> list[int]:
    """The indices of airports; nothing is said of where None is."""
    return [
        known[code] if code in known else place_of(code or "", airports, known) for code in codes
    ]


def _row_of(sorted_ids: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of `ids` is in `sorted_ids`, UNKNOWN where it is not."""
    if not sorted_ids.size:
        return np.full(ids.shape, UNKNOWN, np.int64)
    at = np.minimum(np.searchsorted(sorted_ids, ids), sorted_ids.size - 1)
    return np.where(sorted_ids[at] == ids, at, UNKNOWN)


def _whole(column: array[int]) -> NDArray[np.int64]:
    return np.frombuffer(column, np.int64) if column else np.empty(0, np.int64)
