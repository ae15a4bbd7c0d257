"""Alerts: what is wrong, for how long, who is to blame, who knows of it, who is told."""

from __future__ import annotations

from sectorwatch.observe.alerting.defaults import AlertLimits, default_rules
from sectorwatch.observe.alerting.engine import checked
from sectorwatch.observe.alerting.manager import AlertManager
from sectorwatch.observe.alerting.notices import Notice, NoticeOutbox
from sectorwatch.observe.alerting.rules import AlertRule, LabelState, RuleState
from sectorwatch.observe.alerting.silences import Matcher, RuleError, Silence

__all__ = [
    "AlertLimits",
    "AlertManager",
    "AlertRule",
    "LabelState",
    "Matcher",
    "Notice",
    "NoticeOutbox",
    "RuleError",
    "RuleState",
    "Silence",
    "checked",
    "default_rules",
]
