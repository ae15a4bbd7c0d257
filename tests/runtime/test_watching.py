"""Why a service is down, for the alert that says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sectorwatch.observe import HealthChecker, HealthState
from sectorwatch.runtime.service import Health, Service, ServiceState
from sectorwatch.runtime.supervisor import Supervisor
from sectorwatch.runtime.watching import why_it_died, why_it_is_down

if TYPE_CHECKING:
    from collections.abc import Callable


class Mortal(Service):
    """A service that dies once it has started, if it is told to, and cannot be started again."""

    name = "mortal"

    def __init__(self, death: Exception | None = None) -> None:
        self._death = death
        self._started = 0

    async def start(self) -> None:
        """Start the first time."""
        self._started += 1
        if self._started > 1:
            raise RuntimeError("it cannot be started again")

    async def stop(self) -> None:
        """Nothing is held."""

    async def health(self) -> Health:
        """Not well."""
        return Health(HealthState.UNHEALTHY, {"error": "the disk is full"})

    async def failed(self) -> BaseException:
        """Die at once, or never."""
        if self._death is None:
            await asyncio.Event().wait()
        assert self._death is not None
        return self._death


def causes(
    service: Service, is_so: Callable[[Supervisor], bool], *, first_pause_s: float = 0.01
) -> tuple[object, object]:
    """Why it died, and why it is down, once something is so."""

    async def scenario() -> tuple[object, object]:
        supervisor, health = Supervisor([service], first_pause_s=first_pause_s), HealthChecker()
        supervisor.register_health(health)
        await supervisor.start()
        async with asyncio.timeout(60):
            while not is_so(supervisor):
                await asyncio.sleep(0.001)
        await health.check_all_services()
        labels = {"service": "mortal"}
        found = why_it_died(supervisor, labels), why_it_is_down(supervisor, health, labels)
        await supervisor.stop()
        return found

    return asyncio.run(scenario())


def test_what_a_service_died_of_is_known_before_its_next_health_check() -> None:
    """The supervisor met it first; that it cannot be started again is the newer reason."""
    service = Mortal(ValueError("it met a feed that it cannot survive"))
    # Long before it is started again.
    died, down = causes(service, lambda each: each.status()[0].crashes > 0, first_pause_s=60)
    assert isinstance(died, tuple)
    assert died[0] == "it died of ValueError: it met a feed that it cannot survive"
    assert died[1]["crashes"] == 1
    assert down == died

    def cannot_start(supervisor: Supervisor) -> bool:
        [status] = supervisor.status()
        return status.state is ServiceState.FAILED and "again" in (status.last_error or "")

    died, _ = causes(Mortal(ValueError("it died")), cannot_start)
    assert isinstance(died, tuple)
    assert "cannot be started again" in died[0]


def test_one_that_runs_is_down_for_what_its_health_check_says() -> None:
    """It died of nothing; a service that nobody knows is no reason to raise."""
    died, down = causes(Mortal(), lambda _: True)
    assert died is None
    assert isinstance(down, tuple)
    assert down[0] == "the disk is full"
    assert why_it_died(Supervisor([]), {"service": "nobody"}) is None
