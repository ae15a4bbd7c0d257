"""The answer about how good forecasts were."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Time

__all__ = [
    "AccuracyAnswer",
    "AirportAccuracy",
    "AirportHorizon",
    "AirportsAccuracy",
    "EntryAccuracy",
    "HorizonAccuracy",
    "HourAccuracy",
    "ModelDecision",
    "PromiseAccuracy",
    "SectorAccuracy",
    "SetRightAccuracy",
    "SizeAccuracy",
]

_Lead: TypeAlias = Annotated[
    int, Meta(description="Minutes from the forecast to where its 15 min begin")
]
_Scored: TypeAlias = Annotated[
    int, Meta(description="Forecasts, each of a sector, that were held against what then was")
]
_Truth: TypeAlias = Annotated[
    float | None, Meta(description="What then was, on average, aircraft; null where none is scored")
]
_Error: TypeAlias = Annotated[
    float | None, Meta(description="Mean absolute error, aircraft; null where none is scored")
]
_Skill: TypeAlias = Annotated[
    float | None,
    Meta(
        description="1 - error / error of last week's same time by local clock, where both are "
        "known: 1 is perfect, 0 no better than that, below 0 worse"
    ),
]
_Held: TypeAlias = Annotated[
    float | None,
    Meta(
        description="Share of truths that the 80 % interval held (by randomised PIT): 0.8 where "
        "intervals are right"
    ),
]
_Near: TypeAlias = Annotated[
    float | None,
    Meta(
        description="Of those where forecast or truth was 5 aircraft or more, the share within 2 "
        "aircraft or 20 % of the truth"
    ),
]


class HorizonAccuracy(msgspec.Struct, frozen=True):
    """Forecasts at one horizon, beside what would have been said without them."""

    lead_min: _Lead
    scored: _Scored
    unscored: Annotated[
        int,
        Meta(description="Forecasts of times of which too little is known: a stalled feed, a gap"),
    ]
    mean_demand: _Truth
    mean_absolute_error: _Error
    bias: Annotated[
        float | None, Meta(description="Mean of forecast - truth, aircraft: above 0 is too much")
    ]
    seasonal_naive_error: Annotated[
        float | None,
        Meta(description="The error of what was at the same local time a week before"),
    ]
    persistence_error: Annotated[
        float | None, Meta(description="The error of going on with what is there now")
    ]
    plan_error: Annotated[
        float | None, Meta(description="The error of counting only the flights known then")
    ]
    skill: _Skill
    pinball_loss: Annotated[
        float | None, Meta(description="Mean over five quantiles, aircraft; less is better")
    ]
    interval_coverage: _Held
    counted: Annotated[
        int, Meta(description="Of those scored, how many had 5 aircraft or more on either side")
    ]
    near_share: _Near


class SectorAccuracy(msgspec.Struct, frozen=True):
    """Forecasts of one sector at 1, 2 or 4 h."""

    sector_name: Annotated[str, Meta(description="The sector's name in its data set")]
    partition: Annotated[str, Meta(description="The data set and kind that it is of")]
    lead_min: _Lead
    scored: _Scored
    mean_demand: _Truth
    mean_absolute_error: _Error
    skill: _Skill
    interval_coverage: _Held
    near_share: _Near
    confidence_score: Annotated[
        float,
        Meta(
            description="near_share of 28 days, drawn to that of sectors of its size while few "
            "are scored; what /api/ml/predictions tells"
        ),
    ]


class HourAccuracy(msgspec.Struct, frozen=True):
    """Forecasts at 1, 2 or 4 h whose 15 min began in one hour of the local day."""

    lead_min: _Lead
    local_hour: Annotated[int, Meta(description="0 to 23, in `time_zone`")]
    scored: _Scored
    mean_absolute_error: _Error
    skill: _Skill
    interval_coverage: _Held


class SizeAccuracy(msgspec.Struct, frozen=True):
    """Forecasts at 1, 2 or 4 h of about as many aircraft, of all sectors together."""

    lead_min: _Lead
    from_aircraft: Annotated[float, Meta(description="The forecast was this or more")]
    to_aircraft: Annotated[float | None, Meta(description="And less than this; null: no end")]
    scored: _Scored
    mean_forecast: Annotated[float | None, Meta(description="What was forecast on average")]
    mean_demand: _Truth
    mean_absolute_error: _Error
    interval_coverage: _Held


class PromiseAccuracy(msgspec.Struct, frozen=True):
    """Times at which about the same probability of more than the capacity was told."""

    lead_min: _Lead
    from_probability: Annotated[float, Meta(description="The probability told was this or more")]
    to_probability: Annotated[float, Meta(description="And less than this (1 included)")]
    scored: _Scored
    promised: Annotated[float | None, Meta(description="What was told on average")]
    happened: Annotated[
        float | None, Meta(description="How often it was so: the same where promises hold")
    ]


class SetRightAccuracy(msgspec.Struct, frozen=True):
    """Forecasts by plans alone: probabilities of more than the capacity, before and after."""

    lead_min: _Lead
    from_probability: Annotated[float, Meta(description="The one computed was this or more")]
    to_probability: Annotated[float, Meta(description="And less than this (1 included)")]
    scored: _Scored
    computed: Annotated[float, Meta(description="What was computed on average")]
    told: Annotated[float, Meta(description="What it was set right to, by how often it was so")]
    happened: Annotated[float, Meta(description="How often it was so: as told where that holds")]
    brier_before: Annotated[float, Meta(description="Mean square of computed less 0 or 1")]
    brier_after: Annotated[float, Meta(description="Of told less 0 or 1: less is better")]


class EntryAccuracy(msgspec.Struct, frozen=True):
    """Estimates of when flights enter sectors, so far ahead; a sample, each scored 4 h later."""

    stage: Annotated[str, Meta(description="ground or airborne, when the estimate was made")]
    from_min: Annotated[int, Meta(description="The entry was expected so far ahead, or further")]
    to_min: Annotated[int, Meta(description="And less than this")]
    told: Annotated[int, Meta(description="Estimates scored")]
    unknown: Annotated[int, Meta(description="Others, of times without feeds")]
    expected: Annotated[float, Meta(description="How many of `told` were to enter: probabilities")]
    entered: Annotated[int, Meta(description="How many did; the others are in no error")]
    interval_coverage: _Held
    early: Annotated[float | None, Meta(description="Share that came before the interval")]
    late: Annotated[float | None, Meta(description="Share that came after it")]
    bias_s: Annotated[
        float | None, Meta(description="How much later than told they came on average, seconds")
    ]
    mean_absolute_error_s: Annotated[float | None, Meta(description="How far off, seconds")]


class AirportHorizon(msgspec.Struct, frozen=True):
    """Forecasts of take-offs or landings in 15 min at one horizon, all airports kept together."""

    lead_min: _Lead
    scored: Annotated[
        int, Meta(description="Forecasts, each of an airport and kind, held against what then was")
    ]
    unscored: Annotated[
        int,
        Meta(description="Forecasts of times of which too little is known: a stalled feed, a gap"),
    ]
    mean_movements: Annotated[
        float | None, Meta(description="What then was, on average, in 15 min")
    ]
    mean_absolute_error: Annotated[float | None, Meta(description="Movements in 15 min")]
    bias: Annotated[float | None, Meta(description="Mean of forecast - truth: above 0 is too much")]
    seasonal_naive_error: Annotated[
        float | None,
        Meta(description="The error of what was at the same local time a week before"),
    ]
    persistence_error: Annotated[
        float | None, Meta(description="The error of going on with the last 15 min known then")
    ]
    plan_error: Annotated[
        float | None, Meta(description="The error of counting only the flights known then")
    ]
    skill: _Skill
    interval_coverage: _Held


class AirportAccuracy(msgspec.Struct, frozen=True):
    """Forecasts of one airport's take-offs or landings at 1, 2 or 4 h."""

    icao: Annotated[str, Meta(description="The airport")]
    kind: Annotated[str, Meta(description="departure or arrival")]
    lead_min: _Lead
    scored: Annotated[int, Meta(description="Quarters of an hour held against what then was")]
    mean_movements: Annotated[
        float | None, Meta(description="What then was, on average, in 15 min")
    ]
    mean_absolute_error: Annotated[float | None, Meta(description="Movements in 15 min")]
    skill: _Skill
    interval_coverage: _Held


class AirportsAccuracy(msgspec.Struct, frozen=True):
    """How forecasts of take-offs and landings fared, of the airports that were busiest then."""

    scored_to: MaybeTime
    scored: Annotated[int, Meta(description="Quarters of an hour held against what then was")]
    unscored: Annotated[int, Meta(description="Those of which too little is known: a gap, a stall")]
    horizons: list[AirportHorizon]
    by_airport: Annotated[
        list[AirportAccuracy],
        Meta(description="The 25 airports with the most movements first, one after another"),
    ]


class ModelDecision(msgspec.Struct, frozen=True):
    """A model that was trained, held against the one that served."""

    decided_at: Time
    challenger: Annotated[str, Meta(description="The version of the new model")]
    champion: Annotated[
        str, Meta(description="The version of the one that served; empty where there was none")
    ]
    taken: Annotated[bool, Meta(description="Whether the new one serves since")]
    figures: Annotated[
        dict[str, Any],
        Meta(description="What both came to on the days that were held back, as measured then"),
    ]


class AccuracyAnswer(msgspec.Struct, frozen=True):
    """How the forecasts that were issued fared, each scored when its time had come."""

    sector_name: Annotated[str | None, Meta(description="Of this sector; null: of all")]
    days: Annotated[int, Meta(description="Days (UTC) asked for, the newest included")]
    days_scored: Annotated[int, Meta(description="Of these, how many have any figures")]
    scored_to: MaybeTime
    statement: Annotated[str, Meta(description="In words: what there is, or why there is nothing")]
    time_zone: Annotated[str | None, Meta(description="The local time that hours are of")]
    scored: _Scored
    unscored: Annotated[
        int,
        Meta(description="Forecasts of times of which too little is known: a stalled feed, a gap"),
    ]
    horizons: Annotated[
        list[HorizonAccuracy], Meta(description="Every 15 min ahead; empty where none is scored")
    ]
    by_hour: list[HourAccuracy]
    by_sector: Annotated[
        list[SectorAccuracy], Meta(description="Those with the most traffic first")
    ]
    by_size: list[SizeAccuracy]
    pit: Annotated[
        dict[str, list[float]],
        Meta(
            description="By lead in minutes, of all sectors: shares of truths in each tenth of "
            "their forecast distribution, 0.1 each where these are right"
        ),
    ]
    over_capacity: Annotated[
        list[PromiseAccuracy], Meta(description="Reliability of p_over_capacity, of all sectors")
    ]
    over_capacity_of_plans: Annotated[
        list[SetRightAccuracy],
        Meta(description="Of those that no model made: before and after they were set right"),
    ]
    error_ratio: Annotated[
        dict[str, float],
        Meta(
            description="By lead in minutes: the last hours' error over the usual one, 1 as "
            "always; empty until a week is scored. An alert tells where it stays high"
        ),
    ]
    units: Annotated[dict[str, str], Meta(description="What each kind of figure is counted in")]
    entries: Annotated[
        list[EntryAccuracy],
        Meta(description="Of entries into all sectors, by stage and by how far ahead they were"),
    ] = []
    airports: Annotated[
        AirportsAccuracy | None,
        Meta(description="Of take-offs and landings; null where nothing is forecast"),
    ] = None
    models: Annotated[
        list[ModelDecision],
        Meta(description="The last models trained and whether they were taken, newest first"),
    ] = []
