"""The simulator beside the pipeline that takes what it makes: a full us2001 network, 15 s steps.

About 2,700 people online, 1,900 of them in the air, with controllers over the contiguous US. The
pipeline's side is accepting, decoding and advancing alone: journal and database come on top of it. Processor
time on both sides, so that others on the machine count less.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from _steady import data

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.clock import parse_us
from sectorwatch.feed.accept import accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.simulator import Network, read_schedule
from sectorwatch.traffic import Tracker

START_S = parse_us("2001-03-13T18:00:00Z") // 1_000_000
STEP_S = 15
STEPS = 121
WARM = 5


def run() -> dict[str, Any]:
    """Make each feed and take it in; medians of both."""
    schedule = read_schedule(data() / "schedules" / "us2001-2001-03.parquet")
    airspace = load_airspace(
        [f"geojson:{data()}/airspace/perti-us/artcc.json?name=ICAOCODE"],
    )
    network = Network(schedule, airspace, seed=1, start_s=START_S)
    tracker = Tracker(airspace, Airports.load())
    masker = Masker(MASKING_KEY)
    states, feeds, radios, taken, last_us = [], [], [], [], None
    for step in range(STEPS):
        time_s = START_S + step * STEP_S
        begun = time.process_time()
        moved = network.states(time_s)
        known = time.process_time()
        payload = network.feed(time_s)
        made = time.process_time()
        if step % 4 == 0:
            network.transceivers(time_s)
            radios.append(time.process_time() - made)
        begin_taking = time.process_time()
        accepted = accept(payload, Kind.FEED, masker, last_time_us=last_us)
        last_us = accepted.time_us
        snapshot = decode_feed(
            accepted.document, accepted.time_us, accepted.time_us, wire=accepted.wire
        )
        tracker.advance(snapshot)
        taken.append(time.process_time() - begin_taking)
        states.append(known - begun)
        feeds.append(made - begun)
    feed_ms, taken_ms, states_ms = (
        1e3 * statistics.median(times[WARM:]) for times in (feeds, taken, states)
    )
    return {
        "target": "the simulator",
        "what": f"a whole feed of {len(moved):,} pilots, {int(moved.airborne.sum()):,} in the air, "
        f"{len(payload) / 1e6:.1f} MB, made",
        "against": "the pipeline taking it in: accept, decode, advance (no journal, no database)",
        "reach": "≤ 1 time",
        "figures": {
            "feed made": f"{feed_ms:.1f} ms of processor",
            "of it where everybody is": f"{states_ms:.1f} ms",
            "transceivers made": f"{1e3 * statistics.median(radios[1:]):.1f} ms",
            "taken in": f"{taken_ms:.1f} ms",
        },
        "ratio": round(feed_ms / taken_ms, 2),
        "met": feed_ms <= taken_ms,
    }


if __name__ == "__main__":
    print(run())
