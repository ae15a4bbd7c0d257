"""A made network over HTTP, as the real one answers: `status.json`, data feed, transceivers.

It listens on this machine alone. Paced, its feeds move as time does; in lockstep, each fetch of the
data feed brings the next one, so that a reader sees all of them however fast it is. Every answer
says that it is simulated, in a way that a reader of the real network does not notice.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import math
import threading
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec
from aiohttp import web

from sectorwatch.clock import SystemClock
from sectorwatch.config.loopback import is_loopback
from sectorwatch.errors import SimulatorError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from sectorwatch.clock import Clock

__all__ = ["FAULTS", "SIMULATED_HEADER", "Fault", "NetworkServer", "ServedNetwork", "What"]

Fault = Literal["down", "error", "slow", "garbage", "truncated", "stale"]
What = Literal["status", "feed", "transceivers"]

FAULTS: dict[Fault, str] = {
    "down": "hangs up without an answer",
    "error": "answers 503",
    "slow": "answers after `slow_s`",
    "garbage": "answers with a page that is no JSON",
    "truncated": "answers with the first half, as if that were all",
    "stale": "answers with what it answered last, and nothing moves",
}
"""What a server can be told to do wrong."""

SIMULATED_HEADER = "X-Simulated"
STATUS_PATH = "/status.json"
FEED_PATH = "/v3/vatsim-data.json"
TRANSCEIVERS_PATH = "/v3/transceivers-data.json"
_PATHS: dict[str, What] = {
    STATUS_PATH: "status",
    FEED_PATH: "feed",
    TRANSCEIVERS_PATH: "transceivers",
}
_GARBAGE = b"<!DOCTYPE html>\n<html><title>One moment</title><p>The network rests.</p></html>\n"
_GZIP_LEVEL = 1
_START_WITHIN_S = 10.0


class ServedNetwork(Protocol):
    """What is served: `Network` has it. Asked in ascending order of time, by one thread at once."""

    start_s: int
    end_s: int | None

    def feed(self, time_s: int) -> bytes:
        """The data feed of a moment."""

    def transceivers(self, time_s: int) -> bytes:
        """The transceivers feed of a moment."""


@dataclass(frozen=True)
class _Body:
    """What is answered, and what a client may ask with whether it changed."""

    content: bytes
    time_s: int

    @cached_property
    def etag(self) -> str:
        """The content's own."""
        return f'"{hashlib.blake2b(self.content, digest_size=12).hexdigest()}"'

    @cached_property
    def compressed(self) -> bytes:
        """Gzip, quick rather than small, and the same each time."""
        return gzip.compress(self.content, _GZIP_LEVEL, mtime=0)

    @property
    def last_modified(self) -> str:
        """The network's time, to the second."""
        return formatdate(self.time_s, usegmt=True)


class NetworkServer:
    """Serves `network` on loopback from `start` until `stop`, in a thread of its own.

    `speed` is how fast its time runs, from `network.start_s` on; a feed comes every `cadence_s` of
    it. With `lockstep` it stands still until the data feed is fetched again: a GET brings the next
    one, unless it asks with an `If-None-Match` older than the last answer's, which so did not
    arrive and is given again. `port` 0 takes a free one. `fault` may be set at any time, by any
    thread: one of `FAULTS` for everything, or by `fail` for one address.
    """

    def __init__(
        self,
        network: ServedNetwork,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        speed: float = 1.0,
        lockstep: bool = False,
        cadence_s: int = 15,
        slow_s: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        if not is_loopback(f"http://{host}/"):
            raise ValueError(f"{host!r} is no address of this machine alone: give 127.0.0.1")
        if not 0 < speed < math.inf:
            raise ValueError(f"a speed of {speed} serves nothing new: give a number above 0")
        if cadence_s < 1:
            raise ValueError(f"cadence_s is {cadence_s}: give at least one second")
        self.host = host
        self.port = port
        self.slow_s = slow_s
        self.asked: dict[What, int] = {"status": 0, "feed": 0, "transceivers": 0}
        """How many requests there were."""
        self._network = network
        self._speed = speed
        self._lockstep = lockstep
        self._cadence_s = cadence_s
        self._clock = clock or SystemClock()
        self._faults: dict[What, Fault | None] = {}
        self._begun_s = 0.0
        self._feed: _Body | None = None
        self._is_feed_given = False
        self._radios: _Body | None = None
        self._making: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address of its `status.json`."""
        return f"http://{self.host}:{self.port}{STATUS_PATH}"

    @property
    def feed_url(self) -> str:
        """The address of its data feed."""
        return f"http://{self.host}:{self.port}{FEED_PATH}"

    @property
    def time_s(self) -> int:
        """The time of the last data feed that was made; 0 before the first."""
        return 0 if self._feed is None else self._feed.time_s

    @property
    def is_over(self) -> bool:
        """Whether the network's last feed was made."""
        end_s = self._network.end_s
        return end_s is not None and self.time_s + self._cadence_s >= end_s

    @property
    def fault(self) -> Fault | None:
        """What it does wrong at all addresses, None where nothing or not at all of them."""
        found = {self._faults.get(what) for what in _PATHS.values()}
        return found.pop() if len(found) == 1 else None

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        for what in _PATHS.values():
            self.fail(what, fault)

    def fail(self, what: What, fault: Fault | None) -> None:
        """Do something wrong at one address from now on; None ends it."""
        if fault is not None and fault not in FAULTS:
            raise ValueError(f"{fault!r} is no fault: they are {', '.join(FAULTS)}")
        self._faults[what] = fault

    def start(self) -> None:
        """Listen, and come back once it does. Raises SimulatorError where the port is taken."""
        if self._thread is not None:
            raise SimulatorError(f"the network is served already, at {self.url}")
        ready: list[BaseException | None] = []
        heard = threading.Event()

        def listen() -> None:
            try:
                asyncio.run(self._serve(ready, heard))
            except BaseException as error:  # noqa: BLE001 - told to whoever starts it
                ready.append(error)
            heard.set()

        self._thread = threading.Thread(target=listen, name="simulated-network", daemon=True)
        self._thread.start()
        heard.wait(_START_WITHIN_S)
        error = ready[0] if ready else TimeoutError(f"nothing after {_START_WITHIN_S:g} s")
        if error is not None:
            self._thread.join(_START_WITHIN_S)
            self._thread = None
            raise SimulatorError(
                f"the simulated network cannot listen on {self.host} port {self.port} ({error}): "
                "give another port, or 0 for a free one"
            ) from error

    def stop(self) -> None:
        """Listen no more; does nothing where it does not."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join()

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    async def _serve(self, ready: list[BaseException | None], heard: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._making = asyncio.Lock()
        app = web.Application()
        for path in _PATHS:
            # No HEAD: in lockstep it would take a feed that nobody reads.
            app.router.add_get(path, self._answer, allow_head=False)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.host, self.port)
            await site.start()
            self.port = runner.addresses[0][1]
            # One that is started again goes on from where it was.
            gone_s = 0 if self._feed is None else self._feed.time_s - self._network.start_s
            self._begun_s = self._clock.monotonic_s() - gone_s / self._speed
            ready.append(None)
            heard.set()
            await self._stopping.wait()
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        what = _PATHS[request.path]
        self.asked[what] += 1
        fault = self._faults.get(what)
        if fault == "slow":
            await asyncio.sleep(self.slow_s)
        if fault == "down":
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        if fault == "error":
            return web.Response(status=503, text="the simulated network is out of order")
        if fault == "garbage":
            return web.Response(body=_GARBAGE, content_type="text/html")
        if what == "status":
            return self._sent(request, self._status(), fault)
        assert self._making is not None  # noqa: S101 - made before anything is answered
        async with self._making:
            # In a thread, so that the others are answered meanwhile.
            body = await asyncio.to_thread(
                self._body, what, request.headers.get("If-None-Match", ""), fault == "stale"
            )
        return self._sent(request, body, fault)

    def _sent(self, request: web.Request, body: _Body, fault: Fault | None) -> web.Response:
        headers = {
            "ETag": body.etag,
            "Last-Modified": body.last_modified,
            "Cache-Control": "no-cache",
            "Access-Control-Allow-Origin": "*",
            "Vary": "Accept-Encoding",
            SIMULATED_HEADER: "true",
        }
        if _is_known(request, body):
            return web.Response(status=304, headers=headers)
        content = body.content
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            content = body.compressed
            headers["Content-Encoding"] = "gzip"
        if fault == "truncated":
            content = content[: len(content) // 2]
        return web.Response(body=content, headers=headers, content_type="application/json")

    def _status(self) -> _Body:
        root = f"http://{self.host}:{self.port}"
        document = {
            "data": {
                "v3": [root + FEED_PATH],
                "transceivers": [root + TRANSCEIVERS_PATH],
                "servers": [],
                "servers_sweatbox": [],
                "servers_all": [],
            },
            "user": [],
            "metar": [],
            "simulated": True,
        }
        return _Body(msgspec.json.encode(document), self._network.start_s)

    def _body(self, what: What, known: str, is_stale: bool) -> _Body:
        """What is to be answered now; makes it where it is not there yet."""
        feed = self._feed
        if feed is None or not (is_stale or (what == "transceivers" and self._lockstep)):
            feed = self._moved(feed, known if what == "feed" else None)
        if what == "feed":
            self._is_feed_given = True
            return feed
        if self._radios is None or self._radios.time_s != feed.time_s:
            self._radios = _Body(self._network.transceivers(feed.time_s), feed.time_s)
        return self._radios

    def _moved(self, feed: _Body | None, known: str | None) -> _Body:
        start_s, end_s, step_s = self._network.start_s, self._network.end_s, self._cadence_s
        if feed is None:
            time_s = start_s
        elif self._lockstep:
            # With an older tag the last answer did not arrive: it is given again. The first may
            # have been made for transceivers that were asked before any feed.
            arrived = self._is_feed_given and (not known or known == feed.etag)
            time_s = feed.time_s + step_s if arrived else feed.time_s
        else:
            time_s = feed.time_s
        if not self._lockstep:
            gone_s = (self._clock.monotonic_s() - self._begun_s) * self._speed
            time_s = max(time_s, start_s + int(gone_s) // step_s * step_s)
        if end_s is not None:
            last_s = start_s + max(0, end_s - 1 - start_s) // step_s * step_s
            time_s = min(time_s, last_s)
        if feed is None or time_s != feed.time_s:
            feed = self._feed = _Body(self._network.feed(time_s), time_s)
        return feed


def _is_known(request: web.Request, body: _Body) -> bool:
    """Whether the client has it already (RFC 9110, 13.2.2): its tag counts before its time."""
    tags = request.headers.get("If-None-Match")
    if tags is not None:
        return body.etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")}
    return request.headers.get("If-Modified-Since") == body.last_modified
