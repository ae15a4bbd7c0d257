"""Health: how each service is, was, and what it is held up by."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe.clock import Clock, SystemClock, as_datetime, wall_of
from sectorwatch.observe.enums import HealthState
from sectorwatch.observe.error_analytics import message_of, type_of
from sectorwatch.observe.health_probe import Probe
from sectorwatch.observe.redaction import plain
from sectorwatch.observe.results import HealthStatus

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    from sectorwatch.observe.health_probe import HealthCheck
    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.store import ObserveStore

__all__ = ["HealthChecker"]

_DAY_S = 86_400
_KEPT_S = 7 * _DAY_S
_MOST_HISTORY = 6_000
_MOST_UNSAVED = 10_000
_MOST_DETAILS = 4_000
_MEASURED = {HealthState.HEALTHY: 1.0, HealthState.DEGRADED: 0.5, HealthState.UNHEALTHY: 0.0}


class _Service:
    """What is known of one service."""

    def __init__(self) -> None:
        self.check: HealthCheck | None = None
        self.depends_on: tuple[str, ...] = ()
        self.time_limit_s: float | None = None
        self.own: HealthStatus | None = None
        self.history: deque[HealthStatus] = deque(maxlen=_MOST_HISTORY)
        # Minutes in which checks failed, and how many: exact to the minute, at most a day of them.
        self.failed: deque[list[int]] = deque()
        self.probe = Probe()
        self.first_s: float | None = None
        self.was_well = False


class HealthChecker:
    """Runs health checks with a time limit each, and keeps what came of them.

    A service whose dependency, near or far, is unhealthy is at best degraded, and says by what.
    `metrics` get each service's own state as `service_health`; one that was never well yet is not
    called ill before `starting_s` after it was first looked at: it is starting.
    """

    tables = """
        CREATE TABLE IF NOT EXISTS health_check (
            at_us INTEGER NOT NULL, service TEXT NOT NULL, status TEXT NOT NULL,
            response_s REAL NOT NULL, details TEXT NOT NULL);
        CREATE INDEX IF NOT EXISTS health_check_at ON health_check (at_us);
    """

    def __init__(
        self,
        *,
        time_limit_s: float = 5.0,
        clock: Clock | None = None,
        store: ObserveStore | None = None,
        metrics: MetricsCollector | None = None,
        starting_s: float = 300.0,
    ) -> None:
        self._clock = clock or SystemClock()
        self._now_s = wall_of(self._clock)
        self._time_limit_s = time_limit_s
        self._services: dict[str, _Service] = {}
        self._lock = threading.Lock()
        self._unsaved: deque[HealthStatus] = deque(maxlen=_MOST_UNSAVED)
        self._metrics = metrics
        self._starting_s = starting_s
        if store is not None:
            store.attach(self)

    def register(
        self,
        service: str,
        check: HealthCheck,
        *,
        depends_on: Iterable[str] = (),
        time_limit_s: float | None = None,
    ) -> None:
        """Have `check_all_services` look at a service; a second time replaces its check."""
        with self._lock:
            known = self._services.setdefault(service, _Service())
            known.check = check
            known.depends_on = tuple(depends_on)
            known.time_limit_s = time_limit_s

    def unregister(self, service: str) -> None:
        """Look at a service no more; its history stays."""
        with self._lock:
            if service in self._services:
                self._services[service].check = None

    @property
    def registered(self) -> list[str]:
        """The services with a check, sorted."""
        with self._lock:
            return sorted(name for name, known in self._services.items() if known.check)

    def dependencies(self) -> dict[str, tuple[str, ...]]:
        """What each service depends on directly."""
        with self._lock:
            return {name: known.depends_on for name, known in sorted(self._services.items())}

    async def check_service_health(
        self, service_name: str, health_func: HealthCheck
    ) -> HealthStatus:
        """How one service is now; never raises but when it is cancelled.

        A function that is not async runs in a thread of its own, so that it cannot stop the loop.
        One that takes longer than its time limit is unhealthy, and not begun again while it hangs.
        """
        with self._lock:
            known = self._services.setdefault(service_name, _Service())
        limit_s = self._time_limit_s if known.time_limit_s is None else known.time_limit_s
        begun = self._clock.monotonic_s()
        try:
            state, details = await known.probe.ask(health_func, limit_s)
        except Exception as error:  # noqa: BLE001 - a check that raises is an unhealthy service
            state = HealthState.UNHEALTHY
            details = {"error": message_of(error) or type_of(error), "error_type": type_of(error)}
        return self._keep(service_name, known, state, details, self._clock.monotonic_s() - begun)

    async def check_all_services(
        self, services: Mapping[str, HealthCheck] | None = None
    ) -> dict[str, HealthStatus]:
        """How each of these services is now, by default each one registered; all asked at once."""
        if services is None:
            with self._lock:
                services = {
                    name: known.check for name, known in self._services.items() if known.check
                }
        await asyncio.gather(
            *(self.check_service_health(name, check) for name, check in services.items())
        )
        # Again, for a service may have been looked at before what it depends on.
        return {name: self.status(name) for name in services}

    def status(self, service: str) -> HealthStatus:
        """How a service was when last looked at, its dependencies taken in; `unknown` if never."""
        with self._lock:
            known = self._services.get(service)
            if known is None or known.own is None:
                return HealthStatus(
                    service, HealthState.UNKNOWN, as_datetime(self._now_s()), details={}
                )
            own = replace(known.own, error_count=self._failed_in_a_day(known))
            return self._with_dependencies(own)

    def latest(self, service: str) -> HealthStatus | None:
        """The same as `status`, but None for a service that was never looked at."""
        found = self.status(service)
        return None if found.status is HealthState.UNKNOWN else found

    def statuses(self) -> dict[str, HealthStatus]:
        """How every service that is registered or was ever looked at is, by name."""
        with self._lock:
            names = sorted(
                name for name, known in self._services.items() if known.check or known.own
            )
        return {name: self.status(name) for name in names}

    def unhealthy(self) -> set[str]:
        """The services that were unhealthy by themselves when they were last looked at."""
        with self._lock:
            return {
                name
                for name, known in self._services.items()
                if known.check and known.own and known.own.status is HealthState.UNHEALTHY
            }

    def history(self, service: str, hours: float = 24) -> list[HealthStatus]:
        """What came of the checks of the last hours, oldest first, dependencies not taken in."""
        since = as_datetime(self._now_s() - min(max(hours, 0), _KEPT_S / 3_600) * 3_600)
        with self._lock:
            known = self._services.get(service)
            return [s for s in known.history if s.timestamp >= since] if known else []

    # What follows is the store's: `Part`.

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Take up the checks of an earlier run: history, and the failures of the last day."""
        with self._lock:
            rows = connection.execute(
                "SELECT at_us, service, status, response_s, details FROM health_check"
                " WHERE at_us >= ? ORDER BY at_us",
                ((now_s - _KEPT_S) * 1e6,),
            )
            for at_us, name, state, response_s, details in rows:
                known = self._services.setdefault(name, _Service())
                status = HealthStatus(
                    name,
                    HealthState(state),
                    as_datetime(at_us / 1e6),
                    response_s,
                    0,
                    orjson.loads(details),
                )
                known.history.append(status)
                if status.status is HealthState.UNHEALTHY:
                    self._count_failure(known, at_us / 1e6)

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None]:
        """Write the checks since the last time."""
        del now_s
        with self._lock:
            fresh = list(self._unsaved)
        connection.executemany(
            "INSERT INTO health_check VALUES (?,?,?,?,?)",
            [
                (
                    round(one.timestamp.timestamp() * 1e6),
                    one.service,
                    one.status.value,
                    one.response_time,
                    orjson.dumps(one.details, plain).decode(),
                )
                for one in fresh
            ],
        )

        def committed() -> None:
            with self._lock:
                written = {id(one) for one in fresh}
                while self._unsaved and id(self._unsaved[0]) in written:
                    self._unsaved.popleft()

        return committed

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete checks older than a week."""
        connection.execute("DELETE FROM health_check WHERE at_us < ?", ((now_s - _KEPT_S) * 1e6,))

    def _keep(
        self,
        service: str,
        known: _Service,
        state: HealthState,
        details: Mapping[str, Any],
        took_s: float,
    ) -> HealthStatus:
        now_s = self._now_s()
        details = plain(dict(details))
        if len(orjson.dumps(details)) > _MOST_DETAILS:
            details = {"truncated": True} | {
                key: str(details[key])[:200] for key in list(details)[:10]
            }
        self._measure(service, known, state)
        with self._lock:
            if state is HealthState.UNHEALTHY:
                self._count_failure(known, now_s)
            own = HealthStatus(
                service, state, as_datetime(now_s), took_s, self._failed_in_a_day(known), details
            )
            known.own = own
            known.history.append(own)
            self._unsaved.append(own)
            return self._with_dependencies(own)

    def _measure(self, service: str, known: _Service, state: HealthState) -> None:
        value = _MEASURED.get(state)
        if self._metrics is None or value is None:
            return
        now_s = self._clock.monotonic_s()
        if known.first_s is None:
            known.first_s = now_s
        known.was_well |= value > 0
        if known.was_well or now_s - known.first_s >= self._starting_s:
            self._metrics.gauge("service_health", {"service": service}).set(value)

    def _count_failure(self, known: _Service, at_s: float) -> None:
        minute = int(at_s // 60)
        if known.failed and known.failed[-1][0] == minute:
            known.failed[-1][1] += 1
        else:
            known.failed.append([minute, 1])

    def _failed_in_a_day(self, known: _Service) -> int:
        first = (self._now_s() - _DAY_S) // 60
        while known.failed and known.failed[0][0] < first:
            known.failed.popleft()
        return sum(n for _, n in known.failed)

    def _with_dependencies(self, own: HealthStatus) -> HealthStatus:
        blamed = self._unhealthy_below(own.service)
        if not blamed:
            return own
        state = HealthState.DEGRADED if own.status is HealthState.HEALTHY else own.status
        return replace(own, status=state, details={**own.details, "degraded_by": blamed})

    def _unhealthy_below(self, service: str) -> list[str]:
        """The unhealthy services that this one depends on, near or far, deepest cause included."""
        seen = {service}
        to_look_at = [service]
        found = []
        while to_look_at:
            known = self._services.get(to_look_at.pop())
            for name in known.depends_on if known else ():
                if name not in seen:
                    seen.add(name)
                    to_look_at.append(name)
                    below = self._services.get(name)
                    if below and below.own and below.own.status is HealthState.UNHEALTHY:
                        found.append(name)
        return sorted(found)
