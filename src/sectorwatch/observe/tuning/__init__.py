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

__all__ = [
    "Difficulty",
    "Effect",
    "EvidenceSource",
    "Finding",
    "Measure",
    "Outcome",
    "OutcomeSource",
    "Priority",
    "RecommendationType",
]
