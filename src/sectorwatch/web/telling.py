"""Hints of the bus made into events of the streams: what is so now, read when it is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sectorwatch.runtime import ServiceState
from sectorwatch.runtime.capacity_watch import CAPACITY
from sectorwatch.web.hot import encode
from sectorwatch.web.present.alerts import alert_answer
from sectorwatch.web.present.events import health_event, metrics_event, tick_event
from sectorwatch.web.present.outlook import warning_event
from sectorwatch.web.present.unusual import anomaly_event

if TYPE_CHECKING:
    from sectorwatch.runtime import Application, Event
    from sectorwatch.web.stream import StreamHub

__all__ = ["TOLD", "Telling"]

TOLD = ("tick", "health", "alert", "anomaly", "metrics")
"""Topics of the bus that streams hear of."""


class Telling:
    """Hears the bus and fills the ring of the streams; belongs to the event loop."""

    def __init__(self, application: Application, hub: StreamHub) -> None:
        self._application = application
        self._hub = hub

    async def hear(self, event: Event) -> None:
        """Tell of what an event of the bus points to."""
        match event.topic:
            case "tick":
                self.say_tick()
            case "health":
                self._say_health(event)
            case "alert":
                await self._say_alert(event.name)
            case "anomaly":
                self._say_anomaly(event.name)
            case _:
                await self._say_metrics()

    def say_tick(self) -> None:
        """Tell of the newest tick, if there is one."""
        tick = self._application.latest
        if tick is not None:
            self._hub.publish("tick", encode(tick_event(tick)))

    def _say_health(self, event: Event) -> None:
        told = health_event(self._application, event)
        self._hub.publish("health", encode(told))
        if told.service == "api" and told.state == ServiceState.STOPPING:
            # The server waits for what is under way, and a stream ends only when it is told to.
            self._hub.close()

    async def _say_alert(self, alert_id: str) -> None:
        # One that has ended may have to be read from the disk, and who evaluates may hold the book.
        alert = await asyncio.to_thread(self._application.telemetry.alerts.get, alert_id)
        if alert is not None:
            self._hub.publish("alert", encode(alert_answer(alert)))

    def _say_anomaly(self, name: str) -> None:
        """Tell of what began or ended: `unusual/ID` is a thing, `capacity/ID` a warning."""
        about, _, number = name.partition("/")
        watch = self._application.foresight.capacity_watch
        if about == CAPACITY and watch is not None:
            warning = watch.warnings.get(number)
            if warning is not None:
                self._hub.publish("anomaly", encode(warning_event(warning)))
        detector = self._application.foresight.anomalies
        if about == "unusual" and detector is not None:
            anomaly = detector.get(number)
            if anomaly is not None:
                told = anomaly_event(anomaly, self._application.airspace)
                self._hub.publish("anomaly", encode(told))

    async def _say_metrics(self) -> None:
        # Put together for those who listen: with nobody there it is for nothing.
        if self._hub.open:
            telemetry = self._application.telemetry
            told = await asyncio.to_thread(metrics_event, telemetry)
            self._hub.publish("metrics", encode(told))
