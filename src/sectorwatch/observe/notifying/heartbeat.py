"""A sign of life for another system: called after a committed tick, so never once ticks stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import Clock, SystemClock, wall_of
from sectorwatch.observe.enums import LogCategory, LogLevel
from sectorwatch.observe.notifying.attempts import OneAtATime
from sectorwatch.observe.notifying.posting import ask
from sectorwatch.observe.notifying.secrecy import shown
from sectorwatch.observe.notifying.waking import WakingThread

if TYPE_CHECKING:
    import threading

    from sectorwatch.observe.logs import StructuredLogger
    from sectorwatch.observe.metrics import MetricsCollector

__all__ = ["Heartbeat"]


class Heartbeat:
    """Asks `url` (GET) once something was done, at most every `every_s` seconds.

    `ticked` says that it was; it never waits and may be called from anywhere. A call that failed
    is made again at the next tick. `start` gives it its thread.
    """

    def __init__(
        self,
        url: str,
        *,
        every_s: float = 60.0,
        metrics: MetricsCollector,
        log: StructuredLogger,
        clock: Clock | None = None,
    ) -> None:
        self._url = url
        self._every_s = every_s
        self._clock = clock or SystemClock()
        self._wall_s = wall_of(self._clock)
        self._metrics = metrics
        self._log = log.for_service("notifier")
        self._working = WakingThread("notifier-heartbeat", self._run)
        self._next_s = 0.0
        self._one = OneAtATime("heartbeat")
        self._last_good_s: float | None = None
        self._failures = 0
        self._last_error = ""

    def ticked(self) -> None:
        """Something was done just now; the sign of life is sent soon if one is due."""
        self._working.wake.set()

    def beat_if_due(self) -> bool:
        """Send one here and now if it is due; whether it was sent and answered well."""
        now_s = self._clock.monotonic_s()
        if now_s < self._next_s:
            return False
        began_s = SystemClock.monotonic_s()
        outcome = self._one.call(lambda: ask("GET", self._url).outcome, now_s)
        took_s = SystemClock.monotonic_s() - began_s
        status = "sent" if outcome.is_sent else "failed"
        self._metrics.counter("heartbeats_total", {"status": status}).inc()
        self._metrics.timing("heartbeat_seconds").observe(took_s)
        if outcome.is_sent:
            self._next_s = now_s + self._every_s
            self._last_good_s, self._failures, self._last_error = self._wall_s(), 0, ""
            return True
        self._failures += 1
        self._last_error = outcome.words
        if self._failures in {1, 10} or self._failures % 100 == 0:
            self._log.log_operation(
                "send_heartbeat",
                LogLevel.WARNING,
                LogCategory.NETWORK,
                address=shown(self._url),
                answer=outcome.words,
                failures=self._failures,
                duration=took_s,
            )
        return False

    def start(self) -> None:
        """Begin to send; a second time does nothing."""
        self._working.start()

    def stop(self) -> None:
        """Send no more; a call under way is waited for no longer than a second."""
        self._working.stop()

    def state(self) -> dict[str, Any]:
        """How it is, for a health check."""
        return {
            "address": shown(self._url),
            "last_good_s": self._last_good_s,
            "failures": self._failures,
            "last_error": self._last_error,
        }

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._working.wake.wait()
            self._working.wake.clear()
            if stop.is_set():
                return
            try:
                self.beat_if_due()
            except Exception as error:  # noqa: BLE001 - without this thread all would seem dead
                self._failures += 1
                self._last_error = f"the attempt failed ({type(error).__name__})"
