"""Serve feeds from the disk as VATSIM would: `status.json`, the data feed, the transceivers.

Each fetch of the data feed brings the next one, its times moved so that it is of this moment: a live
feed that is old is refused. For trying `sectorwatch run --feed http://127.0.0.1:PORT/status.json`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Answers", "FeedAnswers", "moved", "moved_to_now", "serving"]

_TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z"')
_UPDATED = re.compile(rb'"update_timestamp"\s*:\s*"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)')
_FORMAT = "%Y-%m-%dT%H:%M:%S"


class Answers(Protocol):
    """What is served; `url` is set once it is known where."""

    url: str

    def answer(self, path: str, agent: str) -> bytes | None:
        """Give what a request for `path` is answered with; None where there is no such thing."""


def moved(data: bytes, shift: timedelta) -> bytes:
    """Give a feed with every time in it moved; fractions of a second stay."""

    def move(match: re.Match[bytes]) -> bytes:
        moment = _moment(match[1]) + shift
        return b'"%b%bZ"' % (moment.strftime(_FORMAT).encode(), match[2] or b"")

    return _TIME.sub(move, data)


def moved_to_now(data: bytes) -> bytes:
    """Give a feed with its times moved so that it was made just now."""
    updated = _UPDATED.search(data)
    if updated is None:
        return data
    since = datetime.now(UTC) - _moment(updated[1])
    return moved(data, timedelta(seconds=int(since.total_seconds()) - 1))


def _moment(text: bytes) -> datetime:
    return datetime.strptime(text.decode(), _FORMAT).replace(tzinfo=UTC)


class FeedAnswers:
    """The feeds of files and folders, one after another, over and over."""

    def __init__(self, paths: list[Path]) -> None:
        self.url = ""
        self._lock = threading.Lock()
        self._feeds = itertools.cycle(_of(paths, Kind.FEED))
        self._transceivers = next(_of(paths, Kind.TRANSCEIVERS), b"[]")

    def answer(self, path: str, agent: str) -> bytes | None:
        """Give the answer, and print who asked for what."""
        print(f"{datetime.now(UTC):%H:%M:%S} {path} for {agent}", flush=True)
        if path == "/status.json":
            return status(self.url)
        if path == "/feed.json":
            with self._lock:
                return moved_to_now(next(self._feeds))
        return self._transceivers if path == "/transceivers.json" else None


def status(url: str) -> bytes:
    """Give the `status.json` of a network at `url`."""
    data = {"v3": [f"{url}/feed.json"], "transceivers": [f"{url}/transceivers.json"]}
    return json.dumps({"data": data}).encode()


def _of(paths: list[Path], kind: Kind) -> Iterator[bytes]:
    return (raw.payload for raw in ArchiveSource(paths) if raw.kind is kind)


@contextmanager
def serving(answers: Answers, port: int = 0) -> Iterator[ThreadingHTTPServer]:
    """Serve on `port` of loopback (0: a free one) until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = answers.answer(self.path, self.headers.get("User-Agent", ""))
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        answers.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve the feeds that the command line names until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    answers = FeedAnswers(arguments.paths)
    with serving(answers, arguments.port):
        print(f"sectorwatch run --feed {answers.url}/status.json", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("ended")


if __name__ == "__main__":
    main()
