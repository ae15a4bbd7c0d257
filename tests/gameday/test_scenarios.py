"""The scenarios as a table."""

from __future__ import annotations

import inspect
from pathlib import Path

from sectorwatch.gameday import SCENARIOS, faults
from sectorwatch.gameday.scenarios import LEAKING_LINE
from sectorwatch.gameday.stage import DIFFERENT
from sectorwatch.observe import AlertType


def test_every_type_of_alert_is_raised_by_a_fault() -> None:
    """None is on by default that nobody has ever seen raised."""
    assert {each.alert_type for each in SCENARIOS} == set(AlertType)


def test_names_are_their_own_and_words_are_there() -> None:
    """Each says what is done and why it may take so long."""
    assert len({each.name for each in SCENARIOS}) == len(SCENARIOS)
    assert all(each.fault and each.growth and each.resolve and each.causes for each in SCENARIOS)


def test_time_allowed_is_two_evaluations_the_rules_own_and_the_faults_growth() -> None:
    """As targets.md has it."""
    for each in SCENARIOS:
        assert each.allowed_s == 30 + each.for_s + each.growth_s


def test_the_line_that_leaks_is_the_one_that_takes_the_memory() -> None:
    """The cause is held against it."""
    line = inspect.getsource(faults).splitlines()[LEAKING_LINE - 1]
    assert line.strip().startswith("hoard.append(")


def test_what_differs_from_the_settings_as_shipped_is_documented() -> None:
    """Each setting has its row with the reason, those of single scenarios too."""
    page = (Path(__file__).resolve().parents[2] / "docs/gameday.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in page for name in DIFFERENT)
    assert {name for each in SCENARIOS for name in each.settings} <= DIFFERENT.keys()
