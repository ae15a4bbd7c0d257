"""The log as an event stream: in batches, bounded, and quiet about itself."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe import LogLevel, Telemetry
from sectorwatch.web.log_feed import LogFeed
from sectorwatch.web.stream import StreamHub

if TYPE_CHECKING:
    from collections.abc import Callable


def _events(
    work: Callable[[Telemetry, StreamHub], None], *, at_once: bool = False
) -> list[dict[str, Any]]:
    """What the stream got of what `work` logged, in threads of its own or before the loop turns."""

    async def run() -> list[dict[str, Any]]:
        telemetry, hub = Telemetry.open(sinks=[], level=LogLevel.DEBUG), StreamHub()
        feed = LogFeed(hub, telemetry, every_s=0.01)
        feed.open()
        if at_once:
            work(telemetry, hub)
        else:
            await asyncio.to_thread(work, telemetry, hub)
        while feed._is_scheduled:
            await asyncio.sleep(0.005)
        feed.close()
        assert telemetry.log.lines.sinks == ()
        telemetry.log.info("after it was closed")
        data = hub.after(0, {"log"})[0].decode()
        telemetry.close()
        assert telemetry.log.dropped == {}
        return [orjson.loads(each[6:]) for each in data.splitlines() if each.startswith("data: ")]

    return asyncio.run(run())


def test_a_storm_is_told_in_a_few_events_and_the_rest_counted() -> None:
    """Ten thousand lines of four threads: every one is in an event or in `left_out`."""

    def storm(telemetry: Telemetry, _hub: StreamHub) -> None:
        def write() -> None:
            for number in range(2_500):
                telemetry.log.info("storm", number=number)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    events = _events(storm)
    told = [entry for event in events for entry in event["entries"]]
    assert all(len(event["entries"]) <= 20 for event in events)
    assert len(told) + sum(event["left_out"] for event in events) == 10_000
    assert told[-1]["number"] == 2_499


def test_long_lines_do_not_make_long_events() -> None:
    """Bytes are bounded as well as entries; the newest is there whatever its length."""

    def work(telemetry: Telemetry, _hub: StreamHub) -> None:
        for number in range(10):
            telemetry.log.info("long", number=number, text=["x" * 3_900] * 8)

    (event,) = _events(work, at_once=True)
    assert len(orjson.dumps(event)) < 70_000
    assert len(event["entries"]) + event["left_out"] == 10
    assert event["entries"][-1]["number"] == 9


def test_debug_is_not_streamed_and_a_closed_hub_hears_nothing() -> None:
    """INFO and graver; when the streams end, lines go on being written elsewhere."""

    def work(telemetry: Telemetry, hub: StreamHub) -> None:
        telemetry.log.debug("no")
        hub.closed = True
        telemetry.log.info("nobody there")

    assert _events(work) == []
