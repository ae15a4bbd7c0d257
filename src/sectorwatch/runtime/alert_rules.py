"""The alert rules of an instance: those by default at its limits, and those of its settings."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sectorwatch.observe import AlertRule, AlertSeverity, AlertType, RuleError
from sectorwatch.observe.alerting import AlertLimits, checked, default_rules
from sectorwatch.observe.described import OWN_METRICS
from sectorwatch.runtime.described import METRICS

if TYPE_CHECKING:
    from sectorwatch.config import RuleSetting, Settings

__all__ = ["alert_limits", "alert_rules", "numbers_of", "rule_problems"]

_METRICS = frozenset(each.name for each in (*METRICS, *OWN_METRICS))


def alert_limits(settings: Settings) -> AlertLimits:
    """From when on the rules by default count something, by the settings."""
    return AlertLimits(
        error_rate=settings.alert_error_rate,
        slowdown=settings.alert_slowdown,
        loop_blocked_s=settings.alert_loop_blocked_s,
        disk_reserve_bytes=settings.disk_reserve_mb * 1e6,
        disk_full_s=settings.alert_disk_full_hours * 3_600,
        memory_available_ratio=settings.alert_memory_available_ratio,
        open_files_ratio=settings.alert_open_files_ratio,
        queue_fill_ratio=settings.alert_queue_fill_ratio,
        database_failing_s=settings.alert_database_failing_s,
        feed_failing_s=settings.alert_feed_failing_s,
        feed_age_s=settings.alert_feed_age_s,
        request_s=settings.alert_request_s,
        leak_bytes_an_hour=settings.alert_leak_mb_an_hour * 1e6,
        cpu_percent=settings.alert_cpu_percent,
        forecast_error=settings.alert_forecast_error,
        operations=settings.alert_thresholds,
    )


def alert_rules(settings: Settings) -> list[AlertRule]:
    """All rules that are on: those by default, changed and added to by the settings."""
    rules = {rule.name: rule for rule in default_rules(alert_limits(settings))}
    for given in settings.alert_rules:
        if not given.enabled:
            rules.pop(given.name, None)
            continue
        known = rules.get(given.name) or AlertRule(
            given.name,
            AlertType.PERFORMANCE_DEGRADATION,
            AlertSeverity.MEDIUM,
            "",
            "",
        )
        rules[given.name] = replace(known, **_given(given))
    return list(rules.values())


def numbers_of(settings: Settings) -> dict[str, float]:
    """The settings that are numbers: what `$name` in an expression may stand for."""
    return {
        name: float(value)
        for name, value in settings
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def rule_problems(settings: Settings) -> list[str]:
    """What is wrong with the rules of the settings, one text for each that cannot be used."""
    found = []
    for rule in alert_rules(settings):
        try:
            expression = checked(rule, numbers_of(settings))
        except RuleError as error:
            found.append(f"alert rule {rule.name}: {error}")
            continue
        for metric in sorted(set(expression.windows_s) - _METRICS):
            # It would be silent for ever, and nobody would know.
            near = difflib.get_close_matches(metric, _METRICS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ": see docs/monitoring.md"
            found.append(f"alert rule {rule.name}: no metric is named {metric}{hint}")
    off = {given.name for given in settings.alert_rules if not given.enabled}
    known = {rule.name for rule in default_rules(alert_limits(settings))}
    found += [f"alert rule {name} is switched off, and there is none" for name in off - known]
    return found


def _given(given: RuleSetting) -> dict[str, Any]:
    """What a rule of the settings says, by the names of `AlertRule`."""
    values: dict[str, Any] = {
        "type": None if given.type is None else AlertType(given.type),
        "severity": None if given.severity is None else AlertSeverity(given.severity),
        "service": given.service,
        "expression": given.expression,
        "for_s": given.for_,
        "keep_firing_for_s": given.keep_firing_for,
        "summary": given.summary,
        "impact": given.impact,
        "advice": given.advice,
    }
    return {name: value for name, value in values.items() if value is not None}
