"""What the API reports of itself: requests, connections, answers out of memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sectorwatch.observe import LogCategory, Since

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sectorwatch.observe import Telemetry

__all__ = ["add_reports"]

_CACHES = ("hot", "fixed", "statistics", "coverage")


def add_reports(app: FastAPI, telemetry: Telemetry, every_s: float) -> None:
    """Have them reported, each over the time since its last report."""
    add = telemetry.reports.add
    add("api", LogCategory.API, partial(_requests, telemetry, every_s / 3_600))
    add("api", LogCategory.NETWORK, partial(_streams, app, Since()))
    add("api", LogCategory.CACHE, partial(_caches, app, {name: Since() for name in _CACHES}))


def _requests(telemetry: Telemetry, hours: float) -> dict[str, Any]:
    taken = telemetry.metrics.get_metric_summary("api_request_duration_seconds", hours)
    failed = telemetry.metrics.get_metric_summary("operation_error_rate", hours, {"service": "api"})
    return {
        "requests": taken["count"],
        "failed": round(failed.get("sum", 0.0)),
        "median_s": _round(taken.get("median")),
        "p99_s": _round(taken.get("p99")),
    }


def _streams(app: FastAPI, since: Since) -> dict[str, Any]:
    hub = app.state.hub
    return {
        "streams_open": hub.open,
        **since(streams_cut_off=hub.cut_off, events_streamed=hub.last_number),
    }


def _caches(app: FastAPI, since: dict[str, Since]) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for name in _CACHES:
        cache = getattr(app.state, name)
        grown = since[name](hits=cache.hits, misses=cache.misses)
        asked = grown["hits"] + grown["misses"]
        report[f"{name}_hits"], report[f"{name}_misses"] = grown["hits"], grown["misses"]
        report[f"{name}_hit_rate"] = round(grown["hits"] / asked, 4) if asked else None
    return report


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
