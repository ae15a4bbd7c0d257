"""What a past teaches of plans: flown by the tracker into a store, read back, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from forecast.flown_past import START_S, airports, airspace
from forecast.plans.made_situation import NOW_S, boxes, in_the_air, situation
from sectorwatch.forecast.history import History
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter, learn_plans
from sectorwatch.forecast.plans.delays import delay_features, delay_minutes
from sectorwatch.forecast.plans.departures import GROUND, cells_of
from sectorwatch.forecast.plans.errors_of_time import TimeErrors
from sectorwatch.forecast.plans.learning import moments_between
from sectorwatch.forecast.plans.outcomes import Outcomes, VisitsAfter
from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from forecast.flown_past import Flown
    from sectorwatch.store import Store

UNTIL_S = START_S + 6 * 3_600


@pytest.fixture(scope="module")
def past(six_hours: tuple[Store, Flown]) -> History:
    """Six hours of a made Australia."""
    return History.load(six_hours[0], airspace(), airports(), START_S, UNTIL_S)


@pytest.fixture(scope="module")
def learned(past: History) -> LearnedPlans:
    """What they teach."""
    return learn_plans(past, airspace(), airports(), UNTIL_S)


def test_moments_are_those_of_which_it_is_known_what_became() -> None:
    """Ascending, none within the horizon of the end, no more than one in 20 min, at most so many."""
    moments = moments_between(0, 60 * 86_400)
    assert moments == sorted(moments)
    assert len(moments) == 280
    assert moments[0] >= 32 * 86_400
    assert moments[-1] <= 60 * 86_400 - 4 * 3_600
    assert moments_between(0, 3_600) == []
    assert len(moments_between(0, 6 * 3_600)) == 5


def test_nothing_is_learned_of_no_past(past: History) -> None:
    """Too short a past leaves the priors."""
    learned = learn_plans(past, airspace(), airports(), START_S + 3_600)
    assert np.array_equal(learned.ground, LearnedPlans.priors().ground)


def test_what_is_learned_can_be_kept(learned: LearnedPlans) -> None:
    """Arrays, all sound, to the last bit; pairs and their pace among them."""
    again = LearnedPlans.from_arrays(learned.to_arrays())
    for name, array in learned.to_arrays().items():
        assert np.array_equal(array, again.to_arrays()[name]), name
    assert learned.until_s == UNTIL_S
    assert learned.pair_from.size == learned.pair_to.size == learned.pair_pace.size > 0


def test_take_offs_are_expected_as_often_as_they_happen(
    past: History, learned: LearnedPlans
) -> None:
    """Over the flights that it was learned of, within an hour, nearer than the priors say."""
    outcomes = Outcomes(past, UNTIL_S)
    reckoned, before, happened = 0.0, 0.0, 0
    for moment_s in moments_between(START_S, UNTIL_S):
        then = past.situation(moment_s)
        rows = np.flatnonzero(then.stage == Stage.GROUND)
        delay_min = delay_minutes(then, rows, learned.delay_weights)
        cell = cells_of(GROUND, then, rows, delay_min)
        reckoned += learned.ground.reshape(-1, learned.ground.shape[-1])[cell, :12].sum()
        prior = LearnedPlans.priors().ground
        before += prior.reshape(-1, prior.shape[-1])[cell, :12].sum()
        off_s = outcomes.off_s(outcomes.flights_of(then)[rows], moment_s)
        happened += int(((off_s != UNKNOWN) & (off_s < moment_s + 3_600)).sum())
    assert happened > 20
    assert abs(reckoned - happened) < abs(before - happened)


def test_learning_changes_what_is_counted_and_keeps_it_sound(
    past: History, learned: LearnedPlans
) -> None:
    """The count is made with what was learned."""
    then = past.situation(START_S + 2 * 3_600)
    counter = PlanCounter(airspace(), airports())
    ours = counter.count(then, learned)
    priors = counter.count(then, LearnedPlans.priors())
    assert not np.allclose(ours.mean, priors.mean)
    assert (ours.mean >= 0).all()
    assert np.abs(ours.mean[:, 0] - then.occupancy).mean() < 1.0


def test_errors_of_time_are_learned_with_outliers_held_back() -> None:
    """A thousand flights a minute late, one in fifty lost somewhere: bias of a minute, small sd."""
    prior = LearnedPlans.priors()
    errors = TimeErrors()
    rng = np.random.default_rng(1)
    late_s = 60 + rng.normal(0, 30, 1_000)
    late_s[::50] = 5_000
    now = np.ones(1_000, dtype=np.int8)
    errors.add(now, now, np.full(1_000, 1_800.0), 1_800 + late_s)
    bias_s, sd_s = errors.learned(prior.bias_s, prior.sd_s)
    assert bias_s[1, 1, 4] == pytest.approx(60, abs=10)
    assert 25 < sd_s[1, 1, 4] < 60
    assert np.array_equal(bias_s[0], prior.bias_s[0])


def test_delays_are_seen_in_who_left_and_who_waits() -> None:
    """An airport whose departures left late, or wait, has a delay; without weights there is none."""
    space = boxes()
    waits = {"filed_off_s": NOW_S + 600}
    late = [in_the_air(2.0, filed_off_s=NOW_S - 6_000, departed_s=NOW_S - 600)] * 8
    quiet = situation(space, [waits])
    busy = situation(space, [waits, *late, {"filed_off_s": NOW_S - 3_000}])
    row = np.array([0])
    assert delay_features(quiet, row)[0].tolist() == [0, 0, 0, 0]
    left, bound, overdue, crowd = delay_features(busy, row)[0].tolist()
    assert left == bound == 45.0  # 8 flights 90 min late, held to as many as usual
    assert overdue == pytest.approx(50 / 9)
    assert crowd == pytest.approx(1 / 11)
    assert delay_minutes(busy, row, np.zeros(5)).tolist() == [0.0]
    assert delay_minutes(busy, row, np.array([1.0, 0.5, 0, 0, 0])).tolist() == [23.5]


def test_the_visit_that_is_found_is_the_next_that_is_not_over() -> None:
    """By flight and sector, the one that goes on or is to come."""
    visits = VisitsAfter(
        np.array([5, 5, 6]), np.array([1, 1, 1], np.int32), np.array([100, 300, 50]), np.array([200, 400, UNKNOWN])
    )  # fmt: skip
    entry_s, exit_s = visits.find(
        np.array([5, 6, 7, UNKNOWN]), np.array([1, 1, 1, 1], np.int32), 250
    )
    assert entry_s[:2].tolist() == [300, 50]
    assert exit_s[0] == 400
    assert np.isnan(exit_s[1])
    assert np.isnan(entry_s[2:]).all()
