"""Answers about sectors and who works them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import (
    Callsign,
    FlightId,
    Known,
    MaybeGap,
    MaybeTime,
    MemberHash,
    Missing,
    Statement,
    Time,
)
from sectorwatch.web.answers.coverage import PositionLoad
from sectorwatch.web.answers.flights import FlightAnswer

__all__ = [
    "ControllerAnswer",
    "ControllerList",
    "InboundFlight",
    "MinuteBin",
    "Occupancy",
    "OwnerAnswer",
    "PastControllerList",
    "PastSectorDetail",
    "PastSectorList",
    "PositionListEntry",
    "QuarterBin",
    "SectorAnswer",
    "SectorDetail",
    "SectorFlights",
    "SectorList",
    "VolumeAnswer",
]


class OwnerAnswer(msgspec.Struct, frozen=True):
    """The position that works a sector now."""

    callsign: Callsign
    frequency: Annotated[str, Meta(description="Primary frequency, MHz")]
    since: Time
    why: Annotated[str, Meta(description="By which rule of the sector's list, in words")]


class SectorAnswer(msgspec.Struct, frozen=True):
    """A sector and how busy it is now."""

    name: Annotated[str, Meta(description="The sector's name in its data set")]
    label: Annotated[str, Meta(description="Its name for people")]
    kind: Annotated[str, Meta(description="fir, enroute or approach")]
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    sector_id: Annotated[str, Meta(description="A stable number for it, as text")]
    occupancy: Annotated[
        int | None, Meta(description="Airborne flights inside; null: not known of a past moment")
    ]
    in_contact: Annotated[
        int | None,
        Meta(description="Of these, in radio contact with any controller; null where not known"),
    ]
    capacity: Annotated[int | None, Meta(description="Flights at once, as configured")]
    staffed: Annotated[bool, Meta(description="Whether an owner is online")]
    owner: Annotated[OwnerAnswer | None, Meta(description="null where nobody is online for it")]
    in_airspace: Annotated[
        bool, Meta(description="False: no longer drawn, shown for its history alone")
    ]


class SectorList(msgspec.Struct, frozen=True):
    """All sectors."""

    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    made: Annotated[bool, Meta(description="True: made by the project, no real boundaries")]
    total: Annotated[int, Meta(description="How many match, on all pages")]
    sectors: list[SectorAnswer]


class PastSectorList(msgspec.Struct, frozen=True):
    """All sectors at a moment of the past."""

    at: Time
    known: Known
    statement: Statement
    gap: MaybeGap
    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    made: Annotated[bool, Meta(description="True: made by the project, no real boundaries")]
    total: Annotated[int | None, Meta(description="How many match; null where nothing is known")]
    sectors: list[SectorAnswer]


class VolumeAnswer(msgspec.Struct, frozen=True):
    """A volume of a sector."""

    floor_ft: Annotated[float | None, Meta(description="Feet, inclusive; null: no floor given")]
    ceiling_ft: Annotated[float | None, Meta(description="Feet, exclusive; null: none given")]
    geometry: Annotated[
        dict[str, Any], Meta(description="GeoJSON polygon, longitude and latitude in degrees")
    ]


class PositionListEntry(msgspec.Struct, frozen=True):
    """An entry of the list of positions that may work a sector, first come first."""

    prefix: Annotated[str, Meta(description="Callsign prefix")]
    suffixes: Annotated[list[str], Meta(description="Callsign endings, such as CTR")]
    frequency: Annotated[str | None, Meta(description="MHz; null where none is known")]
    why: Annotated[str, Meta(description="How it came into the list, in words")]


class SectorDetail(msgspec.Struct, frozen=True):
    """A sector: shape, owner and why, who may work it, what is wrong in its data."""

    sector: SectorAnswer
    contacts: Annotated[
        list[PositionLoad] | None,
        Meta(
            description="Who is in contact with how many of those inside, most first; null where "
            "no radios were heard lately"
        ),
    ]
    volumes: list[VolumeAnswer]
    positions: list[PositionListEntry]
    notes: Annotated[list[str], Meta(description="What was repaired when it was read")]
    also_named: Annotated[
        list[str], Meta(description="Partitions that have a sector of this name too")
    ]


class PastSectorDetail(msgspec.Struct, frozen=True):
    """A sector at a moment of the past: how busy it was, and who worked it and why."""

    at: Time
    known: Known
    statement: Statement
    gap: MaybeGap
    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    sector: Annotated[SectorAnswer | None, Meta(description="null where nothing is known")]


class MinuteBin(msgspec.Struct, frozen=True):
    """A minute."""

    time: Time
    occupancy: Annotated[
        int | None, Meta(description="Flights inside at hh:mm:00; null: no feed, unknown")
    ]
    entries: Annotated[int | None, Meta(description="Flights that entered; null: unknown")]


class QuarterBin(msgspec.Struct, frozen=True):
    """A quarter of an hour, by the minutes known."""

    time: Time
    mean_occupancy: Annotated[float | None, Meta(description="Flights, mean of the minutes")]
    peak_occupancy: Annotated[int | None, Meta(description="Flights, highest minute")]
    entries: Annotated[int | None, Meta(description="Flights that entered")]
    minutes_known: Annotated[int, Meta(description="Minutes of the 15 with a feed")]


class Occupancy(msgspec.Struct, frozen=True):
    """A sector's occupancy over time."""

    sector: Annotated[str, Meta(description="The sector's name")]
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    start: Time
    end: Time
    final_until: Annotated[
        str | None, Meta(description="Minutes up to this are final (3 min after), UTC")
    ]
    now: Annotated[
        int | None,
        Meta(description="Flights inside by the last known positions; null: no longer drawn"),
    ]
    minutes: list[MinuteBin]
    quarters: list[QuarterBin]
    in_airspace: Annotated[
        bool, Meta(description="False: no longer drawn, shown for its history alone")
    ]
    statement: Annotated[
        str | None, Meta(description="In words what is to be known of it; null where nothing is")
    ]
    missing: Missing


class InboundFlight(msgspec.Struct, frozen=True):
    """A flight expected to enter."""

    flight_id: FlightId
    callsign: Callsign
    departure: Annotated[str, Meta(description="Filed departure airport")]
    arrival: Annotated[str, Meta(description="Filed arrival airport")]
    estimated_entry: Time
    minutes_to_entry: Annotated[float, Meta(description="Minutes from the snapshot to entry")]
    basis: Annotated[str, Meta(description="What the estimate rests on, in words")]
    earliest_entry: Annotated[
        MaybeTime,
        Meta(description="One in ten of such estimates comes before; null without a forecast"),
    ] = None
    latest_entry: Annotated[
        MaybeTime,
        Meta(description="One in ten of such estimates comes after; null without a forecast"),
    ] = None
    probability: Annotated[
        float | None,
        Meta(description="That it enters at all within 4 h; null without a forecast"),
    ] = None


class SectorFlights(msgspec.Struct, frozen=True):
    """Flights inside a sector, and those inbound."""

    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    sector: Annotated[str, Meta(description="The sector's name")]
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    inside: list[FlightAnswer]
    inbound: Annotated[list[InboundFlight], Meta(description="Soonest first")]


class ControllerAnswer(msgspec.Struct, frozen=True, gc=False):
    """A controller online: pilots and observers that the feed lists as such are left out."""

    session_id: Annotated[str, Meta(description="This session's number, as text")]
    callsign: Callsign
    cid: MemberHash
    frequency: Annotated[str, Meta(description="Primary frequency, MHz")]
    facility: Annotated[int, Meta(description="As in /api/vatsim/ratings, such as 6 for CTR")]
    facility_name: Annotated[str, Meta(description="Short name of the facility")]
    rating: Annotated[int, Meta(description="As in /api/vatsim/ratings")]
    rating_name: Annotated[str, Meta(description="Short name of the rating")]
    server: Annotated[str, Meta(description="Network server")]
    visual_range: Annotated[int, Meta(description="NM")]
    logon_time: Time
    first_seen: Time
    online_s: Annotated[int, Meta(description="Seconds since logon, at the snapshot")]
    text_atis: Annotated[list[str], Meta(description="Controller information, names removed")]
    sectors: Annotated[list[str], Meta(description="Names of the sectors it owns now")]
    ended: MaybeTime


class PastControllerList(msgspec.Struct, frozen=True):
    """Controllers that were online at a moment of the past; `text_atis` is not kept."""

    at: Time
    known: Known
    statement: Statement
    gap: MaybeGap
    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    total: Annotated[int | None, Meta(description="How many match; null where nothing is known")]
    controllers: list[ControllerAnswer]


class ControllerList(msgspec.Struct, frozen=True):
    """Controllers online."""

    snapshot_time: Annotated[str | None, Meta(description="Time of the feed this comes from, UTC")]
    total: Annotated[int, Meta(description="How many match, on all pages")]
    controllers: list[ControllerAnswer]
