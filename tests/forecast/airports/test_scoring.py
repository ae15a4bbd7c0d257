"""Forecasts of airports held against the movements that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from forecast.flown_past import START_S, Flown, airports, airspace
from sectorwatch.airspace import Airports
from sectorwatch.forecast.airports import (
    AirportForecaster,
    SeriesNames,
    airport_scoring,
    series_id,
)
from sectorwatch.forecast.history import History
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter
from sectorwatch.forecast.plans.field_times import field_times
from sectorwatch.web.present.airport_accuracy import airports_accuracy

if TYPE_CHECKING:
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.scoring import CountScoring
    from sectorwatch.store import Store

SYDNEY = LocalTime("Australia/Sydney")
AS_OF_S = START_S + 80 * 60
BIN_S = 900


@pytest.fixture(scope="module")
def said(six_hours: tuple[Store, Flown]) -> Issued:
    """What was expected at the busiest airports, 80 min after the start."""
    store, _ = six_hours
    history = History.load(store, airspace(), airports(), START_S, START_S + 6 * 3_600)
    forecaster = AirportForecaster(airports(), SYDNEY)
    situation = history.situation(AS_OF_S)
    times = field_times(
        PlanCounter(airspace(), airports()).carried(situation, LearnedPlans.priors())
    )
    return forecaster.issued(store, forecaster.issue(situation, times), seq=80)


def scored(names: SeriesNames, store: Store, said: Issued) -> CountScoring:
    """What it came to, six hours later."""
    scoring = airport_scoring(names, SYDNEY)
    scoring.issued(said, store)
    # As after a restart: all that is left of an airport's name is the number.
    scoring.resume(store)
    assert scoring.observe(START_S + 6 * 3_600, store) is not None
    return scoring


def test_each_quarter_of_an_hour_is_held_against_what_moved(
    six_hours: tuple[Store, Flown], said: Issued
) -> None:
    """By airport and kind, under the name that its number was made of; a stall is no calm."""
    store, flown = six_hours
    names = SeriesNames(airports())
    scoring = scored(names, store, said)
    found, numbers = scoring.standing()
    assert names.of(numbers.tolist()).count(None) == 0
    sydney = int(np.flatnonzero(numbers == series_id("YSSY", "departure"))[0])
    assert names.of([int(numbers[sydney])]) == [("YSSY", "departure")]
    moved = [
        each.time_s
        for tick in flown.ticks.values()
        for each in tick.movements
        if (each.airport, each.kind) == ("YSSY", "departure")
    ]
    start_s = AS_OF_S + 3_600
    was = sum(start_s <= each < start_s + BIN_S for each in moved)
    [at_1h] = [each for each in found.by_series if (each.row, each.lead_s) == (sydney, 3_600)]
    assert at_1h.scored == 1
    assert at_1h.mean_truth == pytest.approx(was)
    shown = airports_accuracy(scoring, names, 3_600, 28)
    assert [each.lead_min for each in shown.horizons] == [60]
    assert len({each.icao for each in shown.by_airport}) <= 25
    one = next(e for e in shown.by_airport if (e.icao, e.kind) == ("YSSY", "departure"))
    assert one.mean_movements == pytest.approx(was)
    # From 190 to 210 min there were no feeds: the bins from 185 and from 200 min on.
    unscored = {each.lead_s // 60: each.unscored for each in found.by_lead if each.unscored}
    assert set(unscored) == {105, 120}
    assert set(unscored.values()) == {said.sector_id.size}


def test_an_airport_that_is_gone_from_the_data_had_no_calm(
    six_hours: tuple[Store, Flown], said: Issued
) -> None:
    """Nobody can say what was there: unscored, not zero."""
    store, _ = six_hours
    scoring = scored(SeriesNames(Airports([])), store, said)
    assert scoring.accuracy().scored == 0
    assert scoring.accuracy().unscored == 17 * said.sector_id.size
