"""A network on loopback: `status.json`, the data feed and the transceivers of a made network.

The made network's times are moved so that its first feed is of this moment: a live feed that is
old is refused. Each fetch brings the next one.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import serve_feeds
from made_network import STEP_S, made_network

if TYPE_CHECKING:
    from collections.abc import Iterator


class Network:
    """The feeds, in order; `asked` has the path of every request, `sent` every data feed."""

    def __init__(self, *, seed: int = 3, begin_s: int = 3_600, feeds: int = 20) -> None:
        made = list(made_network(seed=seed, duration_s=begin_s + feeds * STEP_S))[-feeds:]
        # In whole seconds, so that the microseconds of the feed's own time stay.
        shift = timedelta(seconds=round((datetime.now(UTC) - made[0].time).total_seconds()))
        self._feeds = [serve_feeds.moved(feed.data, shift) for feed in made]
        self._transceivers = next(feed.transceivers for feed in made if feed.transceivers)
        self._lock = threading.Lock()
        self.begun_s = time.monotonic()
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.url = ""

    def answer(self, path: str, agent: str) -> bytes | None:
        """What a request for `path` is answered with; None where there is no such thing."""
        with self._lock:
            self.asked.append(path)
            self.agents.add(agent)
            if path == "/feed.json":
                feed = self._feeds[min(len(self.sent), len(self._feeds) - 1)]
                self.sent.append(orjson.loads(feed))
                return feed
        if path == "/status.json":
            return serve_feeds.status(self.url)
        return self._transceivers if path == "/transceivers.json" else None


@contextmanager
def serving(network: Network) -> Iterator[Network]:
    """Serve `network` on a free port of loopback."""
    with serve_feeds.serving(network):
        yield network
