"""Coverage over 30 days of a whole network, every question of `/api/coverage`, from tables and files.

20 centres and 331 high sectors, 16,500 flights a day. The other side is DuckDB that merely sums the
two columns over the same files: what a question to them costs at the least.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _month import END_S, START_S, month_on_disk, specs

from sectorwatch.airspace import load_airspace
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 3
_SUM = """SELECT sum(occupancy) AS airborne, sum(in_contact) AS heard
FROM read_parquet($files, hive_partitioning = false)"""


def run() -> dict[str, Any]:
    """Ask each question so often; medians."""
    airspace = load_airspace(specs())
    partition = max(airspace.partitions, key=lambda each: each.count)
    sectors = airspace.sectors[partition.first : partition.first + partition.count]
    ids = [each.sector_id for each in sectors]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        path = Path(folder) / "data"
        month_on_disk(path)
        with DataDirectory.open(path) as directory, Store.open(directory) as store:
            owners = [
                each
                for each in store.controllers.owners(START_S, END_S)
                if each.sector_id in set(ids)
            ]
            files = [str(each) for each in sorted((directory.segments / "demand").glob("*/*"))]
            bare = _median(lambda: store._reader.ask(_SUM, files))  # noqa: SLF001 - the other side
            by_sector = _median(lambda: store.coverage.of_sectors(START_S, END_S, ids, owners))
            by_session = _median(lambda: store.contacts.by_session(START_S, END_S))
            by_flight = _median(
                lambda: store.coverage.of_flights(
                    START_S, END_S, ids, store.statistics.heard.known(START_S, END_S)
                )
            )
    return {
        "target": "6 (its kin)",
        "what": f"coverage of {len(ids)} sectors over 30 days",
        "against": "DuckDB that sums occupancy and contact over the same sealed files",
        "reach": "≤ 10 s each",
        "figures": {
            "by sector, hour and owner": f"{by_sector:.2f} s",
            "by position": f"{by_session:.2f} s",
            "by flight": f"{by_flight:.2f} s",
            "DuckDB's sum": f"{bare:.2f} s",
        },
        "ratio": round(by_sector / bare, 1),
        "met": max(by_sector, by_session, by_flight) <= 10,
    }


def _median(ask: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        ask()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    print(run())
