"""What is asked of databases: which statements, how often, how long, how often for nothing."""

from __future__ import annotations

from sectorwatch.observe.statements.figures import Loop, Repeats, StatementFigures, StatementUse
from sectorwatch.observe.statements.known import Sample
from sectorwatch.observe.statements.log import StatementLog
from sectorwatch.observe.statements.scope import StatementScope

__all__ = [
    "Loop",
    "Repeats",
    "Sample",
    "StatementFigures",
    "StatementLog",
    "StatementScope",
    "StatementUse",
]
