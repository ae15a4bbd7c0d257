"""When sectors had an owner, and how busy they were then."""

from __future__ import annotations

import numpy as np
import pytest

from sectorwatch.forecast.staffing import DAY_S, StaffedDay, StaffedDays, staffed_day
from sectorwatch.store.queries_statistics_staff import Owned

DAY = 19_700 * DAY_S
IDS = np.array([70, 50, 60], np.int64)


class Utc:
    """A clock without daylight saving."""

    def weeks_before(self, times_s: np.ndarray, weeks: int) -> np.ndarray:
        """So many weeks earlier."""
        return times_s - weeks * 7 * DAY_S


def owned(*rows: tuple[int, int, int]) -> Owned:
    """Who had which sector: (sector, from, to), in minutes of the day."""
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Owned(table[:, 0], table[:, 0] * 0, DAY + 60 * table[:, 1], DAY + 60 * table[:, 2])


def test_load_is_that_of_the_minutes_with_an_owner() -> None:
    """Of the right sector, in the order of sectors, of minutes that are known."""
    occupancy = np.zeros((3, 1_440), np.int16)
    occupancy[1, :15] = np.arange(15)
    known = np.ones(1_440, np.bool_)
    known[4] = False
    day = staffed_day(DAY, IDS, occupancy, known, owned((50, 3, 7), (50, 14, 40), (99, 0, 1_440)))
    assert day.staffed_min[1, :4].tolist() == [4, 15, 10, 0]
    assert float(day.load[1, 0]) == pytest.approx((3 + 5 + 6 + 14) / 4)
    assert float(day.load[1, 1]) == 0.0
    assert np.isnan(day.load[1, 3])
    assert not day.staffed_min[[0, 2]].any()
    assert day.known_min[:2].tolist() == [14, 15]


def test_an_owner_counts_at_the_full_minute() -> None:
    """Who came at 00:30 was not there at 00:00, and who left at 01:00 not at 01:00."""
    known = np.ones(1_440, np.bool_)
    span = Owned(*(np.array([each], np.int64) for each in (50, 1, DAY + 30, DAY + 120)))
    day = staffed_day(DAY, IDS, np.ones((3, 1_440), np.int16), known, span)
    assert day.staffed_min[1, 0] == 1


def test_two_owners_one_after_the_other_are_one_staffed_time() -> None:
    """Also where the rows overlap."""
    known = np.ones(1_440, np.bool_)
    day = staffed_day(DAY, IDS, np.ones((3, 1_440)), known, owned((60, 0, 20), (60, 10, 30)))
    assert day.staffed_min[2, :3].tolist() == [15, 15, 0]


def test_days_are_taken_newest_first_and_once() -> None:
    """A day is wanted when it is over, and one that is too old no more."""
    days = StaffedDays(IDS, 3)
    now_s = DAY + 3_600
    assert days.wanted(now_s) == [DAY - DAY_S, DAY - 2 * DAY_S, DAY - 3 * DAY_S]
    assert days.wanted(DAY + 60) == [DAY - 2 * DAY_S, DAY - 3 * DAY_S, DAY - 4 * DAY_S]
    assert days.wanted(now_s, DAY - 2 * DAY_S + 5) == [DAY - DAY_S, DAY - 2 * DAY_S]
    for day in days.wanted(now_s):
        days.add(made(day, 15))
    assert days.wanted(now_s) == []
    assert days.wanted(now_s + DAY_S) == [DAY]
    days.add(made(DAY, 0))
    assert days.held == [DAY - 2 * DAY_S, DAY - DAY_S, DAY]
    start_s, staffed, load = days.quarters()
    assert start_s.tolist() == list(range(DAY - 2 * DAY_S, DAY + DAY_S, 900))
    assert staffed.shape == load.shape == (3, 288)
    assert not staffed[:, 192:].any()


def test_whoever_was_there_at_this_hour_in_past_weeks_is_counted() -> None:
    """Only weeks of which enough is known; half of the period is enough to have been there."""
    days = StaffedDays(IDS, 22)
    for week in (1, 2, 3):
        day = made(DAY - week * 7 * DAY_S, 0)
        day.staffed_min[0, 40:48] = 15 if week == 2 else 0
        day.staffed_min[1, 44:48] = 15
        if week == 3:
            day.known_min[:44] = 0
        days.add(day)
    found = days.presence([DAY + 36_000, DAY + 72_000], 7_200, Utc(), weeks=4)
    assert found.of.tolist() == [2, 3]
    assert found.here[:, 0].tolist() == [1, 2, 0]
    assert found.here[:, 1].tolist() == [0, 0, 0]


def made(day_s: int, staffed_min: int) -> StaffedDay:
    """A day with the same in every quarter."""
    return StaffedDay(
        day_s,
        np.full((3, 96), staffed_min, np.uint8),
        np.full((3, 96), 2.0 if staffed_min else np.nan, np.float16),
        np.full(96, 15, np.uint8),
    )
