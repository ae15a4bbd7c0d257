"""What is watched of machine and process, by the settings, and who is told why."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sectorwatch.clock import format_us
from sectorwatch.errors import ServiceError
from sectorwatch.observe.alerting.causes import state_of_service
from sectorwatch.observe.profiling import ResourceLimits
from sectorwatch.runtime.service import ServiceState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.config import Settings
    from sectorwatch.observe import HealthChecker, Telemetry
    from sectorwatch.runtime.application import Application
    from sectorwatch.runtime.supervisor import Supervisor

__all__ = ["resource_limits", "watch", "why_it_died", "why_it_is_down"]

# Whose code it is, by the beginning of its path in the package; the longest counts.
_OWNERS = {
    "airspace/": "tracker",
    "feed/": "collector",
    "feed/journal": "journal",
    "forecast/": "forecast",
    "observe/": "monitoring",
    "observe/log": "logging",
    "observe/notifying/": "notifier",
    "observe/performance": "performance",
    "observe/profiling/": "performance",
    "observe/tuning/": "performance",
    "runtime/bus": "bus",
    "runtime/follow": "tracker",
    "runtime/pipeline": "collector",
    "runtime/services_api": "api",
    "runtime/services_collector": "collector",
    "runtime/services_maintenance": "maintenance",
    "store/": "store",
    "traffic/": "tracker",
    "web/": "api",
}


def resource_limits(settings: Settings) -> ResourceLimits:
    """From when on what is seen of machine and process counts, and who owns which code."""
    return ResourceLimits(
        loop_blocked_s=settings.loop_blocked_s,
        cpu_spike_percent=settings.cpu_spike_percent,
        cpu_spike_s=settings.cpu_spike_s,
        periodic_every_s=settings.profile_every_s,
        leak_mb_an_hour=settings.leak_mb_an_hour,
        leak_mb=settings.leak_mb,
        leak_trace_s=settings.leak_trace_s,
        leak_looks_a_day=settings.leak_looks_a_day,
        owners=_OWNERS,
    )


def watch(application: Application) -> None:
    """Have the watch know when hard work is expected, and alerts ask it for causes."""
    telemetry: Telemetry = application.telemetry
    telemetry.resources.expected_busy = application.is_expected_busy
    telemetry.optimizer.expected_busy = application.is_expected_busy
    for rule, explanation in (
        ("service_crashed", partial(why_it_died, application.supervisor)),
        ("service_down", partial(why_it_is_down, application.supervisor, telemetry.health)),
        ("operation_slow", telemetry.optimizer.why_slow),
    ):
        telemetry.alerts.explain(rule, explanation)


def why_it_died(
    supervisor: Supervisor, labels: Mapping[str, str]
) -> tuple[str, dict[str, Any]] | None:
    """What a service died of last, which its next health check may be too early or late to say."""
    try:
        [status] = supervisor.status(labels.get("service", ""))
    except ServiceError:
        # A name of somebody's own rule.
        return None
    if status.last_error is None or status.last_error_us is None:
        return None
    return f"it died of {status.last_error}", {
        "died": format_us(status.last_error_us),
        "crashes": status.crashes,
        "restarts": status.restarts,
        "state": str(status.state),
    }


def why_it_is_down(
    supervisor: Supervisor, health: HealthChecker, labels: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """What it died of where it does not run, else what its health check says."""
    found = why_it_died(supervisor, labels)
    if found is not None and found[1]["state"] != ServiceState.RUNNING:
        return found
    return state_of_service(health, labels)
