"""Warnings of a breach, scored method by method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecast.backtest.made_bins import DAY_S, START_S
from sectorwatch.forecast.backtest.alarms import Alarms, capacities
from sectorwatch.forecast.backtest.bins import Bins
from sectorwatch.forecast.backtest.method import Forecasts
from sectorwatch.forecast.horizon import LEADS

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOMENTS = START_S + DAY_S + np.arange(0, DAY_S, 3_300)
MOMENTS -= MOMENTS % 300
EVERY = np.arange(3)


@dataclass
class Named:
    """No more than its name is asked for."""

    name: str


def demand() -> Bins:
    """Three sectors of 4 aircraft, the first with 9 from 12:00 to 13:00 of the second day."""
    mean = np.full((3, 3 * 288), 4, np.float32)
    noon = 288 + 144
    mean[0, noon : noon + 10] = 9
    return Bins(START_S, mean, 300)


def sure(bins: Bins, moments: NDArray[np.int64], add: float = 0.0) -> Forecasts:
    """What will be, and `add` more."""
    return Forecasts(bins.at(moments[:, None] + LEADS) + np.float32(add))


def test_who_knows_is_right_and_who_cries_wolf_is_not() -> None:
    """All foreseen by the one; the other warns of everything, and is right in one case of three."""
    bins = demand()
    alarms = Alarms(np.array([8.0, 8.0, 8.0]), 3_300)
    alarms.hear(Named("knows"), MOMENTS, sure(bins, MOMENTS))  # type: ignore[arg-type]
    alarms.hear(Named("wolf"), MOMENTS, sure(bins, MOMENTS, 6))  # type: ignore[arg-type]
    alarms.hear(Named("sleeps"), MOMENTS, sure(bins, MOMENTS, -6))  # type: ignore[arg-type]
    knows, wolf, sleeps = (
        alarms.figures(name, EVERY, bins) for name in ("knows", "wolf", "sleeps")
    )
    assert knows is not None
    assert wolf is not None
    assert sleeps is not None
    assert (knows["precision"], knows["recall"], knows["breaches"]) == (1.0, 1.0, 1)
    assert knows["median_lead_s"] > 2 * 3_600
    assert wolf["precision"] < 0.5
    assert wolf["recall"] == 1.0
    assert (sleeps["warnings"], sleeps["precision"], sleeps["recall"]) == (0, None, 0.0)
    quiet = alarms.figures("wolf", EVERY[1:], bins)
    assert quiet is not None
    assert quiet["recall"] is None


def test_a_distribution_warns_by_its_probability() -> None:
    """One that puts nearly all above the capacity warns, one that puts nearly all below does not."""
    bins = demand()
    alarms = Alarms(np.array([8.0, np.nan, 8.0]), 3_300)
    mean = bins.at(MOMENTS[:, None] + LEADS)
    spread = np.array([-1.0, -0.5, 0.0, 0.5, 1.0], np.float32) / 10
    said = Forecasts(mean, (mean[..., None] + spread).astype(np.float32), np.zeros_like(mean))
    alarms.hear(Named("spread"), MOMENTS, said)  # type: ignore[arg-type]
    found = alarms.figures("spread", EVERY, bins)
    assert found is not None
    assert (found["precision"], found["recall"], found["warnings"]) == (1.0, 1.0, 1)
    assert alarms.figures("spread", np.array([1]), bins) is None
    assert alarms.figures("another", EVERY, bins) is None


def test_capacity_is_configured_or_a_high_quantile_of_the_past() -> None:
    """What comes after the moment does not matter, and a sector that is empty has none."""
    load = np.random.default_rng(1).poisson(10, (3, 28 * 288)).astype(np.float32)
    load[2] = 0
    later = load.copy()
    later[:, 14 * 288 :] += 50
    sectors = [Takes(12), Takes(None), Takes(None)]
    until_s = START_S + 14 * DAY_S
    found, given = capacities(sectors, Bins(START_S, load, 300), until_s)  # type: ignore[arg-type]
    again, _ = capacities(sectors, Bins(START_S, later, 300), until_s)  # type: ignore[arg-type]
    assert np.array_equal(found, again, equal_nan=True)
    assert given.tolist() == [True, False, False]
    assert found[0] == 12
    assert 13 <= found[1] <= 18
    assert np.isnan(found[2])


@dataclass
class Takes:
    """A sector, as far as its capacity goes."""

    capacity: int | None
