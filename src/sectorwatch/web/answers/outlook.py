"""The answer about all sectors at once: the next 4 h, who is there, and when to come."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import Callsign, MaybeTime, Time

__all__ = [
    "CapacityWarningAnswer",
    "CapacityWarningEvent",
    "GoodTimeAnswer",
    "OutlookAnswer",
    "OwnerNow",
    "PartitionOutlookAnswer",
    "SectorOutlook",
]

_Steps: TypeAlias = Annotated[
    list[float], Meta(description="By step: expected mean occupancy, aircraft")
]
_Uncovered: TypeAlias = Annotated[
    list[float],
    Meta(
        description="By step: aircraft-minutes expected without an owner, as assumed in `assumes`"
    ),
]
_Whole: TypeAlias = Annotated[
    float, Meta(description="Aircraft-minutes expected without an owner in the 4 h")
]
_Capacity: TypeAlias = Annotated[
    float | None, Meta(description="Aircraft at once that the sector takes; null: not known")
]
_P: TypeAlias = Annotated[float, Meta(description="0 to 1")]


class OwnerNow(msgspec.Struct, frozen=True):
    """Who owns a sector now."""

    callsign: Callsign
    since: Time


class SectorOutlook(msgspec.Struct, frozen=True):
    """A sector in the next 4 h; lists have an entry a step."""

    sector_name: Annotated[str, Meta(description="The sector's name in its data set")]
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    kind: Annotated[str, Meta(description="fir, enroute or approach")]
    owner: Annotated[OwnerNow | None, Meta(description="Who owns it now; null: nobody")]
    current: Annotated[int, Meta(description="Airborne flights inside, at `as_of`")]
    expected: _Steps
    low: Annotated[list[float], Meta(description="By step: lower end of the 80 % interval")]
    high: Annotated[list[float], Meta(description="By step: upper end of the 80 % interval")]
    capacity: _Capacity
    capacity_source: Annotated[
        str | None, Meta(description="configured or learned; null: not known")
    ]
    capacity_words: Annotated[
        str, Meta(description="In words: what the capacity rests on, or why none is known")
    ]
    p_over_capacity: Annotated[
        list[float] | None,
        Meta(description="By step: probability that the mean exceeds capacity; null: not known"),
    ]
    p_sustained: Annotated[
        float | None,
        Meta(
            description="Probability that it exceeds capacity for half an hour or more within the "
            "4 h; null where no capacity is known"
        ),
    ]
    uncovered_min: _Uncovered
    uncovered_total_min: _Whole


class PartitionOutlookAnswer(msgspec.Struct, frozen=True):
    """The sectors of a partition together; partitions overlap, so they are not to be added."""

    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    sectors: Annotated[int, Meta(description="How many it has")]
    staffed: Annotated[int, Meta(description="Of these with an owner now")]
    current: Annotated[int, Meta(description="Airborne flights inside, at `as_of`")]
    expected: _Steps
    uncovered_min: _Uncovered
    uncovered_total_min: _Whole


class GoodTimeAnswer(msgspec.Struct, frozen=True):
    """A position worth opening, and when."""

    position: Callsign
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    sectors: Annotated[
        list[str], Meta(description="Sectors without an owner that it is the first in line for")
    ]
    also: Annotated[
        list[str],
        Meta(description="Others without an owner that it would have too; not counted, at most 5"),
    ]
    start: Time
    end: Time
    aircraft: Annotated[float, Meta(description="Expected at once, mean from `start` to `end`")]
    low: Annotated[float, Meta(description="Lower end of the 80 % interval of that mean")]
    high: Annotated[float, Meta(description="Upper end of it")]
    busiest: Annotated[str, Meta(description="Where the busiest 15 min begin, UTC")]
    covered_min: Annotated[
        float,
        Meta(
            description="Aircraft-minutes that it would cover and nobody online does, to capacity"
        ),
    ]
    capacity: _Capacity
    too_much: Annotated[
        bool, Meta(description="Whether half an hour or more is expected above capacity")
    ]
    weeks_staffed: Annotated[
        int | None,
        Meta(description="Past weeks in which somebody was there at this hour; null: not known"),
    ]
    weeks_known: Annotated[int | None, Meta(description="Of so many, the last 8 at most")]
    confidence: Annotated[
        float | None,
        Meta(description="Measured share of forecasts that came close there; null: none scored"),
    ]
    why: Annotated[str, Meta(description="All of it in words")]


class CapacityWarningAnswer(msgspec.Struct, frozen=True):
    """A sector that is expected above capacity for half an hour or more."""

    id: Annotated[str, Meta(description="The same as long as it stands, across restarts")]
    sector_name: Annotated[str, Meta(description="The sector's name in its data set")]
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    began: Time
    ended: MaybeTime
    start: Annotated[str, Meta(description="From when above capacity, UTC")]
    end: Annotated[str, Meta(description="Until when, UTC")]
    peak: Annotated[float, Meta(description="Greatest mean of 15 min expected, aircraft")]
    peak_low: Annotated[float, Meta(description="Lower end of its 80 % interval")]
    peak_high: Annotated[float, Meta(description="Upper end of it")]
    peak_time: Annotated[str, Meta(description="Where those 15 min begin, UTC")]
    capacity: Annotated[float, Meta(description="Aircraft at once that the sector takes")]
    capacity_source: Annotated[str, Meta(description="configured or learned")]
    probability: _P
    highest_probability: Annotated[float, Meta(description="The greatest since it began, 0 to 1")]
    description: Annotated[str, Meta(description="All of it in words")]


class CapacityWarningEvent(msgspec.Struct, frozen=True):
    """A capacity warning that was raised or that ended."""

    kind: Annotated[str, Meta(description="capacity_warning")]
    state: Annotated[str, Meta(description="began or ended")]
    warning: CapacityWarningAnswer


class OutlookAnswer(msgspec.Struct, frozen=True):
    """The next 4 h of all sectors, in steps of 15 min."""

    as_of: MaybeTime
    snapshot_time: Annotated[str | None, Meta(description="Of the newest feed: owners are of then")]
    model: Annotated[str | None, Meta(description="The model's version; null without one")]
    stale: Annotated[
        bool,
        Meta(description="True: the feed has stalled, or forecasts have; `as_of` says of when"),
    ]
    statement: Annotated[str, Meta(description="In words: what it rests on, or why there is none")]
    assumes: Annotated[str, Meta(description="What it takes for granted, in words")]
    step_min: Annotated[int, Meta(description="Length of a step")]
    steps: Annotated[
        list[str], Meta(description="Where the steps begin, UTC; 17, 4 h and one more")
    ]
    text: Annotated[
        str,
        Meta(description="In a few lines, to be posted as it stands: of `partition`, or the first"),
    ]
    good_times: Annotated[
        list[GoodTimeAnswer],
        Meta(description="Positions worth opening within 2 h, those that cover most first; 10"),
    ]
    warnings: Annotated[
        list[CapacityWarningAnswer], Meta(description="Capacity warnings, the likeliest first")
    ]
    partitions: list[PartitionOutlookAnswer]
    sectors_total: Annotated[int, Meta(description="How many sectors there are, on all pages")]
    sectors: Annotated[list[SectorOutlook], Meta(description="The busiest to come first")]
