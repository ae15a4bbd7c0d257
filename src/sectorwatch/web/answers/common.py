"""Pieces that several answers share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

__all__ = [
    "AltitudeFt",
    "Callsign",
    "FlightId",
    "Icao",
    "Latitude",
    "Longitude",
    "MaybeTime",
    "MemberHash",
    "SectorRef",
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


class SectorRef(msgspec.Struct, frozen=True, gc=False):
    """A sector by name, and which division of the sky it belongs to."""

    name: Annotated[str, Meta(description="The sector's name in its data set")]
    partition: Annotated[
        str,
        Meta(description="Data set and kind, such as vatspy:fir; of each, a point is in one"),
    ]
