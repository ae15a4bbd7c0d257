"""A made network: it flies a schedule as a faithful v3 feed with transceivers, controllers too.

Whoever is scored on what it flies must not know how it flies: `traffic` and `forecast` import
nothing of it, and it imports nothing of them. The names here are loaded when first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorwatch.simulator.behaviour import Behaviour
    from sectorwatch.simulator.control import ControlRoom
    from sectorwatch.simulator.gravity import MadeTimetable, made_schedule
    from sectorwatch.simulator.network import Network
    from sectorwatch.simulator.radios import Radios
    from sectorwatch.simulator.schedule import Schedule, read_schedule
    from sectorwatch.simulator.server import NetworkServer
    from sectorwatch.simulator.source import SimulatedSource

__all__ = [
    "Behaviour",
    "ControlRoom",
    "MadeTimetable",
    "Network",
    "NetworkServer",
    "Radios",
    "Schedule",
    "SimulatedSource",
    "made_schedule",
    "read_schedule",
]

_HOMES = {
    "Behaviour": "behaviour",
    "ControlRoom": "control",
    "MadeTimetable": "gravity",
    "Network": "network",
    "NetworkServer": "server",
    "Radios": "radios",
    "Schedule": "schedule",
    "SimulatedSource": "source",
    "made_schedule": "gravity",
    "read_schedule": "schedule",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"{__name__} has no {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
