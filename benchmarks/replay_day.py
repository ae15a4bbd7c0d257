"""Target 3: the whole us2001 day of 13 March replayed, to database and sealed segments.

The day is flown once into a journal, feeds every 15 s and transceivers every minute; then the
journal is replayed into a data directory of its own, as `sectorwatch replay` does, over 351 sectors,
with controllers, radio contact, demand and the sealing of each hour. Real time is what it is held
against. How long each stage took is what the pipeline itself measured.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _network

from sectorwatch.config import load_settings
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.observe import PerformanceMetric, Telemetry
from sectorwatch.runtime import replay
from sectorwatch.runtime.run import collect_garbage_seldom
from sectorwatch.store import DataDirectory

if TYPE_CHECKING:
    from sectorwatch.runtime import ReplayCounts

REACH = 700
NOTE = (
    "decoding goes on while the journal is written, and the recording is read ahead, each in a thread of its own, so "
    "the stages add up to more than the whole, and times on a busy machine say little: with ten processes on the two "
    "cores a tick of the hour of 12:00 took 40 ms and 27 ms of the ingestion thread's processor (accept 6.9, decode "
    "3.5, advance 5.6, commit 3.7, radios 2.6 a feed), at the contention of that moment; 21 ms in all are the mark"
)
STAGES = {
    "accept": "collector",
    "decode": "collector",
    "journal_append": "journal",
    "advance": "tracker",
    "hear": "tracker",
    "dump": "tracker",
    "commit": "store",
    "seal_due": "store",
}


def run() -> dict[str, Any]:
    """Fly the day, then replay it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        specs, feeds, size = flown(folder / "flown")
        flown_s = time.perf_counter() - began
        counts, stages = replayed(folder / "flown", folder / "data", specs)
    times = _network.DAY_S / counts.seconds
    return {
        "target": "3",
        "what": "replay of the us2001 day of 13 March (2,000 airborne at once), 351 sectors, 15 s",
        "against": "real time",
        "reach": f"≥ {REACH} times, on 2 cores",
        "figures": {
            "replayed in": f"{counts.seconds:.0f} s",
            "a tick": f"{1e3 * counts.seconds / feeds:.1f} ms",
            **stages,
            "flights": f"{counts.flights:,}",
            "visits": f"{counts.visits:,}",
            "flown and written in": f"{flown_s:.0f} s",
            "a feed": f"{size / feeds / 1e6:.2f} MB",
        },
        "ratio": round(times),
        "met": times >= REACH,
        "note": NOTE,
    }


def flown(journal: Path) -> tuple[list[str], int, int]:
    """Fly the day into a journal; the SPECs of the sectors, how many feeds, and their bytes."""
    journal.parent.mkdir(exist_ok=True)
    specs, airspace = _network.load(journal.parent)
    start_s = _network.at_s(_network.DAY)
    network = _network.us2001(airspace, start_s, start_s + _network.DAY_S)
    feeds, size = _network.write_journal(journal, _network.feeds(network))
    return specs, feeds, size


def replayed(journal: Path, folder: Path, specs: list[str]) -> tuple[ReplayCounts, dict[str, str]]:
    """Replay a journal into `folder`; the counts, and what each stage took in all."""
    settings = load_settings(
        overrides={"data_dir": str(folder), "log_level": "ERROR", "airspace": specs}
    ).settings
    # Opened once beforehand, so that the telemetry of the very replay can be asked afterwards.
    with DataDirectory.open(folder) as directory:
        observations = directory.observations
    telemetry = Telemetry.open(observations, sinks=())
    telemetry.start()
    collect_garbage_seldom()
    thread_s, process_s = time.thread_time(), time.process_time()
    counts = replay(settings, ArchiveSource([journal]), telemetry=telemetry)
    thread_s, process_s = time.thread_time() - thread_s, time.process_time() - process_s
    stages = {
        "processor, ingestion thread": f"{thread_s:.0f} s",
        "processor, all threads": f"{process_s:.0f} s",
    }
    stages |= {name: _took(telemetry, name, service) for name, service in STAGES.items()}
    telemetry.close()
    return counts, stages


def _took(telemetry: Telemetry, operation: str, service: str) -> str:
    summary = telemetry.performance.get_metric_summary(
        operation, service, PerformanceMetric.RESPONSE_TIME
    )
    return f"{summary['count'] * summary['avg']:.1f} s" if summary["count"] else "0 s"


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["met"], result["figures"])
