"""The alerts of one program: created by hand or by rules, kept, marked, told, and ended."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.alerting.book import AlertBook, ended
from sectorwatch.observe.alerting.inhibition import blamed, dependants
from sectorwatch.observe.alerting.notices import NoticeOutbox, NoticePolicy
from sectorwatch.observe.alerting.records import Record, labels_key
from sectorwatch.observe.alerting.repair import repaired
from sectorwatch.observe.alerting.silences import Matcher, RuleError, Silence
from sectorwatch.observe.alerting.telling import Teller
from sectorwatch.observe.clock import Clock, SystemClock, as_datetime, wall_of
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.enums import AlertSeverity, AlertState, AlertType, LogCategory, LogLevel
from sectorwatch.observe.results import Alert
from sectorwatch.observe.store import ObserveStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.observe.alerting.rules import AlertRule, RuleState
    from sectorwatch.observe.health import HealthChecker
    from sectorwatch.observe.logs import StructuredLogger
    from sectorwatch.observe.metrics import MetricsCollector

__all__ = ["AlertManager", "Explanation"]

Explanation = Callable[[Mapping[str, str]], str | tuple[str, Mapping[str, Any]] | None]

_MOST_ACTIVE = 500
_MOST_SILENCES = 500
_MOST_MATCHERS = 20
_LONGEST_TEXT = 500
_MOST_HOURS = 24 * 366
_MOST_LISTED = 10_000
_REPEAT_S = 12 * 3_600.0


class AlertManager:
    """Keeps one alert per type, service and labels at a time, and says who is to hear of it.

    All of it may be called from any thread, and nothing raises but a matcher that makes no sense.
    Without a `store` alerts live until the program ends. `listeners` are called with every alert
    whose state changed, `outbox` gets what people are to be told: severity `notify_from` and up.
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
    ) -> None:
        self._clock = clock or SystemClock()
        self._now_s = wall_of(self._clock)
        self._health = health
        self._log = log
        self._metrics = metrics
        self._rules = tuple(rules)
        self._period_s = period_s
        self._policy = NoticePolicy(notify_from, repeat_s)
        self.drops = Drops()
        """What was not as it should be, counted by reason."""
        self.outbox: NoticeOutbox | None = None
        """Where notices go; None tells nobody."""
        self._book = AlertBook(store or ObserveStore(clock=self._clock), self.drops)
        self._teller = Teller(self._clock, self.drops)
        self.listeners: list[Callable[[Alert], None]] = self._teller.listeners
        """Who is called with every alert whose state changed, from a thread of their own."""
        self._explanations: dict[str, Explanation] = {}
        self._evaluating = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._continue()

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
        now = self._now()
        with self._book.lock:
            known = self._book.find((given.type, given.service, labels_key(given.labels)))
            if known is None:
                record = Record(
                    Alert(
                        id=f"alert_{secrets.token_hex(6)}",
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
                is_new = self._open(record)
                alert = record.alert
            else:
                known.is_by_hand = True
                known.alert = alert = replace(
                    known.alert,
                    severity=max(known.alert.severity, given.severity, key=_rank),
                    message=given.message,
                    metadata={**known.alert.metadata, **given.metadata},
                    count=known.alert.count + 1,
                    updated=now,
                )
                # The count is written with the next change, or within a minute.
                self._book.put(known)
                is_new = False
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
            alert = self._end(record, _line(by))
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
            now = self._now()
            record.alert = alert = replace(
                record.alert,
                state=AlertState.ACKNOWLEDGED,
                acknowledged_by=_line(author) or "unknown",
                acknowledged_at=now,
                note=_line(note),
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
        since = self._now() - timedelta(hours=min(max(float(hours), 0.0), _MOST_HOURS))
        return self._book.history(
            since,
            service,
            None if alert_type is None else AlertType(alert_type).value,
            min(max(int(limit), 0), _MOST_LISTED),
            max(int(offset), 0),
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
        now = self._now()
        starts_at = starts_at or now
        if not 0 < len(matchers) <= _MOST_MATCHERS:
            raise RuleError(f"a silence has {len(matchers)} matchers: 1 to {_MOST_MATCHERS}")
        if starts_at.tzinfo is None or ends_at.tzinfo is None:
            raise RuleError("a silence's times have no zone: write them like 2025-08-06T21:00:00Z")
        if ends_at <= max(starts_at, now):
            raise RuleError(f"a silence would end at {ends_at.isoformat()}: that is over already")
        made = Silence(
            f"silence_{secrets.token_hex(6)}",
            tuple(matchers),
            _line(author) or "unknown",
            _line(reason),
            starts_at,
            ends_at,
        )
        with self._book.lock:
            if sum(each.ends_at > now for each in self._book.silences.values()) >= _MOST_SILENCES:
                raise RuleError(f"there are {_MOST_SILENCES} silences already: end some first")
            self._book.put_silence(made)
        self._remark()
        return made

    def silences(self, expired: bool = False) -> list[Silence]:
        """The silences that are in force or will be, the first to end first; or those expired."""
        now = self._now()
        with self._book.lock:
            found = [
                each for each in self._book.silences.values() if (each.ends_at <= now) is expired
            ]
        return sorted(found, key=lambda each: (each.ends_at, each.id), reverse=expired)

    def end_silence(self, silence_id: str) -> bool:
        """End a silence now; False where none of this id is in force or will be."""
        now = self._now()
        with self._book.lock:
            known = self._book.silences.get(str(silence_id))
            if known is None or known.ends_at <= now:
                return False
            self._book.put_silence(ended(known, now))
        self._remark()
        return True

    # Evaluation.

    def rules(self) -> list[RuleState]:
        """Every rule, and what it gives now."""
        return []

    def explain(self, rule_name: str, function: Explanation) -> None:
        """Ask `function` for the likely cause when an alert of this rule begins.

        It gets the alert's labels, and gives words, or words and details for the metadata's
        `evidence`; None where it knows of nothing. It may be slow, and it may raise.
        """
        self._explanations[rule_name] = function

    def evaluate(self) -> None:
        """Evaluate every rule now, mark what is silenced or inhibited, and tell what is due.

        Never raises. A second call while one is under way does nothing.
        """
        if not self._evaluating.acquire(blocking=False):
            self.drops.count("evaluation_overlaps")
            return
        try:
            self._evaluate()
        except Exception:  # noqa: BLE001 - a fault of ours must not end all watching
            self.drops.count("evaluation_failed")
        finally:
            self._evaluating.release()

    def start(self) -> None:
        """Start the thread that evaluates every `period_s`; once."""
        if self._thread is None:
            self._stopped.clear()
            self._teller.start()
            self._thread = threading.Thread(target=self._run, name="observe-alerts", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it, two seconds at most; it can be started again."""
        thread, self._thread = self._thread, None
        self._stopped.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2)
        self._teller.stop()

    def _run(self) -> None:
        while not self._stopped.is_set():
            due_s = self._clock.monotonic_s() + self._period_s
            self.evaluate()
            self._stopped.wait(max(0.0, due_s - self._clock.monotonic_s()))

    def _evaluate(self) -> None:
        self._teller.watch()
        self._remark()
        self._notify()
        self._book.write()

    # Inside.

    def _now(self) -> datetime:
        return as_datetime(self._now_s())

    def _continue(self) -> None:
        """Alerts of an earlier run go on: who was told of them is not told anew."""
        now_us, now_s = self._clock.now_us(), self._clock.monotonic_s()
        with self._book.lock:
            for record in self._book:
                if record.notified_us is not None:
                    ago_s = (now_us - record.notified_us) / 1e6
                    record.notified_s = now_s - min(max(ago_s, 0.0), self._policy.repeat_s)

    def _open(self, record: Record) -> bool:
        """Begin an alert, with the book's lock held; whether there was room for it."""
        self._mark(record, *self._marks())
        if len(self._book) >= _MOST_ACTIVE:
            # It is handed back, and not kept: there is no end to what may go wrong.
            self.drops.count("alert_limit")
            return False
        self._book.put(record)
        return True

    def _end(self, record: Record, by: str) -> Alert:
        """End an alert, with the book's lock held."""
        now = self._now()
        record.alert = replace(
            record.alert, state=AlertState.RESOLVED, resolved_at=now, resolved_by=by, updated=now
        )
        record.is_owed = record.notified_s is not None
        self._book.put(record)
        return record.alert

    def _marks(self) -> tuple[list[Silence], dict[str, tuple[str, ...]], set[str]]:
        """What alerts are marked by: silences in force, who depends on whom, who is down."""
        now = self._now()
        silences = [each for each in self._book.silences.values() if each.is_active(now)]
        down = {
            record.alert.service
            for record in self._book
            if record.alert.type is AlertType.SERVICE_DOWN
        }
        if self._health is None:
            return silences, {}, down
        return silences, self._health.dependencies(), down | self._health.unhealthy()

    def _mark(
        self,
        record: Record,
        silences: Sequence[Silence],
        graph: Mapping[str, tuple[str, ...]],
        down: set[str],
    ) -> bool:
        """Bring up to date what an alert is silenced and inhibited by; whether that changed."""
        alert = record.alert
        silenced_by = tuple(each.id for each in silences if each.matches(alert))
        inhibited_by = blamed(alert.service, graph, down)
        affects = dependants(alert.service, graph)
        if (alert.silenced_by, alert.inhibited_by, alert.affects) == (
            silenced_by,
            inhibited_by,
            affects,
        ):
            return False
        cause = alert.cause
        if inhibited_by and not cause:
            cause = f"{inhibited_by} is down, and {alert.service} depends on it"
        record.alert = replace(
            alert, silenced_by=silenced_by, inhibited_by=inhibited_by, affects=affects, cause=cause
        )
        return True

    def _remark(self) -> None:
        """Mark every alert anew."""
        with self._book.lock:
            marks = self._marks()
            changed = [record for record in self._book if self._mark(record, *marks)]
            for record in changed:
                record.alert = replace(record.alert, updated=self._now())
                self._book.put(record)
            alerts = [record.alert for record in changed]
        self._changed(alerts, is_logged=False)

    def _notify(self) -> None:
        outbox = self.outbox
        now_s, now_us = self._clock.monotonic_s(), self._clock.now_us()
        with self._book.lock:
            firing = self._policy.firing(self._book, now_s)
            over = self._policy.resolved(self._book.owed())
        if outbox is None:
            return
        for notice, records in [*over, *firing]:
            try:
                outbox.put(notice)
            except Exception:  # noqa: BLE001 - another's code: asked again at the next evaluation
                self.drops.count("outbox_failed")
                continue
            with self._book.lock:
                for record in records:
                    if notice.status == "resolved":
                        record.is_owed = False
                    else:
                        record.notified_s, record.notified_us = now_s, now_us
                        # Resolved in the meantime: that is to be told as well.
                        record.is_owed = record.alert.state is AlertState.RESOLVED
                    self._book.put(record)

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


def _rank(severity: AlertSeverity) -> int:
    return severity.rank


def _line(text: object) -> str:
    """One line of text from outside, shortened."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:_LONGEST_TEXT]).strip()
