"""The network as a whole, airports and trends as answers."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from sectorwatch.clock import format_us
from sectorwatch.web.answers.traffic import (
    AirportCount,
    NetworkPoint,
    NetworkStatus,
    RatingRow,
    Ratings,
    SectorLoad,
    TrafficSummary,
    TypeCount,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.airspace import Airspace
    from sectorwatch.feed.records import Reference
    from sectorwatch.traffic.tick import Live, Tick

__all__ = ["network_status", "probability_of_increase", "ratings", "traffic_summary", "trend_of"]

_MOST = 10
_SURE = 0.8
# What the network's tables said when this was written, for before the first feed came.
_BUILT_IN = {
    "ratings": (
        (-1, "INAC", "Inactive"), (0, "SUS", "Suspended"), (1, "OBS", "Observer"),
        (2, "S1", "Tower Trainee"), (3, "S2", "Tower Controller"), (4, "S3", "Senior Student"),
        (5, "C1", "Enroute Controller"), (6, "C2", "Controller 2 (not in use)"),
        (7, "C3", "Senior Controller"), (8, "I1", "Instructor"),
        (9, "I2", "Instructor 2 (not in use)"), (10, "I3", "Senior Instructor"),
        (11, "SUP", "Supervisor"), (12, "ADM", "Administrator"),
    ),
    "facilities": (
        (0, "OBS", "Observer"), (1, "FSS", "Flight Service Station"),
        (2, "DEL", "Clearance Delivery"), (3, "GND", "Ground"), (4, "TWR", "Tower"),
        (5, "APP", "Approach/Departure"), (6, "CTR", "Enroute"),
    ),
    "pilot_ratings": (
        (0, "NEW", "Basic Member"), (1, "PPL", "Private Pilot License"),
        (3, "IR", "Instrument Rating"), (7, "CMEL", "Commercial Multi-Engine License"),
        (15, "ATPL", "Airline Transport Pilot License"), (31, "FI", "Flight Instructor"),
        (63, "FE", "Flight Examiner"),
    ),
    "military_ratings": (
        (0, "M0", "No Military Rating"), (1, "M1", "Military Pilot License"),
        (3, "M2", "Military Instrument Rating"),
        (7, "M3", "Military Multi-Engine Rating"), (15, "M4", "Military Mission Ready Pilot"),
    ),
}  # fmt: skip


def network_status(tick: Tick | None, history: Sequence[NetworkPoint]) -> NetworkStatus:
    """Show the whole network now, and its last day."""
    if tick is None:
        return NetworkStatus(None, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {}, {}, list(history))
    counts, live = tick.network, tick.live
    names = live.reference.facilities
    facilities = Counter(
        names.get(session.facility, (str(session.facility), ""))[0] for session in live.sessions
    )
    return NetworkStatus(
        snapshot_time=format_us(tick.time_us),
        pilots=counts.pilots,
        airborne=counts.airborne,
        on_ground=counts.on_ground,
        with_plan=counts.with_plan,
        controllers=counts.controllers,
        observers=counts.observers,
        atis=counts.atis,
        prefiles=counts.prefiles,
        connected_clients=counts.connected_clients,
        unique_users=counts.unique_users,
        controllers_by_facility=dict(facilities.most_common()),
        servers=dict(Counter(flight.server for flight in live.flights).most_common()),
        history=list(history),
    )


def traffic_summary(
    tick: Tick | None,
    airspace: Airspace,
    movements: Mapping[str, tuple[int, int]],
    *,
    hours: int,
) -> TrafficSummary:
    """Show traffic at a glance; `movements` maps airports to (departures, arrivals) observed."""
    departures = sum(count for count, _ in movements.values())
    arrivals = sum(count for _, count in movements.values())
    if tick is None:
        return TrafficSummary(None, hours, 0, 0, departures, arrivals, 0, 0, [], [], [], [])
    live = tick.live
    plans = [flight.plan for flight in live.flights if flight.plan is not None]
    types = Counter(plan.aircraft_short for plan in plans if plan.aircraft_short)
    routes = Counter(f"{p.departure}-{p.arrival}" for p in plans if p.departure and p.arrival)
    return TrafficSummary(
        snapshot_time=format_us(tick.time_us),
        hours=hours,
        pilots=tick.network.pilots,
        airborne=tick.network.airborne,
        departures=departures,
        arrivals=arrivals,
        staffed_sectors=sum(owner is not None for owner in live.owners),
        uncovered_occupancy=_uncovered(live),
        busiest_sectors=_busiest_sectors(live, airspace),
        busiest_airports=_busiest_airports(live, movements),
        aircraft_types=[TypeCount(name, count) for name, count in types.most_common(_MOST)],
        routes=[TypeCount(name, count) for name, count in routes.most_common(_MOST)],
    )


def _uncovered(live: Live) -> int:
    staffed = [owner is not None for owner in live.owners]
    columns = live.sector.T.tolist()
    return sum(
        airborne and not any(sector >= 0 and staffed[sector] for sector in column)
        for airborne, column in zip(live.airborne.tolist(), columns, strict=True)
    )


def _busiest_sectors(live: Live, airspace: Airspace) -> list[SectorLoad]:
    loads = sorted(enumerate(live.occupancy.tolist()), key=lambda item: -item[1])[:_MOST]
    return [
        SectorLoad(
            sector=airspace.sectors[number].name,
            partition=airspace.sectors[number].partition,
            occupancy=load,
            owner=owner.callsign if (owner := live.owners[number]) is not None else None,
        )
        for number, load in loads
        if load > 0
    ]


def _busiest_airports(live: Live, movements: Mapping[str, tuple[int, int]]) -> list[AirportCount]:
    outbound: Counter[str] = Counter()
    inbound: Counter[str] = Counter()
    for flight in live.flights:
        if flight.plan is not None:
            outbound[flight.plan.departure] += bool(flight.plan.departure)
            inbound[flight.plan.arrival] += bool(flight.plan.arrival)
    total = {name: sum(counts) for name, counts in movements.items()}
    for name, count in [*outbound.items(), *inbound.items()]:
        total[name] = total.get(name, 0) + count
    busiest = sorted(total.items(), key=lambda item: (-item[1], item[0]))[:_MOST]
    return [
        AirportCount(name, *movements.get(name, (0, 0)), outbound[name], inbound[name])
        for name, count in busiest
        if count > 0 and name
    ]


def probability_of_increase(before: int, after: int) -> float:
    """Give the probability that a Poisson rate went up, from two counts of equal time.

    With flat priors the share of the second rate is Beta(after + 1, before + 1); its chance to
    exceed one half is a binomial tail, which is exact in integers.

    >>> probability_of_increase(5, 5)
    0.5
    >>> round(probability_of_increase(2, 10), 3)
    0.989
    """
    trials = before + after + 1
    if trials > 2_000:  # noqa: PLR2004 - there the normal form is exact to four digits
        return 0.5 * (1 + math.erf((after - before) / math.sqrt(2 * trials)))
    return sum(math.comb(trials, k) for k in range(after + 1)) / (1 << trials)


def trend_of(probability: float) -> str:
    """Name a trend: only what is likely by 0.8 or more is called one.

    >>> trend_of(0.9), trend_of(0.5), trend_of(0.1)
    ('increasing', 'stable', 'decreasing')
    """
    if probability >= _SURE:
        return "increasing"
    return "decreasing" if probability <= 1 - _SURE else "stable"


def ratings(reference: Reference | None) -> Ratings:
    """Show the network's own tables, from the feed or, before one came, as they were."""
    if reference is None or not reference.ratings:
        built_in = {name: [RatingRow(*row) for row in rows] for name, rows in _BUILT_IN.items()}
        return Ratings(source="built_in", **built_in)
    military = _rows(reference.military_ratings)
    return Ratings(
        source="feed",
        ratings=_rows(reference.ratings),
        facilities=_rows(reference.facilities),
        pilot_ratings=_rows(reference.pilot_ratings),
        # Feeds before 2023 have no such table.
        military_ratings=military or [RatingRow(*row) for row in _BUILT_IN["military_ratings"]],
    )


def _rows(table: Mapping[int, tuple[str, str]]) -> list[RatingRow]:
    return [RatingRow(key, *names) for key, names in sorted(table.items())]
