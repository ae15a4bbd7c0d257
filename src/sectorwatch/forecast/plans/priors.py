"""What is taken to be so of a network before anything is learned of it: measured on real feeds.

Of 68 complete VATSIM feeds, December 2020 to August 2025, every two that are 2 min to 4 h apart:
5,974 records of flights on the ground that filed a plan and had not arrived, 2,152 prefiles and
79,721 pairs of flights in the air, each counted once a band of distance in time. `tools/
plan_priors.py` measures them again from a folder of feeds. What it found, beside what the fit says
(took off by then, of those where off and gone can be told apart):

    apart, min    ground: seen  fitted    prefiles: seen  fitted
      2-7               0.141   0.124             0.005   0.006
      7-12              0.274   0.266             0.017   0.016
     12-20              0.411   0.409             0.031   0.030
     20-32              0.591   0.626             0.076   0.092
     32-45              0.730   0.718             0.130   0.148
     45-75              0.812   0.751             0.191   0.201

Later the two part, as they must: who took off may have quit since. In the air 0.10 vanish an hour
far from where they are bound. Along the way the middle half of flights at their level is
within 0.7 min of where it was reckoned to be half an hour before, and within 3 min two hours
before; the landing is 5 min later than reckoned half an hour before, 20 min three hours before.
Four in five prefiles never become a flight in the air, at any time before or after the filed one.
"""

from __future__ import annotations

import math
import operator

from sectorwatch.forecast.plans.hazards import Hazard

__all__ = ["BIAS_S", "GROUND", "PREFILED", "QUITS_PER_H", "SD_S"]

GROUND = Hazard(
    level=-2.46,
    late_min=(-90, -60, -40, -25, -15, -5, 5, 15, 30, 60, 120, 240),
    by_late=(
        *(0.31, -0.03, -0.4, -0.92, -0.8, -0.07, 0.36),
        *(0.43, 0.72, 0.41, -0.09, -0.07, 0.19, -0.03),
    ),
    waited_min=(5, 10, 15, 20, 30, 45, 60, 90, 180),
    by_waited=(-0.65, -0.5, -0.25, 0.32, 0.71, 0.67, 0.64, 0.43, -0.22, -1.16),
    by_step=(-0.37, -0.19, -0.47, 0.73, 0.45),
    by_sign=1.89,
    sign_steps=4,
    gives_up=0.0469,
)
"""The sign is that it moves."""
PREFILED = Hazard(
    level=-2.72,
    late_min=(-240, -120, -60, -30, -15, 0, 15, 30, 60, 120, 240),
    by_late=(
        *(-0.69, -0.94, -1.03, -0.78, -0.16, 0.49, 0.67),
        *(0.14, -0.23, -0.1, 0.27, 0.66, 0.0),
    ),
    waited_min=(15, 30, 60, 120),
    by_waited=(0.79, 0.38, -0.18, -0.63, -0.36),
    by_step=(-2.34, -2.05, -1.72, -1.73, -0.26),
    by_sign=-1.27,
    sign_steps=51,
    gives_up=0.0403,
)
"""The sign is that the member is online under another callsign."""
QUITS_PER_H = 0.10
"""0.10 to 0.11 where the feeds are 20 min to 3 h apart; 0.18 within 5 min (some come back)."""

# At 0, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240 and 360 min ahead (`learned.AHEAD_S`).
_CLIMBING_BIAS_S = (0.0, 10.0, 15.0, 20.0, 25.0, 30.0, 30.0, 40.0, 60.0, 120.0, 180.0, 180.0)
_LEVEL_BIAS_S = (0.0, 5.0, 10.0, 12.0, 12.0, 20.0, 24.0, 24.0, 24.0, 45.0, 120.0, 150.0)
_DESCENDING_BIAS_S = (0.0, 10.0, 20.0, 30.0, 30.0, 30.0, 30.0, 30.0, 30.0, 30.0, 30.0, 30.0)
_CLIMBING_SD_S = (
    *(20.0, 50.0, 90.0, 140.0, 190.0, 300.0),
    *(400.0, 550.0, 700.0, 900.0, 1_100.0, 1_400.0),
)
_LEVEL_SD_S = (20.0, 25.0, 45.0, 70.0, 90.0, 120.0, 180.0, 280.0, 400.0, 600.0, 750.0, 1_000.0)
_DESCENDING_SD_S = (
    *(20.0, 50.0, 70.0, 120.0, 180.0, 240.0),
    *(300.0, 400.0, 500.0, 600.0, 750.0, 1_000.0),
)
# A landing is later than what holds along the way, the more so the longer the way is: routes are no
# great circles, and nobody lands straight in.
_LANDING_BIAS_S = (
    *(240.0, 300.0, 300.0, 320.0, 350.0, 400.0),
    *(450.0, 600.0, 750.0, 1_000.0, 1_200.0, 1_500.0),
)
_LANDING_SD_S = (
    *(300.0, 300.0, 300.0, 320.0, 360.0, 400.0),
    *(450.0, 500.0, 600.0, 750.0, 900.0, 1_100.0),
)

_Row = tuple[float, ...]


def _with_landing(bias_s: _Row, sd_s: _Row) -> tuple[tuple[_Row, ...], tuple[_Row, ...]]:
    """By the phase then: the same in all, but for the landing."""
    late_s = tuple(map(operator.add, bias_s, _LANDING_BIAS_S))
    unsure_s = tuple(map(math.hypot, sd_s, _LANDING_SD_S))
    return (bias_s, bias_s, bias_s, late_s), (sd_s, sd_s, sd_s, unsure_s)


_NOW = (
    _with_landing(_CLIMBING_BIAS_S, _CLIMBING_SD_S),
    _with_landing(_LEVEL_BIAS_S, _LEVEL_SD_S),
    _with_landing(_DESCENDING_BIAS_S, _DESCENDING_SD_S),
    # Who has not taken off will climb first.
    _with_landing(_CLIMBING_BIAS_S, _CLIMBING_SD_S),
)
BIAS_S = tuple(bias_s for bias_s, _ in _NOW)
"""Seconds later than reckoned: by what the flight does now, by its phase then, by how far ahead."""
SD_S = tuple(sd_s for _, sd_s in _NOW)
