"""This process: processor by thread, memory, files, connections, looked at once a sample."""

from __future__ import annotations

import errno
import resource
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import psutil

from sectorwatch.observe.profiling.machine import Grown
from sectorwatch.observe.profiling.threads import ThreadTimes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.instruments import Gauge
    from sectorwatch.observe.metrics import MetricsCollector

__all__ = ["Process", "Pulse"]

# What is asked for seldom: the kernel walks through all pages for it.
_LOOK_CLOSELY_EVERY_S = 300.0
_MOST_GROUPS = 40
_STATES = ("established", "listen", "time_wait", "close_wait", "other")


class Pulse(NamedTuple):
    """What is looked at every few seconds.

    `cpu` in percent of one core since the last pulse, None at the first; `resident` in bytes;
    `blocks` are the small pieces of memory that Python's values hold.
    """

    cpu: float | None
    passed_s: float
    resident: int
    blocks: int


class Process:
    """Records gauges of this process; what the system does not tell is left out."""

    def __init__(self, metrics: MetricsCollector) -> None:
        self._metrics = metrics
        self._process = psutil.Process()
        self._gauges = {
            name: metrics.gauge(name, unit=unit)
            for name, unit in (
                ("process_cpu", "percent"),
                ("process_resident_memory", "bytes"),
                ("process_unique_memory", "bytes"),
                ("process_proportional_memory", "bytes"),
                ("process_swapped_memory", "bytes"),
                ("python_allocated_blocks", ""),
                ("process_threads", ""),
                ("process_open_fds", ""),
                ("open_files_ratio", "ratio"),
            )
        }
        self._grown = Grown(metrics)
        self._groups = {kind: _Groups(metrics, kind) for kind in ("thread_cpu", "threads_alive")}
        self._connections = {
            state: metrics.gauge("process_connections", {"state": state}) for state in _STATES
        }
        self._threads = ThreadTimes()
        self._threads.take()
        self._closely_s = float("-inf")
        self._sample_s = self._pulse_s = time.perf_counter()
        self._sample_cpu_s = self._pulse_cpu_s = self._cpu_s()

    def pulse(self) -> Pulse:
        """The little that detectors need; some 50 microseconds."""
        now_s, cpu_s = time.perf_counter(), self._cpu_s()
        passed_s = now_s - self._pulse_s
        cpu = 100 * (cpu_s - self._pulse_cpu_s) / passed_s if passed_s > 0 else None
        self._pulse_s, self._pulse_cpu_s = now_s, cpu_s
        try:
            resident = self._process.memory_info().rss
        except OSError as error:
            if error.errno == errno.EMFILE:
                # Not even that can be asked: all the files that it may hold open are open.
                self._gauges["open_files_ratio"].set(1.0)
            raise
        return Pulse(cpu, passed_s, resident, sys.getallocatedblocks())

    def sample(self) -> None:
        """Look once. Raises what psutil raises where the process cannot be asked at all."""
        now_s, cpu_s = time.perf_counter(), self._cpu_s()
        passed_s = now_s - self._sample_s
        if passed_s > 0:
            self._gauges["process_cpu"].set(100 * (cpu_s - self._sample_cpu_s) / passed_s)
        self._sample_s, self._sample_cpu_s = now_s, cpu_s
        self._gauges["process_resident_memory"].set(self._process.memory_info().rss)
        self._gauges["python_allocated_blocks"].set(sys.getallocatedblocks())
        self._by_thread(passed_s)
        self._counted_by_kernel()
        self._files()
        self._sockets()
        if now_s - self._closely_s >= _LOOK_CLOSELY_EVERY_S:
            self._closely_s = now_s
            self._memory_closely()

    def _cpu_s(self) -> float:
        # The whole process, all its threads; the built-in is exact where psutil counts in 10 ms.
        return time.process_time()

    def _by_thread(self, passed_s: float) -> None:
        used_s, count = self._threads.take()
        self._gauges["process_threads"].set(sum(count.values()))
        if passed_s > 0:
            self._groups["thread_cpu"].set(
                {group: 100 * seconds / passed_s for group, seconds in used_s.items()}
            )
        self._groups["threads_alive"].set(count)

    def _counted_by_kernel(self) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._grown.to("process_major_faults_total", usage.ru_majflt)
        for kind, number in (("voluntary", usage.ru_nvcsw), ("involuntary", usage.ru_nivcsw)):
            self._grown.to("process_context_switches_total", number, {"kind": kind})
        with suppress(psutil.Error, AttributeError, OSError):
            traffic = self._process.io_counters()
            self._grown.to("process_disk_read_bytes_total", traffic.read_bytes)
            self._grown.to("process_disk_write_bytes_total", traffic.write_bytes)

    def _files(self) -> None:
        with suppress(psutil.Error, AttributeError):
            number = self._process.num_fds()
            self._gauges["process_open_fds"].set(number)
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            if soft not in (resource.RLIM_INFINITY, 0):
                self._gauges["open_files_ratio"].set(number / soft)

    def _sockets(self) -> None:
        count = dict.fromkeys(_STATES, 0)
        with suppress(psutil.Error, OSError):
            for each in self._process.net_connections("tcp"):
                state = each.status.lower()
                count[state if state in count else "other"] += 1
            for name, number in count.items():
                self._connections[name].set(number)

    def _memory_closely(self) -> None:
        with suppress(psutil.Error, OSError):
            memory = self._process.memory_full_info()
            for name, value in (
                ("process_unique_memory", getattr(memory, "uss", None)),
                ("process_proportional_memory", getattr(memory, "pss", None)),
                ("process_swapped_memory", getattr(memory, "swap", None)),
            ):
                if value is not None:
                    self._gauges[name].set(value)


class _Groups:
    """Gauges by group of threads: bounded, and 0 for a group that is gone."""

    def __init__(self, metrics: MetricsCollector, name: str) -> None:
        self._metrics = metrics
        self._name = name
        self._gauges: dict[str, Gauge] = {}

    def set(self, values: Mapping[str, float]) -> None:
        """What each group has now."""
        given: dict[str, float] = {}
        for group, value in values.items():
            is_new = group not in self._gauges
            name = "other" if is_new and len(self._gauges) >= _MOST_GROUPS else group
            if name not in self._gauges:
                unit = "percent" if self._name == "thread_cpu" else ""
                self._gauges[name] = self._metrics.gauge(self._name, {"thread": name}, unit)
            given[name] = given.get(name, 0.0) + value
        for name, gauge in self._gauges.items():
            gauge.set(given.get(name, 0.0))
