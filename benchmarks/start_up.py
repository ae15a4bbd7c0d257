"""From starting Python to the first answer, with 30 days of a busy network on the disk.

Hours made of real feeds are sealed over and over, moved on in time, until they fill 30 days; beside
them lie 30 days of minute demand of 300 sectors, and in SQLite the ticks, flights and movements of as
many days. A new process then opens the store, says where it would go on, and answers. Before each start
what the machine remembers of the files is dropped.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _dense import dense_hours
from _steady import data, steady_documents

from sectorwatch.config import load_settings
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.runtime import replay
from sectorwatch.store import DataDirectory, Store, schema
from sectorwatch.store.parquet import write_segment
from sectorwatch.store.segments import DAY_S, DEMAND, HOUR_S, POSITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from sectorwatch.store.blobs import StoredPositions
    from sectorwatch.store.segments import SegmentFile

DAYS = 30
START_S = 1_690_848_000  # 2023-08-01
SECTORS = 300
FLIGHTS_A_DAY = 24_000
TICKS_A_DAY = 5_760
RUNS = 5
REACH_S = 3.0
PROGRAM = """
import sys, time
from sectorwatch.store import DataDirectory, Store
flight_id, now_s = int(sys.argv[2]), int(sys.argv[3])
imported = time.time()
with DataDirectory.open(sys.argv[1]) as directory, Store.open(directory) as store:
    assert store.resume() is not None
    opened = time.time()
    assert store.flights.find(limit=100).total > 0
    answered = time.time()
    assert len(store.tracks.track(flight_id).positions.time_s) > 100
    tracked = time.time()
    assert store.sectors.hourly_demand(0, now_s).hour_s.size > 100_000
    summed = time.time()
print(imported, opened, answered, tracked, summed)
"""


def run() -> dict[str, Any]:
    """Build the 30 days once, start five times; medians."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        path = Path(folder) / "data"
        flight_id = _thirty_days(path)
        _fly_on(path)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        files = len(list(path.rglob("*.parquet")))
        steps = np.array([_start(path, flight_id) for _ in range(RUNS)])
        answers = np.array([_instance(path) for _ in range(RUNS)])
        first, past = np.median(answers, axis=0).tolist()
    names = ("imports", "open", "flights", "track", "hourly demand of all, 30 days")
    whole = statistics.median(steps[:, :3].sum(axis=1).tolist())
    return {
        "target": "14",
        "what": "start of `sectorwatch run` to its first answer, 30 days of data on disk",
        "against": "",
        "reach": f"≤ {REACH_S:g} s",
        "figures": {
            "start to first answer": f"{first:.2f} s (a flight of the past: {past:.2f} s)",
            "the store alone": f"{whole:.2f} s",
            **{
                name: f"{1e3 * float(np.median(steps[:, number])):.0f} ms"
                for number, name in enumerate(names)
            },
            "on disk": f"{size / 1e9:.2f} GB in {files} segments and SQLite",
        },
        "ratio": None,
        "met": first <= REACH_S,
    }


def _instance(path: Path) -> tuple[float, float]:
    """Seconds from the start of the whole program to its first answer, and to one from history."""
    _forget(path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sectorwatch", "run", "--data-dir", str(path)]
    command += ["--port", str(port), "--feed", "http://127.0.0.1:9/status.json"]
    command += ["--airspace", _airspace()]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            first = _answered(f"http://127.0.0.1:{port}/api/status", started)
            return first, _answered(f"http://127.0.0.1:{port}/api/flights/QFA5", started)
        finally:
            program.terminate()


def _answered(url: str, started: float) -> float:
    while time.monotonic() - started < 60:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - on loopback
                assert answer.status == 200
                return time.monotonic() - started
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.01)
    raise AssertionError("no answer within a minute")


def _forget(path: Path) -> None:
    """Have the machine forget what it remembers of these files."""
    for file in path.rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def _start(path: Path, flight_id: int) -> list[float]:
    """One start with cold files: seconds for each step."""
    _forget(path)
    command = "import time; print(time.time())"
    before = subprocess.run(
        [
            sys.executable,
            "-c",
            command + PROGRAM,
            path,
            str(flight_id),
            str(START_S + DAYS * DAY_S),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    times = [float(each) for each in before.stdout.split()]
    return [after - then for then, after in pairwise(times)]


def _thirty_days(path: Path) -> int:
    """Fills a data directory; gives a flight that is in its newest hours."""
    hours = list(dense_hours().values())
    with DataDirectory.open(path) as directory, Store.open(directory) as store:
        root = directory.segments
        files = [*_positions(root, hours), *_demand(root)]
        ids, counts = np.unique(hours[0].flight_id, return_counts=True)
        flight_id = int(ids[np.argmax(counts)])
        with store.database.write("filling") as connection:
            for file in files:
                store.manifest.add(connection, file)
            _rows(connection, flight_id)
    return flight_id


def _fly_on(path: Path) -> None:
    """Has two steady feeds come after the thirty days, so that there is a state to go on from."""
    with tempfile.TemporaryDirectory() as folder:
        for number, document in enumerate(steady_documents(2)):
            later = document.replace(b'"2023-03-1', b'"2023-09-1')
            Path(folder, f"feed-{number}.json").write_bytes(later)
        overrides = {"data_dir": str(path), "airspace": (_airspace(),), "log_level": "ERROR"}
        counts = replay(load_settings(overrides=overrides).settings, ArchiveSource([Path(folder)]))
        assert counts.feeds == 2


def _airspace() -> str:
    return f"vatspy:{data()}/airspace/vatspy"


def _positions(root: Path, hours: list[StoredPositions]) -> Iterator[SegmentFile]:
    for number in range(DAYS * 24):
        start_s = START_S + number * HOUR_S
        hour = hours[number % len(hours)]
        moved_s = start_s - int(hour.time_s.min()) // HOUR_S * HOUR_S
        columns = hour.columns() | {"time_s": hour.time_s + moved_s}
        yield write_segment(root, POSITIONS, start_s, columns, 0)


def _demand(root: Path) -> Iterator[SegmentFile]:
    chance = np.random.default_rng(1)
    minutes = np.arange(0, DAY_S, 60)
    busy = 4 + 3 * np.sin(minutes / DAY_S * 2 * np.pi)
    for day in range(DAYS):
        occupancy = chance.poisson(np.repeat(busy[:, None], SECTORS, axis=1)).astype(np.int32)
        start_s = START_S + day * DAY_S
        columns: dict[str, NDArray[Any]] = {
            "sector_id": np.tile(np.arange(SECTORS, dtype=np.int64), len(minutes)),
            "minute_s": np.repeat(minutes + start_s, SECTORS),
            "occupancy": occupancy.reshape(-1),
            "entries": chance.binomial(1, 0.1, occupancy.size).astype(np.int32),
            "in_contact": (occupancy.reshape(-1) * 0.4).astype(np.int32),
        }
        yield write_segment(root, DEMAND, start_s, columns, 0)


def _rows(connection: Connection, flight_id: int) -> None:
    """Ticks, flights and movements of 30 days; the flight we ask for flew in the last 6 hours."""
    end_s = START_S + DAYS * DAY_S
    _fill(
        connection,
        schema.tick,
        (
            (
                seq + 1,
                (START_S + 15 * seq) * 1_000_000,
                (START_S + 15 * seq) * 1_000_000,
                None,
                1_500,
                None,
            )
            for seq in range(DAYS * TICKS_A_DAY)
        ),
    )
    chance = np.random.default_rng(2)
    ids = np.unique(chance.integers(1, 2**62, DAYS * FLIGHTS_A_DAY))
    seen = np.sort(chance.integers(START_S, end_s - 7_200, len(ids)))
    flights = list(zip(chance.permutation(ids).tolist(), seen.tolist(), strict=True))
    flights.append((flight_id, end_s - 6 * HOUR_S))
    _fill(
        connection,
        schema.flight,
        (
            (
                *(number, number % 10**9, f"QFA{number % 2000}", at, at, "SYDNEY", 0, None),
                *("I", "B738", f"Y{number % 700:03d}", f"Y{number % 701:03d}", at + 600, "YSSY"),
                *(at + 6_600, "YMML", at + 7_200, 0),
            )
            for number, at in flights
        ),
    )
    _fill(
        connection,
        schema.movement,
        (
            (number, kind, at + after, f"Y{number % (700 + after % 7):03d}", f"QFA{number % 2000}")
            for number, at in flights
            for kind, after in (("departure", 600), ("arrival", 6_600))
        ),
    )


def _fill(connection: Connection, table: Any, rows: Iterator[tuple[Any, ...]]) -> None:
    raw: Any = connection.connection.driver_connection
    marks = ", ".join("?" for _ in table.columns)
    raw.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)  # noqa: S608 - our own names


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["met"], result["figures"])
