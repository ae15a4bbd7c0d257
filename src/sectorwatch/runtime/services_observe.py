"""The services that watch the others: logging, monitoring, performance."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from sectorwatch.observe import (
    FileSink,
    HealthState,
    LogCorrelationContext,
    UncaughtErrors,
    bridge_stdlib,
    read_tail,
)
from sectorwatch.runtime.service import Health, Service, end_of
from sectorwatch.runtime.threads import call_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sectorwatch.observe import StdlibBridge, Telemetry

__all__ = ["LoggingService", "MonitoringService", "PerformanceService"]

_LOG_FILES = 5
_FIRST_CHECK_S = 2.0
# Four of the alert rules' periods: one evaluation may wait for a cause, not all of them.
_BEHIND_S = 60.0
_FIRST_REPORT_S = 20.0


class LoggingService(Service):
    """Keeps the log in files of the data directory, besides what goes to standard error.

    What libraries log in Python's own way becomes lines like ours. `keep_mb` bounds the files
    together; 0 writes none. Every `report_every_s` seconds each subject of `telemetry.reports` gets
    its line; 0 for never. With observation off libraries and the interpreter say what they have to
    say as if we were not there: nobody else would.
    """

    name = "logging"

    def __init__(
        self, telemetry: Telemetry, folder: Path, *, keep_mb: float, report_every_s: float = 0.0
    ) -> None:
        self._log = telemetry.log
        self._is_on = telemetry.is_on
        self._reports = telemetry.reports
        self._report_every_s = report_every_s
        self._task: asyncio.Task[None] | None = None
        self._folder = folder
        self._file_bytes = int(keep_mb * 1_000_000 / _LOG_FILES)
        self._sink: FileSink | None = None
        self._bridge: StdlibBridge | None = None
        self._uncaught = UncaughtErrors(telemetry.log)
        self._failed_before = 0

    async def start(self) -> None:
        """Open the file. Raises OSError where there can be none."""
        if self._file_bytes > 0:
            # Megabytes are read.
            await call_in_thread(self._open, "logging-open")
        if self._is_on:
            self._bridge = bridge_stdlib(self._log)
            self._uncaught.install()
        if self._report_every_s > 0:
            self._task = asyncio.create_task(self._report(), name="reports")

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, keep = self._folder / "sectorwatch.log", _LOG_FILES - 1
        lines, ring = self._log.lines, self._log.lines.ring
        earlier = list(read_tail(path, keep=keep, max_bytes=ring.max_bytes))
        self._sink = FileSink(path, max_bytes=self._file_bytes, keep=keep)
        unfiled = ring.lines()
        if ring.take_up(earlier):
            # What was logged while this instance was put together belongs into the file too.
            for line in unfiled:
                self._sink.write(line)
        lines.sinks = (*lines.sinks, self._sink)

    async def stop(self) -> None:
        """Close the file; standard error goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        self._uncaught.remove()
        if self._bridge is not None:
            logging.getLogger().removeHandler(self._bridge)
            self._bridge = None
        if self._sink is not None:
            lines = self._log.lines
            lines.sinks = tuple(sink for sink in lines.sinks if sink is not self._sink)
            self._sink.close()
            self._sink = None

    async def failed(self) -> BaseException:
        """Wait until nothing is reported any more."""
        return await end_of(self._task, "the reporting")

    async def _report(self) -> None:
        await asyncio.sleep(min(_FIRST_REPORT_S, self._report_every_s))
        while True:
            with LogCorrelationContext():
                await call_in_thread(self._reports.say, "reports")
            await asyncio.sleep(self._report_every_s)

    async def health(self) -> Health:
        """Degraded where lines could not be written since the last check."""
        if self._sink is not None:
            # A folder that is gone says so with the next line.
            with suppress(OSError):
                self._sink.look()
        dropped = self._log.dropped
        failed = sum(dropped.values())
        is_new, self._failed_before = failed > self._failed_before, failed
        state = HealthState.DEGRADED if is_new else HealthState.HEALTHY
        return Health(state, {"sinks": len(self._log.lines.sinks), "dropped": dropped})


class MonitoringService(Service):
    """Looks after every service's health, keeps what is observed on the disk, and alerts.

    `announce` is called with `health` and a service's name when what a check finds is new, and
    with `metrics` after each round of checks.
    """

    name = "monitoring"
    uses = ("logging",)

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        check_every_s: float = 15.0,
        announce: Callable[[str, str], None] | None = None,
    ) -> None:
        self._telemetry = telemetry
        self._announce = announce or (lambda _topic, _name: None)
        self._found: dict[str, HealthState] = {}
        self._failed_before = 0
        self._check_every_s = check_every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        if self._telemetry.store is not None:
            self._telemetry.store.start()
        self._telemetry.alerts.start()
        self._task = asyncio.create_task(self._check(), name="monitoring")

    async def stop(self) -> None:
        """Look no more, and write what is new."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        await call_in_thread(self._telemetry.alerts.stop, "monitoring-alerts")
        store = self._telemetry.store
        if store is not None:
            await call_in_thread(store.flush, "monitoring-flush")

    async def health(self) -> Health:
        """Degraded where what is observed cannot be kept, or rules are not looked at in time.

        What could not be kept counts until the next check: it is in the details for good.
        """
        metrics, store = self._telemetry.metrics, self._telemetry.store
        alerts = self._telemetry.alerts.state()
        state = {} if store is None else store.state()
        failed = 0 if store is None else sum(state["dropped"].values())
        is_new, self._failed_before = failed > self._failed_before, failed
        good = store is None or (state["writing"] and not is_new)
        if alerts:
            good &= alerts["evaluating"] and alerts["behind_s"] < _BEHIND_S
        return Health(
            HealthState.HEALTHY if good else HealthState.DEGRADED,
            {
                **state,
                "metrics": metrics.metrics_count,
                "samples_dropped": metrics.dropped,
                "alerts": alerts,
            },
        )

    async def failed(self) -> BaseException:
        """Wait until it can look no more."""
        return await end_of(self._task, "monitoring")

    async def _check(self) -> None:
        # The others start after this one; nothing is said of them before they could.
        await asyncio.sleep(min(_FIRST_CHECK_S, self._check_every_s))
        while True:
            with (
                LogCorrelationContext(),
                self._telemetry.timed("check_services", "monitoring", slow_s=10.0),
            ):
                checked = await self._telemetry.health.check_all_services()
            for name, status in checked.items():
                if self._found.get(name, HealthState.HEALTHY) is not status.status:
                    self._announce("health", name)
                self._found[name] = status.status
            self._announce("metrics", "")
            await asyncio.sleep(self._check_every_s)


class PerformanceService(Service):
    """Samples machine and process, watches the event loop, and says what gets slower.

    From threads of its own.
    """

    name = "performance"
    uses = ("monitoring",)

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._failed_before = 0

    async def start(self) -> None:
        """Begin to sample; the first sample is there when this returns."""
        telemetry = self._telemetry
        if not telemetry.is_on:
            return
        await call_in_thread(telemetry.sampler.sample, "performance-first")
        telemetry.sampler.start()
        telemetry.optimizer.start()
        telemetry.resources.start(asyncio.get_running_loop())

    async def stop(self) -> None:
        """Sample and watch no more."""
        await call_in_thread(self._telemetry.optimizer.stop, "performance-stop-tuning")
        await call_in_thread(self._telemetry.resources.stop, "performance-unwatch")
        await call_in_thread(self._telemetry.sampler.stop, "performance-stop")

    async def health(self) -> Health:
        """Degraded where the machine could not be sampled since the last check."""
        telemetry = self._telemetry
        failed = telemetry.sampler.failed + telemetry.resources.loop.failed
        is_new, self._failed_before = failed > self._failed_before, failed
        return Health(
            HealthState.DEGRADED if is_new else HealthState.HEALTHY,
            {
                "failed_samples": failed,
                "operations": len(telemetry.performance.operations()),
                "profiles": len(telemetry.profiler.profiles),
                "loop_blocks": len(telemetry.resources.loop.blocks),
                "leak": telemetry.resources.leaks.verdict.state,
                "tuning": telemetry.optimizer.state(),
            },
        )
