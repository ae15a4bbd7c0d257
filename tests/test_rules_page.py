"""docs/monitoring.md is true about alerts: every rule has its row, and what it shows can be used."""

from __future__ import annotations

import re
import tomllib

import rules_page

from sectorwatch.config import Settings
from sectorwatch.observe import AlertType
from sectorwatch.observe.alerting.expressions import AGGREGATES, COMPARISONS, FUNCTIONS
from sectorwatch.runtime.alert_rules import alert_rules, rule_problems

TEXT = rules_page.PAGE.read_text(encoding="utf-8")
RULES, _, FAULTS = TEXT.partition("## From fault to alert")


def test_the_page_has_the_table_of_the_rules() -> None:
    """As `tools/rules_page.py` writes it: each rule by default, with the setting of its number."""
    assert rules_page.page(TEXT) == TEXT, "run tools/rules_page.py"
    assert RULES.count("| `alert_") >= 14


def test_the_example_can_be_used() -> None:
    """As it stands in a file: its rules are read, changed and switched off."""
    found = re.search(r"```toml\n(\[alert_thresholds\].*?)```", RULES, re.DOTALL)
    assert found is not None
    settings = Settings(**tomllib.loads(found[1]))
    assert rule_problems(settings) == []
    rules = {rule.name: rule for rule in alert_rules(settings)}
    assert rules["ticks_missing"].for_s == 600
    assert rules["error_rate"].for_s == 300
    assert "request_slow" not in rules
    assert sum(name.startswith("threshold_") for name in rules) == 2


def test_the_grammar_names_all_there_is() -> None:
    """Every function, aggregate and comparison."""
    for name in (*FUNCTIONS, *AGGREGATES):
        assert f"`{name}`" in RULES, name
    for sign in COMPARISONS:
        assert f'"{sign}"' in RULES, sign


def test_every_type_stands_in_the_table_of_faults_with_rules_that_exist() -> None:
    """As type, severity and service of the rule that is named there."""
    rules = {rule.name: rule for rule in alert_rules(Settings())}
    rows = re.findall(
        r"^\| [^|`]+ \| (\w+) \| (\w+) \| ([^|]+) \| (.+?) \| [^|]+ \|$", FAULTS, re.MULTILINE
    )
    rows = rows[1:]
    assert {type_ for type_, *_ in rows} == set(AlertType)
    for type_, severity, service, told in rows:
        for name in set(re.findall(r"`(\w+)`", told)) - {"cause", "operation"}:
            assert (rules[name].type, rules[name].severity) == (type_, severity), name
            assert rules[name].service in {service.strip(), ""}, name
