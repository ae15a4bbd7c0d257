"""Machine and process left alone: the same faces, and nothing is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.observe.profiling.machine import MachineReading
from sectorwatch.observe.profiling.resources import Resources
from sectorwatch.observe.sampler import SystemSampler

if TYPE_CHECKING:
    import asyncio

__all__ = ["NullResources", "NullSampler"]

# ruff: noqa: D102 - what they would do with their arguments stands in the real ones


class NullResources(Resources):
    """Looks at nothing by itself; a profile that somebody asks for is still taken."""

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        pass

    def look(self) -> MachineReading:
        return MachineReading(0.0, 0.0)

    def pulse(self) -> None:
        pass


class NullSampler(SystemSampler):
    """Never samples."""

    def start(self) -> None:
        pass

    def sample(self) -> None:
        pass
