"""The four months of us2001 flown into a data directory, for forecasts to be trained and scored on.

At a 1-min cadence and without a journal, by the frozen simulator and the same tracker and store as
everywhere. It takes the better part of an hour, so it may be ended at any time and goes on where it
was: `python benchmarks/us2001_months.py [FOLDER] [--to 2001-05-01]`. Other benchmarks ask for the
folder by `SECTORWATCH_US2001`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import _network
from _steady import data
from sqlalchemy import event

from sectorwatch.airspace import Airports
from sectorwatch.feed.mask import Masker
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.simulator import Network, read_schedule
from sectorwatch.simulator.direct import DirectSnapshots
from sectorwatch.store import DataDirectory, Identity, Store
from sectorwatch.traffic import Rules, Tracker

if TYPE_CHECKING:
    import sqlite3

    from sectorwatch.airspace import Airspace

# Hours of flying that anybody may use again.
FOLDER = Path(tempfile.gettempdir()) / "sectorwatch-us2001"
START, END = "2001-01-01T05:00:00Z", "2001-05-01T05:00:00Z"
CADENCE_S = 60
_CHECKPOINT_TICKS = 60


def fly(folder: Path, end_s: int, *, told_every_s: float = 30.0) -> None:
    """Fly until `end_s`, from where the last call ended."""
    folder.mkdir(parents=True, exist_ok=True)
    cut = folder / "airspace"
    cut.mkdir(exist_ok=True)
    specs, airspace = _network.load(cut)
    (folder / "specs.json").write_text(json.dumps(specs))
    with DataDirectory.open(folder / "data") as directory, Store.open(directory) as store:
        _in_bulk(store)
        store.keep_sectors(airspace.sectors)
        _fly(store, airspace, end_s, told_every_s)


def _in_bulk(store: Store) -> None:
    """Have this store's own connections write much at a time.

    Whoever ends it loses nothing; where the machine itself goes down, the last minutes are flown
    again.
    """

    @event.listens_for(store.database.engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: object) -> None:
        for pragma in ("cache_size=-128000", "wal_autocheckpoint=20000", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    # Those that are open already were prepared otherwise.
    store.database.close()


def _fly(store: Store, airspace: Airspace, end_s: int, told_every_s: float) -> None:
    rules, airports = Rules(), Airports.load()
    store.identify(
        Identity(airspace.fingerprint, rules.fingerprint, Masker(MASKING_KEY).fingerprint)
    )
    kept = store.resume()
    tracker, start_s = Tracker(airspace, airports, rules), _network.at_s(START)
    if kept is not None:
        assert kept.state is not None, kept.problem
        # Ticks after the state are made again, and are found to be kept already.
        tracker = Tracker.load(kept.state, airspace, airports, rules)
        assert kept.state_time_us is not None
        start_s = kept.state_time_us // 1_000_000 // CADENCE_S * CADENCE_S + CADENCE_S
    paths = sorted((data() / "schedules").glob("us2001-2001-*.parquet"))
    network = Network(read_schedule(paths), seed=_network.SEED, start_s=start_s, end_s=end_s)
    snapshots = DirectSnapshots(network)
    began_s = told_s = time.monotonic()
    for number, time_s in enumerate(range(start_s, end_s, CADENCE_S), 1):
        tick = tracker.advance(snapshots.at(time_s))
        assert tick is not None
        state = tracker.dump() if number % _CHECKPOINT_TICKS == 0 else None
        store.commit(tick, state=state)
        if number % _CHECKPOINT_TICKS == 0:
            store.seal_due(time_s)
        if time.monotonic() - told_s > told_every_s:
            told_s = time.monotonic()
            pace_s = (told_s - began_s) / number
            left_min = (end_s - time_s) / CADENCE_S * pace_s / 60
            print(
                f"{_network_time(time_s)} {1000 * pace_s:.1f} ms a tick, {left_min:.0f} min to go",
                flush=True,
            )


def _network_time(time_s: int) -> str:
    from sectorwatch.clock import format_us  # noqa: PLC0415

    return format_us(time_s * 1_000_000)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--to", default=END)
    arguments = parser.parse_args()
    fly(arguments.folder, _network.at_s(arguments.to))
