"""What the room answers with: frozen values with the fields of the specification's responses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.enums import AlertState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sectorwatch.observe.enums import AlertSeverity, AlertType, HealthState, PerformanceMetric
    from sectorwatch.observe.tuning.findings import Effect

__all__ = [
    "Alert",
    "HealthStatus",
    "Metric",
    "OptimizationRecommendation",
    "PerformanceData",
]


@dataclass(frozen=True, slots=True)
class Metric:
    """One value of one metric, or the summary of a minute or ten of them.

    `resolution_s` is 0 for a sample as it was recorded, else the seconds summed up: `value` is
    then their mean and `count`, `minimum`, `maximum` say what went into it. `timestamp` is aware,
    UTC, the start of those seconds.
    """

    name: str
    value: float
    timestamp: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    resolution_s: int = 0
    count: int = 1
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """How one service was when it was looked at.

    `response_time` in seconds; `error_count` is the number of failed checks in the last 24 h.
    """

    service: str
    status: HealthState
    timestamp: datetime
    response_time: float = 0.0
    error_count: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know, as it stands: a change gives a new one of the same id.

    `timestamp` is when it began, `updated` when anything of it changed last, `count` how often it
    was created, `rule` the rule that it comes of ("" where a program created it). `silenced_by`
    are the ids of the silences that apply, `inhibited_by` the service to blame instead, `affects`
    the services that depend on its own, `cause` the likely cause in words ("" if unknown).
    """

    id: str
    type: AlertType
    severity: AlertSeverity
    message: str
    service: str
    timestamp: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)
    state: AlertState = AlertState.FIRING
    labels: Mapping[str, str] = field(default_factory=dict)
    rule: str = ""
    updated: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    note: str = ""
    silenced_by: tuple[str, ...] = ()
    inhibited_by: str = ""
    count: int = 1
    value: float | None = None
    threshold: float | None = None
    affects: tuple[str, ...] = ()
    cause: str = ""


@dataclass(frozen=True, slots=True)
class PerformanceData:
    """One measurement of one operation of one service."""

    operation: str
    service: str
    metric_type: PerformanceMetric
    value: float
    timestamp: datetime
    unit: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OptimizationRecommendation:
    """What would make an operation better, and by how much where that was measured.

    `expected_improvement` is a fraction, None where it could not be measured; `reason` says how it
    was, or why not. `status` is open, applied or expired; `measured_effect` is what applying it
    did, in the words of `tuning.Effect`, None while that is not known. `timestamp` is when it was
    last found, `evidence` what was seen then, `fix` what to do.
    """

    id: str
    operation: str
    service: str
    recommendation_type: str
    description: str
    expected_improvement: float | None
    implementation_difficulty: str
    priority: str
    timestamp: datetime
    fix: str = ""
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cost_share: float = 0.0
    status: str = "open"
    outcome: str = ""
    measured_effect: Effect | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    decided_at: datetime | None = None
    source: str = ""
