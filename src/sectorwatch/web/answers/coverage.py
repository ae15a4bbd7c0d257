"""Answers about coverage: how much of the time in the air somebody was in contact."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import Callsign, FlightId, Missing, Statement, Time

__all__ = [
    "ContactAnswer",
    "Coverage",
    "FlightContact",
    "FlightCoverage",
    "HourCoverage",
    "PositionCoverage",
    "PositionLoad",
    "SectorCoverage",
    "TotalCoverage",
]

_Airborne: TypeAlias = Annotated[
    int, Meta(description="Minutes of demand: flights inside at each hh:mm:00, summed")
]
_InContact: TypeAlias = Annotated[
    int, Meta(description="Of these, flights in radio contact with any controller")
]
_Uncovered: TypeAlias = Annotated[
    int, Meta(description="Demand-minutes of which it is known that there was no contact")
]
_Known: TypeAlias = Annotated[
    float | None,
    Meta(
        description="Share of the airborne minutes of which contact is known at all; null where "
        "nothing was airborne"
    ),
]
_Share: TypeAlias = Annotated[
    float | None,
    Meta(description="Contact over airborne minutes, of those known; null where none is"),
]
_Staffed: TypeAlias = Annotated[
    float, Meta(description="Minutes in which a sector had an owner online, summed over sectors")
]


class TotalCoverage(msgspec.Struct, frozen=True):
    """All sectors together."""

    airborne_minutes: _Airborne
    contact_minutes: _InContact
    uncovered_demand_minutes: _Uncovered
    coverage: _Share
    known_share: _Known
    staffed_minutes: _Staffed


class SectorCoverage(msgspec.Struct, frozen=True):
    """A sector."""

    sector: Annotated[str, Meta(description="The sector's name")]
    airborne_minutes: _Airborne
    contact_minutes: _InContact
    uncovered_demand_minutes: _Uncovered
    coverage: _Share
    known_share: _Known
    staffed_minutes: Annotated[float, Meta(description="Minutes with an owner online")]


class HourCoverage(msgspec.Struct, frozen=True):
    """An hour, all sectors together."""

    time: Time
    airborne_minutes: _Airborne
    contact_minutes: _InContact
    uncovered_demand_minutes: _Uncovered
    coverage: _Share
    known_share: _Known
    staffed_minutes: _Staffed


class PositionCoverage(msgspec.Struct, frozen=True):
    """A position: whom it talked to anywhere, and how the sectors fared while it owned them."""

    position: Callsign
    online_minutes: Annotated[float, Meta(description="Minutes online in the period")]
    contact_minutes: Annotated[
        float, Meta(description="In contact with flights in the air, summed over flights")
    ]
    ground_minutes: Annotated[
        float, Meta(description="In contact with flights on the ground, summed over flights")
    ]
    contacts: Annotated[int, Meta(description="Times that a flight in the air came into contact")]
    mean_flights: Annotated[
        float | None, Meta(description="Flights in the air at once, mean while it was online")
    ]
    staffed_minutes: Annotated[
        float, Meta(description="Minutes in which it owned a sector, summed over sectors")
    ]
    airborne_minutes: Annotated[
        int, Meta(description="Minutes of demand of the sectors that it owned then")
    ]
    uncovered_demand_minutes: _Uncovered
    coverage: Annotated[
        float | None,
        Meta(
            description="Share of that demand that was in contact with any controller, of what is "
            "known; null where nothing is"
        ),
    ]
    known_share: _Known


class FlightCoverage(msgspec.Struct, frozen=True):
    """A flight in these sectors, to the second."""

    flight_id: FlightId
    callsign: Callsign
    first_seen: Time
    airborne_minutes: Annotated[float, Meta(description="In the air in these sectors")]
    contact_minutes: Annotated[
        float,
        Meta(description="Of these known to be in contact with any controller, each second once"),
    ]
    uncovered_minutes: Annotated[
        float, Meta(description="Of these known to be without contact; of the rest nobody knows")
    ]
    coverage: Annotated[
        float | None,
        Meta(description="Contact over airborne time, of that known; null where none is"),
    ]
    known_share: Annotated[
        float, Meta(description="Share of the airborne time of which contact is known, 3 min after")
    ]


class Coverage(msgspec.Struct, frozen=True):
    """Coverage in a period of the sectors of one partition; what was not asked for is null."""

    start: Time
    end: Time
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    partitions: Annotated[list[str], Meta(description="All that there are, to choose one of")]
    final_until: Annotated[
        str | None, Meta(description="Minutes up to this are final (3 min after), UTC")
    ]
    statement: Statement
    missing: Missing
    total: TotalCoverage
    sectors: Annotated[
        list[SectorCoverage] | None, Meta(description="Most uncovered demand-minutes first")
    ]
    positions: Annotated[
        list[PositionCoverage] | None, Meta(description="Longest in contact first")
    ]
    hours: Annotated[list[HourCoverage] | None, Meta(description="Oldest first")]
    flights: Annotated[list[FlightCoverage] | None, Meta(description="Longest uncovered first")]
    flights_total: Annotated[
        int | None, Meta(description="How many flights there are, on all pages; null if not asked")
    ]


class FlightContact(msgspec.Struct, frozen=True):
    """How much of a flight's time in the sectors of a partition it was in contact."""

    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    airborne_minutes: Annotated[float, Meta(description="In the air in these sectors")]
    contact_minutes: Annotated[
        float,
        Meta(description="Of these known to be in contact with any controller, each second once"),
    ]
    coverage: Annotated[
        float | None,
        Meta(description="Contact over airborne time, of that known; null where none is"),
    ]
    known_share: Annotated[
        float | None,
        Meta(
            description="Share of the airborne time of which contact is known, 3 min after; null "
            "where it was never there"
        ),
    ]


class PositionLoad(msgspec.Struct, frozen=True):
    """A position and how many flights of a sector it is in contact with now."""

    position: Callsign
    flights: Annotated[int, Meta(description="Flights inside that it is in contact with")]


class ContactAnswer(msgspec.Struct, frozen=True):
    """A time in radio contact with a position."""

    position: Annotated[str | None, Meta(description="Callsign; null where it is not kept")]
    session_id: Annotated[str, Meta(description="The controller's session, as text")]
    channel: Annotated[str, Meta(description="The channel on which it began, MHz")]
    airborne: Annotated[bool, Meta(description="Whether the flight was in the air")]
    start: Time
    end: Annotated[str | None, Meta(description="UTC; null while it lasts")]
    duration_s: Annotated[int | None, Meta(description="Seconds; null while it lasts")]
