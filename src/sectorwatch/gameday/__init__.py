"""Gameday: an instance of its own, each fault caused in it for real, and what it noticed.

Nothing here is part of a running product: the instance is a process of its own, and only that
process can be told to break.
"""

from sectorwatch.gameday.outcome import Outcome
from sectorwatch.gameday.playing import Interrupted, play_all
from sectorwatch.gameday.scenario import Scenario
from sectorwatch.gameday.scenarios import SCENARIOS

__all__ = ["SCENARIOS", "Interrupted", "Outcome", "Scenario", "play_all"]
