"""Answers about performance: what operations take, and where that goes."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Time

__all__ = [
    "EffectAnswer",
    "MeasureSummary",
    "OperationAnswer",
    "OperationList",
    "OperationMetrics",
    "PerformanceAlert",
    "Recommendation",
    "SlowdownAnswer",
    "TrendAnswer",
]


class MeasureSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the measurements of one kind came to; without any there is `count` 0 alone."""

    count: Annotated[int, Meta(description="Measurements in that time")]
    avg: Annotated[float | None, Meta(description="Their mean")] = None
    min: Annotated[float | None, Meta(description="The least")] = None
    max: Annotated[float | None, Meta(description="The most")] = None
    median: Annotated[float | None, Meta(description="Half are below, within 1 %")] = None
    latest: Annotated[float | None, Meta(description="The last one")] = None
    p95: Annotated[float | None, Meta(description="95 of 100 are below, within 1 %")] = None
    p99: Annotated[float | None, Meta(description="99 of 100 are below, within 1 %")] = None
    sum: Annotated[float | None, Meta(description="All together")] = None


class SlowdownAnswer(msgspec.Struct, frozen=True):
    """How an operation is slower just now than it ever was."""

    ratio: Annotated[float, Meta(description="Its median now over the highest of its past")]
    median_s: Annotated[float, Meta(description="Median of its last calls, seconds")]
    past_median_s: Annotated[
        float, Meta(description="The highest median of ten minutes or an hour in its past, seconds")
    ]
    probability: Annotated[float, Meta(description="That it is no chance")]
    since: Time


class TrendAnswer(msgspec.Struct, frozen=True):
    """Where the response time of an operation goes."""

    verdict: Annotated[str, Meta(description="slower, faster, steady or too_few (to say)")]
    probability: Annotated[
        float | None, Meta(description="That the direction is no chance; null where too_few")
    ]
    slope_s_per_hour: Annotated[
        float | None, Meta(description="Median of the slopes of all pairs, seconds an hour")
    ]
    slope_low_s_per_hour: Annotated[
        float | None, Meta(description="The slope is above this with 97.5 %")
    ]
    slope_high_s_per_hour: Annotated[
        float | None, Meta(description="The slope is below this with 97.5 %")
    ]
    slope_percent_per_hour: Annotated[
        float | None, Meta(description="The same slope in percent of the median an hour")
    ]
    before_s: Annotated[
        float | None,
        Meta(description="Median before the step, else of the first third of the time, seconds"),
    ]
    after_s: Annotated[
        float | None, Meta(description="Median after the step, else of the last third, seconds")
    ]
    since: Annotated[MaybeTime, Meta(description="When it became so at once; null: by and by")]
    points: Annotated[int, Meta(description="Medians of a minute, ten or an hour that went in")]
    freed_of_day: Annotated[
        bool, Meta(description="Whether each was held against the same hour of earlier days")
    ]
    slowdown: Annotated[
        SlowdownAnswer | None, Meta(description="Null unless it is slow just now, by its own past")
    ]


class OperationMetrics(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was measured of one operation; beyond the first three, only what was measured."""

    operation: Annotated[str, Meta(description="The operation")]
    service: Annotated[str, Meta(description="Whose operation")]
    hours: Annotated[int, Meta(description="Hours looked back")]
    response_time: Annotated[MeasureSummary, Meta(description="Seconds")]
    memory_usage: Annotated[
        MeasureSummary,
        Meta(description="MB the process grew by meanwhile; of system_monitoring, percent in use"),
    ]
    cpu_usage: Annotated[
        MeasureSummary, Meta(description="Percent of its time that it spent computing")
    ]
    trend: TrendAnswer
    throughput: Annotated[
        MeasureSummary | None, Meta(description="How often it ended, a second")
    ] = None
    error_rate: Annotated[MeasureSummary | None, Meta(description="0 went well, 1 failed")] = None
    concurrent_requests: Annotated[
        MeasureSummary | None, Meta(description="How many were under way at once, on average")
    ] = None
    database_query_time: Annotated[
        MeasureSummary | None, Meta(description="Seconds in the database")
    ] = None
    cache_hit_rate: Annotated[
        MeasureSummary | None, Meta(description="Part that was answered from what was at hand")
    ] = None


class OperationAnswer(msgspec.Struct, frozen=True):
    """One operation in figures."""

    operation: Annotated[str, Meta(description="The operation")]
    service: Annotated[str, Meta(description="Whose operation")]
    count: Annotated[int, Meta(description="How often it ended in that time")]
    total_s: Annotated[float, Meta(description="Seconds in all")]
    avg_s: Annotated[float, Meta(description="Mean, seconds")]
    median_s: Annotated[float, Meta(description="Median, seconds, within 1 %")]
    p95_s: Annotated[float, Meta(description="95 of 100 took less, seconds, within 1 %")]
    max_s: Annotated[float, Meta(description="The longest, seconds")]
    time_share: Annotated[
        float,
        Meta(
            description="Its part of the time of all together, 0 to 1; what holds others has theirs"
        ),
    ]
    busy_share: Annotated[
        float, Meta(description="Part of the time passed in which it was under way, on average")
    ]
    error_rate: Annotated[
        float | None, Meta(description="Part that failed; null where errors are not counted")
    ]
    errors: Annotated[int, Meta(description="How often it failed")]
    trend: Annotated[
        str, Meta(description="Over a day: slower, faster, steady or too_few (to say)")
    ]
    slowdown: Annotated[
        float,
        Meta(description="Its median now over the highest of its past; 1 while it is not slower"),
    ]


class OperationList(msgspec.Struct, frozen=True):
    """All operations, the dearest first."""

    hours: Annotated[int, Meta(description="Hours looked back")]
    total: Annotated[int, Meta(description="How many there are")]
    operations: list[OperationAnswer]


class EffectAnswer(msgspec.Struct, frozen=True):
    """What applying a recommendation did: the measure before and after."""

    unit: Annotated[str, Meta(description="Of before and after")]
    before: Annotated[float, Meta(description="Median of the tens of minutes before")]
    after: Annotated[float, Meta(description="Median of the tens of minutes after")]
    improvement: Annotated[float, Meta(description="The part that it fell by")]
    low: Annotated[float, Meta(description="That part is above this with 97.5 %")]
    high: Annotated[float, Meta(description="That part is below this with 97.5 %")]
    probability: Annotated[float, Meta(description="That it fell at all")]
    n_before: Annotated[int, Meta(description="Tens of minutes that went in before")]
    n_after: Annotated[int, Meta(description="Tens of minutes that went in after")]
    basis: Annotated[str, Meta(description="What of the time before it was compared with")]


class Recommendation(msgspec.Struct, frozen=True):
    """What would make an operation better, with its evidence, and what became of it."""

    id: Annotated[str, Meta(description="Always the same for the same thing")]
    operation: Annotated[str, Meta(description="The operation")]
    service: Annotated[str, Meta(description="Whose operation")]
    recommendation_type: Annotated[
        str,
        Meta(
            description="response_time_optimization, database_index, query_batching, caching, "
            "memory_growth, cpu_hotspot, error_reduction or loop_blocking"
        ),
    ]
    description: Annotated[str, Meta(description="What was seen, in words")]
    expected_improvement: Annotated[
        float | None, Meta(description="A fraction that was measured; null: see reason")
    ]
    implementation_difficulty: Annotated[str, Meta(description="low, medium or high")]
    priority: Annotated[str, Meta(description="low, medium, high or critical")]
    timestamp: Annotated[Time, Meta(description="When it was last found")]
    fix: Annotated[str, Meta(description="What to do")]
    reason: Annotated[str, Meta(description="How the improvement was measured, or why it was not")]
    cost_share: Annotated[
        float, Meta(description="Part of all time that goes into what it is about, 0 to 1")
    ]
    status: Annotated[
        str, Meta(description="open; applied: its evidence is gone and it got better; or expired")
    ]
    outcome: Annotated[str, Meta(description="How it is known what became of it")]
    measured_effect: Annotated[
        EffectAnswer | None, Meta(description="What applying it did; null while that is not known")
    ]
    first_seen: MaybeTime
    last_seen: MaybeTime
    decided_at: Annotated[MaybeTime, Meta(description="When it was applied or expired")]
    source: Annotated[str, Meta(description="Who found it")]
    evidence: Annotated[dict[str, Any], Meta(description="What was seen, in figures")]


class PerformanceAlert(msgspec.Struct, frozen=True):
    """An alert that is about performance, as /api/monitoring/alerts has it too."""

    id: Annotated[str, Meta(description="The alert's id")]
    operation: Annotated[
        str, Meta(description="The operation; system_monitoring where it is the whole program")
    ]
    service: Annotated[str, Meta(description="The service to blame")]
    metric_type: Annotated[
        str, Meta(description="response_time, error_rate, cpu_usage or memory_usage, or as created")
    ]
    threshold: Annotated[float | None, Meta(description="What was exceeded; null: not a number")]
    current_value: Annotated[float | None, Meta(description="What it is; null: not a number")]
    severity: Annotated[str, Meta(description="low, medium, high or critical")]
    message: Annotated[str, Meta(description="What is wrong")]
    timestamp: Annotated[Time, Meta(description="When it began")]
    type: Annotated[str, Meta(description="The type of the alert")]
    state: Annotated[str, Meta(description="firing or acknowledged")]
    cause: Annotated[str, Meta(description="The likely cause; empty where it is not known")]
