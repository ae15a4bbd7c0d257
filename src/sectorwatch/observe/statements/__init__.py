"""What is asked of databases: which statements, how often, how long, how often for nothing."""

from __future__ import annotations

from sectorwatch.observe.statements.figures import Loop, Repeats, StatementFigures, StatementUse
from sectorwatch.observe.statements.known import Sample
from sectorwatch.observe.statements.log import StatementLog
from sectorwatch.observe.statements.planning import (
    BatchProof,
    Index,
    IndexProof,
    NotProvenError,
    Plan,
    Planner,
    Scan,
)
from sectorwatch.observe.statements.scope import StatementScope
from sectorwatch.observe.statements.study import StatementStudy, Studied, StudyLimits

__all__ = [
    "BatchProof",
    "Index",
    "IndexProof",
    "Loop",
    "NotProvenError",
    "Plan",
    "Planner",
    "Repeats",
    "Sample",
    "Scan",
    "StatementFigures",
    "StatementLog",
    "StatementScope",
    "StatementStudy",
    "StatementUse",
    "Studied",
    "StudyLimits",
]
