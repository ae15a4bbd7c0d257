"""What recurs: peaks, quiet hours, the week, who carries the work, who follows whom."""

from sectorwatch.forecast.patterns.days import Days, lay_out
from sectorwatch.forecast.patterns.finding import Patterns, PatternsFound, find_patterns
from sectorwatch.forecast.patterns.pattern import Pattern, PatternEvidence, PatternType

__all__ = [
    "Days",
    "Pattern",
    "PatternEvidence",
    "PatternType",
    "Patterns",
    "PatternsFound",
    "find_patterns",
    "lay_out",
]
