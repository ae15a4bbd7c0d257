"""What is watched of machine and process, by the settings, and who is told why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.observe.profiling import ResourceLimits

if TYPE_CHECKING:
    from sectorwatch.config import Settings
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.application import Application

__all__ = ["resource_limits", "watch"]

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
    resources, alerts = telemetry.resources, telemetry.alerts
    resources.expected_busy = application.is_expected_busy
    telemetry.optimizer.add_source(resources.evidence)
    for rule, explanation in (
        ("cpu_spike", resources.explain_cpu),
        ("memory_leak", resources.explain_leak),
        ("loop_blocked", resources.explain_block),
        ("disk_filling", resources.explain_disk),
    ):
        alerts.explain(rule, explanation)
