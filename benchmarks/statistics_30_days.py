"""Each topic of statistics over 30 days of a whole network: cold, from files nobody has read, and warm.

Cold is a store just opened, after what the machine remembers of its files was dropped; warm is the
same question again, without the answer that the API would still have. Both with the answer encoded,
in the scope `airspace`, which is the default and takes longer, and over all rows.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _month import DAYS, END_S, START_S, month_on_disk, specs
from start_up import _forget

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.clock import time_zone
from sectorwatch.store import DataDirectory, Store
from sectorwatch.web.hot import encode
from sectorwatch.web.present.statistics import Question
from sectorwatch.web.topics import TOPICS

if TYPE_CHECKING:
    from sectorwatch.airspace import Airspace

RUNS = 1
REACH_S = 5.0
_ZONE = "America/New_York"


def run() -> dict[str, Any]:
    """Build the month once, ask each topic five times; medians."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        path = Path(folder) / "data"
        flights = len(month_on_disk(path).flight_id)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        # In a process of its own, whose memory is that of the questions.
        asked = subprocess.run(
            [sys.executable, __file__, str(path)], stdout=subprocess.PIPE, text=True, check=True
        )
    result = json.loads(asked.stdout.splitlines()[-1])
    times: dict[str, list[list[float]]] = result["times"]
    medians = {name: np.median(np.array(each), axis=0) for name, each in times.items()}
    slowest = max(medians, key=lambda name: float(medians[name][0]))
    return {
        "target": "issue 3",
        "what": f"statistics over {DAYS} days of a whole network ({flights / DAYS:,.0f} flights a day,"
        " 2,000 in the air at once), slowest topic, cold",
        "against": "",
        "reach": f"≤ {REACH_S:g} s",
        "figures": {
            "slowest": f"{slowest}: {medians[slowest][0]:.2f} s",
            **{
                name: f"{cold:.2f} s cold, {warm:.2f} warm ({cpu:.2f} of CPU)"
                for name, (cold, warm, cpu) in medians.items()
            },
            "memory": f"{result['more_mb']:.0f} MB more at most",
            "on disk": f"{size / 1e9:.2f} GB",
        },
        "ratio": None,
        "met": float(medians[slowest][0]) <= REACH_S,
        "note": f"load average while it ran: {result['load']:.1f} on {os.cpu_count()} cores; where it"
        " is higher than the cores, trust the seconds of CPU.",
    }


def _ask(path: Path) -> dict[str, Any]:
    airspace, airports = load_airspace(specs()), Airports.load()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times: dict[str, list[list[float]]] = {}
    for _ in range(RUNS):
        for name, topic in TOPICS.items():
            by = topic.by[0] if topic.by else None
            times.setdefault(name, []).append(_time(path, airspace, airports, name, by))
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"times": times, "more_mb": more / 1024, "load": os.getloadavg()[0]}


def _time(
    path: Path, airspace: Airspace, airports: Airports, name: str, by: str | None
) -> list[float]:
    """Seconds cold and warm, and seconds of CPU warm."""
    figures: list[float] = []
    _forget(path)
    with DataDirectory.open(path) as directory, Store.open(directory) as store:
        for _ in range(2):
            question = _question(store, airspace, airports, by)
            started, spent = time.perf_counter(), time.process_time()
            answer = TOPICS[name].build(question)
            assert len(encode(answer)) > 1_000
            figures.append(time.perf_counter() - started)
            cpu = time.process_time() - spent
    return [*figures, cpu]


def _question(
    store: Store,
    airspace: Airspace,
    airports: Airports,
    by: str | None,
) -> Question:
    return Question(
        queries=store.statistics,
        airspace=airspace,
        airports=airports,
        from_s=START_S,
        to_s=END_S,
        scope="airspace",
        partition=None,
        by=by,
        airport=None,
        zone=time_zone(_ZONE),
        zone_name=_ZONE,
        as_of_s=END_S,
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_ask(Path(sys.argv[1]))))
    else:
        whole = run()
        print(whole["ratio"], whole["met"], whole["figures"])
