from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.config import Settings, load_settings
from sectorwatch.errors import ConfigError
from sectorwatch.observe import AlertSeverity, AlertType
from sectorwatch.runtime.alert_rules import alert_rules, numbers_of, rule_problems

if TYPE_CHECKING:
    from pathlib import Path


def settings(**given: Any) -> Settings:
    """Settings with these, others by default."""
    return Settings(**given)


def test_limits_of_settings_are_those_of_the_rules() -> None:
    """Each number reaches its expression."""
    found = {rule.name: rule.expression for rule in alert_rules(settings(alert_error_rate=0.25))}
    assert "> 0.25" in found["error_rate"]
    found = {rule.name: rule.expression for rule in alert_rules(settings(disk_reserve_mb=50))}
    assert found["disk_low"] == "latest(disk_free) < 5e+07"


def test_a_rule_of_the_same_name_changes_single_fields() -> None:
    """All else stays as by default."""
    before = {rule.name: rule for rule in alert_rules(settings())}
    given = {"name": "loop_blocked", "severity": "low", "for": "2m", "keep_firing_for": 7}
    after = {rule.name: rule for rule in alert_rules(settings(alert_rules=[given]))}
    assert after["loop_blocked"] == replace(
        before["loop_blocked"], severity=AlertSeverity.LOW, for_s=120, keep_firing_for_s=7
    )
    assert after.keys() == before.keys()


def test_rules_of_ones_own_are_added_and_others_switched_off() -> None:
    """With what they do not say as documented."""
    given = [
        {"name": "mine", "expression": "latest(feed_age_seconds) > $stale_after_s"},
        {"name": "cpu_spike", "enabled": False},
    ]
    chosen = settings(alert_rules=given)
    rules = {rule.name: rule for rule in alert_rules(chosen)}
    assert "cpu_spike" not in rules
    mine = rules["mine"]
    assert (mine.type, mine.severity) == (
        AlertType.PERFORMANCE_DEGRADATION,
        AlertSeverity.MEDIUM,
    )
    assert rule_problems(chosen) == []
    assert numbers_of(chosen)["stale_after_s"] == 90
    assert "public_read" not in numbers_of(chosen)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "a"}, "alert rule a: at 0: expected a function"),
        ({"name": "a", "expression": "latest(x) > $prot"}, "did you mean $port?"),
        ({"name": "a", "expression": "latest(x) > 1", "summary": "{x.y}"}, "no name in"),
        ({"name": "nobody", "enabled": False}, "nobody is switched off, and there is none"),
        (
            {"name": "a", "expression": "latest(servce_health) == 0"},
            "alert rule a: no metric is named servce_health; did you mean service_health?",
        ),
    ],
)
def test_rules_that_cannot_be_used_are_told(given: dict[str, Any], said: str) -> None:
    """By `config check`; the program starts all the same and lists them."""
    (problem,) = rule_problems(settings(alert_rules=[given]))
    assert said in problem


def test_the_rule_of_a_limit_of_ones_own_can_be_switched_off() -> None:
    """It is there, so nothing is wrong with that."""
    chosen = settings(
        alert_thresholds={"api:answer:response_time": 1.0},
        alert_rules=[{"name": "threshold_1", "enabled": False}],
    )
    assert rule_problems(chosen) == []
    assert "threshold_1" not in {rule.name for rule in alert_rules(chosen)}


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('alert_thresholds = {"a:b" = 1}', "is no service:operation:metric_type"),
        ('[[alert_rules]]\nname = "a b"', "is no name for a rule"),
        ('[[alert_rules]]\nname = "a"\nfor = "soon"', "alert_rules.0.for"),
        ('[[alert_rules]]\nname = "a"\ntype = "fire"', "alert_rules.0.type"),
        ('[[alert_rules]]\nname = "a"\nexpresion = "x"', "alert_rules.0.expresion"),
        ('[[alert_rules]]\nname = "a"\n[[alert_rules]]\nname = "a"', "two rules are named a"),
        ('[alert_rules]\nname = "a"', "alert_rules"),
    ],
)
def test_a_rule_of_another_form_is_no_setting(tmp_path: Path, toml: str, said: str) -> None:
    """With what is wrong, and where."""
    file = tmp_path / "sectorwatch.toml"
    file.write_text(toml)
    with pytest.raises(ConfigError, match=said):
        load_settings(env={}, toml_path=file)


def test_rules_may_stand_in_the_environment_as_json() -> None:
    """As other lists may."""
    env = {
        "SECTORWATCH_ALERT_RULES": '[{"name": "cpu_spike", "for": "90s"}]',
        "SECTORWATCH_ALERT_THRESHOLDS": "store:commit:response_time=0.5",
    }
    loaded = load_settings(env=env)
    rules = {rule.name: rule for rule in alert_rules(loaded.settings)}
    assert rules["cpu_spike"].for_s == 90
    assert rules["threshold_1"].service == "store"
    shown = {each.name: each.value for each in loaded.shown()}
    assert shown["alert_rules"] == "cpu_spike"
    assert shown["alert_thresholds"] == "store:commit:response_time=0.5"
