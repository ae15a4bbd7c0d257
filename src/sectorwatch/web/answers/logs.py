"""Answers about the log: its figures, its entries, and traces."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Time

__all__ = [
    "CriticalStage",
    "LogAnalytics",
    "LogEntries",
    "LogTrace",
    "TraceRoot",
    "TraceSpan",
    "Traces",
]


class LogAnalytics(msgspec.Struct, frozen=True):
    """Log entries counted as they were written; fields as in the specification."""

    service: Annotated[str, Meta(description="The service asked for, or global")]
    hours: Annotated[float, Meta(description="Hours looked back, the hour now begun besides")]
    total_entries: Annotated[
        int,
        Meta(description="Entries, timed operations that were not worth a line included"),
    ]
    entries_by_level: Annotated[dict[str, int], Meta(description="By level, upper case")]
    entries_by_category: Annotated[dict[str, int], Meta(description="By category, lower case")]
    error_rate: Annotated[float, Meta(description="(ERROR + CRITICAL) / total, 0 to 1")]
    average_performance: Annotated[float, Meta(description="Mean of logged durations, seconds")]
    performance_entries_count: Annotated[int, Meta(description="How many that mean is of")]


class LogEntries(msgspec.Struct, frozen=True):
    """Recent entries, newest first."""

    entries: Annotated[
        list[dict[str, Any]],
        Meta(
            description="As they were written: timestamp, level, category, service, operation, "
            "correlation_id, the span_id of the stage it was written in, then what else was said"
        ),
    ]
    complete: Annotated[
        bool,
        Meta(description="False: looking took too long, and the next page goes on from there"),
    ]
    kept: Annotated[int, Meta(description="Entries that are kept to be searched")]
    oldest: MaybeTime


class TraceSpan(msgspec.Struct, frozen=True):
    """A stage: something that was done, and what was done within it."""

    span_id: Annotated[str, Meta(description="16 hexadecimal digits, as in entries")]
    service: Annotated[str, Meta(description="Which service did it")]
    operation: Annotated[str, Meta(description="What it did")]
    status: Annotated[str, Meta(description="ok, failed or cancelled")]
    offset_ms: Annotated[float, Meta(description="When it began, from the trace's beginning")]
    duration_ms: Annotated[float, Meta(description="How long it took")]
    self_ms: Annotated[float, Meta(description="Of that, what nothing within it accounts for")]
    critical_ms: Annotated[
        float,
        Meta(description="How long the whole waited for this and for nothing within it"),
    ]
    attributes: Annotated[dict[str, Any], Meta(description="What was noted, secrets removed")]
    entries: Annotated[list[dict[str, Any]], Meta(description="Log entries written in it")]
    children: Annotated[list[TraceSpan], Meta(description="What was done within it, by beginning")]


class CriticalStage(msgspec.Struct, frozen=True):
    """The stage that the whole waited for longest."""

    span_id: Annotated[str, Meta(description="Which one")]
    service: Annotated[str, Meta(description="Its service")]
    operation: Annotated[str, Meta(description="Its operation")]
    critical_ms: Annotated[float, Meta(description="How long the whole waited for it")]
    share: Annotated[float, Meta(description="Of the total, 0 to 1")]


class LogTrace(msgspec.Struct, frozen=True):
    """Everything done under one correlation id, across services, as a tree with times."""

    correlation_id: Annotated[str, Meta(description="The id asked for")]
    started_at: MaybeTime
    total_ms: Annotated[float, Meta(description="From the first beginning to the last end")]
    span_count: Annotated[int, Meta(description="Stages kept")]
    services: Annotated[list[str], Meta(description="Services that took part")]
    critical: Annotated[
        CriticalStage | None, Meta(description="The stage that was waited for longest")
    ]
    missing: Annotated[
        list[str], Meta(description="What is not here and why, in words; empty: all is here")
    ]
    spans: Annotated[list[TraceSpan], Meta(description="Stages that are part of no other here")]
    entries: Annotated[
        list[dict[str, Any]], Meta(description="Entries written in none of them, oldest first")
    ]


class TraceRoot(msgspec.Struct, frozen=True):
    """Something that was done on its own account: a request, a tick, a round of checks."""

    correlation_id: Annotated[str, Meta(description="Ask for its trace with it")]
    service: Annotated[str, Meta(description="Which service did it")]
    operation: Annotated[str, Meta(description="What it did")]
    status: Annotated[str, Meta(description="ok, failed or cancelled")]
    started_at: Time
    duration_ms: Annotated[float, Meta(description="How long it took")]
    attributes: Annotated[dict[str, Any], Meta(description="What was noted, secrets removed")]


class Traces(msgspec.Struct, frozen=True):
    """What was done last, newest first."""

    traces: list[TraceRoot]
