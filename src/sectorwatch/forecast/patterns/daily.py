"""Peaks and quiet hours: three hours of the day in which a sector is busier, or quieter, than else.

Each day is compared with its own mean, so that busy days and a season do not matter. A peak on one
day of the week is compared with the same hours of the other days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from sectorwatch.forecast.patterns.chance import ROUNDS, exceeded, signs, strength
from sectorwatch.forecast.patterns.pattern import PatternEvidence
from sectorwatch.forecast.patterns.words import DAYS_OF_WEEK, number, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sectorwatch.forecast.patterns.days import Days

__all__ = ["LEAST_DAYS", "LEAST_WEEKS", "Found", "daily", "on_one_weekday", "weekly"]

WINDOW_H = 3
LEAST_DAYS = 10
LEAST_WEEKS = 3
_LEAST_MEAN = 0.5
_BUSIER, _QUIETER = 1.25, 0.75
_DAY_DIFFERS = 1.15
_STEADY = 0.85
Found = tuple[int, float, str, PatternEvidence]
"""A sector's index, its p-value, the words and the evidence."""


def windows(hours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of three hours from each hour of the day on, round midnight, shape as `hours`."""
    later = (np.roll(hours, -step, axis=-1) for step in range(WINDOW_H))
    return np.asarray(sum(later) / WINDOW_H)


def daily(days: Days, kind: Literal["peak_traffic", "quiet_period"], seed: int) -> list[Found]:
    """The busiest, or the quietest, three hours of each sector's day."""
    count = days.number.size
    if count < LEAST_DAYS:
        return []
    sense = 1.0 if kind == "peak_traffic" else -1.0
    level = windows(days.hours)
    day_mean = days.hours.mean(axis=2)
    apart = sense * (level - day_mean[:, :, None])
    turned, one = signs(count, seed), np.ones((1, count))
    found = np.empty(apart.shape[0])
    best = np.empty(apart.shape[0], np.intp)
    by_chance = np.empty((apart.shape[0], ROUNDS))
    for sector, each in enumerate(apart):
        figure = strength(each, one)[0]
        best[sector] = _clearest(figure, each.sum(axis=0))
        found[sector] = figure.max()
        by_chance[sector] = strength(each, turned).max(axis=1)
    p = exceeded(found, by_chance, 2.0 ** -(count - 1))
    told = []
    for sector, start in enumerate(best.tolist()):
        mean, usual = float(level[sector, :, start].mean()), float(day_mean[sector].mean())
        if usual < _LEAST_MEAN or sense * (mean - usual * (_BUSIER if sense > 0 else _QUIETER)) < 0:
            continue
        held = int((apart[sector, :, start] > 0).sum())
        evidence = PatternEvidence(
            occasions=count,
            held=held,
            value=mean,
            usual=usual,
            p_value=float(p[sector]),
            from_hour=start,
            to_hour=(start + WINDOW_H) % 24,
        )
        what = "Busiest" if sense > 0 else "Quietest"
        words = (
            f"{what} from {span(start, WINDOW_H)} local time: {number(mean)} aircraft on average, "
            f"where the day's mean is {number(usual)}; so on {held} of {count} days."
        )
        told.append((sector, float(p[sector]), words, evidence))
    return told


def weekly(days: Days, seed: int) -> list[Found]:
    """The day of the week on which a sector is busiest, where the days differ."""
    weeks = days.weeks()
    if len(weeks) < LEAST_WEEKS:
        return []
    total = days.hours.mean(axis=2)[:, weeks]
    apart = _by_weekday(days, weeks, total - total.mean(axis=2, keepdims=True))
    size = np.sqrt((apart**2).sum(axis=(1, 2)))
    figure = apart.sum(axis=1) / np.where(size > 0, size, 1.0)[:, None]
    by_chance = np.empty((apart.shape[0], ROUNDS))
    for at, dealt in enumerate(_dealt(len(weeks), seed)):
        mixed = np.take_along_axis(apart, dealt[None], axis=2).sum(axis=1)
        by_chance[:, at] = mixed.max(axis=1) / np.where(size > 0, size, 1.0)
    p = exceeded(figure.max(axis=1), by_chance, 7.0 ** -(len(weeks) - 1))
    told = []
    level = _by_weekday(days, weeks, total)
    for sector, day in enumerate(figure.argmax(axis=1).tolist()):
        mean, usual = float(level[sector, :, day].mean()), float(level[sector].mean())
        if usual < _LEAST_MEAN or mean < usual * _DAY_DIFFERS:
            continue
        held = int((apart[sector, :, day] > 0).sum())
        quiet = int(figure[sector].argmin())
        words = (
            f"Busiest on {DAYS_OF_WEEK[day]}: {number(mean)} aircraft on average, where the week's "
            f"mean is {number(usual)}; so in {held} of {len(weeks)} weeks. Quietest on "
            f"{DAYS_OF_WEEK[quiet]}, with {number(float(level[sector, :, quiet].mean()))}."
        )
        evidence = PatternEvidence(
            occasions=len(weeks),
            held=held,
            value=mean,
            usual=usual,
            p_value=float(p[sector]),
            weekday=day,
        )
        told.append((sector, float(p[sector]), words, evidence))
    return told


def on_one_weekday(days: Days, seed: int) -> list[Found]:
    """Three hours of one day of the week that are busier than on its other days."""
    weeks = days.weeks()
    if len(weeks) < LEAST_WEEKS:
        return []
    level = windows(days.hours)[:, weeks]
    level = np.stack([_by_weekday(days, weeks, level[..., hour]) for hour in range(24)], axis=-1)
    others = (level.sum(axis=2, keepdims=True) - level) / 6
    apart = level - others
    size = np.sqrt((apart**2).sum(axis=(1, 2)))
    # A window in which nothing ever happens must not be told from its noise.
    size = np.maximum(size, 0.5 * size.mean(axis=1, keepdims=True) + 1e-9)
    figure = apart.sum(axis=1) / size[:, None]
    by_chance = np.empty((apart.shape[0], ROUNDS))
    for at, dealt in enumerate(_dealt(len(weeks), seed)):
        mixed = np.take_along_axis(apart, dealt[None, :, :, None], axis=2).sum(axis=1)
        by_chance[:, at] = (mixed / size[:, None]).max(axis=(1, 2))
    p = exceeded(figure.max(axis=(1, 2)), by_chance, 7.0 ** -(len(weeks) - 1))
    return list(_weekday_peaks(figure, p, level, others, apart))


def _weekday_peaks(
    figure: NDArray[np.float64],
    p: NDArray[np.float64],
    level: NDArray[np.float64],
    others: NDArray[np.float64],
    apart: NDArray[np.float64],
) -> Iterator[Found]:
    weeks = level.shape[1]
    for sector in range(level.shape[0]):
        best = _clearest(figure[sector].ravel(), apart[sector].sum(axis=0).ravel())
        day, start = divmod(best, 24)
        mean = float(level[sector, :, day, start].mean())
        usual = float(others[sector, :, day, start].mean())
        if mean < max(2.0, usual * _BUSIER):
            continue
        held = int((apart[sector, :, day, start] > 0).sum())
        words = (
            f"Busy on {DAYS_OF_WEEK[day]} from {span(start, WINDOW_H)} local time: {number(mean)} "
            f"aircraft on average, where other days have {number(usual)} at that time; so in "
            f"{held} of {weeks} weeks."
        )
        evidence = PatternEvidence(
            occasions=weeks,
            held=held,
            value=mean,
            usual=usual,
            p_value=float(p[sector]),
            weekday=day,
            from_hour=start,
            to_hour=(start + WINDOW_H) % 24,
        )
        yield sector, float(p[sector]), words, evidence


def _clearest(figure: NDArray[np.float64], total: NDArray[np.float64]) -> int:
    """Of the windows that are about as steady as the steadiest, the one that is furthest apart."""
    steady = figure >= _STEADY * figure.max()
    return int(np.where(steady, total, -np.inf).argmax())


def _by_weekday(
    days: Days, weeks: NDArray[np.intp], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values (sectors, weeks, 7) in the order of the days of the week."""
    order = np.argsort(days.weekday[weeks], axis=1)
    return np.take_along_axis(values, order[None], axis=2)


def _dealt(weeks: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Days of each week in a random order, shape (weeks, 7), round after round."""
    chance = np.random.default_rng(seed)
    for _ in range(ROUNDS):
        yield np.argsort(chance.random((weeks, 7)), axis=1)
