from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert found == pytest.approx(np.full(LEADS.size, 0.8), abs=1e-3)


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
    assert quiet == pytest.approx(busy, abs=1e-3) == pytest.approx(0.7, abs=1e-3)


def test_one_forecast_that_came_near_is_no_confidence() -> None:
    """Where one case is all that was ever scored it is near 0, however it came out."""
    (found,) = confidence_of(figures((1, 1, 1, 8.0)))
    assert (found < 0.06).all()
    one, other = confidence_of(figures((12, 12, 12, 8.0), (12, 0, 0, 0.1)))
    assert (one < 0.5).all()
    assert (other < one).all()


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.floats(0, 1), st.floats(0, 60)), max_size=8),
    st.integers(1, 3_000),
)
def test_more_that_came_near_never_makes_it_less_and_never_more_than_was_near(
    series: list[tuple[int, float, float]], more: int
) -> None:
    """In 0..1, at most the best share of any series, and higher for each that is a hit."""
    made = [(count, count, float(int(share * count)), truth) for count, share, truth in series]
    known = [hits / count for count, _, hits, _ in made if count]
    before = confidence_of(figures((10, 10, 5, 8.0), *made))
    assert (before >= 0).all()
    assert (before <= max([0.5, *known]) + 1e-6).all()
    after = confidence_of(figures((10 + more, 10 + more, 5 + more, 8.0), *made))
    assert (after[0] >= before[0]).all()


def test_it_is_the_share_once_hours_of_a_busy_sector_are_scored() -> None:
    """A day of one sector alone, four in five near: within a hundredth of that."""
    (found,) = confidence_of(figures((288, 288, 230, 9.0)))
    assert found == pytest.approx(np.full(LEADS.size, 0.8), abs=0.01)
