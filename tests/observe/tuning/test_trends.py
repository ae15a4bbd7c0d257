from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sectorwatch.observe.tuning.trends import Trend, Verdict, free_of_day, trend_of

Floats = NDArray[np.floating[Any]]
DAY = np.arange(144) * 600.0
HOUR_S = 3_600


def remembering(rng: np.random.Generator, n: int, memory: float) -> Floats:
    """Heavy-tailed noise in which neighbours resemble each other."""
    fresh = rng.standard_t(2.5, n + 50)
    made = np.zeros(n + 50)
    for at in range(1, n + 50):
        made[at] = memory * made[at - 1] + fresh[at]
    return made[50:]


def wave(time_s: Floats, phase_s: float) -> Floats:
    """What takes three times as long by day as by night."""
    return 0.010 * (1 + 0.5 * np.sin(2 * np.pi * (time_s + phase_s) / 86_400))


def moving(verdicts: list[Trend]) -> float:
    """Which part of them says that there is a trend."""
    return sum(one.verdict in {Verdict.SLOWER, Verdict.FASTER} for one in verdicts) / len(verdicts)


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("n", [60, 144])
def test_noise_is_no_trend(n: int, memory: float) -> None:
    """Heavy tails, and neighbours that resemble each other: one false alarm in forty at most."""
    rng = np.random.default_rng(7)
    made = [
        trend_of(DAY[:n], 0.010 * np.exp(0.1 * remembering(rng, n, memory))) for _ in range(200)
    ]
    assert moving(made) <= 0.025


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_what_grows_by_two_percent_an_hour_is_slower(memory: float) -> None:
    """Over a day nearly all are found, with a slope that is right."""
    rng = np.random.default_rng(8)
    found = []
    for _ in range(60):
        noise = np.exp(0.05 * remembering(rng, 144, memory))
        found.append(trend_of(DAY, 0.010 * (1 + 0.02 * DAY / HOUR_S) * noise))
    assert sum(one.verdict is Verdict.SLOWER for one in found) >= 54
    slopes = [one.slope_s_per_hour for one in found if one.slope_s_per_hour is not None]
    assert np.median(slopes) == pytest.approx(0.0002, rel=0.1)
    held = [
        one.slope_low <= 0.0002 <= one.slope_high
        for one in found
        if one.slope_low is not None and one.slope_high is not None
    ]
    assert sum(held) >= 48


def test_a_step_is_dated() -> None:
    """What became half as slow again at once says when, and from what to what."""
    rng = np.random.default_rng(9)
    values = np.where(DAY >= 60_000, 0.015, 0.010) * np.exp(0.05 * rng.standard_t(3, 144))
    trend = trend_of(DAY, values)
    assert trend.verdict is Verdict.SLOWER
    assert trend.since_s == pytest.approx(60_000, abs=1_800)
    assert trend.before == pytest.approx(0.010, rel=0.03)
    assert trend.after == pytest.approx(0.015, rel=0.03)


def test_day_and_night_are_no_trend_where_earlier_days_are_known() -> None:
    """Held against the same hour of four earlier days, the daily cycle is gone."""
    rng = np.random.default_rng(10)
    past_s = np.arange(-96, 0) * float(HOUR_S)
    found = []
    for phase_s in rng.uniform(0, 86_400, 40):
        values = wave(DAY, phase_s) * np.exp(0.05 * rng.standard_t(3, 144))
        past = wave(past_s + 1_800, phase_s) * np.exp(0.03 * rng.standard_t(3, 96))
        freed, was_possible = free_of_day(DAY, values, past_s, past)
        assert was_possible
        found.append(trend_of(DAY, freed, freed_of_day=True))
    assert moving(found) <= 0.025


def test_the_first_day_is_not_called_a_trend_either() -> None:
    """Without earlier days, what a wave of a day describes as well is not called a step."""
    rng = np.random.default_rng(11)
    found = [
        trend_of(DAY, wave(DAY, phase_s) * np.exp(0.05 * rng.standard_t(3, 144)))
        for phase_s in rng.uniform(0, 86_400, 60)
    ]
    assert moving(found) <= 0.05


def test_what_is_slower_than_earlier_days_at_every_hour_is_found_through_the_cycle() -> None:
    """A growth of three percent an hour under a cycle of one to three."""
    rng = np.random.default_rng(12)
    past_s = np.arange(-96, 0) * float(HOUR_S)
    values = wave(DAY, 0) * (1 + 0.03 * DAY / HOUR_S) * np.exp(0.05 * rng.standard_t(3, 144))
    freed, _ = free_of_day(DAY, values, past_s, wave(past_s + 1_800, 0))
    trend = trend_of(DAY, freed, freed_of_day=True)
    assert trend.verdict is Verdict.SLOWER
    assert trend.slope_percent_per_hour == pytest.approx(2.3, rel=0.3)


def test_one_earlier_day_is_too_few() -> None:
    """It could have been an odd one."""
    past_s = np.arange(-24, 0) * float(HOUR_S)
    values = wave(DAY, 0)
    same, was_possible = free_of_day(DAY, values, past_s, wave(past_s, 0))
    assert not was_possible
    assert same is values


@given(
    st.lists(st.floats(1e-6, 1e3), max_size=40),
    st.floats(1e-3, 1e3),
    st.floats(0, 2e9),
)
def test_scale_and_beginning_change_nothing_but_the_slope(
    values: list[float], times: float, start_s: float
) -> None:
    """In milliseconds or seconds, today or in the year 2030: the verdict is the same."""
    time_s = np.arange(len(values)) * 60.0
    one = trend_of(time_s, np.array(values))
    other = trend_of(time_s + round(start_s), np.array(values) * times)
    assert one.points == other.points == len(values)
    if len(values) < 10:
        assert one.verdict is other.verdict is Verdict.TOO_FEW
        assert one.probability is None
        return
    assert one.probability is not None
    assert other.probability is not None
    assert one.slope_s_per_hour is not None
    assert 0 <= one.probability <= 1
    assert other.slope_s_per_hour == pytest.approx(one.slope_s_per_hour * times, rel=1e-6, abs=1e-9)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=30))
def test_anything_can_be_asked(values: list[float]) -> None:
    """Not a number, infinities, all the same, none: there is an answer, and it is no exception."""
    trend = trend_of(np.arange(len(values)) * 60.0, np.array(values, float))
    assert trend.points <= len(values)


@given(st.integers(10, 60), st.floats(1e-6, 10))
def test_what_never_changes_is_steady(n: int, value: float) -> None:
    """Ties have no direction."""
    trend = trend_of(np.arange(n) * 60.0, np.full(n, value))
    assert trend.verdict is Verdict.STEADY
    assert trend.probability == 0
    assert trend.slope_s_per_hour == 0
