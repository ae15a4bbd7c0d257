"""How far ahead and in what steps: the same for every forecast.

What is forecast is a sector's mean occupancy over the 15 min that begin `lead_s` after the moment
the forecast is of.
"""

from __future__ import annotations

import numpy as np

__all__ = ["BIN_S", "HORIZONS_S", "LEADS", "LEADS_S", "LONGEST_S"]

BIN_S = 900
"""A bin's length."""
LONGEST_S = 4 * 3_600
LEADS_S: tuple[int, ...] = tuple(range(0, LONGEST_S + 1, BIN_S))
"""Where the 17 bins begin after the moment: at once, in 15 min, ... in 4 h."""
HORIZONS_S = (3_600, 7_200, 14_400)
"""The leads that are spoken of and scored apart: 1, 2 and 4 h."""
LEADS = np.array(LEADS_S, dtype=np.int64)
LEADS.setflags(write=False)
