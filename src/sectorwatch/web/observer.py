"""What happens around every request: an id, a time, a metric, a log line, headers that protect.

Plain ASGI, because a framework's middleware costs more than most answers do and breaks streams.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sectorwatch.observe import LogCategory, LogCorrelationContext, LogLevel
from sectorwatch.web.correlation import incoming_correlation_id
from sectorwatch.web.problems import problem_response, went_wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sectorwatch.observe import Counter, OpenSpan, Telemetry, Timing

__all__ = ["ASKED_S", "IS_HEAD", "TRANSPORT", "RequestObserver"]

ASKED_S = "sectorwatch.asked_s"
"""Where a route says for how many seconds it worked only because it was asked to take so long."""
IS_HEAD = "sectorwatch.head"
"""In a scope: the request was a HEAD, which is routed as the GET that it asks about."""
TRANSPORT = "sectorwatch.transport"
"""In a scope: the connection's transport, None where the server does not show it."""

# An answer is data, never a page that runs something, and is nobody else's to embed.
_PROTECTING = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OK = 200
_SERVER_ERROR = 500
_UNAVAILABLE = 503
# Whoever asks this one whether we are ready is well served by a no.
_PROBE = "/readyz"


class RequestObserver:
    """Wraps the application: gives each request its id, times it, and outlives its errors."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        telemetry: Telemetry,
        slow_s: float,
        version_of: Callable[[str], int | None] | None = None,
    ) -> None:
        # Of what a route's answers are made from; None where they change at any time.
        self._version_of = version_of or (lambda _: None)
        self._answers = telemetry.answers
        self._app = app
        self._metrics = telemetry.metrics
        self._performance = telemetry.performance
        self._spans = telemetry.spans
        self._statements = telemetry.statements
        self._log = telemetry.for_service("api").log
        self._tells_all = self._log.level is LogLevel.DEBUG
        self._slow_s = slow_s
        self._open = 0
        self._open_gauge = self._metrics.gauge("api_requests_open")
        self._routes: dict[tuple[str, str, int], tuple[Timing, Counter]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Observe one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with (
            LogCorrelationContext(incoming_correlation_id(scope["headers"])) as context,
            self._spans.span("request", "api") as span,
            self._statements.during("unmatched", "api") as statements,
        ):
            prepared = _prepared(scope, send)
            try:
                await self._observe(prepared, receive, send, context.correlation_id, span)
            finally:
                if statements.runs:
                    statements.operation = _route(prepared)

    async def _observe(
        self, scope: Scope, receive: Receive, send: Send, correlation_id: str, span: OpenSpan
    ) -> None:
        started = time.perf_counter()
        status = sent_bytes = 0
        is_stream = has_failed = False
        own = [(b"x-correlation-id", correlation_id.encode()), *_PROTECTING]

        async def send_with_id(message: Message) -> None:
            nonlocal status, is_stream, sent_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                names = dict(headers)
                is_stream = names.get(b"content-type", b"").startswith(b"text/event-stream")
                policy = () if _POLICY[0] in names else (_POLICY,)
                message["headers"] = [*headers, *own, *policy]
            else:
                sent_bytes += len(message.get("body", b""))
            await send(message)

        self._open += 1
        self._open_gauge.set(self._open)
        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:  # noqa: BLE001 - here is the loop's top: counted, logged, told
            has_failed = True
            self._log.log_exception("request", error, route=_route(scope), path=scope["path"][:200])
            # Where part of the answer is out already, the server cuts it off; nothing else is true.
            if not status:
                await problem_response(went_wrong())(scope, receive, send_with_id)
        finally:
            self._open -= 1
            span.operation = f"{scope['method'][:20]} {_route(scope)}"
            span.attributes = {"status": status, "path": scope["path"][:200]}
            if has_failed or status >= _SERVER_ERROR or not status:
                span.status = "failed"
            # A stream's length says how long somebody watched, not how slow we were.
            if not is_stream:
                says_no = status == _UNAVAILABLE and _route(scope) == _PROBE
                has_failed |= status >= _SERVER_ERROR and not says_no
                took_s = time.perf_counter() - started
                # What somebody asked it to take says nothing of how slow we are, either.
                duration_s = max(0.0, took_s - scope.get(ASKED_S, 0.0))
                self._record(scope, status, duration_s, sent_bytes, has_failed=has_failed)

    def _record(
        self, scope: Scope, status: int, duration_s: float, sent_bytes: int, *, has_failed: bool
    ) -> None:
        method = "HEAD" if IS_HEAD in scope else scope["method"]
        key = (method if method in _METHODS else "other", _route(scope), status)
        found = self._routes.get(key)
        if found is None:
            tags = {"method": key[0], "route": key[1], "status": str(status)}
            found = self._routes[key] = (
                self._metrics.timing("api_request_duration_seconds", tags),
                self._metrics.counter("api_response_bytes_total", {"route": key[1]}, "bytes"),
            )
        found[0].observe(duration_s)
        found[1].inc(sent_bytes)
        self._performance.ended(key[1], "api", duration_s, failed=has_failed)
        if status == _OK and key[0] == "GET":
            version = self._version_of(key[1])
            if version is not None:
                asked = hash((scope["path"], scope["query_string"]))
                self._answers.record(key[1], asked, version, duration_s)
        # An error of ours has a line of its own, with its stack; this one is not to count twice.
        is_odd = status >= _SERVER_ERROR or not status or duration_s >= self._slow_s
        if not (is_odd or self._tells_all):
            return
        level = LogLevel.WARNING if is_odd else LogLevel.DEBUG
        self._log.log_operation(
            "request",
            level,
            LogCategory.API,
            method=key[0],
            route=key[1],
            status=status,
            duration_s=round(duration_s, 6),
        )


def _prepared(scope: Scope, send: Send) -> Scope:
    """Copy a scope, with the connection in it and a HEAD made the GET that it asks about.

    The server keeps the original, by which it leaves a HEAD's body out.
    """
    cycle = getattr(send, "__self__", None)
    prepared = {**scope, TRANSPORT: getattr(cycle, "transport", None)}
    if scope["method"] == "HEAD":
        prepared["method"] = "GET"
        prepared[IS_HEAD] = True
    root, path = scope.get("root_path", ""), scope["path"]
    if root and path.startswith(f"{root}{root}/"):
        # A proxy that leaves its prefix on: the server has put the same before it once more.
        prepared["path"] = path.removeprefix(root)
        prepared["raw_path"] = scope["raw_path"].removeprefix(root.encode())
    return prepared


def _route(scope: Scope) -> str:
    """Name the route that was taken, by its template: a metric's tag must have few values."""
    route = scope.get("route")
    template: str = getattr(route, "path_format", "") or getattr(route, "path", "unmatched")
    return template
