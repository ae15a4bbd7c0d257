"""What recording statements costs, and what the index does that their study found and proved.

Recording: the smallest insert by key on SQLite's own cursor, and on the one that tells of what it
runs, figures and metrics folded within the time measured; in turns, of the thread's processor time.
A tick's commit likewise, with everything recorded and with nothing.

The finding: of half a year's sessions those of one hour, with the indexes of migration 0004 and,
on the same rows, without them; all as the API asks for them.
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
from sqlalchemy import insert, text

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from tick_commit import steady_ticks

from sectorwatch.observe import Telemetry
from sectorwatch.observe.statements.null import NullStatements
from sectorwatch.store import DataDirectory, Store, schema
from sectorwatch.store.meters import Meters, counting_cursors

ROUNDS = 9
CALLS = 5_000
TICKS = 200
WARM = 30
SESSIONS = 126_000
HALF_A_YEAR_S = 180 * 86_400
START_S = 1_700_000_000
HOURS = 7


def run() -> dict[str, Any]:
    """Both, in one go."""
    bare_us, recorded_us = _statement()
    off_us, on_us = _commit()
    without_ms, with_ms = _sessions()
    return {
        "target": "10 (its share)",
        "what": "a statement recorded; a tick's commit with its statements recorded; sessions of "
        f"one hour among {SESSIONS:,} with the indexes that the study of statements found",
        "against": "SQLite's own cursor; the same commit with nothing recorded; without the indexes",
        "reach": "a statement ≤ 5 µs more, cursor included; commit ≤ 1.10; sessions ≤ 0.1",
        "figures": {
            "statement": f"{recorded_us:.2f} µs",
            "bare": f"{bare_us:.2f} µs",
            "commit": f"{on_us:.0f} µs of CPU",
            "commit, nothing recorded": f"{off_us:.0f} µs",
            "sessions of an hour": f"{with_ms:.1f} ms",
            "without the indexes": f"{without_ms:.1f} ms",
        },
        "ratio": f"{recorded_us - bare_us:.1f} µs; {on_us / off_us:.2f}; {with_ms / without_ms:.3f}",
        "met": recorded_us - bare_us <= 5
        and on_us / off_us <= 1.10
        and with_ms / without_ms <= 0.1,
    }


def _statement() -> tuple[float, float]:
    telemetry = Telemetry.open(None, sinks=[])
    factory = counting_cursors(Meters(telemetry, "sqlite"))
    sides = [
        sqlite3.connect(":memory:", isolation_level=None),
        sqlite3.connect(":memory:", isolation_level=None, factory=factory),
    ]
    spent: list[list[float]] = [[], []]
    for side in sides:
        side.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b)")
    for number in range(ROUNDS + 1):
        for side, kept in zip(sides, spent, strict=True):
            started = time.thread_time()
            for n in range(CALLS):
                cursor = side.cursor()
                cursor.execute("INSERT OR REPLACE INTO t VALUES (?, ?)", (n % 50, n))
                cursor.close()
            if side is sides[1]:
                telemetry.statements.fold()
            if number:
                kept.append(1e6 * (time.thread_time() - started) / CALLS)
    assert telemetry.statements.statements()[0].count >= ROUNDS * CALLS
    for side in sides:
        side.close()
    telemetry.close()
    return statistics.median(spent[0]), statistics.median(spent[1])


def _commit() -> tuple[float, float]:
    ticks = steady_ticks(TICKS)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        recording = Telemetry.open(Path(folder, "on.db"), sinks=[])
        quiet = Telemetry.open(Path(folder, "off.db"), sinks=[])
        quiet.statements = NullStatements()
        with (
            DataDirectory.open(Path(folder, "a")) as a,
            DataDirectory.open(Path(folder, "b")) as b,
            Store.open(a, telemetry=quiet) as off,
            Store.open(b, telemetry=recording) as on,
        ):
            spent: dict[int, list[float]] = {0: [], 1: []}
            for number, each in enumerate(ticks):
                sides = ((0, off), (1, on)) if number % 2 else ((1, on), (0, off))
                for key, store in sides:
                    started = time.thread_time()
                    store.commit(each)
                    spent[key].append(1e6 * (time.thread_time() - started))
        recording.close()
        quiet.close()
    return statistics.median(spent[0][WARM:]), statistics.median(spent[1][WARM:])


def _sessions() -> tuple[float, float]:
    chance = np.random.default_rng(1)
    begun = (START_S + chance.integers(0, HALF_A_YEAR_S, SESSIONS)).tolist()
    lasts = chance.integers(60, 4 * 3_600, SESSIONS).tolist()
    with (
        tempfile.TemporaryDirectory() as folder,
        DataDirectory.open(Path(folder, "data")) as directory,
        Store.open(directory) as store,
    ):
        with store.database.write("controlling") as connection:
            connection.execute(
                insert(schema.session),
                [
                    {
                        "session_id": n + 1,
                        "cid": n,
                        "callsign": f"C{n % 990}_TWR",
                        "frequency": "118.000",
                        "facility": 4,
                        "rating": 3,
                        "server": "X",
                        "visual_range": 50,
                        "logon_time_s": start_s,
                        "first_seen_s": start_s,
                        "ended_s": start_s + lasted_s,
                    }
                    for n, (start_s, lasted_s) in enumerate(zip(begun, lasts, strict=True))
                ],
            )
        with_ms = _ask(store)
        with store.database.write("going back") as connection:
            connection.execute(text("DROP INDEX ix_session_ended_s_first_seen_s"))
        return _ask(store), with_ms


def _ask(store: Store) -> float:
    """The median of some hours at the end of the half year, after a first one."""
    spent = []
    for number in range(HOURS + 1):
        end_s = START_S + HALF_A_YEAR_S - number * 86_400
        started = time.perf_counter()
        store.controllers.sessions(from_s=end_s - 3_600, to_s=end_s)
        spent.append(1e3 * (time.perf_counter() - started))
    return statistics.median(spent[1:])


if __name__ == "__main__":
    print(run())
