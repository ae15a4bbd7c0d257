"""Starts services in order, watches them, starts again what died, stops all in time."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sectorwatch.clock import Clock, SystemClock
from sectorwatch.errors import SectorwatchError, ServiceError
from sectorwatch.observe import HealthState, PerformanceMetric, Telemetry
from sectorwatch.runtime.order import dependants_of, start_order
from sectorwatch.runtime.service import ServiceState, ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from sectorwatch.observe import HealthChecker, StructuredLogger
    from sectorwatch.runtime.service import Service

__all__ = ["Supervisor"]

_SHORTEST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STEADY_AFTER_S = 60.0
"""A service that ran so long has recovered: its next crash begins again with the short pause."""
_SHORTEST_STEP_S = 0.25


@dataclass(slots=True)
class _Record:
    """What the supervisor knows of one service."""

    service: Service
    log: StructuredLogger
    state: ServiceState = ServiceState.STOPPED
    since_us: int = 0
    running_since_s: float = 0.0
    restarts: int = 0
    crashes: int = 0
    crashes_in_a_row: int = 0
    last_error: str | None = None
    last_error_us: int | None = None
    start_duration_s: float | None = None
    watcher: asyncio.Task[None] | None = None


class Supervisor:
    """Keeps the services of one program; everything but `status` belongs to the event loop.

    Each start has `start_timeout_s`, all stops together `stop_timeout_s`. What dies is started
    again after a pause that doubles from 0.5 s to 30 s, with all that depends on it. `announce` is
    called with a service's name whenever its state changes.
    """

    def __init__(
        self,
        services: Sequence[Service],
        *,
        telemetry: Telemetry | None = None,
        clock: Clock | None = None,
        start_timeout_s: float = 60.0,
        stop_timeout_s: float = 5.0,
        first_pause_s: float = _SHORTEST_PAUSE_S,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self._telemetry = telemetry or Telemetry.null()
        self._clock = clock or SystemClock()
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._first_pause_s = first_pause_s
        self._announce = announce or (lambda _name: None)
        self._records: dict[str, _Record] = {}
        for service in services:
            if service.name in self._records:
                raise ServiceError(f"two services are named {service.name!r}: rename one")
            self._records[service.name] = _Record(
                service,
                self._telemetry.for_service(service.name).log,
                since_us=self._clock.now_us(),
            )
            # There from the start, at 0: Prometheus sees no growth in what begins with 1.
            for metric in ("service_crashes", "service_restarts"):
                self._telemetry.metrics.counter(metric, {"service": service.name})
        self._hard = {name: each.service.depends_on for name, each in self._records.items()}
        self.order = start_order(
            {
                name: (*each.service.depends_on, *each.service.uses)
                for name, each in self._records.items()
            }
        )
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_stopping = False
        self._stop_by_s = float("inf")

    def status(self, name: str | None = None) -> list[ServiceStatus]:
        """All services in their order of start, or the one named; may be called from any thread.

        Raises ServiceError where there is none of that name.
        """
        names = self.order if name is None else [self._known(name)]
        return [
            ServiceStatus(
                name=each,
                state=record.state,
                since_us=record.since_us,
                restarts=record.restarts,
                crashes=record.crashes,
                last_error=record.last_error,
                last_error_us=record.last_error_us,
                depends_on=record.service.depends_on,
                uses=record.service.uses,
                start_duration_s=record.start_duration_s,
            )
            for each in names
            for record in [self._records[each]]
        ]

    def register_health(self, checker: HealthChecker) -> None:
        """Have `checker` look after every service, its dependencies told."""
        for name, record in self._records.items():
            service = record.service
            checker.register(
                name,
                partial(self._health_of, record),
                depends_on=(*service.depends_on, *service.uses),
            )

    async def _health_of(self, record: _Record) -> dict[str, Any]:
        about: dict[str, Any] = {"state": record.state, "restarts": record.restarts}
        if record.last_error is not None:
            about["last_error"] = record.last_error
        if record.state is not ServiceState.RUNNING:
            return {"status": HealthState.UNHEALTHY, **about}
        with self._telemetry.timed("health", record.service.name):
            health = await record.service.health()
        return {"status": health.status, **about, **health.details}

    async def start(self) -> None:
        """Start everything in order; where one does not start, stop those that did and raise."""
        self._is_stopping = False
        self._stop_by_s = float("inf")
        async with self._lock:
            for name in self.order:
                try:
                    await self._start_one(name)
                except BaseException:
                    await self._stop_all()
                    raise

    async def stop(self) -> None:
        """Stop everything in reverse order, within `stop_timeout_s`; never raises for a service."""
        self._is_stopping = True
        self._stop_by_s = asyncio.get_running_loop().time() + self._stop_timeout_s
        for task in list(self._tasks):
            task.cancel()
        async with self._lock:
            await self._stop_all()

    async def restart(self, name: str) -> None:
        """Stop a service and all that depends on it, and start them again.

        Goes on to its end even where the caller is cancelled (a request whose server is what is
        being restarted). Raises ServiceError where there is none of that name, or it did not
        start; then it is tried again by itself.
        """
        self._known(name)
        if self._is_stopping:
            raise ServiceError(f"{name} is not restarted: everything is being stopped")
        await asyncio.shield(self._task(self._restart(name), f"restart:{name}"))

    def _known(self, name: str) -> str:
        if name not in self._records:
            raise ServiceError(f"no service is named {name!r}: there are {', '.join(self.order)}")
        return name

    async def _restart(self, name: str) -> None:
        async with self._lock:
            self._records[name].restarts += 1
            self._count("service_restarts", name)
            affected = self._stopped_with(name)
            loop = asyncio.get_running_loop()
            deadline = loop.time() + self._stop_timeout_s
            for each in reversed(affected):
                await self._stop_one(each, deadline - loop.time(), ServiceState.WAITING)
            problems: list[str] = []
            for each in affected:
                # What depends on something that is down waits for it: its next start brings both.
                if missing := self._missing(each):
                    problems.append(f"{each} waits for {', '.join(missing)}")
                    continue
                try:
                    await self._start_one(each)
                except Exception as error:  # noqa: BLE001 - logged there, tried again here
                    problems.append(f"{each} did not start: {error}")
                    self._retry_later(each)
            if problems:
                raise ServiceError("; ".join(problems))

    def _missing(self, name: str) -> list[str]:
        return [
            each
            for each in self._hard[name]
            if self._records[each].state is not ServiceState.RUNNING
        ]

    def _stopped_with(self, name: str) -> list[str]:
        together = {name, *dependants_of(name, self._hard)}
        return [each for each in self.order if each in together]

    async def _start_one(self, name: str) -> None:
        record = self._records[name]
        self._enter(record, ServiceState.STARTING)
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        try:
            async with asyncio.timeout(self._start_timeout_s):
                await record.service.start()
        except BaseException as caught:
            error: BaseException = caught
            if isinstance(caught, TimeoutError):
                error = ServiceError(
                    f"service {name} did not start within {self._start_timeout_s:g} s; "
                    "its log says how far it came"
                )
            self._note(record, error)
            self._log("start", record, error)
            await self._stop_one(name, self._stop_timeout_s, ServiceState.FAILED)
            if isinstance(caught, asyncio.CancelledError):
                raise
            raise error from caught
        record.start_duration_s = loop.time() - started_s
        record.running_since_s = loop.time()
        self._timed("start", name, record.start_duration_s)
        record.watcher = asyncio.create_task(self._watch(name), name=f"watch:{name}")
        self._enter(record, ServiceState.RUNNING)
        self._log("start", record, None, duration_s=round(record.start_duration_s, 6))

    async def _stop_all(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._stop_timeout_s
        left = [
            name for name in self.order if self._records[name].state is not ServiceState.STOPPED
        ]
        while left:
            name = left.pop()
            # Whoever hangs may not eat the time of those behind it.
            limit = deadline - loop.time() - _SHORTEST_STEP_S * len(left)
            await self._stop_one(name, limit, ServiceState.STOPPED)

    async def _stop_one(self, name: str, limit_s: float, afterwards: ServiceState) -> None:
        record = self._records[name]
        if record.watcher is not None:
            if record.watcher is not asyncio.current_task():
                record.watcher.cancel()
            record.watcher = None
        idle = {ServiceState.STOPPED, ServiceState.WAITING, ServiceState.FAILED}
        if record.state not in idle:
            self._enter(record, ServiceState.STOPPING)
            started_s = asyncio.get_running_loop().time()
            limit = max(min(limit_s, self._stop_by_s - started_s), _SHORTEST_STEP_S)
            stopping = asyncio.ensure_future(record.service.stop())
            # Not `timeout`: a stop that swallows its cancellation would hold up everybody.
            try:
                await asyncio.wait({stopping}, timeout=limit)
            finally:
                error = _outcome(name, stopping, limit)
            if error is not None:
                self._note(record, error)
            duration_s = asyncio.get_running_loop().time() - started_s
            self._timed("stop", name, duration_s)
            self._log("stop", record, error, duration_s=round(duration_s, 6))
        self._enter(record, afterwards)

    async def _watch(self, name: str) -> None:
        """Wait for a service's work to die, then have it started again."""
        error = await self._records[name].service.failed()
        record = self._records[name]
        record.crashes += 1
        self._count("service_crashes", name)
        self._note(record, error)
        self._log("run", record, error)
        ran_s = asyncio.get_running_loop().time() - record.running_since_s
        if ran_s >= _STEADY_AFTER_S:
            record.crashes_in_a_row = 0
        self._retry_later(name)

    def _retry_later(self, name: str) -> None:
        record = self._records[name]
        if self._is_stopping:
            return
        pause_s = min(self._first_pause_s * 2**record.crashes_in_a_row, _LONGEST_PAUSE_S)
        record.crashes_in_a_row = min(record.crashes_in_a_row + 1, 16)
        self._task(self._retry(name, pause_s), f"retry:{name}")

    async def _retry(self, name: str, pause_s: float) -> None:
        async with self._lock:
            for each in reversed(self._stopped_with(name)):
                afterwards = ServiceState.FAILED if each == name else ServiceState.WAITING
                await self._stop_one(each, self._stop_timeout_s, afterwards)
        await asyncio.sleep(pause_s)
        # Somebody may have restarted it in the meantime.
        if self._records[name].state is ServiceState.FAILED:
            with contextlib.suppress(ServiceError):
                await self._restart(name)

    def _enter(self, record: _Record, state: ServiceState) -> None:
        record.state = state
        record.since_us = self._clock.now_us()
        name = record.service.name
        self._telemetry.metrics.gauge("service_up", {"service": name}).set(
            float(state is ServiceState.RUNNING)
        )
        self._announce(name)

    def _note(self, record: _Record, error: BaseException) -> None:
        # Our own errors say it all; of others the kind matters too.
        ours = isinstance(error, SectorwatchError)
        record.last_error = str(error) if ours else f"{type(error).__name__}: {error}"
        record.last_error_us = self._clock.now_us()

    def _timed(self, operation: str, name: str, duration_s: float) -> None:
        self._telemetry.performance.record_metric(
            operation, name, PerformanceMetric.RESPONSE_TIME, duration_s, "seconds"
        )

    def _count(self, metric: str, name: str) -> None:
        self._telemetry.metrics.counter(metric, {"service": name}).inc()

    def _log(
        self, operation: str, record: _Record, error: BaseException | None, **context: Any
    ) -> None:
        if error is None:
            record.log.log_operation(operation, **context)
        else:
            record.log.log_exception(operation, error, **context)

    def _task(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled():
                # Read, so that asyncio does not report what has been logged already.
                task.exception()

        task.add_done_callback(done)
        return task


def _outcome(name: str, stopping: asyncio.Future[None], limit_s: float) -> BaseException | None:
    if not stopping.done():
        stopping.cancel()
        return ServiceError(f"service {name} did not stop within {limit_s:.2g} s and was left")
    if stopping.cancelled():
        return ServiceError(f"service {name} was interrupted while it stopped")
    return stopping.exception()
