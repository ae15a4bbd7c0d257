"""The service that tells people: alerts by every channel, and a sign of life after each tick."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sectorwatch.observe import HealthState, LogCategory, LogLevel
from sectorwatch.runtime.service import Health, Service
from sectorwatch.runtime.threads import call_in_thread

if TYPE_CHECKING:
    from sectorwatch.observe import Telemetry
    from sectorwatch.observe.notifying import AlertmanagerPush, Heartbeat
    from sectorwatch.runtime.bus import Event, EventBus, Subscription

__all__ = ["NotifierService"]


class NotifierService(Service):
    """Sends what is in the outbox, each channel from a thread of its own.

    What waits when it stops goes out after the next start. `heartbeat`, where there is one, hears
    of every committed tick; `push` tells an Alertmanager what fires.
    """

    name = "notifier"
    uses = ("logging", "monitoring")

    def __init__(
        self,
        telemetry: Telemetry,
        bus: EventBus,
        *,
        heartbeat: Heartbeat | None = None,
        push: AlertmanagerPush | None = None,
    ) -> None:
        self._outbox = telemetry.outbox
        self._log = telemetry.for_service(self.name).log
        self._bus = bus
        self._heartbeat = heartbeat
        self._push = push
        self._listeners = telemetry.alerts.listeners
        self._subscription: Subscription | None = None
        self._look: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Begin to tell; an address that is wrong is logged, and the others are told."""
        self._outbox.start()
        if self._heartbeat is not None:
            self._heartbeat.start()
            self._subscription = self._bus.subscribe(self.name, "tick", self._ticked)
        if self._push is not None:
            self._push.start()
            self._listeners.append(self._push.wake)
        # Apprise takes half a second to look at an address: nobody waits for that.
        self._look = call_in_thread(self._check, "notifier-check")

    async def stop(self) -> None:
        """Tell nobody any more; an attempt under way has a second and a half to end."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        if self._push is not None and self._push.wake in self._listeners:
            self._listeners.remove(self._push.wake)
        ends = [part.stop for part in (self._outbox, self._heartbeat, self._push) if part]
        # Each has its own limit, and they wait side by side.
        await asyncio.gather(*(call_in_thread(end, "notifier-stop") for end in ends))

    async def health(self) -> Health:
        """Degraded where an address is wrong, or something has waited for over five minutes."""
        state: dict[str, Any] = dict(self._outbox.state())
        good = bool(state.pop("is_good"))
        if self._heartbeat is not None:
            beat = self._heartbeat.state()
            state["heartbeat"] = beat
            good = good and not beat["last_error"]
        if self._push is not None:
            told = self._push.state()
            state["alertmanager"] = told
            good = good and not told["last_error"]
        return Health(HealthState.HEALTHY if good else HealthState.DEGRADED, state)

    async def _ticked(self, event: Event) -> None:
        del event
        if self._heartbeat is not None:
            self._heartbeat.ticked()

    def _check(self) -> None:
        for number, channel in enumerate(self._outbox.channels, start=1):
            problem = self._outbox.check(channel)
            if problem:
                self._log.log_operation(
                    "wrong_notifier_address",
                    LogLevel.WARNING,
                    LogCategory.NETWORK,
                    channel=channel.name,
                    address=channel.address,
                    number=number,
                    what=f"{problem}: correct it in the settings; nobody is told there",
                )
