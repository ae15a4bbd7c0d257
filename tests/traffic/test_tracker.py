"""The tracker on made feeds whose truth is known."""

from __future__ import annotations
from traffic.made import *
from sectorwatch.traffic import Tracker


def test_smoke():
    t = Tracker(airspace(*SMALL_WORLD), FIELDS)
    line = Line(DAY_S, 0.5003)
    ticks = fly(t, range(DAY_S, DAY_S + 900, 15), line)
    for k in ticks:
        for v in k.visits:
            print(k.seq, v)
        if len(k.demand.minute_s):
            print(k.demand)
    print(ticks[-1].live.sector, ticks[-1].live.occupancy, line.reaches_longitude(1.0) - DAY_S)
    d = t.dump()
    print(len(d))
    u = Tracker.load(d, airspace(*SMALL_WORLD), FIELDS)
    assert u.dump() == d
