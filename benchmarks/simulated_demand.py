"""A day's demand by ARTCC as simulated, beside a count made straight from the schedule.

The count is `tools/count_schedule.py`, which uses nothing of sectorwatch: each flight moves evenly
along the great circle from take-off to landing. The simulator flies the scheduled flights alone.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import shapely
from _steady import data

from sectorwatch.simulator import Behaviour, Network, read_schedule

sys.path.append(str(Path(__file__).resolve().parent.parent / "tools"))

DAY = dt.datetime(2001, 3, 13)  # noqa: DTZ001 - the schedule's times have no zone: they are UTC
REACH = 0.05


def run() -> dict[str, Any]:
    """Count both ways, minute by minute of a day, and compare the means."""
    from count_schedule import count, load_polygons  # noqa: PLC0415 - found by the path above

    whole = data() / "schedules" / "us2001-2001-03.parquet"
    polygons = load_polygons(
        data() / "airspace" / "perti-us" / "artcc.json", "ICAOCODE", "^KZ", {"oceanic": "1"}
    )
    with tempfile.TemporaryDirectory() as folder:
        day = Path(folder) / "day.parquet"
        table = pq.read_table(
            whole,
            filters=[
                ("on_at", ">", DAY - dt.timedelta(hours=1)),
                ("off_at", "<", DAY + dt.timedelta(hours=25)),
            ],
        )
        pq.write_table(table, day)
        counted = count(day, polygons, DAY, DAY + dt.timedelta(days=1))
        schedule = read_schedule(day)
    start_s = int(DAY.replace(tzinfo=dt.UTC).timestamp())
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
        "what": f"mean demand of {DAY:%d %B %Y} by ARTCC ({len(polygons)}), scheduled flights alone",
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
