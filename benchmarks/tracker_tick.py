"""The tracker's share of a steady tick: `Tracker.advance` beside decoding the same bytes.

1,706 pilots, 300 sectors (of VATSpy's FIRs those with most flights in them, the hardest), and for
comparison all 1,527 sectors of VATSpy in two partitions. Each document is decoded just before it is
advanced, so that the tracker finds its records as the pipeline leaves them.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from _steady import data, steady_documents

from sectorwatch.airspace import Airports, Airspace, DataSet, load_airspace
from sectorwatch.clock import parse_us
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.wire import read_wire
from sectorwatch.traffic import Tracker

TICKS = 61
WARM = 5


def run() -> dict[str, Any]:
    """Decode and advance every document, medians of both."""
    documents = steady_documents(TICKS)
    airports = Airports.load()
    world = load_airspace([f"vatspy:{data()}/airspace/vatspy"])
    decoded = _decoding(documents)
    few, state, kept, loaded = _advancing(documents, busiest(world, documents[0], 300), airports)
    many, _, _, _ = _advancing(documents, world, airports)
    ratio = few / decoded
    return {
        "target": "1 (the tracker's share)",
        "what": "`Tracker.advance` of a steady tick: 1,706 pilots moved on 15 s, 300 sectors",
        "against": "`msgspec` decoding the same bytes into typed Structs, plan kept raw",
        "reach": "≤ 1.75 times (5 ms of the 17)",
        "figures": {
            "advance": f"{few:.2f} ms",
            "decoding": f"{decoded:.2f} ms",
            f"advance over all {len(world.sectors):,} sectors": f"{many:.2f} ms",
            "dump": f"{kept:.1f} ms, {state / 1e6:.1f} MB",
            "load": f"{loaded:.1f} ms",
        },
        "ratio": round(ratio, 2),
        "met": ratio <= 1.75,
    }


def _decoding(documents: list[bytes]) -> float:
    times = []
    for document in documents:
        start = time.perf_counter()
        wire = read_wire(document)
        times.append(time.perf_counter() - start)
        assert wire is not None
    return 1e3 * statistics.median(times[WARM:])


def _advancing(
    documents: list[bytes], airspace: Airspace, airports: Airports
) -> tuple[float, int, float, float]:
    tracker = Tracker(airspace, airports)
    start_us = parse_us("2023-03-12T17:24:18.6737571Z")
    times = []
    for number, document in enumerate(documents):
        now_us = start_us + 15_000_000 * number
        snapshot = decode_feed(document, now_us, now_us)
        start = time.perf_counter()
        tick = tracker.advance(snapshot)
        times.append(time.perf_counter() - start)
        assert tick is not None
    start = time.perf_counter()
    state = tracker.dump()
    kept = time.perf_counter() - start
    start = time.perf_counter()
    Tracker.load(state, airspace, airports)
    loaded = time.perf_counter() - start
    return 1e3 * statistics.median(times[WARM:]), len(state), 1e3 * kept, 1e3 * loaded


def busiest(world: Airspace, document: bytes, count: int) -> Airspace:
    """An airspace of those `count` sectors of the first partition with most flights in them."""
    columns = decode_feed(document, 2**60, 2**60).columns
    part = world.partitions[0]
    inside = world.locate(columns.longitude, columns.latitude, columns.altitude_ft)[0]
    load = np.bincount(inside[inside >= 0] - part.first, minlength=part.count)
    chosen = np.sort(np.argsort(-load, kind="stable")[:count])
    sectors = tuple(world.sectors[part.first + number] for number in chosen.tolist())
    return Airspace([DataSet("vatspy", "vatspy:busiest", sectors)])


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["figures"])
