"""A day's demand by ARTCC as simulated, beside a count made straight from the schedule.

The count is `tools/count_schedule.py`, which uses nothing of sectorwatch: each flight moves evenly
along the great circle from take-off to landing. The simulator flies the scheduled flights alone.
`us2001_day.py` asks the same of the whole pipeline, which takes longer.
"""

from __future__ import annotations

from typing import Any

import _network
import numpy as np
import shapely
from _steady import data

from sectorwatch.simulator import Behaviour, Network, read_schedule

REACH = 0.05


def run() -> dict[str, Any]:
    """Count both ways, minute by minute of a day, and compare the means."""
    polygons = _network.artccs()
    start_s = _network.at_s(_network.DAY)
    counted = _network.counted(polygons, start_s, start_s + _network.DAY_S)
    schedule = read_schedule(data() / "schedules" / "us2001-2001-03.parquet")
    network = Network(schedule, behaviour=Behaviour.none(), seed=1, start_s=start_s)
    flown = {name: np.zeros(1_440) for name in polygons}
    for minute in range(1_440):
        states = network.states(start_s + 60 * minute)
        lon, lat = (each[states.airborne] for each in (states.longitude, states.latitude))
        for name, polygon in polygons.items():
            flown[name][minute] = shapely.contains_xy(polygon, lon, lat).sum()
    off = {name: float(flown[name].mean() / counted[name].mean() - 1) for name in polygons}
    worst = max(off, key=lambda name: abs(off[name]))
    total = sum(each.mean() for each in flown.values())
    usual = sum(each.mean() for each in counted.values())
    return {
        "target": "the simulator",
        "what": f"mean demand of 13 March 2001 by ARTCC ({len(polygons)}), scheduled flights alone",
        "against": "a count straight from the schedule, flights moving evenly on great circles",
        "reach": "within 5 % each",
        "figures": {
            "all of them": f"{total:.1f} in the air, {100 * (total / usual - 1):+.2f} %",
            "furthest off": f"{worst} {100 * off[worst]:+.1f} %",
            "in the mean": f"{100 * np.mean([abs(each) for each in off.values()]):.1f} %",
        },
        "ratio": None,
        "met": abs(off[worst]) <= REACH,
    }


if __name__ == "__main__":
    print(run())
