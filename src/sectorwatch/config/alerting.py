"""Settings of alerts: from when on something counts, rules of one's own, and who is told when."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)
from pydantic_settings import BaseSettings, NoDecode

from sectorwatch.config.fields import seconds, setting, table, tables

__all__ = ["AlertSettings", "RuleSetting"]

_MEASURED = (
    "response_time",
    "throughput",
    "memory_usage",
    "cpu_usage",
    "database_query_time",
    "cache_hit_rate",
    "error_rate",
    "concurrent_requests",
)
Severity = Literal["low", "medium", "high", "critical"]
Duration = Annotated[Annotated[float, Field(ge=0, le=7 * 86_400)] | None, BeforeValidator(seconds)]


def _operation(name: str) -> str:
    service, _, rest = name.partition(":")
    operation, _, measured = rest.rpartition(":")
    if not service or not operation or measured not in _MEASURED:
        raise ValueError(
            f"{name[:80]!r} is no service:operation:metric_type, the last one of "
            f"{', '.join(_MEASURED)}"
        )
    return name


def _rule_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,59}", name):
        raise ValueError(f"{name[:80]!r} is no name for a rule: letters, digits and _, at most 60")
    return name


class RuleSetting(BaseModel):
    """A rule of one's own, or what is different of one by default; None leaves that as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, AfterValidator(_rule_name)]
    enabled: bool = True
    type: (
        Literal[
            "service_down",
            "high_error_rate",
            "performance_degradation",
            "resource_exhaustion",
            "database_issue",
            "api_timeout",
            "memory_leak",
            "cpu_spike",
        ]
        | None
    ) = None
    severity: Severity | None = None
    service: Annotated[str | None, Field(max_length=100)] = None
    expression: Annotated[str | None, Field(max_length=1_000)] = None
    for_: Annotated[Duration, Field(alias="for")] = None
    keep_firing_for: Duration = None
    summary: Annotated[str | None, Field(max_length=1_000)] = None
    impact: Annotated[str | None, Field(max_length=1_000)] = None
    advice: Annotated[str | None, Field(max_length=1_000)] = None

    def __str__(self) -> str:
        """Its name: the rest stands in the file."""
        return self.name if self.enabled else f"{self.name} off"


def _named_once(rules: tuple[RuleSetting, ...]) -> tuple[RuleSetting, ...]:
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two rules are named {name}: rename one")
    return rules


def _over(default: float, unit: str, description: str, **limits: Any) -> Any:
    return setting(default, unit, f"Alert rules: {description}", **limits)


class AlertSettings(BaseSettings):
    """The part of `Settings` that is about alerts."""

    alert_rules: Annotated[
        tuple[RuleSetting, ...],
        NoDecode,
        BeforeValidator(tables),
        AfterValidator(_named_once),
    ] = setting(
        (),
        "rules",
        "Rules of one's own, and changes to those by default (the same name), each a table "
        "`[[alert_rules]]`: see monitoring.md.",
        max_length=100,
    )
    alert_thresholds: Annotated[
        dict[Annotated[str, AfterValidator(_operation)], float], NoDecode, BeforeValidator(table)
    ] = setting(
        {},
        "as measured",
        'Limits of single operations, such as "system:system_monitoring:cpu_usage" = 80 (service, '
        "operation, what is measured): beyond it on the mean of five minutes, an alert.",
        max_length=100,
    )
    alert_repeat_hours: float = setting(
        12.0,
        "h",
        "How often people are told again of an alert that goes on and nobody acknowledged.",
        ge=0.1,
        le=720,
    )
    alert_error_rate: float = _over(
        0.1, "ratio", "share of an operation's runs of 5 min that may fail.", ge=0, le=1
    )
    alert_slowdown: float = _over(
        1.3, "ratio", "how many times as long as ever before an operation may take.", ge=1, le=1_000
    )
    alert_loop_blocked_s: float = _over(
        1.0, "s", "how long the event loop may stand still.", ge=0.05, le=600
    )
    alert_disk_full_hours: float = _over(
        6.0, "h", "how long before the disk will be full it is told.", ge=0.1, le=720
    )
    alert_memory_available_ratio: float = _over(
        0.05, "ratio", "share of the machine's memory that has to be left.", ge=0, le=1
    )
    alert_open_files_ratio: float = _over(
        0.8, "ratio", "share of the files it may open that may be open.", ge=0, le=1
    )
    alert_queue_fill_ratio: float = _over(
        0.8, "ratio", "how full a queue may stay for a minute.", ge=0, le=1
    )
    alert_database_failing_s: float = _over(
        2.0, "s", "how long the database may not answer.", ge=0, le=3_600
    )
    alert_feed_failing_s: float = _over(
        60.0, "s", "how long feeds may fail to come.", ge=15, le=86_400
    )
    alert_feed_age_s: float = _over(
        300.0, "s", "how old the newest feed may be while feeds come.", ge=30, le=86_400
    )
    alert_request_s: float = _over(
        10.0, "s", "how long a request to the API may take (the slowest of twenty).", gt=0, le=600
    )
    alert_leak_mb_an_hour: float = _over(
        0.0, "MB/h", "how fast a leak that was found may grow.", ge=0, le=100_000
    )
    alert_cpu_percent: float = _over(
        50.0, "percent", "of one core: from when on a spike that was found counts.", ge=1, le=10_000
    )
    alert_forecast_error: float = _over(
        1.5, "ratio", "how many times their usual error forecasts may have for hours.", ge=1, le=100
    )
