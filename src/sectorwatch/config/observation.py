"""Settings of how the program watches itself: log, metrics, alerts and who is told of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from sectorwatch.config.alerting import AlertSettings
from sectorwatch.config.fields import (
    Addresses,
    OptionalAddress,
    Words,
    empty_is_none,
    setting,
    split,
    table,
)
from sectorwatch.config.hosts import parse_host

__all__ = ["Environment", "ObservationSettings"]

Environment = Literal["development", "testing", "production"]
_LEVELS: dict[Environment, str] = {
    "development": "DEBUG",
    "testing": "WARNING",
    "production": "INFO",
}


def _host_and_port(value: str) -> str:
    """An address with a port behind it. Raises ValueError."""
    parse_host(value)
    return value.strip()


class ObservationSettings(AlertSettings):
    """The part of `Settings` that is about observation."""

    observation: bool = setting(
        True,
        "",
        "Whether it watches itself. Off, it keeps no metrics, writes no log, raises no alert and "
        "notices nothing; all else goes on the same.",
    )

    environment: Environment = setting(
        "production",
        "",
        "Sets the level of the log: development DEBUG, testing WARNING, production INFO.",
    )
    log_keep_mb: float = setting(
        100.0,
        "MB",
        "How much log is kept in the data directory; 0 keeps none there.",
        ge=0,
        le=100_000,
    )
    log_format: Literal["auto", "json", "terminal"] = setting(
        "auto",
        "",
        "JSON, a line an entry, or text for people; auto: text on a terminal, else JSON.",
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] | None,
        BeforeValidator(empty_is_none),
    ] = setting(None, "", "The lowest level that is written; without it `environment` says.")
    notify_urls: Addresses = setting(
        (),
        "secret URLs",
        "Who is told of alerts: a Discord webhook's address, or any of apprise's, such as "
        "slack://..., mailto://... or json://...; at most 20.",
    )
    notify_severity: Literal["low", "medium", "high", "critical"] = setting(
        "high", "", "Alerts of this severity and above are told."
    )
    alert_webhook_urls: Addresses = setting(
        (),
        "secret URLs",
        "Where alerts are posted as Alertmanager's webhook posts them (version 4), for programs "
        "that understand that; at most 20.",
    )
    alertmanager_url: OptionalAddress = setting(
        None,
        "secret URL",
        "An Alertmanager, such as http://127.0.0.1:9093, that is told every minute what fires, "
        "whatever its severity, as Prometheus tells it.",
    )
    heartbeat_url: OptionalAddress = setting(
        None,
        "secret URL",
        "Called (GET) after a committed tick, so that another system can tell that this one died.",
    )
    heartbeat_every_s: float = setting(
        60.0, "s", "How often `heartbeat_url` is called at most.", ge=5, le=86_400
    )

    metrics_sectors: Annotated[Words, BeforeValidator(split)] = setting(
        (),
        "sectors",
        "Sectors that have metrics of their own: how busy they are, whether they are staffed; at "
        "most 100. Without any, those of the home sector's partition, else of all.",
        max_length=100,
    )
    log_levels: Annotated[
        dict[str, Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]],
        NoDecode,
        BeforeValidator(table),
    ] = setting(
        {},
        "",
        "The lowest level that is written of single services, such as store = DEBUG; what they do "
        "not name goes by `log_level` or `environment`.",
    )
    trace_feeds: bool = setting(
        False,
        "",
        "Whether fetches of the feed carry a W3C `traceparent`. Servers on this machine get it "
        "always; nobody else has a use for it unless you run a proxy that does.",
    )
    log_report_s: float = setting(
        600.0,
        "s",
        "How often a line a subject says what happened meanwhile: commits, feeds, answers out of "
        "memory, keys, errors, the machine; the first 20 s after the start. 0: never.",
        ge=0,
        le=86_400,
    )

    reachability_hosts: Annotated[
        tuple[Annotated[str, AfterValidator(_host_and_port)], ...],
        NoDecode,
        BeforeValidator(split),
    ] = setting(
        ("1.1.1.1:443", "9.9.9.9:443"),
        "ADDRESS:PORT",
        "Whom to try to reach while feeds fail (a connection, opened and closed, every 15 s at "
        "most), to tell VATSIM's trouble from that of our own network; an empty list asks nobody.",
        max_length=8,
    )
    slowdown_min_ms: float = setting(
        5.0,
        "ms",
        "An operation counts as slower than its own past from so many milliseconds more on.",
        ge=0.1,
        le=60_000,
    )
    slowdown_warm_up_s: float = setting(
        300.0,
        "s",
        "What operations take for so long after a start is not held against them.",
        ge=0,
        le=86_400,
    )

    loop_blocked_s: float = setting(
        0.25,
        "s",
        "From how long on it counts, and is looked into, that the event loop does not turn.",
        ge=0.05,
        le=60,
    )
    cpu_spike_percent: float = setting(
        70.0,
        "% of a core",
        "From how much processor on, and 40 above what is usual, it is a spike.",
        ge=10,
        le=10_000,
    )
    cpu_spike_s: float = setting(
        30.0, "s", "How long without a pause it must be that much.", ge=10, le=3_600
    )
    profile_every_s: float = setting(
        600.0,
        "s",
        "How often a profile of 2 s is taken although nothing is wrong; 0 takes none.",
        ge=0,
        le=86_400,
    )
    leak_mb_an_hour: float = setting(
        8.0, "MB/h", "From how much growth on, steady for hours, memory leaks.", gt=0, le=100_000
    )
    leak_mb: float = setting(
        50.0, "MB", "How much memory must have grown besides, for it to leak.", gt=0, le=100_000
    )
    leak_trace_s: float = setting(
        45.0,
        "s",
        "How long allocations are traced to find lines that leak; it slows everything meanwhile.",
        ge=1,
        le=120,
    )
    leak_looks_a_day: int = setting(
        6, "", "How often a day they are traced at most; 0 never.", ge=0, le=100
    )
    index_trials_mb: float = setting(
        256.0,
        "MB",
        "How much room copies of tables may take on which an index is tried that a statement seems "
        "to lack; 0 tries none. Only in quiet minutes, and gone afterwards.",
        ge=0,
        le=100_000,
    )

    @property
    def level(self) -> str:
        """The lowest level of log that is written: `log_level`, else by `environment`."""
        return self.log_level or _LEVELS[self.environment]
