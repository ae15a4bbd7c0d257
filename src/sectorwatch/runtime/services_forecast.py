"""The service that forecasts, in a thread of its own: no tick and no request waits for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sectorwatch.clock import format_s
from sectorwatch.observe import HealthState
from sectorwatch.runtime.bus import TICK
from sectorwatch.runtime.service import Health, Service
from sectorwatch.runtime.threads import Worker

if TYPE_CHECKING:
    from sectorwatch.runtime.bus import Event, EventBus, Subscription
    from sectorwatch.runtime.foresight import Foresight
    from sectorwatch.runtime.issuing import Issuing

__all__ = ["ForecastService"]

_LOOK_EVERY_S = 1.0
_BEHIND_S = 60.0


class ForecastService(Service):
    """Hears of ticks, and issues what is due by the newest of them; a slow one skips."""

    name = "forecast"
    uses = ("logging", "store", "tracker")

    def __init__(self, bus: EventBus, foresight: Foresight, issuing: Issuing) -> None:
        self._bus = bus
        self._foresight = foresight
        self._issuing = issuing
        self._subscription: Subscription | None = None
        self._wake = threading.Event()
        self._heard: tuple[str, int] = ("", 0)
        self._worker = Worker("forecast", self._work)

    async def start(self) -> None:
        """Begin to hear; what there is already is looked at at once."""
        self._wake.set()
        self._worker.start()
        self._subscription = self._bus.subscribe("forecast", TICK, self._hear)

    async def stop(self) -> None:
        """Hear no more, and end with the part of a forecast that is under way."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        self._worker.ask_to_stop()
        self._wake.set()
        await self._worker.stop()

    async def failed(self) -> BaseException:
        """Wait until the thread dies."""
        return await self._worker.failed()

    async def health(self) -> Health:
        """Degraded where forecasts fail, or are due for long and not made; no model is no fault."""
        issuing, latest = self._issuing, self._foresight.latest
        behind_s, age_s = issuing.behind_s(), issuing.age_s()
        about: dict[str, Any] = {
            "issued": issuing.issued,
            "skipped": issuing.skipped,
            "as_of": None if latest is None else format_s(latest.as_of_s),
            "age_s": None if age_s is None else round(age_s, 1),
            "behind_s": round(behind_s, 1),
            **self._foresight.about(),
        }
        if issuing.waiting:
            about["waiting_for_database"] = issuing.waiting
        if issuing.errors:
            about["errors"] = dict(issuing.errors)
        is_bad = bool(issuing.errors) or behind_s > _BEHIND_S
        return Health(HealthState.DEGRADED if is_bad else HealthState.HEALTHY, about)

    async def _hear(self, event: Event) -> None:
        self._heard = event.correlation_id, event.span
        self._wake.set()

    def _work(self, stop: threading.Event) -> None:
        self._foresight.stopping = stop
        self._issuing.begin()
        while not stop.is_set():
            self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()
            if stop.wait(min(self._issuing.wait_s(), _LOOK_EVERY_S)):
                break
            correlation_id, span = self._heard
            self._issuing.look(correlation_id or None, span)
        self._issuing.end()
