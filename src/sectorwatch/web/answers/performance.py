"""Answers about performance: what operations take, and where that goes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Time

__all__ = [
    "MeasureSummary",
    "OperationAnswer",
    "OperationList",
    "OperationMetrics",
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
