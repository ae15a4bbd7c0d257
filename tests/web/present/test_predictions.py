"""A forecast as an answer: what is rounded, what is left out, and what is said in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from made_ticks import LIVE, START_S, tick
from runtime.world import _airspace
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.issued import BASES, Issued
from sectorwatch.web.present.predictions import (
    Measured,
    prediction,
    sector_meant,
    trend,
)

if TYPE_CHECKING:
    from sectorwatch.web.answers.predictions import PredictionAnswer

AIRSPACE = _airspace(("made:australia",))
SECTORS = len(AIRSPACE.sectors)
FIRST = AIRSPACE.sectors[0]


def issued(**more: Any) -> Issued:
    """A forecast in which the first sector has 4.5 aircraft in an hour, 2.4 in two, 9.6 in four."""
    mean = np.ones((SECTORS, LEADS.size), np.float32)
    mean[0, [4, 8, 16]] = 4.5, 2.4, 9.6
    spread = np.array([0.5, 0.8, 1.0, 1.2, 1.5], np.float32)
    made = Issued(
        as_of_s=START_S,
        seq=1,
        model="",
        sector_id=np.array([each.sector_id for each in AIRSPACE.sectors]),
        leads_s=LEADS,
        basis=np.zeros(SECTORS, np.int8),
        current=np.full(SECTORS, 3, np.int32),
        capacity=np.full(SECTORS, np.nan, np.float32),
        mean=mean,
        quantiles=mean[..., None] * spread,
        p_zero=np.zeros_like(mean),
        p_over_capacity=np.full_like(mean, np.nan),
        plan_mean=mean,
        naive=np.full_like(mean, np.nan),
    )
    return replace(made, **more)


def shown(made: Issued | None, **more: Any) -> PredictionAnswer:
    """The answer about the first sector."""
    asked: dict[str, Any] = {
        "hours_ahead": 4,
        "measured": Measured(),
        "why_stale": "",
        "why_none": "because",
    }
    return prediction(FIRST, 0, loaded(3), made, **asked | more)


def loaded(*loads: int) -> Any:
    """A tick in which the first sectors have so many aircraft."""
    occupancy = np.zeros(SECTORS, np.int32)
    occupancy[: len(loads)] = loads
    return tick(1, live=replace(LIVE, occupancy=occupancy))


def test_demand_is_the_mean_rounded() -> None:
    """A half goes up; the exact figures stand beside."""
    found = shown(issued())
    assert (found.current_demand, found.predicted_demand_1h) == (3, 5)
    assert (found.predicted_demand_2h, found.predicted_demand_4h) == (2, 10)
    [hour] = [each for each in found.horizons if each.lead_min == 60]
    assert (hour.mean, hour.low, hour.high) == (4.5, 2.25, 6.75)
    assert hour.p_over_capacity is None


def test_a_capacity_and_a_model_are_shown() -> None:
    """With the probability that the one is exceeded, and the other's name."""
    model = BASES.index("model")
    made = issued(
        model="2026-01-01T000000Z",
        basis=np.full(SECTORS, model, np.int8),
        capacity=np.full(SECTORS, 8, np.float32),
        p_over_capacity=np.full((SECTORS, LEADS.size), 0.12345, np.float32),
    )
    found = shown(made)
    assert (found.basis, found.model, found.capacity) == ("model", "2026-01-01T000000Z", 8.0)
    assert {each.p_over_capacity for each in found.horizons} == {0.1235}
    assert found.statement == "Model 2026-01-01T000000Z, as of 2023-11-14T00:00:00Z."


def test_confidence_is_the_lowest_of_the_three() -> None:
    """Of 1, 2 and 4 h; other leads do not count."""
    confidence = dict.fromkeys(LEADS.tolist(), 0.1) | {3_600: 0.9, 7_200: 0.7, 14_400: 0.8}
    skill = dict.fromkeys(LEADS.tolist(), 0.3)
    found = shown(issued(), measured=Measured(confidence, skill, 0.25))
    assert found.confidence_score == 0.7
    assert found.anomaly_score == 0.25
    assert {each.skill for each in found.horizons} == {0.3}


def test_where_too_little_is_known_to_tell_what_is_unusual_it_is_said() -> None:
    """A score of nought is then no sign that all is as ever."""
    assert "unusual" not in shown(issued()).statement
    assert "too few" in shown(issued(), measured=Measured(too_few=True)).statement


def test_the_interval_that_is_told_holds_the_mean() -> None:
    """Also of a sector that is nearly always empty, of which eight cases in ten are nought."""
    rare = np.full((SECTORS, LEADS.size), 0.04, np.float32)
    made = issued(mean=rare, quantiles=np.zeros((*rare.shape, 5), np.float32))
    for hour in shown(made).horizons:
        assert hour.low <= hour.mean <= hour.high == 0.04


def test_a_stalled_feed_is_said() -> None:
    """The forecast is of before, and `as_of` shows of when."""
    found = shown(issued(), why_stale="The feed has stalled.")
    assert found.stale
    assert found.as_of == "2023-11-14T00:00:00Z"
    assert found.statement.endswith(". The feed has stalled.")


@pytest.mark.parametrize(
    "made", [None, issued(sector_id=np.arange(SECTORS))], ids=["none", "of other sectors"]
)
def test_a_sector_that_is_in_no_forecast_has_none(made: Issued | None) -> None:
    """Null and why; what is so now is shown all the same."""
    found = shown(made)
    assert found.basis == "none"
    assert found.predicted_demand_1h is None
    assert found.statement == "because"
    assert found.current_demand == 3
    assert found.horizons == []


def test_the_sector_meant_is_the_home_sector_else_the_busiest() -> None:
    """Before anything has come, and where the home sector does not exist, the first or busiest."""
    last = AIRSPACE.sectors[-1]
    assert sector_meant(AIRSPACE, loaded(1, 5, 2), last.name).sector_id == last.sector_id
    assert sector_meant(AIRSPACE, loaded(1, 5, 2), None) is AIRSPACE.sectors[1]
    assert sector_meant(AIRSPACE, loaded(1, 5, 2), "NOWHERE") is AIRSPACE.sectors[1]
    assert sector_meant(AIRSPACE, None, None) is AIRSPACE.sectors[0]


def test_a_trend_is_what_is_likely_by_four_fifths() -> None:
    """Where the 20 % or the 80 % quantile passes the present; nobody leaves an empty sector."""
    quantiles = np.array([2.0, 4.0, 6.0, 8.0, 10.0])
    assert trend(quantiles, 3) == "increasing"
    assert trend(quantiles, 4) == "stable"
    assert trend(quantiles, 9) == "decreasing"
    assert trend(np.zeros(5), 0) == "stable"
