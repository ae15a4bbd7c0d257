"""The machine: processor, memory, disk and network, looked at once a sample."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

if TYPE_CHECKING:
    from sectorwatch.observe.instruments import Counter
    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.profiling.limits import ControlGroup

__all__ = ["Machine", "MachineReading"]

_SECTOR = 512
_IDLE = 0.05
_RATIOS = ("iowait", "steal")


class MachineReading(NamedTuple):
    """Processor and memory in use, percent of the machine."""

    cpu: float
    memory: float


class Machine:
    """Records gauges of the machine; what it does not tell is left out.

    `disk` is a path on the disk that is watched, None for none.
    """

    def __init__(
        self, metrics: MetricsCollector, group: ControlGroup, *, disk: Path | None
    ) -> None:
        self._metrics = metrics
        self._group = group
        self._disk = disk
        self._device = None if disk is None else _device_of(disk)
        self._gauges = {
            name: metrics.gauge(name, unit=unit)
            for name, unit in (
                ("system_cpu", "percent"),
                ("system_cpu_iowait", "percent"),
                ("system_cpu_steal", "percent"),
                ("system_load", ""),
                ("system_memory_available", "bytes"),
                ("memory_available_ratio", "ratio"),
                ("system_swap_used_ratio", "ratio"),
                ("disk_used_ratio", "ratio"),
                ("disk_latency_seconds", "seconds"),
                ("disk_busy_ratio", "ratio"),
                ("cpu_throttled_ratio", "ratio"),
            )
        }
        self._grown = Grown(metrics)
        self._pulse_times = psutil.cpu_times()
        self._times = psutil.cpu_times()
        self._last_device: tuple[int, ...] | None = None
        self._last_s = time.perf_counter()
        self._throttled_s = group.throttled_s()
        psutil.cpu_percent()

    def sample(self) -> MachineReading:
        """Look once. Raises what psutil raises where the machine cannot be asked at all."""
        now_s = time.perf_counter()
        passed_s, self._last_s = now_s - self._last_s, now_s
        cpu = psutil.cpu_percent()
        self._gauges["system_cpu"].set(cpu)
        self._shares_of_processor()
        with suppress(OSError, AttributeError):
            self._gauges["system_load"].set(psutil.getloadavg()[0])
        memory = self._memory()
        self._disk_and_device(passed_s)
        self._network()
        self._throttling(passed_s)
        return MachineReading(cpu, memory)

    def free_bytes(self) -> int | None:
        """What this program may still write on the disk; None where there is none to watch."""
        if self._disk is None:
            return None
        try:
            return psutil.disk_usage(str(self._disk)).free
        except OSError:
            return None

    def is_full(self) -> bool:
        """Whether all processors were busy nearly all the time since this was last asked."""
        before, self._pulse_times = self._pulse_times, psutil.cpu_times()
        passed = sum(self._pulse_times) - sum(before)
        idle = self._pulse_times.idle - before.idle
        return passed > 0 and idle < _IDLE * passed

    def _shares_of_processor(self) -> None:
        before, self._times = self._times, psutil.cpu_times()
        passed = sum(self._times) - sum(before)
        for name in _RATIOS:
            share = getattr(self._times, name, None)
            if share is not None and passed > 0:
                used = max(0.0, share - getattr(before, name))
                self._gauges[f"system_cpu_{name}"].set(100 * used / passed)

    def _memory(self) -> float:
        memory = psutil.virtual_memory()
        available, ratio = memory.available, memory.available / max(memory.total, 1)
        group = self._group.memory()
        if group is not None:
            ratio = min(ratio, group.available_ratio)
            available = min(available, max(0, group.limit - group.used))
        self._gauges["system_memory_available"].set(available)
        self._gauges["memory_available_ratio"].set(ratio)
        with suppress(OSError, RuntimeError):
            self._gauges["system_swap_used_ratio"].set(psutil.swap_memory().percent / 100)
        return float(memory.percent)

    def _disk_and_device(self, passed_s: float) -> None:
        if self._disk is not None:
            with suppress(OSError):
                self._gauges["disk_used_ratio"].set(
                    psutil.disk_usage(str(self._disk)).percent / 100
                )
        if self._device is None:
            return
        try:
            now = tuple(int(word) for word in self._device.read_text("utf-8").split())
            reads, read, read_ms, writes, written, write_ms, busy_ms = (
                now[at] for at in (0, 2, 3, 4, 6, 7, 9)
            )
        except (OSError, ValueError, IndexError):
            return
        self._grown.to("disk_read_bytes_total", read * _SECTOR)
        self._grown.to("disk_write_bytes_total", written * _SECTOR)
        last, self._last_device = self._last_device, (reads + writes, read_ms + write_ms, busy_ms)
        if last is not None and passed_s > 0:
            done, took_ms, busy_ms = (
                max(0, after - before)
                for after, before in zip(self._last_device, last, strict=True)
            )
            if done:
                self._gauges["disk_latency_seconds"].set(took_ms / done / 1_000)
            self._gauges["disk_busy_ratio"].set(min(1.0, busy_ms / 1_000 / passed_s))

    def _network(self) -> None:
        with suppress(OSError):
            every = psutil.net_io_counters(pernic=True)
            lines = [each for name, each in every.items() if name != "lo"]
            self._grown.to("network_received_bytes_total", sum(each.bytes_recv for each in lines))
            self._grown.to("network_sent_bytes_total", sum(each.bytes_sent for each in lines))
            self._grown.to(
                "network_errors_total",
                sum(each.errin + each.errout + each.dropin + each.dropout for each in lines),
            )

    def _throttling(self, passed_s: float) -> None:
        now_s = self._group.throttled_s()
        if now_s is not None and self._throttled_s is not None and passed_s > 0:
            held_s = max(0.0, now_s - self._throttled_s)
            self._gauges["cpu_throttled_ratio"].set(min(1.0, held_s / passed_s))
        self._throttled_s = now_s


class Grown:
    """Counters that follow a count which somebody else keeps, from its first look on."""

    def __init__(self, metrics: MetricsCollector) -> None:
        self._metrics = metrics
        self._last: dict[str, float] = {}
        self._counters: dict[str, Counter] = {}

    def to(self, name: str, count: float, tags: dict[str, str] | None = None) -> None:
        """The count stands at `count` now; less than before means that it began anew."""
        key = name if tags is None else f"{name} {tags}"
        counter = self._counters.get(key)
        if counter is None:
            unit = "bytes" if name.endswith("_bytes_total") else ""
            counter = self._counters[key] = self._metrics.counter(name, tags, unit)
        last = self._last.get(key)
        self._last[key] = count
        if last is not None and count > last:
            counter.inc(count - last)


def _device_of(disk: Path) -> Path | None:
    """The kernel's counts of the device that a path lies on; None where it keeps none."""
    try:
        number = disk.stat().st_dev
    except OSError:
        return None
    path = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat")
    return path if path.is_file() else None
