"""All that is watched of machine and process: samples, forecasts, verdicts, causes."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.profiling.disk_slope import NOT_IN_SIGHT_S, DiskForecast, DiskSlope
from sectorwatch.observe.profiling.evidence import ProfileEvidence
from sectorwatch.observe.profiling.frames import OwnCode
from sectorwatch.observe.profiling.garbage import GarbageWatch
from sectorwatch.observe.profiling.kept import KeptProfiling
from sectorwatch.observe.profiling.leak_watch import LeakWatch
from sectorwatch.observe.profiling.leaks import LeakDetector
from sectorwatch.observe.profiling.limits import ControlGroup
from sectorwatch.observe.profiling.loop_watch import LoopWatch
from sectorwatch.observe.profiling.machine import Machine
from sectorwatch.observe.profiling.process import Process
from sectorwatch.observe.profiling.spikes import CpuSpikes, Spike
from sectorwatch.observe.profiling.stacks import Profile, StackSampler
from sectorwatch.observe.profiling.threads import running_share

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.profiling.machine import MachineReading
    from sectorwatch.observe.store import ObserveStore

__all__ = ["ResourceLimits", "Resources"]

_SPIKE = "cpu_spike"
_PERIODIC = "periodic"
_EXPLAIN_S = 20.0
_BLOCKS_TOLD = 5
_SOME_CPU = 10.0
_WANTED_EVERY_S = 4.0


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """From when on what is seen counts, and what looking closer may cost.

    `periodic_every_s` 0 takes no profiles but those that have a reason; `owners` are the services
    by the beginning of a path in the program's package.
    """

    loop_blocked_s: float = 0.25
    loop_period_s: float = 0.1
    cpu_spike_percent: float = 70.0
    cpu_spike_s: float = 30.0
    profile_s: float = 4.0
    profile_hz: float = 100.0
    profile_budget_s_a_day: float = 900.0
    periodic_every_s: float = 600.0
    periodic_s: float = 2.0
    periodic_hz: float = 50.0
    leak_mb_an_hour: float = 8.0
    leak_mb: float = 50.0
    leak_warm_up_s: float = 7_200.0
    leak_trace_s: float = 45.0
    leak_looks_a_day: int = 6
    owners: Mapping[str, str] = field(default_factory=dict)


class Resources:
    """Watches machine and process; each `pulse` and `sample` looks once, `start` keeps listening.

    `disk` is a path on the disk whose room is watched. `expected_busy` says whether the process is
    known to work hard just now: starting, or catching up. What is asked of it may come from any
    thread.
    """

    def __init__(
        self,
        metrics: MetricsCollector,
        *,
        disk: Path | None = None,
        limits: ResourceLimits | None = None,
        clock: Clock | None = None,
        group: ControlGroup | None = None,
        store: ObserveStore | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._limits = limits = limits or ResourceLimits()
        self._group = group or ControlGroup()
        self.own = OwnCode(owners=dict(limits.owners))
        self.machine = Machine(metrics, self._group, disk=disk)
        self.process = Process(metrics)
        self.garbage = GarbageWatch(metrics)
        self.loop = LoopWatch(
            metrics,
            period_s=limits.loop_period_s,
            blocked_s=limits.loop_blocked_s,
            clock=self._clock,
            own=self.own,
        )
        self.profiler = StackSampler(
            clock=self._clock, own=self.own, budget_s_a_day=limits.profile_budget_s_a_day
        )
        self.leaks = LeakWatch(
            metrics,
            self.own,
            detector=LeakDetector(
                least_mb_an_hour=limits.leak_mb_an_hour,
                least_mb=limits.leak_mb,
                warm_up_s=limits.leak_warm_up_s,
            ),
            trace_s=limits.leak_trace_s,
            most_a_day=limits.leak_looks_a_day,
            clock=self._clock,
        )
        self.evidence = ProfileEvidence(self.leaks, self.loop, self._clock.monotonic_s)
        self.profiler.on_profile = self.evidence.take
        if store is not None:
            store.attach(
                KeptProfiling(
                    self.profiler, self.loop, self.leaks, self.evidence, self._clock.monotonic_s
                )
            )
        self.expected_busy: Callable[[], bool] = lambda: False
        self.drops = Drops()
        self._spikes = CpuSpikes(percent=limits.cpu_spike_percent, lasting_s=limits.cpu_spike_s)
        self._slope = DiskSlope()
        self._pulsing = threading.Lock()
        self._wanted_s = float("-inf")
        self._spike: Spike | None = None
        self._disk: DiskForecast | None = None
        self._was_falling = False
        self._periodic_due_s = self._clock.monotonic_s() + limits.periodic_every_s / 2
        self._cores = float(os.cpu_count() or 1)
        self._free = metrics.gauge("disk_free", unit="bytes")
        self._full_in = metrics.gauge("disk_full_in_seconds", unit="seconds")
        self._spike_gauge = metrics.gauge("cpu_spike_percent", unit="percent")

    @property
    def spike(self) -> Spike | None:
        """The processor spike that goes on; None for none."""
        return self._spike

    @property
    def disk(self) -> DiskForecast | None:
        """When the disk will be full; None while it does not fall."""
        return self._disk

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Listen to the garbage collector, and to `loop`, which runs in the calling thread."""
        self.garbage.start()
        if loop is not None:
            self.loop.start(loop)

    def stop(self) -> None:
        """Listen no more; what has been found stays."""
        self.garbage.stop()
        self.loop.stop()

    def close(self) -> None:
        """The same, and have a look that is under way given up."""
        self.stop()
        self.leaks.close()

    def sample(self) -> MachineReading:
        """Look at everything once. Raises where the system cannot be asked at all."""
        self.pulse()
        return self.look()

    def look(self) -> MachineReading:
        """Look at what is looked at seldom. Raises where the system cannot be asked at all."""
        self.process.sample()
        self.garbage.record(self._clock.monotonic_s())
        return self.machine.sample()

    def pulse(self) -> None:
        """The little that is looked at every few seconds: processor, memory, room on the disk."""
        with self._pulsing:
            now_s = self._clock.monotonic_s()
            busy = self._is_busy()
            seen = self.process.pulse()
            # Asked each time, for it is of the time since it was last asked.
            is_full = self.machine.is_full()
            if seen.cpu is not None:
                cpu = seen.cpu
                if is_full and not busy and _SOME_CPU <= cpu < self._limits.cpu_spike_percent:
                    # The machine does not give what is wanted: count what that is.
                    cpu = max(cpu, self._wanted())
                self._burnt(now_s, seen.passed_s, cpu, busy=busy)
            self.leaks.add(now_s, seen.resident, seen.blocks, busy=busy)
            free = self.machine.free_bytes()
            if free is not None:
                self._free.set(free)
                self._foresee(now_s, free)
            if self._limits.periodic_every_s > 0 and now_s >= self._periodic_due_s:
                self._periodic_due_s = now_s + self._limits.periodic_every_s
                self.profiler.start(
                    self._limits.periodic_s, trigger=_PERIODIC, rate_hz=self._limits.periodic_hz
                )

    def _wanted(self) -> float:
        """Percent of a core that this process wants; 0 where that was asked a moment ago."""
        now_s = time.perf_counter()
        # It takes half a second: where time is simulated, pulses may come faster than that.
        if now_s - self._wanted_s < _WANTED_EVERY_S:
            return 0.0
        self._wanted_s = now_s
        return 100 * running_share()

    def _is_busy(self) -> bool:
        try:
            return bool(self.expected_busy())
        except Exception:  # noqa: BLE001 - another's code
            self.drops.count("expected_busy_failed")
            return False

    def _burnt(self, now_s: float, passed_s: float, cpu: float, *, busy: bool) -> None:
        cores = min(self._group.processors() or self._cores, self._cores)
        spike = self._spikes.add(now_s, passed_s, cpu, busy=busy, cores=cores)
        if spike is not None and spike.is_new:
            self.profiler.start(
                self._limits.profile_s, trigger=_SPIKE, rate_hz=self._limits.profile_hz
            )
        self._spike = spike
        self._spike_gauge.set(0.0 if spike is None else spike.percent)

    def _foresee(self, now_s: float, free: float) -> None:
        self._disk = found = self._slope.add(now_s, free)
        if found is not None:
            self._full_in.set(found.full_in_s)
        elif self._was_falling:
            # Once, so that the last word is not the worst one.
            self._full_in.set(NOT_IN_SIGHT_S)
        self._was_falling = found is not None

    # Causes, in words: for alerts.

    def explain_cpu(self, labels: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
        """Which functions burn the processor; waits for the profile of a spike."""
        del labels
        profile = self._profile_of_spike()
        if profile is None:
            return "no profile could be taken", {}
        return profile.words(), {
            "profile": profile.number,
            "functions": [
                {"function": each.function, "file": each.file, "line": each.line, "share": share}
                for each, share in profile.blamed[:5]
            ],
            "threads": [{"thread": name, "share": share} for name, share in profile.threads[:5]],
        }

    def explain_leak(self, labels: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
        """Which lines hold more and more memory; waits for a look that is under way."""
        del labels
        self.leaks.wait(_EXPLAIN_S)
        verdict = self.leaks.verdict
        lines = verdict.holding
        return verdict.words(), {
            "lines": [
                {
                    "file": each.file,
                    "line": each.line,
                    "source": each.source,
                    "service": each.service,
                    "bytes_per_second": round(each.bytes_per_s, 1),
                }
                for each in lines[:5]
            ]
        }

    def explain_block(self, labels: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
        """What held the event loop up lately, for longest."""
        del labels
        now = self.loop.ongoing
        lately = [*([] if now is None else [now]), *self.loop.blocks[:_BLOCKS_TOLD]]
        # The longest of the last few: one that has just begun says little.
        block = max(lately, key=lambda each: each.duration_s, default=None)
        if block is None:
            return "the event loop has not stood still", {}
        return block.words(), {
            "seconds": round(block.duration_s, 3),
            "function": None if block.blame is None else block.blame.function,
            "stack": block.stacks[0][0] if block.stacks else None,
        }

    def explain_disk(self, labels: Mapping[str, str]) -> str:
        """How fast the disk fills."""
        del labels
        found = self._disk
        if found is None:
            return "the room on the disk does not fall any more"
        return (
            f"room on the disk goes by {found.bytes_per_s / 1e6:.3g} MB a second, seen over "
            f"{found.seen_s:.0f} s"
        )

    def _profile_of_spike(self) -> Profile | None:
        """The newest profile that a spike started, waited for where it is being taken."""
        self.profiler.wait(_EXPLAIN_S)
        found = self.profiler.profiles
        return next((each for each in found if each.trigger == _SPIKE), found[0] if found else None)
