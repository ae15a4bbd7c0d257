"""The us2001 day of 13 March three times: served over HTTP to `run`, replayed, flown directly.

1. The simulated network in lockstep over HTTP on loopback, read by `sectorwatch run` with the real
   client as fast as it keeps up; then that run's own journal replayed: every table is equal.
2. The same network straight into the pipeline: equal but for what depends on when transceivers were
   fetched and feeds received.
3. The scheduled flights alone, without anybody's noise, against a count made straight from the
   schedule (`tools/count_schedule.py`, which uses nothing of ours): mean demand by ARTCC.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _network
import msgspec
import numpy as np
from _steady import data

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from end_to_end.test_run_simulated import without_contact
from runtime.world import contents
from sectorwatch.config import load_settings
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.observe import Telemetry
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.runtime import replay
from sectorwatch.simulator import Behaviour, Network, SimulatedSource, read_schedule
from sectorwatch.simulator.server import NetworkServer
from sectorwatch.store import DataDirectory
from sectorwatch.store.files import write_durably

if TYPE_CHECKING:
    from sectorwatch.feed.sources import Source
    from sectorwatch.runtime import ReplayCounts

LONG = True
REACH = 0.05
HOURS = float(os.environ.get("US2001_HOURS", "24"))
"""For a try of less than the day."""
_HURRY = {
    "SECTORWATCH_FETCH_INTERVAL_S": "0",
    "SECTORWATCH_TRANSCEIVERS_INTERVAL_S": "0.2",
    "SECTORWATCH_LOG_LEVEL": "WARNING",
}


def run() -> dict[str, Any]:
    """Fly the day each way and compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        specs, airspace = _network.load(folder)
        start_s = _network.at_s(_network.DAY)
        end_s = start_s + round(HOURS * 3_600)
        feeds = (end_s - start_s) // 15
        network = _network.us2001(airspace, start_s, end_s)
        served_s = serve_to_run(network, folder / "served", specs, feeds)
        replayed = through(ArchiveSource([folder / "served" / "journal"]), folder / "again", specs)
        flown = through(
            SimulatedSource(_network.us2001(airspace, start_s, end_s)), folder / "flown", specs
        )
        served, again = contents(folder / "served"), contents(folder / "again")
        is_equal = served == again
        del again
        is_equal_flown = without_contact(served) == without_contact(contents(folder / "flown"))
        alone = demand_alone(folder / "alone", specs[:1], start_s, end_s)
        counted = _network.counted(_network.artccs(), start_s, end_s)
        off = {
            name: abs(alone.get(name, 0.0) - series.mean()) / series.mean()
            for name, series in counted.items()
        }
        worst = max(off, key=lambda name: off[name])
        rows = sum(len(each) for each in served.values() if isinstance(each, list))
    return {
        "target": "us2001",
        "what": f"the day of 13 March 2001 ({HOURS:g} h, 15 s): served over HTTP to `run`, replayed, flown; "
        "its scheduled flights alone",
        "against": "each other's tables; a count straight from the schedule by an independent script",
        "reach": "equal; mean demand by ARTCC within 5 %",
        "figures": {
            "feeds": f"{feeds:,}",
            "flights": f"{replayed.flights:,}",
            "visits": f"{replayed.visits:,}",
            "rows compared": f"{rows:,} and {served['positions'][0]:,} positions",
            "run and its journal's replay": "equal" if is_equal else "NOT equal",
            "run and flown": "equal" if is_equal_flown else "NOT equal",
            "over HTTP in": f"{served_s:.0f} s ({(end_s - start_s) / served_s:.0f} times real time)",
            "replayed in": f"{replayed.seconds:.0f} s ({(end_s - start_s) / replayed.seconds:.0f} times)",
            "flown in": f"{flown.seconds:.0f} s ({(end_s - start_s) / flown.seconds:.0f} times)",
            "worst ARTCC": f"{worst} off by {off[worst]:.1%}",
            "mean over ARTCCs": f"off by {np.mean(list(off.values())):.1%}",
            "all together": f"{sum(alone.get(name, 0) for name in counted):.1f} against {sum(series.mean() for series in counted.values()):.1f}",
        },
        "ratio": f"{off[worst]:.1%}",
        "met": bool(is_equal and is_equal_flown and off[worst] <= REACH),
        "note": "",
    }


def serve_to_run(network: Network, folder: Path, specs: list[str], feeds: int) -> float:
    """Have `sectorwatch run` read the network over HTTP to its end; seconds from start to end."""
    words = ["run", "--simulated", "--port", "0", "--data-dir", str(folder)]
    for spec in specs:
        words += ["--airspace", spec]
    with NetworkServer(network, lockstep=True) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "sectorwatch", *words, "--feed", server.url],
            env={**os.environ, **_HURRY},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1].rstrip(",")
            began = time.monotonic()
            while _seq(url) < feeds:
                assert process.poll() is None
                assert time.monotonic() - began < 3_600
                time.sleep(1)
            return time.monotonic() - began
        finally:
            process.terminate()
            process.wait(30)


def _seq(url: str) -> int:
    with urllib.request.urlopen(f"{url}/api/status", timeout=30) as answer:  # noqa: S310 - loopback
        return int(msgspec.json.decode(answer.read())["seq"])


def through(source: Source, folder: Path, specs: list[str]) -> ReplayCounts:
    """Put a source through the pipeline into `folder`, with the key that simulated networks have."""
    with DataDirectory.open(folder) as directory:
        write_durably(directory.masking_key, f"{MASKING_KEY.hex()}\n".encode())
    settings = load_settings(
        overrides={"data_dir": str(folder), "log_level": "ERROR", "airspace": specs}
    ).settings
    return replay(settings, source, telemetry=Telemetry.null())


def demand_alone(folder: Path, specs: list[str], start_s: int, end_s: int) -> dict[str, float]:
    """Mean occupancy of each ARTCC by the pipeline, of the scheduled flights alone."""
    from sectorwatch.airspace import load_airspace  # noqa: PLC0415 - once

    schedule = read_schedule(sorted((data() / "schedules").glob("us2001-2001-*.parquet")))
    network = Network(
        schedule,
        behaviour=Behaviour.none(),
        seed=_network.SEED,
        # From an hour before, so that minutes are final and known from the first one on.
        start_s=start_s - 3_600,
        end_s=end_s + 600,
    )
    through(SimulatedSource(network, cadence_s=60, transceivers_every_s=0), folder, specs)
    names = {each.sector_id: each.name for each in load_airspace(specs).sectors}
    totals = dict.fromkeys(names.values(), 0)
    for minute_s, sector_id, occupancy, *_ in contents(folder)["demand"]:
        if start_s <= minute_s < end_s:
            totals[names[sector_id]] += occupancy
    minutes = (end_s - start_s) / 60
    return {name: total / minutes for name, total in totals.items()}


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["met"], result["figures"])
