"""Answers about long periods: a struct of rows a topic, the same fields as its CSV has columns."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import Time

__all__ = [
    "AircraftAnswer",
    "AircraftRow",
    "AirportRow",
    "AirportsAnswer",
    "BusiestHourRow",
    "BusiestHoursAnswer",
    "ContactRow",
    "ContactsAnswer",
    "CoverageAnswer",
    "CoverageRow",
    "FieldAnswer",
    "FlightTimeRow",
    "FlightTimesAnswer",
    "FlightTotals",
    "HoursAnswer",
    "HoursRow",
    "PeakRow",
    "PeaksAnswer",
    "RouteRow",
    "RoutesAnswer",
    "SectorLoadRow",
    "SectorsAnswer",
    "Statistics",
    "StatisticsAnswer",
    "TopicAnswer",
    "TopicList",
]

_Rank = Annotated[int, Meta(description="Place in the order, from 1; equals share none")]
_KnownShare = Annotated[
    float, Meta(description="Share of that time of which anything is known, 0 to 1")
]
_Flights = Annotated[int, Meta(description="Flights that took off in the period")]
_Landed = Annotated[int, Meta(description="Of these seen to land there")]
_Origin = Annotated[str, Meta(description="Airport of the take-off that was seen")]
_Destination = Annotated[
    str | None,
    Meta(description="Airport of the landing, or the one filed where none was seen; null: neither"),
]
_GreatCircle = Annotated[
    float | None, Meta(description="Great circle between the two, NM; null where one is unknown")
]
_MaybeWhen = Annotated[str | None, Meta(description="UTC; the first time it was so many")]


class FlightTotals(msgspec.Struct, frozen=True):
    """All flights of the answer together, on all pages."""

    flights: Annotated[int, Meta(description="Flights that took off in the period")]
    landed: Annotated[int, Meta(description="Of these seen to land")]
    timed: Annotated[
        int, Meta(description="Of these with both moments seen by feeds, not in or after a gap")
    ]


class AirportRow(msgspec.Struct, frozen=True):
    """An airport's take-offs and landings."""

    rank: _Rank
    airport: Annotated[str, Meta(description="Airport identifier, ICAO where it has one")]
    name: Annotated[str | None, Meta(description="Its name; null where it is not known")]
    departures: Annotated[int, Meta(description="Take-offs seen")]
    arrivals: Annotated[int, Meta(description="Landings seen")]
    movements: Annotated[int, Meta(description="Both together")]
    movements_per_day: Annotated[
        float | None, Meta(description="By 24 h of what is known of the period")
    ]
    share: Annotated[float, Meta(description="Share of all movements of the answer, 0 to 1")]


class RouteRow(msgspec.Struct, frozen=True):
    """A pair of airports in one direction."""

    rank: _Rank
    origin: _Origin
    destination: _Destination
    flights: _Flights
    share: Annotated[float, Meta(description="Share of all flights of the answer, 0 to 1")]
    landed: _Landed
    median_time_s: Annotated[
        float | None, Meta(description="Median from take-off to landing, seconds; null: none timed")
    ]
    great_circle_nm: _GreatCircle


class FlightTimeRow(msgspec.Struct, frozen=True):
    """How long flights take between two airports, in one direction."""

    rank: _Rank
    origin: _Origin
    destination: Annotated[str, Meta(description="Airport of the landing that was seen")]
    timed: Annotated[int, Meta(description="Flights with take-off and landing seen by feeds")]
    median_time_s: Annotated[float, Meta(description="Median from take-off to landing, seconds")]
    p10_time_s: Annotated[float, Meta(description="A tenth took less, seconds")]
    p90_time_s: Annotated[float, Meta(description="A tenth took more, seconds")]
    great_circle_nm: _GreatCircle
    direct_speed_kt: Annotated[
        float | None,
        Meta(description="Great circle over median time, knots; null without or on a round trip"),
    ]


class AircraftRow(msgspec.Struct, frozen=True):
    """A type of aircraft."""

    rank: _Rank
    aircraft: Annotated[str | None, Meta(description="Type designator filed; null: none filed")]
    flights: _Flights
    share: Annotated[float, Meta(description="Share of all flights of the answer, 0 to 1")]
    flight_hours: Annotated[
        float, Meta(description="Hours from take-off to landing of those that were timed")
    ]


class HoursRow(msgspec.Struct, frozen=True):
    """Controllers' time on a kind of position, or on one position."""

    rank: _Rank
    position: Annotated[str | None, Meta(description="Callsign; null where kinds are counted")]
    position_type: Annotated[
        str, Meta(description="DEL, GND, TWR, APP (with DEP), CTR, FSS, or OTHER")
    ]
    hours: Annotated[float, Meta(description="Hours online within the period")]
    share: Annotated[float, Meta(description="Share of all hours of the answer, 0 to 1")]
    sessions: Annotated[int, Meta(description="Sessions")]
    positions: Annotated[int, Meta(description="Different callsigns")]
    members: Annotated[int, Meta(description="Different members; nobody is named")]


class PeakRow(msgspec.Struct, frozen=True):
    """The most pilots and the most controllers at once, of a day or of the whole period."""

    date: Annotated[
        str | None, Meta(description="Day by the division's clock; null for the whole period")
    ]
    peak_pilots: Annotated[
        int | None,
        Meta(description="Most pilots at once (scope airspace: flights in the air in it)"),
    ]
    peak_pilots_time: _MaybeWhen
    mean_pilots: Annotated[float | None, Meta(description="Mean over what is known")]
    peak_controllers: Annotated[int | None, Meta(description="Most controllers at once")]
    peak_controllers_time: _MaybeWhen
    mean_controllers: Annotated[float | None, Meta(description="Mean over what is known")]
    pilots_per_controller: Annotated[
        float | None, Meta(description="Peak pilots over peak controllers; null without any")
    ]
    known_share: _KnownShare


class BusiestHourRow(msgspec.Struct, frozen=True):
    """An hour of the week, or one hour of one date."""

    rank: _Rank
    time: Annotated[
        str | None, Meta(description="UTC start of the hour; null for hours of the week")
    ]
    weekday: Annotated[str, Meta(description="monday to sunday")]
    hour: Annotated[int, Meta(description="Hour of the day, 0 to 23")]
    clock: Annotated[str, Meta(description="By which clock: the division's time zone, or UTC")]
    mean_airborne: Annotated[
        float | None, Meta(description="Flights in the air at once, mean; null: unknown")
    ]
    peak_airborne: Annotated[int | None, Meta(description="Most at once")]
    peak_airborne_time: _MaybeWhen
    mean_controllers: Annotated[float | None, Meta(description="Controllers online, mean")]
    known_share: _KnownShare


class SectorLoadRow(msgspec.Struct, frozen=True):
    """How busy a sector was, and for how much of the time somebody worked it."""

    rank: _Rank
    sector: Annotated[str, Meta(description="The sector's name in its data set")]
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    mean_occupancy: Annotated[
        float | None, Meta(description="Flights inside, mean of the minutes known")
    ]
    peak_occupancy: Annotated[int | None, Meta(description="Flights inside, highest minute")]
    peak_occupancy_time: _MaybeWhen
    entries: Annotated[int | None, Meta(description="Flights that entered")]
    staffed_share: Annotated[
        float | None, Meta(description="Share of the known time with an owner online, 0 to 1")
    ]


class CoverageRow(msgspec.Struct, frozen=True):
    """Flights by instrument rules and radio contact, of a day or of the whole period."""

    date: Annotated[
        str | None, Meta(description="Day by the division's clock; null for the whole period")
    ]
    flights: Annotated[
        int | None, Meta(description="Flights by instrument rules in the air; null: unknown")
    ]
    flights_in_contact: Annotated[
        int | None, Meta(description="Of these ever in contact with a controller in the air")
    ]
    flights_share: Annotated[float | None, Meta(description="The same as a share, 0 to 1")]
    airborne_hours: Annotated[
        float | None, Meta(description="Their hours in the air while radios were heard")
    ]
    contact_hours: Annotated[
        float | None, Meta(description="Of these hours in contact, with whomever: once a second")
    ]
    contact_share: Annotated[float | None, Meta(description="Coverage: the one by the other")]
    known_share: Annotated[
        float, Meta(description="Share of that time in which radios were heard, 0 to 1")
    ]


class ContactRow(msgspec.Struct, frozen=True):
    """Flights by how many positions they were in contact with, or a position by its flights."""

    contacts: Annotated[
        int | None,
        Meta(description="Different positions in contact in the air; null: positions are counted"),
    ]
    position: Annotated[str | None, Meta(description="Callsign; null where flights are counted")]
    position_type: Annotated[
        str | None, Meta(description="Its kind, as in hours; null where flights are counted")
    ]
    flights: Annotated[int, Meta(description="Flights that took off in the period")]
    share: Annotated[float, Meta(description="Share of those whose contacts are known, 0 to 1")]
    instrument_flights: Annotated[int, Meta(description="Of these by instrument rules")]
    contact_hours: Annotated[
        float | None,
        Meta(description="Hours in contact with it, flights summed; null where they are counted"),
    ]


class Statistics(msgspec.Struct, frozen=True, tag_field="topic"):
    """What every answer of this kind says of itself."""

    statement: Annotated[str, Meta(description="What this is and how much is known, in words")]
    start: Time
    end: Time
    as_of: Annotated[
        str | None, Meta(description="The newest snapshot when this was worked out, UTC")
    ]
    timezone: Annotated[str, Meta(description="The division's time zone, as set")]
    scope: Annotated[str, Meta(description="airspace or network")]
    partition: Annotated[
        str | None, Meta(description="The partition that it is about; null: the whole airspace")
    ]
    by: Annotated[str | None, Meta(description="What a row is; null where there is one kind")]
    known_share: Annotated[
        float, Meta(description="Share of the period of which anything is known, 0 to 1")
    ]
    known_s: Annotated[int, Meta(description="The same in seconds")]
    total: Annotated[int, Meta(description="How many rows there are, on all pages")]


class AirportsAnswer(Statistics, frozen=True, tag="airports"):
    """Airports by take-offs and landings, busiest first."""

    departures: Annotated[int, Meta(description="Of all airports of the answer")]
    arrivals: Annotated[int, Meta(description="Of all airports of the answer")]
    rows: list[AirportRow]


class RoutesAnswer(Statistics, frozen=True, tag="routes"):
    """City pairs by flights, each direction apart, busiest first."""

    totals: FlightTotals
    rows: list[RouteRow]


class FlightTimesAnswer(Statistics, frozen=True, tag="flight_times"):
    """Times from take-off to landing by city pair, each direction apart, busiest first."""

    totals: FlightTotals
    rows: list[FlightTimeRow]


class AircraftAnswer(Statistics, frozen=True, tag="aircraft"):
    """Types of aircraft by flights, most flown first."""

    totals: FlightTotals
    rows: list[AircraftRow]


class HoursAnswer(Statistics, frozen=True, tag="hours"):
    """Controllers' hours, most first."""

    hours: Annotated[float, Meta(description="Hours of all sessions together")]
    sessions: Annotated[int, Meta(description="Sessions of which some part lies in the period")]
    members: Annotated[int, Meta(description="Different members; nobody is named")]
    rows: list[HoursRow]


class PeaksAnswer(Statistics, frozen=True, tag="peaks"):
    """The most pilots against the most controllers, day by day and over the period."""

    period: PeakRow
    rows: list[PeakRow]


class BusiestHoursAnswer(Statistics, frozen=True, tag="busiest_hours"):
    """Hours by flights in the air, busiest first."""

    rows: list[BusiestHourRow]


class SectorsAnswer(Statistics, frozen=True, tag="sectors"):
    """Sectors by mean occupancy, busiest first."""

    rows: list[SectorLoadRow]


class CoverageAnswer(Statistics, frozen=True, tag="coverage"):
    """How much of the time of flights by instrument rules somebody was in contact with them."""

    period: CoverageRow
    rows: list[CoverageRow]


class ContactsAnswer(Statistics, frozen=True, tag="contacts"):
    """How many positions flights were in contact with, or which positions with how many flights."""

    flights: Annotated[
        int, Meta(description="Flights for which radios were heard nine tenths of the time or more")
    ]
    flights_unknown: Annotated[int, Meta(description="Others: whom they heard is not known")]
    mean_contacts: Annotated[float | None, Meta(description="Positions a flight, mean")]
    median_contacts: Annotated[float | None, Meta(description="Positions a flight, median")]
    rows: list[ContactRow]


StatisticsAnswer: TypeAlias = (
    AirportsAnswer
    | RoutesAnswer
    | FlightTimesAnswer
    | AircraftAnswer
    | HoursAnswer
    | PeaksAnswer
    | BusiestHoursAnswer
    | SectorsAnswer
    | CoverageAnswer
    | ContactsAnswer
)


class FieldAnswer(msgspec.Struct, frozen=True):
    """A field of a topic's rows, and column of its CSV."""

    name: Annotated[str, Meta(description="Its name, with the unit where it has one")]
    words: Annotated[str, Meta(description="What it says")]


class TopicAnswer(msgspec.Struct, frozen=True):
    """A topic."""

    topic: Annotated[str, Meta(description="Its name in the path")]
    words: Annotated[str, Meta(description="What it says")]
    by: Annotated[list[str], Meta(description="What a row may be; the first where not asked for")]
    scopes: Annotated[list[str], Meta(description="The scopes it may have; the first likewise")]
    takes: Annotated[list[str], Meta(description="Further parameters that it takes")]
    fields: Annotated[list[FieldAnswer], Meta(description="The fields of a row, in order")]


class TopicList(msgspec.Struct, frozen=True):
    """What there are statistics of."""

    timezone: Annotated[str, Meta(description="The division's time zone, as set")]
    topics: list[TopicAnswer]
