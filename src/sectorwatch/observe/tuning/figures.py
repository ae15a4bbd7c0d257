"""Every operation of the last hours in figures, by what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.observe.enums import PerformanceMetric
from sectorwatch.observe.performance import metric_name
from sectorwatch.observe.summaries import Summaries

if TYPE_CHECKING:
    from sectorwatch.observe.metrics import MetricsCollector

__all__ = ["OperationFigures", "figures_of"]

_ALL_S = 1 << 40
_MINUTE_S = 60
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class OperationFigures:
    """What one operation came to: times in seconds, shares and rates from 0 to 1.

    `time_share` is its part of the time of all operations together; of operations that hold others
    both count. `busy_share` is the part of the time passed in which it was under way: over 1 where
    several ran at once. `error_rate` is None where nobody counts its errors.
    """

    operation: str
    service: str
    count: int
    total_s: float
    avg_s: float
    median_s: float
    p95_s: float
    max_s: float
    time_share: float
    busy_share: float
    error_rate: float | None
    errors: int


def figures_of(metrics: MetricsCollector, hours: float) -> list[OperationFigures]:
    """All operations that ran in the last `hours`, the dearest first."""
    metrics.fold()
    since_s = (metrics.now_s() - hours * 3_600) // _MINUTE_S * _MINUTE_S
    times, begun_s = _whole(metrics, PerformanceMetric.RESPONSE_TIME, since_s)
    errors, _ = _whole(metrics, PerformanceMetric.ERROR_RATE, since_s)
    # A program that began a minute ago has not been idle for an hour before.
    passed_s = max(metrics.now_s() - begun_s, 1.0)
    all_s = sum(rows.total[0] for rows in times.values()) or 1.0
    found = []
    for (operation, service), rows in times.items():
        count, total_s = int(rows.count[0]), float(rows.total[0])
        median_s, p95_s = rows.quantiles((0.5, 0.95))
        failed = errors.get((operation, service))
        found.append(
            OperationFigures(
                operation=operation,
                service=service,
                count=count,
                total_s=total_s,
                avg_s=total_s / count,
                median_s=median_s,
                p95_s=p95_s,
                max_s=float(rows.high[0]),
                time_share=float(total_s / all_s),
                busy_share=total_s / passed_s,
                error_rate=None if failed is None else float(failed.total[0] / failed.count[0]),
                errors=0 if failed is None else round(float(failed.total[0])),
            )
        )
    return sorted(found, key=lambda one: (-one.total_s, one.service, one.operation))


def _whole(
    metrics: MetricsCollector, kind: PerformanceMetric, since_s: float
) -> tuple[dict[Key, Summaries], float]:
    """One row of everything for each operation that ran, and when the first of them did."""
    ids = {
        id_: (tags["operation"], tags["service"])
        for id_, (tags, _) in metrics.series.ids_of(metric_name(kind)).items()
        if tags.keys() >= {"operation", "service"}
    }
    rows = Summaries.concat(metrics.history.rows(ids, since_s))
    begun_s = float(rows.start_s.min()) if len(rows) else metrics.now_s()
    rows = rows.merged(_ALL_S)
    ends = np.append(0, np.cumsum(rows.sizes))
    found = {
        ids[id_]: rows.part(row, row + 1, ends) for row, id_ in enumerate(rows.series.tolist())
    }
    return found, max(begun_s, since_s)
