"""The rules as a value."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from sectorwatch.errors import ConfigError
from sectorwatch.traffic.rules import RULES_VERSION, Rules


def test_the_usual_rules_are_known_by_their_version() -> None:
    """What is stored says at a glance that nothing was changed."""
    assert Rules().fingerprint == str(RULES_VERSION)


def test_every_number_is_in_the_fingerprint() -> None:
    """Whichever is changed, what is stored is another."""
    seen = {Rules().fingerprint}
    for field in fields(Rules):
        changed = replace(Rules(), **{field.name: getattr(Rules(), field.name) * 1.01})
        seen.add(changed.fingerprint)
    assert len(seen) == 1 + len(fields(Rules))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gap_after_s": 0}, "gap_after_s is 0: give a number above zero"),
        ({"reach_speed_kt": float("nan")}, "reach_speed_kt is nan"),
        ({"off_speed_kt": 60}, "off_speed_kt 60 is above on_speed_kt 50"),
        ({"contact_holds_s": 360}, "contact_holds_s 360 is not below twice final_after_s"),
        ({"helicopter_off_height_ft": 300}, "helicopter_off_height_ft 300 is above"),
    ],
)
def test_numbers_that_cannot_work_are_refused(changes: dict[str, float], words: str) -> None:
    """Each with its name and value."""
    with pytest.raises(ConfigError, match=words):
        Rules(**changes)  # type: ignore[arg-type]
