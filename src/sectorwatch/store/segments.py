"""Sealed Parquet files: which kinds there are, and what is in them.

A segment never changes. It is written whole under `segments/<kind>/date=YYYY-MM-DD/`, synced, and
only then named in the manifest; a file that the manifest does not name is nobody's. Rows are sorted
so that neighbours resemble each other, and columns delta-encoded, which makes most of a moving
position's numbers take a few bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.traffic.tick import NetworkCounts

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CONTACTS",
    "DAY_S",
    "DEMAND",
    "DERIVED",
    "FLIGHTS",
    "FORECASTS",
    "HOUR_S",
    "KINDS",
    "NETWORK",
    "POSITIONS",
    "VISITS",
    "SegmentFile",
    "SegmentKind",
    "Stored",
    "segment_name",
]

HOUR_S = 3_600
DAY_S = 86_400
COUNTS = NetworkCounts.__struct_fields__


Layout = Literal["dictionary", "packed", "split", "plain"]


class Stored(NamedTuple):
    """How a column lies in a file.

    `layout` is the Parquet encoding: `dictionary`, `packed` (DELTA_BINARY_PACKED), `split`
    (BYTE_STREAM_SPLIT) or `plain`. Of a column of `steps` the file has under `step_<name>` the
    first value of each group, whole, and after it the differences from row to row. A column that
    was `added` is not in the files of earlier versions: there it is unknown.
    """

    type: Literal["int64", "int32", "bool", "string"]
    layout: Layout
    steps: bool = False
    added: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """What it is in numpy: texts are objects, None where unknown."""
        return np.dtype(object if self.type == "string" else self.type)


@dataclass(frozen=True, slots=True)
class SegmentKind:
    """A kind of segment: its columns, and how they are laid out.

    Rows are sorted by `sort`; those with an equal first key are a group. The manifest keeps the
    least `time` and the greatest `until`. A segment spans `period_s`.
    """

    name: str
    columns: Mapping[str, Stored]
    sort: tuple[str, ...]
    time: str
    until: str
    period_s: int
    row_group: int

    def name_in_file(self, column: str) -> str:
        """What a column is called in the files."""
        return f"step_{column}" if self.columns[column].steps else column


POSITIONS = SegmentKind(
    name="positions",
    # Differences, then bytes apart or by dictionary: 3.8 to 5.2 bytes a moving position, where
    # DELTA_BINARY_PACKED alone takes 5.1 to 7.3. One wild step no longer widens its 31 neighbours.
    columns={
        "flight_id": Stored("int64", "dictionary"),
        "time_s": Stored("int64", "dictionary", steps=True),
        "latitude_e5": Stored("int32", "split", steps=True),
        "longitude_e5": Stored("int32", "split", steps=True),
        "altitude_ft": Stored("int32", "dictionary", steps=True),
        "groundspeed_kt": Stored("int32", "dictionary", steps=True),
        "heading_deg": Stored("int32", "dictionary", steps=True),
        "transponder": Stored("int32", "dictionary"),
        "qnh_mb": Stored("int32", "dictionary"),
        "airborne": Stored("bool", "plain"),
    },
    sort=("flight_id", "time_s"),
    time="time_s",
    until="time_s",
    period_s=HOUR_S,
    # A track is then read from one group of about 130 flights a file.
    row_group=32_768,
)
VISITS = SegmentKind(
    name="visits",
    columns={
        "sector_id": Stored("int64", "dictionary"),
        "entry_s": Stored("int64", "packed"),
        "flight_id": Stored("int64", "dictionary"),
        "entry_latitude_e5": Stored("int32", "plain"),
        "entry_longitude_e5": Stored("int32", "plain"),
        "entry_altitude_ft": Stored("int32", "plain"),
        "exit_s": Stored("int64", "packed"),
        "exit_latitude_e5": Stored("int32", "plain"),
        "exit_longitude_e5": Stored("int32", "plain"),
        "exit_altitude_ft": Stored("int32", "plain"),
    },
    sort=("sector_id", "entry_s", "flight_id"),
    time="entry_s",
    until="exit_s",
    period_s=DAY_S,
    row_group=65_536,
)
CONTACTS = SegmentKind(
    name="contacts",
    columns={
        "flight_id": Stored("int64", "dictionary"),
        "start_s": Stored("int64", "packed"),
        "session_id": Stored("int64", "dictionary"),
        "channel_khz": Stored("int32", "dictionary"),
        "airborne": Stored("bool", "plain"),
        "end_s": Stored("int64", "packed"),
    },
    sort=("flight_id", "start_s", "session_id"),
    time="start_s",
    until="end_s",
    period_s=DAY_S,
    row_group=65_536,
)
_TEXT = Stored("string", "dictionary")
FLIGHTS = SegmentKind(
    name="flights",
    columns={
        "flight_id": Stored("int64", "plain"),
        "callsign": _TEXT,
        "first_seen_s": Stored("int64", "packed"),
        "flight_rules": _TEXT,
        "aircraft_short": _TEXT,
        "departure": _TEXT,
        "arrival": _TEXT,
        "departed_s": Stored("int64", "packed"),
        "departed_from": _TEXT,
        "arrived_s": Stored("int64", "packed"),
        "arrived_at": _TEXT,
        "ended_s": Stored("int64", "packed"),
    },
    sort=("first_seen_s", "flight_id"),
    time="first_seen_s",
    until="ended_s",
    period_s=DAY_S,
    row_group=65_536,
)
DEMAND = SegmentKind(
    name="demand",
    columns={
        "sector_id": Stored("int64", "dictionary"),
        "minute_s": Stored("int64", "packed"),
        "occupancy": Stored("int32", "dictionary"),
        "entries": Stored("int32", "dictionary"),
        "in_contact": Stored("int32", "dictionary", added=True),
    },
    sort=("sector_id", "minute_s"),
    time="minute_s",
    until="minute_s",
    period_s=DAY_S,
    row_group=131_072,
)
NETWORK = SegmentKind(
    name="network",
    columns={
        "time_s": Stored("int64", "packed"),
        **dict.fromkeys(COUNTS, Stored("int32", "packed")),
    },
    sort=("time_s",),
    time="time_s",
    until="time_s",
    period_s=DAY_S,
    row_group=65_536,
)
FORECASTS = SegmentKind(
    name="forecasts",
    columns={
        "sector_id": Stored("int64", "dictionary"),
        "as_of_s": Stored("int64", "dictionary"),
        "lead_s": Stored("int32", "dictionary"),
        "mean_e2": Stored("int32", "split"),
        "q10_e2": Stored("int32", "split"),
        "q25_e2": Stored("int32", "split"),
        "q50_e2": Stored("int32", "split"),
        "q75_e2": Stored("int32", "split"),
        "q90_e2": Stored("int32", "split"),
        "p_zero_e3": Stored("int32", "split"),
        "p_over_capacity_e3": Stored("int32", "split"),
        "plan_e2": Stored("int32", "split"),
        "naive_e2": Stored("int32", "split"),
        "current": Stored("int32", "dictionary"),
        "truth_e2": Stored("int32", "split"),
        "model": _TEXT,
    },
    sort=("sector_id", "as_of_s", "lead_s"),
    time="as_of_s",
    until="as_of_s",
    period_s=DAY_S,
    row_group=131_072,
)
DERIVED = (POSITIONS, VISITS, CONTACTS, FLIGHTS, DEMAND, NETWORK)
"""What is made of the feeds, and so can be made again of the journal; forecasts cannot."""
KINDS = {kind.name: kind for kind in (*DERIVED, FORECASTS)}


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
