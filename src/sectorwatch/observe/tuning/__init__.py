"""What would make operations better: trends, evidence, recommendations and what came of them."""

from __future__ import annotations

from sectorwatch.observe.tuning.findings import (
    Difficulty,
    Effect,
    EvidenceSource,
    Finding,
    Measure,
    Outcome,
    OutcomeSource,
    Priority,
    RecommendationType,
)
from sectorwatch.observe.tuning.optimizer import PerformanceOptimizer
from sectorwatch.observe.tuning.slowdown import Slowdown
from sectorwatch.observe.tuning.trends import Trend, Verdict

__all__ = [
    "Difficulty",
    "Effect",
    "EvidenceSource",
    "Finding",
    "Measure",
    "Outcome",
    "OutcomeSource",
    "PerformanceOptimizer",
    "Priority",
    "RecommendationType",
    "Slowdown",
    "Trend",
    "Verdict",
]
