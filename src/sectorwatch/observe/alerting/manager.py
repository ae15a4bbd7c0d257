"""The alerts of one program: created by hand or by rules, kept, marked, told, and ended."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.alerting.book import AlertBook, ended
from sectorwatch.observe.alerting.engine import RuleEngine
from sectorwatch.observe.alerting.explaining import Explainers, Explanation
from sectorwatch.observe.alerting.lifecycle import Lifecycle, new_id, rank_of
from sectorwatch.observe.alerting.notices import NoticeOutbox, NoticePolicy
from sectorwatch.observe.alerting.records import Record, labels_key
from sectorwatch.observe.alerting.repair import repaired
from sectorwatch.observe.alerting.rulings import Rulings
from sectorwatch.observe.alerting.silences import (
    Matcher,
    RuleError,
    Silence,
    line_of,
    new_silence,
)
from sectorwatch.observe.alerting.telling import Teller
from sectorwatch.observe.alerting.timekeeping import Steadiness
from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.enums import AlertSeverity, AlertState, AlertType, LogCategory, LogLevel
from sectorwatch.observe.metrics import MetricsCollector
from sectorwatch.observe.results import Alert
from sectorwatch.observe.store import ObserveStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sectorwatch.observe.alerting.rules import AlertRule, RuleState
    from sectorwatch.observe.health import HealthChecker
    from sectorwatch.observe.logs import StructuredLogger

__all__ = ["AlertManager"]

_MOST_SILENCES = 500
_MOST_HOURS = 24 * 366
_MOST_LISTED = 10_000
_MOST_PASSED = 1_000_000_000
_REPEAT_S = 12 * 3_600.0
# Finding out a cause may take a look of many seconds; people are told without it after that.
_EXPLAIN_S = 25.0


class AlertManager:
    """Keeps one alert per type, service and labels at a time, and says who is to hear of it.

    All of it may be called from any thread, and nothing raises but a matcher that makes no sense.
    Without a `store` alerts live until the program ends. `listeners` are called with every alert
    whose state changed, `outbox` gets what people are to be told: severity `notify_from` and up.
    `settings` are the numbers that a rule's `$name` may stand for. After `start`, `settle_s` pass
    before rules count: what just began is not yet as it is.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        store: ObserveStore | None = None,
        metrics: MetricsCollector | None = None,
        health: HealthChecker | None = None,
        log: StructuredLogger | None = None,
        rules: Sequence[AlertRule] = (),
        period_s: float = 15.0,
        notify_from: AlertSeverity = AlertSeverity.HIGH,
        repeat_s: float = _REPEAT_S,
        settings: Mapping[str, float] | None = None,
        settle_s: float = 30.0,
        explain_s: float = _EXPLAIN_S,
    ) -> None:
        self._clock = clock or SystemClock()
        self._log = log
        self._metrics = metrics or MetricsCollector(clock=self._clock)
        self._period_s = period_s
        self.drops = Drops()
        """What was not as it should be, counted by reason."""
        self._policy = NoticePolicy(notify_from, repeat_s, self.drops)
        self._engine = RuleEngine(rules, self._metrics, self.drops, settings)
        self._explainers = Explainers(self.drops, explain_s)
        self._steadiness = Steadiness(self._clock, settle_s=settle_s, period_s=period_s)
        self._metrics.counter_callback(
            "alert_rules_failed_total", lambda: self.drops.counts().get("rule_failed", 0)
        )
        self._took = self._metrics.timing("alert_evaluation_seconds")
        self._firing = {
            each: self._metrics.gauge("alerts_firing", {"severity": each.value})
            for each in AlertSeverity
        }
        self.outbox: NoticeOutbox | None = None
        """Where notices go; None tells nobody."""
        self._book = AlertBook(store or ObserveStore(clock=self._clock), self.drops)
        self._teller = Teller(self._clock, self.drops)
        self.listeners: list[Callable[[Alert], None]] = self._teller.listeners
        """Who is called with every alert whose state changed, from a thread of their own."""
        self._evaluating = threading.Lock()
        self._evaluated_s = self._clock.monotonic_s()
        self._stopped = threading.Event()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._lifecycle = Lifecycle(self._clock, self._book, health, self.drops)
        self._rulings = Rulings(
            self._engine,
            self._lifecycle,
            self._explainers,
            changed=self._changed,
            explained=partial(self._changed, is_logged=False),
            hurry=self._hurry.set,
        )
        self._rulings.take_up(self._policy.repeat_s)
        for name, error in self._engine.unusable.items():
            if log is not None:
                what = f"the alert rule {name} cannot be used: {error}"
                log.log_operation(
                    "read_alert_rules", LogLevel.WARNING, LogCategory.SYSTEM, what=what
                )

    # Alerts.

    def create_alert(
        self,
        alert_type: AlertType,
        severity: AlertSeverity,
        message: str,
        service: str,
        metadata: Mapping[str, Any] | None = None,
    ) -> Alert:
        """The alert that goes on of this type, service and labels, new where there was none.

        Its labels are `metadata["labels"]`, with `operation` and `metric_type` of the metadata.
        It goes on until it is resolved. Never raises: what cannot be used is repaired and counted.
        """
        given = repaired(alert_type, severity, message, service, metadata, self.drops)
        now = self._lifecycle.now()
        with self._book.lock:
            known = self._book.find((given.type, given.service, labels_key(given.labels)))
            if known is None:
                record = Record(
                    Alert(
                        id=new_id(),
                        type=given.type,
                        severity=given.severity,
                        message=given.message,
                        service=given.service,
                        timestamp=now,
                        metadata=given.metadata,
                        labels=given.labels,
                        updated=now,
                    ),
                    is_by_hand=True,
                )
                is_new = self._lifecycle.open(record)
                alert = record.alert
            else:
                is_new = False
                known.is_by_hand = True
                known.alert = alert = replace(
                    known.alert,
                    severity=max(known.alert.severity, given.severity, key=rank_of),
                    message=given.message,
                    metadata={**known.alert.metadata, **given.metadata},
                    count=known.alert.count + 1,
                    updated=now,
                )
                # The count is written with the next change, or within a minute.
                self._book.put(known)
        if is_new:
            self._changed([alert])
        return alert

    def get_active_alerts(self) -> list[Alert]:
        """The alerts that go on, oldest first; silenced and inhibited ones are marked as such."""
        with self._book.lock:
            found = [record.alert for record in self._book]
        return sorted(found, key=lambda alert: (alert.timestamp, alert.id))

    def get(self, alert_id: str) -> Alert | None:
        """The alert of this id, going on or ended; None where there is none."""
        return self._book.get(str(alert_id))

    def resolve_alert(self, alert_id: str, *, by: str = "resolved by hand") -> bool:
        """End an alert; False where none of this id goes on.

        Where its condition goes on, a new alert opens.
        """
        with self._book.lock:
            record = self._book.active(str(alert_id))
            if record is None:
                return False
            for rule_name, labels in record.holders:
                self._engine.forget(rule_name, labels)
            alert = self._lifecycle.end(record, line_of(by))
        self._changed([alert])
        return True

    def acknowledge(self, alert_id: str, author: str, note: str = "") -> Alert | None:
        """Say that somebody is at it: it is not told again; None where none of this id goes on.

        An acknowledgement ends with its alert. A second one replaces author and note.
        """
        with self._book.lock:
            record = self._book.active(str(alert_id))
            if record is None:
                return None
            now = self._lifecycle.now()
            record.alert = alert = replace(
                record.alert,
                state=AlertState.ACKNOWLEDGED,
                acknowledged_by=line_of(author) or "unknown",
                acknowledged_at=now,
                note=line_of(note),
                updated=now,
            )
            self._book.put(record)
        self._changed([alert])
        return alert

    def history(
        self,
        *,
        hours: float = 168,
        service: str | None = None,
        alert_type: AlertType | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Alert]:
        """The alerts that went on in the last hours, ended or not, the youngest first."""
        # In this order NaN is 0 hours.
        since = self._lifecycle.now() - timedelta(hours=min(max(0.0, float(hours)), _MOST_HOURS))
        return self._book.history(
            since,
            service,
            None if alert_type is None else AlertType(alert_type).value,
            min(max(int(limit), 0), _MOST_LISTED),
            min(max(int(offset), 0), _MOST_PASSED),
        )

    # Silences.

    def silence(
        self,
        matchers: Sequence[Matcher],
        *,
        author: str,
        reason: str,
        ends_at: datetime,
        starts_at: datetime | None = None,
    ) -> Silence:
        """Tell nobody of the alerts that all `matchers` match, until `ends_at`.

        Raises RuleError for no or too many matchers, for times that are naive, over or in the
        wrong order, and where there are too many silences.
        """
        now = self._lifecycle.now()
        made = new_silence(matchers, author, reason, (starts_at, ends_at), now)
        with self._book.lock:
            if sum(each.ends_at > now for each in self._book.silences.values()) >= _MOST_SILENCES:
                raise RuleError(f"there are {_MOST_SILENCES} silences already: end some first")
            self._book.put_silence(made)
        self._remark()
        return made

    def silences(self, expired: bool = False) -> list[Silence]:
        """The silences that are in force or will be, the first to end first; or those expired."""
        now = self._lifecycle.now()
        with self._book.lock:
            found = [
                each for each in self._book.silences.values() if (each.ends_at <= now) is expired
            ]
        return sorted(found, key=lambda each: (each.ends_at, each.id), reverse=expired)

    def end_silence(self, silence_id: str) -> bool:
        """End a silence now; False where none of this id is in force or will be."""
        now = self._lifecycle.now()
        with self._book.lock:
            known = self._book.silences.get(str(silence_id))
            if known is None or known.ends_at <= now:
                return False
            self._book.put_silence(ended(known, now))
        self._remark()
        return True

    # Evaluation.

    def rules(self) -> list[RuleState]:
        """Every rule, and what it gave when last evaluated."""
        return self._engine.states()

    def explain(self, rule_name: str, function: Explanation) -> None:
        """Ask `function` for the likely cause when an alert of this rule begins.

        It gets the alert's labels, and gives words, or words and details for the metadata's
        `evidence`; None where it knows of nothing. It may be slow, and it may raise.
        """
        self._explainers.add(rule_name, function)

    def evaluate(self) -> None:
        """Evaluate every rule now, mark what is silenced or inhibited, and tell what is due.

        Never raises. A second call while one is under way does nothing.
        """
        if not self._evaluating.acquire(blocking=False):
            self.drops.count("evaluation_overlaps")
            return
        try:
            self._evaluate()
            self._evaluated_s = self._clock.monotonic_s()
        except Exception:  # noqa: BLE001 - a fault of ours must not end all watching
            self.drops.count("evaluation_failed")
        finally:
            self._evaluating.release()

    def state(self) -> dict[str, Any]:
        """How it is: for a health check; `behind_s` is how long ago rules were last looked at."""
        return {
            "evaluating": self._thread is not None and self._thread.is_alive(),
            "behind_s": round(self._clock.monotonic_s() - self._evaluated_s, 3),
            "settled": self._steadiness.is_settled,
            # Not under the book's lock: health is asked in the event loop, which must not wait.
            "active": len(self._book),
            "rules_unusable": self._engine.unusable,
            "dropped": self.drops.counts(),
        }

    def start(self) -> None:
        """Start the thread that evaluates every `period_s`; once."""
        if self._thread is None:
            # Of its own: one before it that is still at an evaluation ends with its own.
            self._stopped = threading.Event()
            self._evaluated_s = self._clock.monotonic_s()
            self._steadiness.settle()
            self._teller.start()
            self._thread = threading.Thread(
                target=self._run, args=(self._stopped,), name="observe-alerts", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it, two seconds at most; it can be started again."""
        thread, self._thread = self._thread, None
        self._stopped.set()
        self._hurry.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2)
        self._teller.stop()

    def _run(self, stopped: threading.Event) -> None:
        due_s = self._clock.monotonic_s()
        while not stopped.is_set():
            if self._clock.monotonic_s() >= due_s:
                due_s = self._clock.monotonic_s() + self._period_s
                self.evaluate()
            elif self._hurry.is_set():
                # A cause was found out: people need not wait for it any longer.
                self._hurry.clear()
                try:
                    self._notify()
                except Exception:  # noqa: BLE001 - as in `evaluate`
                    self.drops.count("evaluation_failed")
            self._hurry.wait(max(0.0, due_s - self._clock.monotonic_s()))

    def _evaluate(self) -> None:
        begun_s = self._clock.monotonic_s()
        self._teller.watch()
        self._metrics.collect()
        if not self._steadiness.look():
            self._engine.begin_anew()
        elif self._steadiness.is_settled:
            self._rulings.apply(self._engine.evaluate(begun_s), is_patient=self._thread is None)
        self._remark()
        self._notify()
        self._show()
        self._took.observe(self._clock.monotonic_s() - begun_s)

    def _show(self) -> None:
        with self._book.lock:
            firing = [record.alert.severity for record in self._book]
        for severity, gauge in self._firing.items():
            gauge.set(firing.count(severity))

    # Inside.

    def _remark(self) -> None:
        self._changed(self._lifecycle.remark(), is_logged=False)

    def _notify(self) -> None:
        self._policy.hand_over(
            self._book, self.outbox, self._clock.monotonic_s(), self._clock.now_us()
        )
        self._book.write()

    def _changed(self, alerts: Sequence[Alert], *, is_logged: bool = True) -> None:
        """Write, log and tell what changed; not with the book's lock held."""
        self._book.write()
        for alert in alerts:
            if is_logged:
                self._log_state(alert)
            self._teller.tell(alert)

    def _log_state(self, alert: Alert) -> None:
        if self._log is None:
            return
        goes_on = alert.state in {AlertState.FIRING, AlertState.PENDING}
        self._log.log_operation(
            "alert",
            LogLevel.WARNING if goes_on else LogLevel.INFO,
            LogCategory.SYSTEM,
            alert_id=alert.id,
            alert_type=alert.type.value,
            severity=alert.severity.value,
            state=alert.state.value,
            about=alert.service,
            message=alert.message,
            inhibited_by=alert.inhibited_by,
        )
