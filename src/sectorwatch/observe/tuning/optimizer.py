"""The optimizer: looks for what could be better, and watches what became of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.enums import PerformanceMetric
from sectorwatch.observe.metrics import MetricsCollector
from sectorwatch.observe.performance import metric_name
from sectorwatch.observe.tuning.analysis import findings_of
from sectorwatch.observe.tuning.deciding import decided
from sectorwatch.observe.tuning.figures import OperationFigures, figures_of
from sectorwatch.observe.tuning.findings import Priority
from sectorwatch.observe.tuning.ledger import EXPIRED, OPEN, Ledger, Record, recommendation_id
from sectorwatch.observe.tuning.memory import GrowingOperations
from sectorwatch.observe.tuning.past import DAY_S, HOUR_S, OperationPasts
from sectorwatch.observe.tuning.slowdown import Slowdown, SlowdownWatch
from sectorwatch.observe.tuning.sources import FailingOperations, SlowOperations
from sectorwatch.observe.tuning.trends import Trend, Verdict, free_of_day, trend_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sectorwatch.observe.error_analytics import ErrorAnalytics
    from sectorwatch.observe.results import OptimizationRecommendation, PerformanceData
    from sectorwatch.observe.spans import SpanRing
    from sectorwatch.observe.store import ObserveStore
    from sectorwatch.observe.tuning.findings import EvidenceSource
    from sectorwatch.observe.tuning.past import OperationPast

__all__ = ["PerformanceOptimizer"]

_MINUTES_TO_HOURS = 3.0
_TENS_TO_HOURS = 26.0
_TREND_HOURS = 24.0
_MOST_FINDINGS = 100
_ORDER = [each.value for each in reversed(Priority)]


class PerformanceOptimizer:
    """Says which operations get slower, and what would make them better.

    `start` begins a thread that looks for slowdowns every `period_s` and asks the sources of
    evidence every `collect_every_s`; without it, whoever calls `look` and `collect` does. Sources
    that together take longer than `budget_s` have to wait for the next round, and are counted.
    A recommendation whose evidence was not found for `settle_s` is decided: applied or expired.

    Nothing here raises into the program: what fails is counted in `drops`. `analyze_performance`
    needs none of it, and no argument either.
    """

    def __init__(
        self,
        metrics: MetricsCollector | None = None,
        *,
        clock: Clock | None = None,
        store: ObserveStore | None = None,
        spans: SpanRing | None = None,
        errors: ErrorAnalytics | None = None,
        sources: Sequence[EvidenceSource] = (),
        period_s: float = 15.0,
        collect_every_s: float = 60.0,
        budget_s: float = 2.0,
        settle_s: float = 1_800.0,
        least_s: float = 0.005,
        warm_up_s: float = 300.0,
        version: str = "",
    ) -> None:
        self._clock = clock or SystemClock()
        self._metrics = metrics or MetricsCollector(clock=self._clock, store=store)
        self._period_s = period_s
        self._collect_every_s = collect_every_s
        self._budget_s = budget_s
        self._settle_s = settle_s
        self.drops = Drops()
        self.expected_busy: Callable[[], bool] = lambda: False
        """Whether the program is known to work harder than usual; set by who knows."""
        self.pasts = OperationPasts(self._metrics, warm_up_s=warm_up_s)
        self.slowdowns = SlowdownWatch(self._metrics, self.pasts, spans=spans, least_s=least_s)
        self._ledger = Ledger(version=version)
        if store is not None:
            store.attach(self.pasts)
            store.attach(self._ledger)
        self._slow = SlowOperations(
            self._metrics, spans, self._day_trend, self.slowdowns.of, least_s=least_s
        )
        self._sources: list[EvidenceSource] = [
            self._slow,
            FailingOperations(self._metrics, errors),
            GrowingOperations(self._metrics),
            *sources,
        ]
        self._next_source = 0
        self._trends: dict[tuple[str, str], tuple[float, Trend]] = {}
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._looking = threading.Lock()
        self._collecting = threading.Lock()

    def state(self) -> dict[str, Any]:
        """How it does: for a health check."""
        thread = self._thread
        return {
            "watching": thread is not None and thread.is_alive(),
            "slow_operations": len(self.slowdowns.slow),
            "recommendations": sum(one.status == OPEN for one in self._ledger.all()),
            "dropped": self.drops.counts(),
        }

    def add_source(self, source: EvidenceSource) -> None:
        """Ask this source too, from the next round on."""
        self._sources = [*self._sources, source]

    # The specification's own.

    def analyze_performance(
        self, metrics: Mapping[str, Sequence[PerformanceData]]
    ) -> list[OptimizationRecommendation]:
        """What these measurements (keys "service:operation:metric_type") recommend.

        Of them alone: nothing is kept, and nothing else is looked at. The most important first.
        """
        latest_s = max(
            (one.timestamp.timestamp() for each in metrics.values() for one in each),
            default=0.0,
        )
        records = [
            Record(recommendation_id(finding), "analysis", finding, latest_s, latest_s)
            for finding in findings_of(metrics)
        ]
        return _ordered([record.shown() for record in records])

    def get_recommendations(
        self,
        service: str | None = None,
        priority: str | None = None,
        status: str | None = None,
    ) -> list[OptimizationRecommendation]:
        """What is recommended now, and what was applied in the last 30 days; open first.

        `status` open, applied or expired leaves only those; expired ones are there only then.
        """
        shown = [record.shown() for record in self._ledger.all()]
        return _ordered(
            [
                one
                for one in shown
                if service in {None, one.service}
                and priority in {None, one.priority}
                and (one.status == status if status else one.status != EXPIRED)
            ]
        )

    # Trends.

    def trend(self, operation: str, service: str, hours: float = _TREND_HOURS) -> Trend:
        """Where an operation's response time goes, over the last hours (at most eight days).

        Of medians of a minute (to 3 hours), ten minutes (to 26) or an hour.
        """
        past = self.pasts.of(operation, service)
        if past is None:
            return Trend(Verdict.TOO_FEW, 0)
        return _trend(past, hours, self._metrics.now_s())

    def slowdown(self, operation: str, service: str) -> Slowdown | None:
        """How an operation is slower than its past just now; None where it is not."""
        return self.slowdowns.of(operation, service)

    def why_slow(self, labels: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Why the operation of these labels (operation, service) is slow just now: for its alert.

        In words and figures; its stage that grew most is named.
        """
        return self._slow.why(labels.get("operation", ""), labels.get("service", ""))

    def operations(self, hours: float = 24) -> list[tuple[OperationFigures, Trend]]:
        """Every operation of the last hours, the dearest first, with its trend over a day."""
        return [
            (one, self._day_trend(one.operation, one.service))
            for one in figures_of(self._metrics, hours)
        ]

    # The thread, and what it does.

    def start(self) -> None:
        """Start the thread; again after a `stop`."""
        if self._thread is None:
            self._stopped.clear()
            self._thread = threading.Thread(target=self._run, name="observe-tuning", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it, two seconds at most."""
        self._stopped.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2)

    def look(self) -> None:
        """Look once at how slow every operation is just now; never raises."""
        with self._looking:
            begun_s = self._clock.monotonic_s()
            try:
                self._metrics.fold()
                now_s = self._metrics.now_s()
                if self.expected_busy():
                    # Neither slow nor a past: it goes on as after a start.
                    self.pasts.warm_until_s = max(self.pasts.warm_until_s, now_s + self._period_s)
                self.pasts.take(now_s)
                self.slowdowns.evaluate(now_s)
            except Exception:  # noqa: BLE001 - observation never breaks what it observes
                self.drops.count("look_failed")
            self._timed("watch_operations", begun_s)

    def collect(self) -> None:
        """Ask the sources once what they find, and decide what became of the rest; never raises."""
        with self._collecting:
            sources = self._sources
            # Each round begins where the last one had to stop.
            first = self._next_source % len(sources)
            begun_s = self._clock.monotonic_s()
            self._next_source = 0
            for n in range(len(sources)):
                at = (first + n) % len(sources)
                if n and self._clock.monotonic_s() - begun_s > self._budget_s:
                    self.drops.count("source_skipped", len(sources) - n)
                    self._next_source = at
                    break
                self._ask(sources[at])
            try:
                self._decide()
            except Exception:  # noqa: BLE001 - as above
                self.drops.count("decide_failed")
            self._timed("find_evidence", begun_s)

    def _timed(self, operation: str, begun_s: float) -> None:
        """Keep what our own work took, as an operation among the others."""
        tags = {"operation": operation, "service": "performance"}
        name = metric_name(PerformanceMetric.RESPONSE_TIME)
        series_id = self._metrics.series_id(name, tags, "seconds", "timing")
        took_s = self._clock.monotonic_s() - begun_s
        if series_id:
            self._metrics.keep_batch([(series_id, self._metrics.now_s(), took_s)])

    def _ask(self, source: EvidenceSource) -> None:
        try:
            now_s = self._metrics.now_s()
            findings = list(source.collect(now_s))
            if len(findings) > _MOST_FINDINGS:
                self.drops.count("findings", len(findings) - _MOST_FINDINGS)
                findings = sorted(findings, key=lambda one: -one.cost_share)[:_MOST_FINDINGS]
            self._ledger.update(source.name, findings, now_s)
        except Exception:  # noqa: BLE001 - a source is another's code
            # What it did not get to say is not missing.
            self.drops.count(f"source_failed_{getattr(source, 'name', 'unknown')}"[:60])

    def _decide(self) -> None:
        now_s = self._metrics.now_s()
        sources = {source.name: source for source in self._sources}
        for record in self._ledger.all():
            if record.status == OPEN and (
                record.missing_since_s is None or now_s - record.missing_since_s < self._settle_s
            ):
                continue
            changed = decided(record, sources.get(record.source), self._metrics, now_s)
            if changed is not None:
                self._ledger.put(changed)

    def _day_trend(self, operation: str, service: str) -> Trend:
        past = self.pasts.of(operation, service)
        if past is None:
            return Trend(Verdict.TOO_FEW, 0)
        known = self._trends.get((operation, service))
        if known is None or known[0] != past.tens_until_s:
            known = past.tens_until_s, _trend(past, _TREND_HOURS, self._metrics.now_s())
            self._trends[(operation, service)] = known
        return known[1]

    def _run(self) -> None:
        due_s = self._clock.monotonic_s() + self._collect_every_s
        while not self._stopped.wait(self._period_s):
            self.look()
            if self._clock.monotonic_s() >= due_s:
                due_s = self._clock.monotonic_s() + self._collect_every_s
                self.collect()


def _ordered(found: list[OptimizationRecommendation]) -> list[OptimizationRecommendation]:
    """Open ones first, then by priority, then by what they cost."""
    return sorted(
        found,
        key=lambda one: (one.status != OPEN, _ORDER.index(one.priority), -one.cost_share, one.id),
    )


def _trend(past: OperationPast, hours: float, now_s: float) -> Trend:
    hours = min(hours, 8 * 24.0)
    since_s = now_s - hours * HOUR_S
    if hours <= _MINUTES_TO_HOURS:
        rows = past.minutes.since(since_s)
    elif hours <= _TENS_TO_HOURS:
        rows = past.tens.since(since_s)
    else:
        rows = past.hours.since(since_s)
    earlier = past.hours.since(now_s - 8 * DAY_S, since_s - HOUR_S)
    medians, freed = free_of_day(rows[:, 0], rows[:, 3], earlier[:, 0], earlier[:, 3])
    return trend_of(rows[:, 0], medians, freed_of_day=freed)
