"""HTTP as uvicorn speaks it, with a limit to how long a request's head may be and may take.

The parser takes a head of any length, at any pace; whoever sends a line for ever would have memory
and a connection for ever.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

__all__ = ["BoundedHttpProtocol"]

# A colon, a space and the line's end.
_LINE = 4


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a head of over `longest_head` bytes with 431, and one of over `head_limit_s`."""

    longest_head = 65_536
    head_limit_s = 20.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._is_too_long = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came, as long as the head that it belongs to is not too long."""
        before = self._head_bytes if self._in_head else 0
        self._head_bytes = before + len(data)
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if self._head_bytes > self.longest_head:
            self._is_too_long = True
            self.send_400_response("")
        elif self._timer is None:
            self._arm()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is there. Raises ValueError, which the parser hands on, where it is too long."""
        self._in_head = False
        self._disarm()
        # What came in one piece may have been a body; only then is it counted exactly.
        if self._head_bytes > self.longest_head:
            lines = sum(len(name) + len(value) + _LINE for name, value in self.headers)
            length = len(self.url) + lines
            if length > self.longest_head:
                self._is_too_long = True
                raise ValueError("the head is too long")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or too long a one, and close."""
        if not self._is_too_long:
            super().send_400_response(msg)
            return
        detail = (
            f"Address and headers together are over {self.longest_head} bytes: send shorter ones."
        )
        body = json.dumps(
            {"title": "Request Header Fields Too Large", "status": 431, "detail": detail}
        ).encode()
        self.transport.write(
            STATUS_LINE[431] + b"content-type: application/problem+json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n" % len(body) + body
        )
        self.transport.close()

    def _arm(self) -> None:
        self._timer = self.loop.call_later(self.head_limit_s, self._took_too_long)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _took_too_long(self) -> None:
        self._timer = None
        # Nothing is owed to who has not asked for anything yet.
        self.transport.abort()
