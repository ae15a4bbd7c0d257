"""Demand made by rule, of which every test knows what comes next."""

from __future__ import annotations

import numpy as np

from sectorwatch.clock import parse_us
from sectorwatch.forecast.backtest.bins import Bins
from sectorwatch.forecast.horizon import BIN_S
from sectorwatch.forecast.local_time import LocalTime

LOCAL = LocalTime("America/New_York")
# Two weeks before and two after the clock was put forward, on 1 April 2001.
START_S = parse_us("2001-03-05T05:00:00Z") // 1_000_000
DAY_S, WEEK_S = 86_400, 7 * 86_400


def weekly(weeks: int = 5, sectors: int = 3) -> Bins:
    """Demand that recurs by the local clock exactly, another in each sector."""
    times_s = START_S + BIN_S * np.arange(weeks * 672)
    quarter = LOCAL.quarter_of_week(times_s)
    pattern = np.random.default_rng(1).gamma(2.0, 4.0, (sectors, 672)).astype(np.float32)
    return Bins(START_S, pattern[:, quarter])


def noisy(weeks: int = 5, sectors: int = 6, seed: int = 2) -> Bins:
    """The same with chance in it: means of fifteen minutes of Poisson counts."""
    recurring = weekly(weeks, sectors)
    counts = np.random.default_rng(seed).poisson(recurring.mean * 15)
    return Bins(START_S, (counts / 15).astype(np.float32))
