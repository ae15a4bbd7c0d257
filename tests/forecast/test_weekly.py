"""What is usual at an hour of the week, as it becomes known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.weekly import WeeklyMeans, wall_hours

HOUR_S, DAY_S = 3_600, 86_400
MONDAY_S = 4 * DAY_S


def flown(days: int, *, noise: float = 0.0) -> WeeklyMeans:
    """One sector and lead that is busy by day, twice as busy on Sundays; a look an hour."""
    means = WeeklyMeans(1, 1)
    chance = np.random.default_rng(1)
    for time_s in range(MONDAY_S, MONDAY_S + days * DAY_S, HOUR_S):
        hour = (time_s - MONDAY_S) / HOUR_S % 168
        means.note(time_s, np.array([hour]), usual(hour) + noise * chance.normal(size=(1, 1)))
    return means


def usual(hour: float) -> np.ndarray:
    """What is usual at an hour of the week."""
    return np.array([[(2.0 if hour >= 144 else 1.0) * (10 + 5 * np.sin(hour / 24 * 2 * np.pi))]])


@given(st.floats(0, 167.99))
def test_an_hour_is_what_it_was_in_the_weeks_before(hour: float) -> None:
    """Sundays are told from the other days, and hours go over into each other."""
    found = FLOWN.mean(np.array([hour]))[0, 0]
    near_change = abs((hour - 144 + 84) % 168 - 84) < 2.5 or abs((hour + 84) % 168 - 84) < 2.5
    assert near_change or abs(found - usual(hour)[0, 0]) < 0.18 * usual(hour)[0, 0]


FLOWN = flown(28)


def test_a_day_never_seen_is_as_the_other_days() -> None:
    """After three days there is something to say of a Saturday, too."""
    found = flown(3).mean(np.array([5 * 24 + 9.5]))
    assert abs(found[0, 0] - usual(9.5)[0, 0]) < 1


def test_nothing_is_known_of_an_hour_never_seen() -> None:
    """Not even by the same hour of another day: that is NaN and no zero."""
    means = WeeklyMeans(2, 1)
    assert np.isnan(means.mean(np.array([12.0]))).all()
    means.note(MONDAY_S, np.array([12.0]), np.array([[3.0], [np.nan]]))
    assert means.mean(np.array([12.0]))[0, 0] == pytest.approx(3.0)
    assert np.isnan(means.mean(np.array([12.0]))[1, 0])


def test_what_is_old_is_forgotten() -> None:
    """A sector that became twice as busy is so in the mean some weeks later."""
    means = flown(28)
    for time_s in range(MONDAY_S + 28 * DAY_S, MONDAY_S + 70 * DAY_S, HOUR_S):
        hour = (time_s - MONDAY_S) / HOUR_S % 168
        means.note(time_s, np.array([hour]), 2 * usual(hour))
    assert means.mean(np.array([60.0]))[0, 0] > 1.6 * usual(60.0)[0, 0]


def test_a_clock_that_was_set_back_does_not_keep_it_from_forgetting() -> None:
    """A look from a far future is one look; what is old is forgotten afterwards as ever."""
    means = WeeklyMeans(1, 1)
    far_s = MONDAY_S + 4_000 * DAY_S
    means.note(far_s, np.array([12.0]), np.array([[100.0]]))
    again = WeeklyMeans.from_arrays(means.to_arrays(), np.arange(1), 1)
    for each in (means, again):
        for day in range(57):
            each.note(MONDAY_S + day * DAY_S, np.array([12.0]), np.array([[1.0]]))
        weight = each.to_arrays()["weights"].max()
        assert weight < 1 + 28
        assert each.mean(np.array([12.0]))[0, 0] < 2


@pytest.mark.parametrize(
    ("name", "value"), [("until_s", -1.0), ("until_s", 1e300), ("weights", 1e30), ("sums", 1e30)]
)
def test_numbers_that_nobody_can_have_noted_are_refused(name: str, value: float) -> None:
    """They are finite, and would not be for long."""
    arrays = flown(7).to_arrays()
    arrays[name] = np.full(arrays[name].shape, value)
    with pytest.raises(ModelFileError, match="what is usual in it"):
        WeeklyMeans.from_arrays(arrays, np.arange(1), 1)


def test_what_was_noted_is_kept_by_sector() -> None:
    """Sectors in another order, some gone, some new: each has its own, the new one nothing."""
    means = WeeklyMeans(3, 1)
    means.note(MONDAY_S, np.array([12.0]), np.array([[1.0], [2.0], [3.0]]))
    again = WeeklyMeans.from_arrays(means.to_arrays(), np.array([2, -1, 0]), 1)
    found = again.mean(np.array([12.0]))[:, 0]
    assert found[[0, 2]].tolist() == [3.0, 1.0]
    assert np.isnan(found[1])


@pytest.mark.parametrize("name", ["sums", "weights", "until_s"])
@pytest.mark.parametrize("change", ["gone", "shape", "nan"])
def test_arrays_that_are_something_else_are_refused(name: str, change: str) -> None:
    """In words."""
    arrays = WeeklyMeans(2, 1).to_arrays()
    if change == "gone":
        del arrays[name]
    else:
        arrays[name] = arrays[name][:0] if change == "shape" else arrays[name] * np.nan
    with pytest.raises(ModelFileError, match="what is usual in it"):
        WeeklyMeans.from_arrays(arrays, np.arange(2), 1)


def test_hours_are_those_of_the_clock_on_the_wall() -> None:
    """The hour that is left out in spring is no hour of the week."""
    local = LocalTime("America/New_York")
    before, after = wall_hours(local, np.array([986_108_400 - 60, 986_108_400]))
    assert before == pytest.approx(6 * 24 + 2 - 1 / 60)
    assert after == 6 * 24 + 3
