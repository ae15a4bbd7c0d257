"""What the journal makes of real feeds: how much smaller, and how long a record takes.

The dense runs of real feeds, masked as they are in service, appended to a journal; beside it each
feed as a compressed frame of its own. Then the 1,706-pilot feed of 2023-03-12, moved on by 15 s
again and again as the pilots of the real step of 2023-08-07 moved, for the time of one record from
bytes to synced, and for reading it back.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import zstandard

from sectorwatch.clock import format_us
from sectorwatch.feed.accept import accept
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.journal_format import LEVEL
from sectorwatch.feed.journal_reader import JournalReport, read_records
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind

STEPS = 24
RUNS = ("20220624", "20220507", "20230807")
MOST_MS = 1.8
LEAST_RATIO = 17.0


def run() -> dict[str, Any]:
    """The figures of the journal."""
    feeds = Path(os.environ["SECTORWATCH_REAL_DATA"]) / "feed"
    masker = Masker(bytes(32))
    ratios, alone = [], []
    for name in RUNS:
        documents = [_masked(p, masker) for p in sorted(feeds.glob(f"vatsim-v3_{name}*"))]
        ratios += _ratios(documents)
        alone += [len(d) / len(zstandard.compress(d, LEVEL)) for _, d in documents]
    (big,) = feeds.glob("vatsim-v3_20230312*")
    moved = _moved_on(_masked(big, masker), _share_moving(feeds))
    append_ms, sync_ms, cpu_ms, read_ms, moved_ratio = _timed(moved)
    ratio = statistics.median(ratios)
    return {
        "target": "journal",
        "what": "real feeds in one stream a file, where a feed follows another; append with fsync, 1,706 pilots",
        "against": "raw; each feed a frame of its own",
        "reach": f"{LEAST_RATIO:g} to 24 times smaller; {MOST_MS:g} ms of processor a record",
        "figures": {
            "real feeds, a record behind another": f"{min(ratios):.1f} to {max(ratios):.1f} times, median {ratio:.1f} times",
            "frames of their own": f"{statistics.median(alone):.1f} times",
            "moved 1,706-pilot feed": f"{moved_ratio:.1f} times ({len(moved[0][1]) / 1e6:.2f} MB)",
            "append": f"{append_ms:.2f} ms, of which fsync {sync_ms:.2f} ms, processor {cpu_ms:.2f} ms",
            "read back": f"{read_ms:.2f} ms a record",
        },
        "ratio": round(ratio, 1),
        "met": ratio >= LEAST_RATIO and cpu_ms <= MOST_MS,
    }


Document = tuple[int, bytes]


def _masked(path: Path, masker: Masker) -> Document:
    (raw,) = ArchiveSource([path])
    accepted = accept(raw.payload, raw.kind, masker)
    return accepted.time_us, accepted.document


def _ratios(documents: list[Document]) -> list[float]:
    """How much smaller each record is that has another before it in its file."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder), key_fingerprint="") as journal,
    ):
        found, before = [], 0
        for time_us, document in documents:
            position = journal.append(Kind.FEED, time_us, time_us, document)
            total = sum(file.size_bytes() for file in journal.files())
            if position.index:
                found.append(len(document) / (total - before))
            before = total
    return found


def _share_moving(feeds: Path) -> float:
    """The share of pilots that moved in the one real step of 15 s."""
    before, after = (
        {p["callsign"]: p for p in json.loads(raw.payload)["pilots"]}
        for raw in ArchiveSource(sorted(feeds.glob("vatsim-v3_20230807*"))[-2:])
    )
    both = before.keys() & after.keys()
    moved = [c for c in both if before[c]["latitude"] != after[c]["latitude"]]
    return len(moved) / len(both)


def _moved_on(start: Document, share: float) -> list[Document]:
    """The feed and its successors, each 15 s later."""
    rng = random.Random(1)
    time_us, data = start
    document = json.loads(data)
    moving = [p for p in document["pilots"] if rng.random() < share or p["groundspeed"] > 100]
    out = [start]
    for _ in range(STEPS):
        time_us += 15_000_000
        stamp = format_us(time_us)
        document["general"]["update_timestamp"] = stamp
        for record in itertools.chain(
            document["pilots"], document["controllers"], document["atis"]
        ):
            record["last_updated"] = stamp
        for pilot in moving:
            course = math.radians(pilot["heading"])
            degrees = pilot["groundspeed"] * 15 / 3600 / 60
            pilot["latitude"] = round(pilot["latitude"] + degrees * math.cos(course), 5)
            across = (
                degrees * math.sin(course) / max(0.1, math.cos(math.radians(pilot["latitude"])))
            )
            pilot["longitude"] = round(pilot["longitude"] + across, 5)
            pilot["altitude"] += rng.choice((0, 0, 0, -9, 11, 310, -290))
            pilot["groundspeed"] = max(0, pilot["groundspeed"] + rng.choice((0, 0, 1, -1)))
        out.append(
            (time_us, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
        )
    return out


def _timed(documents: list[Document]) -> tuple[float, float, float, float, float]:
    """Milliseconds: an append, the fsync in it, its processor time, reading; then the ratio."""
    synced: list[float] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        begun = time.perf_counter()
        real(fd)
        synced.append(time.perf_counter() - begun)

    with tempfile.TemporaryDirectory() as folder:
        appended, worked, sizes = [], [], []
        os.fsync = fsync  # type: ignore[assignment]
        try:
            with Journal(Path(folder), key_fingerprint="") as journal:
                for time_us, document in documents:
                    begun, begun_cpu = time.perf_counter(), time.thread_time()
                    journal.append(Kind.FEED, time_us, time_us, document)
                    worked.append(time.thread_time() - begun_cpu)
                    appended.append(time.perf_counter() - begun)
                    sizes.append(sum(file.size_bytes() for file in journal.files()))
        finally:
            os.fsync = real
        report = JournalReport()
        begun = time.perf_counter()
        for _ in read_records(Path(folder), report=report):
            pass
        read = (time.perf_counter() - begun) / report.records
    steps = [after - before for before, after in itertools.pairwise(sizes)]
    ratio = statistics.median(
        len(d) / size for (_, d), size in zip(documents[1:], steps, strict=True)
    )
    return (
        statistics.median(appended[1:]) * 1e3,
        statistics.median(synced[2:]) * 1e3,
        statistics.median(worked[1:]) * 1e3,
        read * 1e3,
        ratio,
    )


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
