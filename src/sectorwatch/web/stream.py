"""Server-sent events: one ring of encoded events, any number of readers, each with a cursor.

An event is encoded once, whoever listens. A reader that is slow is held by its own socket alone;
when it comes back it gets what is still in the ring, of `tick` only the newest, because a tick
says what is so now. Nothing is queued for anybody, so a thousand readers cost no memory.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response

from sectorwatch.web.observer import IS_HEAD, TRANSPORT

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import Receive, Scope, Send

    from sectorwatch.observe import MetricsCollector

__all__ = ["TOPICS", "EventStream", "StreamHub", "measure_streams"]

TOPICS = ("tick", "alert", "health", "anomaly", "metrics", "log")
_CONFLATED = frozenset({"tick", "metrics"})
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True)
class _Event:
    number: int
    topic: str
    data: bytes


class StreamHub:
    """The ring of recent events; it belongs to the event loop and is called only there.

    Ids are `BOOT-NUMBER`: after a restart of the program the numbers begin anew under another
    BOOT, so that an old `Last-Event-ID` is never taken for a new one. `open` counts the streams,
    `cut_off` those that were ended because nobody read them.
    """

    def __init__(self, *, keep: int = 512, most: int = 4_000, boot: str | None = None) -> None:
        self._ring: deque[_Event] = deque(maxlen=keep)
        self._boot = boot or secrets.token_hex(4)
        self._number = 0
        self._most = most
        self._wake: asyncio.Future[None] | None = None
        self.closed = False
        self.open = 0
        self.cut_off = 0
        self.sent = 0
        """Events handed to streams, one for each stream that got it."""
        self.skipped = 0
        """Events that a slow stream was not given, because a newer one says what is so now."""
        self.published: Counter[str] = Counter()
        """Events by topic."""

    @property
    def last_number(self) -> int:
        """The number of the newest event, 0 before any."""
        return self._number

    @property
    def is_full(self) -> bool:
        """Whether as many streams are open as there may be."""
        return self.open >= self._most

    def publish(self, topic: str, data: bytes) -> None:
        """Put an event into the ring and wake all readers; `data` is one line of JSON."""
        self._number += 1
        self.published[topic] += 1
        head = f"id: {self._boot}-{self._number}\nevent: {topic}\ndata: ".encode()
        self._ring.append(_Event(self._number, topic, head + data + b"\n\n"))
        self._awaken()

    def close(self) -> None:
        """End all streams: the program stops."""
        self.closed = True
        self._awaken()

    def cursor(self, last_event_id: str | None, topics: Collection[str]) -> int:
        """Find where a reader goes on: after its last event, else just before the newest tick."""
        boot, _, number = (last_event_id or "").partition("-")
        # int() takes more digits than any counter has; a longer text is nobody's id.
        if boot == self._boot and number.isascii() and number.isdigit() and len(number) < 19:  # noqa: PLR2004
            return min(int(number), self._number)
        for event in reversed(self._ring):
            if event.topic == "tick" and "tick" in topics:
                return event.number - 1
        return self._number

    def after(self, cursor: int, topics: Collection[str]) -> tuple[bytes, int]:
        """Give the bytes of all events after `cursor` in these topics, and the new cursor."""
        wanted = []
        newest: set[str] = set()
        for event in reversed(self._ring):
            if event.number <= cursor:
                break
            if event.topic not in topics:
                continue
            if event.topic in newest:
                self.skipped += 1
                continue
            if event.topic in _CONFLATED:
                newest.add(event.topic)
            wanted.append(event.data)
        self.sent += len(wanted)
        return b"".join(reversed(wanted)), self._number

    def wake(self) -> asyncio.Future[None]:
        """Give the future that is done at the next event."""
        if self._wake is None:
            self._wake = asyncio.get_running_loop().create_future()
        return self._wake

    def _awaken(self) -> None:
        if self._wake is not None:
            if not self._wake.done():
                self._wake.set_result(None)
            self._wake = None


def measure_streams(hub: StreamHub, metrics: MetricsCollector) -> None:
    """Have the hub's figures sampled; those of an earlier hub are not looked at any more."""
    metrics.gauge_callback("streams_open", lambda: hub.open)
    metrics.counter_callback("streams_cut_off_total", lambda: hub.cut_off)
    metrics.counter_callback("stream_events_sent_total", lambda: hub.sent)
    metrics.counter_callback("stream_events_skipped_total", lambda: hub.skipped)
    for topic in TOPICS:
        metrics.counter_callback(
            "stream_events_total", partial(hub.published.__getitem__, topic), {"topic": topic}
        )


class EventStream(Response):
    """The answer that never ends by itself: events as they come, a comment every `comment_s`.

    A reader that takes nothing for `send_limit_s` is cut off: it holds a connection and reads it
    no more, or is gone without a word.
    """

    def __init__(
        self,
        hub: StreamHub,
        topics: Collection[str],
        *,
        last_event_id: str | None,
        comment_s: float,
        send_limit_s: float,
    ) -> None:
        super().__init__(status_code=200)
        self._hub = hub
        self._topics = frozenset(topics)
        self._last_event_id = last_event_id
        self._comment_s = comment_s
        self._send_limit_s = send_limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client goes away or the hub closes."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        if IS_HEAD in scope:
            await send({"type": "http.response.body", "body": b""})
            return
        gone = asyncio.ensure_future(_until_gone(receive))
        self._hub.open += 1
        try:
            await self._send_events(send, gone)
            async with asyncio.timeout(self._send_limit_s):
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            self._hub.cut_off += 1
            # To close it would wait for the reader to take what lies in its buffer.
            transport = scope.get(TRANSPORT)
            if transport is not None:
                transport.abort()
                await gone
        finally:
            self._hub.open -= 1
            gone.cancel()

    async def _send_events(self, send: Send, gone: asyncio.Future[None]) -> None:
        hub = self._hub
        now_s = asyncio.get_running_loop().time
        comment_due_s = 0.0
        cursor = hub.cursor(self._last_event_id, self._topics)
        body = b"retry: 3000\n\n"
        while not (gone.done() or hub.closed):
            wake = hub.wake()
            events, cursor = hub.after(cursor, self._topics)
            body += events
            if body:
                async with asyncio.timeout(self._send_limit_s):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                body = b""
                comment_due_s = now_s() + self._comment_s
                continue
            # Events of other topics wake this reader too; they do not put its comment off.
            left_s = max(0.0, comment_due_s - now_s())
            done, _ = await asyncio.wait(
                {wake, gone}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                body = b": still here\n\n"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
