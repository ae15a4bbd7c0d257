"""An instance in a process of its own, with 2,000 made flights, for the benchmarks of the API.

Run as a script it is that process: it prints its port, takes a line for each further tick, for
which it prints when the tick was announced, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from made_network import made_network

from sectorwatch.clock import parse_us
from sectorwatch.config import Settings
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.runtime import build, serve
from sectorwatch.web import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.runtime import Event

FLIGHTS = 2_000
GROUPS = 100
MOST_TICKS = 40


def group(number: int) -> str:
    """The airport that a hundredth of all flights, and nobody else, has filed for."""
    return f"Z{number:03d}"


def feeds() -> Iterator[tuple[int, bytes]]:
    """Feeds of 2,000 pilots, 15 s apart, with their times."""
    for feed in made_network(flights=2 * FLIGHTS, duration_s=MOST_TICKS * 15):
        document = json.loads(feed.data)
        document["pilots"] = document["pilots"][:FLIGHTS]
        for place, pilot in enumerate(document["pilots"]):
            pilot["flight_plan"] |= {"departure": "YSSY", "arrival": group(place % GROUPS)}
        time_us = parse_us(document["general"]["update_timestamp"])
        yield time_us, json.dumps(document).encode()


class Source:
    """The feeds, the first at once, the others each when it is called for."""

    name = "2,000 made flights"
    is_live = False
    is_simulated = True

    def __init__(self) -> None:
        self._wanted = threading.Semaphore(1)
        self._closed = False
        self._now_us = 0

    def now_us(self) -> int:
        """The time of the newest feed."""
        return self._now_us

    def call(self) -> None:
        """Hand out one more."""
        self._wanted.release()

    def close(self) -> None:
        """End."""
        self._closed = True
        self._wanted.release()

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds, each made before it is called for, so that making it is in no figure."""
        for time_us, payload in feeds():
            self._wanted.acquire()
            if self._closed:
                return
            self._now_us = time_us
            yield RawFeed(Kind.FEED, payload, time_us + 2_000_000)


class Instance:
    """The process, and what is said to it."""

    def __init__(self, script: str = __file__, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.pid = self._process.pid

    def tick(self) -> float:
        """Let one more feed in; gives when its tick was announced, seconds since 1970."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"tick\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline()) / 1e6

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


def follow_stdin(on_line: Any, on_end: Any) -> None:
    """Call `on_line` for each line of standard input, and `on_end` after the last, in a thread."""

    def read() -> None:
        for _ in sys.stdin:
            on_line()
        on_end()

    threading.Thread(target=read, daemon=True).start()


async def _serve(folder: str) -> None:
    source = Source()
    settings = Settings(data_dir=Path(folder) / "data", port=0, log_level="ERROR")
    application = build(settings, source, web=create_app)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    follow_stdin(source.call, lambda: loop.call_soon_threadsafe(stop.set))
    task = asyncio.create_task(serve(application, stop=stop))
    while application.latest is None:
        await asyncio.sleep(0.05)
        if task.done():
            break
    assert application.api is not None
    print(application.api.port, flush=True)

    async def say_when(event: Event) -> None:
        print(event.published_us, flush=True)

    application.bus.subscribe("benchmark", "tick", say_when)
    await task


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        uvloop.run(_serve(directory))
