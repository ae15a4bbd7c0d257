"""Spikes and lulls: what is unusual begins one, what the clock or the forecast explains does not."""

from __future__ import annotations

import numpy as np
import pytest

from made_scene import THURSDAY_S, WEEK_S, Utc, Week
from sectorwatch.forecast.anomalies.load import LoadLook, LoadWatch
from sectorwatch.forecast.anomalies.usual import Usual, usual_at

UTC = Utc()
NONE = np.full(40, np.nan)


def usual(mean: float, sectors: int = 40) -> Usual:
    """The same everywhere."""
    level = np.full(sectors, mean)
    return Usual(level, level, level, np.full(sectors, 5))


def run(watch: LoadWatch, observed: list[np.ndarray], mean: float, start_s: int = 0) -> LoadLook:
    """A look a minute; the last one."""
    for minute, seen in enumerate(observed):
        look = watch.look(start_s + 60 * minute, seen, usual(mean), NONE)
    return look


def calm(minutes: int, mean: float, seed: int = 5) -> list[np.ndarray]:
    """Poisson traffic of flights that stay about 20 min, as means over 15 min."""
    chance = np.random.default_rng(seed)
    here = chance.poisson(mean, 40)
    rows = []
    for _ in range(minutes + 15):
        here = here - chance.binomial(here, 1 / 20) + chance.poisson(mean / 20, 40)
        rows.append(here.astype(float))
    return [np.mean(rows[at : at + 15], axis=0) for at in range(minutes)]


def test_ordinary_traffic_is_hardly_ever_unusual() -> None:
    """Two days of 40 sectors: fewer than one false alarm a sector-month."""
    watch, alarms, was = LoadWatch(40), 0, np.zeros((2, 40), np.bool_)
    for minute, seen in enumerate(calm(2_880, 6.0)):
        look = watch.look(60 * minute, seen, usual(6.0), NONE)
        alarms += int((look.begins & ~was).sum())
        was = look.begins
    assert alarms <= 40 * 2 / 30


def test_a_spike_and_a_lull_are_noticed_within_an_hour() -> None:
    """Twice as many as ever, or nobody; in those sectors alone, and since they began."""
    watch = LoadWatch(40)
    before = calm(1_440, 8.0)
    run(watch, before, 8.0)
    changed = [each.copy() for each in calm(60, 8.0, seed=9)]
    for minute, each in enumerate(changed):
        share = min(1.0, (minute + 1) / 15)
        each[3] = 8 + 14 * share
        each[7] = 8 - 8 * share
    look = run(watch, changed, 8.0, start_s=1_440 * 60)
    assert np.flatnonzero(look.begins[0]).tolist() == [3]
    assert np.flatnonzero(look.begins[1]).tolist() == [7]
    assert abs(int(look.since_s[0, 3]) - 1_440 * 60) <= 15 * 60
    assert 1.0 - look.q[0, 3] >= 0.9


def test_what_the_forecast_foresaw_is_not_unusual() -> None:
    """The same spike, said an hour before."""
    watch = LoadWatch(40)
    run(watch, calm(1_440, 8.0), 8.0)
    said = np.full(40, 8.0)
    said[3] = 21.0
    for minute, each in enumerate(calm(60, 8.0)):
        each[3] = 22.0
        look = watch.look((1_440 + minute) * 60, each, usual(8.0), said)
    assert not look.begins.any()


def test_one_or_two_flights_more_are_too_few_to_tell() -> None:
    """Where nobody ever is, two are no spike, and no lull can be told."""
    watch = LoadWatch(40)
    look = run(watch, [np.full(40, 2.0)] * 60, 0.0)
    assert not look.begins.any()
    assert look.too_few.all()


def test_where_nothing_is_usual_yet_nothing_is_unusual() -> None:
    """No p-value, no beginning."""
    nobody_knows = Usual(NONE, NONE, NONE, np.zeros(40, np.int64))
    look = LoadWatch(40).look(0, np.full(40, 99.0), nobody_knows, NONE)
    assert np.isnan(look.q).all()
    assert not look.begins.any()
    assert look.too_few.all()


def test_what_was_learned_survives_a_restart() -> None:
    """The same look after it."""
    first = LoadWatch(40)
    run(first, calm(600, 8.0), 8.0)
    second = LoadWatch(40, first.to_arrays())
    odd = np.full(40, 14.0)
    looks = [run(each, [odd] * 20, 8.0, start_s=10**6) for each in (first, second)]
    np.testing.assert_allclose(looks[0].p, looks[1].p, rtol=0.05)


@pytest.mark.parametrize("broken", [np.zeros(3), np.full((8, 480), np.nan), np.array(["x"])])
def test_what_cannot_have_been_learned_is_left(broken: np.ndarray) -> None:
    """A shape, a value or a type that none of ours has."""
    watch = LoadWatch(4, {"ordinary_900": broken, "scatter_usual": broken})
    assert watch.to_arrays()["ordinary_900"].shape == (8, 480)


def every_thursday(start_s: np.ndarray) -> np.ndarray:
    """Four aircraft, and twelve on Thursdays from 18 to 21."""
    hour = UTC.hour_of_week(start_s)
    return np.where((hour >= 72 + 18) & (hour < 72 + 21), 12.0, 4.0)[None, :]


def test_what_comes_every_week_is_usual_on_that_hour() -> None:
    """Twelve on a Thursday evening, four on a Friday."""
    past = Week(every_thursday)
    evening = THURSDAY_S + 19 * 3_600
    assert usual_at(past, UTC, evening).mean[0] == 12.0
    assert usual_at(past, UTC, evening + 86_400).mean[0] == 4.0


def test_twice_is_a_habit_and_once_is_none() -> None:
    """A spike of one of the last five weeks is still unusual, one of two of them is not."""
    evening = THURSDAY_S + 19 * 3_600
    for times, upper in ((1, 4.0), (2, 12.0)):
        since_s = evening - times * WEEK_S - 3_600

        def of_late(start_s: np.ndarray, since_s: int = since_s) -> np.ndarray:
            return np.where(start_s >= since_s, every_thursday(start_s), 4.0)

        assert usual_at(Week(of_late), UTC, evening).upper[0] == upper


def test_of_a_few_days_the_time_of_day_is_all_that_is_known() -> None:
    """Said as no weeks; and of three days nothing."""
    past = Week(lambda start_s: np.full((1, start_s.size), 5.0), THURSDAY_S - 5 * 86_400)
    found = usual_at(past, UTC, THURSDAY_S)
    assert (found.mean[0], found.weeks[0]) == (5.0, 0)
    past = Week(lambda start_s: np.full((1, start_s.size), 5.0), THURSDAY_S - 3 * 86_400)
    assert np.isnan(usual_at(past, UTC, THURSDAY_S).mean[0])


def test_a_long_storm_that_was_learned_does_not_hide_the_next_lull() -> None:
    """Two days of an empty sector are one alarm, not three thousand minutes of what is ordinary."""
    watch, chance = LoadWatch(40), np.random.default_rng(3)
    for quarter in range(10 * 96):
        seen = chance.poisson(24.0, 40) / 3
        if 4 * 96 <= quarter < 6 * 96:
            seen[5] = 0.0
        watch.look(900 * quarter, seen, usual(8.0), NONE)
    for quarter in range(10 * 96, 10 * 96 + 6):
        seen = chance.poisson(24.0, 40) / 3
        seen[7] = 0.0
        look = watch.look(900 * quarter, seen, usual(8.0), NONE)
    assert np.flatnonzero(look.begins[1]).tolist() == [7]
