"""Pieces that several answers share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

__all__ = [
    "AltitudeFt",
    "Callsign",
    "FlightId",
    "GapAnswer",
    "Icao",
    "Known",
    "Latitude",
    "Longitude",
    "LostTime",
    "MaybeGap",
    "MaybeTime",
    "MemberHash",
    "Missing",
    "SectorRef",
    "Statement",
    "Time",
]

Time: TypeAlias = Annotated[
    str,
    Meta(
        description="UTC, such as 2025-08-06T21:00:00Z",
        extra_json_schema={"format": "date-time"},
    ),
]
MaybeTime: TypeAlias = Annotated[
    str | None,
    Meta(description="UTC, such as 2025-08-06T21:00:00Z; null if it has not happened"),
]
Callsign: TypeAlias = Annotated[str, Meta(description="Callsign as on the network")]
Icao: TypeAlias = Annotated[str, Meta(description="Airport identifier, ICAO where it has one")]
FlightId: TypeAlias = Annotated[
    str,
    Meta(description="This flight's number (63 bit, as text): the same after every replay"),
]
MemberHash: TypeAlias = Annotated[
    int,
    Meta(
        description="Keyed hash of the member's number; the number itself only where the setting "
        "store_member_numbers keeps it"
    ),
]
Latitude: TypeAlias = Annotated[float, Meta(description="Degrees north, -90 to 90")]
Longitude: TypeAlias = Annotated[float, Meta(description="Degrees east, -180 to 180")]
AltitudeFt: TypeAlias = Annotated[int, Meta(description="Feet above mean sea level")]


class GapAnswer(msgspec.Struct, frozen=True):
    """Time of which there is no snapshot: nothing is known of it, which is not nobody."""

    start: Time
    end: Time


class LostTime(msgspec.Struct, frozen=True):
    """A time of which something was kept and is no longer: nothing in it does not mean nobody."""

    start: Time
    end: Time
    why: Annotated[str, Meta(description="Let go, or a file that is missing or damaged")]


Missing: TypeAlias = Annotated[
    list[LostTime], Meta(description="Times of which nothing is left, oldest first; mostly empty")
]
Known: TypeAlias = Annotated[
    bool,
    Meta(description="False: nothing is known of that moment, and the list is empty for it"),
]
Statement: TypeAlias = Annotated[
    str, Meta(description="In words: by which snapshot, or why nothing is known, what is missing")
]
MaybeGap: TypeAlias = Annotated[
    GapAnswer | None, Meta(description="The gap between snapshots that the moment lies in")
]


class SectorRef(msgspec.Struct, frozen=True, gc=False):
    """A sector by name, and which division of the sky it belongs to."""

    name: Annotated[str, Meta(description="The sector's name in its data set")]
    partition: Annotated[
        str,
        Meta(description="Data set and kind, such as vatspy:fir; of each, a point is in one"),
    ]
