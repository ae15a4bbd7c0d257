from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.flown_past import airports, airspace
from sectorwatch.errors import ConfigError
from sectorwatch.forecast.local_time import LocalTime, zone_of

ZONES = (
    "UTC",
    "America/New_York",
    "Australia/Sydney",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Asia/Kathmandu",
    "Africa/Casablanca",  # daylight saving all year but in Ramadan
    "Pacific/Apia",  # left out a day in 2011
    "America/Sao_Paulo",  # ended daylight saving in 2019
    "Europe/London",  # kept summer time all year until 1971
)
LOCAL = {zone: LocalTime(zone) for zone in ZONES}
zones = st.sampled_from(ZONES)
moments = st.integers(0, 2_208_988_800)  # until 2040


@given(zones, st.lists(moments, min_size=1, max_size=20))
def test_the_wall_clock_is_that_of_the_zone(zone: str, times_s: list[int]) -> None:
    """Hour and quarter of the local week are those of Python's own calendar, Monday first."""
    local = LOCAL[zone]
    walls = [datetime.fromtimestamp(each, ZoneInfo(zone)) for each in times_s]
    hours = [wall.weekday() * 24 + wall.hour for wall in walls]
    np.testing.assert_array_equal(local.hour_of_week(times_s), hours)
    quarters = [hour * 4 + wall.minute // 15 for hour, wall in zip(hours, walls, strict=True)]
    np.testing.assert_array_equal(local.quarter_of_week(times_s), quarters)


@given(zones, moments.filter(lambda each: each > 60 * 604_800), st.integers(-8, 52))
def test_weeks_before_the_wall_clock_showed_the_same(zone: str, time_s: int, weeks: int) -> None:
    """Unless it never did: then it is as much later as the clock was put forward."""
    local = LOCAL[zone]
    before_s = int(local.weeks_before(time_s, weeks))
    wall = time_s + int(local.offset_s(time_s)) - weeks * 604_800
    found = before_s + int(local.offset_s(before_s))
    named = datetime.fromtimestamp(wall, UTC).replace(tzinfo=ZoneInfo(zone))
    exists = named.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == (
        named.replace(tzinfo=None)
    )
    if exists:
        assert found == wall
    else:
        assert 0 < found - wall <= 86_400
        # By PEP 495: as if the clock had not been changed yet.
        assert before_s == int(named.timestamp())
    assert abs(before_s - (time_s - weeks * 604_800)) <= 90_000


def test_an_hour_shown_twice_is_the_one_of_the_same_offset() -> None:
    """New York put its clock back on 28 October 2001 at 06:00Z: 01:30 was at 05:30Z and 06:30Z."""
    local = LOCAL["America/New_York"]
    week = 604_800
    first = int(datetime(2001, 10, 28, 5, 30, tzinfo=UTC).timestamp())
    winter = first + 3_600 + week
    assert local.weeks_before(winter, 1) == first + 3_600
    summer = first - week
    assert local.weeks_before(summer, -1) == first
    both = local.weeks_before(np.array([first, first + 3_600]), 1)
    np.testing.assert_array_equal(both, [first - week, first - week])


def test_an_hour_left_out_is_as_if_the_clock_had_not_been_changed() -> None:
    """New York left out 02:00 to 03:00 on 1 April 2001: 02:30 a week later was 03:30 then."""
    local = LOCAL["America/New_York"]
    later = int(datetime(2001, 4, 8, 6, 30, tzinfo=UTC).timestamp())
    before = int(datetime(2001, 4, 1, 7, 30, tzinfo=UTC).timestamp())
    assert local.weeks_before(later, 1) == before


def test_shapes_go_together() -> None:
    """Times by weeks, as numpy has it; none gives none."""
    local = LOCAL["Australia/Sydney"]
    times = np.arange(5)[:, None] * 3_600 + 1_000_000_000
    assert local.weeks_before(times, np.arange(1, 4)).shape == (5, 3)
    assert local.hour_of_week(np.empty((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../etc/passwd", "/etc/passwd", "A\0B"])
def test_what_is_no_zone_is_refused_with_its_name(zone: str) -> None:
    """And the words say what to give."""
    with pytest.raises(ConfigError, match="Australia/Sydney"):
        LocalTime(zone)


def test_the_zone_of_a_made_airspace() -> None:
    """Its home sector's, in any case; Sydney and Perth do not go by one clock."""
    assert zone_of(airspace(), airports(), "yssy_ctr") == "Australia/Sydney"
    assert zone_of(airspace(), airports(), "YPPH_CTR") == "Australia/Perth"
    assert zone_of(airspace(), airports(), "nobody").startswith("Australia/")
