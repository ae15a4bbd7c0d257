"""A steady tick, whole: from the bytes that came in to the commit that is on the disk.

The very pipeline that runs live (accept and mask, journal with fsync, decode, advance, commit with
fsync, announce), over 300 sectors, on the steady documents of `_steady.py`; beside it `msgspec`
decoding the same bytes into typed Structs. Both sides take turns, document by document, so that a
machine that slows down slows both.
"""

from __future__ import annotations

import importlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _steady import SteadySource, data, steady_documents
from tracker_tick import busiest

from sectorwatch.airspace import load_airspace
from sectorwatch.clock import SystemClock, parse_us
from sectorwatch.config import load_settings
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.feed.wire import read_wire
from sectorwatch.observe import PerformanceMetric, Telemetry
from sectorwatch.runtime.run import collect_garbage_seldom
from sectorwatch.store import DataDirectory

if TYPE_CHECKING:
    from sectorwatch.runtime.pipeline import Pipeline

composition = importlib.import_module("sectorwatch.runtime.root")
TICKS = 121
WARM = 10
STAGES = {
    "accept": "collector",
    "journal_append": "journal",
    "decode": "collector",
    "advance": "tracker",
    "commit": "store",
}


def run() -> dict[str, Any]:
    """Time both sides; medians over the ticks after a warm-up."""
    documents = steady_documents(TICKS)
    world = load_airspace([f"vatspy:{data()}/airspace/vatspy"])
    few = busiest(world, documents[0], 300)
    # The composition root loads what a SPEC names; three hundred chosen sectors have none.
    setattr(composition, "load_airspace", lambda *_, **__: few)  # noqa: B010 - not its own name
    with tempfile.TemporaryDirectory() as folder:
        whole, decoding, stages, worked, parsed = _both(documents, Path(folder))
        fsync_ms = _fsync(Path(folder))
    ratio = whole / decoding
    return {
        "target": "1",
        "what": "a steady tick, bytes to committed: 1,706 pilots moved on 15 s, 300 sectors",
        "against": "`msgspec` decoding the same bytes into typed Structs, plan kept raw",
        "reach": "≤ 6 times",
        "figures": {
            "tick": f"{whole:.1f} ms",
            "decoding": f"{decoding:.2f} ms",
            "processor of the ingestion thread": f"{worked:.1f} ms, {worked / parsed:.1f} times decoding's",
            **{name: f"{value:.2f} ms" for name, value in stages.items()},
            "one fsync of 4 kB here": f"{fsync_ms:.2f} ms",
        },
        "ratio": round(ratio, 2),
        "met": ratio <= 6,
        "note": (
            "most pilots only move: their records are neither masked nor read again, the numbers of all are read at "
            "once, and the tracker gets the same value again. The journal is written in a second thread while the feed "
            "is decoded, so the stages add up to more than the tick where there is a second core. What is left: finding "
            "each known record in the bytes (a quarter of accepting) and reading what moves (a quarter), controllers, "
            "stations and prefiles, which go the usual way every time (a third), putting the masked document together; "
            "in decoding the columns' checks; in the tracker the steps of those who flew; two fsyncs."
        ),
    }


def _both(
    documents: list[bytes], folder: Path
) -> tuple[float, float, dict[str, float], float, float]:
    """Medians in ms: a tick, decoding, the tick's stages, and the processor time of the two."""
    settings = load_settings(overrides={"data_dir": str(folder), "log_level": "ERROR"}).settings
    clock = SystemClock()
    start_us = parse_us("2023-03-12T17:24:18.6737571Z")
    with DataDirectory.open(folder) as directory:
        telemetry = Telemetry.open(directory.observations, sinks=())
        telemetry.start()
        parts = composition.put_together(
            settings, directory, telemetry=telemetry, clock=clock, announce=lambda _: None
        )
        parts.stores.start()
        parts.journals.open()
        pipeline: Pipeline = parts.pipeline
        source = SteadySource()
        source.time_us = start_us
        pipeline.begin(source)
        # As an instance does when it starts.
        collect_garbage_seldom()
        wholes, decodings, workeds, parseds = [], [], [], []
        for number, document in enumerate(documents):
            now_us = start_us + 15_000_000 * number
            source.time_us = now_us
            raw = RawFeed(Kind.FEED, document, now_us)
            started, work = time.perf_counter(), time.thread_time()
            pipeline.take(raw)
            wholes.append(time.perf_counter() - started)
            workeds.append(time.thread_time() - work)
            started, work = time.perf_counter(), time.thread_time()
            assert read_wire(document) is not None
            decodings.append(time.perf_counter() - started)
            parseds.append(time.thread_time() - work)
        latest = pipeline.latest
        assert latest is not None
        assert latest.seq == len(documents)
        stages = _stages(telemetry)
        parts.journals.close()
        parts.stores.stop()
        telemetry.close()
    whole, decoding, worked, parsed = (
        1e3 * _median(each) for each in (wholes, decodings, workeds, parseds)
    )
    return whole, decoding, stages, worked, parsed


def _stages(telemetry: Telemetry) -> dict[str, float]:
    """Medians of what the pipeline itself measured, in ms."""
    found = {}
    for operation, service in STAGES.items():
        summary = telemetry.performance.get_metric_summary(
            operation, service, PerformanceMetric.RESPONSE_TIME
        )
        found[operation] = 1e3 * summary["median"]
    return found


def _median(values: list[float]) -> float:
    return statistics.median(values[WARM:])


def _fsync(folder: Path) -> float:
    """Give the median time of writing and syncing a page here, in ms."""
    times = []
    with (folder / "page").open("wb") as file:
        for _ in range(51):
            started = time.perf_counter()
            file.write(b"x" * 4_096)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["met"], result["figures"])
