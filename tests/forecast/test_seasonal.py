"""What is usual at a time, by the days before."""

from __future__ import annotations

import numpy as np
import pytest

from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.seasonal import last_hour, seasonal

DAY_S, WEEK_S = 86_400, 7 * 86_400
# A Monday, 00:00 in UTC.
MONDAY_S = 2_000 * WEEK_S + 4 * DAY_S
UTC, SYDNEY = LocalTime("UTC"), LocalTime("Australia/Sydney")


def past(days: int, from_s: int = MONDAY_S) -> Past:
    """One sector: the number of the day counts, and a hundred on Saturdays."""
    made = Past(np.array([1]), from_s)
    day = np.arange(days).repeat(1_440)
    made.add_minutes(from_s, (day + 100 * (day % 7 == 5))[None], np.ones(day.size, np.bool_))
    return made


def test_working_days_are_alike_and_saturdays_are_not() -> None:
    """On a Monday the 25 days from Monday to Friday before it count, no other."""
    as_of_s = MONDAY_S + 35 * DAY_S + 9 * 3_600
    found = seasonal(as_of_s, past(36), UTC, as_of_s - 180)
    working = [day for day in range(35) if day % 7 < 5]
    assert found["alike"][0] == pytest.approx(np.full(LEADS.size, np.mean(working)))
    assert found["alike_5"][0] == pytest.approx(np.full(LEADS.size, np.mean(working[-5:])))
    assert found["alike_sd"][0] == pytest.approx(np.full(LEADS.size, np.std(working)))
    assert found["yesterday"][0, 0] == 34
    assert found["week_1"][0, 0] == 28


def test_a_saturday_is_as_saturdays_were() -> None:
    """Not as the Friday before it."""
    as_of_s = MONDAY_S + 33 * DAY_S + 9 * 3_600
    found = seasonal(as_of_s, past(34), UTC, as_of_s - 180)
    assert found["alike"][0, 0] == pytest.approx(100 + np.mean([5, 12, 19, 26]))
    # From 20:00 on the last leads are of a Sunday.
    late = seasonal(as_of_s + 11 * 3_600, past(34), UTC, as_of_s)
    assert late["alike"][0, 0] == found["alike"][0, 0]
    assert late["alike"][0, -1] == pytest.approx(np.mean([6, 13, 20, 27]))


def test_the_day_is_that_of_the_clock_on_the_wall() -> None:
    """Sunday evening in UTC is Monday in Sydney."""
    sunday_s = MONDAY_S + 34 * DAY_S + 20 * 3_600
    there = seasonal(sunday_s, past(35), SYDNEY, sunday_s - 180)["alike"][0, 0]
    here = seasonal(sunday_s, past(35), UTC, sunday_s - 180)["alike"][0, 0]
    assert here == pytest.approx(np.mean([6, 13, 20, 27]))
    # From Sunday to Thursday in UTC.
    assert there == pytest.approx(
        np.mean([*range(4), *(d for d in range(6, 34) if d % 7 in (6, 0, 1, 2, 3))])
    )


def test_of_days_that_are_not_known_nothing_is_said() -> None:
    """NaN and no zero, on the first Saturday of all."""
    as_of_s = MONDAY_S + 5 * DAY_S + 3_600
    found = seasonal(as_of_s, past(6), UTC, as_of_s - 180)
    assert np.isnan(found["alike"]).all()
    assert np.isnan(found["alike_sd"]).all()
    assert found["yesterday"][0, 0] == 4


def test_hours_without_a_feed_are_no_hours_without_traffic() -> None:
    """Three of them a day before, and a week before: the other days say what is usual."""
    as_of_s = MONDAY_S + 35 * DAY_S + 9 * 3_600
    minute = np.arange(36 * 1_440)
    known = np.ones(minute.size, np.bool_)
    for day in (28, 34):
        begins = day * 1_440 + 8 * 60
        known[begins : begins + 180] = False
    holed = Past(np.array([1]), MONDAY_S)
    holed.add_minutes(MONDAY_S, np.full((1, minute.size), 7), known)
    found = seasonal(as_of_s, holed, UTC, as_of_s - 180)
    assert np.isnan(found["week_1"][0, :7]).all()
    assert np.isnan(found["yesterday"][0, :7]).all()
    for name in ("weeks", "usual", "alike", "alike_5"):
        assert found[name][0].tolist() == [7.0] * LEADS.size, name
    assert last_hour(as_of_s, holed, UTC, as_of_s - 180)["usual"][0] == 7


def test_what_is_not_final_yet_is_not_looked_at() -> None:
    """Later minutes may say what they like."""
    as_of_s = MONDAY_S + 35 * DAY_S + 9 * 3_600
    until_s = as_of_s - 300
    other = past(35)
    other.add_minutes(MONDAY_S + 35 * DAY_S, np.full((1, 536), 35), np.ones(536, np.bool_))
    other.add_minutes(
        MONDAY_S + 35 * DAY_S + 536 * 60, np.full((1, 600), 9_999), np.ones(600, np.bool_)
    )
    for said in (seasonal, last_hour):
        one, two = said(as_of_s, past(36), UTC, until_s), said(as_of_s, other, UTC, until_s)
        for name, values in one.items():
            np.testing.assert_array_equal(values, two[name], err_msg=name)


def test_the_last_hour_is_compared_with_days_of_its_kind() -> None:
    """How much there was, and how much there is at this time."""
    as_of_s = MONDAY_S + 35 * DAY_S + 9 * 3_600
    found = last_hour(as_of_s, past(36), UTC, as_of_s - 180)
    working = np.mean([day for day in range(35) if day % 7 < 5])
    assert found["now"][0] == found["last"][0] == 35
    assert found["usual"][0] == found["usual_now"][0] == pytest.approx(working)
