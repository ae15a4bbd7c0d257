"""Committing a tick, durably: the store beside bare `sqlite3` given the finished rows.

A steady tick: 1,000 moving positions, five flights and plans, 33 visits begun and 33 ended, and
every fourth time 300 rows of demand. Both sides write the same statements with the same PRAGMAs to
a disk, and take turns. The store also makes the rows and packs the positions.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from made_ticks import START_S, STEP_S, demand, flight, plan, tick
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.blobs import encode_positions
from sectorwatch.store.rows import Upserts, tick_rows
from sectorwatch.traffic.tick import PlanRevision, Tick, Visit

TICKS = 400
WARM = 50
SYDNEY = (-33.94612, 151.17723, 9_000)


def run() -> dict[str, Any]:
    """Commit the same ticks on both sides; medians after a warm-up."""
    ticks = steady_ticks(TICKS)
    # Where the journal and the database would lie: a file system in memory syncs for nothing.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        one, two = Path(folder, "store"), Path(folder, "bare")
        with DataDirectory.open(one) as a, DataDirectory.open(two) as b, Store.open(a) as store:
            with Store.open(b) as other:
                upserts = Upserts(other.database.engine.dialect)
            bare = _bare(b.database)
            ours, cpu, theirs = [], [], []
            for each in ticks:
                started, used = time.perf_counter(), time.thread_time()
                store.commit(each)
                ours.append(time.perf_counter() - started)
                cpu.append(time.thread_time() - used)
                rows = [(upserts[table], values) for table, values in tick_rows(each) if values]
                blob = encode_positions(each.positions, each.time_us // 1_000_000)
                head = (each.seq, each.time_us, each.received_at_us, None, 1_000, blob)
                started = time.perf_counter()
                bare.execute("BEGIN IMMEDIATE")
                bare.execute(upserts.tick, head)
                for sql, values in rows:
                    bare.executemany(sql, values)
                bare.execute("COMMIT")
                theirs.append(time.perf_counter() - started)
            bare.close()
    whole, raw, busy = (1e3 * statistics.median(each[WARM:]) for each in (ours, theirs, cpu))
    return {
        "target": "1 (its share)",
        "what": "a tick to committed, 1,000 moving positions, fsync included",
        "against": "bare `sqlite3` given the finished rows and blob",
        "reach": "≤ 4 ms of CPU",
        "figures": {
            "commit": f"{whole:.2f} ms",
            "of it CPU": f"{busy:.2f} ms",
            "bare sqlite3": f"{raw:.2f} ms",
            "95 of 100": f"{1e3 * float(np.percentile(ours[WARM:], 95)):.2f} ms",
        },
        "ratio": round(whole / raw, 2),
        "met": busy <= 4,
    }


def steady_ticks(count: int, seed: int = 1) -> list[Tick]:
    """`count` ticks in the proportions of a real 15 s step."""
    chance = np.random.default_rng(seed)
    before: list[Visit] = []
    made = []
    for seq in range(1, count + 1):
        now = START_S + (seq - 1) * STEP_S
        ids = [int(number) for number in chance.integers(1, 2**62, 38)]
        filed = [plan(remarks=f"PBN/A1B1 RMK/{number}") for number in ids[:5]]
        flights = [
            flight(number, f"QFA{seq}", now, plan=each)
            for number, each in zip(ids[:5], filed, strict=True)
        ]
        begun = [
            Visit(number, int(sector), now, *SYDNEY)
            for number, sector in zip(ids[5:], chance.integers(0, 300, 33), strict=True)
        ]
        ended = [
            Visit(each.flight_id, each.sector_id, each.entry_s, *SYDNEY, now, *SYDNEY)
            for each in before
        ]
        before = begun
        minutes = [(now, sector, 5, 1) for sector in range(300)] if seq % 4 == 0 else []
        made.append(
            tick(
                seq,
                count=1_000,
                flights=flights,
                plans=[
                    PlanRevision(number, now * 1_000_000, now * 1_000_000, each)
                    for number, each in zip(ids[:5], filed, strict=True)
                ],
                visits=[*begun, *ended],
                demand=demand(*minutes),
            )
        )
    return made


def _bare(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-4000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["met"], result["figures"])
