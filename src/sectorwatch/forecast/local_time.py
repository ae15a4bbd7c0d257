"""The division's local time: people fly by the clock on their wall, not by UTC.

Traffic recurs by the hour of the local week. Across a change to or from daylight saving a forecast
that looks a week back in UTC is an hour off; this looks back by the wall clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from sectorwatch.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sectorwatch.airspace import Airports
    from sectorwatch.traffic.contract import Space

__all__ = ["LocalTime", "zone_of"]

_HOUR_S, _DAY_S, _WEEK_S = 3_600, 86_400, 604_800
_QUARTER_S = 900
# 1970 began on a Thursday; weeks begin on Monday.
_THURSDAY = 3
_WORKDAYS = 5
# No zone changed its clock twice within so short a time.
_LOOK_EVERY_S = _DAY_S // 2
# Heights at which an airspace is asked what lies under or in it.
_LEVELS_FT = (2_000.0, 10_000.0, 35_000.0)
# An airspace wider than this has no one local time.
_WIDE_DEG = 120.0


class LocalTime:
    """Local wall clock of an IANA zone, for arrays of seconds since 1970 of any shape.

    Raises ConfigError where nobody knows the zone.
    """

    def __init__(self, zone: str) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigError(
                f"nobody knows the time zone {zone!r}: give an IANA name such as "
                "Australia/Sydney, or UTC"
            ) from error
        self.name = zone
        # From each `_from_s` on the clock is `_offset_s` ahead of UTC; for the years looked at.
        self._years: dict[int, tuple[list[int], list[int]]] = {}
        self._known: range = range(0)
        self._from_s = self._offset_s = np.zeros(1, np.int64)

    def offset_s(self, times_s: ArrayLike) -> NDArray[np.int64]:
        """How far the wall clock is ahead of UTC at these times, in seconds."""
        times = np.asarray(times_s, np.int64)
        if times.size:
            self._look_up(_year(int(times.min())), _year(int(times.max())))
        at = np.searchsorted(self._from_s, times, side="right") - 1
        return np.asarray(self._offset_s[np.maximum(at, 0)])

    def hour_of_week(self, times_s: ArrayLike) -> NDArray[np.int64]:
        """The hour of the local week, 0 to 167; Monday from 00:00 is 0.

        >>> LocalTime("Australia/Sydney").hour_of_week([0, 3_600]).tolist()
        [82, 83]
        """
        return self._of_week(times_s, _HOUR_S)

    def quarter_of_week(self, times_s: ArrayLike) -> NDArray[np.int64]:
        """The quarter of an hour of the local week, 0 to 671.

        >>> LocalTime("UTC").quarter_of_week(1_800).tolist()
        290
        """
        return self._of_week(times_s, _QUARTER_S)

    def kind_of_day(self, times_s: ArrayLike) -> NDArray[np.int64]:
        """Which days are alike: 0 from Monday to Friday, 5 on Saturdays, 6 on Sundays.

        >>> LocalTime("Australia/Sydney").kind_of_day([0, 2 * 86_400]).tolist()
        [0, 5]
        """
        day = self._of_week(times_s, _DAY_S)
        return np.where(day < _WORKDAYS, 0, day)

    def weeks_before(self, times_s: ArrayLike, weeks: ArrayLike) -> NDArray[np.int64]:
        """As `days_before`, by whole weeks."""
        return self.days_before(times_s, 7 * np.asarray(weeks, np.int64))

    def days_before(self, times_s: ArrayLike, days: ArrayLike) -> NDArray[np.int64]:
        """When the wall clock showed the same, so many days before (after, where negative).

        Where it showed that twice, the hour being put back, it is the one with the offset that
        `times_s` has, else the earlier. Where it never did, the hour being left out, it is as if
        the clock had not been changed yet: 02:30 is then 03:30.

        >>> local = LocalTime("America/New_York")
        >>> days = (local.days_before(986_742_000, 7) - 986_742_000) / 86_400  # 8 April 2001
        >>> float(days), float((local.days_before(986_140_800, 7) - 986_140_800) / 3_600)
        (-7.0, -167.0)
        """
        times, count = np.broadcast_arrays(
            np.asarray(times_s, np.int64), np.asarray(days, np.int64)
        )
        own = self.offset_s(times)
        plain = times - count * _DAY_S
        wall = plain + own
        # A change of the clock is near enough to matter only within a day of the wall time.
        before, after = self.offset_s(wall - _DAY_S), self.offset_s(wall + _DAY_S)
        first, second = wall - before, wall - after
        is_first, is_second = self.offset_s(first) == before, self.offset_s(second) == after
        earlier = np.where(is_first & is_second, np.minimum(first, second), first)
        one = np.where(is_first, earlier, second)
        found = np.where(is_first | is_second, one, wall - np.minimum(before, after))
        return np.asarray(np.where(self.offset_s(plain) == own, plain, found))

    def _of_week(self, times_s: ArrayLike, unit_s: int) -> NDArray[np.int64]:
        times = np.asarray(times_s, np.int64)
        wall = times + self.offset_s(times)
        return np.asarray((wall + _THURSDAY * _DAY_S) % _WEEK_S // unit_s)

    def _look_up(self, first: int, last: int) -> None:
        """Know the clock's changes of the years from `first` to `last`."""
        if self._known and first in self._known and last in self._known:
            return
        if self._known:
            first, last = min(first, self._known[0]), max(last, self._known[-1])
        self._known = range(first, last + 1)
        starts, offsets = [], []
        for year in self._known:
            if year not in self._years:
                self._years[year] = self._changes_of(year)
            starts += self._years[year][0]
            offsets += self._years[year][1]
        self._from_s = np.array(starts, np.int64)
        self._offset_s = np.array(offsets, np.int64)

    def _changes_of(self, year: int) -> tuple[list[int], list[int]]:
        """From when on which offset, in one year, its start first."""
        start_s, end_s = (
            int(datetime(each, 1, 1, tzinfo=UTC).timestamp()) for each in (year, year + 1)
        )
        starts, offsets = [start_s], [self._offset_at(start_s)]
        for look_s in range(start_s + _LOOK_EVERY_S, end_s + _LOOK_EVERY_S, _LOOK_EVERY_S):
            until_s = min(look_s, end_s - 1)
            now = self._offset_at(until_s)
            if now != offsets[-1]:
                # Between the look before, when it was not so yet, and this one.
                low, high = until_s - _LOOK_EVERY_S, until_s
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (low, middle) if self._offset_at(middle) == now else (middle, high)
                starts.append(high)
                offsets.append(now)
        return starts, offsets

    def _offset_at(self, time_s: int) -> int:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_s)
        offset = moment.astimezone(self._zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())


def zone_of(airspace: Space, airports: Airports, home_sector: str = "") -> str:
    """The zone of most airports in or under the home sector, else in the whole airspace.

    `UTC` where there is none, or where the airspace goes so far round the earth that no one clock
    is its own. `home_sector` is a sector's name in any case, "" for none.
    """
    import airportsdata  # noqa: PLC0415 - asked once a start, and not where a zone is set

    within = np.zeros((len(airspace.sectors), len(airports)), np.bool_)
    for level_ft in _LEVELS_FT:
        found = airspace.locate(airports.lon, airports.lat, np.full(len(airports), level_ft))
        for sectors in found:
            at = np.flatnonzero(sectors >= 0)
            within[sectors[at], at] = True
    home = [n for n, s in enumerate(airspace.sectors) if s.name.lower() == home_sector.lower()]
    chosen = within[home].any(axis=0) if home else np.zeros(len(airports), np.bool_)
    if not chosen.any():
        chosen = within.any(axis=0)
        if _width_deg(airports.lon[chosen]) > _WIDE_DEG:
            return "UTC"
    rows = airportsdata.load("ICAO")
    zones = [
        rows[airports.icao[at]]["tz"]
        for at in np.flatnonzero(chosen)
        if (airports.icao[at] in rows)
    ]
    names, counts = np.unique([zone for zone in zones if _exists(zone)], return_counts=True)
    return str(names[counts.argmax()]) if names.size else "UTC"


def _width_deg(longitudes: NDArray[np.float64]) -> float:
    """How far round the earth these reach: the whole circle less the widest hole."""
    if not longitudes.size:
        return 0.0
    around = np.sort(longitudes)
    holes = np.diff(around, append=around[:1] + 360.0)
    return float(360.0 - holes.max())


def _exists(zone: str) -> bool:
    try:
        LocalTime(zone)
    except ConfigError:
        return False
    return True


def _year(time_s: int) -> int:
    # A day more on either side costs nothing, and no time is then before the first change known.
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_s)).year
