"""What watches this instance, put together by its settings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sectorwatch.observe import LogLevel, StreamSink, Telemetry, TerminalSink
from sectorwatch.runtime.described import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.clock import Clock
    from sectorwatch.config import Settings
    from sectorwatch.observe import LogSink
    from sectorwatch.store import DataDirectory

__all__ = ["NAMESPACE", "open_telemetry"]

NAMESPACE = "sectorwatch"
"""What stands before the names of our metrics in Prometheus."""

# Under these keys a log line could say who somebody is.
_MEMBERS = ("cid", "member", "member_name", "real_name", "full_name")


def open_telemetry(
    settings: Settings,
    directory: DataDirectory,
    clock: Clock,
    sinks: Sequence[LogSink] | None = None,
) -> Telemetry:
    """Metrics, log, performance and health of this instance, kept in its data directory.

    `sinks` take the log besides its file; None leaves that to the settings. With the setting
    `observation` off it is all null.
    """
    if not settings.observation:
        return Telemetry.null()
    telemetry = Telemetry.open(
        directory.observations,
        namespace=NAMESPACE,
        environment=settings.environment,
        level=None if settings.log_level is None else LogLevel(settings.log_level),
        sinks=_sinks(settings) if sinks is None else sinks,
        redact=_MEMBERS,
        slowdown_least_s=settings.slowdown_min_ms / 1_000,
        warm_up_s=settings.slowdown_warm_up_s,
        clock=clock,
    )
    for each in METRICS:
        telemetry.metrics.describe(each.name, each.says)
    return telemetry


def _sinks(settings: Settings) -> list[LogSink] | None:
    """Where the log goes besides its file; None lets the terminal decide."""
    descriptor = sys.stderr.fileno()
    match settings.log_format:
        case "json":
            return [StreamSink(descriptor)]
        case "terminal":
            return [TerminalSink(descriptor)]
        case _:
            return None
