"""What watches this instance, put together by its settings."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

from sectorwatch import __version__
from sectorwatch.observe import AlertSeverity, LogLevel, StreamSink, Telemetry, TerminalSink
from sectorwatch.observe.notifying import (
    AlertmanagerPush,
    Heartbeat,
    alertmanager_channel,
    channels_of,
)
from sectorwatch.runtime.alert_rules import alert_rules, numbers_of
from sectorwatch.runtime.described import METRICS
from sectorwatch.runtime.watching import resource_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.clock import Clock
    from sectorwatch.config import Settings
    from sectorwatch.observe import LogSink
    from sectorwatch.observe.notifying import Channel
    from sectorwatch.store import DataDirectory

__all__ = [
    "NAMESPACE",
    "alertmanager_push",
    "all_channels",
    "base_address",
    "heartbeat",
    "notifier_channels",
    "open_telemetry",
]

NAMESPACE = "sectorwatch"
"""What stands before the names of our metrics in Prometheus."""

# Under these keys a log line could say who somebody is.
_MEMBERS = ("cid", "member", "member_name", "real_name", "full_name")

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


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
        levels={name: LogLevel(level) for name, level in settings.log_levels.items()},
        sinks=_sinks(settings) if sinks is None else sinks,
        redact=_MEMBERS,
        slowdown_least_s=settings.slowdown_min_ms / 1_000,
        warm_up_s=settings.slowdown_warm_up_s,
        version=__version__,
        channels=notifier_channels(settings),
        notify_from=AlertSeverity(settings.notify_severity),
        resource_limits=resource_limits(settings),
        alert_rules=alert_rules(settings),
        alert_settings=numbers_of(settings),
        repeat_s=settings.alert_repeat_hours * 3_600,
        health_starting_s=settings.start_timeout_s + 240,
        clock=clock,
    )
    for each in METRICS:
        telemetry.metrics.describe(each.name, each.says)
    return telemetry


def notifier_channels(settings: Settings) -> list[Channel]:
    """Who is told of alerts by `settings`; an address that cannot be used is there and says so."""
    return channels_of(
        [each.get_secret_value() for each in settings.notify_urls],
        [each.get_secret_value() for each in settings.alert_webhook_urls],
        base=base_address(settings),
    )


def all_channels(settings: Settings) -> list[Channel]:
    """Everybody who is told by `settings`, an Alertmanager that is pushed to among them."""
    channels = notifier_channels(settings)
    if settings.alertmanager_url is not None:
        address = settings.alertmanager_url.get_secret_value()
        channels.append(alertmanager_channel(address, base=base_address(settings)))
    return channels


def heartbeat(settings: Settings, clock: Clock, telemetry: Telemetry) -> Heartbeat | None:
    """The sign of life that `settings` ask for; None where they ask for none."""
    if settings.heartbeat_url is None:
        return None
    return Heartbeat(
        settings.heartbeat_url.get_secret_value(),
        every_s=settings.heartbeat_every_s,
        metrics=telemetry.metrics,
        log=telemetry.log,
        clock=clock,
    )


def alertmanager_push(
    settings: Settings, clock: Clock, telemetry: Telemetry
) -> AlertmanagerPush | None:
    """What tells the Alertmanager of `settings`; None where there is none."""
    if settings.alertmanager_url is None:
        return None
    return AlertmanagerPush(
        settings.alertmanager_url.get_secret_value(),
        active=telemetry.alerts.get_active_alerts,
        base=base_address(settings),
        metrics=telemetry.metrics,
        log=telemetry.log,
        clock=clock,
    )


def base_address(settings: Settings) -> str:
    """What links to this instance begin with: `base_url`, else where it listens."""
    if settings.base_url is not None:
        return settings.base_url
    host = settings.host
    if host in _EVERYWHERE:
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


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
