"""Telling people of alerts: a durable outbox, channels to tell them by, and a sign of life."""

from __future__ import annotations

from sectorwatch.observe.notifying.attempts import Attempts
from sectorwatch.observe.notifying.channels import Channel, alertmanager_channel, channels_of
from sectorwatch.observe.notifying.heartbeat import Heartbeat
from sectorwatch.observe.notifying.kept import OutboxEntry
from sectorwatch.observe.notifying.lane import RateLimit
from sectorwatch.observe.notifying.notification import Notification, ToldAlert, trial
from sectorwatch.observe.notifying.outbox import Outbox
from sectorwatch.observe.notifying.outcomes import Outcome
from sectorwatch.observe.notifying.pushing import AlertmanagerPush
from sectorwatch.observe.notifying.secrecy import shown

__all__ = [
    "AlertmanagerPush",
    "Attempts",
    "Channel",
    "Heartbeat",
    "Notification",
    "Outbox",
    "OutboxEntry",
    "Outcome",
    "RateLimit",
    "ToldAlert",
    "alertmanager_channel",
    "channels_of",
    "shown",
    "trial",
]
