"""Target 15: what a day of a full network takes on the disk, everything together.

The us2001 day of 13 March at 15 s, with transceivers every minute, replayed into a data directory of
its own: journal, database, segments, self-observation and logs. What stays after the journal has gone
and the day has been sealed is weighed after that: with the days of visits, demand and counts in their
files, and without the pages that they have left free in the database, which the next day uses. The day
has fewer than 2,000 pilots online in the mean; all is scaled to 2,000.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import _network
from replay_day import flown, replayed

from sectorwatch.store import DataDirectory, Store

REACH_GB, REACH_AFTER_GB = 0.6, 0.12
PILOTS = 2_000


def run() -> dict[str, Any]:
    """Weigh the day."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        specs, feeds, _ = flown(folder / "flown")
        counts, _ = replayed(folder / "flown", folder / "data", specs)
        data = folder / "data"
        kept = _weigh(data)
        # Four days later there is one more feed, so that all of the day is over and sealed.
        _, airspace = _network.load(folder)
        later_s = _network.at_s(_network.DAY) + 5 * _network.DAY_S
        network = _network.us2001(airspace, later_s, later_s + 15)
        _network.write_journal(folder / "later", _network.feeds(network))
        replayed(folder / "later", data, specs)
        _vacuum(data)
        after = _weigh(data)
    pilots = counts.pilots / feeds
    scale = PILOTS / pilots
    whole_gb = sum(kept.values()) * scale / 1e9
    after_gb = (sum(after.values()) - after["journal"]) * scale / 1e9
    return {
        "target": "15",
        "what": f"disk a day at 15 s, everything together ({pilots:,.0f} pilots in the mean, scaled to 2,000)",
        "against": "",
        "reach": f"≤ {REACH_GB} GB with the journal, ≤ {REACH_AFTER_GB} GB after",
        "figures": {
            "with the journal": f"{whole_gb:.3f} GB",
            "after": f"{after_gb:.3f} GB",
            **{f"{part}, as flown": f"{size / 1e6:.1f} MB" for part, size in kept.items()},
            **{
                f"{part}, sealed": f"{after[part] / 1e6:.1f} MB"
                for part in ("database", "segments")
            },
        },
        "ratio": round(whole_gb / REACH_GB, 3),
        "met": whole_gb <= REACH_GB and after_gb <= REACH_AFTER_GB,
        "note": (
            "self-observation goes by the machine's clock, so observe.db holds the minutes of the replay, not a day's"
        ),
    }


def _weigh(data: Path) -> dict[str, int]:
    """The bytes of each part of a data directory, all of it."""
    parts = {"journal": 0, "segments": 0, "database": 0, "observe.db": 0, "logs and the rest": 0}
    for path in data.rglob("*"):
        if path.is_file():
            top = path.relative_to(data).parts[0]
            name = "database" if top.startswith("sectorwatch.db") else top
            name = "observe.db" if top.startswith("observe.db") else name
            parts[name if name in parts else "logs and the rest"] += path.stat().st_size
    return parts


def _vacuum(data: Path) -> None:
    """Give the disk back what is free in the database."""
    with DataDirectory.open(data) as directory, Store.open(directory) as store:
        with store.database.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.isolation_level = None
            raw.execute("VACUUM")
        store.database.write_log_back()


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["met"], result["figures"])
