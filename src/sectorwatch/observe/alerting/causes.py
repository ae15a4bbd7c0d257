"""Likely causes that observation knows itself: what a service died of, which errors there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.health import HealthChecker
    from sectorwatch.observe.logs import StructuredLogger

__all__ = ["error_of_operation", "state_of_service"]

# What it died of once comes last: it may have run well since.
_TOLD = ("error", "feed_failing", "below", "last_error")
_LONGEST_STACK = 4_000


def state_of_service(
    health: HealthChecker, labels: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """What a service's last health check said: the error in its details, and all of them."""
    status = health.latest(labels.get("service", ""))
    if status is None:
        return "", {}
    details = dict(status.details)
    if details.get("degraded_by"):
        details["below"] = f"it depends on {', '.join(details['degraded_by'])}"
    words = next((str(details[key]) for key in _TOLD if details.get(key)), "")
    details.pop("below", None)
    return words, details


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
