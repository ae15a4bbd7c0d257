"""A real HTTP server on this machine that answers as a test wants, and groups of alerts to tell."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import orjson

from observe.made import START_S
from sectorwatch.observe import Alert, AlertSeverity, AlertType
from sectorwatch.observe.notifying import Notification, ToldAlert

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

CHUNK = b"x" * 1_000_000


@dataclass
class Request:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as it was meant."""
        return orjson.loads(self.body)


@dataclass
class Reply:
    """What is answered: a status and a body, or nothing (`is_closed`), or never (`hang`)."""

    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_closed: bool = False
    hang: threading.Event | None = None
    megabytes: int = 0


class Server:
    """Answers each request with the next of `replies`, the last one again and again."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies) or [Reply()]
        self.requests: list[Request] = []
        self.sent_bytes = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                owner.requests.append(
                    Request(self.command, self.path, dict(self.headers), self.rfile.read(length))
                )
                many = len(owner.replies) > 1
                reply = owner.replies.pop(0) if many else owner.replies[0]
                if reply.hang is not None:
                    reply.hang.wait(30)
                    return
                if reply.is_closed:
                    self.close_connection = True
                    return
                with contextlib.suppress(OSError):
                    self.send_response(reply.status)
                    size = reply.megabytes * len(CHUNK) or len(reply.body)
                    for name, value in {"Content-Length": str(size), **reply.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)
                    for _ in range(reply.megabytes):
                        self.wfile.write(CHUNK)
                        owner.sent_bytes += len(CHUNK)

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self._server.server_address[1])

    def url(self, path: str = "/", scheme: str = "http") -> str:
        """An address of its own."""
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    @property
    def discord(self) -> str:
        """Its address as that of a Discord webhook."""
        return self.url(f"/api/webhooks/1234567890/{TOKEN}", "discord+http")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for reply in self.replies:
            if reply.hang is not None:
                reply.hang.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)


TOKEN = "s3cret-Token_0123456789"  # noqa: S105 - nobody's


@dataclass(frozen=True)
class Group:
    """A group of alerts as the alert manager hands it over."""

    status: str
    alerts: tuple[Alert, ...]


def alert(name: str = "1", **other: Any) -> Alert:
    """An alert that a service died, `name` part of its id."""
    given: dict[str, Any] = {
        "id": f"alert_{name}",
        "type": AlertType.SERVICE_DOWN,
        "severity": AlertSeverity.CRITICAL,
        "message": "collector died: RuntimeError: no more",
        "service": "collector",
        "timestamp": datetime.fromtimestamp(START_S, UTC),
        "metadata": {"advice": "Read its log."},
        **other,
    }
    return Alert(**given)


def firing(*names: str, **other: Any) -> Group:
    """A group that fires."""
    return Group("firing", tuple(alert(name, **other) for name in names))


def resolved(*names: str, **other: Any) -> Group:
    """The same, over."""
    return Group("resolved", tuple(alert(name, **other) for name in names))


def told(**other: Any) -> Notification:
    """A notification with one alert that has all that an alert can have."""
    given: dict[str, Any] = {
        "id": "a1b2c3d4e5f6",
        "type": "service_down",
        "severity": "critical",
        "service": "collector",
        "message": "collector died: RuntimeError: no more",
        "since_s": START_S,
        "affects": ("tracker", "api"),
        "cause": "the feed's host does not answer",
        "impact": "No new snapshots come in.",
        "advice": "Look at status.vatsim.net, and at /api/errors/analytics.",
        "labels": {"service": "collector", "feed": "v3"},
        "value": 97.25,
        "threshold": 90.0,
        **other,
    }
    status = "firing" if given.get("resolved_s") is None else "resolved"
    each = ToldAlert(**given)
    return Notification("n1", each.service, each.type, status, START_S + 60, (each,))


class Recording:
    """A sender in this process: remembers what it was told, and answers as it is set to."""

    def __init__(self, answer: Callable[[Notification], Any]) -> None:
        self.sent: list[Notification] = []
        self._answer = answer

    def send(self, told: Notification, now_s: float) -> Any:
        """Take one."""
        del now_s
        self.sent.append(told)
        return self._answer(told)
