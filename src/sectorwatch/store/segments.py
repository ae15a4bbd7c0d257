"""Sealed Parquet files: which kinds there are, and what is in them.

A segment never changes. It is written whole under `segments/<kind>/date=YYYY-MM-DD/`, synced, and
only then named in the manifest; a file that the manifest does not name is nobody's. Rows are sorted
so that neighbours resemble each other, and columns delta-encoded, which makes most of a moving
position's numbers take a few bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sectorwatch.clock import format_s
from sectorwatch.traffic.tick import NetworkCounts

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DAY_S",
    "DEMAND",
    "HOUR_S",
    "KINDS",
    "NETWORK",
    "POSITIONS",
    "VISITS",
    "SegmentFile",
    "SegmentKind",
    "segment_name",
]

HOUR_S = 3_600
DAY_S = 86_400
COUNTS = NetworkCounts.__struct_fields__


@dataclass(frozen=True, slots=True)
class SegmentKind:
    """A kind of segment: its columns by name and Arrow type, and how they are laid out.

    Rows are sorted by `sort`; `delta` columns are delta-encoded, `repeated` ones by dictionary.
    The manifest keeps the least `time` and the greatest `until`. A segment spans `period_s`.
    """

    name: str
    columns: Mapping[str, str]
    sort: tuple[str, ...]
    delta: frozenset[str]
    repeated: frozenset[str]
    time: str
    until: str
    period_s: int
    row_group: int


POSITIONS = SegmentKind(
    name="positions",
    columns={
        "flight_id": "int64",
        "time_s": "int64",
        "latitude_e5": "int32",
        "longitude_e5": "int32",
        "altitude_ft": "int32",
        "groundspeed_kt": "int32",
        "heading_deg": "int32",
        "transponder": "int32",
        "qnh_mb": "int32",
        "airborne": "bool",
    },
    sort=("flight_id", "time_s"),
    delta=frozenset(
        {
            "time_s",
            "latitude_e5",
            "longitude_e5",
            "altitude_ft",
            "groundspeed_kt",
            "heading_deg",
        }
    ),
    repeated=frozenset({"flight_id", "transponder", "qnh_mb"}),
    time="time_s",
    until="time_s",
    period_s=HOUR_S,
    # A track is then read from one group of about 130 flights a file.
    row_group=32_768,
)
VISITS = SegmentKind(
    name="visits",
    columns={
        "sector_id": "int64",
        "entry_s": "int64",
        "flight_id": "int64",
        "entry_latitude_e5": "int32",
        "entry_longitude_e5": "int32",
        "entry_altitude_ft": "int32",
        "exit_s": "int64",
        "exit_latitude_e5": "int32",
        "exit_longitude_e5": "int32",
        "exit_altitude_ft": "int32",
    },
    sort=("sector_id", "entry_s", "flight_id"),
    delta=frozenset({"entry_s", "exit_s"}),
    repeated=frozenset({"sector_id", "flight_id"}),
    time="entry_s",
    until="exit_s",
    period_s=DAY_S,
    row_group=65_536,
)
DEMAND = SegmentKind(
    name="demand",
    columns={"sector_id": "int64", "minute_s": "int64", "occupancy": "int32", "entries": "int32"},
    sort=("sector_id", "minute_s"),
    delta=frozenset({"minute_s"}),
    repeated=frozenset({"sector_id", "occupancy", "entries"}),
    time="minute_s",
    until="minute_s",
    period_s=DAY_S,
    row_group=131_072,
)
NETWORK = SegmentKind(
    name="network",
    columns={"time_s": "int64", **dict.fromkeys(COUNTS, "int32")},
    sort=("time_s",),
    delta=frozenset({"time_s", *COUNTS}),
    repeated=frozenset(),
    time="time_s",
    until="time_s",
    period_s=DAY_S,
    row_group=65_536,
)
KINDS = {kind.name: kind for kind in (POSITIONS, VISITS, DEMAND, NETWORK)}


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A file as the manifest describes it; `path` is relative to the folder of segments.

    It is of the period that starts at `start_s`; `first_s` and `last_s` are the least and greatest
    times in it, which may lie outside that period.
    """

    path: str
    kind: str
    start_s: int
    end_s: int
    first_s: int
    last_s: int
    row_count: int
    size_bytes: int


def segment_name(kind: SegmentKind, start_s: int, edition: int) -> str:
    """The path of the file of the period at `start_s`, relative to the folder of segments.

    `edition` counts the files of one period, so that a later one never has the name of an earlier.

    >>> segment_name(POSITIONS, 1754514000, 0)
    'positions/date=2025-08-06/positions-21.parquet'
    >>> segment_name(DEMAND, 1754438400, 2)
    'demand/date=2025-08-06/demand-2.parquet'
    """
    day, _, clock = format_s(start_s).partition("T")
    of_hour = f"-{clock[:2]}" if kind.period_s < DAY_S else ""
    later = f"-{edition}" if edition else ""
    return f"{kind.name}/date={day}/{kind.name}{of_hour}{later}.parquet"
