"""A real instance over the made network, served by a real server, for the tests of the API."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvloop
from made_network import made_network
from pydantic import SecretStr

from sectorwatch.clock import parse_us
from sectorwatch.config import Settings
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.runtime import Application, build, serve
from sectorwatch.runtime.services_api import ApiService
from sectorwatch.web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

OPERATOR_KEY = "an-operator-key-of-the-tests"
_STEP = 4
_LAST = 20


def operator() -> dict[str, str]:
    """The header of who may do everything."""
    return {"Authorization": f"Bearer {OPERATOR_KEY}"}


class MadeSource:
    """The made network: what was let through comes at once, the rest when a test says so."""

    name = "made network"
    is_live = False
    is_simulated = True

    def __init__(self, payloads: list[tuple[int, Kind, bytes]], at_once: int) -> None:
        self._payloads = payloads
        self._allowed = at_once
        self._handed = 0
        self._changed = threading.Condition()
        self._closed = False
        self._now_us = 0

    def now_us(self) -> int:
        """The time of the newest feed handed out."""
        return self._now_us

    def hold_back(self) -> None:
        """Let nothing through for now; before anything has been."""
        self._allowed = 0

    def let_through(self) -> None:
        """Hand out one more data feed."""
        with self._changed:
            while self._payloads[self._allowed][1] is not Kind.FEED:
                self._allowed += 1
            self._allowed += 1
            self._changed.notify_all()

    @property
    def is_waiting(self) -> bool:
        """Whether everything that was let through has been handed out."""
        return self._handed == self._allowed

    def close(self) -> None:
        """End, also where it waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds."""
        for number, (time_us, kind, payload) in enumerate(self._payloads):
            with self._changed:
                self._changed.wait_for(lambda: self._closed or number < self._allowed)  # noqa: B023 - asked here alone
                if self._closed:
                    return
                self._handed += 1
            if kind is Kind.FEED:
                self._now_us = time_us
            yield RawFeed(kind, payload, time_us + 2_000_000)


def made_source() -> MadeSource:
    """Two hours, a step each minute, at once; of its last steps one at a time."""
    feeds = list(made_network())
    chosen = [*feeds[:-_LAST:_STEP], *feeds[-_LAST:]]
    payloads = []
    at_once = 0
    for number, feed in enumerate(chosen):
        time_us = parse_us(json.loads(feed.data)["general"]["update_timestamp"])
        payloads.append((time_us, Kind.FEED, feed.data))
        if feed.transceivers is not None and number % 3 == 0:
            payloads.append((time_us, Kind.TRANSCEIVERS, feed.transceivers))
        if number == len(chosen) - _LAST:
            at_once = len(payloads)
    return MadeSource(payloads, at_once)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Client:
    """Asks one server over real HTTP."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port = port
        self.host = host

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            body = response.read()
            lines = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, lines, body)
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """A GET; `if_none_match="x"` is the header If-None-Match."""
        return self.ask("GET", path, {k.replace("_", "-"): v for k, v in headers.items()})


class System:
    """The instance, running in a thread of its own."""

    def __init__(self, application: Application, source: MadeSource) -> None:
        self.application = application
        self.source = source
        self._started = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="system")

    @classmethod
    def start(cls, data_dir: Path, *, is_empty: bool = False, **more: Any) -> System:
        """Start one, which then takes in the made past, or with `is_empty` nothing yet."""
        source = made_source()
        if is_empty:
            source.hold_back()
        settings = Settings(
            data_dir=data_dir,
            port=0,
            environment="testing",
            operator_key=SecretStr(OPERATOR_KEY),
            **more,
        )
        system = cls(build(settings, source, web=create_app), source)
        system._thread.start()
        if not system._started.wait(300) or system._error is not None:
            raise RuntimeError("the instance did not start") from system._error
        return system

    @property
    def client(self) -> Client:
        """A client of its API."""
        port = self.port
        assert port is not None
        return Client(port)

    @property
    def port(self) -> int | None:
        """Where it listens, None while it does not."""
        api = self.application.api
        assert api is not None
        return api.port

    def catch_up(self) -> None:
        """Wait until all that was let through is in it, and whoever listens has heard of it."""
        self.wait_for(
            lambda: (
                self.source.is_waiting
                and self.source.now_us() > 0
                and self.application.latest is not None
                and self.application.latest.time_us == self.source.now_us()
                and self.call(self._is_told())
            )
        )

    async def _is_told(self) -> bool:
        # A tick is there for who asks before it is announced, and is then handed round in the loop.
        bus = self.application.bus
        told = bus.analytics()
        return (
            told.published_by_topic.get("tick", 0) >= self.seq
            and not bus._pending
            and not any(
                handler.waiting or handler.is_busy
                for handler in told.handlers
                if handler.handler == "event_streams"
            )
        )

    def tick(self) -> int:
        """Let one more feed through and wait for its tick; gives the tick's number."""
        before = self.seq
        self.source.let_through()
        self.catch_up()
        assert self.seq == before + 1
        return self.seq

    @property
    def seq(self) -> int:
        """The newest tick's number."""
        latest = self.application.latest
        return 0 if latest is None else latest.seq

    def wait_for(self, condition: Callable[[], bool], seconds: float = 300) -> None:
        """Wait until something is so."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it did not come about"
            time.sleep(0.01)

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the instance's event loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    @contextlib.contextmanager
    def served_as(
        self,
        *,
        factory: Callable[[Application], ASGIApp] = create_app,
        **more: Any,
    ) -> Iterator[Client]:
        """The same instance served a second time, under other settings."""
        settings = self.application.settings.model_copy(update={"port": 0, **more})
        application = dataclasses.replace(self.application, settings=settings)
        service = ApiService(
            settings,
            application.keys,
            lambda: factory(application),
            telemetry=application.telemetry,
        )
        # Caches are watched by name: while the second one runs, its are.
        watched = application.telemetry.caches._caches
        before = dict(watched)
        self.call(service.start())
        try:
            assert service.port is not None
            yield Client(service.port)
        finally:
            self.call(service.stop())
            watched.update(before)

    @property
    def is_running(self) -> bool:
        """Whether it has not been stopped."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop it in order."""
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        await serve(self.application, stop=self._stop, on_started=self._started.set)
