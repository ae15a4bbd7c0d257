"""What happens around every request: a correlation id, a time, a metric, a log line.

Plain ASGI, because a framework's middleware costs more than most answers do and breaks streams.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from sectorwatch.observe import LogCategory, LogCorrelationContext, LogLevel, correlation_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sectorwatch.observe import Telemetry

__all__ = ["RequestObserver", "incoming_correlation_id"]

_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.ASCII)
_SERVER_ERROR = 500


def incoming_correlation_id(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Read the caller's id: `X-Correlation-ID`, else the trace of a W3C `traceparent`, else None.

    An id that is not plain (64 letters, digits, `._:-`) is not kept: it will stand in logs.

    >>> incoming_correlation_id([(b"x-correlation-id", b"tick-7")])
    'tick-7'
    """
    found = dict(headers)
    own = found.get(b"x-correlation-id", b"").decode("latin-1")
    if _ID.fullmatch(own):
        return own
    trace = _TRACEPARENT.fullmatch(found.get(b"traceparent", b"").decode("latin-1"))
    if trace is not None and trace[1] != "0" * 32:
        return trace[1]
    return None


class RequestObserver:
    """Wraps the application: times each request and gives it its id."""

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry, slow_s: float) -> None:
        self._app = app
        self._telemetry = telemetry
        self._slow_s = slow_s
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Observe one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with LogCorrelationContext(incoming_correlation_id(scope["headers"])):
            await self._observe(scope, receive, send)

    async def _observe(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status = _SERVER_ERROR
        identifier = (correlation_id() or "").encode()
        streaming = False

        async def send_with_id(message: Message) -> None:
            nonlocal status, streaming
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-correlation-id", identifier)]
                streaming = any(
                    name == b"content-type" and value.startswith(b"text/event-stream")
                    for name, value in message["headers"]
                )
            await send(message)

        self._open += 1
        self._telemetry.metrics.gauge("api_requests_open").set(self._open)
        failed: BaseException | None = None
        try:
            await self._app(scope, receive, send_with_id)
        except BaseException as error:
            failed = error
            raise
        finally:
            self._open -= 1
            # A stream's length says how long somebody watched, not how slow we were.
            if not streaming:
                self._record(scope, status, time.perf_counter() - started, failed)

    def _record(
        self, scope: Scope, status: int, duration_s: float, failed: BaseException | None
    ) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        tags = {"method": scope["method"], "route": route, "status": str(status)}
        self._telemetry.metrics.timing("api_request_duration_seconds", tags).observe(duration_s)
        if failed is not None or status >= _SERVER_ERROR:
            level = LogLevel.ERROR
        elif duration_s >= self._slow_s:
            level = LogLevel.WARNING
        else:
            level = LogLevel.DEBUG
        self._telemetry.log.log_operation(
            "request",
            level,
            LogCategory.API,
            service="api",
            method=scope["method"],
            route=route,
            status=status,
            duration_s=round(duration_s, 6),
        )
