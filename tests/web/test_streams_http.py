"""Event streams over real HTTP."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from sectorwatch.web.app import create_fastapi
from sectorwatch.web.observer import RequestObserver
from sectorwatch.web.stream import StreamHub
from web.streaming import streaming
from web.system import operator

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from sectorwatch.runtime import Application
    from web.system import System


def test_a_tick_reaches_who_listens(system: System) -> None:
    """The newest at once, each new one as it comes, with what it says agreeing with the lists."""
    system.tick()
    with streaming(system.client) as stream:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-correlation-id"]
        name, data = stream.event()
        assert (name, data["seq"]) == ("tick", system.seq)
        system.tick()
        name, data = stream.event()
        assert (name, data["seq"]) == ("tick", system.seq)
        flights = system.client.get("/api/flights").json()
        assert data["pilots"] == flights["total"]
        assert data["snapshot_time"] == flights["snapshot_time"]


def test_who_comes_back_goes_on_where_it_was(system: System) -> None:
    """By Last-Event-ID; an id of another run gets the newest."""
    with streaming(system.client) as stream:
        stream.event()
        last_id = stream.last_id
    seq = system.tick()
    with streaming(system.client, last_event_id=last_id) as stream:
        assert stream.event()[1]["seq"] == seq
    with streaming(system.client, last_event_id="0-1") as stream:
        assert stream.event()[1]["seq"] == seq


def test_a_service_that_is_restarted_is_heard_of(system: System) -> None:
    """Operators see health change as it does."""
    with streaming(system.client, "?topics=health") as stream:
        system.client.ask("POST", "/api/services/monitoring/restart", operator())
        name, data = stream.event()
        assert (name, data["service"]) == ("health", "monitoring")
        while data["state"] != "running":
            name, data = stream.event()


def fast_and_small(application: Application) -> ASGIApp:
    """The API with comments ten times a second, and two streams at most."""
    app = create_fastapi(application)
    app.state.comment_s = 0.1
    app.state.hub = StreamHub(most=2)
    return RequestObserver(app, telemetry=application.telemetry, slow_s=1.0)


def test_a_quiet_stream_sends_comments(system: System) -> None:
    """Something comes even when nothing happens."""
    with system.served_as(factory=fast_and_small) as client, streaming(client) as stream:
        assert stream.line() == "retry: 3000"
        stream.event()
        lines = [stream.line() for _ in range(4)]
        assert lines.count(": still here") == 2


def test_there_are_only_so_many_streams(system: System) -> None:
    """One too many is told to come again; a place that is left is free."""
    with system.served_as(factory=fast_and_small) as client:
        with streaming(client) as one, streaming(client):
            one.line()
            answer = client.get("/api/events/stream")
            assert answer.status == 503
            assert answer.headers["retry-after"] == "60"

        def is_free() -> bool:
            return client.ask("HEAD", "/api/events/stream").status == 200

        system.wait_for(is_free)


def test_who_goes_away_is_noticed(system: System) -> None:
    """A connection that is reset leaves nothing behind."""
    before: int = system.client.get("/api/events/analytics").json()["streams_open"]
    readers = []
    for _ in range(20):
        reader = socket.create_connection((system.client.host, system.client.port))
        reader.sendall(b"GET /api/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        readers.append(reader)

    def opened() -> int:
        now: int = system.client.get("/api/events/analytics").json()["streams_open"]
        return now - before

    system.wait_for(lambda: opened() == 20)
    for number, reader in enumerate(readers):
        if number % 2:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reader.close()
    system.wait_for(lambda: opened() == 0)
