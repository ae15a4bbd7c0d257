"""Traffic: flights, sector visits, movements, sessions and demand out of snapshots; pure."""

from sectorwatch.traffic.rules import Rules
from sectorwatch.traffic.tick import Live, Tick
from sectorwatch.traffic.tracker import Tracker

__all__ = ["Live", "Rules", "Tick", "Tracker"]
