"""What a service is: something that starts, stops, says how it is, and may die in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from sectorwatch.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe import HealthState

__all__ = ["Health", "Service", "ServiceState", "ServiceStatus", "end_of"]


class ServiceState(StrEnum):
    """Where a service stands in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"
    """Died, or did not start; it is started again after a pause."""
    WAITING = "waiting"
    """Not running because something that it depends on is not."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a service is, and what a person wants to know about it."""

    status: HealthState
    details: Mapping[str, Any] = field(default_factory=dict)


class Service(Protocol):
    """One part of the program with a life of its own; see `Supervisor`.

    `depends_on` are the services whose insides it holds: it starts after them, is stopped before
    them, and is stopped and started with them when they restart. `uses` are those it asks now and
    then: they order the start too and count for its health, but their restart is none of its.
    """

    name: str
    depends_on: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    async def start(self) -> None:
        """Begin; returns when the service is ready. Raises where it cannot be."""

    async def stop(self) -> None:
        """End, leaving everything in order; called once for each `start`, failed ones too."""

    async def health(self) -> Health:
        """How it is now; may raise, which is unhealthy. Called only while it runs."""
        ...

    async def failed(self) -> BaseException:
        """Wait until its own work dies, and give why; for ever where it has none of its own."""
        await asyncio.Event().wait()
        raise AssertionError  # pragma: no cover - nothing ever sets that event


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A service as `/api/services` shows it; times in microseconds since 1970.

    `restarts` counts those after a crash and those asked for. `last_error` is the last thing that
    went wrong in it, None if nothing has.
    """

    name: str
    state: ServiceState
    since_us: int
    restarts: int
    crashes: int
    last_error: str | None
    last_error_us: int | None
    depends_on: tuple[str, ...]
    uses: tuple[str, ...]
    start_duration_s: float | None


async def end_of(task: asyncio.Task[None] | None, what: str) -> BaseException:
    """Wait until a task of a service ends by itself, and give why; for ever where there is none."""
    if task is None:
        await asyncio.Event().wait()
        raise AssertionError  # pragma: no cover - nothing ever sets that event
    await asyncio.wait({task})
    error = None if task.cancelled() else task.exception()
    return error or ServiceError(f"{what} ended although nobody told it to")
