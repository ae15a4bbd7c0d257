"""All settings, and where each came from: the only place that reads the environment.

Defaults give way to `sectorwatch.toml`, that to `SECTORWATCH_*` in the environment, that to the
command line. Secrets may stand in a file that `SECTORWATCH_<NAME>_FILE` names. A name nobody knows
is an error that says the nearest one: a misspelt setting must never be silently ignored.
"""

from __future__ import annotations

from sectorwatch.config.alerting import RuleSetting
from sectorwatch.config.loading import Described, Loaded, describe, load_settings
from sectorwatch.config.observation import Environment
from sectorwatch.config.settings import Settings

__all__ = [
    "Described",
    "Environment",
    "Loaded",
    "RuleSetting",
    "Settings",
    "describe",
    "load_settings",
]
