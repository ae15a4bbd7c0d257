"""Likely causes that observation knows itself: what a service died of, which errors there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.health import HealthChecker
    from sectorwatch.observe.logs import StructuredLogger
    from sectorwatch.observe.tuning import PerformanceOptimizer

__all__ = ["error_of_operation", "slowdown_of_operation", "state_of_service"]

_TOLD = ("last_error", "error", "feed_failing")
_LONGEST_STACK = 4_000


def state_of_service(
    health: HealthChecker, labels: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """What a service's last health check said: the error in its details, and all of them."""
    status = health.latest(labels.get("service", ""))
    if status is None:
        return "", {}
    words = next((str(status.details[key]) for key in _TOLD if status.details.get(key)), "")
    if not words and status.details.get("degraded_by"):
        words = f"it depends on {', '.join(status.details['degraded_by'])}"
    return words, dict(status.details)


def error_of_operation(
    log: StructuredLogger, labels: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """The last error of an operation, else of its service, and how many there were of which."""
    service, operation = labels.get("service"), labels.get("operation")
    found = log.get_error_analytics(1, service)
    recent = found["recent"]
    own = next((each for each in recent if each["operation"] == operation), None)
    last = own or next(iter(recent), None)
    if last is None:
        return "", {}
    return f"{last['operation']}: {last['type']}: {last['message']}", {
        "by_type": found["by_type"],
        "correlation_id": last["correlation_id"],
        "stack": last["stack"][-_LONGEST_STACK:],
    }


def slowdown_of_operation(
    optimizer: PerformanceOptimizer, labels: Mapping[str, str]
) -> tuple[str, dict[str, Any]] | None:
    """How much slower an operation is than its past, and what is recommended for it."""
    operation, service = labels.get("operation", ""), labels.get("service", "")
    found = optimizer.slowdown(operation, service)
    if found is None:
        return None
    words = (
        f"{operation} takes {_milliseconds(found.median_s)} in the median since "
        f"{as_text(found.since_s)}; it was {_milliseconds(found.past_median_s)}, and "
        f"{_milliseconds(found.past_peak_s)} at the worst"
    )
    advised = [
        each.description
        for each in optimizer.get_recommendations(service)
        if each.operation == operation
    ]
    if advised:
        words += f". {advised[0]}"
    return words, {
        "ratio": found.ratio,
        "probability": found.probability,
        "samples": found.samples,
        "recommendations": advised[:3],
    }


def _milliseconds(seconds: float) -> str:
    return f"{1_000 * seconds:.3g} ms"
