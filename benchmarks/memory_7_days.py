"""Target 13: the memory of a whole instance after seven simulated days of a full network.

The instance is a process of its own: pipeline, database, sealing, self-observation and the API, which
is asked a few questions each simulated hour. Another process flies us2001 over 351 sectors from 10
March on and pushes the feeds in as fast as they are taken: one every five minutes, with its transceivers, so that
a day has 288 ticks of full size instead of 5,760. Everybody comes and goes as ever, and each hour
and day is sealed; of positions and of samples of radios there are fewer. The figure of a day is the
median resident memory over its last hour.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import urllib.request
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import uvloop

from sectorwatch.config import Settings
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.runtime import build, serve
from sectorwatch.runtime.memory import keep_little_memory
from sectorwatch.runtime.run import collect_garbage_seldom
from sectorwatch.web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = True
REACH, REACH_MB = 1.05, 350.0
DAYS = int(os.environ.get("MEMORY_DAYS", "7"))
CADENCE_S = 300
START = "2001-03-10T00:00:00Z"
_HOUR_S, _DAY_S = 3_600, 86_400
_FRAME = struct.Struct("<Bqq")
NOTE = (
    "of some 290 MB after hours of a full network, 70 are mapped files of libraries, some 110 are Python's own arenas "
    "(modules and airspace, and what it follows: pilots known again, plans, journal buffers), 18 the journal's zstd "
    "window, 75 pieces of C in use; 20 to 40 come and go between sealed hours, when what was freed is given back. "
    "docs/decisions/memory.md says what was tried. Members are remembered for an hour or two of feeds, as they are at "
    "15 s."
)
QUESTIONS = ("/api/status", "/api/flights", "/api/sectors")


def run() -> dict[str, Any]:
    """Fly the days into an instance, and weigh it at the end of each."""
    with tempfile.TemporaryDirectory() as name:
        by_day, most = _weighed(Path(name))
    ratio = by_day[-1] / by_day[0]
    return {
        "target": "13",
        "what": f"memory of the whole instance after {DAYS} simulated days, full network, a feed every {CADENCE_S} s",
        "against": "after the first day",
        "reach": f"≤ {REACH} times, and ≤ {REACH_MB:.0f} MB",
        "figures": {
            **{f"day {day}": f"{size:.0f} MB" for day, size in enumerate(by_day, 1)},
            "most at any time": f"{most:.0f} MB",
        },
        "ratio": round(ratio, 3),
        "met": ratio <= REACH and by_day[-1] <= REACH_MB,
        "note": NOTE,
    }


def _weighed(folder: Path) -> tuple[list[float], float]:
    """Megabytes at the end of each day, and the most there ever were."""
    import _network  # noqa: PLC0415 - the instance needs none of it

    specs, airspace = _network.load(folder)
    start_s = _network.at_s(START)
    network = _network.us2001(airspace, start_s, start_s + DAYS * _DAY_S)
    process = subprocess.Popen(
        [sys.executable, __file__, str(folder / "data"), *specs],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(process.stdout.readline())
    instance = psutil.Process(process.pid)
    sizes: list[float] = []
    by_day: list[float] = []
    most = 0.0
    for raw in _network.feeds(network, cadence_s=CADENCE_S):
        process.stdin.write(_FRAME.pack(raw.kind, raw.received_at_us, len(raw.payload)))
        process.stdin.write(raw.payload)
        process.stdin.flush()
        if raw.kind is not Kind.FEED:
            continue
        # The pipe holds less than a feed, and two are read ahead: it is as far as this, or nearly.
        sizes.append(instance.memory_info().rss / 1e6)
        most = max(most, sizes[-1])
        done_s = len(sizes) * CADENCE_S
        if done_s % _HOUR_S == 0:
            _ask(port)
        if done_s % _DAY_S == 0:
            by_day.append(statistics.median(sizes[-_HOUR_S // CADENCE_S :]))
            print(f"day {len(by_day)}: {by_day[-1]:.0f} MB", file=sys.stderr, flush=True)
    process.stdin.close()
    process.wait(60)
    return by_day, most


def _ask(port: int) -> None:
    for question in QUESTIONS:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{question}", timeout=60) as answer:
            answer.read()


class _Pushed:
    """The feeds that come in by standard input."""

    name = "us2001"
    is_live = False
    is_simulated = True

    def __init__(self, on_end: Callable[[], object]) -> None:
        self._on_end = on_end
        self._now_us = 0

    def now_us(self) -> int:
        """The time of the newest feed."""
        return self._now_us

    def close(self) -> None:
        """Nothing is held."""

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds until the input ends."""
        pushed = sys.stdin.buffer
        while head := pushed.read(_FRAME.size):
            kind, received_us, size = _FRAME.unpack(head)
            self._now_us = received_us
            yield RawFeed(Kind(kind), pushed.read(size), received_us)
        self._on_end()


async def _serve(folder: str, specs: list[str]) -> None:
    composition = importlib.import_module("sectorwatch.runtime.root")
    # Members are remembered for an hour or two of feeds, also where fewer feeds make an hour.
    masker = partial(Masker, feeds_an_hour=_HOUR_S // CADENCE_S)
    setattr(composition, "Masker", masker)  # noqa: B010 - not its own name
    settings = Settings(data_dir=Path(folder), port=0, log_level="ERROR", airspace=tuple(specs))
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    source = _Pushed(lambda: loop.call_soon_threadsafe(stop.set))
    application = build(settings, source, web=create_app)
    collect_garbage_seldom()
    task = asyncio.create_task(serve(application, stop=stop))
    while application.api is None or not application.api.port:
        await asyncio.sleep(0.05)
        if task.done():
            await task
    print(application.api.port, flush=True)
    await task


if __name__ == "__main__":
    if len(sys.argv) > 1:
        keep_little_memory()
        uvloop.run(_serve(sys.argv[1], sys.argv[2:]))
    else:
        result = run()
        print(result["ratio"], result["met"], result["figures"])
