"""Performance: what operations take, how often they fail, and which of them are slow.

Ending a timed block appends one tuple to a list; metrics and log analytics are fed from it in
batches, so that one call does both for the price of neither. A line is logged only where the
operation was slow or failed.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.observe.clock import Clock, SystemClock, as_datetime
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.enums import LogCategory, LogLevel, PerformanceMetric
from sectorwatch.observe.history import FINE_S
from sectorwatch.observe.results import PerformanceData
from sectorwatch.observe.spans import SpanRing
from sectorwatch.observe.summaries import Summaries
from sectorwatch.observe.timed import FAILED, FAILED_LOGGED, LOGGED, WELL, Finished, Timed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.logs import StructuredLogger
    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.series import Kind

__all__ = ["Operation", "PerformanceCollector", "metric_name"]

_UNITS = {
    PerformanceMetric.RESPONSE_TIME: "seconds",
    PerformanceMetric.THROUGHPUT: "operations/second",
    PerformanceMetric.MEMORY_USAGE: "megabytes",
    PerformanceMetric.CPU_USAGE: "percent",
    PerformanceMetric.DATABASE_QUERY_TIME: "seconds",
    PerformanceMetric.CACHE_HIT_RATE: "ratio",
    PerformanceMetric.ERROR_RATE: "ratio",
    PerformanceMetric.CONCURRENT_REQUESTS: "operations",
}
_TAKEN = frozenset({"operation", "level", "category", "error", "slow_s"})
_MOST_OPERATIONS = 500
_MOST_METADATA = 50
_RATES_EVERY_S = 5.0
_ENDLESS = float("inf")


def metric_name(metric_type: PerformanceMetric) -> str:
    """The metric under which measurements of this type are kept.

    >>> metric_name(PerformanceMetric.RESPONSE_TIME)
    'operation_response_time'
    """
    return f"operation_{PerformanceMetric(metric_type).value}"


class Operation:
    """One operation of one service: its series, and what it did since rates were last taken."""

    __slots__ = (
        "cpu_due_s",
        "memory_due_s",
        "metadata",
        "number",
        "operation",
        "series",
        "service",
        "window_n",
        "window_s",
    )

    def __init__(self, number: int, operation: str, service: str) -> None:
        self.number = number
        self.operation = operation
        self.service = service
        self.series: dict[PerformanceMetric, int] = {}
        self.metadata: deque[tuple[float, PerformanceMetric, Mapping[str, Any]]] = deque(
            maxlen=_MOST_METADATA
        )
        self.cpu_due_s = float("-inf")
        self.memory_due_s = float("-inf")
        self.window_n = 0
        self.window_s = 0.0


class PerformanceCollector:
    """Measures operations; never raises into what it measures.

    An operation that takes `slow_s` seconds or more is logged as slow; `slow_s_of` has other
    limits for single operations, by "service:operation".
    """

    def __init__(
        self,
        metrics: MetricsCollector,
        log: StructuredLogger,
        *,
        clock: Clock | None = None,
        slow_s: float = 1.0,
        slow_s_of: Mapping[str, float] | None = None,
        fold_at: int = 2_048,
        spans: SpanRing | None = None,
    ) -> None:
        self.keep_span = (SpanRing(clock=clock) if spans is None else spans).keep
        self._metrics = metrics
        self._log = log
        self._slow_s = slow_s
        self._slow_s_of = dict(slow_s_of or {})
        self._clock = clock or SystemClock()
        self.monotonic_s = self._clock.monotonic_s
        self.fold_at = fold_at
        self.finished: list[Finished] = []
        self.drops = Drops()
        self._operations: dict[tuple[str, str], Operation] = {}
        self._numbered: list[Operation] = []
        self._lock = threading.Lock()
        self._folding = threading.Lock()
        self._rates_taken_s = self.monotonic_s()
        metrics.before_drain.append(self.fold)
        metrics.before_gather.append(self.collect)
        log.lines.analytics.before_read = self.fold

    def timed(
        self, operation: str, service: str, *, slow_s: float | None = None, **context: Any
    ) -> Timed:
        """A context manager and decorator that times what it holds.

        Keeps response time, error rate, processor share and memory of the operation, feeds the
        log's analytics, and logs a line with `context` where it took `slow_s` or longer, or raised.
        """
        known = self._operations.get((operation, service))
        if known is None:
            known = self._learn(operation, service)
        if slow_s is None:
            slow_s = self._slow_s
            if self._slow_s_of:
                slow_s = self._slow_s_of.get(f"{service}:{operation}", slow_s)
        return Timed(self, known, slow_s, context)

    def record_metric(
        self,
        operation: str,
        service: str,
        metric_type: PerformanceMetric,
        value: float,
        unit: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep one measurement of an operation; never raises.

        Times in seconds, processor in percent, memory in MB, rates from 0 to 1.
        """
        try:
            kind = PerformanceMetric(metric_type)
            number = float(value)
            known = self._operations.get((operation, service)) or self._learn(operation, service)
            series_id = self._series(known, kind, unit)
            if number - number != 0.0 or not series_id:
                self.drops.count("bad_value" if series_id else "no_series")
                return
            now_s = self._metrics.now_s()
            self._metrics.keep_batch([(series_id, now_s, number)])
            if metadata:
                known.metadata.append((now_s, kind, dict(metadata)))
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self.drops.count("bad_value")

    def get_metric_summary(
        self, operation: str, service: str, metric_type: PerformanceMetric, hours: float = 24
    ) -> dict[str, Any]:
        """Count, avg, min, max, median, latest, p95, p99 of an operation; {"count": 0} if none."""
        return self._metrics.get_metric_summary(
            metric_name(metric_type), hours, {"operation": operation, "service": service}
        )

    def get_metrics(
        self, operation: str, service: str, metric_type: PerformanceMetric, hours: float = 24
    ) -> list[PerformanceData]:
        """Every measurement of an operation in the last hours, oldest first; [] if none."""
        kind = PerformanceMetric(metric_type)
        known = self._operations.get((operation, service))
        metadata = {
            as_datetime(time_s): given
            for time_s, of, given in (known.metadata.copy() if known else ())
            if of == kind
        }
        return [
            PerformanceData(
                operation,
                service,
                kind,
                one.value,
                one.timestamp,
                one.unit,
                metadata.get(one.timestamp, {}),
            )
            for one in self._metrics.get_metrics(
                metric_name(kind), hours, {"operation": operation, "service": service}
            )
        ]

    def operations(self) -> list[tuple[str, str]]:
        """Every (operation, service) that was measured and not yet forgotten, sorted."""
        found = {
            (tags["operation"], tags["service"])
            for kind in PerformanceMetric
            for tags, _ in self._metrics.series.ids_of(metric_name(kind)).values()
            if tags.keys() >= {"operation", "service"}
        }
        return sorted(found)

    def ended(
        self, operation: str, service: str, duration_s: float, *, failed: bool = False
    ) -> None:
        """Keep one run of an operation that was timed elsewhere; never raises.

        As a `timed` block does, but for the processor's share and the line of the log.
        """
        try:
            known = self._operations.get((operation, service)) or self._learn(operation, service)
            how = FAILED if failed else WELL
            if not 0.0 <= duration_s < _ENDLESS:
                self.drops.count("bad_value")
                return
            finished = self.finished
            finished.append((known.number, self.monotonic_s(), float(duration_s), -1.0, how))
            if len(finished) >= self.fold_at:
                self.make_room()
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self.drops.count("bad_value")

    # What `Timed` needs.

    def ended_badly(
        self,
        operation: Operation,
        duration_s: float,
        slow_s: float,
        error: BaseException | None,
        context: dict[str, Any],
    ) -> float:
        """Log what was slow or failed; how it ended, for the record."""
        try:
            return self._ended_badly(operation, duration_s, slow_s, error, context)
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self.drops.count("line_failed")
            return FAILED if isinstance(error, Exception) else WELL

    def keep_memory(self, operation: Operation, megabytes: float) -> None:
        """Keep what the process grew by during an operation."""
        kind = PerformanceMetric.MEMORY_USAGE
        self.record_metric(operation.operation, operation.service, kind, megabytes)

    def make_room(self) -> None:
        """Enough is waiting: fold it, unless another thread is at it."""
        if self._folding.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._folding.release()

    # Housekeeping.

    def fold(self) -> None:
        """Hand what has ended over to metrics and log analytics."""
        with self._folding:
            self._fold()

    def collect(self) -> None:
        """Take throughput and concurrency of the last seconds; every few seconds, any thread."""
        self.fold()
        with self._folding:
            now = self.monotonic_s()
            elapsed = now - self._rates_taken_s
            if elapsed < _RATES_EVERY_S:
                return
            self._rates_taken_s = now
            with self._lock:
                busy = [one for one in self._numbered if one.window_n]
            rates = [(one, one.window_n / elapsed, one.window_s / elapsed) for one in busy]
            for one in busy:
                one.window_n, one.window_s = 0, 0.0
        # Not under the lock: keeping samples may write to disk where no thread does that.
        for one, throughput, concurrency in rates:
            names = (one.operation, one.service)
            self.record_metric(*names, PerformanceMetric.THROUGHPUT, throughput)
            # Little's law: the mean number at work is how many come times how long they stay.
            self.record_metric(*names, PerformanceMetric.CONCURRENT_REQUESTS, concurrency)

    def _fold(self) -> None:
        head = self.finished[:]
        if not head:
            return
        del self.finished[: len(head)]
        flat = np.fromiter(chain.from_iterable(head), np.float64, 5 * len(head)).reshape(-1, 5)
        end, duration_s, cpu_s, how = flat[:, 1], flat[:, 2], flat[:, 3], flat[:, 4]
        numbers = flat[:, 0].astype(np.int64)
        # The wall clock is read once for all: what it was at each end follows from the monotonic.
        time_s = end + (self._metrics.now_s() - self.monotonic_s())
        present = np.unique(numbers)
        ids = np.zeros((3, int(present[-1]) + 1), np.int64)
        for number in present.tolist():
            one = self._numbered[number]
            for row, kind in enumerate(
                (
                    PerformanceMetric.RESPONSE_TIME,
                    PerformanceMetric.CPU_USAGE,
                    PerformanceMetric.ERROR_RATE,
                )
            ):
                ids[row, number] = self._series(one, kind)
        measured = (cpu_s >= 0.0) & (duration_s > 0.0)
        share = 100.0 * np.minimum(cpu_s[measured] / duration_s[measured], 1.0)
        self._metrics.keep_arrays(
            np.concatenate([ids[0, numbers], ids[1, numbers[measured]]]),
            np.concatenate([time_s, time_s[measured]]),
            np.concatenate([duration_s, share]),
        )
        failed = (how == FAILED) | (how == FAILED_LOGGED)
        self._metrics.keep_rows(
            Summaries.of_samples(ids[2, numbers], time_s, failed.astype(np.float64), FINE_S)
        )
        self._count(present, numbers, duration_s, how < LOGGED)

    def _count(
        self,
        present: np.ndarray[Any, np.dtype[np.int64]],
        numbers: np.ndarray[Any, np.dtype[np.int64]],
        duration_s: np.ndarray[Any, np.dtype[np.float64]],
        unlogged: np.ndarray[Any, np.dtype[np.bool_]],
    ) -> None:
        """Count for the rates, and for the log's analytics what no line was written of."""
        n = np.bincount(numbers).tolist()
        spent_s = np.bincount(numbers, weights=duration_s).tolist()
        quiet = np.bincount(numbers, weights=unlogged).tolist()
        quiet_s = np.bincount(numbers, weights=duration_s * unlogged).tolist()
        now_s = self._metrics.now_s()
        for number in present.tolist():
            one = self._numbered[number]
            one.window_n += n[number]
            one.window_s += spent_s[number]
            if quiet[number]:
                self._log.lines.analytics.count_performance(
                    now_s, one.service, int(quiet[number]), quiet_s[number]
                )

    def _ended_badly(
        self,
        operation: Operation,
        duration_s: float,
        slow_s: float,
        error: BaseException | None,
        context: dict[str, Any],
    ) -> float:
        # The logger has parameters of these names.
        about = {f"{key}_" if key in _TAKEN else key: value for key, value in context.items()}
        about |= {"service": operation.service, "duration": duration_s}
        # Cancelling, leaving and interrupting are no failures.
        if isinstance(error, Exception):
            if getattr(error, "_observed", False):
                # An inner operation has told of it already.
                return FAILED
            with suppress(Exception):
                error._observed = True  # type: ignore[attr-defined]  # noqa: SLF001 - our mark
            self._log.log_exception(operation.operation, error, **about)
            return FAILED_LOGGED
        if duration_s >= slow_s:
            self._log.log_operation(
                operation.operation,
                LogLevel.WARNING,
                LogCategory.PERFORMANCE,
                **about | {"slow_s": slow_s},
            )
            return LOGGED
        return WELL

    def _series(self, one: Operation, kind: PerformanceMetric, unit: str = "") -> int:
        series_id = one.series.get(kind)
        if series_id is None:
            tags = {"operation": one.operation, "service": one.service}
            unit = unit or _UNITS[kind]
            instrument: Kind = "timing" if unit == "seconds" else "sample"
            series_id = self._metrics.series_id(metric_name(kind), tags, unit, instrument)
            one.series[kind] = series_id
        return series_id

    def _learn(self, operation: str, service: str) -> Operation:
        """The operation of these names, made where it is new; past the limit, one for all."""
        with self._lock:
            key = (str(operation), str(service))
            known = self._operations.get(key)
            if known is None:
                if len(self._operations) >= _MOST_OPERATIONS:
                    self.drops.count("operation_limit")
                    key = ("other", "other")
                known = self._operations.get(key)
            if known is None:
                known = Operation(len(self._numbered), *key)
                self._numbered.append(known)
                self._operations[key] = known
            return known
