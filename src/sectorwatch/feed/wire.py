"""The feed as it stands in JSON: types loose enough that the usual document is read in one go.

A number that moves is read as a float whatever it is written as, a plan stays raw JSON, and what is
absent or null has a default; ranges are checked afterwards. A document with one record of other
types fails as a whole, and is then read record by record (`sectorwatch.feed.reading`).
"""

from __future__ import annotations

import msgspec

__all__ = [
    "NULL",
    "Outline",
    "Wire",
    "WireAtis",
    "WireController",
    "WireGeneral",
    "WirePilot",
    "WirePrefile",
    "WireServer",
    "WireTables",
    "read_outline",
    "read_wire",
]

NULL = msgspec.Raw(b"null")


class WirePilot(msgspec.Struct, gc=False):
    """A record of `pilots[]`."""

    cid: int | None = None
    callsign: str | None = None
    server: str | None = None
    pilot_rating: int | None = None
    military_rating: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    groundspeed: float | None = None
    heading: float | None = None
    transponder: str | None = None
    qnh_i_hg: float | None = None
    qnh_mb: float | None = None
    flight_plan: msgspec.Raw = NULL
    logon_time: str | None = None
    last_updated: str | None = None


class WireController(msgspec.Struct, gc=False):
    """A record of `controllers[]`."""

    cid: int | None = None
    callsign: str | None = None
    frequency: str | None = None
    facility: int | None = None
    rating: int | None = None
    server: str | None = None
    visual_range: float | None = None
    text_atis: list[str] | None = None
    logon_time: str | None = None
    last_updated: str | None = None


class WireAtis(WireController, gc=False):
    """A record of `atis[]`."""

    atis_code: str | None = None


class WirePrefile(msgspec.Struct, gc=False):
    """A record of `prefiles[]`."""

    cid: int | None = None
    callsign: str | None = None
    flight_plan: msgspec.Raw = NULL
    last_updated: str | None = None


class WireServer(msgspec.Struct, gc=False):
    """A record of `servers[]`; only that it has a name matters."""

    name: msgspec.Raw


class WireGeneral(msgspec.Struct):
    """The feed's header."""

    update_timestamp: str | None = None
    update: str | None = None
    connected_clients: int | None = None
    unique_users: int | None = None


class WireTables(msgspec.Struct):
    """The feed's own tables, raw."""

    facilities: msgspec.Raw = NULL
    ratings: msgspec.Raw = NULL
    pilot_ratings: msgspec.Raw = NULL
    military_ratings: msgspec.Raw = NULL


class Wire(WireTables, kw_only=True):
    """A whole data feed."""

    general: msgspec.Raw = NULL
    pilots: list[WirePilot]
    controllers: list[WireController] = []
    atis: list[WireAtis] = []
    prefiles: list[WirePrefile] = []
    servers: list[WireServer] = []


class _Member(msgspec.Struct, gc=False):
    cid: int


class Outline(msgspec.Struct):
    """A whole data feed of which nothing is read but who is in it."""

    general: msgspec.Raw = NULL
    pilots: list[_Member] = []
    controllers: list[_Member] = []
    atis: list[_Member] = []
    prefiles: list[_Member] = []
    servers: list[WireServer] = []


_WIRE = msgspec.json.Decoder(Wire)
_OUTLINE = msgspec.json.Decoder(Outline)


def read_wire(document: bytes) -> Wire | None:
    """The whole document, typed; None where anything in it is of another type or no JSON."""
    try:
        return _WIRE.decode(document)
    except (ValueError, RecursionError):
        return None


def read_outline(document: bytes) -> Outline | None:
    """Who is in the document; None where a `cid` is no whole number, or it is no JSON."""
    try:
        return _OUTLINE.decode(document)
    except (ValueError, RecursionError):
        return None
