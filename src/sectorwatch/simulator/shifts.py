"""Who is on which position from when until when, drawn day by day.

A position's day goes from 5 in the morning to 5 in the morning, by the sun, where fewest are
online; nobody stays over that hour. What happens on a day depends on the seed and the day alone,
so any moment is known without running through those before it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sectorwatch.simulator.chance import choose, draw

if TYPE_CHECKING:
    from sectorwatch.simulator.controlling import Controlling
    from sectorwatch.simulator.positions import Positions

__all__ = ["VARIANTS", "DayShifts", "Shifts"]

Floats = NDArray[np.float64]
Seconds = NDArray[np.int64]

DAY_S = 86_400
VARIANTS = ("", "_1", "_", "_T", "_R")
"""What stands between prefix and suffix, such as `YSSY` + `_` + `_APP`; the last relieves."""
_RELIEF_VARIANTS = (2, 4)
_BEGIN_S = 5 * 3_600
_SPREAD_S = 3_600
_HOUR_S = 3_600
# A position has at most so many sessions a day; the mean is below 2.
_MOST_A_DAY = 12
_DAYS_KEPT = 6
_SATURDAY = 5
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
_MOST_STAFFED = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class DayShifts:
    """The sessions of one day, arrays of shape (s,), times in seconds since 1970.

    `active_s` is when a session takes its first call, `until_s` when it hands the position over
    or is gone; it is online from `start_s` until `end_s`. `member` is unique among those online.
    """

    position: NDArray[np.int32]
    start_s: Seconds
    active_s: Seconds
    until_s: Seconds
    end_s: Seconds
    variant: NDArray[np.int32]
    member: NDArray[np.int64]
    is_relieved: NDArray[np.bool_]


class Shifts:
    """All sessions of all positions; `stations` are online at once, in the mean over a week."""

    def __init__(
        self, positions: Positions, numbers: Controlling, *, seed: int, stations: float
    ) -> None:
        self._positions = positions
        self._numbers = numbers
        self._seed = seed
        spread = draw(seed, "day begins", positions.key) - 0.5
        solar_s = np.round(positions.longitude / 15.0) * _HOUR_S
        self._begin_s = (_BEGIN_S - solar_s + spread * 2 * _SPREAD_S).astype(np.int64)
        self._curves = [_curve(hours) for hours in _rhythms(numbers)]
        self._rate = self._rates(stations)
        self._days: OrderedDict[int, DayShifts] = OrderedDict()

    def near(self, time_s: int) -> tuple[DayShifts, ...]:
        """The sessions of all days that can hold `time_s`."""
        today = time_s // DAY_S
        return tuple(self.of_day(day) for day in (today - 1, today, today + 1))

    def of_day(self, day: int) -> DayShifts:
        """The sessions of the day that begins on day `day` since 1970, by the sun of each place."""
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = self._drawn(day)
            if len(self._days) > _DAYS_KEPT:
                self._days.popitem(last=False)
        self._days.move_to_end(day)
        return found

    def _rates(self, stations: float) -> Floats:
        """Openings in a mean hour of the rhythm for each position, 1/s, so that the mean is right.

        Of an alternation of vacant and staffed, the staffed share is x / (1 + x), x the rate times
        the mean length of a session.
        """
        numbers, facility = self._numbers, self._positions.facility
        eager = np.exp(numbers.importance_sigma * _normal(self._seed, "eager", self._positions.key))
        weight = np.sqrt(self._positions.weight + 1e-9) * eager
        mean_s = _mean_min(numbers.shift_median_min, numbers.shift_sigma) * 60.0
        rhythm = np.concatenate(_rhythms(numbers))
        rhythm = np.concatenate([np.repeat(rhythm[:24], 5), np.repeat(rhythm[24:], 2)])
        shares = np.array([0.0, *numbers.facility_share])
        there = np.bincount(facility, minlength=len(shares)) > 0
        shares = np.where(there, shares, 0.0) / shares[there].sum()
        rate = np.zeros(len(facility))
        for kind in np.flatnonzero(there):
            of_kind = facility == kind
            relative = weight[of_kind] / weight[of_kind].mean()
            wanted = min(shares[kind] * stations, _MOST_STAFFED * of_kind.sum())
            low, high = 1e-6, 1e6
            for _ in range(60):
                middle = np.sqrt(low * high)
                x = middle * relative[:, None] * rhythm[None, :]
                online = (x / (1 + x)).mean(axis=1).sum()
                low, high = (middle, high) if online < wanted else (low, middle)
            rate[of_kind] = low * relative / mean_s
        return rate

    def _drawn(self, day: int) -> DayShifts:
        """Every position's sessions of a day: leads first, then what is split from them."""
        numbers, count = self._numbers, len(self._positions)
        rng = np.random.Generator(np.random.Philox(key=[self._seed % 2**64, day % 2**64]))
        luck = rng.random((_MOST_A_DAY, 9, count))
        normal = rng.standard_normal((_MOST_A_DAY, count))
        weekday = (day + _EPOCH_WEEKDAY) % 7
        curve = self._curves[int(weekday >= _SATURDAY)]
        hours = np.arange(len(curve)) * _HOUR_S
        is_split = self._positions.parent >= 0
        at = np.zeros(count)  # seconds of the position's day
        relieving = np.zeros(count, dtype=np.bool_)
        returning = np.zeros(count, dtype=np.bool_)
        before = np.zeros(count, dtype=np.int32)
        columns: list[tuple[NDArray[Any], ...]] = []
        for step in range(_MOST_A_DAY):
            u = luck[step]
            waited = np.interp(at, hours, curve) - np.log1p(-u[0]) / self._rate
            opened = np.interp(waited, curve, hours, right=np.inf)
            gap = np.where(
                u[1] < numbers.relief_overlap,
                -_between(numbers.overlap_s, u[2]),
                _between(numbers.gap_s, u[2]),
            )
            start = np.where(relieving, at + gap, opened)
            start = np.where(returning, at + _between(numbers.break_s, u[2]), start)
            minutes = np.exp(
                np.log(numbers.shift_median_min) + numbers.shift_sigma * normal[step]
            ) * np.where(is_split, numbers.split_share, 1.0)
            length = np.clip(minutes, numbers.shortest_min, numbers.longest_min) * 60.0
            end = np.minimum(start + length, DAY_S)
            brief = np.minimum(_between(numbers.brief_s, u[3]), np.maximum(end - start - 1, 0) / 2)
            variant = choose(u[4], numbers.callsigns).astype(np.int32)
            takes_over = np.where(u[5] < 0.5, *_RELIEF_VARIANTS)  # noqa: PLR2004 - one or the other
            # Whoever relieves a relief has the position's own callsign again.
            takes_over = np.where(np.isin(before, _RELIEF_VARIANTS), 0, takes_over)
            variant = np.where(relieving, takes_over, variant)
            variant = np.where(returning, before, variant).astype(np.int32)
            good = np.isfinite(start) & (start < DAY_S - numbers.shortest_min * 60)
            relieved = good & (u[6] < numbers.relief_share) & (end < DAY_S - _HOUR_S)
            columns.append((good, start, start + brief, end, variant, relieved, returning))
            at = np.where(good, end, np.inf)
            relieving, before = relieved, variant
            returning = good & ~relieved & (u[8] < numbers.break_share)
            returning &= end < DAY_S - _HOUR_S
            if not good.any():
                break
        return self._joined(day, columns, luck)

    def _joined(
        self, day: int, columns: list[tuple[NDArray[Any], ...]], luck: NDArray[np.float64]
    ) -> DayShifts:
        good, start, active, end, variant, relieved, returned = (
            np.stack(column) for column in zip(*columns, strict=True)
        )
        good = good.astype(np.bool_)
        # Whoever is relieved works until the next has been briefed.
        until = end.copy()
        takes = relieved[:-1].astype(np.bool_) & good[1:]
        until[:-1] = np.where(takes, np.minimum(end[:-1], active[1:]), end[:-1])
        relieved[:-1] = takes
        relieved[-1] = False
        parent = self._positions.parent
        split = np.flatnonzero(parent >= 0)
        above = parent[split]
        day_s = np.int64(day) * DAY_S + self._begin_s
        begins = day_s[split] + start[:, split]
        theirs = (good[:, above], day_s[above] + start[:, above], day_s[above] + end[:, above])
        led = (
            theirs[0][None]
            & (theirs[1][None] <= begins[:, None])
            & (begins[:, None] < theirs[2][None])
        ).any(axis=1)
        good[:, split] &= led | (luck[: len(good), 7, split] < self._numbers.split_alone)
        step, position = np.nonzero(good)
        offset = day_s[position]

        def seconds(column: Floats) -> Seconds:
            whole: Seconds = np.floor(column[step, position]).astype(np.int64) + offset
            return whole

        # A relief whose shift was dropped relieves nobody.
        kept = relieved.astype(np.bool_)
        kept[:-1] &= good[1:]
        ends = seconds(end)
        is_relieved = kept[step, position]
        untils = np.where(is_relieved, seconds(until), ends)
        return DayShifts(
            position=position.astype(np.int32),
            start_s=seconds(start),
            active_s=seconds(active),
            until_s=np.maximum(untils, seconds(active)),
            end_s=np.maximum(ends, seconds(active) + 1),
            variant=variant[step, position].astype(np.int32),
            member=self._members(day, step, position, returned.astype(np.bool_)),
            is_relieved=is_relieved,
        )

    def _members(
        self,
        day: int,
        step: NDArray[np.intp],
        position: NDArray[np.intp],
        returned: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Who they are: nobody twice a day but after a break, and on the next day others.

        So no member is on two positions at once. Members have a facility that they are rated for
        and work often.
        """
        kinds = self._positions.facility[position].astype(np.int64)
        member = np.empty(len(position), dtype=np.int64)
        for kind in np.unique(kinds):
            of_kind = np.flatnonzero(kinds == kind)
            pool = max(40, 2 * len(of_kind))
            pool = 2 ** int(np.ceil(np.log2(pool)))
            order = np.argsort(draw(self._seed, "roster", day, kind, np.arange(pool)))
            member[of_kind] = (kind * 20_000 + order[: len(of_kind)]) * 2 + day % 2
        came = np.full(returned.shape, -1, dtype=np.int64)
        came[step, position] = member
        for number in range(1, len(came)):
            back = returned[number] & (came[number] >= 0) & (came[number - 1] >= 0)
            came[number, back] = came[number - 1, back]
        return came[step, position]


def _between(limits: tuple[float, float], u: Floats) -> Floats:
    return limits[0] + (limits[1] - limits[0]) * u


def _normal(seed: int, what: str, keys: NDArray[np.int64]) -> Floats:
    """Box and Muller 1958."""
    radius = np.sqrt(-2.0 * np.log1p(-draw(seed, f"{what} radius", keys)))
    normal: Floats = radius * np.cos(2 * np.pi * draw(seed, f"{what} angle", keys))
    return normal


def _mean_min(median_min: float, sigma: float) -> float:
    return float(median_min * np.exp(sigma**2 / 2))


def _rhythms(numbers: Controlling) -> tuple[Floats, Floats]:
    """Weekday's and weekend's 24 hours, the week's mean being 1."""
    weekday, weekend = np.array(numbers.weekday), np.array(numbers.weekend)
    mean = (5 * weekday.mean() + 2 * weekend.mean()) / 7
    return weekday / mean, weekend / mean


def _curve(hours: Floats) -> Floats:
    """The rhythm summed up over a day that begins at 5, seconds, at whole hours: shape (25,)."""
    ordered = np.roll(hours, -_BEGIN_S // _HOUR_S)
    # Whoever is online at 20 came at 19: openings run ahead of those online.
    ahead = np.roll(ordered, -1)
    return np.concatenate([[0.0], np.cumsum(ahead * _HOUR_S)])
