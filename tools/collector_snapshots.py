"""Turn another collector's tables into v3 feeds: `collector_snapshots.py TABLES OUT`.

TABLES is a folder with that system's `*_flights.csv.gz` and `*_controllers.csv.gz`, a log of what
it read from the network at each of its polls. Each poll becomes one feed file in OUT, its
`update_timestamp` the rows' `created_at`. Dead row versions (`_live` False) are left out.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

__all__ = ["convert", "read_table"]

PLAN = ("flight_rules", "aircraft_faa", "aircraft_short", "departure", "arrival", "alternate",
        "cruise_tas", "deptime", "enroute_time", "fuel_time", "remarks", "route",
        "assigned_transponder")  # fmt: skip


def read_table(folder: Path, table: str) -> list[dict[str, str]]:
    """Read a table's live rows, as text."""
    (path,) = folder.glob(f"*_{table}.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as rows:
        return [row for row in csv.DictReader(rows) if row["_live"] == "True"]


def convert(folder: Path, out: Path) -> int:
    """Write one feed file a poll into `out`; gives how many."""
    polls: dict[str, dict[str, list[Any]]] = defaultdict(lambda: {"pilots": [], "controllers": []})
    for row in read_table(folder, "flights"):
        polls[row["created_at"]]["pilots"].append(_pilot(row))
    for row in read_table(folder, "controllers"):
        if row["created_at"] in polls:
            polls[row["created_at"]]["controllers"].append(_controller(row))
    out.mkdir(parents=True, exist_ok=True)
    for created_at, lists in sorted(polls.items()):
        clients = len(lists["pilots"]) + len(lists["controllers"])
        members = {record["cid"] for records in lists.values() for record in records}
        feed = {
            "general": {
                "version": 3,
                "update_timestamp": f"{created_at}Z",
                "connected_clients": clients,
                "unique_users": len(members),
            },
            **lists,
            "atis": [],
            "prefiles": [],
        }
        name = created_at.replace("-", "").replace(":", "")
        (out / f"collector_{name}Z.json").write_text(json.dumps(feed), encoding="utf-8")
    return len(polls)


def _pilot(row: dict[str, str]) -> dict[str, Any]:
    return {
        "cid": int(row["cid"]),
        "name": row["name"],
        "callsign": row["callsign"],
        "server": row["server"],
        "pilot_rating": int(row["pilot_rating"] or 0),
        "military_rating": int(row["military_rating"] or 0),
        "latitude": float(row["latitude"]),
        "longitude": float(row["longitude"]),
        "altitude": int(row["altitude"]),
        "groundspeed": int(row["groundspeed"]),
        "heading": int(row["heading"]),
        "transponder": row["transponder"],
        "qnh_i_hg": None,
        "qnh_mb": None,
        "flight_plan": {
            **{name: row[name] for name in PLAN},
            "aircraft": row["aircraft_type"],
            "altitude": row["planned_altitude"],
            "revision_id": int(row["revision_id"] or 0),
        }
        if row["departure"] or row["arrival"]
        else None,
        "logon_time": f"{row['logon_time']}Z",
        "last_updated": f"{row['last_updated_api'] or row['last_updated']}Z",
    }


def _controller(row: dict[str, str]) -> dict[str, Any]:
    return {
        "cid": int(row["cid"]),
        "name": row["name"],
        "callsign": row["callsign"],
        "frequency": row["frequency"],
        "facility": int(row["facility"] or 0),
        "rating": int(row["rating"] or 0),
        "server": row["server"],
        "visual_range": int(row["visual_range"] or 0),
        "text_atis": [row["text_atis"]] if row["text_atis"] else None,
        "last_updated": f"{row['last_updated']}Z",
        "logon_time": f"{row['logon_time']}Z",
    }


def main() -> int:
    """Convert as the command line says."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    print(f"{convert(Path(sys.argv[1]), Path(sys.argv[2]))} feeds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
