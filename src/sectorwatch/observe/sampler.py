"""The machine and the process themselves, looked at once a period from a thread of its own."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import psutil

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.enums import PerformanceMetric

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.performance import PerformanceCollector

__all__ = ["OPERATION", "SERVICE", "SystemSampler"]

OPERATION = "system_monitoring"
SERVICE = "system"
# Processor use needs two looks with some time between; the first sample must not wait a period.
_FIRST_LOOK_S = 0.2


class SystemSampler:
    """Samples the machine once every `period_s`, and has waiting samples folded in between.

    Of operation `system_monitoring` of service `system`: `response_time` is the time the sampling
    takes, `memory_usage` and `cpu_usage` are the machine's, in percent. `disk` is a path on the
    disk whose room is watched.
    """

    def __init__(
        self,
        metrics: MetricsCollector,
        performance: PerformanceCollector,
        *,
        period_s: float = 15.0,
        disk: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._metrics = metrics
        self._performance = performance
        self._period_s = period_s
        self._disk = disk
        self._clock = clock or SystemClock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._process = psutil.Process()
        psutil.cpu_percent()
        self._process.cpu_percent()
        self._gauges = {
            name: metrics.gauge(name, unit=unit)
            for name, unit in (
                ("process_resident_memory", "bytes"),
                ("process_cpu", "percent"),
                ("process_threads", ""),
                ("process_open_fds", ""),
                ("system_cpu", "percent"),
                ("system_memory_available", "bytes"),
                ("disk_free", "bytes"),
            )
        }
        self.failed = 0

    def start(self) -> None:
        """Start the thread; once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="observe-sampler", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it, two seconds at most."""
        self._stopped.set()
        self._metrics.folder.crowded.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=2)

    def sample(self) -> None:
        """Look at machine and process once, and record what is seen; what fails is left out."""
        begun_s = self._clock.monotonic_s()
        cpu = psutil.cpu_percent()
        memory = psutil.virtual_memory()
        with self._process.oneshot():
            self._gauges["process_resident_memory"].set(self._process.memory_info().rss)
            self._gauges["process_cpu"].set(self._process.cpu_percent())
            self._gauges["process_threads"].set(self._process.num_threads())
        with contextlib.suppress(psutil.Error, AttributeError):
            self._gauges["process_open_fds"].set(self._process.num_fds())
        self._gauges["system_cpu"].set(cpu)
        self._gauges["system_memory_available"].set(memory.available)
        if self._disk is not None:
            with contextlib.suppress(OSError):
                self._gauges["disk_free"].set(psutil.disk_usage(str(self._disk)).free)
        took_s = self._clock.monotonic_s() - begun_s
        for kind, value in (
            (PerformanceMetric.RESPONSE_TIME, took_s),
            (PerformanceMetric.CPU_USAGE, cpu),
            (PerformanceMetric.MEMORY_USAGE, memory.percent),
        ):
            # Of this operation alone, memory is the machine's in percent, not its own in MB.
            unit = "seconds" if kind is PerformanceMetric.RESPONSE_TIME else "percent"
            self._performance.record_metric(OPERATION, SERVICE, kind, value, unit)

    def _run(self) -> None:
        metrics, folder = self._metrics, self._metrics.folder
        folder.relieved = True
        due_s = self._clock.monotonic_s() + _FIRST_LOOK_S
        try:
            while not self._stopped.is_set():
                folder.crowded.wait(max(0.0, due_s - self._clock.monotonic_s()))
                folder.crowded.clear()
                if self._stopped.is_set():
                    break
                try:
                    if self._clock.monotonic_s() >= due_s:
                        due_s = self._clock.monotonic_s() + self._period_s
                        self.sample()
                        metrics.collect()
                    else:
                        metrics.fold()
                except Exception:  # noqa: BLE001 - whatever the machine answers, go on looking
                    self.failed += 1
        finally:
            folder.relieved = False
