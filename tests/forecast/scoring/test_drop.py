from __future__ import annotations

import numpy as np
import pytest

from made_forecasts import SECTOR_IDS
from made_ticks import START_S
from sectorwatch.forecast.horizon import HORIZONS_S, LEADS
from sectorwatch.forecast.scoring.drop import DAYS_BEFORE, Drop
from sectorwatch.forecast.scoring.figures import Figures
from sectorwatch.forecast.scoring.scored import Scored, scored_of

DAY = 86_400


def scored(at_s: int, error: float, naive_error: float = 4.0) -> Scored:
    """All sectors at every lead, of bins that begin at `at_s`, off by so much."""
    parts = []
    for lead_s in LEADS.tolist():
        truth = np.full(3, 20.0, np.float32)
        mean = truth + np.float32(error)
        unknown = np.full(3, np.nan, np.float32)
        parts.append(
            {
                "as_of_s": np.full(3, at_s - lead_s),
                "lead_s": np.full(3, lead_s),
                "row": np.arange(3),
                "series_id": SECTOR_IDS,
                "basis": np.zeros(3, np.int8),
                "current": np.zeros(3, np.int32),
                "capacity": unknown,
                "mean": mean,
                "quantiles": mean[:, None] * np.ones(5, np.float32),
                "p_zero": np.zeros(3, np.float32),
                "p_over_capacity": unknown,
                "plan_mean": mean,
                "naive": truth - np.float32(naive_error),
                "truth": truth,
            }
        )
    return scored_of(parts)


def usual(error: float, naive_error: float = 4.0) -> Figures:
    """A day in which forecasts were off by so much at every hour."""
    figures = Figures(3)
    for hour in range(24):
        found = scored(START_S + 3_600 * hour, error, naive_error)
        figures.add(found, np.full(len(found), hour))
    return figures


def after(drop: Drop, hours: float, error: float, naive_error: float = 4.0) -> dict[int, float]:
    """What is told after so many hours of such errors."""
    for now_s in range(START_S + DAY, START_S + DAY + int(hours * 3_600), 300):
        found = scored(now_s, error, naive_error)
        drop.hear(found, np.full(len(found), now_s // 3_600 % 24), now_s)
    return drop.ratios()


def learned(error: float = 2.0) -> Drop:
    """One that knows what is usual."""
    drop = Drop()
    drop.learn(usual(error), DAYS_BEFORE)
    return drop


def test_it_is_one_as_always_and_two_at_twice_the_error() -> None:
    """At each horizon, once some hours are known."""
    assert after(learned(), 12, 2.0) == pytest.approx(dict.fromkeys(HORIZONS_S, 1.0), rel=1e-3)
    assert after(learned(), 12, 4.0) == pytest.approx(dict.fromkeys(HORIZONS_S, 2.0), rel=1e-3)


def test_a_day_that_is_hard_for_any_forecast_is_no_drop() -> None:
    """Twice the error, where the week before is off twice as far too."""
    found = after(learned(), 12, 4.0, naive_error=8.0)
    assert found == pytest.approx(dict.fromkeys(HORIZONS_S, 1.0), rel=1e-3)


def test_a_week_before_that_happens_to_fit_is_no_drop() -> None:
    """The forecast is as good as ever; that another is better for once is not its fault."""
    found = after(learned(), 12, 2.0, naive_error=0.5)
    assert found == pytest.approx(dict.fromkeys(HORIZONS_S, 1.0), rel=1e-3)


def test_nothing_is_told_at_a_start_nor_of_little_traffic() -> None:
    """Not before a week is scored, nor some hours of today, nor where hardly anybody flies."""
    young = Drop()
    young.learn(usual(2.0), DAYS_BEFORE - 1)
    assert after(young, 12, 9.0) == {}
    assert after(learned(), 1.5, 9.0) == {}
    assert after(learned(0.05), 12, 0.5) == {}
