"""Event streams over real HTTP."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import TYPE_CHECKING

from sectorwatch.web.app import create_fastapi
from sectorwatch.web.observer import RequestObserver
from sectorwatch.web.stream import StreamHub
from web.streaming import streaming
from web.system import operator

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from sectorwatch.runtime import Application
    from web.system import Client, System


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


def test_a_reader_that_takes_nothing_is_cut_off(system: System) -> None:
    """Its connection is reset, whatever lies in its buffers; who reads has everything."""
    apps: list[FastAPI] = []

    def impatient(application: Application) -> ASGIApp:
        app = create_fastapi(application)
        # The server takes one piece more than the reader; the next one, a comment, waits for it.
        app.state.comment_s = 0.1
        apps.append(app)
        return RequestObserver(app, telemetry=application.telemetry, slow_s=1.0)

    async def publish(hub: StreamHub) -> None:
        for number in range(40):
            hub.publish("alert", b'{"number":%d,"text":"%b"}' % (number, b"x" * 200_000))

    with system.served_as(factory=impatient) as client:
        state = apps[0].state
        hub: StreamHub = state.hub
        with contextlib.ExitStack() as stack:
            # Impatient with the one alone: the other may be held up by whatever else runs here.
            state.send_limit_s = 0.2
            stuck = stack.enter_context(reading(client, 4_096))
            system.wait_for(lambda: hub.open == 1)
            state.send_limit_s = 60.0
            fast = stack.enter_context(reading(client, 4_000_000))
            system.wait_for(lambda: hub.open == 2)
            system.call(publish(hub))
            until(fast, b'{"number":39,')
            system.wait_for(lambda: hub.cut_off == 1)
            assert hub.open == 1
            system.call(publish(hub))
            until(fast, b'{"number":39,')
            got = 0
            with contextlib.suppress(ConnectionResetError):
                while part := stuck.recv(1_000_000):
                    got += len(part)
            assert got < 40 * 200_000


def reading(client: Client, buffer: int) -> socket.socket:
    """A reader of alerts whose system takes in so many bytes for it."""
    reader = socket.socket()
    reader.settimeout(60)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    reader.connect((client.host, client.port))
    reader.sendall(b"GET /api/events/stream?topics=alert HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return reader


def until(reader: socket.socket, text: bytes) -> None:
    """Read until a text has come."""
    end = b""
    while text not in end:
        part = reader.recv(1_000_000)
        assert part, "the stream has ended"
        end = end[-len(text) :] + part


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
