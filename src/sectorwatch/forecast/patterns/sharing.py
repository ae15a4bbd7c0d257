"""Who carries the work: sectors with more than an even share of their partition's traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.patterns.chance import exceeded, signs, strength
from sectorwatch.forecast.patterns.daily import LEAST_DAYS, WINDOW_H, Found, windows
from sectorwatch.forecast.patterns.pattern import PatternEvidence
from sectorwatch.forecast.patterns.words import span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.patterns.days import Days

__all__ = ["workload"]

_MORE_THAN_EVEN = 1.5
_LEAST_SECTORS = 2


def workload(days: Days, partitions: Sequence[tuple[str, slice]], seed: int) -> list[Found]:
    """Sectors that take at least half as much again as an even share, day after day.

    A sector that is always empty counts as none when shares are made even. Days on which one of the
    others was not drawn yet do not count: the work was shared otherwise then.
    """
    told: list[Found] = []
    for name, where in partitions:
        rows = np.arange(where.start, where.stop)
        rows = rows[np.nansum(days.quarters[rows], axis=(1, 2)) > 0]
        for sector, p, words, evidence in _of_partition(days.of(rows), name, seed):
            told.append((int(rows[sector]), p, words, evidence))
    return told


def _of_partition(days: Days, name: str, seed: int) -> list[Found]:
    if days.number.size < LEAST_DAYS:
        return []
    hours = days.hours
    total = hours.sum(axis=2)
    used = total.shape[0]
    whole = total.sum(axis=0)
    known = whole > 0
    count = int(known.sum())
    if used < _LEAST_SECTORS or count < LEAST_DAYS:
        return []
    share = total[:, known] / whole[known]
    apart = share - 1 / used
    turned, one = signs(count, seed), np.ones((1, count))
    found = strength(apart.T, one)[0] / np.sqrt(_inflation(apart))
    by_chance = np.asarray(strength(apart.T, turned)).T
    p = exceeded(found, by_chance, 2.0**-count)
    told = []
    for sector in np.flatnonzero(share.mean(axis=1) >= _MORE_THAN_EVEN / used).tolist():
        mean = float(share[sector].mean())
        held = int((apart[sector] > 0).sum())
        by_hour = hours[sector].mean(axis=0)
        start = int(windows(by_hour).argmax())
        part = float(windows(by_hour).max()) * WINDOW_H / float(by_hour.sum())
        words = (
            f"Carries {100 * mean:.1f} % of the traffic of {name}, {mean * used:.1f} times an even "
            f"share among the {used} sectors that have any; so on {held} of {count} days. "
            f"{100 * part:.0f} % of it comes from {span(start, WINDOW_H)} local time."
        )
        evidence = PatternEvidence(
            occasions=count,
            held=held,
            value=mean,
            usual=1 / used,
            p_value=float(p[sector]),
            from_hour=start,
            to_hour=(start + WINDOW_H) % 24,
        )
        told.append((sector, float(p[sector]), words, evidence))
    return told


def _inflation(apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much less days say that resemble the day before, (1 + r) / (1 - r); 1 at least."""
    left = apart - apart.mean(axis=1, keepdims=True)
    size = (left**2).sum(axis=1)
    r = (left[:, 1:] * left[:, :-1]).sum(axis=1) / np.where(size > 0, size, 1.0)
    # So few days tell r too low: by about (1 + 3 r) / n (Marriott and Pope 1954).
    r = np.clip(r + (1 + 3 * r) / apart.shape[1], 0.0, 0.9)
    return np.asarray((1 + r) / (1 - r))
