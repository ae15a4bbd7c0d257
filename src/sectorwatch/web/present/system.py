"""Services, the bus, errors and breakers as answers."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from sectorwatch.clock import format_us
from sectorwatch.observe import HealthState
from sectorwatch.runtime import ServiceState
from sectorwatch.web.answers.system import (
    BreakerAnswer,
    DeadLetter,
    ErrorAnalytics,
    ErrorExample,
    ErrorHour,
    EventAnalytics,
    HandlerCounts,
    ServiceAnswer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.feed.breaker import BreakerState
    from sectorwatch.observe import HealthStatus
    from sectorwatch.runtime import Application, BusAnalytics, ServiceStatus
    from sectorwatch.web.stream import StreamHub

__all__ = [
    "breaker_answer",
    "error_analytics",
    "event_analytics",
    "health_of",
    "nearest_of",
    "service_answer",
    "service_answers",
]


def nearest_of(name: str, names: Sequence[str]) -> list[str]:
    """Give the names nearest to one that nobody has, or all where there are few."""
    near = difflib.get_close_matches(name[:60], names, n=5, cutoff=0.4)
    return near or sorted(names)[:10]


def service_answers(application: Application) -> list[ServiceAnswer]:
    """Show all services in the order they start."""
    return [_service(application, status) for status in application.supervisor.status()]


def service_answer(application: Application, name: str) -> ServiceAnswer:
    """Show one service."""
    (status,) = application.supervisor.status(name)
    return _service(application, status)


def health_of(status: ServiceStatus, checked: HealthStatus | None) -> HealthState:
    """Say how a service is: by its last check while it runs, else by where it stands in its life.

    A check from before a stop says nothing about what is stopped.
    """
    if status.state is ServiceState.RUNNING:
        return HealthState.UNKNOWN if checked is None else checked.status
    if status.state in {ServiceState.STARTING, ServiceState.STOPPING}:
        return HealthState.DEGRADED
    return HealthState.UNHEALTHY


def _service(application: Application, status: ServiceStatus) -> ServiceAnswer:
    health = application.telemetry.health.latest(status.name)
    return ServiceAnswer(
        name=status.name,
        status=health_of(status, health).value,
        state=status.state.value,
        depends_on=[*status.depends_on, *status.uses],
        since=format_us(status.since_us),
        restarts=status.restarts,
        last_error=status.last_error,
        response_time=None if health is None else round(health.response_time, 6),
        details={} if health is None else dict(health.details),
    )


def event_analytics(figures: BusAnalytics, hub: StreamHub) -> EventAnalytics:
    """Show the bus and the event streams in figures."""
    return EventAnalytics(
        published=figures.published,
        published_by_topic=figures.published_by_topic,
        delivered=figures.delivered,
        skipped=figures.skipped,
        failed=figures.failed,
        timed_out=figures.timed_out,
        dead_letter_count=figures.dead_letter_count,
        streams_open=hub.open,
        streams_cut_off=hub.cut_off,
        handlers=[
            HandlerCounts(
                handler=one.handler,
                topics=list(one.topics),
                delivered=one.delivered,
                skipped=one.skipped,
                failed=one.failed,
                timed_out=one.timed_out,
                waiting=one.waiting,
                is_busy=one.is_busy,
                mean_duration_s=one.mean_duration_s,
                longest_duration_s=one.longest_duration_s,
            )
            for one in figures.handlers
        ],
        dead_letters=[
            DeadLetter(
                time=format_us(letter.time_us),
                topic=letter.topic,
                seq=letter.seq,
                name=letter.name,
                handler=letter.handler,
                reason=letter.reason,
                error=letter.error,
                correlation_id=letter.correlation_id,
            )
            for letter in figures.dead_letters
        ],
    )


def error_analytics(figures: Mapping[str, Any]) -> ErrorAnalytics:
    """Show the errors as the log counted them."""
    return ErrorAnalytics(
        service=figures["service"],
        hours=figures["hours"],
        total_errors=figures["total_errors"],
        errors_by_type=figures["by_type"],
        errors_by_service=figures["by_service"],
        errors_by_operation=figures["by_operation"],
        errors_by_hour=[ErrorHour(hour, count) for hour, count in figures["by_hour"].items()],
        recent=[
            ErrorExample(
                timestamp=one["timestamp"],
                type=one["type"],
                message=one["message"],
                service=one["service"],
                operation=one["operation"],
                correlation_id=one["correlation_id"] or None,
                stack=one["stack"],
            )
            for one in figures["recent"]
        ],
    )


def breaker_answer(state: BreakerState) -> BreakerAnswer:
    """Show a circuit breaker."""
    return BreakerAnswer(
        name=state.name,
        state=state.state,
        failures=state.failures,
        opened_at=None if state.opened_at_us is None else format_us(state.opened_at_us),
        next_try=None if state.next_try_us is None else format_us(state.next_try_us),
        last_error=state.last_failure,
        opened_times=state.opened_times,
    )
