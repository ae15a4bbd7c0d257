"""A made world: box sectors, a few airports, aircraft on straight lines, and feeds of them.

Everything is simple enough for the truth to be worked out by hand: an aircraft's line crosses a
box's side at one known moment.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry import box

from sectorwatch.airspace import Airports, Airspace, DataSet, PositionRule, Sector, Volume
from sectorwatch.airspace.airports import Airport
from sectorwatch.clock import format_s
from sectorwatch.feed.records import (
    Atis,
    Controller,
    Pilot,
    PilotColumns,
    Prefile,
    Reference,
    Snapshot,
    Station,
    Transceiver,
    TransceiverSnapshot,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.traffic import Tick, Tracker

DAY_S = 1_700_006_400  # 2023-11-15T00:00:00Z
LOGON = "2023-11-14T22:00:00.1234567Z"
LATER_LOGON = "2023-11-15T00:20:00Z"
NO_PLAN = b""


def sector(
    name: str,
    west: float,
    south: float,
    east: float,
    north: float,
    floor_ft: float = float("-inf"),
    ceiling_ft: float = float("inf"),
    kind: Any = "enroute",
) -> Sector:
    """A box with a floor and a ceiling, worked by `name_CTR`."""
    rule = PositionRule(name, ("CTR",), None, f"{name}_CTR works {name}")
    volume = Volume(box(west, south, east, north), floor_ft, ceiling_ft)
    return Sector("made", kind, name, name.title(), (volume,), (rule,))


def airspace(*sectors: Sector) -> Airspace:
    """An airspace of these sectors alone."""
    return Airspace([DataSet("made", "test:made", sectors)])


# WEST | EAST side by side, UPPER above EAST from 30,000 ft, SPLIT astride the antimeridian; and the
# same ground again as one FIR.
WEST = sector("WEST", 0.0, 0.0, 1.0, 2.0)
EAST = sector("EAST", 1.0, 0.0, 2.0, 2.0, ceiling_ft=30_000)
UPPER = sector("UPPER", 1.0, 0.0, 2.0, 2.0, floor_ft=30_000)
FAR_WEST = sector("FARWEST", -180.0, 0.0, -179.0, 2.0)
FAR_EAST = sector("FAREAST", 179.0, 0.0, 180.0, 2.0)
WHOLE = sector("WHOLE", 0.0, 0.0, 2.0, 2.0, kind="fir")
SMALL_WORLD = (WEST, EAST, UPPER, FAR_WEST, FAR_EAST, WHOLE)


# AAAA lies in WEST at sea level, BBBB in EAST at 5,000 ft; nobody knows how high CCCC is.
FIELDS = Airports(
    [
        Airport(0, "AAAA", "Alpha", 0.5, 0.2, 0.0),
        Airport(1, "BBBB", "Bravo", 0.5, 1.8, 5000.0),
        Airport(2, "CCCC", "Charlie", 1.5, 1.8, None),
    ]
)


@dataclass(frozen=True)
class Record:
    """One pilot record, wherever it is."""

    longitude: float
    latitude: float = 0.5
    altitude_ft: int = 10_000
    groundspeed_kt: int = 400
    cid: int = 1
    callsign: str = "QFA1"
    logon_time: str = LOGON
    lag_s: int = 0
    """How much older than its snapshot the position is."""
    flight_plan: bytes = NO_PLAN
    server: str = "MADE"
    pilot_rating: int = 0
    transponder: str = "2000"
    qnh_mb: int | None = 1013

    def with_(self, **changes: Any) -> Record:
        """The same record but for these."""
        return replace(self, **changes)


def parked(longitude: float = 0.2, latitude: float = 0.5, **more: Any) -> Record:
    """An aircraft that stands on the ground, at AAAA where nothing else is said."""
    more.setdefault("altitude_ft", 0)
    return Record(longitude, latitude, groundspeed_kt=0, **more)


def plan(departure: str = "AAAA", arrival: str = "BBBB", **more: Any) -> bytes:
    """A filed plan as raw JSON, as it stands in a feed."""
    filed = {
        "flight_rules": "I",
        "aircraft": "B738/M",
        "aircraft_faa": "B738/L",
        "aircraft_short": "B738",
        "departure": departure,
        "arrival": arrival,
        "alternate": "",
        "cruise_tas": "450",
        "altitude": "35000",
        "deptime": "0010",
        "enroute_time": "0100",
        "fuel_time": "0300",
        "remarks": "",
        "route": "DCT",
        "revision_id": 1,
        "assigned_transponder": "2000",
    } | more
    return json.dumps(filed).encode()


@dataclass(frozen=True)
class Line:
    """An aircraft that moves evenly: where it is at any second since `start_s`.

    `degrees_s` is how many degrees of (longitude, latitude) it makes a second; `climb_ft_s` how many
    feet. It is in feeds from `start_s` until before `end_s`.
    """

    start_s: int
    longitude: float
    latitude: float = 0.5
    altitude_ft: float = 10_000
    degrees_s: tuple[float, float] = (0.002, 0.0)
    climb_ft_s: float = 0.0
    end_s: float = math.inf
    record: Record = field(default_factory=lambda: Record(0.0))

    def at(self, time_s: int) -> Record | None:
        """Its record in the snapshot of that second; None while it is in none."""
        if not self.start_s <= time_s < self.end_s:
            return None
        gone_s = time_s - self.record.lag_s - self.start_s
        longitude = self.longitude + self.degrees_s[0] * gone_s
        return self.record.with_(
            longitude=(longitude + 180.0) % 360.0 - 180.0,
            latitude=self.latitude + self.degrees_s[1] * gone_s,
            altitude_ft=round(self.altitude_ft + self.climb_ft_s * gone_s),
        )

    def reaches_longitude(self, longitude: float) -> int:
        """The first whole second at which it is at that meridian or past it."""
        return self.start_s + math.ceil((longitude - self.longitude) / self.degrees_s[0])


def controller(callsign: str, **more: Any) -> Controller:
    """A controller's record, a real one where nothing else is said."""
    given: dict[str, Any] = {
        "cid": 900,
        "callsign": callsign,
        "frequency": "130.900",
        "facility": 6,
        "rating": 5,
        "server": "MADE",
        "visual_range": 300,
        "text_atis": (),
        "logon_time_s": DAY_S - 3600,
        "time_s": DAY_S,
    }
    return Controller(**(given | more))


def snapshot(
    time_s: float,
    *records: Record | None,
    controllers: Sequence[Controller] = (),
    prefiles: Sequence[Prefile] = (),
    atis: Sequence[Atis] = (),
) -> Snapshot:
    """A feed of that moment; records that are None are not in it."""
    here = [record for record in records if record is not None]

    def column(values: Iterable[float], kind: Any) -> NDArray[Any]:
        return np.array(list(values), dtype=kind)

    whole_s = math.floor(time_s)
    return Snapshot(
        time_us=round(time_s * 1_000_000),
        received_at_us=round(time_s * 1_000_000) + 2_000_000,
        pilots=[
            Pilot(
                cid=each.cid,
                callsign=each.callsign,
                server=each.server,
                pilot_rating=each.pilot_rating,
                military_rating=0,
                transponder=each.transponder,
                qnh_i_hg=29.92,
                qnh_mb=each.qnh_mb,
                flight_plan=each.flight_plan,
                logon_time=each.logon_time,
            )
            for each in here
        ],
        columns=PilotColumns(
            latitude=column((each.latitude for each in here), np.float64),
            longitude=column((each.longitude for each in here), np.float64),
            altitude_ft=column((each.altitude_ft for each in here), np.int32),
            groundspeed_kt=column((each.groundspeed_kt for each in here), np.int32),
            heading_deg=column((90 for _ in here), np.int32),
            time_s=column((whole_s - each.lag_s for each in here), np.int64),
        ),
        controllers=list(controllers),
        atis=list(atis),
        prefiles=list(prefiles),
        connected_clients=len(here) + len(controllers),
        unique_users=len(here) + len(controllers),
        reference=Reference(),
    )


def station(
    callsign: str,
    *channels_khz: int,
    longitude: float = 0.5,
    latitude: float = 0.5,
    height_ft: float = 10_000,
) -> Station:
    """Somebody's radios, all in one place."""
    height_m = height_ft * 0.3048
    return Station(
        callsign,
        tuple(
            Transceiver(number, khz * 1_000, latitude, longitude, height_m, height_m)
            for number, khz in enumerate(channels_khz)
        ),
    )


def radios(time_s: float, *stations: Station) -> TransceiverSnapshot:
    """A transceivers feed that came after the data feed of that moment."""
    return TransceiverSnapshot(
        time_us=round(time_s * 1_000_000),
        received_at_us=round(time_s * 1_000_000) + 3_000_000,
        stations=stations,
    )


def advance(tracker: Tracker, feed: Snapshot) -> Tick:
    """One tick, where there must be one."""
    tick = tracker.advance(feed)
    assert tick is not None
    return tick


def fly(tracker: Tracker, times_s: Iterable[int], *lines: Line) -> list[Tick]:
    """The ticks of feeds at `times_s` with these aircraft in them."""
    return [advance(tracker, snapshot(t, *(line.at(t) for line in lines))) for t in times_s]


def says(time_s: int | None) -> str | None:
    """A moment as text, for messages of failed tests."""
    return None if time_s is None else format_s(time_s)
