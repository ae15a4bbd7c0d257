"""Traffic: flights, sector visits, movements, sessions and demand out of snapshots; pure."""

from sectorwatch.traffic.demand import known_minutes
from sectorwatch.traffic.estimates import EntryEstimate, entry_estimates
from sectorwatch.traffic.rules import Rules
from sectorwatch.traffic.tick import Live, Tick
from sectorwatch.traffic.tracker import Tracker

__all__ = [
    "EntryEstimate",
    "Live",
    "Rules",
    "Tick",
    "Tracker",
    "entry_estimates",
    "known_minutes",
]
