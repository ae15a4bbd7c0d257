"""What a rule is, and what it gives now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.enums import AlertSeverity, AlertState, AlertType

__all__ = ["AlertRule", "LabelState", "RuleState"]


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A condition over metrics, and what to say where it is met.

    `service` "" takes it from the label `service`. The condition has to be met for `for_s` before
    an alert begins, and to be gone for `keep_firing_for_s` before it ends. `summary`, `impact`,
    `advice` and `cause` may use {value}, {threshold}, {service} and any label's name in braces;
    `cause` is for where nobody explains it better. `operation` and `metric_type` say what is
    measured, where it is an operation and no label says so. `labels` are added to the alert's.
    """

    name: str
    type: AlertType
    severity: AlertSeverity
    service: str
    expression: str
    for_s: float = 0.0
    keep_firing_for_s: float = 0.0
    summary: str = ""
    impact: str = ""
    advice: str = ""
    cause: str = ""
    operation: str = ""
    metric_type: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelState:
    """What a rule gives for one set of labels; `state` None where its condition is not met.

    `for_s` is how long it has been met.
    """

    labels: Mapping[str, str]
    value: float
    threshold: float | None
    state: AlertState | None
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule and what it gives now; `error` says why it cannot be evaluated, "" where it can.

    `dropped` counts sets of labels beyond what one rule may have.
    """

    rule: AlertRule
    error: str = ""
    results: tuple[LabelState, ...] = ()
    dropped: int = 0
