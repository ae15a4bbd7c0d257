"""The machine and the process themselves, looked at once a period from a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.enums import PerformanceMetric
from sectorwatch.observe.profiling.resources import Resources

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.performance import PerformanceCollector

__all__ = ["OPERATION", "SERVICE", "SystemSampler"]

OPERATION = "system_monitoring"
SERVICE = "system"
# Processor use needs two looks with some time between; the first sample must not wait a period.
_FIRST_LOOK_S = 0.2
# A disk fills within a minute, a thread spins within seconds: a little is looked at oftener.
_PULSE_S = 5.0


class SystemSampler:
    """Samples the machine once every `period_s`, and has waiting samples folded in between.

    Of operation `system_monitoring` of service `system`: `response_time` is the time the sampling
    takes, `memory_usage` and `cpu_usage` are the machine's, in percent. What is looked at is said
    by `resources`; without them they are made here, with `disk` a path on the disk that is watched.
    """

    def __init__(
        self,
        metrics: MetricsCollector,
        performance: PerformanceCollector,
        *,
        period_s: float = 15.0,
        disk: Path | None = None,
        clock: Clock | None = None,
        resources: Resources | None = None,
    ) -> None:
        self._metrics = metrics
        self._performance = performance
        self._period_s = period_s
        self._clock = clock or SystemClock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self.resources = resources or Resources(metrics, disk=disk, clock=self._clock)
        self.failed = 0

    def start(self) -> None:
        """Start the thread; while it runs, again does nothing."""
        if self._thread is None:
            self._stopped = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stopped,), name="observe-sampler", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it, two seconds at most."""
        self._stopped.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            self._metrics.folder.crowded.set()
            thread.join(timeout=2)

    def sample(self) -> None:
        """Look at machine and process once, and record what is seen; what fails is left out."""
        self.resources.pulse()
        # A pulse may take its time, where the machine is full; it is none of what this is about.
        begun_s = self._clock.monotonic_s()
        seen = self.resources.look()
        took_s = self._clock.monotonic_s() - begun_s
        for kind, value in (
            (PerformanceMetric.RESPONSE_TIME, took_s),
            (PerformanceMetric.CPU_USAGE, seen.cpu),
            (PerformanceMetric.MEMORY_USAGE, seen.memory),
        ):
            # Of this operation alone, memory is the machine's in percent, not its own in MB.
            unit = "seconds" if kind is PerformanceMetric.RESPONSE_TIME else "percent"
            self._performance.record_metric(OPERATION, SERVICE, kind, value, unit)

    def _run(self, stopped: threading.Event) -> None:
        metrics, folder = self._metrics, self._metrics.folder
        folder.relieved = True
        due_s = time.monotonic() + _FIRST_LOOK_S
        pulse_s = due_s + _PULSE_S
        try:
            while not stopped.is_set():
                folder.crowded.wait(max(0.0, min(due_s, pulse_s) - time.monotonic()))
                folder.crowded.clear()
                if stopped.is_set():
                    break
                now_s = time.monotonic()
                try:
                    if now_s >= due_s:
                        due_s, pulse_s = now_s + self._period_s, now_s + _PULSE_S
                        self.sample()
                        metrics.collect()
                    elif now_s >= pulse_s:
                        pulse_s = now_s + _PULSE_S
                        self.resources.pulse()
                    else:
                        metrics.fold()
                except Exception:  # noqa: BLE001 - whatever the machine answers, go on looking
                    self.failed += 1
        finally:
            folder.relieved = False
