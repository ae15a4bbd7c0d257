"""What one step of the tracker gives: what changed, and what is so now.

Rows are what a database keeps: small, frozen, keyed by numbers that the same feeds always give
again. `Live` is the present, as arrays and references, for whoever answers questions about "now".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from sectorwatch.feed.records import FlightPlan  # noqa: TC001 - msgspec reads it at run time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sectorwatch.feed.records import Atis, Controller, Prefile, Reference

__all__ = [
    "Contact",
    "Demand",
    "Flight",
    "Gap",
    "Live",
    "Movement",
    "NetworkCounts",
    "Owner",
    "Ownership",
    "PlanRevision",
    "Positions",
    "PrefileRow",
    "Session",
    "Tick",
    "Visit",
]


class Flight(msgspec.Struct, frozen=True, gc=False):
    """One member flying one callsign, as known now; a changed flight is a new value.

    `flight_id` is a 63-bit hash of (cid, callsign, first_seen_s). Times in seconds, None if it has
    not happened. `ended_s` is the time of the last position of a flight that is gone.
    """

    flight_id: int
    cid: int
    callsign: str
    first_seen_s: int
    logon_time_s: int
    server: str
    pilot_rating: int
    plan: FlightPlan | None
    departed_s: int | None = None
    departed_from: str | None = None
    arrived_s: int | None = None
    arrived_at: str | None = None
    ended_s: int | None = None
    reconnects: int = 0


class PlanRevision(msgspec.Struct, frozen=True, gc=False):
    """A flight's plan as it became known at `received_at_us` (what an as-of question needs)."""

    flight_id: int
    received_at_us: int
    snapshot_time_us: int
    plan: FlightPlan


class PrefileRow(msgspec.Struct, frozen=True, gc=False):
    """A prefile from the moment it was first seen until it was gone or changed.

    `prefile_id` is a stable 63-bit hash of (cid, callsign, first_seen_s, plan).
    """

    prefile_id: int
    cid: int
    callsign: str
    first_seen_s: int
    received_at_us: int
    plan: FlightPlan
    gone_s: int | None = None


class Visit(msgspec.Struct, frozen=True, gc=False):
    """An airborne flight's stay in a sector, key (flight_id, sector_id, entry_s); open: exit None.

    Coordinates in degrees, altitudes in feet, interpolated to the second of entry and exit.
    """

    flight_id: int
    sector_id: int
    entry_s: int
    entry_latitude: float
    entry_longitude: float
    entry_altitude_ft: int
    exit_s: int | None = None
    exit_latitude: float | None = None
    exit_longitude: float | None = None
    exit_altitude_ft: int | None = None


class Movement(msgspec.Struct, frozen=True, gc=False):
    """A take-off or landing at an airport, key (flight_id, kind, time_s)."""

    flight_id: int
    kind: Literal["departure", "arrival"]
    airport: str
    time_s: int
    callsign: str


class Session(msgspec.Struct, frozen=True, gc=False):
    """A controller's time on one position; `session_id` hashes (cid, callsign, logon_time_s)."""

    session_id: int
    cid: int
    callsign: str
    frequency: str
    facility: int
    rating: int
    server: str
    visual_range: int
    logon_time_s: int
    first_seen_s: int
    ended_s: int | None = None


class Ownership(msgspec.Struct, frozen=True, gc=False):
    """Who owned a sector from when until when, key (sector_id, start_s); open: end_s None."""

    sector_id: int
    start_s: int
    session_id: int
    callsign: str
    why: str
    end_s: int | None = None


class Contact(msgspec.Struct, frozen=True, gc=False):
    """A flight's time in radio contact with a controller, key (flight_id, session_id, start_s).

    Open: end_s None. `channel_khz` is the channel on which it began. `airborne`: taking off and
    landing end one row and begin another.
    """

    flight_id: int
    session_id: int
    start_s: int
    channel_khz: int
    airborne: bool
    end_s: int | None = None


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Time of which we have no snapshot: nothing is known, which is not the same as nothing."""

    start_s: int
    end_s: int


class NetworkCounts(msgspec.Struct, frozen=True, gc=False):
    """The whole network at one snapshot, counted by us but for the last two."""

    pilots: int
    airborne: int
    on_ground: int
    with_plan: int
    controllers: int
    observers: int
    atis: int
    prefiles: int
    connected_clients: int
    unique_users: int


@dataclass(frozen=True, slots=True)
class Positions:
    """The positions that are new in this tick, columnar, all of shape (n,), by flight_id order."""

    flight_id: NDArray[np.int64]
    time_s: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    altitude_ft: NDArray[np.int32]
    groundspeed_kt: NDArray[np.int32]
    heading_deg: NDArray[np.int32]
    transponder: NDArray[np.int32]
    """The squawk as a decimal number of its digits, -1 where it is no number."""
    qnh_mb: NDArray[np.int32]
    """-1 where unknown."""
    airborne: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Demand:
    """Minutes that became final in this tick, only rows where something is not zero, shape (n,).

    `occupancy` counts visits open at hh:mm:00, `entries` visits begun in [minute, minute + 60 s),
    `in_contact` those of `occupancy` whose flight was in contact with a controller then, -1 where
    no radios were heard near that moment.
    """

    minute_s: NDArray[np.int64]
    sector_id: NDArray[np.int64]
    occupancy: NDArray[np.int32]
    entries: NDArray[np.int32]
    in_contact: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a sector now, and by what rule."""

    callsign: str
    session_id: int
    frequency: str
    since_s: int
    why: str


@dataclass(frozen=True, slots=True)
class Live:
    """The present: everybody in the last snapshot, arrays of shape (n,) at the flights' index.

    `sector` has shape (partitions, n) with indices into `Airspace.sectors`, -1 for none (and for
    all who are not airborne). `occupancy` has a count a sector. `owners` an `Owner` or None a
    sector. `contact` is the session that each flight is in contact with, the one begun last of
    several, -1 for none; `heard_s` when radios were last heard, None where that is too long ago to
    say who is in contact. `plan_since_s` is when each flight's plan, as it stands, was received
    (whole seconds, rounded up), `NEVER_S` where there is none or nobody remembers; `filed` are the
    rows of `prefiles`. The arrays belong to this value: nobody writes to them again.
    """

    flights: Sequence[Flight]
    time_s: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    altitude_ft: NDArray[np.int32]
    groundspeed_kt: NDArray[np.int32]
    heading_deg: NDArray[np.int32]
    transponder: NDArray[np.int32]
    qnh_mb: NDArray[np.int32]
    airborne: NDArray[np.bool_]
    sector: NDArray[np.int32]
    occupancy: NDArray[np.int32]
    contact: NDArray[np.int64]
    plan_since_s: NDArray[np.int64]
    heard_s: int | None
    owners: Sequence[Owner | None]
    sessions: Sequence[Session]
    controllers: Sequence[Controller]
    atis: Sequence[Atis]
    prefiles: Sequence[Prefile]
    filed: Sequence[PrefileRow]
    reference: Reference


@dataclass(frozen=True, slots=True)
class Tick:
    """One step: the snapshot's time, what changed since the last one, and what is so now.

    `seq` counts the tracker's ticks from 1. A row that stands in a list replaces the row with the
    same key. `final_minute_s`: every minute up to and including it is final (None before any is).
    """

    seq: int
    time_us: int
    received_at_us: int
    positions: Positions
    flights: Sequence[Flight]
    plans: Sequence[PlanRevision]
    prefiles: Sequence[PrefileRow]
    visits: Sequence[Visit]
    movements: Sequence[Movement]
    sessions: Sequence[Session]
    ownerships: Sequence[Ownership]
    contacts: Sequence[Contact]
    demand: Demand
    final_minute_s: int | None
    gap: Gap | None
    network: NetworkCounts
    live: Live
    repaired: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
