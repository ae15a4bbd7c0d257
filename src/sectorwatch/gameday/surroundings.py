"""What surrounds an instance, on loopback: the rest of the world, and who is notified."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, TCPServer
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Beacon", "Inbox", "Letter"]


class _Quiet(BaseRequestHandler):
    """Hangs up on whoever calls: that somebody is there is all that is asked."""

    def handle(self) -> None:
        """Say nothing."""


class _Server(TCPServer):
    allow_reuse_address = True


class Beacon:
    """A port that stands for a host elsewhere in the world: reached, our own network is there."""

    def __init__(self) -> None:
        self.port = 0
        self._server: _Server | None = None

    def light(self) -> None:
        """Listen, after the first time on the same port."""
        server = self._server = _Server(("127.0.0.1", self.port), _Quiet)
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def put_out(self) -> None:
        """Listen no more; does nothing where it does not."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


@dataclass(frozen=True, slots=True)
class Letter:
    """A notification that arrived: when, by the outside clock, and what it says."""

    at_s: float
    body: Any

    def tells_of(self, alert_type: str, service: str, status: str) -> bool:
        """Whether it is an Alertmanager's webhook body about this, `firing` or `resolved`."""
        if not isinstance(self.body, dict):
            return False
        group = self.body.get("groupLabels") or {}
        return (group.get("alertname"), group.get("service"), self.body.get("status")) == (
            alert_type,
            service,
            status,
        )


@dataclass(slots=True)
class Inbox:
    """Where notifications arrive over HTTP, as at a chat or an Alertmanager."""

    letters: list[Letter] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def open(self) -> Iterator[Inbox]:
        """Take letters for the time of the block."""
        letters = self.letters

        class Post(BaseHTTPRequestHandler):
            """Takes what is posted."""

            def do_POST(self) -> None:
                """Keep it, and say that it arrived."""
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    letters.append(Letter(time.monotonic(), orjson.loads(body)))
                except orjson.JSONDecodeError:
                    letters.append(Letter(time.monotonic(), body.decode(errors="replace")))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing of it."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Post)
        server.daemon_threads = True
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
