"""The feed's types: what one fetch held, after decoding and repair.

A `Snapshot` holds one fetch of the v3 data feed, a `TransceiverSnapshot` one of the transceivers
feed. Fields that the feed has keep their v3 names; what we derive carries its unit. Members' names
are in none of these: they were emptied before anything was written, and `cid` is a keyed hash
unless the installation chose to keep the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Atis",
    "Controller",
    "FiledFields",
    "FlightPlan",
    "Kind",
    "Pilot",
    "PilotColumns",
    "Prefile",
    "RawFeed",
    "Reference",
    "Snapshot",
    "Station",
    "Transceiver",
    "TransceiverSnapshot",
]


class Kind(IntEnum):
    """What a payload is; the value is written into journal records, so it never changes."""

    FEED = 1
    TRANSCEIVERS = 2


@dataclass(frozen=True, slots=True)
class RawFeed:
    """What a source handed over: one payload as it came in, decompressed, nothing made of it.

    `masked` is True where it was read back from a journal, whose records are masked once and never
    again. `snapshot_time_us` is known beforehand only there, and `key_fingerprint`: of the key that
    it was masked with ("" where a damaged header no longer says). `correlation_id` is that of its
    fetch, so that what is made of it is found under the same.
    """

    kind: Kind
    payload: bytes
    received_at_us: int
    masked: bool = False
    snapshot_time_us: int | None = None
    key_fingerprint: str | None = field(default=None, compare=False)
    correlation_id: str = field(default="", compare=False)


class FiledFields(msgspec.Struct, frozen=True, gc=False):
    """The fields of a plan that the feed has, as text."""

    flight_rules: str = ""
    aircraft: str = ""
    aircraft_faa: str = ""
    aircraft_short: str = ""
    departure: str = ""
    arrival: str = ""
    alternate: str = ""
    cruise_tas: str = ""
    altitude: str = ""
    deptime: str = ""
    enroute_time: str = ""
    fuel_time: str = ""
    remarks: str = ""
    route: str = ""
    revision_id: int = 0
    assigned_transponder: str = ""


class FlightPlan(FiledFields, frozen=True, gc=False):
    """A filed plan: v3 fields as text, then what could be understood of them (None if nothing)."""

    cruise_altitude_ft: int | None = None
    cruise_tas_kt: int | None = None
    departure_minute: int | None = None
    """Filed off-block time, minutes after midnight UTC."""
    enroute_minutes: int | None = None


class Pilot(msgspec.Struct, gc=False):
    """One pilot record; its numbers that move stand in `PilotColumns`, at the same index."""

    cid: int
    callsign: str
    server: str
    pilot_rating: int
    military_rating: int
    transponder: str
    qnh_i_hg: float | None
    qnh_mb: int | None
    flight_plan: bytes
    """The plan as raw JSON, b"" where there is none: decoded by `decode_plan` when it changes."""
    logon_time: str


@dataclass(frozen=True, slots=True)
class PilotColumns:
    """The numbers of all pilots of a snapshot, shape (n,), in the order of `Snapshot.pilots`.

    Every value is finite and in range: latitude -90..90, longitude -180..180 (never 180 itself),
    heading 0..359, groundspeed 0..5000, altitude -2,000..100,000.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    altitude_ft: NDArray[np.int32]
    groundspeed_kt: NDArray[np.int32]
    heading_deg: NDArray[np.int32]
    time_s: NDArray[np.int64]
    """The position's own time: `last_updated` in whole seconds, never later than the snapshot."""


class Controller(msgspec.Struct, frozen=True, gc=False):
    """A record of `controllers[]`, which holds pilots and observers too; see `is_atc`."""

    cid: int
    callsign: str
    frequency: str
    facility: int
    rating: int
    server: str
    visual_range: int
    text_atis: tuple[str, ...]
    logon_time_s: int
    time_s: int

    @property
    def is_atc(self) -> bool:
        """Whether this is somebody who controls: a facility, a tuned frequency, no observer.

        >>> Controller(1, "YSSY_TWR", "120.500", 4, 3, "", 50, (), 0, 0).is_atc
        True
        >>> Controller(1, "QFA12", "199.998", 0, 1, "", 50, (), 0, 0).is_atc
        False
        """
        return (
            self.facility > 0
            and self.frequency not in {"199.998", ""}
            and not self.callsign.endswith(("_OBS", "_SUP"))
        )


class Atis(msgspec.Struct, frozen=True, gc=False):
    """A record of `atis[]`."""

    cid: int
    callsign: str
    frequency: str
    facility: int
    rating: int
    server: str
    visual_range: int
    atis_code: str
    text_atis: tuple[str, ...]
    logon_time_s: int
    time_s: int


class Prefile(msgspec.Struct, frozen=True, gc=False):
    """A plan filed by somebody who is not (yet) online under that callsign."""

    cid: int
    callsign: str
    flight_plan: bytes
    """Raw JSON, as in `Pilot`."""
    time_s: int


class Reference(msgspec.Struct, frozen=True):
    """The feed's own tables: id to (short name, long name)."""

    facilities: dict[int, tuple[str, str]] = {}
    ratings: dict[int, tuple[str, str]] = {}
    pilot_ratings: dict[int, tuple[str, str]] = {}
    military_ratings: dict[int, tuple[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One fetch of the data feed.

    `time_us` is `general.update_timestamp`; `received_at_us` is when we had it. `repaired` and
    `dropped` count records by reason, `noted` what is odd and was kept as it is; the reasons stand
    in `sectorwatch.feed.repair`. `(cid, callsign)` is unique among `pilots`.
    """

    time_us: int
    received_at_us: int
    pilots: Sequence[Pilot]
    columns: PilotColumns
    controllers: Sequence[Controller]
    atis: Sequence[Atis]
    prefiles: Sequence[Prefile]
    connected_clients: int
    unique_users: int
    reference: Reference
    repaired: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    noted: Mapping[str, int] = field(default_factory=dict)

    @property
    def time_s(self) -> int:
        """The snapshot's time in whole seconds."""
        return self.time_us // 1_000_000


class Transceiver(msgspec.Struct, frozen=True, gc=False):
    """A radio: where its antenna is and what it is tuned to."""

    id: int
    frequency_hz: int
    latitude: float
    longitude: float
    height_msl_m: float
    height_agl_m: float


class Station(msgspec.Struct, frozen=True, gc=False):
    """All radios of one callsign, a pilot's or a controller's."""

    callsign: str
    transceivers: tuple[Transceiver, ...]


@dataclass(frozen=True, slots=True)
class TransceiverSnapshot:
    """One fetch of the transceivers feed, which carries no time of its own.

    `time_us` is that of the data feed last accepted before it, or the time received if none was.
    """

    time_us: int
    received_at_us: int
    stations: Sequence[Station]
    repaired: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    noted: Mapping[str, int] = field(default_factory=dict)
