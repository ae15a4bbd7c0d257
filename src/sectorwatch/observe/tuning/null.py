"""The optimizer with nothing behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorwatch.observe.drops import Drops
from sectorwatch.observe.tuning.optimizer import PerformanceOptimizer
from sectorwatch.observe.tuning.trends import Trend, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.results import OptimizationRecommendation
    from sectorwatch.observe.tuning.figures import OperationFigures
    from sectorwatch.observe.tuning.findings import EvidenceSource
    from sectorwatch.observe.tuning.slowdown import Slowdown

__all__ = ["NullOptimizer"]
# ruff: noqa: ARG002, D102 - what they would do with their arguments stands in the real one


class NullOptimizer(PerformanceOptimizer):
    """Looks at nothing, and finds nothing."""

    def __init__(self) -> None:
        self.drops = Drops()
        self.expected_busy = lambda: False

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def look(self) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {}

    def collect(self) -> None:
        pass

    def add_source(self, source: EvidenceSource) -> None:
        pass

    def get_recommendations(
        self,
        service: str | None = None,
        priority: str | None = None,
        status: str | None = None,
    ) -> list[OptimizationRecommendation]:
        return []

    def trend(self, operation: str, service: str, hours: float = 24) -> Trend:
        return Trend(Verdict.TOO_FEW, 0)

    def slowdown(self, operation: str, service: str) -> Slowdown | None:
        return None

    def why_slow(self, labels: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        return "", {}

    def operations(self, hours: float = 24) -> list[tuple[OperationFigures, Trend]]:
        return []
