"""Health: how each service is."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import Clock, SystemClock, as_datetime
from sectorwatch.observe.enums import HealthState
from sectorwatch.observe.results import HealthStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HealthChecker"]


class HealthChecker:
    """Looks after services."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    async def check_service_health(
        self, service_name: str, health_func: Callable[[], Any]
    ) -> HealthStatus:
        """How one service is now."""
        start = self._clock.monotonic_s()
        state, details = HealthState.HEALTHY, {}
        try:
            answer = health_func()
            if inspect.isawaitable(answer):
                answer = await answer
        except Exception as error:  # noqa: BLE001 - a check that raises is an unhealthy service
            state, details = HealthState.UNHEALTHY, {"error": str(error)}
        return HealthStatus(
            service_name,
            state,
            as_datetime(self._clock.now_us() / 1e6),
            self._clock.monotonic_s() - start,
            0,
            details,
        )

    async def check_all_services(
        self, services: Mapping[str, Callable[[], Any]]
    ) -> dict[str, HealthStatus]:
        """How each of these services is now."""
        return {name: await self.check_service_health(name, f) for name, f in services.items()}
