"""Flights that nobody has filed yet, as a rate."""

from __future__ import annotations

import numpy as np
import pytest

from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.unseen import Unseen, level_of

DAY_S = 86_400
START_S = 4 * DAY_S
LOCAL = LocalTime("UTC")


def learned(days: int) -> Unseen:
    """Of a sector where plans miss a Poisson number that grows with the lead and by day."""
    unseen = Unseen(1, LOCAL)
    chance = np.random.default_rng(1)
    for as_of_s in range(START_S, START_S + days * DAY_S, 3_300):
        plan = np.full((1, LEADS.size), 6.0, dtype=np.float32)
        truth = (plan + chance.poisson(rate(as_of_s))[None, :]).astype(np.float32)
        unseen.note(as_of_s, plan, np.zeros_like(plan), truth)
    return unseen


def rate(as_of_s: int) -> np.ndarray:
    """What plans miss at each lead."""
    hour = (as_of_s + LEADS) / 3_600 % 24
    return np.asarray(LEADS / 3_600 * (2 + np.sin(hour / 24 * 2 * np.pi)))


def test_the_rate_is_what_plans_missed_at_this_hour_and_lead() -> None:
    """Within the noise that four weeks leave; and its variance is a Poisson count's."""
    unseen = learned(28)
    variances = []
    for hour in range(24):
        as_of_s = START_S + 28 * DAY_S + hour * 3_600
        found, variance = unseen.rate(as_of_s, np.ones(1))
        assert np.abs(found[0] - rate(as_of_s)).max() < 3
        assert np.abs(found[0] - rate(as_of_s)).mean() < 1
        variances.append(variance[0, 8:].mean() / rate(as_of_s)[8:].mean())
    assert 0.8 < np.mean(variances) < 1.4


def test_a_busy_day_has_more_of_them() -> None:
    """The rate goes with the level of today."""
    unseen = learned(8)
    as_of_s = START_S + 8 * DAY_S
    usual, busy = (unseen.rate(as_of_s, np.array([level]))[0] for level in (1.0, 1.5))
    assert busy == pytest.approx(1.5 * usual)


def test_nothing_is_unseen_before_anything_was_learned() -> None:
    """Then the forecast is the count of plans."""
    found, variance = Unseen(2, LOCAL).rate(START_S, np.ones(2))
    assert not found.any()
    assert not variance.any()


def test_plans_that_promise_too_much_make_no_negative_flights() -> None:
    """Where fewer come than were counted the rate is nought."""
    unseen = Unseen(1, LOCAL)
    for day in range(7):
        plan = np.full((1, LEADS.size), 9.0, dtype=np.float32)
        unseen.note(START_S + day * DAY_S, plan, plan, np.full_like(plan, 4.5))
    assert not unseen.rate(START_S + 7 * DAY_S, np.ones(1))[0].any()


def test_the_level_of_a_small_sector_is_mostly_its_networks() -> None:
    """One flight more in a sector of one says little; fifty more in one of a hundred much."""
    level, network = level_of(
        np.array([2.0, 150.0, 98.0, np.nan]),
        np.array([1.0, 100.0, 99.0, 5.0]),
        np.array([0, 0, 0, 1]),
    )
    assert network[0] == pytest.approx(1.25, abs=0.01)
    assert level[0] < 1.45
    assert level[1] == pytest.approx(1.49, abs=0.01)
    assert level[3] == network[3] == 1.0
