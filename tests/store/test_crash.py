from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.blobs import StoredPositions, decode_positions
from sectorwatch.store.parquet import read_segment
from sectorwatch.store.segments import KINDS
from store.crashing import COUNT, STEP_S, crash_tick
from store.dump import dump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer

HERE = Path(__file__).parent


class Crasher:
    """The program that is killed over and over."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, HERE / "crashing.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path.rstrip(os.pathsep)},
        )

    def run(
        self,
        path: Path,
        url: str | None = None,
        *,
        kill_after: tuple[int, float] | None = None,
        die_at: int = 0,
    ) -> int:
        """Runs a worker until it is dead, and gives the last tick that it told.

        `kill_after` is so many ticks, and then so many seconds.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(path, url or "-", die_at, file=self._process.stdin, flush=True)
        worker = int(self._process.stdout.readline().split()[1])
        killer, told = None, 0
        for count, line in enumerate(self._process.stdout, start=1):
            word, number = line.split()
            if word == "ended":
                assert int(number) == -signal.SIGKILL
                break
            told = int(number)
            if kill_after is not None and count == kill_after[0]:
                killer = threading.Timer(kill_after[1], os.kill, (worker, signal.SIGKILL))
                killer.start()
        if killer is not None:
            killer.join()
        return told

    def close(self) -> None:
        """Ends the program; a worker that still runs has no place to tell of its ticks."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def crasher() -> Iterator[Crasher]:
    """The program, started once."""
    program = Crasher()
    yield program
    program.close()


def check(path: Path, told: int, url: str | None = None) -> int:
    """All that was told is there once, and nothing is there that no tick gave; the last tick."""
    with DataDirectory.open(path) as directory, Store.open(directory, url) as store:
        assert store.found.missing == []
        checkpoint = store.resume()
        last = checkpoint.seq if checkpoint else 0
        assert last >= told
        if checkpoint is not None and last >= 5:
            assert checkpoint.state_seq == last // 5 * 5
            assert checkpoint.state == b"%d" % checkpoint.state_seq
        tables = dump(store)
        files: dict[str, list[dict[str, list[int]]]] = {"positions": [], "visits": [], "demand": []}
        for row in tables["segment"]:
            assert row[9] is None
            columns = read_segment(directory.segments / row[0], KINDS[row[1]])
            if row[1] in files:
                files[row[1]].append({name: column.tolist() for name, column in columns.items()})
        on_disk = {str(p.relative_to(directory.segments)) for p in directory.segments.rglob("*.p*")}
        assert on_disk == {row[0] for row in tables["segment"]}
        blobs = StoredPositions.join(
            [decode_positions(row[-1]) for row in tables["tick"] if row[-1]]
        )
    assert [row[0] for row in tables["tick"]] == list(range(1, last + 1))
    wanted = Counter(
        (number, crash_tick(seq).time_us // 1_000_000 - 3)
        for seq in range(1, last + 1)
        for number in range(1000, 1000 + COUNT)
    )
    found = Counter(zip(blobs.flight_id.tolist(), blobs.time_s.tolist(), strict=True))
    for file in files["positions"]:
        found.update(zip(file["flight_id"], file["time_s"], strict=True))
    assert found == wanted
    visits = Counter(row[1] for row in tables["visit"])
    for file in files["visits"]:
        visits.update(file["flight_id"])
    assert visits == Counter(range(1, last + 1))
    demand = Counter((row[0], row[1]) for row in tables["demand"])
    for file in files["demand"]:
        demand.update(zip(file["minute_s"], file["sector_id"], strict=True))
    assert demand == Counter(
        (crash_tick(seq).time_us // 1_000_000, sector)
        for seq in range(1, last + 1)
        for sector in (5, 6)
    )
    return last


def test_killed_at_any_moment_nothing_is_lost_and_nothing_twice(
    tmp_path: Path, crasher: Crasher
) -> None:
    """Killed while committing and sealing, again and again, what was told is there, once."""
    moments = random.Random(20250806)
    last = 0
    for _ in range(8):
        moment = moments.randint(35, 45), moments.uniform(0, 0.03)
        told = crasher.run(tmp_path / "data", kill_after=moment)
        last = check(tmp_path / "data", told)
    # Days were sealed on the way, not hours alone.
    assert last > 3 * 86_400 // STEP_S


@pytest.mark.parametrize("die_at", range(1, 10))
def test_killed_at_each_step_of_sealing(tmp_path: Path, crasher: Crasher, die_at: int) -> None:
    """Before each sync and each rename of the first files: the next start goes on as if unhurt."""
    told = crasher.run(tmp_path / "data", die_at=die_at)
    assert told >= 4
    assert check(tmp_path / "data", told) == told


@pytest.mark.postgres
def test_killed_on_postgresql_too(
    tmp_path: Path, crasher: Crasher, postgres: PostgresServer
) -> None:
    """With its rows in PostgreSQL an instance that was killed goes on just as well."""
    url = postgres.new_database("crash")
    for moment in ((10, 0.0), (12, 0.004), (8, 0.011)):
        check(tmp_path / "data", crasher.run(tmp_path / "data", url, kill_after=moment), url)
