"""Alerts, silences and rules as answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sectorwatch.web.answers.monitoring import (
    AlertAnswer,
    MatcherAnswer,
    RuleAnswer,
    RuleValue,
    SilenceAnswer,
)
from sectorwatch.web.present.monitoring import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.observe import Alert
    from sectorwatch.observe.alerting import RuleState, Silence

__all__ = ["alert_answer", "rule_answer", "silence_answer"]


def alert_answer(alert: Alert) -> AlertAnswer:
    """Show an alert."""
    return AlertAnswer(
        id=alert.id,
        type=alert.type.value,
        severity=alert.severity.value,
        message=alert.message,
        service=alert.service,
        timestamp=moment(alert.timestamp),
        metadata=dict(alert.metadata),
        state=alert.state.value,
        labels=dict(alert.labels),
        rule=alert.rule,
        updated=moment(alert.updated or alert.timestamp),
        value=alert.value,
        threshold=alert.threshold,
        cause=alert.cause,
        affects=list(alert.affects),
        count=alert.count,
        silenced_by=list(alert.silenced_by),
        inhibited_by=alert.inhibited_by,
        acknowledged_at=_maybe(alert.acknowledged_at),
        acknowledged_by=alert.acknowledged_by,
        note=alert.note,
        resolved_at=_maybe(alert.resolved_at),
        resolved_by=alert.resolved_by,
    )


def _maybe(time: datetime | None) -> str | None:
    return None if time is None else moment(time)


def _state_of(silence: Silence) -> str:
    now = datetime.now(UTC)
    if silence.is_active(now):
        return "active"
    return "pending" if now < silence.starts_at else "expired"


def silence_answer(silence: Silence, active: Sequence[Alert]) -> SilenceAnswer:
    """Show a silence, with the alerts under it."""
    return SilenceAnswer(
        id=silence.id,
        matchers=[
            MatcherAnswer(name=one.name, value=one.value, operator=one.op)
            for one in silence.matchers
        ],
        author=silence.author,
        reason=silence.reason,
        starts_at=moment(silence.starts_at),
        ends_at=moment(silence.ends_at),
        state=_state_of(silence),
        alerts=[alert.id for alert in active if silence.id in alert.silenced_by],
    )


def rule_answer(known: RuleState) -> RuleAnswer:
    """Show a rule, and what it gives now."""
    rule = known.rule
    return RuleAnswer(
        name=rule.name,
        type=rule.type.value,
        severity=rule.severity.value,
        service=rule.service,
        expression=rule.expression,
        for_s=rule.for_s,
        keep_firing_for_s=rule.keep_firing_for_s,
        summary=rule.summary,
        impact=rule.impact,
        advice=rule.advice,
        error=known.error,
        values=[
            RuleValue(
                labels=dict(one.labels),
                value=one.value,
                threshold=one.threshold,
                state="inactive" if one.state is None else one.state.value,
                for_s=round(one.for_s, 3),
            )
            for one in known.results
        ],
        labels_dropped=known.dropped,
    )
