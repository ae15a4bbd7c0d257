"""How good forecasts were as an answer: what is shown, what is left out, what is said in words."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_forecasts import SECTOR_IDS, Utc, fly, forecast
from runtime.world import _airspace
from sectorwatch.forecast.entries import EntryEstimates, EntryForecasts
from sectorwatch.forecast.entries.accuracy import EntryFigures
from sectorwatch.forecast.scoring import Scoring
from sectorwatch.forecast.situation import Stage
from sectorwatch.runtime.foresight import Foresight
from sectorwatch.web.present.accuracy import accuracy_answer

if TYPE_CHECKING:
    from sectorwatch.web.answers.accuracy import AccuracyAnswer

AIRSPACE = _airspace(("made:australia",))
IDS = np.array([each.sector_id for each in AIRSPACE.sectors[:3]], np.int64)


@pytest.fixture(scope="module")
def foresight() -> Foresight:
    """Seven hours of forecasts, each 2.5 too high, of the first three sectors."""
    scoring = Scoring(IDS, Utc())
    renamed = dict(zip(SECTOR_IDS.tolist(), IDS.tolist(), strict=True))
    for tick in fly(7):
        rows = tick.demand
        ours = np.array([renamed[each] for each in rows.sector_id.tolist()], np.int64)
        scoring.observe(dataclasses.replace(tick, demand=dataclasses.replace(rows, sector_id=ours)))
        scoring.issued(
            dataclasses.replace(
                forecast(tick, 2.5),
                sector_id=IDS,
                basis=np.zeros(3, np.int8),
                capacity=np.full(3, 10, np.float32),
                p_over_capacity=np.full((3, 17), 0.25, np.float32),
            )
        )
    return Foresight(scoring=scoring)


def answer(foresight: Foresight, *, hours: int | None = None, days: int = 28) -> AccuracyAnswer:
    """Of all sectors."""
    horizon_s = None if hours is None else hours * 3_600
    return accuracy_answer(foresight, AIRSPACE, None, horizon_s, days)


def test_every_lead_stands_beside_what_would_have_been_said_without(foresight: Foresight) -> None:
    """Errors, those of the baselines, and what the intervals held."""
    shown = answer(foresight)
    assert [each.lead_min for each in shown.horizons] == list(range(0, 241, 15))
    hour = shown.horizons[4]
    assert hour.mean_absolute_error == pytest.approx(2.5, abs=0.01)
    assert hour.bias == pytest.approx(2.5, abs=0.01)
    assert hour.seasonal_naive_error == pytest.approx(6.0, abs=0.01)
    assert hour.skill == pytest.approx(1 - 2.5 / 6, abs=0.01)
    assert hour.interval_coverage is not None
    assert shown.scored == sum(each.scored for each in shown.horizons)
    assert "2.50 aircraft at 1 h (the week before: 6.00)" in shown.statement
    assert shown.scored_to == "2023-11-14T06:55:00Z"
    assert (shown.days, shown.days_scored, shown.error_ratio) == (28, 1, {})


def test_the_busiest_sectors_come_first(foresight: Foresight) -> None:
    """Each by its name, with the confidence that predictions tell."""
    shown = answer(foresight, hours=1).by_sector
    assert [each.sector_name for each in shown] == [each.name for each in AIRSPACE.sectors[:3]]
    assert shown[0].near_share is not None
    assert 0 < shown[0].near_share < 1
    assert shown[0].confidence_score > 0


def test_one_horizon_is_shown_alone(foresight: Foresight) -> None:
    """Also of hours, sizes and promises; without one, all three are."""
    shown = answer(foresight, hours=2)
    assert {each.lead_min for each in shown.horizons} == {120}
    for rows in (shown.by_hour, shown.by_size, shown.by_sector, shown.over_capacity):
        assert {each.lead_min for each in rows} == {120}
    assert list(shown.pit) == ["120"]
    assert sum(shown.pit["120"]) == pytest.approx(1.0, abs=0.01)
    assert {each.lead_min for each in answer(foresight).by_hour} == {60, 120, 240}


def test_promises_are_held_against_what_happened(foresight: Foresight) -> None:
    """A quarter was told each time; how often it was so stands beside."""
    (promise,) = answer(foresight, hours=1).over_capacity
    assert promise.from_probability == pytest.approx(0.2)
    assert promise.to_probability == pytest.approx(0.3)
    assert promise.promised == pytest.approx(0.25)
    assert promise.happened is not None
    assert 0 < promise.happened < 0.4


def test_what_plans_promise_is_shown_before_and_after_it_was_set_right(
    foresight: Foresight,
) -> None:
    """By what was computed; what was told, how often it was so, and how far off either was."""
    shown = answer(foresight, hours=1)
    rows = shown.over_capacity_of_plans
    assert sum(each.scored for each in rows) == shown.over_capacity[0].scored
    for each in rows:
        assert each.from_probability <= each.computed <= each.to_probability
        assert each.told == pytest.approx(0.25)
        off = each.happened * 0.75**2 + (1 - each.happened) * 0.25**2
        assert each.brier_after == pytest.approx(off, abs=1e-3)
        assert 0 <= each.brier_before <= 1
    assert {each.lead_min for each in answer(foresight).over_capacity_of_plans} == {60, 120, 240}
    scoring = foresight.scoring
    assert scoring is not None
    promises = scoring.promises()
    assert promises is not None
    assert promises.told(np.full((1, 17), 0.9, np.float32)).shape == (1, 17)


def test_nothing_yet_is_said() -> None:
    """Before the first bin is over, and where nothing is forecast at all."""
    shown = accuracy_answer(Foresight(scoring=Scoring(IDS, Utc())), AIRSPACE, None, None, 28)
    assert (shown.scored, shown.horizons, shown.scored_to) == (0, [], None)
    assert shown.statement.startswith("Nothing is scored yet: a forecast is scored when")
    off = accuracy_answer(Foresight(), AIRSPACE, AIRSPACE.sectors[0], None, 28)
    assert off.statement == "Nothing is forecast here: the setting forecasting is false."
    assert off.sector_name == AIRSPACE.sectors[0].name


def test_estimates_of_entries_stand_beside(foresight: Foresight) -> None:
    """By stage and look-ahead, of whatever sector is asked for; none where none was scored."""
    assert answer(foresight).entries == []
    entries = EntryForecasts(IDS)
    figures = entries._days[0] = EntryFigures()
    moments = np.array([[1_000, 1_500, 2_000]] * 4, np.int64)
    told = EntryEstimates(
        as_of_s=0,
        flight_id=np.arange(4),
        stage=np.full(4, Stage.AIRBORNE, np.int8),
        sector=np.zeros(4, np.int32),
        probability=np.full(4, 0.75, np.float32),
        entry_s=moments,
        plan_p=np.full(4, 0.75, np.float32),
        plan_s=moments,
        known=np.arange(4),
    )
    figures.add(told, np.array([1_600, 900, 2_200, -1]))
    shown = answer(dataclasses.replace(foresight, entries=entries))
    (found,) = shown.entries
    assert (found.stage, found.from_min, found.to_min) == ("airborne", 20, 30)
    assert (found.told, found.entered, found.expected, found.unknown) == (4, 3, 3.0, 0)
    assert found.interval_coverage == found.early == found.late == pytest.approx(1 / 3, abs=1e-3)
    assert found.bias_s == pytest.approx((100 - 600 + 700) / 3, abs=1e-3)
    assert found.mean_absolute_error_s == pytest.approx(1_400 / 3, abs=1e-3)
    assert shown.horizons == answer(foresight).horizons


def test_what_could_not_be_scored_is_said() -> None:
    """A feed that stalled is counted, and no error is made of it."""
    scoring = Scoring(IDS, Utc())
    (first, *_), *_ = [list(fly(1))]
    scoring.observe(first)
    scoring.issued(dataclasses.replace(forecast(first), sector_id=IDS))
    # Twelve hours later, and nothing is known of what lies between.
    later = dataclasses.replace(
        first, seq=9, time_us=first.time_us + 43_200_000_000, final_minute_s=1_700_000_000
    )
    scoring.observe(later)
    shown = accuracy_answer(Foresight(scoring=scoring), AIRSPACE, None, None, 28)
    assert shown.scored == 0
    assert shown.statement.startswith("Nothing is scored: of the times that 51 forecasts speak")
