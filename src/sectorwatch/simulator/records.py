"""Records as they stand in the feeds, and how their times are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from msgspec import Raw, Struct, UnsetType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "TICKS_A_SECOND",
    "AtisRecord",
    "ControllerRecord",
    "Feed",
    "General",
    "PilotRecord",
    "PrefileRecord",
    "Radio",
    "Transceivers",
    "compact",
    "timestamp",
    "timestamps",
]

TICKS_A_SECOND = 10_000_000
"""The feed's times have seven digits."""


class PilotRecord(Struct):
    """A record of `pilots[]`, its fields in the feed's order."""

    cid: int
    name: str
    callsign: str
    server: str
    pilot_rating: int
    military_rating: int | UnsetType
    latitude: float
    longitude: float
    altitude: int
    groundspeed: int
    transponder: str
    heading: int
    qnh_i_hg: float
    qnh_mb: int
    flight_plan: Raw
    logon_time: str
    last_updated: str


class ControllerRecord(Struct):
    """A record of `controllers[]`."""

    cid: int
    name: str
    callsign: str
    frequency: str
    facility: int
    rating: int
    server: str
    visual_range: int
    text_atis: Sequence[str] | None
    last_updated: str
    logon_time: str


class AtisRecord(Struct):
    """A record of `atis[]`."""

    cid: int
    name: str
    callsign: str
    frequency: str
    facility: int
    rating: int
    server: str
    visual_range: int
    atis_code: str | None
    text_atis: Sequence[str] | None
    last_updated: str
    logon_time: str


class PrefileRecord(Struct):
    """A record of `prefiles[]`."""

    cid: int
    name: str
    callsign: str
    flight_plan: Raw
    last_updated: str


class General(Struct):
    """The feed's header."""

    version: int
    reload: int
    update: str
    update_timestamp: str
    connected_clients: int
    unique_users: int
    simulated: bool = True
    """Ours: no real feed has it, so that no made one is ever taken for real."""


class Feed(Struct):
    """The whole data feed."""

    general: General
    pilots: list[PilotRecord]
    controllers: list[ControllerRecord]
    atis: list[AtisRecord]
    servers: Raw
    prefiles: list[Raw]
    facilities: Raw
    ratings: Raw
    pilot_ratings: Raw
    military_ratings: Raw


class Radio(Struct):
    """One transceiver of a station."""

    id: int
    frequency: int
    lat_deg: float = msgspec.field(name="latDeg")
    lon_deg: float = msgspec.field(name="lonDeg")
    height_msl_m: float = msgspec.field(name="heightMslM")
    height_agl_m: float = msgspec.field(name="heightAglM")


class Transceivers(Struct):
    """A station of the transceivers feed."""

    callsign: str
    transceivers: list[Radio]


def timestamp(ticks: int) -> str:
    """A moment in ten-millionths of a second as the feed writes it: no noughts at the end.

    >>> timestamp(16786418586737570)
    '2023-03-12T17:24:18.673757Z'
    >>> timestamp(16786418580000000)
    '2023-03-12T17:24:18Z'
    """
    second, part = divmod(ticks, TICKS_A_SECOND)
    text = _second_text(second)
    return f"{text}.{part:07d}".rstrip("0") + "Z" if part else f"{text}Z"


_TEXTS: dict[int, str] = {}
_MOST_TEXTS = 20_000


def _second_text(second: int) -> str:
    text = _TEXTS.get(second)
    if text is None:
        if len(_TEXTS) > _MOST_TEXTS:
            _TEXTS.clear()
        text = _TEXTS[second] = str(np.datetime64(second, "s"))
    return text


def timestamps(times_us: NDArray[np.int64], members: NDArray[np.int64]) -> list[str]:
    """Each moment as text; the seventh digit is the member's."""
    second, micro = np.divmod(times_us, 1_000_000)
    part = micro * 10 + np.where(micro > 0, members % 10, 0)
    return [
        (f"{_second_text(one)}.{other:07d}".rstrip("0") + "Z") if other else f"{_second_text(one)}Z"
        for one, other in zip(second.tolist(), part.tolist(), strict=True)
    ]


def compact(time_s: int) -> str:
    """A moment as the header's `update` has it: digits alone."""
    return "".join(char for char in _second_text(time_s) if char.isdigit())
