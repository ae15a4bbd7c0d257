"""A pattern as it is told, and how sure it is."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["LEAST_CONFIDENCE", "Pattern", "PatternEvidence", "PatternType"]

PatternType = Literal[
    "peak_traffic", "quiet_period", "weekly_cycle", "workload_distribution", "sector_correlation"
]
LEAST_CONFIDENCE = 0.8
"""What is less likely to be real than this is not told."""


class PatternEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a pattern rests on; what does not apply is None.

    `occasions` is how often it could have held, `held` how often it did. `value` and `usual` are
    the mean aircraft (or share of the work) of the pattern and of what it is compared with;
    `p_value` is how often chance alone gives as much somewhere in the sector. Hours are local.
    """

    occasions: int
    held: int
    value: float
    usual: float
    p_value: float
    weekday: int | None = None
    from_hour: int | None = None
    to_hour: int | None = None
    other_sector: str | None = None
    lag_min: int | None = None


class Pattern(msgspec.Struct, frozen=True):
    """What recurs in a sector.

    `confidence` is the probability that it is real: 1 less the share of false ones among all
    patterns of its type that are as sure. `historical_frequency` is the share of its occasions on
    which it held. `days` is of how many whole days anything is known of the sector.
    """

    pattern_type: PatternType
    sector_id: int
    sector_name: str
    confidence: float
    historical_frequency: float
    description: str
    evidence: PatternEvidence
    days: int
