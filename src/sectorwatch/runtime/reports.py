"""What this instance reports of itself from time to time: a line a subject, few an hour."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sectorwatch.feed.client import SERVICE as FETCHED_BY
from sectorwatch.observe import LogCategory, PerformanceMetric, Since

if TYPE_CHECKING:
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.bus import EventBus
    from sectorwatch.runtime.keyring import KeyRing
    from sectorwatch.runtime.pipeline import Pipeline
    from sectorwatch.runtime.slots import StoreSlot

__all__ = ["add_reports"]

_WEEK_H = 7 * 24
_STAGES = (
    ("accept", "collector"),
    ("journal_append", "journal"),
    ("decode", "collector"),
    ("advance", "tracker"),
    ("commit", "store"),
)


def add_reports(
    telemetry: Telemetry,
    *,
    pipeline: Pipeline,
    stores: StoreSlot,
    keys: KeyRing,
    bus: EventBus,
    every_s: float,
) -> None:
    """Have the subjects of this room reported, each over the time since its last report."""
    hours = every_s / 3_600
    add = telemetry.reports.add
    add("store", LogCategory.DATABASE, partial(_database, telemetry, pipeline, stores, hours))
    add("collector", LogCategory.NETWORK, partial(_feeds, telemetry, pipeline, Since(), hours))
    add("performance", LogCategory.PERFORMANCE, partial(_ticks, telemetry, hours))
    add("performance", LogCategory.SYSTEM, partial(_machine, telemetry, hours))
    add("logging", LogCategory.ERROR, partial(_errors, telemetry, bus, Since()))
    add("api", LogCategory.SECURITY, partial(_keys, keys, Since()))


def _database(
    telemetry: Telemetry, pipeline: Pipeline, stores: StoreSlot, hours: float
) -> dict[str, Any]:
    commits = _taken(telemetry, "commit", "store", hours)
    return {
        "commits": commits["count"],
        "median_s": _round(commits.get("median")),
        "longest_s": _round(commits.get("max")),
        "pending_snapshots": pipeline.follow.pending,
        "circuit_breaker": stores.breaker.state.state,
    }


def _feeds(telemetry: Telemetry, pipeline: Pipeline, since: Since, hours: float) -> dict[str, Any]:
    counts = pipeline.intake.counts()
    fetched = _taken(telemetry, "fetch_feed", FETCHED_BY, hours)
    age_s = pipeline.age_s()
    return {
        "source": pipeline.source.name if pipeline.source is not None else None,
        **since(
            feeds=counts.feeds,
            refused=sum(counts.refused.values()),
            repaired=sum(counts.repaired.values()),
            dropped=sum(counts.dropped.values()),
        ),
        "feed_age_s": _round(age_s),
        "fetches": fetched["count"],
        "fetch_median_s": _round(fetched.get("median")),
    }


def _ticks(telemetry: Telemetry, hours: float) -> dict[str, Any] | None:
    stages = {name: _taken(telemetry, name, of, hours) for name, of in _STAGES}
    if not stages["advance"]["count"]:
        return None
    return {
        "ticks": stages["advance"]["count"],
        **{f"{name}_s": _round(found.get("median")) for name, found in stages.items()},
        "operations": len(telemetry.performance.operations()),
    }


def _machine(telemetry: Telemetry, hours: float) -> dict[str, Any] | None:
    metrics = telemetry.metrics
    cpu = metrics.get_metric_summary("process_cpu", hours)
    if not cpu["count"]:
        return None
    latest = {
        name: metrics.get_metric_summary(metric, hours).get("latest")
        for name, metric in (
            ("memory_bytes", "process_resident_memory"),
            ("threads", "process_threads"),
            ("open_files", "process_open_fds"),
            ("disk_free_bytes", "disk_free"),
        )
    }
    return {
        "cpu_percent": round(cpu["avg"], 1),
        "cpu_percent_at_most": round(cpu["max"], 1),
        **{name: None if value is None else int(value) for name, value in latest.items()},
    }


def _errors(telemetry: Telemetry, bus: EventBus, since: Since) -> dict[str, Any]:
    errors = telemetry.log.get_error_analytics(_WEEK_H, "global", 0)
    by_service = since(**{f"by {name}": n for name, n in errors["by_service"].items()})
    return {
        **since(
            errors=errors["total_errors"],
            dead_letters=bus.analytics().dead_letter_count,
            samples_not_kept=sum(telemetry.metrics.dropped.values()),
            lines_not_written=sum(telemetry.log.dropped.values()),
        ),
        "by_service": {name.removeprefix("by "): n for name, n in by_service.items() if n},
    }


def _keys(keys: KeyRing, since: Since) -> dict[str, Any]:
    return since(keys_accepted=keys.accepted, keys_refused=keys.refused)


def _taken(telemetry: Telemetry, operation: str, service: str, hours: float) -> dict[str, Any]:
    return telemetry.performance.get_metric_summary(
        operation, service, PerformanceMetric.RESPONSE_TIME, hours
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
