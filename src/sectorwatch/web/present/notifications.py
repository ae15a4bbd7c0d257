"""Notifications as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.web.answers.notifications import NotificationAnswer
from sectorwatch.web.present.monitoring import moment

if TYPE_CHECKING:
    from sectorwatch.observe.notifying import OutboxEntry

__all__ = ["notification_answer"]


def notification_answer(entry: OutboxEntry) -> NotificationAnswer:
    """Show a notification."""
    return NotificationAnswer(
        id=entry.id,
        channel=entry.channel,
        state=entry.state,
        status=entry.status,
        service=entry.service,
        type=entry.type,
        severity=entry.severity,
        title=entry.title,
        alerts=list(entry.alerts),
        created=moment(entry.created),
        attempts=entry.attempts,
        last_error=entry.last_error,
        finished=None if entry.finished is None else moment(entry.finished),
        next_try=None if entry.next_try is None else moment(entry.next_try),
    )
