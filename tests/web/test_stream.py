"""Event streams: one ring, many readers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sectorwatch.observe import MetricsCollector
from sectorwatch.web.observer import IS_HEAD, TRANSPORT
from sectorwatch.web.stream import EventStream, StreamHub, measure_streams

if TYPE_CHECKING:
    from starlette.types import Message


class Reader:
    """A client of a stream, as the server sees one."""

    def __init__(self) -> None:
        self.got = b""
        self.started: Message = {}
        self.ended = False
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.may_read.wait()
        if message["type"] == "http.response.start":
            self.started = message
            return
        self.got += message.get("body", b"")
        self.ended = not message.get("more_body", False)

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(60):
            while text not in self.got:
                await asyncio.sleep(0.001)


def open_stream(
    hub: StreamHub,
    reader: Reader,
    *topics: str,
    last_event_id: str | None = None,
    comment_s: float = 15,
) -> asyncio.Task[None]:
    """Begin to read."""
    stream = EventStream(
        hub,
        topics or ("tick",),
        last_event_id=last_event_id,
        comment_s=comment_s,
        send_limit_s=60,
    )
    return asyncio.create_task(stream({"type": "http"}, reader.receive, reader.send))


def test_an_event_reaches_every_reader_of_its_topic() -> None:
    """Readers of other topics hear nothing of it."""

    async def scene() -> None:
        hub = StreamHub(boot="b")
        ticks, alerts = Reader(), Reader()
        tasks = [open_stream(hub, ticks), open_stream(hub, alerts, "alert")]
        await asyncio.sleep(0)
        assert hub.open == 2
        hub.publish("tick", b'{"seq":1}')
        hub.publish("alert", b'{"id":"a"}')
        await ticks.until(b'id: b-1\nevent: tick\ndata: {"seq":1}\n\n')
        await alerts.until(b'id: b-2\nevent: alert\ndata: {"id":"a"}\n\n')
        assert b"alert" not in ticks.got
        assert b"tick" not in alerts.got
        headers = dict(ticks.started["headers"])
        assert headers[b"x-accel-buffering"] == b"no"
        ticks.gone.set()
        alerts.gone.set()
        await asyncio.gather(*tasks)
        assert hub.open == 0

    asyncio.run(scene())


def test_events_of_other_topics_do_not_put_comments_off() -> None:
    """A stream that has nothing to say keeps its connection alive, however busy others are."""

    async def scene() -> None:
        hub = StreamHub(boot="b")
        reader = Reader()
        task = open_stream(hub, reader, "alert", comment_s=0.05)
        async with asyncio.timeout(60):
            while b": still here" not in reader.got:
                hub.publish("tick", b"{}")
                await asyncio.sleep(0.01)
        assert b"tick" not in reader.got
        hub.close()
        await task

    asyncio.run(scene())


def test_a_new_reader_gets_the_newest_tick_at_once() -> None:
    """Nobody stares at an empty page until the next tick comes."""

    async def scene() -> None:
        hub = StreamHub(boot="b")
        hub.publish("tick", b"1")
        hub.publish("tick", b"2")
        reader = Reader()
        task = open_stream(hub, reader)
        await reader.until(b"data: 2\n\n")
        assert b"data: 1\n" not in reader.got
        hub.close()
        await task
        assert reader.ended

    asyncio.run(scene())


def test_a_reader_that_comes_back_goes_on_after_its_last_event() -> None:
    """Alerts missed in between are sent; of ticks only the newest, which says what is so now."""

    async def scene() -> None:
        hub = StreamHub(boot="b")
        for number in range(1, 4):
            hub.publish("tick", b"tick-%d" % number)
            hub.publish("alert", b"alert-%d" % number)
        reader = Reader()
        task = open_stream(hub, reader, "tick", "alert", last_event_id="b-2")
        await reader.until(b"alert-3")
        assert b"alert-2" in reader.got
        assert b"tick-3" in reader.got
        assert b"tick-2" not in reader.got
        assert b"alert-1" not in reader.got
        hub.close()
        await task

    asyncio.run(scene())


@pytest.mark.parametrize("stale", ["other-5", "b-x", "b", "", "b-99999999999999999999999", "b-٣"])
def test_an_id_that_is_not_ours_starts_at_the_newest_tick(stale: str) -> None:
    """An id from before a restart, or made up, is never taken for one of ours."""
    hub = StreamHub(boot="b")
    hub.publish("tick", b"1")
    hub.publish("alert", b"a")
    assert hub.cursor(stale, {"tick"}) == 0
    assert hub.cursor(stale, {"alert"}) == 2


def test_a_slow_reader_skips_and_holds_nobody_up() -> None:
    """While one does not read, others do; when it reads again it gets the newest tick."""

    async def scene() -> None:
        hub = StreamHub(boot="b", keep=4)
        slow, fast = Reader(), Reader()
        slow.may_read.clear()
        tasks = [open_stream(hub, slow), open_stream(hub, fast)]
        for number in range(1, 11):
            hub.publish("tick", b"n%d." % number)
            await fast.until(b"data: n%d." % number)
        slow.may_read.set()
        await slow.until(b"data: n10.")
        assert slow.got.count(b"event: tick") <= 2
        hub.close()
        await asyncio.gather(*tasks)

    asyncio.run(scene())


def test_a_reader_that_takes_nothing_is_cut_off() -> None:
    """After the limit its connection is dropped at once; others do not notice."""

    class Transport:
        aborted = False

        def __init__(self, reader: Reader) -> None:
            self.reader = reader

        def abort(self) -> None:
            self.aborted = True
            self.reader.gone.set()

    async def scene() -> None:
        hub = StreamHub()
        stuck, fast = Reader(), Reader()
        transport = Transport(stuck)
        streams = [
            EventStream(hub, ("tick",), last_event_id=None, comment_s=15, send_limit_s=0.05)
            for _ in range(2)
        ]
        tasks = [
            asyncio.create_task(stream({"type": "http", **more}, reader.receive, reader.send))
            for stream, reader, more in zip(
                streams, (stuck, fast), ({TRANSPORT: transport}, {}), strict=True
            )
        ]
        await stuck.until(b"retry")
        await fast.until(b"retry")
        stuck.may_read.clear()
        hub.publish("tick", b"1")
        await fast.until(b"data: 1")
        await tasks[0]
        assert transport.aborted
        assert (hub.open, hub.cut_off) == (1, 1)
        hub.publish("tick", b"2")
        await fast.until(b"data: 2")
        fast.may_read.clear()
        hub.publish("tick", b"3")
        # A server that does not show its transport has to find out by itself.
        await tasks[1]
        assert (hub.open, hub.cut_off) == (0, 2)

    asyncio.run(scene())


def test_a_head_of_a_stream_ends() -> None:
    """It says what a GET would be, and waits for nothing."""

    async def scene() -> None:
        hub, reader = StreamHub(), Reader()
        stream = EventStream(hub, ("tick",), last_event_id=None, comment_s=15, send_limit_s=60)
        await stream({"type": "http", IS_HEAD: True}, reader.receive, reader.send)
        assert reader.ended
        assert reader.got == b""
        assert dict(reader.started["headers"])[b"content-type"].startswith(b"text/event-stream")

    asyncio.run(scene())


def test_a_hub_says_when_it_is_full() -> None:
    """There is a number of streams beyond which no more are begun."""

    async def scene() -> None:
        hub = StreamHub(most=1)
        said = [hub.is_full]
        reader = Reader()
        task = open_stream(hub, reader)
        await reader.until(b"retry")
        said.append(hub.is_full)
        hub.close()
        await task
        said.append(hub.is_full)
        assert said == [False, True, False]

    asyncio.run(scene())


def test_a_quiet_stream_says_that_it_is_there() -> None:
    """A comment now and then keeps proxies from closing what seems dead."""

    async def scene() -> None:
        hub = StreamHub()
        reader = Reader()
        task = open_stream(hub, reader, comment_s=0.01)
        await reader.until(b": still here\n\n: still here\n\n")
        reader.gone.set()
        await task

    asyncio.run(scene())


def test_the_hub_is_measured() -> None:
    """Streams open, events by topic, those handed out and those that a slow stream was spared."""

    async def scene() -> None:
        metrics = MetricsCollector()
        hub = StreamHub(boot="b")
        measure_streams(hub, metrics)
        for number in range(3):
            hub.publish("tick", b"%d" % number)
        hub.publish("health", b"{}")
        hub.after(0, {"tick", "health"})
        reader = Reader()
        task = open_stream(hub, reader)
        await reader.until(b"data: 2\n\n")
        told = {(one.name, *one.tags.values()): one.value for one in metrics.exposed()}
        assert told["streams_open",] == 1
        assert told["stream_events_total", "tick"] == 3
        assert told["stream_events_total", "health"] == 1
        assert told["stream_events_sent_total",] == 3
        assert told["stream_events_skipped_total",] == 2
        assert told["streams_cut_off_total",] == 0
        hub.close()
        await task

    asyncio.run(scene())
