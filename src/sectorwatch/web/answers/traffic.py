"""Answers about the network as a whole, airports and trends."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import Icao, Time
from sectorwatch.web.answers.flights import MovementAnswer

__all__ = [
    "AirportCount",
    "AirportMovements",
    "AirportTrend",
    "HourCount",
    "NetworkPoint",
    "NetworkStatus",
    "RatingRow",
    "Ratings",
    "SectorLoad",
    "TrafficSummary",
    "TypeCount",
]


class NetworkPoint(msgspec.Struct, frozen=True):
    """The network at one snapshot."""

    time: Time
    pilots: Annotated[int, Meta(description="Pilots online")]
    airborne: Annotated[int, Meta(description="Of these in the air")]
    controllers: Annotated[int, Meta(description="Controllers online, observers left out")]


class NetworkStatus(msgspec.Struct, frozen=True):
    """The network now, counted by us."""

    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    pilots: Annotated[int, Meta(description="Pilots online")]
    airborne: Annotated[int, Meta(description="Flights in the air")]
    on_ground: Annotated[int, Meta(description="Flights on the ground")]
    with_plan: Annotated[int, Meta(description="Pilots with a filed plan")]
    controllers: Annotated[int, Meta(description="Controllers, observers left out")]
    observers: Annotated[
        int, Meta(description="Others the feed lists as controllers: observers, untuned, pilots")
    ]
    atis: Annotated[int, Meta(description="ATIS stations")]
    prefiles: Annotated[int, Meta(description="Plans filed by somebody not online with them")]
    connected_clients: Annotated[int, Meta(description="As the feed counts them")]
    unique_users: Annotated[int, Meta(description="As the feed counts them")]
    controllers_by_facility: Annotated[
        dict[str, int], Meta(description="Controllers by facility's short name")
    ]
    servers: Annotated[dict[str, int], Meta(description="Pilots by network server")]
    history: Annotated[list[NetworkPoint], Meta(description="Last 24 h, one point each 15 min")]


class AirportCount(msgspec.Struct, frozen=True):
    """An airport's traffic now and lately."""

    airport: Icao
    departures: Annotated[int, Meta(description="Take-offs observed in the period")]
    arrivals: Annotated[int, Meta(description="Landings observed in the period")]
    outbound: Annotated[int, Meta(description="Online now with a plan from here")]
    inbound: Annotated[int, Meta(description="Online now with a plan to here")]


class SectorLoad(msgspec.Struct, frozen=True):
    """A busy sector."""

    sector: Annotated[str, Meta(description="The sector's name")]
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    occupancy: Annotated[int, Meta(description="Airborne flights inside now")]
    owner: Annotated[str | None, Meta(description="Callsign of who works it; null if nobody")]


class TypeCount(msgspec.Struct, frozen=True):
    """How often something stands in the plans filed now."""

    name: Annotated[str, Meta(description="Aircraft type, or route as ORIG-DEST")]
    count: Annotated[int, Meta(description="Flights online now")]


class TrafficSummary(msgspec.Struct, frozen=True):
    """Traffic at a glance."""

    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    hours: Annotated[int, Meta(description="Period of the movements, hours back")]
    pilots: Annotated[int, Meta(description="Pilots online")]
    airborne: Annotated[int, Meta(description="Flights in the air")]
    departures: Annotated[int, Meta(description="Take-offs observed in the period")]
    arrivals: Annotated[int, Meta(description="Landings observed in the period")]
    staffed_sectors: Annotated[int, Meta(description="Sectors with an owner online")]
    uncovered_occupancy: Annotated[
        int, Meta(description="Flights in the air in no staffed sector of any partition")
    ]
    busiest_sectors: Annotated[list[SectorLoad], Meta(description="By occupancy, busiest first")]
    busiest_airports: Annotated[list[AirportCount], Meta(description="Busiest first")]
    aircraft_types: Annotated[list[TypeCount], Meta(description="Most flown now")]
    routes: Annotated[list[TypeCount], Meta(description="Most flown now")]


class AirportMovements(msgspec.Struct, frozen=True):
    """Take-offs and landings at an airport."""

    airport: Icao
    name: Annotated[str, Meta(description="The airport's name")]
    start: Time
    end: Time
    total: Annotated[int, Meta(description="How many match, on all pages")]
    departures: Annotated[int, Meta(description="Take-offs in the period")]
    arrivals: Annotated[int, Meta(description="Landings in the period")]
    movements: Annotated[list[MovementAnswer], Meta(description="Newest first")]


class HourCount(msgspec.Struct, frozen=True):
    """An hour at an airport."""

    time: Time
    departures: Annotated[int | None, Meta(description="Take-offs; null where not known")]
    arrivals: Annotated[int | None, Meta(description="Landings; null where not known")]
    known: Annotated[bool, Meta(description="False: no feed in that hour, so nothing is known")]


class AirportTrend(msgspec.Struct, frozen=True):
    """An airport's traffic by hour, and where it goes."""

    airport: Icao
    name: Annotated[str, Meta(description="The airport's name")]
    hours: Annotated[int, Meta(description="Hours looked back")]
    series: Annotated[list[HourCount], Meta(description="Oldest first")]
    last_hour: Annotated[
        int | None,
        Meta(description="Movements in the last 60 min; null where feeds do not cover them"),
    ]
    hour_before: Annotated[
        int | None,
        Meta(description="Movements in the 60 min before that; null where feeds do not cover them"),
    ]
    trend: Annotated[
        str | None,
        Meta(
            description="increasing or decreasing where the two hours differ with probability "
            "0.8 or more (binomial), else stable; null where one of them is not known"
        ),
    ]
    probability: Annotated[
        float | None,
        Meta(
            description="Probability that the rate went up, from the two counts; null where one "
            "of them is not known"
        ),
    ]


class RatingRow(msgspec.Struct, frozen=True):
    """An entry of one of the network's tables."""

    id: Annotated[int, Meta(description="As in the feed")]
    short: Annotated[str, Meta(description="Short name")]
    long: Annotated[str, Meta(description="Long name")]


class Ratings(msgspec.Struct, frozen=True):
    """The network's ratings and facilities."""

    source: Annotated[str, Meta(description="feed, or built_in before the first feed came")]
    ratings: list[RatingRow]
    facilities: list[RatingRow]
    pilot_ratings: list[RatingRow]
    military_ratings: list[RatingRow]
