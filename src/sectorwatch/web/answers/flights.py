"""Answers about flights."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import (
    AltitudeFt,
    Callsign,
    FlightId,
    Icao,
    Known,
    Latitude,
    Longitude,
    MaybeGap,
    MaybeTime,
    MemberHash,
    Missing,
    SectorRef,
    Statement,
    Time,
)
from sectorwatch.web.answers.coverage import ContactAnswer, FlightContact

__all__ = [
    "FiledPlan",
    "FlightAnswer",
    "FlightDetail",
    "FlightList",
    "FlightStats",
    "LineFeature",
    "LineGeometry",
    "MovementAnswer",
    "PastFlightList",
    "Track",
    "TrackFeatures",
    "TrackPoint",
    "VisitAnswer",
]


class FiledPlan(msgspec.Struct, frozen=True, gc=False):
    """A filed flight plan: fields as in the feed, then what was understood of them."""

    flight_rules: Annotated[str, Meta(description="I (IFR), V (VFR) or another letter, as filed")]
    aircraft: Annotated[str, Meta(description="Aircraft and equipment, ICAO form, as filed")]
    aircraft_faa: Annotated[str, Meta(description="Aircraft and equipment, FAA form")]
    aircraft_short: Annotated[str, Meta(description="Aircraft type designator")]
    departure: Icao
    arrival: Icao
    alternate: Icao
    cruise_tas: Annotated[str, Meta(description="Cruise true airspeed, as filed")]
    altitude: Annotated[str, Meta(description="Cruise level, as filed (free text)")]
    deptime: Annotated[str, Meta(description="Departure time, as filed (HHMM, UTC)")]
    enroute_time: Annotated[str, Meta(description="Time en route, as filed (HHMM)")]
    fuel_time: Annotated[str, Meta(description="Endurance, as filed (HHMM)")]
    remarks: Annotated[str, Meta(description="Remarks, as filed, members' names removed")]
    route: Annotated[str, Meta(description="Route, as filed")]
    revision_id: Annotated[int, Meta(description="How often the plan was revised")]
    assigned_transponder: Annotated[str, Meta(description="Assigned squawk")]
    cruise_altitude_ft: Annotated[
        int | None, Meta(description="Cruise altitude understood, feet; null if it made no sense")
    ]
    cruise_tas_kt: Annotated[
        int | None, Meta(description="Cruise true airspeed understood, knots; null if no sense")
    ]
    departure_minute: Annotated[
        int | None, Meta(description="Departure time understood, minutes after midnight UTC")
    ]
    enroute_minutes: Annotated[int | None, Meta(description="Time en route understood, minutes")]


class FlightAnswer(msgspec.Struct, frozen=True, gc=False):
    """A flight that is on the network now."""

    flight_id: FlightId
    callsign: Callsign
    cid: MemberHash
    server: Annotated[str, Meta(description="Network server")]
    pilot_rating: Annotated[int, Meta(description="As in /api/vatsim/ratings")]
    latitude: Latitude
    longitude: Longitude
    altitude: AltitudeFt
    groundspeed: Annotated[int, Meta(description="Knots")]
    heading: Annotated[int, Meta(description="Degrees, 0 to 359")]
    transponder: Annotated[str, Meta(description="Squawk, four octal digits; empty if unknown")]
    qnh_mb: Annotated[int | None, Meta(description="Altimeter setting, hPa")]
    last_updated: Time
    airborne: Annotated[bool, Meta(description="Whether the flight is in the air")]
    sectors: Annotated[list[SectorRef], Meta(description="Sectors it occupies, one a partition")]
    in_contact_with: Annotated[
        str | None,
        Meta(
            description="Callsign of the position it is in radio contact with, of several the one "
            "begun last; null where there is none, or nobody knows"
        ),
    ]
    first_seen: Time
    logon_time: Time
    departed_from: Annotated[str | None, Meta(description="Airport of the observed take-off")]
    departed_time: MaybeTime
    arrived_at: Annotated[str | None, Meta(description="Airport of the observed landing")]
    arrived_time: MaybeTime
    reconnects: Annotated[int, Meta(description="Times it came back after a disconnect")]
    flight_plan: Annotated[FiledPlan | None, Meta(description="null where none is filed")]


class FlightList(msgspec.Struct, frozen=True):
    """Flights on the network now."""

    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    total: Annotated[int, Meta(description="How many match, on all pages")]
    flights: list[FlightAnswer]


class PastFlightList(msgspec.Struct, frozen=True):
    """Flights that were on the network at a moment of the past, each at its last position."""

    at: Time
    known: Known
    statement: Statement
    gap: MaybeGap
    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    total: Annotated[int | None, Meta(description="How many match; null where nothing is known")]
    flights: list[FlightAnswer]


class VisitAnswer(msgspec.Struct, frozen=True):
    """A stay in a sector."""

    sector: Annotated[str, Meta(description="The sector's name")]
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    entry_time: Time
    exit_time: MaybeTime
    duration_s: Annotated[
        int | None, Meta(description="Seconds from entry to exit; null while it lasts")
    ]
    entry_latitude: Latitude
    entry_longitude: Longitude
    entry_altitude_ft: AltitudeFt
    exit_latitude: Annotated[float | None, Meta(description="Degrees north")]
    exit_longitude: Annotated[float | None, Meta(description="Degrees east")]
    exit_altitude_ft: Annotated[int | None, Meta(description="Feet above mean sea level")]


class MovementAnswer(msgspec.Struct, frozen=True):
    """A take-off or a landing."""

    kind: Annotated[str, Meta(description="departure or arrival")]
    airport: Icao
    time: Time
    callsign: Callsign
    flight_id: FlightId


class FlightDetail(msgspec.Struct, frozen=True):
    """A flight with its sector visits and movements, live or past."""

    flight_id: FlightId
    callsign: Callsign
    online: Annotated[bool, Meta(description="Whether it is on the network now")]
    live: Annotated[FlightAnswer | None, Meta(description="Its present state; null if gone")]
    first_seen: Time
    ended: MaybeTime
    departed_from: Annotated[str | None, Meta(description="Airport of the observed take-off")]
    departed_time: MaybeTime
    arrived_at: Annotated[str | None, Meta(description="Airport of the observed landing")]
    arrived_time: MaybeTime
    reconnects: Annotated[int, Meta(description="Times it came back after a disconnect")]
    flight_plan: Annotated[FiledPlan | None, Meta(description="The plan last filed")]
    visits: Annotated[list[VisitAnswer], Meta(description="Sector visits, oldest first")]
    movements: Annotated[list[MovementAnswer], Meta(description="Take-offs and landings")]
    contacts: Annotated[
        list[ContactAnswer], Meta(description="Times in radio contact, oldest first")
    ]
    coverage: FlightContact
    missing: Missing


class TrackPoint(msgspec.Struct, frozen=True, gc=False):
    """A position."""

    time: Time
    latitude: Latitude
    longitude: Longitude
    altitude_ft: AltitudeFt
    groundspeed_kt: Annotated[int, Meta(description="Knots")]
    heading_deg: Annotated[int, Meta(description="Degrees, 0 to 359")]
    airborne: Annotated[bool, Meta(description="Whether it was in the air")]


class Track(msgspec.Struct, frozen=True):
    """All positions of a flight, oldest first."""

    flight_id: FlightId
    callsign: Callsign
    count: Annotated[int, Meta(description="How many positions")]
    points: list[TrackPoint]
    missing: Missing


class LineGeometry(msgspec.Struct, frozen=True):
    """A GeoJSON geometry (RFC 7946): cut where the track crosses the antimeridian."""

    type: Annotated[str, Meta(description="LineString, MultiLineString or Point")]
    coordinates: Annotated[
        list[Any], Meta(description="Longitude, latitude (degrees), altitude (metres)")
    ]


class LineFeature(msgspec.Struct, frozen=True):
    """A GeoJSON feature."""

    type: Annotated[str, Meta(description="Feature")]
    geometry: Annotated[LineGeometry | None, Meta(description="null where no position is kept")]
    properties: Annotated[
        dict[str, Any],
        Meta(description="flight_id, callsign, and times (UTC, one a position)"),
    ]


class TrackFeatures(msgspec.Struct, frozen=True):
    """A track as GeoJSON."""

    type: Annotated[str, Meta(description="FeatureCollection")]
    features: list[LineFeature]


class FlightStats(msgspec.Struct, frozen=True):
    """A flight in figures."""

    flight_id: FlightId
    callsign: Callsign
    positions: Annotated[int, Meta(description="Positions kept")]
    first_position: MaybeTime
    last_position: MaybeTime
    online_s: Annotated[int, Meta(description="Seconds from first to last position")]
    airborne_s: Annotated[int, Meta(description="Seconds in the air")]
    distance_flown_nm: Annotated[float, Meta(description="Along the track in the air, NM")]
    direct_distance_nm: Annotated[
        float | None, Meta(description="Great circle between filed airports, NM")
    ]
    max_altitude_ft: Annotated[int | None, Meta(description="Highest altitude, feet")]
    max_groundspeed_kt: Annotated[int | None, Meta(description="Highest groundspeed, knots")]
    mean_groundspeed_kt: Annotated[
        float | None, Meta(description="Distance flown over time in the air, knots")
    ]
    sectors_visited: Annotated[int, Meta(description="Sector visits")]
    movements: Annotated[int, Meta(description="Take-offs and landings")]
    reconnects: Annotated[int, Meta(description="Times it came back after a disconnect")]
