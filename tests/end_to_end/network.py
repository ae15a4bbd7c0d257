"""A network on loopback: `status.json`, the data feed and the transceivers of a made network.

The made network's times are moved so that its newest feed is of this moment: a live feed that is
old is refused. Each fetch brings the next one.
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import orjson
from made_network import STEP_S, made_network

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d+)Z"')
_FORMAT = "%Y-%m-%dT%H:%M:%S"


class Network:
    """The feeds, in order; `asked` has the path of every request, `sent` every data feed."""

    def __init__(self, *, seed: int = 3, begin_s: int = 3_600, feeds: int = 20) -> None:
        made = [
            feed
            for number, feed in enumerate(
                made_network(seed=seed, duration_s=begin_s + feeds * STEP_S)
            )
            if number >= begin_s // STEP_S
        ]
        # Rounded, so that the microseconds of the feed's own time stay.
        self._shift = timedelta(seconds=round((datetime.now(UTC) - made[0].time).total_seconds()))
        self._feeds = [self._moved(feed.data) for feed in made]
        self._transceivers = next(feed.transceivers for feed in made if feed.transceivers)
        self._lock = threading.Lock()
        self.begun_s = time.monotonic()
        self.asked: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.agents: set[str] = set()
        self.url = ""

    def answer(self, path: str) -> bytes | None:
        """What a request for `path` is answered with; None where there is no such thing."""
        with self._lock:
            self.asked.append(path)
            if path == "/status.json":
                feeds = {
                    "v3": [f"{self.url}/feed.json"],
                    "transceivers": [f"{self.url}/radios.json"],
                }
                return orjson.dumps({"data": feeds})
            if path == "/feed.json":
                feed = self._feeds[min(len(self.sent), len(self._feeds) - 1)]
                self.sent.append(orjson.loads(feed))
                return feed
        return self._transceivers if path == "/radios.json" else None

    def _moved(self, data: bytes) -> bytes:
        def move(match: re.Match[bytes]) -> bytes:
            moment = datetime.strptime(match[1].decode(), _FORMAT).replace(tzinfo=UTC) + self._shift
            return b'"%b.%bZ"' % (moment.strftime(_FORMAT).encode(), match[2])

        return _TIME.sub(move, data)


@contextmanager
def serving(network: Network) -> Iterator[Network]:
    """Serve `network` on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            network.agents.add(self.headers.get("User-Agent", ""))
            body = network.answer(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        network.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield network
        finally:
            server.shutdown()
            thread.join()
