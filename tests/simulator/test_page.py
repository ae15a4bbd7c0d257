from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from simulator_page import page

from sectorwatch.simulator import Behaviour

PAGE = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"


def test_the_page_has_every_number_as_it_is() -> None:
    """Written by tools/simulator_page.py; whoever changes a number runs it again."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text)
    for each in fields(Behaviour()):
        assert f"| `{each.name}` |" in text


def test_what_is_no_share_or_no_distribution_is_refused() -> None:
    """With the name and the value."""
    with pytest.raises(ValueError, match=r"prefile_share is 1\.5"):
        Behaviour(prefile_share=1.5)
    with pytest.raises(ValueError, match=r"quit_share is \(0\.0, -0\.1"):
        Behaviour(quit_share=(0.0, -0.1, 0.0, 0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="quit_share has 1 shares"):
        Behaviour(quit_share=(0.1,))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"taxi_out_s has \(1\.0, 2\.0\)"):
        Behaviour(taxi_out_s=(1.0, 2.0))
    falls = (0.0, 5.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0)
    with pytest.raises(ValueError, match="overdue_min has"):
        Behaviour(overdue_min=(falls,) * 6)
    with pytest.raises(ValueError, match="overdue_min has 1 distributions"):
        Behaviour(overdue_min=(falls,))  # type: ignore[arg-type]


def test_nobody_does_anything_odd_in_none() -> None:
    """All shares are nought but that of people who file beforehand, which is nothing odd."""
    quiet = Behaviour.none()
    shares = {
        each.name: getattr(quiet, each.name)
        for each in fields(quiet)
        if each.name.endswith("_share")
    }
    assert {name for name, share in shares.items() if np.any(share)} == {"prefile_share"}
