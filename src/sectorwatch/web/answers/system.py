"""Answers about the system itself: status, services, events, errors, the database."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Time

__all__ = [
    "BreakerAnswer",
    "Breakers",
    "DatabaseLatency",
    "DatabaseStatus",
    "DeadLetter",
    "ErrorAnalytics",
    "ErrorExample",
    "ErrorHour",
    "EventAnalytics",
    "FeedStatus",
    "ForecastStatus",
    "HandlerCounts",
    "HistoryProgress",
    "Liveness",
    "Readiness",
    "ServiceAnswer",
    "ServiceList",
    "ServiceRestarted",
    "Status",
]


class FeedStatus(msgspec.Struct, frozen=True):
    """How the feed does."""

    source: Annotated[str, Meta(description="Where the feed comes from")]
    snapshot_time: MaybeTime
    received_at: MaybeTime
    age_s: Annotated[
        float | None, Meta(description="The source's now minus the snapshot's time, seconds")
    ]
    stale: Annotated[bool, Meta(description="Whether that age is over the limit set")]
    accepted: Annotated[int, Meta(description="Snapshots accepted since the start")]
    new: Annotated[int, Meta(description="Of these, snapshots not held before")]
    refused: Annotated[dict[str, int], Meta(description="Feeds refused whole, by reason")]
    repaired: Annotated[dict[str, int], Meta(description="Records repaired, by reason")]
    dropped: Annotated[dict[str, int], Meta(description="Records dropped, by reason")]


class HistoryProgress(msgspec.Struct, frozen=True):
    """How far a simulated network has flown the time before it began to be shown."""

    start: Time
    end: Time
    share: Annotated[float, Meta(description="Of that time flown so far, 0 to 1")]
    complete: Annotated[bool, Meta(description="Whether it is, and time goes at its own pace")]


class ForecastStatus(msgspec.Struct, frozen=True):
    """What forecasts rest on, and how the training of their model does."""

    as_of: MaybeTime
    basis: Annotated[
        str, Meta(description="insufficient_history or model; none before the first forecast")
    ]
    model: Annotated[str | None, Meta(description="The model's version; null without one")]
    training: Annotated[
        str | None,
        Meta(
            description="running, done, skipped, failed or stopped: the training that runs, or "
            "ran last; null before the first"
        ),
    ]
    share: Annotated[float | None, Meta(description="How much of the training is done, 0 to 1")]
    words: Annotated[str, Meta(description="How the training does or did, in words")]


class Status(msgspec.Struct, frozen=True):
    """The instance at a glance."""

    status: Annotated[str, Meta(description="healthy, degraded, unhealthy or unknown")]
    version: Annotated[str, Meta(description="Version of sectorwatch")]
    environment: Annotated[str, Meta(description="development, testing or production")]
    simulated: Annotated[bool, Meta(description="True: made data, not the real network")]
    statement: Annotated[str, Meta(description="In a sentence: what is shown here, and from when")]
    started_at: Time
    uptime_s: Annotated[float, Meta(description="Seconds since the start")]
    seq: Annotated[int, Meta(description="Ticks made so far")]
    feed: FeedStatus
    airspace: Annotated[list[str], Meta(description="Data sets loaded")]
    airspace_fingerprint: Annotated[str, Meta(description="Hash over all sectors")]
    airspace_made: Annotated[bool, Meta(description="True: sectors made by the project")]
    home_sector: Annotated[str | None, Meta(description="The setting, if it is set")]
    services: Annotated[dict[str, str], Meta(description="Each service's health")]
    history: Annotated[
        HistoryProgress | None, Meta(description="Null where no history is being made")
    ] = None
    forecasts: Annotated[
        ForecastStatus | None, Meta(description="Null where `forecasting` is false")
    ] = None


class ServiceAnswer(msgspec.Struct, frozen=True):
    """A service of this instance."""

    name: Annotated[str, Meta(description="The service's name")]
    status: Annotated[str, Meta(description="healthy, degraded, unhealthy or unknown")]
    state: Annotated[
        str, Meta(description="stopped, waiting, starting, running, stopping or failed")
    ]
    depends_on: Annotated[list[str], Meta(description="Services it needs")]
    since: MaybeTime
    restarts: Annotated[int, Meta(description="Restarts since the start")]
    last_error: Annotated[str | None, Meta(description="What went wrong last")]
    response_time: Annotated[float | None, Meta(description="Seconds the last check took")]
    details: Annotated[dict[str, Any], Meta(description="What the last check found")]


class ServiceList(msgspec.Struct, frozen=True):
    """All services, in the order they start."""

    services: list[ServiceAnswer]


class ServiceRestarted(msgspec.Struct, frozen=True):
    """What a restart did."""

    name: Annotated[str, Meta(description="The service's name")]
    duration_s: Annotated[
        float | None, Meta(description="Seconds it took; null where it goes on after this answer")
    ]
    service: ServiceAnswer


class HandlerCounts(msgspec.Struct, frozen=True):
    """What became of one handler's events."""

    handler: Annotated[str, Meta(description="The handler's name")]
    topics: Annotated[list[str], Meta(description="What it listens to")]
    delivered: Annotated[int, Meta(description="Calls that ended well")]
    skipped: Annotated[int, Meta(description="Hints it was too slow for; it loses nothing")]
    failed: Annotated[int, Meta(description="Calls that raised")]
    timed_out: Annotated[int, Meta(description="Calls over the time limit")]
    waiting: Annotated[int, Meta(description="Hints that wait now")]
    is_busy: Annotated[bool, Meta(description="Whether a call is under way")]
    mean_duration_s: Annotated[float | None, Meta(description="Mean seconds a call")]
    longest_duration_s: Annotated[float | None, Meta(description="Longest call, seconds")]


class DeadLetter(msgspec.Struct, frozen=True):
    """An event that a handler failed on."""

    time: Time
    topic: Annotated[str, Meta(description="The topic's name")]
    seq: Annotated[int, Meta(description="Which state was meant, such as a tick's number")]
    name: Annotated[str, Meta(description="Of what, such as a service's name")]
    handler: Annotated[str, Meta(description="Whose handler")]
    reason: Annotated[str, Meta(description="failed or timed_out")]
    error: Annotated[str, Meta(description="Type and message")]
    correlation_id: Annotated[str, Meta(description="To find it in the logs")]


class EventAnalytics(msgspec.Struct, frozen=True):
    """The event bus in figures since its start."""

    published: Annotated[int, Meta(description="Events published")]
    published_by_topic: Annotated[dict[str, int], Meta(description="Events by topic")]
    delivered: Annotated[int, Meta(description="Calls of handlers that ended well")]
    skipped: Annotated[int, Meta(description="Hints that slow handlers skipped")]
    failed: Annotated[int, Meta(description="Calls of handlers that raised")]
    timed_out: Annotated[int, Meta(description="Calls of handlers over the time limit")]
    dead_letter_count: Annotated[int, Meta(description="Events nobody dealt with")]
    streams_open: Annotated[int, Meta(description="Event streams open now")]
    streams_cut_off: Annotated[
        int, Meta(description="Event streams ended because nobody read them")
    ]
    handlers: list[HandlerCounts]
    dead_letters: Annotated[list[DeadLetter], Meta(description="The last ones, newest first")]


class ErrorExample(msgspec.Struct, frozen=True):
    """An error as it happened."""

    timestamp: Time
    type: Annotated[str, Meta(description="Exception type")]
    message: Annotated[str, Meta(description="Its message, secrets removed")]
    service: Annotated[str, Meta(description="Service")]
    operation: Annotated[str, Meta(description="Operation")]
    correlation_id: Annotated[str | None, Meta(description="To find it in the logs")]
    stack: Annotated[str, Meta(description="Where it happened, secrets removed")]


class ErrorHour(msgspec.Struct, frozen=True):
    """An hour with errors."""

    hour: Time
    errors: Annotated[int, Meta(description="Errors in that hour")]


class ErrorAnalytics(msgspec.Struct, frozen=True):
    """Errors counted as they happened."""

    service: Annotated[str, Meta(description="The service asked for, or global")]
    hours: Annotated[float, Meta(description="Hours looked back")]
    total_errors: Annotated[int, Meta(description="Errors in that time")]
    errors_by_type: Annotated[dict[str, int], Meta(description="By exception type")]
    errors_by_service: Annotated[dict[str, int], Meta(description="By service")]
    errors_by_operation: Annotated[dict[str, int], Meta(description="By operation")]
    errors_by_hour: Annotated[list[ErrorHour], Meta(description="Oldest first")]
    recent: Annotated[list[ErrorExample], Meta(description="The last ones, newest first")]


class BreakerAnswer(msgspec.Struct, frozen=True):
    """A circuit breaker."""

    name: Annotated[str, Meta(description="What it protects")]
    state: Annotated[str, Meta(description="closed (good), open (resting) or half_open (trying)")]
    failures: Annotated[int, Meta(description="Failures in a row")]
    opened_at: MaybeTime
    next_try: MaybeTime
    last_error: Annotated[str | None, Meta(description="The failure last seen")]
    opened_times: Annotated[int, Meta(description="How often it opened since the start")]


class Breakers(msgspec.Struct, frozen=True):
    """All circuit breakers."""

    circuit_breakers: list[BreakerAnswer]


class DatabaseLatency(msgspec.Struct, frozen=True):
    """How long the last operations took."""

    count: Annotated[int, Meta(description="How many the figures are of")]
    median_s: Annotated[float | None, Meta(description="Median, seconds")]
    p95_s: Annotated[float | None, Meta(description="95 of 100 were faster, seconds")]
    last_s: Annotated[float | None, Meta(description="The last one, seconds")]


class DatabaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The database and what lies beside it; null: not known while it does not answer."""

    status: Annotated[str, Meta(description="healthy, degraded or unhealthy")]
    engine: Annotated[str | None, Meta(description="sqlite or postgresql")] = None
    label: Annotated[str | None, Meta(description="Where it is, without its password")] = None
    away: Annotated[str | None, Meta(description="Why it does not answer; null if it does")] = None
    version: Annotated[str | None, Meta(description="The engine's version")] = None
    schema_revision: Annotated[str | None, Meta(description="Migration it stands at")] = None
    size_bytes: Annotated[int | None, Meta(description="Bytes the database takes")] = None
    segments: Annotated[int | None, Meta(description="Sealed Parquet files")] = None
    segment_bytes: Annotated[int | None, Meta(description="Bytes they take")] = None
    missing_segments: Annotated[
        int | None, Meta(description="Files that should be there and are not")
    ] = None
    journal_bytes: Annotated[int | None, Meta(description="Bytes the journal takes")] = None
    directory_bytes: Annotated[
        int | None, Meta(description="Bytes the data directory takes in all")
    ] = None
    free_bytes: Annotated[int | None, Meta(description="Bytes free on its disk")] = None
    rows: Annotated[dict[str, int], Meta(description="Rows by table, estimated")] = {}
    last_seq: Annotated[int | None, Meta(description="The last tick kept")] = None
    unsealed_ticks: Annotated[
        int | None, Meta(description="Ticks whose positions are not sealed yet")
    ] = None
    pending_ticks: Annotated[int, Meta(description="Snapshots journalled, not committed yet")]
    writes: Annotated[
        DatabaseLatency | None, Meta(description="The last transactions that wrote")
    ] = None
    reads: Annotated[DatabaseLatency | None, Meta(description="The last questions")] = None


class Liveness(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Annotated[str, Meta(description="alive")]


class Readiness(msgspec.Struct, frozen=True):
    """Whether there is something to answer with."""

    status: Annotated[str, Meta(description="ready or not_ready")]
    why: Annotated[list[str], Meta(description="What is missing; empty when ready")]
