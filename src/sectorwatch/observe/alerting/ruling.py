"""The alert that a rule gives: its service, labels, words and numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.alerting.lifecycle import rank_of
from sectorwatch.observe.alerting.repair import Given
from sectorwatch.observe.alerting.words import filled_in
from sectorwatch.observe.enums import AlertType
from sectorwatch.observe.results import Alert

if TYPE_CHECKING:
    from datetime import datetime

    from sectorwatch.observe.alerting.engine import Happening

__all__ = ["began_by_rule", "given_by_rule", "taken_over", "went_on"]


def given_by_rule(happening: Happening) -> Given:
    """What a rule says of an alert; the label `service` is the service where the rule has none."""
    rule = happening.rule
    labels = {**dict(happening.labels), **rule.labels}
    # What is measured tells alerts of one service and type from each other, as in `create_alert`.
    for name, known in (("operation", rule.operation), ("metric_type", rule.metric_type)):
        if known:
            labels.setdefault(name, known)
    service = rule.service or labels.get("service") or "unknown"
    if labels.get("service") == service:
        del labels["service"]
    cell = happening.cell
    value = None if cell is None else cell.value
    threshold = None if cell is None else cell.threshold
    names: dict[str, str | float | None] = {
        **labels,
        "service": service,
        "value": value,
        "threshold": threshold,
    }
    message = filled_in(rule.summary, names) or f"{rule.name}: {rule.expression}"
    metadata: dict[str, Any] = {
        name: filled_in(template, names)
        for name, template in (("impact", rule.impact), ("advice", rule.advice))
        if template
    }
    if rule.type is AlertType.PERFORMANCE_DEGRADATION:
        # Performance alerts are shown in the specification's shape too, which has these.
        metadata |= {
            "operation": labels.get("operation") or rule.operation or rule.name,
            "metric_type": rule.metric_type or "response_time",
            "threshold": threshold,
            "current_value": value,
        }
    return Given(rule.type, rule.severity, message, service, metadata, labels)


def began_by_rule(happening: Happening, given: Given, id_: str, now: datetime) -> Alert:
    """The alert that begins."""
    cell = happening.cell
    names: dict[str, str | float | None] = {**given.labels, "service": given.service}
    if cell is not None:
        names |= {"value": cell.value, "threshold": cell.threshold}
    return Alert(
        id=id_,
        type=given.type,
        severity=given.severity,
        message=given.message,
        service=given.service,
        timestamp=now,
        metadata=given.metadata,
        labels=given.labels,
        rule=happening.rule.name,
        updated=now,
        value=None if cell is None else cell.value,
        threshold=None if cell is None else cell.threshold,
        cause=filled_in(happening.rule.cause, names),
    )


def taken_over(alert: Alert, happening: Happening, given: Given) -> Alert:
    """The alert in the words of another rule whose condition is met for it too."""
    again = began_by_rule(happening, given, alert.id, alert.timestamp)
    return replace(
        alert,
        severity=max(alert.severity, given.severity, key=rank_of),
        message=again.message,
        metadata={**alert.metadata, **again.metadata},
        rule=again.rule,
        value=again.value,
        threshold=again.threshold,
    )


def went_on(alert: Alert, happening: Happening) -> Alert:
    """The alert with the number that its rule gives now."""
    cell = happening.cell
    if cell is None or alert.rule != happening.rule.name or alert.value == cell.value:
        return alert
    metadata = dict(alert.metadata)
    if "current_value" in metadata:
        metadata["current_value"] = cell.value
    return replace(alert, value=cell.value, metadata=metadata)
