"""The answer about how busy a sector will be."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime

__all__ = ["HorizonAnswer", "PredictionAnswer"]

_Demand: TypeAlias = Annotated[
    int | None,
    Meta(
        description="Mean occupancy of the 15 min that begin then, rounded; null while nothing is "
        "forecast"
    ),
]


class HorizonAnswer(msgspec.Struct, frozen=True):
    """The forecast of the 15 min that begin `lead_min` after the moment it is of."""

    lead_min: Annotated[int, Meta(description="Minutes from `as_of` to where the 15 min begin")]
    start: Annotated[str, Meta(description="When they begin, UTC")]
    mean: Annotated[float, Meta(description="Expected mean occupancy, aircraft")]
    low: Annotated[float, Meta(description="Lower end of the 80 % interval, aircraft")]
    high: Annotated[float, Meta(description="Upper end of the 80 % interval, aircraft")]
    p_over_capacity: Annotated[
        float | None,
        Meta(description="Probability that it exceeds `capacity`; null where none is known"),
    ]
    confidence_score: Annotated[
        float,
        Meta(
            description="Measured: of this sector's scored forecasts at this lead where forecast "
            "or truth was 5 or more, the share within 2 aircraft or 20 %; 0.0 before any is scored"
        ),
    ]
    skill: Annotated[
        float | None,
        Meta(
            description="1 - error / error of last week's same time, of scored forecasts: above 0 "
            "is better than that; null before any is scored"
        ),
    ]


class PredictionAnswer(msgspec.Struct, frozen=True):
    """How busy a sector is and will be; null where nothing is known yet."""

    sector_name: Annotated[str, Meta(description="The sector's name in its data set")]
    current_demand: Annotated[
        int | None, Meta(description="Airborne flights inside, at `snapshot_time`")
    ]
    predicted_demand_1h: _Demand
    predicted_demand_2h: _Demand
    predicted_demand_4h: _Demand
    confidence_score: Annotated[float, Meta(description="The lowest of the horizons 1, 2 and 4 h")]
    trend_direction: Annotated[
        str,
        Meta(
            description="increasing or decreasing where that is likely by 0.8 or more at 1 h, else "
            "stable"
        ),
    ]
    anomaly_score: Annotated[
        float, Meta(description="0 to 1: how unusual its traffic is now; 0 where nothing is")
    ]
    as_of: MaybeTime
    snapshot_time: Annotated[str | None, Meta(description="Time of the newest feed, UTC")]
    basis: Annotated[
        str,
        Meta(
            description="model; insufficient_history: flights' plans and the usual share not filed "
            "yet, with too little past to learn from; or none: nothing is forecast yet"
        ),
    ]
    model: Annotated[str | None, Meta(description="The model's version; null without one")]
    stale: Annotated[
        bool,
        Meta(description="True: the feed has stalled, or forecasts have; `as_of` says of when"),
    ]
    statement: Annotated[str, Meta(description="In words: what it rests on, or why there is none")]
    capacity: Annotated[
        float | None, Meta(description="Aircraft at once that the sector takes; null: not known")
    ]
    capacity_source: Annotated[
        str | None,
        Meta(
            description="configured, or learned from the load handled with a controller; null: not "
            "known"
        ),
    ]
    horizons: Annotated[
        list[HorizonAnswer],
        Meta(description="In steps of 15 min as far as `hours_ahead`; 1, 2 and 4 h always"),
    ]
    partition: Annotated[str, Meta(description="Data set and kind, such as vatspy:fir")]
    units: Annotated[dict[str, str], Meta(description="What each number counts")]
