"""An Alertmanager is told what fires, as Prometheus tells it: again and again, and when it ends.

https://prometheus.io/docs/alerting/latest/clients/ : whoever stops telling, its alerts end by
themselves. So nothing has to be kept here, and a program that dies leaves nothing firing there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe.clock import Clock, SystemClock, as_text, wall_of
from sectorwatch.observe.enums import AlertState, LogCategory, LogLevel
from sectorwatch.observe.notifying.alertmanager import annotations_of, labels_of, rules_address
from sectorwatch.observe.notifying.attempts import OneAtATime
from sectorwatch.observe.notifying.notification import told_alert
from sectorwatch.observe.notifying.posting import ask
from sectorwatch.observe.notifying.secrecy import shown
from sectorwatch.observe.notifying.waking import WakingThread

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence

    from sectorwatch.observe.logs import StructuredLogger
    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.notifying.notification import Notification, ToldAlert
    from sectorwatch.observe.notifying.outcomes import Outcome
    from sectorwatch.observe.results import Alert

__all__ = ["AlertmanagerPush", "push"]

_EVERY_S = 60.0
# As Prometheus does: an alert ends where nobody has told of it four times in a row, and an end is
# told for a quarter of an hour.
_TIMES_MISSED = 4
_END_TOLD_S = 900.0
_MOST = 1_000


class AlertmanagerPush:
    """Tells the Alertmanager at `url` every minute, and at every `wake`, what `active` gives.

    Alerts that are silenced or inhibited here are not told, unless they were before.
    """

    def __init__(
        self,
        url: str,
        *,
        active: Callable[[], Iterable[Alert]],
        base: str,
        metrics: MetricsCollector,
        log: StructuredLogger,
        clock: Clock | None = None,
    ) -> None:
        self._url = url
        self._active = active
        self._base = base
        self._clock = clock or SystemClock()
        self._now_s = wall_of(self._clock)
        self._metrics = metrics
        self._log = log.for_service("notifier")
        self._told: dict[str, ToldAlert] = {}
        self._ended: dict[str, tuple[ToldAlert, float]] = {}
        self._working = WakingThread("notifier-alertmanager", self._run)
        self._failures = 0
        self._one = OneAtATime("alertmanager")
        self._last_error = ""

    def wake(self, alert: Alert | None = None) -> None:
        """Something changed: it is told at once."""
        del alert
        self._working.wake.set()

    def push(self) -> Outcome:
        """Tell it here and now."""
        now_s, steady_s = self._now_s(), self._clock.monotonic_s()
        fires: dict[str, ToldAlert] = {}
        for alert in self._active():
            is_quiet = bool(alert.silenced_by or alert.inhibited_by)
            if alert.state is AlertState.PENDING or (is_quiet and alert.id not in self._told):
                continue
            fires[alert.id] = told_alert(alert)
            if len(fires) >= _MOST:
                break
        for id_, gone in self._told.items():
            if id_ not in fires:
                self._ended[id_] = gone, steady_s
        self._told = fires
        self._ended = {
            id_: (gone, since_s)
            for id_, (gone, since_s) in self._ended.items()
            if steady_s - since_s < _END_TOLD_S and id_ not in fires
        }
        ended = [(each, now_s - (steady_s - since_s)) for each, since_s in self._ended.values()]
        until_s = now_s + _TIMES_MISSED * _EVERY_S
        alerts = [*((each, until_s) for each in fires.values()), *ended]
        outcome = self._one.call(lambda: push(self._url, alerts, base=self._base), now_s)
        self._note(outcome)
        return outcome

    def start(self) -> None:
        """Begin to tell; a second time does nothing."""
        self._working.start()

    def stop(self) -> None:
        """Tell no more; a call under way is waited for no longer than a second."""
        self._working.stop()

    def state(self) -> dict[str, Any]:
        """How it is, for a health check."""
        return {
            "address": shown(self._url),
            "firing": len(self._told),
            "failures": self._failures,
            "last_error": self._last_error,
        }

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._working.wake.clear()
            try:
                self.push()
            except Exception as error:  # noqa: BLE001 - a fault of ours must not end all telling
                self._failures += 1
                self._last_error = f"the attempt failed ({type(error).__name__})"
            # Several alerts that change together are told together.
            if not stop.wait(1.0):
                self._working.wake.wait(_EVERY_S)

    def _note(self, outcome: Outcome) -> None:
        status = "sent" if outcome.is_sent else "retry"
        self._metrics.counter(
            "notifications_sent_total", {"channel": "alertmanager", "status": status}
        ).inc()
        if outcome.is_sent:
            self._failures, self._last_error = 0, ""
            return
        self._failures += 1
        self._last_error = outcome.words
        if self._failures == 1 or self._failures % 60 == 0:
            self._log.log_operation(
                "push_alerts",
                LogLevel.WARNING,
                LogCategory.NETWORK,
                address=shown(self._url),
                answer=outcome.words,
                failures=self._failures,
            )


class AlertmanagerTest:
    """Lets an Alertmanager be told like any other channel, of one thing, for a minute."""

    def __init__(self, url: str, *, base: str) -> None:
        self._url = url
        self._base = base

    def send(self, told: Notification, now_s: float) -> Outcome:
        """Tell it; it ends by itself."""
        return push(self._url, [(each, now_s + 60) for each in told.alerts], base=self._base)


def push(url: str, alerts: Sequence[tuple[ToldAlert, float]], *, base: str) -> Outcome:
    """Tell an Alertmanager of alerts, each with the time in seconds since 1970 that it ends."""
    body = [
        {
            "labels": labels_of(each),
            "annotations": annotations_of(each),
            "startsAt": as_text(min(each.since_s, ends_s)),
            "endsAt": as_text(ends_s),
            "generatorURL": rules_address(base),
        }
        for each, ends_s in alerts
    ]
    return ask("POST", f"{url.rstrip('/')}/api/v2/alerts", data=orjson.dumps(body)).outcome
