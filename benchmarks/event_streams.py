"""Target 12: 1,000 open event streams, 50 of whose readers read nothing, and one tick.

The instance follows 2,000 flights and serves as it always does; a tick is a feed of all of them
taken in, committed and announced. What goes out to each stream is the tick's line; the full state
is asked for by who wants it, and is asked for once here after each tick, as a dashboard does. The
time is from the announcement until the last of the 950 who read has the line, both by this
machine's clock. The readers live in this process, which has the other core.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import time
import urllib.request
from typing import Any

import psutil
import uvloop
from _instance import Instance

STREAMS = 1_000
SLOW = 50
TICKS = 11
REACH_S = 0.3
REACH_MB = 100


REQUEST = b"GET /api/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"


class _Reader(asyncio.Protocol):
    """Notes when the newest event came."""

    def __init__(self) -> None:
        self.events = 0
        self.at_s = 0.0

    def connection_made(self, transport: Any) -> None:
        transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self.at_s = time.time()
        self.events += data.count(b"event: tick")


def _reads_nothing(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(REQUEST)
    return connection


async def _measure(ours: Instance) -> tuple[list[float], list[float], float]:
    """Seconds until the last and until the middle reader had each tick; megabytes more."""
    process = psutil.Process(ours.pid)
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(_state, ours)
    before = process.memory_info().rss
    slow = [_reads_nothing(ours.port) for _ in range(SLOW)]
    fast = [
        (await loop.create_connection(_Reader, "127.0.0.1", ours.port))[1]
        for _ in range(STREAMS - SLOW)
    ]
    await _until(fast, 1)
    last, middle = [], []
    for number in range(TICKS):
        announced_s = await asyncio.to_thread(ours.tick)
        await _until(fast, number + 2)
        times = sorted(reader.at_s - announced_s for reader in fast)
        last.append(times[-1])
        middle.append(times[len(times) // 2])
        await asyncio.to_thread(_state, ours)
    more_mb = (process.memory_info().rss - before) / 1e6
    for connection in slow:
        connection.close()
    return last, middle, more_mb


async def _until(readers: list[_Reader], events: int) -> None:
    async with asyncio.timeout(60):
        while any(r.events < events for r in readers):  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.02)


def _state(ours: Instance) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{ours.port}/api/flights", timeout=20) as got:
        assert json.load(got)["total"] > 0


def run() -> dict[str, Any]:
    """Open the streams, let ticks come; see `run_all.py` for what the answer holds."""
    with Instance() as ours:
        last, middle, more_mb = uvloop.run(_measure(ours))
    reached_s = statistics.median(last)
    return {
        "target": "12",
        "what": "1,000 open event streams, one tick, 50 readers that read nothing among them",
        "against": "until the last fast one has it",
        "reach": f"≤ {REACH_S} s, ≤ {REACH_MB} MB more memory",
        "figures": {
            "the last of 950 has it after": f"{reached_s:.3f} s (at worst {max(last):.3f} s)",
            "half of them after": f"{statistics.median(middle):.3f} s",
            "memory more": f"{more_mb:.1f} MB",
        },
        "ratio": f"{reached_s:.3f} s",
        "met": reached_s <= REACH_S and more_mb <= REACH_MB,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=1, ensure_ascii=False))
