"""The optimizer: looks for what could be better, and watches what became of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.metrics import MetricsCollector
from sectorwatch.observe.tuning.figures import OperationFigures, figures_of
from sectorwatch.observe.tuning.past import DAY_S, HOUR_S, OperationPasts
from sectorwatch.observe.tuning.slowdown import Slowdown, SlowdownWatch
from sectorwatch.observe.tuning.trends import Trend, Verdict, free_of_day, trend_of

if TYPE_CHECKING:
    from sectorwatch.observe.store import ObserveStore
    from sectorwatch.observe.tuning.past import OperationPast

__all__ = ["PerformanceOptimizer"]

_MINUTES_TO_HOURS = 3.0
_TENS_TO_HOURS = 26.0
_TREND_HOURS = 24.0


class PerformanceOptimizer:
    """Says which operations get slower, and what would make them better.

    `start` begins a thread that looks every `period_s`; without it, whoever calls `look` does.
    Nothing here raises into the program: what fails is counted in `drops`.
    """

    def __init__(
        self,
        metrics: MetricsCollector | None = None,
        *,
        clock: Clock | None = None,
        store: ObserveStore | None = None,
        period_s: float = 15.0,
        least_s: float = 0.005,
        warm_up_s: float = 300.0,
    ) -> None:
        self._clock = clock or SystemClock()
        self._metrics = metrics or MetricsCollector(clock=self._clock, store=store)
        self._period_s = period_s
        self.drops = Drops()
        self.pasts = OperationPasts(self._metrics, warm_up_s=warm_up_s)
        if store is not None:
            store.attach(self.pasts)
        self.slowdowns = SlowdownWatch(self._metrics, self.pasts, least_s=least_s)
        self._trends: dict[tuple[str, str], tuple[float, Trend]] = {}
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._looking = threading.Lock()

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
        """Look at all operations once; never raises."""
        with self._looking:
            try:
                self._metrics.fold()
                now_s = self._metrics.now_s()
                self.pasts.take(now_s)
                self.slowdowns.evaluate(now_s)
            except Exception:  # noqa: BLE001 - observation never breaks what it observes
                self.drops.count("look_failed")

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

    def operations(self, hours: float = 24) -> list[tuple[OperationFigures, Trend]]:
        """Every operation of the last hours, the dearest first, with its trend over a day."""
        return [
            (one, self._day_trend(one.operation, one.service))
            for one in figures_of(self._metrics, hours)
        ]

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
        while not self._stopped.wait(self._period_s):
            self.look()


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
