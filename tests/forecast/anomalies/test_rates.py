"""Alarms a month: episodes are counted, not minutes, and the limit follows from what was seen."""

from __future__ import annotations

import numpy as np
import pytest

from sectorwatch.forecast.anomalies.rates import AlarmRate

CLASS = np.full(10, 3, np.intp)
MONTH_S = 30 * 86_400


def count(rate: AlarmRate, scores: list[float], start_s: int = 0) -> None:
    """Looks at ten sectors, one a minute; the first sector has these scores, the others none."""
    for minute, value in enumerate(scores):
        seen = np.zeros(10)
        seen[0] = value
        rate.learn(start_s + 60 * minute, 60, CLASS, seen)


def a_month(rate: AlarmRate, score: float) -> float:
    """As of what was learned."""
    rate.settle()
    return float(rate.a_month(CLASS[:1], np.array([score]))[0])


def test_an_episode_counts_once_however_long_it_lasts() -> None:
    """A spike of five minutes and a storm of five hours are one alarm each."""
    rates = []
    for minutes in (5, 300):
        rate = AlarmRate(10, "spike")
        for day in range(30):
            count(rate, [*[6.0] * minutes, *[0.0] * (600 - minutes)], day * 86_400)
        rates.append(a_month(rate, 6.0))
    assert rates[0] == pytest.approx(rates[1], rel=0.01)


def test_what_comes_once_a_day_is_counted_as_often_as_that() -> None:
    """Once a day in one of ten sectors are three a sector-month, at its height and below alone."""
    rate = AlarmRate(10, "spike")
    for day in range(120):
        # A day of ten sectors, in looks an hour apart: 24 of them.
        for hour in range(24):
            seen = np.full(10, 0.5)
            seen[0] = 5.0 if hour == 9 else 0.5
            rate.learn(day * 86_400 + hour * 3_600, 3_600, CLASS, seen)
    # What is remembered is over fifteen sector-months; the prior is worth three.
    assert a_month(rate, 5.0) == pytest.approx(3.0, rel=0.15)
    assert a_month(rate, 4.0) == pytest.approx(3.0, rel=0.15)
    assert a_month(rate, 6.0) < 0.3


def test_a_new_one_takes_scores_at_their_word() -> None:
    """A sector-month has 4,320 stretches of ten minutes; and what is higher is never more often."""
    rate = AlarmRate(10, "lull")
    assert a_month(rate, 3.0) == pytest.approx(4_320 * 0.00135, rel=0.01)
    assert a_month(AlarmRate(10, "mix", tests=50), 3.0) == pytest.approx(50 * a_month(rate, 3.0))
    count(rate, [3.0, 5.0, 4.0, 8.0, 0.0, 6.0])
    found = [a_month(rate, each) for each in range(12)]
    assert found == sorted(found, reverse=True)


def test_a_size_that_is_new_is_judged_by_the_others() -> None:
    """Where alarms were many in all other sizes, they are expected here too."""
    rate = AlarmRate(10, "mix")
    before = a_month(rate, 6.0)
    for day in range(60):
        count(rate, [6.0, 0.0], day * 86_400)
    rate.settle()
    other = rate.a_month(np.array([5]), np.array([6.0]))[0]
    assert other > 10 * before


def test_what_was_counted_survives_a_restart_and_nonsense_is_left() -> None:
    """The same rate after it; of arrays that are none of ours nothing is taken."""
    first = AlarmRate(10, "spike")
    count(first, [7.0, 0.0, 5.0])
    second = AlarmRate(10, "spike", first.to_arrays())
    assert a_month(second, 7.0) == a_month(first, 7.0)
    broken = {"episodes_spike": np.full((8, 241), np.nan), "months_spike": np.zeros(8)}
    assert a_month(AlarmRate(10, "spike", broken), 7.0) == a_month(AlarmRate(10, "spike"), 7.0)


def test_nobody_knows_the_rate_of_what_is_not_known() -> None:
    """NaN stays NaN, and counts as no time that was watched."""
    rate = AlarmRate(10, "spike")
    rate.learn(0, MONTH_S, CLASS, np.full(10, np.nan))
    assert np.isnan(rate.a_month(CLASS, np.full(10, np.nan))).all()
    assert not rate.to_arrays()["months_spike"].any()
