from __future__ import annotations

import numpy as np
import pytest

from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.scoring.confidence import FEW, confidence_of
from sectorwatch.forecast.scoring.figures import Figures


def figures(*series: tuple[float, float, float, float]) -> Figures:
    """Of series with so many (scored, judged, hits) at each lead, and a mean truth."""
    made = Figures(len(series))
    for row, (scored, judged, hits, truth) in enumerate(series):
        for name, value in zip(("count", "judged", "hits"), (scored, judged, hits), strict=True):
            made.by_series[name][row] = value
        made.by_series["truth"][row] = scored * truth
    return made


def test_it_is_what_was_measured_where_much_is() -> None:
    """Of a sector with many forecasts the share of its own that were near."""
    (found,) = confidence_of(figures((1e5, 1e5, 8e4, 12.0)))
    assert found == pytest.approx(np.full(LEADS.size, 0.8), abs=1e-6)


def test_it_is_drawn_to_sectors_of_its_size_while_little_is() -> None:
    """A sector with few of its own is told what those like it are worth, not what others are."""
    found = confidence_of(
        figures(
            (1e6, 1e6, 9e5, 12.0),
            (1e6, 1e6, 3e5, 30.0),
            (20, 10, 0, 13.0),
            (20, 10, 0, 29.0),
        )
    )[:, 4]
    assert found[2] == pytest.approx(FEW * 0.9 / (FEW + 10), abs=1e-3)
    assert found[3] == pytest.approx(FEW * 0.3 / (FEW + 10), abs=1e-3)


def test_it_is_nought_before_anything_is_scored() -> None:
    """Also of one sector of which nothing is, whatever others have; and where nothing counted."""
    assert not confidence_of(figures((0, 0, 0, 0.0), (0, 0, 0, 0.0))).any()
    found = confidence_of(figures((0, 0, 0, 0.0), (1e5, 1e5, 9e4, 8.0)))
    assert not found[0].any()
    assert not confidence_of(figures((1e5, 0, 0, 1.0))).any()


def test_a_sector_too_quiet_to_count_is_told_what_the_others_are_worth() -> None:
    """Forecasts of it were scored, though none was of five aircraft."""
    quiet, busy = confidence_of(figures((1e5, 0, 0, 0.4), (1e5, 1e5, 7e4, 9.0)))[:, 4]
    assert quiet == pytest.approx(busy) == pytest.approx(0.7, abs=1e-3)
