"""The log as it is written, for those who watch: the stream's topic `log`.

Lines come from any thread; the event loop hands them out in batches, so that a storm of them costs
every stream a few events a second and pushes nothing else out of the ring. Nothing here logs: what
goes wrong is counted.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from sectorwatch.web.hot import encode

if TYPE_CHECKING:
    from sectorwatch.observe import Telemetry
    from sectorwatch.web.stream import StreamHub

__all__ = ["LogEvent", "LogFeed"]

_EVERY_S = 0.5
_MOST_ENTRIES = 20
_MOST_BYTES = 64_000
_DEBUG = b',"level":"DEBUG",'
_HEAD = 80


class LogEvent(msgspec.Struct, frozen=True):
    """Entries of the log, oldest first, and how many there was no room for."""

    entries: Annotated[
        list[msgspec.Raw], Meta(description="As in /api/logging/entries, INFO and graver")
    ]
    left_out: Annotated[
        int, Meta(description="Entries before these that came too fast; they can be searched")
    ]


class LogFeed:
    """A sink of the log while the API runs; `open` and `close` belong to the event loop."""

    def __init__(self, hub: StreamHub, telemetry: Telemetry, *, every_s: float = _EVERY_S) -> None:
        self._hub = hub
        self._lines = telemetry.log.lines
        self._every_s = every_s
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._left_out = 0
        self._is_scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Begin to hand out what is logged."""
        self._loop = asyncio.get_running_loop()
        self._lines.sinks = (*self._lines.sinks, self)

    def close(self) -> None:
        """Hand out no more."""
        self._lines.sinks = tuple(sink for sink in self._lines.sinks if sink is not self)
        with self._lock:
            self._loop = None
            self._waiting.clear()

    def write(self, line: bytes) -> None:
        """Take one line; never waits, and never raises."""
        if _DEBUG in line[:_HEAD]:
            return
        with self._lock:
            # The newest say most of a storm; what happened first is found by searching.
            self._waiting.append(line)
            if len(self._waiting) > _MOST_ENTRIES:
                self._waiting.popleft()
                self._left_out += 1
            loop = self._loop
            if self._is_scheduled or loop is None:
                return
            self._is_scheduled = True
            try:
                loop.call_soon_threadsafe(loop.call_later, self._every_s, self._hand_out)
            except RuntimeError:
                # The loop has just ended; so has everybody who listened.
                self._is_scheduled = False

    def _hand_out(self) -> None:
        with self._lock:
            lines, left_out = list(self._waiting), self._left_out
            self._waiting.clear()
            self._left_out = 0
            self._is_scheduled = False
        while len(lines) > 1 and sum(map(len, lines)) > _MOST_BYTES:
            del lines[0]
            left_out += 1
        if lines and not self._hub.closed:
            told = LogEvent([msgspec.Raw(line.rstrip(b"\n")) for line in lines], left_out)
            self._hub.publish("log", encode(told))
